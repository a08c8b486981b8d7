//! Owns the clock of the standard library. It never scales a reading.

extern crate std;
use std::time::Instant;

use crate::clock::clock::Clock;
use crate::clock::time::Time;

/// The standard library's [`Instant`], counted from when this clock was made.
///
/// It never goes back and needs no calibration. A reading costs two to three times one of the
/// time-stamp counter.
///
/// ```
/// use tollgate::Clock;
/// use tollgate::clock::InstantClock;
///
/// let clock = InstantClock::new();
/// let first = clock.now();
/// assert!(clock.now() >= first);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct InstantClock {
    origin: Instant,
}

impl InstantClock {
    /// Makes a clock whose origin is now.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Clock;
    /// use tollgate::clock::{InstantClock, Time};
    /// assert!(InstantClock::new().now().since(Time::ZERO) < Duration::from_secs(60));
    /// ```
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for InstantClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for InstantClock {
    #[inline]
    fn now(&self) -> Time {
        Time::ZERO.after(self.origin.elapsed())
    }
}
