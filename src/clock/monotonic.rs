//! Owns the newest reading of a clock; never shows an older one.

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::sync::{AtomicU64, Relaxed};

/// A clock whose readings never go back, in any thread: a reading older than the newest one is
/// replaced by the newest.
///
/// Buckets do not need it, since a stale `now` is harmless to them. It is for those who want that a
/// call which begins later never sees an earlier time. What it costs: one more word that all
/// threads share, and whenever time has moved on, an atomic read-modify-write of it. On a hot path
/// that is about the price of the take itself, and with several threads the line moves twice.
///
/// ```
/// use tollgate::clock::{ManualClock, Monotonic, Time};
/// use tollgate::Clock;
///
/// let inner = ManualClock::starting_at(Time::from_nanos(9));
/// let clock = Monotonic::new(&inner);
/// assert_eq!(clock.now(), Time::from_nanos(9));
/// inner.set(Time::from_nanos(4));
/// assert_eq!(clock.now(), Time::from_nanos(9));
/// inner.set(Time::from_nanos(12));
/// assert_eq!(clock.now(), Time::from_nanos(12));
/// ```
#[derive(Debug, Default)]
pub struct Monotonic<C> {
    clock: C,
    newest: AtomicU64,
}

impl<C: Clock> Monotonic<C> {
    /// Wraps a clock.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Monotonic, Time};
    /// use tollgate::Clock;
    /// assert_eq!(Monotonic::new(ManualClock::new()).now(), Time::ZERO);
    /// ```
    pub fn new(clock: C) -> Self {
        Self { clock, newest: AtomicU64::new(0) }
    }

    /// The clock inside.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Monotonic, Time};
    /// use tollgate::Clock;
    ///
    /// let clock = Monotonic::new(ManualClock::new());
    /// clock.clock().set(Time::from_nanos(7));
    /// assert_eq!(clock.now(), Time::from_nanos(7));
    /// ```
    pub fn clock(&self) -> &C {
        &self.clock
    }
}

impl<C: Clock> Clock for Monotonic<C> {
    #[inline]
    fn now(&self) -> Time {
        let read = self.clock.now().as_nanos();
        // ORDERING: Relaxed, both. One word: its modification order is the order of the readings,
        // and coherence lets no thread go back in it. Dies as a load and a store:
        // loom-tests/time.rs, `a_monotonic_clock_never_goes_back`.
        let mut newest = self.newest.load(Relaxed);
        if newest < read {
            newest = self.newest.fetch_max(read, Relaxed).max(read);
        }
        Time::from_nanos(newest)
    }
}
