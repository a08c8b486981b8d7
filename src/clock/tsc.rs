//! Owns the reading of the time-stamp counter. It never calibrates: `quanta` does.

use crate::clock::clock::Clock;
use crate::clock::recent::RecentClock;
use crate::clock::time::Time;

/// The processor's time-stamp counter, counted from when this clock was made.
///
/// It is the fastest clock of the crate. Where no counter can be trusted, it reads the system's
/// clock. Readings of two cores may differ by some nanoseconds, so one thread's reading may be
/// older than an earlier one in another thread. That is a stale `now`, which can only be refused.
///
/// The first clock of a process calibrates the counter against the system's clock. A bucket keeps
/// its rate by the clock that it reads, so the skew of the counter is the skew of the rate.
///
/// | measured | value |
/// |---|---|
/// | first clock of a process | 0.6 to 12 ms; at most 200 ms |
/// | further clock | 20 to 40 µs |
/// | reading | 13 to 20 ns (`Instant`: 39 to 49 ns) |
/// | skew against `Instant` | 0.1 to 11 parts per million slow |
///
/// Source: the example `clock_calibration`, three runs on a virtual machine with two cores of an
/// AMD EPYC 7003, November 2026. The limit of 200 ms is `quanta`'s.
///
/// ```
/// use tollgate::Clock;
/// use tollgate::clock::TscClock;
///
/// let clock = TscClock::new();
/// let first = clock.now();
/// assert!(clock.now() >= first);
/// ```
#[derive(Clone, Debug)]
pub struct TscClock {
    pub(crate) counter: quanta::Clock,
    pub(crate) origin: u64,
}

impl TscClock {
    /// Makes a clock whose origin is now.
    ///
    /// The first call of a process blocks for the calibration.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Clock;
    /// use tollgate::clock::{Time, TscClock};
    /// assert!(TscClock::new().now().since(Time::ZERO) < Duration::from_secs(60));
    /// ```
    pub fn new() -> Self {
        let counter = quanta::Clock::new();
        let origin = counter.raw();
        Self { counter, origin }
    }

    /// Returns a clock of the recent time with the origin of this one.
    ///
    /// It never shows more than this clock does. See [`RecentClock`].
    ///
    /// ```
    /// use tollgate::Clock;
    /// use tollgate::clock::TscClock;
    ///
    /// let precise = TscClock::new();
    /// let recent = precise.recent();
    /// let reading = recent.now();
    /// assert!(precise.now() >= reading);
    /// ```
    pub fn recent(&self) -> RecentClock {
        RecentClock::of(self.clone())
    }

    /// Reads the counter, in nanoseconds from an origin that all clocks share.
    pub(crate) fn reading(&self) -> u64 {
        self.since_boot(self.counter.raw())
    }

    /// A reading of the counter in nanoseconds, from an origin that all clocks share.
    pub(crate) fn since_boot(&self, counter: u64) -> u64 {
        self.counter.delta_as_nanos(0, counter)
    }

    /// The time at a reading of the counter.
    #[inline]
    pub(crate) fn at(&self, counter: u64) -> Time {
        Time::from_nanos(self.counter.delta_as_nanos(self.origin, counter))
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
        self.at(self.counter.raw())
    }
}
