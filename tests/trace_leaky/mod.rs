//! Owns the replay of model `leaky`: a [`LeakyBucket`] whose rate is scaled by a factor, which is
//! set from outside or follows a [`FillTable`].
//!
//! A change of the limit loses less than accrues in a nanosecond at the faster of the two rates
//! ([`MultiBucket::set_limits`](tollgate::MultiBucket::set_limits)), and gains nothing. So the
//! bucket may hold that much less than the recorded one for each change of the factor, until both
//! are empty of what was added; never more. A request that fits there, and not here by no more than
//! that, is counted as a difference, and added all the same. Where the factor stays, everything is
//! exact.

use std::time::Duration;

use serde::Deserialize;
use tollgate::adaptive::FillTable;
use tollgate::clock::{ManualClock, Time};
use tollgate::limit::Ratio;
use tollgate::{LeakyBucket, Limit, Never};

use crate::Tally;
use crate::trace_format::{NANO, Recording};

#[derive(Deserialize, Debug)]
struct Row {
    t: u64,
    #[serde(flatten)]
    call: Call,
    factor: f64,
    available: [f64; 1],
}

#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Call {
    Acquire { amounts: [u64; 1], ok: bool },
    Adjust,
    SetFactor { value: [u64; 2] },
    ResetFactor,
    Wait { amounts: [u64; 1], wait_ns: u64 },
}

struct Leaky<'a> {
    clock: &'a ManualClock,
    bucket: LeakyBucket<&'a ManualClock>,
    /// At a factor of 1.
    limit: Limit,
    table: FillTable,
    bounds: (Ratio, Ratio),
    factor: Ratio,
    /// By how many tokens it may hold less, on account of the changes so far.
    lost: f64,
    /// How exact the recorded levels and waits are.
    tolerance: (f64, Duration),
    differences: u64,
}

pub(crate) fn replay_leaky(recording: &Recording) -> Result<Tally, String> {
    let Recording { file, header, .. } = recording;
    let ([limit], _) = recording.limits::<1>()?;
    let rows = recording.operations::<Row>()?;
    let bound = |[num, den]: [u64; 2]| Ratio::of(num, den);
    let bounds = header.min_factor.and_then(bound).zip(header.max_factor.and_then(bound));
    let bounds = bounds.ok_or_else(|| format!("{file}:1: no bounds of the factor"))?;
    let clock = ManualClock::starting_at(Time::from_nanos(header.t0));
    let make = if header.initial_full { LeakyBucket::empty_with_clock } else { LeakyBucket::full_with_clock };
    let mut leaky = Leaky {
        clock: &clock,
        bucket: make(limit, &clock).map_err(|error| format!("{file}:1: {error}"))?,
        limit,
        table: FillTable::new(limit.capacity, bounds.0, bounds.1),
        bounds,
        factor: Ratio::ONE,
        lost: 0.0,
        tolerance: (header.avail_tol[0], Duration::from_nanos(header.wait_tol_ns)),
        differences: 0,
    };
    for (line, row) in &rows {
        leaky.follow(row).map_err(|what| format!("{file}:{line}: {what}\n  recorded: {row:?}"))?;
    }
    Tally::of(file, rows.len(), &[leaky.differences])
}

impl Leaky<'_> {
    fn follow(&mut self, row: &Row) -> Result<(), String> {
        let now = Time::from_nanos(row.t);
        self.clock.set(now);
        match row.call {
            Call::Acquire { amounts: [n], ok } => self.acquire(n, ok)?,
            Call::Adjust => self.set(self.table.adjusted(self.factor, self.bucket.fill()))?,
            Call::SetFactor { value: [num, den] } => {
                let factor = Ratio::of(num, den).ok_or("malformed: a factor over 0")?;
                self.set(factor.max(self.bounds.0).min(self.bounds.1))?;
            }
            Call::ResetFactor => self.set(Ratio::ONE)?,
            Call::Wait { amounts: [n], wait_ns } => {
                let place = self.bucket.reserve(n).map_err(|refused| refused.to_string())?;
                let (wait, recorded) = (place.remaining(), Duration::from_nanos(wait_ns));
                if wait.unwrap().abs_diff(recorded) > self.tolerance.1 {
                    return Err(format!("waits {wait:?}"));
                }
                self.clock.set(now.after(recorded));
                place.commit();
            }
        }
        // Each step is rounded to 10^-12.
        if (self.factor.to_f64() - row.factor).abs() > 1e-9 * row.factor {
            return Err(format!("has the factor {}", self.factor));
        }
        self.check_level(row.available[0])
    }

    fn acquire(&mut self, n: u64, ok: bool) -> Result<(), String> {
        let room = self.bucket.has_room(n);
        let wait = self.bucket.wait_for(n).unwrap_or(None);
        let added = self.bucket.try_add(n).is_ok();
        if (room.fits(), wait == Some(Duration::ZERO)) != (added, added) {
            return Err(format!("told {room:?} and {wait:?}, and added: {added}"));
        }
        if added == ok {
            return Ok(());
        }
        let missing = wait.unwrap().as_nanos() as f64 * self.per_nano();
        if added || missing > self.lost + self.slack() {
            return Err(format!("decided otherwise; {missing} is missing, and {} may be lost", self.lost));
        }
        self.differences += 1;
        self.bucket.as_tokens().charge([n]).map_err(|refused| refused.to_string())
    }

    fn set(&mut self, factor: Ratio) -> Result<(), String> {
        if factor != self.factor {
            let mut limit = self.limit;
            limit.rate = limit.rate.scaled(factor);
            let before = self.per_nano();
            self.bucket.set_limit(limit).map_err(|error| error.to_string())?;
            self.lost += before.max(self.per_nano());
            self.factor = factor;
        }
        Ok(())
    }

    /// What drains in a nanosecond.
    fn per_nano(&self) -> f64 {
        let rate = self.bucket.limit().rate;
        rate.tokens() as f64 / rate.period().as_nanos() as f64
    }

    /// What is not known of a level: how exact the recording is, and a nanosecond where the rate is
    /// not exact. Levels are compared as floats, which are below 1024.
    fn slack(&self) -> f64 {
        let inexact = self.bucket.limit().precision() != Ok(Duration::ZERO);
        self.tolerance.0 + if inexact { self.per_nano() } else { 0.0 } + 1e-12
    }

    /// The bucket shows its level in whole tokens; the time to the next one tells the fraction, to
    /// what drains in a nanosecond.
    fn check_level(&mut self, recorded: f64) -> Result<(), String> {
        let (capacity, level) = (self.bucket.capacity(), self.bucket.level());
        let whole = capacity.saturating_sub(level);
        if whole != self.bucket.room() {
            return Err(format!("a level of {level} and room for {} are not {capacity}", self.bucket.room()));
        }
        let (least, most) = match self.bucket.wait_for(whole + 1) {
            Err(Never { .. }) => (capacity as f64, capacity as f64),
            Ok(wait) => {
                let least = (whole + 1) as f64 - wait.unwrap().as_nanos() as f64 * self.per_nano();
                (least, least + NANO.as_nanos() as f64 * self.per_nano())
            }
        };
        if recorded < least - self.slack() || recorded > most + self.slack() + self.lost {
            return Err(format!(
                "has room for {least} to {most}, off by {:e}, and {:e} may be lost",
                recorded - least,
                self.lost
            ));
        }
        if recorded == capacity as f64 && whole == capacity {
            self.lost = 0.0;
        }
        Ok(())
    }
}
