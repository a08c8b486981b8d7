//! Owns what a bucket is to those who wait. Never waits itself.

use crate::state::store::Waitable;
#[cfg(feature = "std")]
use crate::wait::line::queue::Queue;

/// A bucket that callers can wait on.
pub trait Waits<const N: usize> {
    fn waitable(&self) -> &dyn Waitable<N>;

    #[cfg(feature = "std")]
    fn queueing(&self) -> &dyn Queueing<N>;
}

/// A bucket with a line.
#[cfg(feature = "std")]
pub trait Queueing<const N: usize>: Waitable<N> {
    fn queue(&self) -> &dyn Queue<N>;
}
