//! Owns the system's monotonic clock with the kernel's own origin. It never sleeps.

use rustix::time::ClockId;

use crate::clock::clock::Clock;
use crate::clock::kernel::read;
use crate::clock::time::Time;

/// The kernel's monotonic clock: `CLOCK_MONOTONIC` of `clock_gettime(2)`.
///
/// It is what [`InstantClock`](crate::clock::InstantClock) reads, counted from the kernel's origin,
/// about the boot of the system. So every clock of this type shows the same time, and so does
/// [`CoarseClock`](crate::clock::CoarseClock), which lags behind it. It does not count while the
/// system is suspended. Linux and Android have it.
///
/// ```
/// use tollgate::Clock;
/// use tollgate::clock::UptimeClock;
/// use tollgate::{Limit, TokenBucket};
///
/// static BUCKET: TokenBucket<UptimeClock> =
///     TokenBucket::const_new(Limit::per_second(10), UptimeClock::new());
///
/// let first = UptimeClock::new().now();
/// assert!(BUCKET.try_take(10).is_ok());
/// assert!(BUCKET.clock().now() >= first);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct UptimeClock(());

impl UptimeClock {
    /// Makes a clock; all of them show the same time.
    ///
    /// ```
    /// use tollgate::Clock;
    /// use tollgate::clock::UptimeClock;
    ///
    /// let first = UptimeClock::new().now();
    /// assert!(UptimeClock::new().now() >= first);
    /// ```
    pub const fn new() -> Self {
        Self(())
    }
}

impl Clock for UptimeClock {
    #[inline]
    fn now(&self) -> Time {
        read(ClockId::Monotonic)
    }
}
