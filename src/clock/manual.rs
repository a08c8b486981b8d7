//! Owns a clock that the program moves. It never moves by itself.

use core::time::Duration;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::sync::{AtomicU64, Relaxed, const_fn};

/// A clock that the program moves.
///
/// It serves tests, simulations, and programs with their own source of time, such as a timer
/// interrupt.
///
/// It may be set back; a bucket takes that for a stale `now`. Share it by reference or in an `Arc`,
/// or reach it through [`TokenBucket::clock`](crate::TokenBucket::clock).
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, TokenBucket};
///
/// let clock = ManualClock::new();
/// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), &clock)?;
/// assert!(bucket.try_take(1).is_err());
/// clock.advance(Duration::from_millis(100));
/// assert!(bucket.try_take(1).is_ok());
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    const_fn! {
        /// Makes a clock that stands at [`Time::ZERO`].
        ///
        /// ```
        /// use tollgate::Clock;
        /// use tollgate::clock::{ManualClock, Time};
        ///
        /// static CLOCK: ManualClock = ManualClock::new();
        /// assert_eq!(CLOCK.now(), Time::ZERO);
        /// ```
        pub const fn new() -> Self {
            Self::starting_at(Time::ZERO)
        }
    }

    const_fn! {
        /// Makes a clock that stands at `now`.
        ///
        /// ```
        /// use tollgate::Clock;
        /// use tollgate::clock::{ManualClock, Time};
        /// assert_eq!(ManualClock::starting_at(Time::from_nanos(5)).now(), Time::from_nanos(5));
        /// ```
        pub const fn starting_at(now: Time) -> Self {
            Self(AtomicU64::new(now.as_nanos()))
        }
    }

    /// Moves the clock forward and returns its new reading.
    ///
    /// The clock stops at [`Time::MAX`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    ///
    /// let clock = ManualClock::new();
    /// assert_eq!(clock.advance(Duration::from_nanos(3)), Time::from_nanos(3));
    /// assert_eq!(clock.advance(Duration::MAX), Time::MAX);
    /// ```
    pub fn advance(&self, by: Duration) -> Time {
        // ORDERING: Relaxed, all three. Partners are this update in other threads, the store in
        // `set` and the load in `now`. The clock is one number; moving it orders no other memory.
        // The update is a read-modify-write, so that two threads that advance both count. Dies
        // without that: loom-tests/time.rs, `two_advances_both_count`.
        let mut now = self.0.load(Relaxed);
        loop {
            let next = Time::from_nanos(now).after(by);
            match self.0.compare_exchange_weak(now, next.as_nanos(), Relaxed, Relaxed) {
                Ok(_) => return next,
                Err(seen) => now = seen,
            }
        }
    }

    /// Sets the clock, forward or back.
    ///
    /// ```
    /// use tollgate::Clock;
    /// use tollgate::clock::{ManualClock, Time};
    ///
    /// let clock = ManualClock::starting_at(Time::from_nanos(5));
    /// clock.set(Time::from_nanos(2));
    /// assert_eq!(clock.now(), Time::from_nanos(2));
    /// ```
    pub fn set(&self, now: Time) {
        // ORDERING: Relaxed. Partner is the load in `now`. The clock is one number and orders no
        // other memory. Dies without the store: loom-tests/time.rs,
        // `a_monotonic_clock_never_goes_back`.
        self.0.store(now.as_nanos(), Relaxed);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    #[inline]
    fn now(&self) -> Time {
        // ORDERING: Relaxed. Partners are the update in `advance` and the store in `set`. An old
        // reading is a stale `now`, which can only be refused. Dies without the load:
        // loom-tests/time.rs, `two_advances_both_count`.
        Time::from_nanos(self.0.load(Relaxed))
    }
}
