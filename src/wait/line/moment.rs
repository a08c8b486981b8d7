//! Owns what the words and the limits say at one instant. Pure.
//!
//! Places on the line of accrued units are kept relative to what accrued by now, in an `i128`: so
//! a sum of amounts cannot overflow. 0 is what accrued by now; a negative place lies behind it.

use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::meter::Meter;
use crate::wait::line::grace::Grace;

/// The instant that is never reached.
pub(crate) const NEVER: Time = Time::MAX;

/// What the caller of a step read: the clock, the words and the limits that they are counted in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'l, const N: usize> {
    pub(crate) now: Time,
    pub(crate) limits: &'l Limits<N>,
    pub(crate) spent: [u64; N],
}

impl<const N: usize> Moment<'_, N> {
    fn stream(&self, i: usize) -> &Meter {
        &self.limits.streams[i]
    }

    fn accrued(&self, i: usize) -> u64 {
        self.stream(i).refill.at(self.limits.elapsed(self.now))
    }

    /// The place of the word.
    pub(crate) fn place(&self, i: usize) -> i128 {
        self.place_of(i, self.spent[i])
    }

    /// The place of any word.
    pub(crate) fn place_of(&self, i: usize, word: u64) -> i128 {
        i128::from(word.wrapping_sub(self.accrued(i)) as i64)
    }

    /// The word of a place. A place too far ahead counts as the furthest one.
    pub(crate) fn word(&self, i: usize, place: i128) -> u64 {
        self.accrued(i).wrapping_add(place.clamp(-(1 << 62), 1 << 62) as i64 as u64)
    }

    pub(crate) fn capacity(&self, i: usize) -> i128 {
        self.stream(i).ceiling().into()
    }

    /// `tokens` in units.
    pub(crate) fn units(&self, i: usize, tokens: u64) -> i128 {
        i128::from(tokens) * i128::from(self.stream(i).unit())
    }

    /// Whether a debt up to this place is no more than `most` tokens, and can be kept at all.
    pub(crate) fn can_owe(&self, i: usize, place: i128, most: u64) -> bool {
        place <= i128::from(self.stream(i).furthest_debt()).min(self.units(i, most))
    }

    /// The units that may have accrued unused when an amount of `units` is served.
    pub(crate) fn ceiling(&self, i: usize, units: i128, grace: &Grace) -> i128 {
        self.stream(i).ceiling_for(units, grace.late)
    }

    /// Whether the word has `units` to give now.
    pub(crate) fn serves(&self, i: usize, units: i128) -> bool {
        !self.limits.paused_at(self.now) && self.place(i) + units <= 0
    }

    /// The first instant, now or later, at which what accrued reaches `place`.
    pub(crate) fn when(&self, i: usize, place: i128) -> Time {
        let elapsed = self.limits.elapsed(self.now);
        let from = if self.limits.paused_at(self.now) { self.limits.origin } else { self.now };
        if place <= 0 {
            return from;
        }
        if place > 1 << 62 {
            return NEVER;
        }
        match self.stream(i).refill.wait(elapsed, place as u64).map(u64::try_from) {
            Some(Ok(nanos)) => self.limits.at(elapsed).after(Duration::from_nanos(nanos)),
            _ => NEVER,
        }
    }

    /// What will have accrued by then, relative to what accrued by now; 0 for an instant before.
    pub(crate) fn gained(&self, i: usize, at: Time) -> i128 {
        let line = self.stream(i).refill;
        let (from, to) = (self.limits.elapsed(self.now), self.limits.elapsed(at.max(self.now)));
        (line.at_wide(to) - line.at_wide(from)).min(1 << 100) as i128
    }

    /// The words after the first waiter used `amounts` now.
    ///
    /// Its ceiling cuts off what accrued unused beyond it. So the bound holds at use.
    pub(crate) fn debit(&self, amounts: &[u64; N], grace: &Grace) -> [u64; N] {
        core::array::from_fn(|i| match self.units(i, amounts[i]) {
            0 => self.spent[i],
            units => self.word(i, self.place(i).max(-self.ceiling(i, units, grace)) + units),
        })
    }

    /// When the first waiter is served. Its ceiling holds more than its amount, so it matters not.
    pub(crate) fn instant(&self, amounts: &[u64; N]) -> Time {
        let used = (0..N).filter(|i| amounts[*i] > 0);
        let ready = used.map(|i| self.when(i, self.place(i) + self.units(i, amounts[i])));
        ready.max().unwrap_or(self.now)
    }
}
