//! Owns the reading of the time-stamp counter; the calibration is `quanta`'s.

use crate::clock::clock::Clock;
use crate::clock::time::Time;

/// The processor's time-stamp counter, counted from when this clock was made: the fastest clock
/// there is.
///
/// The first one made in a process calibrates the counter against the system's clock, which took
/// 0.6 to 12 ms on the machine that this was measured on, and takes 200 ms at most; a further one
/// takes 20 to 40 µs. A reading took 13 to 20 ns there, where one of `Instant` took 39 to 49 ns.
/// After the calibration the counter ran 0.1 to 11 parts per million slow against `Instant`: rates
/// are kept by the clock that the bucket reads. (A virtual machine with two cores of an AMD EPYC
/// 7003, November 2026, three runs of the example `clock_calibration`.)
///
/// Where there is no counter that can be trusted, it reads the system's clock. Readings of two
/// cores may differ by some nanoseconds, so that a reading in one thread may be older than one made
/// before it in another: a stale `now`, which is harmless.
///
/// ```
/// use tollgate::clock::TscClock;
/// use tollgate::Clock;
///
/// let clock = TscClock::new();
/// let first = clock.now();
/// assert!(clock.now() >= first);
/// ```
#[derive(Clone, Debug)]
pub struct TscClock {
    counter: quanta::Clock,
    origin: u64,
}

impl TscClock {
    /// A clock whose origin is now. The first one of a process takes as long as the calibration.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{Time, TscClock};
    /// use tollgate::Clock;
    /// assert!(TscClock::new().now().since(Time::ZERO) < Duration::from_secs(60));
    /// ```
    pub fn new() -> Self {
        let counter = quanta::Clock::new();
        let origin = counter.raw();
        Self { counter, origin }
    }
}

impl Default for TscClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TscClock {
    #[inline]
    fn now(&self) -> Time {
        Time::from_nanos(self.counter.delta_as_nanos(self.origin, self.counter.raw()))
    }
}
