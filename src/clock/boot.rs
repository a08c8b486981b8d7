//! Owns the clock that counts while the system is suspended. It never sleeps.

#[cfg(windows)]
extern crate std;

use crate::clock::clock::Clock;
use crate::clock::time::Time;

/// A clock that counts while the system is suspended.
///
/// A laptop that slept for an hour has refilled for an hour. Take it where the limit is that of a
/// server which does not sleep along.
///
/// Every clock of this type has the same origin, so their readings can be compared.
///
/// | system | what it reads | its origin |
/// |---|---|---|
/// | Linux, Android | `CLOCK_BOOTTIME` of `clock_gettime(2)` | the boot of the system |
/// | macOS, iOS and kin | `CLOCK_MONOTONIC` of `clock_gettime(3)` | the system's, fixed until it boots again |
/// | Windows | `QueryPerformanceCounter`, through the standard library's `Instant` | the process's first reading |
///
/// On any other system this type is absent. It never falls back to a clock that does not count
/// suspended time.
///
/// Timers are another matter: on Linux and macOS, one that counts by the standard library's
/// `Instant` stands still during a suspend. So a waiter may wake later than its turn. What accrued
/// beyond the capacity and the grace is lost then.
///
/// ```
/// use tollgate::Clock;
/// use tollgate::clock::BootClock;
/// use tollgate::{Limit, TokenBucket};
///
/// static BUCKET: TokenBucket<BootClock> =
///     TokenBucket::const_new(Limit::per_second(10), BootClock::new());
///
/// let first = BootClock::new().now();
/// assert!(BUCKET.try_take(10).is_ok());
/// assert!(BUCKET.clock().now() >= first);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct BootClock(());

impl BootClock {
    /// Makes a clock; all of them show the same time.
    ///
    /// ```
    /// use tollgate::Clock;
    /// use tollgate::clock::BootClock;
    ///
    /// let first = BootClock::new().now();
    /// assert!(BootClock::new().now() >= first);
    /// ```
    pub const fn new() -> Self {
        Self(())
    }
}

#[cfg(not(windows))]
impl Clock for BootClock {
    #[inline]
    fn now(&self) -> Time {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const COUNTS_SUSPEND: rustix::time::ClockId = rustix::time::ClockId::Boottime;
        #[cfg(target_vendor = "apple")]
        const COUNTS_SUSPEND: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
        crate::clock::kernel::read(COUNTS_SUSPEND)
    }
}

#[cfg(windows)]
impl Clock for BootClock {
    #[inline]
    fn now(&self) -> Time {
        static ORIGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        Time::ZERO.after(ORIGIN.get_or_init(std::time::Instant::now).elapsed())
    }
}
