//! Owns the newest reading of a clock. It never returns an older one.

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::sync::{AtomicU64, Relaxed, const_fn};

/// A clock whose readings never go back, in any thread.
///
/// It replaces a reading older than the newest one by the newest.
///
/// Buckets do not need it: a stale `now` can only be refused. Use it if a call that begins later
/// must never see an earlier time.
///
/// After a step back it stands until the clock has made up for all of it: for an hour after a step
/// back by an hour. [`Recovering`](crate::clock::Recovering) goes on after a second.
///
/// It has no [rough](Clock::rough) reading, whatever the clock inside: that would show earlier
/// times than others have seen.
///
/// It costs one more word that all threads share. Each call that sees a newer time does an atomic
/// read-modify-write on that word. On a hot path that is about the cost of the take itself. With
/// several threads, two cache lines then move between cores.
///
/// ```
/// use tollgate::Clock;
/// use tollgate::clock::{ManualClock, Monotonic, Time};
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
    const_fn! {
        /// Wraps `clock`.
        ///
        /// ```
        /// use tollgate::Clock;
        /// use tollgate::clock::{ManualClock, Monotonic, Time};
        /// assert_eq!(Monotonic::new(ManualClock::new()).now(), Time::ZERO);
        /// ```
        pub const fn new(clock: C) -> Self {
            Self { clock, newest: AtomicU64::new(0) }
        }
    }

    /// Returns the wrapped clock.
    ///
    /// ```
    /// use tollgate::Clock;
    /// use tollgate::clock::{ManualClock, Monotonic, Time};
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
        // ORDERING: Relaxed, both. Partner is this update in other threads. There is one word: its
        // modification order is the order of the readings, and coherence lets no thread go back in
        // it. Dies as a load and a store: loom-tests/time.rs, `a_monotonic_clock_never_goes_back`.
        let mut newest = self.newest.load(Relaxed);
        if newest < read {
            newest = self.newest.fetch_max(read, Relaxed).max(read);
        }
        Time::from_nanos(newest)
    }
}
