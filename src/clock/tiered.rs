//! Owns the pairs of a precise clock and a coarse one with the same origin. It never makes up for
//! an offset between two clocks.

use crate::clock::clock::Clock;
#[cfg(all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")))]
use crate::clock::coarse::CoarseClock;
#[cfg(feature = "quanta")]
use crate::clock::recent::RecentClock;
use crate::clock::time::Time;
#[cfg(feature = "quanta")]
use crate::clock::tsc::TscClock;
#[cfg(all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")))]
use crate::clock::uptime::UptimeClock;

/// A precise clock, and a coarse one that takes try first.
///
/// `try_take`, `admit`, `take_items`, `take_up_to`, `try_add` and `add_up_to` decide on the coarse
/// reading. Only if that does not grant all that was asked for, they read the precise clock and
/// decide again. So a grant mostly costs the coarse reading, and a first refusal costs both; after
/// it, a thread's next `try_take` decides on the precise reading at once. It refuses nothing that
/// the precise clock would grant, and its waits are exact. All other verbs, keys and gates read the
/// precise clock at once.
///
/// | made by | precise | coarse | feature |
/// |---|---|---|---|
/// | `Tiered::tsc` | `TscClock` | `RecentClock`, with an `Upkeep` | `quanta` |
/// | `Tiered::uptime` | `UptimeClock` | `CoarseClock` | `coarse-clock` |
///
/// ```
/// # #[cfg(feature = "quanta")] {
/// use std::time::Duration;
/// use tollgate::clock::{Tiered, Upkeep};
/// use tollgate::{Limit, TokenBucket};
///
/// let _upkeep = Upkeep::start(Duration::from_millis(1))?;
/// let bucket = TokenBucket::with_clock(Limit::per_hour(10), Tiered::tsc())?;
/// assert!(bucket.try_take(10).is_ok());
/// assert!(bucket.try_take(1).is_err());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # The bound
///
/// A decision on a coarse reading is one on a stale `now`, which mints nothing by the clock. In
/// real time, for a coarse clock that lags by at most `d`, in every window of length `w`:
///
/// ```text
/// granted <= C + r * (w + d + e) + P
/// ```
///
/// The readings of the window lie in a window longer by `d`. So a full bucket that grants on a
/// reading from `d` ago still refills for those `d`. See
/// [the clocks](crate::clock#a-clock-that-lags).
///
/// # When not to use it
///
/// Where most calls are refused, it brings nothing. Where callers' windows are as short as `d`, or
/// the rate times `d` is not small beside the capacity, take the precise clock.
///
/// # Why only these pairs
///
/// The coarse reading must never be ahead of the precise one, or it grants what has not refilled.
/// These pairs count from one origin on one source. Any other two differ by an offset, and measured
/// once it is wrong by the lag at that moment, and by all drift afterwards. A pair of your own is a
/// [`Clock`] with [`rough`](Clock::rough).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tiered<P, C> {
    precise: P,
    coarse: C,
}

impl<P, C> Tiered<P, C> {
    /// Returns the precise clock.
    ///
    /// ```
    /// # #[cfg(feature = "quanta")] {
    /// use tollgate::Clock;
    /// use tollgate::clock::Tiered;
    ///
    /// let clock = Tiered::tsc();
    /// let first = clock.now();
    /// assert!(clock.precise().now() >= first);
    /// # }
    /// ```
    pub const fn precise(&self) -> &P {
        &self.precise
    }

    /// Returns the coarse clock.
    ///
    /// ```
    /// # #[cfg(feature = "quanta")] {
    /// use tollgate::Clock;
    /// use tollgate::clock::Tiered;
    ///
    /// let clock = Tiered::tsc();
    /// let coarse = clock.coarse().now();
    /// assert!(clock.now() >= coarse);
    /// # }
    /// ```
    pub const fn coarse(&self) -> &C {
        &self.coarse
    }
}

#[cfg(feature = "quanta")]
impl Tiered<TscClock, RecentClock> {
    /// Makes the time-stamp counter over the recent time, with one origin, which is now.
    ///
    /// It starts no [`Upkeep`](crate::clock::Upkeep). If none has run since, takes read the precise
    /// clock at once. If one has stopped, takes try its last reading first.
    ///
    /// ```
    /// use tollgate::Clock;
    /// use tollgate::clock::{Tiered, Time};
    ///
    /// let clock = Tiered::tsc();
    /// assert_eq!(clock.rough(), None); // no upkeep
    /// assert!(clock.now() >= Time::ZERO);
    /// ```
    pub fn tsc() -> Self {
        let precise = TscClock::new();
        let coarse = precise.recent();
        Self { precise, coarse }
    }
}

#[cfg(feature = "quanta")]
impl Default for Tiered<TscClock, RecentClock> {
    fn default() -> Self {
        Self::tsc()
    }
}

#[cfg(feature = "quanta")]
impl Clock for Tiered<TscClock, RecentClock> {
    #[inline]
    fn now(&self) -> Time {
        self.precise.now()
    }

    #[inline]
    fn rough(&self) -> Option<Time> {
        self.coarse.recent()
    }
}

#[cfg(all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")))]
impl Tiered<UptimeClock, CoarseClock> {
    /// Makes the kernel's monotonic clock over its coarse one, with the kernel's origin.
    ///
    /// ```
    /// use tollgate::clock::{CoarseClock, Tiered, UptimeClock};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// static BUCKET: TokenBucket<Tiered<UptimeClock, CoarseClock>> =
    ///     TokenBucket::const_new(Limit::per_hour(10), Tiered::uptime());
    ///
    /// assert!(BUCKET.try_take(10).is_ok());
    /// assert!(BUCKET.try_take(1).is_err());
    /// ```
    pub const fn uptime() -> Self {
        Self { precise: UptimeClock::new(), coarse: CoarseClock::new() }
    }
}

#[cfg(all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")))]
impl Default for Tiered<UptimeClock, CoarseClock> {
    fn default() -> Self {
        Self::uptime()
    }
}

#[cfg(all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")))]
impl Clock for Tiered<UptimeClock, CoarseClock> {
    #[inline]
    fn now(&self) -> Time {
        self.precise.now()
    }

    #[inline]
    fn rough(&self) -> Option<Time> {
        Some(self.coarse.now())
    }
}
