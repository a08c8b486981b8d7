//! Owns what a decision saw of one stream, as plain words. What they mean is worked out when
//! somebody asks. It never changes state.

use crate::decision::meter::Meter;
use crate::decision::refill::Refill;

/// The word of a stream, and what it means.
///
/// There is no value that it cannot have: an answer that nobody looks at is then not taken apart,
/// only to tell a grant from a refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) refill: Refill,
    unit: u64,
    ceiling: u64,
    spent: u64,
}

impl Seen {
    #[inline(always)]
    pub(crate) const fn new(meter: &Meter, spent: u64) -> Self {
        Self { refill: meter.refill, unit: meter.unit(), ceiling: meter.ceiling(), spent }
    }

    /// Units that are there; negative in debt.
    pub(crate) const fn level(&self, elapsed: u64) -> i64 {
        let level = self.refill.at(elapsed).wrapping_sub(self.spent) as i64;
        if level > self.ceiling as i64 { self.ceiling as i64 } else { level }
    }

    /// Whole tokens that are there.
    pub(crate) const fn available(&self, elapsed: u64) -> u64 {
        let level = self.level(elapsed);
        if level < 0 { 0 } else { level as u64 / self.unit }
    }

    /// Units that are missing for so many, below 2^63; of none, none is missing.
    pub(crate) const fn missing(&self, elapsed: u64, units: u64) -> u64 {
        let level = self.level(elapsed);
        // Below 2^63 + 2^62, which is more than an `i64` holds.
        if units == 0 || units as i64 <= level { 0 } else { units.wrapping_sub(level as u64) }
    }

    /// Nanoseconds until so many units more have accrued than are there; `None` for never.
    pub(crate) const fn wait(&self, elapsed: u64, units: u64) -> Option<u128> {
        self.refill.wait(elapsed, self.missing(elapsed, units))
    }

    /// Nanoseconds until it is full; `None` for never.
    pub(crate) const fn full_in(&self, elapsed: u64) -> Option<u128> {
        self.wait(elapsed, self.ceiling)
    }
}
