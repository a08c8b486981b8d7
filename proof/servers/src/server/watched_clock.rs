//! Owns a clock that remembers what it showed a thread first. Never decides.

use std::cell::Cell;

use tollgate::Clock;
use tollgate::clock::{DefaultClock, Time};

thread_local! {
    static FIRST: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The default clock. A decision that a thread has made was made on a reading since it was told to
/// forget, or on a later one: limits read the clock again where they wait for a lock.
#[derive(Debug, Default)]
pub(super) struct WatchedClock(DefaultClock);

impl WatchedClock {
    /// Begins a decision on this thread.
    pub(super) fn forget() {
        FIRST.set(None);
    }

    /// The nanoseconds that any of these clocks showed this thread first since it forgot.
    pub(super) fn first() -> Option<u64> {
        FIRST.get()
    }
}

impl Clock for WatchedClock {
    fn now(&self) -> Time {
        let now = self.0.now();
        if FIRST.get().is_none() {
            FIRST.set(Some(now.as_nanos()));
        }
        now
    }
}
