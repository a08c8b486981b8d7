//! Owns the replay of models `wait` and `double_credit`: one caller who waits, in buckets of one
//! stream.

use std::time::Duration;

use serde::Deserialize;
use tollgate::clock::{ManualClock, Time};
use tollgate::{Limit, MultiBucket, Never, Refused, Reservation, TokenBucket};

use crate::Tally;
use crate::trace_format::{Measure, Recording};

/// The verbs of waiting, of a bucket that reads the clock which the replay moves.
pub(crate) trait Waiting {
    fn reserve(&self, n: u64, max_wait: Duration) -> Result<Reservation<'_>, Refused>;
    fn reserve_oversized(&self, n: u64) -> Result<Reservation<'_>, Refused>;
    fn try_take(&self, n: u64) -> Result<(), Refused>;
    fn put_back(&self, n: u64);
    fn reset_at(&self, now: Time, tokens: u64);
    fn available(&self) -> u64;
    fn wait_for(&self, n: u64) -> Result<Option<Duration>, Never>;
}

impl Waiting for TokenBucket<&ManualClock> {
    fn reserve(&self, n: u64, max_wait: Duration) -> Result<Reservation<'_>, Refused> {
        self.reserve_within(n, max_wait)
    }

    fn reserve_oversized(&self, n: u64) -> Result<Reservation<'_>, Refused> {
        Self::reserve_oversized(self, n)
    }

    fn try_take(&self, n: u64) -> Result<(), Refused> {
        Self::try_take(self, n).map(drop)
    }

    fn put_back(&self, n: u64) {
        Self::put_back(self, n);
    }

    fn reset_at(&self, now: Time, tokens: u64) {
        self.at(now).reset(tokens);
    }

    fn available(&self) -> u64 {
        Self::available(self)
    }

    fn wait_for(&self, n: u64) -> Result<Option<Duration>, Never> {
        Self::wait_for(self, n)
    }
}

impl Waiting for MultiBucket<1, &ManualClock> {
    fn reserve(&self, n: u64, max_wait: Duration) -> Result<Reservation<'_>, Refused> {
        self.reserve_within([n], max_wait)
    }

    fn reserve_oversized(&self, n: u64) -> Result<Reservation<'_>, Refused> {
        Self::reserve_oversized(self, [n])
    }

    fn try_take(&self, n: u64) -> Result<(), Refused> {
        Self::try_take(self, [n]).map(drop)
    }

    fn put_back(&self, n: u64) {
        Self::put_back(self, [n]);
    }

    fn reset_at(&self, now: Time, tokens: u64) {
        self.at(now).reset([tokens]);
    }

    fn available(&self) -> u64 {
        let [available] = Self::available(self);
        available
    }

    fn wait_for(&self, n: u64) -> Result<Option<Duration>, Never> {
        Self::wait_for(self, [n])
    }
}

/// Runs a replay with a bucket of each kind, at the instant at which the recorded one was created.
pub(crate) fn with_each(
    limit: Limit,
    t0: Time,
    mut replay: impl FnMut(&ManualClock, &dyn Waiting) -> Result<u64, String>,
) -> Result<Vec<u64>, String> {
    let clock = ManualClock::starting_at(t0);
    let single = replay(&clock, &TokenBucket::with_clock(limit, &clock).unwrap())?;
    clock.set(t0);
    let multi = replay(&clock, &MultiBucket::with_clock([limit], &clock).unwrap())?;
    Ok(vec![single, multi])
}

/// A file of model `wait` or `double_credit`.
struct Wait {
    file: String,
    t0: Time,
    limit: Limit,
    measure: Measure,
    /// How exact the recorded waits are.
    tolerance: Duration,
    over_capacity_waits: bool,
    rows: Vec<(usize, Row)>,
}

#[derive(Deserialize, Debug)]
struct Row {
    t: u64,
    #[serde(flatten)]
    call: Call,
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    wait_ns: u64,
    available: [f64; 1],
}

