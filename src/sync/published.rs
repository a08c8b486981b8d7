//! Owns one number that a thread publishes for the whole process. It orders nothing.
//!
//! It is the machine's atomic on all faces: no model has a clock of the machine in it.

#[cfg(tollgate_freeze)]
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
#[cfg(not(tollgate_freeze))]
use portable_atomic::{AtomicU64, Ordering::Relaxed};

/// A number that is 0 until it is first published.
#[derive(Debug)]
pub(crate) struct Published(AtomicU64);

impl Published {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> u64 {
        // ORDERING: Relaxed. A number alone. One thread sees it in the order in which it was
        // published, and that is all. Dies if it is not read: tests/recent_clock.rs,
        // `with_an_upkeep_it_goes_on_and_after_it_the_time_stands_and_mints_nothing`.
        self.0.load(Relaxed)
    }

    pub(crate) fn set(&self, number: u64) {
        // ORDERING: Relaxed, as in `get`, which names the test.
        self.0.store(number, Relaxed);
    }
}
