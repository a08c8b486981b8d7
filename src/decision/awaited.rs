//! Owns what a change of limits leaves to those who wait: what accrued while the first was late.
//! Pure; never an atomic, never a clock.

use crate::decision::meter::Meter;

/// What the first of those who wait for each stream may use, beyond the capacity.
///
/// A change cuts off what overflowed before it. Without this it would cut at the capacity, and then
/// one that waits for more than a lowered capacity would never be served if changes come often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Awaited<const N: usize> {
    /// Tokens that the first waiter of each stream wants; 0 if nobody waits there.
    pub(crate) first: [u64; N],
    /// How late it may come and lose nothing, in nanoseconds.
    pub(crate) grace: u64,
}

impl<const N: usize> Awaited<N> {
    /// Nobody waits.
    pub(crate) const NOTHING: Self = Self { first: [0; N], grace: 0 };

    /// The most units of stream `i` that a change leaves, under its old limit.
    pub(crate) fn most(&self, i: usize, old: &Meter) -> i128 {
        match self.first[i] {
            0 => old.ceiling().into(),
            first => old.ceiling_for(i128::from(first) * i128::from(old.unit()), self.grace),
        }
    }

    /// The most units that a stream begins with under its new limit. What is above the capacity
    /// only the first waiter can use; it is cut off as that comes, and at the next change.
    pub(crate) fn most_after(&self, i: usize, new: &Meter) -> i128 {
        match self.first[i] {
            0 => new.ceiling().into(),
            _ => Meter::MOST_UNITS as i128 - 1,
        }
    }
}
