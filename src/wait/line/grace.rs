//! Owns how late a waiter may come; pure.

use core::time::Duration;

/// How late is still in time, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Grace {
    /// J: a waiter that comes this late loses no tokens, and the bound grows by what accrues in it.
    pub(crate) late: u64,
    /// D: a waiter that has not come this long after a call counts as deaf.
    pub(crate) deaf: u64,
    /// A waiter that is not first is told of an earlier instant only if it gains more than this.
    pub(crate) slack: u64,
}

impl Grace {
    const MILLISECOND: u64 = 1_000_000;

    /// For a grace of `late` nanoseconds.
    ///
    /// D is never less than ten milliseconds. Otherwise a timer that fires a millisecond late
    /// would let every taker overtake.
    pub(crate) const fn new(late: u64) -> Self {
        let least = 10 * Self::MILLISECOND;
        Self { late, deaf: if late > least { late } else { least }, slack: 1000 * Self::MILLISECOND }
    }
}

impl Grace {
    /// A minute is the longest: those who wait are called after it.
    const LONGEST: u64 = 60_000 * Self::MILLISECOND;

    /// For a grace as it is set.
    pub(crate) fn of(grace: Duration) -> Self {
        Self::new(u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX).min(Self::LONGEST))
    }
}

impl Default for Grace {
    fn default() -> Self {
        Self::new(10 * Self::MILLISECOND)
    }
}
