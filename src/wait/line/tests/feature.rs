//! Owns what may happen in a run, and the numbers that it is drawn from.

/// What happens in a run; each with probability one half, or as a test names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Feature {
    Takers,
    /// Takers that read `until` a while before they take.
    Inside,
    /// Waiters leave.
    Leave,
    /// Polls come up to J late.
    Late,
    /// Nothing runs for a while, then everything at once.
    Stall,
    /// Waiters are not polled, for a while or ever.
    Deaf,
    PutBack,
    Charge,
    Limits,
    Pause,
    /// Amounts above the capacity.
    Oversized,
    Deadline,
    /// Readings are up to 3 ns old.
    Stale,
    Reserve,
    /// Waiters are polled by chance.
    Stray,
    /// Compare-and-swaps fail.
    Lost,
    /// Rates that are not exact.
    Inexact,
}

use Feature::*;

pub(super) const ALL: [Feature; 17] = [
    Takers, Inside, Leave, Late, Stall, Deaf, PutBack, Charge, Limits, Pause, Oversized, Deadline, Stale, Reserve,
    Stray, Lost, Inexact,
];

#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// From `low` to `high`, both included.
    pub(super) fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    pub(super) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.range(0, all.len() as u64 - 1) as usize]
    }

    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.next() % 100 < chance
    }
}
