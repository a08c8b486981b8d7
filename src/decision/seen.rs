//! Owns what a decision saw of one stream, as plain words. What they mean is worked out when
//! somebody asks. It never changes state.

use core::time::Duration;

use crate::decision::meter::Meter;
use crate::decision::refill::{self, Refill};

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
        match self.level(elapsed) {
            ..0 => 0,
            // Without a limit a token is worth nothing.
            level => match (level as u64).checked_div(self.unit) {
                Some(tokens) => tokens,
                None => u64::MAX,
            },
        }
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

    /// The time until it is full, where nothing refills for so many nanoseconds, `u64::MAX` if
    /// nobody knows; `None` if nobody knows, or for never.
    pub(crate) fn full_after(&self, elapsed: u64, ahead: u64) -> Option<Duration> {
        match (self.wait(elapsed, self.ceiling)?, ahead) {
            (0, _) => Some(Duration::ZERO),
            (_, u64::MAX) => None,
            (wait, ahead) => Some(refill::duration(wait + ahead as u128)),
        }
    }
}
