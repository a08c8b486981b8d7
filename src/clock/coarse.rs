//! Owns the kernel's coarse clock. It never reads the precise one.

use core::time::Duration;

use rustix::time::{ClockId, clock_getres};

use crate::clock::clock::Clock;
use crate::clock::kernel::read;
use crate::clock::time::Time;

/// The kernel's monotonic clock as of its last tick: `CLOCK_MONOTONIC_COARSE`.
///
/// A reading is two loads, without the counter. Every clock of this type has the kernel's origin,
/// and none is ever ahead of [`UptimeClock`](crate::clock::UptimeClock). It does not count while
/// the system is suspended. Linux and Android have it.
///
/// ```
/// use tollgate::Clock;
/// use tollgate::clock::{CoarseClock, UptimeClock};
/// use tollgate::{Limit, TokenBucket};
///
/// static BUCKET: TokenBucket<CoarseClock> =
///     TokenBucket::const_new(Limit::per_second(10_000), CoarseClock::new());
///
/// assert!(BUCKET.try_take(10_000).is_ok());
/// let coarse = BUCKET.clock().now();
/// assert!(UptimeClock::new().now() >= coarse);
/// ```
///
/// # How far it lags
///
/// By up to `d`, which is **two** [ticks](Self::tick), and not one: the tick that is due may be
/// handled late. Where a hypervisor stops the core that keeps the time, it is longer; nothing
/// bounds it then.
///
/// | tick | worst lag in 10 s | with both cores busy |
/// |---|---|---|
/// | 4 ms | 7.2 ms, twice | 7.3 and 7.4 ms |
///
/// Source: the example `clock_lag`, two runs on a virtual machine with two cores of an Intel
/// Xeon, November 2026.
///
/// In real time [the bound](crate::clock#a-clock-that-lags) grows by what refills in `d`. A bucket
/// whose capacity refills in less than two ticks grants less than its rate: it fills up once in a
/// tick, and what would have come after that is lost. Take
/// [`Tiered`](crate::clock::Tiered) there, or a precise clock.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct CoarseClock(());

impl CoarseClock {
    /// Makes a clock; all of them show the same time.
    ///
    /// ```
    /// use tollgate::Clock;
    /// use tollgate::clock::CoarseClock;
    ///
    /// let first = CoarseClock::new().now();
    /// assert!(CoarseClock::new().now() >= first);
    /// ```
    pub const fn new() -> Self {
        Self(())
    }

    /// Returns the time between two ticks of this kernel: 1 to 10 ms.
    ///
    /// The kernel says it, and it does not change until the system boots again. Two ticks are what
    /// this clock may lag.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::CoarseClock;
    ///
    /// let tick = CoarseClock::tick();
    /// assert!(tick > Duration::ZERO);
    /// assert_eq!(CoarseClock::tick(), tick);
    /// ```
    pub fn tick() -> Duration {
        let tick = clock_getres(ClockId::MonotonicCoarse);
        Duration::new(tick.tv_sec as u64, tick.tv_nsec as u32)
    }
}

impl Clock for CoarseClock {
    #[inline]
    fn now(&self) -> Time {
        read(ClockId::MonotonicCoarse)
    }
}
