//! Owns how far ahead reservations may reach; pure.

use core::time::Duration;

/// The bounds of the queue of a bucket.
///
/// There is none on the number of waiters: to count them, every take would have to write a second
/// word, and what a service can bear is not a number of waiters but how long the last of them
/// waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitBounds<const N: usize> {
    /// The longest wait of a reservation.
    pub(crate) max_wait: Duration,
    /// The most tokens of each stream that may be owed.
    pub(crate) max_debt: [u64; N],
}

impl<const N: usize> WaitBounds<N> {
    pub(crate) const UNBOUNDED: Self = Self { max_wait: Duration::MAX, max_debt: [u64::MAX; N] };
}
