//! Owns how far ahead reservations may reach, and how late those who wait may come. Pure: it never
//! touches an atomic or a clock.

use core::time::Duration;

/// The bounds on a bucket's waits and reservations.
///
/// The number of waiters has no bound. A count would make every take write a second word, and a
/// service cares about the longest wait, not about the number of waiters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitBounds<const N: usize> {
    /// The longest wait of a reservation.
    pub(crate) max_wait: Duration,
    /// The largest debt of each stream, in tokens.
    pub(crate) max_debt: [u64; N],
    /// How late a waiter may come to its instant and lose nothing.
    pub(crate) grace: Duration,
}

impl<const N: usize> WaitBounds<N> {
    pub(crate) const UNBOUNDED: Self =
        Self { max_wait: Duration::MAX, max_debt: [u64::MAX; N], grace: Duration::from_millis(10) };
}