#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Call {
    Acquire { amounts: [u64; 1] },
    TryTake { amounts: [u64; 1] },
    CapacityInfo { amounts: [u64; 1], needed: f64 },
    Reconcile { actual: u64, estimated: u64 },
}

impl Wait {
    fn read(recording: &Recording) -> Result<Self, String> {
        let Recording { file, header, .. } = recording;
        let ([limit], [measure]) = recording.limits()?;
        Ok(Self {
            file: file.clone(),
            t0: Time::from_nanos(header.t0),
            limit,
            measure,
            tolerance: Duration::from_nanos(header.wait_tol_ns),
            over_capacity_waits: header.over_capacity_waits || header.quirk.is_some(),
            rows: recording.operations()?,
        })
    }

    /// Whether all of it is exact, here and in the recording.
    fn is_exact(&self) -> bool {
        self.tolerance.is_zero() && self.measure.uncertainty() == 0
    }

    /// Blocks as the recorded caller did: how long, or `None` if that is never.
    fn acquire(&self, clock: &ManualClock, now: Time, bucket: &dyn Waiting, n: u64) -> Option<Duration> {
        let place = if self.over_capacity_waits {
            bucket.reserve_oversized(n).ok()?
        } else {
            bucket.reserve(n, Duration::MAX).ok()?
        };
        let wait = place.remaining();
        clock.set(now.after(wait.unwrap()));
        assert!(place.remaining().unwrap().is_zero());
        place.commit();
        Some(wait.unwrap())
    }

    fn agree(&self, clock: &ManualClock, bucket: &dyn Waiting) -> Result<u64, String> {
        let mut differences = 0;
        let mut end = self.t0;
        for (line, row) in &self.rows {
            let fails = |what: String| format!("{}:{line}: {what}\n  recorded: {row:?}", self.file);
            let now = Time::from_nanos(row.t);
            if now < end {
                return Err(fails(format!("begins before the last one has ended at {end:?}")));
            }
            clock.set(now);
            end = now;
            let recorded = match row.error.as_str() {
                "" => Some(Duration::from_nanos(row.wait_ns)),
                "over_capacity" => None,
                _ => return Err(fails("malformed: an unknown error".into())),
            };
            let waited = match row.call {
                Call::Acquire { amounts: [n] } => self.acquire(clock, now, bucket, n),
                Call::Reconcile { actual, estimated } if actual > estimated => {
                    self.acquire(clock, now, bucket, actual - estimated)
                }
                Call::Reconcile { actual, estimated } => {
                    bucket.put_back(estimated - actual);
                    Some(Duration::ZERO)
                }
                Call::TryTake { amounts: [n] } => {
                    if bucket.try_take(n).is_ok() != row.ok {
                        return Err(fails("decided otherwise".into()));
                    }
                    recorded
                }
                Call::CapacityInfo { amounts: [n], needed } => {
                    let wait = bucket.wait_for(n);
                    if (wait == Ok(Some(Duration::ZERO))) != row.ok {
                        return Err(fails(format!("told {wait:?}")));
                    }
                    let [available] = row.available;
                    if (needed - (n as f64 - available)).abs() * self.measure.scale.token as f64
                        > 1.0 + self.measure.tolerance as f64
                    {
                        return Err(fails("malformed: what is needed is not what is available".into()));
                    }
                    recorded
                }
            };
            let (Some(waited), Some(recorded)) = (waited, recorded) else {
                if waited != recorded {
                    return Err(fails(format!("waits {waited:?}")));
                }
                self.check_level(row, Duration::ZERO, bucket).map_err(fails)?;
                continue;
            };
            let off = waited.abs_diff(recorded);
            if off > self.tolerance + self.measure.slop {
                return Err(fails(format!("waits {waited:?}")));
            }
            differences += u64::from(off > self.tolerance);
            end = now.after(waited.max(recorded));
            clock.set(end);
            self.check_level(row, off, bucket).map_err(fails)?;
            // The recorded one takes when the wait is over. If it takes all, it is full by then,
            // and forfeits what accrues in the rounding of the wait, which here was reserved and is
            // kept: a nanosecond, which would stay.
            if !self.is_exact() && !recorded.is_zero() && bucket.available() == 0 && row.available == [0.0] {
                bucket.reset_at(now.after(recorded), 0);
            }
        }
        Ok(differences)
    }

