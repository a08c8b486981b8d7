//! Owns what a bucket is limited to from one change of its limits to the next, and how one follows
//! the other. Pure; never an atomic, never a clock.

use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::inherit::Inherit;
use crate::decision::limits::Limits;
use crate::decision::refill;
use crate::decision::succession::{Levels, Succession};

/// The bits of a number below those that name the lineage.
///
/// Revisions of one lineage follow one another. A key that moves between tiers, or gets limits of
/// its own, moves to another lineage; a single bucket has one.
pub(crate) const LINEAGE: u32 = 48;

/// The limits between two changes, and where they begin on the line of all tokens that ever
/// accrued.
///
/// A revision is counted from the instant of its change: at that instant its lines are at 0. One
/// that pauses the bucket is counted from the end of the pause, which lies ahead: until then its
/// lines stay at 0, and its limits are paused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Revision<const N: usize> {
    pub(crate) limits: Limits<N>,
    /// How many changes there were before it.
    pub(crate) number: u64,
    /// The instant of the change that these limits, or the pause, came with. No later change counts
    /// from before it.
    pub(crate) began: Time,
    /// The number of the revision that began the pause which lasts until the origin of the limits;
    /// 0 if that is no end of a pause.
    pub(crate) pause: u64,
    /// Tokens of each stream that accrued from the construction of the bucket to the origin of the
    /// limits, in 2^-64, modulo 2^128.
    pub(crate) accrued: [u128; N],
    /// The largest capacity that each stream had since the construction, or since its last reset by
    /// a change. A policy adds tokens only where the capacity grows beyond it.
    pub(crate) highest: [u64; N],
}

impl<const N: usize> Revision<N> {
    /// The limits that a bucket is built with.
    pub(crate) fn first(limits: Limits<N>) -> Self {
        let highest = limits.capacities();
        Self { began: limits.origin, limits, number: 0, pause: 0, accrued: [0; N], highest }
    }

    /// When a change at `now` is: a reading from before the last change counts as that.
    pub(crate) fn instant(&self, now: Time) -> Time {
        now.max(self.began)
    }

    /// What follows if the limits change at `now` to `limits`, whatever those are counted from. A
    /// pause stays.
    ///
    /// The past is settled first, at the old rate and capped by the old capacity. A `now` before
    /// the last change counts as that.
    pub(crate) fn succeeded(&self, limits: &Limits<N>, now: Time, inherit: Inherit) -> Succession<N> {
        let elapsed = self.limits.elapsed(now);
        let origin = self.limits.at(elapsed);
        let (paused, pause) = if self.limits.paused_at(now) { (true, self.pause) } else { (false, 0) };
        let limits = limits.following(&self.limits).from(origin, paused);
        Succession::new(self, self.followed(limits, self.instant(now), pause, elapsed), elapsed, Some(inherit))
    }

    /// What follows if the bucket is paused at `now` and until then; `None` if that changes
    /// nothing, as it is over already, or within a pause.
    ///
    /// The limits stay, so no word is rounded, and every debt fits.
    pub(crate) fn paused(&self, until: Time, now: Time) -> Option<Succession<N>> {
        let elapsed = self.limits.elapsed(now);
        let instant = self.limits.at(elapsed);
        if until <= instant {
            return None;
        }
        let pause = if self.limits.paused_at(now) { self.pause } else { self.number.wrapping_add(1) };
        let next = self.followed(self.limits.from(until, true), self.instant(now), pause, elapsed);
        Some(Succession::new(self, next, elapsed, None))
    }

    /// What follows if a pause ends at `now`; `None` if there is none.
    pub(crate) fn resumed(&self, now: Time) -> Option<Succession<N>> {
        if !self.limits.paused_at(now) {
            return None;
        }
        let origin = self.instant(now);
        let next = self.followed(self.limits.from(origin, false), origin, 0, 0);
        Some(Succession::new(self, next, 0, None))
    }

    /// What follows if the bucket is put at `now` into a state that it had elsewhere: it has these
    /// levels, in units of these limits, and is paused for so many nanoseconds, `u64::MAX` for
    /// until it is resumed. The limits stay.
    pub(crate) fn restored(&self, levels: Levels<N>, pause: u64, now: Time) -> Succession<N> {
        let (elapsed, instant) = (self.limits.elapsed(now), self.instant(now));
        let (origin, pause) = match pause {
            0 => (instant, 0),
            left => (instant.after(Duration::from_nanos(left)), self.number.wrapping_add(1)),
        };
        let next = self.followed(self.limits.from(origin, pause > 0), instant, pause, elapsed);
        Succession::new(self, next, elapsed, Some(Inherit::Reset)).restoring(levels)
    }

    fn followed(&self, limits: Limits<N>, began: Time, pause: u64, elapsed: u64) -> Self {
        let old = &self.limits.streams;
        let accrued = core::array::from_fn(|i| self.accrued[i].wrapping_add(old[i].tokens_at(elapsed)));
        Self { limits, number: self.number.wrapping_add(1), began, pause, accrued, highest: self.highest }
    }

    /// The instant at which a reservation that was ready at `ready_at` under revision `made` is
    /// ready under this one, a later one.
    ///
    /// A reservation of another lineage keeps its instant.
    pub(crate) fn ready_at(&self, made: u64, ready_at: Time, places: &[u128; N], amounts: &[u64; N]) -> Time {
        if made >> LINEAGE != self.number >> LINEAGE {
            return ready_at;
        }
        let wait = self.wait_for(places, amounts);
        if wait > 0 {
            return self.limits.at(0).after(refill::duration(wait));
        }
        // The tokens were there before these limits were. A reservation that was made in a pause
        // waits for the end of that all the same; any other was ready before, and when exactly,
        // matters to nobody any more.
        if self.limits.is_paused() && made >= self.pause { self.limits.origin } else { self.began.min(ready_at) }
    }

    /// Where on the line of all tokens each stream ends that has reached `ends` for a decision at
    /// `now`.
    pub(crate) fn places(&self, ends: &[u64; N], now: Time) -> [u128; N] {
        let elapsed = self.limits.elapsed(now);
        core::array::from_fn(|i| self.accrued[i].wrapping_add(self.limits.streams[i].tokens_until(ends[i], elapsed)))
    }

    /// Nanoseconds from the origin of these limits until those streams of which there are `amounts`
    /// reach `places`; `u128::MAX` for never.
    fn wait_for(&self, places: &[u128; N], amounts: &[u64; N]) -> u128 {
        let wait = |i: usize| self.limits.streams[i].wait_from_start(places[i].wrapping_sub(self.accrued[i]));
        (0..N).filter(|i| amounts[*i] > 0).map(|i| wait(i).unwrap_or(u128::MAX)).max().unwrap_or(0)
    }
}
