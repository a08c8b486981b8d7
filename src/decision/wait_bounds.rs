//! Owns how far ahead reservations may reach. Pure: it never touches an atomic or a clock.

use core::time::Duration;

/// The bounds on a bucket's reservations.
///
/// The number of waiters has no bound. A count would make every take write a second word, and a
/// service cares about the longest wait, not about the number of waiters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitBounds<const N: usize> {
    /// The longest wait of a reservation.
    pub(crate) max_wait: Duration,
    /// The largest debt of each stream, in tokens.
    pub(crate) max_debt: [u64; N],
}

impl<const N: usize> WaitBounds<N> {
    pub(crate) const UNBOUNDED: Self = Self { max_wait: Duration::MAX, max_debt: [u64::MAX; N] };
}