    /// The bucket shows its level in whole tokens; the time to the next one tells the fraction, to
    /// what accrues in a nanosecond.
    fn check_level(&self, row: &Row, off: Duration, bucket: &dyn Waiting) -> Result<(), String> {
        let scale = self.measure.scale;
        let whole = bucket.available();
        let (least, most) = match bucket.wait_for(whole + 1) {
            Err(Never { capacity, .. }) => (scale.tokens(capacity), scale.tokens(capacity)),
            Ok(wait) => {
                let least = scale.tokens(whole + 1) - scale.nano * wait.unwrap().as_nanos() as i128;
                (least, least + scale.nano - 1)
            }
        };
        let recorded = scale.level(row.available[0]);
        // Of two waits, one of which is longer, the level at the end of that one is compared with
        // the other's.
        let slack = self.measure.uncertainty() + scale.nano * off.as_nanos() as i128;
        let holds = recorded + slack >= least && recorded - slack <= most;
        let told = || {
            let of_nanos = (least - recorded) as f64 / scale.nano as f64;
            format!("holds {least} to {most}, not {recorded} (1/{} of a token): off by {of_nanos} ns", scale.token)
        };
        if holds { Ok(()) } else { Err(told()) }
    }
}

pub(crate) fn replay_wait(recording: &Recording) -> Result<Tally, String> {
    let wait = Wait::read(recording)?;
    let differences = with_each(wait.limit, wait.t0, |clock, bucket| wait.agree(clock, bucket))?;
    Tally::of(&wait.file, wait.rows.len(), &differences)
}

/// The bucket of the recording in exact arithmetic, without the defect: a level at an instant.
struct Exact<'w> {
    wait: &'w Wait,
    level: i128,
    at: Time,
}

impl<'w> Exact<'w> {
    fn new(wait: &'w Wait) -> Self {
        let full = wait.measure.scale.tokens(wait.limit.capacity);
        Self { wait, level: if wait.limit.starts_full { full } else { 0 }, at: wait.t0 }
    }

    fn advance(&mut self, to: Time) {
        let scale = self.wait.measure.scale;
        let accrued = scale.nano * to.since(self.at).as_nanos() as i128;
        self.level = (self.level + accrued).min(scale.tokens(self.wait.limit.capacity));
        self.at = to;
    }

    /// Takes `n` tokens as soon as they have accrued, and says how long that took.
    fn acquire(&mut self, n: u64) -> Duration {
        let scale = self.wait.measure.scale;
        let missing = scale.tokens(n) - self.level;
        let wait = Duration::from_nanos(scale.wait(missing) as u64);
        self.level = scale.nano * wait.as_nanos() as i128 - missing;
        self.at = self.at.after(wait);
        wait
    }
}

/// Time that was waited is credited twice in these recordings. It is not here:
///
/// - Our bucket, asked the same, agrees throughout with the exact model, which lacks the defect.
/// - Wherever the recorded one goes on from its own state otherwise than a bucket without the
///   defect, it has waited for less or has more left.
pub(crate) fn replay_double_credit(recording: &Recording) -> Result<Tally, String> {
    let wait = Wait::read(recording)?;
    if !wait.is_exact() {
        return Err(format!("{}:1: not exact", wait.file));
    }
    let differences = with_each(wait.limit, wait.t0, |clock, bucket| wait.agree_with_exact(clock, bucket))?;
    let tally = Tally::of(&wait.file, wait.rows.len(), &differences)?;
    // A level with a fraction is set by a whole one at an earlier time, which may be before the
    // recording begins.
    let long_before = Time::ZERO;
    let (shift, mut defects) = (Duration::from_secs(1 << 32), Vec::new());
    with_each(wait.limit, long_before, |clock, bucket| {
        defects.push(wait.over_credited(shift, clock, bucket)?);
        Ok(0)
    })?;
    if defects.iter().any(|count| *count == 0 || *count != defects[0]) {
        return Err(format!("{}:1: over-credited operations: {defects:?}", wait.file));
    }
    Ok(Tally { defects: defects[0], ..tally })
}

