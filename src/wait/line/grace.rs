//! Owns how late a waiter may come; pure.

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

impl Default for Grace {
    fn default() -> Self {
        Self::new(10 * Self::MILLISECOND)
    }
}