impl Wait {
    fn acquired(&self, line: usize, row: &Row) -> Result<u64, String> {
        match row.call {
            Call::Acquire { amounts: [n] } if row.ok => Ok(n),
            _ => Err(format!("{}:{line}: malformed: not an acquire that ends", self.file)),
        }
    }

    /// The caller's next request comes when it came in the recording, or when this wait is over,
    /// whichever is later.
    fn agree_with_exact(&self, clock: &ManualClock, bucket: &dyn Waiting) -> Result<u64, String> {
        let mut exact = Exact::new(self);
        for (line, row) in &self.rows {
            let n = self.acquired(*line, row)?;
            exact.advance(exact.at.max(Time::from_nanos(row.t)));
            clock.set(exact.at);
            let (waited, told) = (self.acquire(clock, exact.at, bucket, n), exact.acquire(n));
            let same = waited == Some(told) && self.holds(bucket, exact.level);
            if !same {
                return Err(format!("{}:{line}: waits {waited:?}, not {told:?}; or holds another level", self.file));
            }
        }
        Ok(0)
    }

    /// How many of the recorded operations credited more than there was, each from the state that
    /// the one before it left.
    fn over_credited(&self, shift: Duration, clock: &ManualClock, bucket: &dyn Waiting) -> Result<u64, String> {
        let scale = self.measure.scale;
        let mut defects = 0;
        let mut exact = Exact::new(self);
        for (line, row) in &self.rows {
            let n = self.acquired(*line, row)?;
            // Brings the bucket to where the recorded one was.
            let fraction = Duration::from_nanos((exact.level % scale.token / scale.nano) as u64);
            let earlier = Time::from_nanos(exact.at.after(shift).since(Time::ZERO.after(fraction)).as_nanos() as u64);
            bucket.reset_at(earlier, (exact.level / scale.token) as u64);
            exact.advance(Time::from_nanos(row.t));
            clock.set(exact.at.after(shift));
            if !self.holds(bucket, exact.level) {
                return Err(format!("{}:{line}: not brought to {}", self.file, exact.level));
            }
            let (waited, told) = (self.acquire(clock, exact.at.after(shift), bucket, n), exact.acquire(n));
            let (recorded, left) = (Duration::from_nanos(row.wait_ns), scale.level(row.available[0]));
            if waited != Some(told) || !self.holds(bucket, exact.level) {
                return Err(format!("{}:{line}: waits {waited:?}, not {told:?}; or holds another level", self.file));
            }
            if recorded > told || left < exact.level {
                return Err(format!("{}:{line}: the recorded one was credited less: {row:?}", self.file));
            }
            defects += u64::from(recorded < told || left > exact.level);
            exact = Exact { wait: self, level: left, at: Time::from_nanos(row.t).after(recorded) };
        }
        Ok(defects)
    }

    /// Whether this is the level, to what accrues in a nanosecond.
    fn holds(&self, bucket: &dyn Waiting, level: i128) -> bool {
        let scale = self.measure.scale;
        let whole = bucket.available();
        let next = bucket.wait_for(whole + 1).map(|wait| wait.unwrap().as_nanos());
        i128::from(whole) == level / scale.token
            && next.map_or(whole == self.limit.capacity, |wait| wait == scale.wait(scale.tokens(whole + 1) - level))
    }
}
