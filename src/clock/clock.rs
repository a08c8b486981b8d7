//! Owns the source of `now`. It never decides anything with it.

#[cfg(not(feature = "std"))]
use crate::clock::manual::ManualClock;
#[cfg(all(feature = "std", not(feature = "quanta")))]
use crate::clock::standard::InstantClock;
use crate::clock::time::Time;
#[cfg(feature = "quanta")]
use crate::clock::tsc::TscClock;

/// A source of [`Time`]: nanoseconds since the source's own origin.
///
/// A bucket reads its clock once per decision. Buckets are safe under clock skew: a stale `now`
/// sees fewer tokens, so it can only be refused. This holds for a clock that goes back, and for
/// threads whose readings differ.
///
/// ```
/// use tollgate::clock::Time;
/// use tollgate::{Clock, Limit, TokenBucket};
///
/// struct Uptime;
///
/// impl Clock for Uptime {
///     fn now(&self) -> Time {
///         Time::from_nanos(42_000_000_000) // a hardware timer
///     }
/// }
///
/// let bucket = TokenBucket::with_clock(Limit::per_second(10), Uptime)?;
/// assert!(bucket.try_take(1).is_ok());
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub trait Clock {
    /// Reads the clock.
    ///
    /// ```
    /// use tollgate::Clock;
    /// use tollgate::clock::{ManualClock, Time};
    /// assert_eq!(ManualClock::new().now(), Time::ZERO);
    /// ```
    fn now(&self) -> Time;
}

impl<C: Clock + ?Sized> Clock for &C {
    #[inline]
    fn now(&self) -> Time {
        (**self).now()
    }
}

#[cfg(feature = "alloc")]
mod shared {
    extern crate alloc;
    use super::{Clock, Time};

    impl<C: Clock + ?Sized> Clock for alloc::boxed::Box<C> {
        #[inline]
        fn now(&self) -> Time {
            (**self).now()
        }
    }

    #[cfg(target_has_atomic = "ptr")]
    impl<C: Clock + ?Sized> Clock for alloc::sync::Arc<C> {
        #[inline]
        fn now(&self) -> Time {
            (**self).now()
        }
    }
}

/// The clock of a bucket made without one.
///
/// | features | clock |
/// |---|---|
/// | `quanta` | `TscClock` |
/// | `std`, no `quanta` | `InstantClock` |
/// | neither | `ManualClock`, which the program moves |
///
/// ```
/// use tollgate::Clock;
/// use tollgate::clock::{DefaultClock, Time};
/// assert!(DefaultClock::default().now() >= Time::ZERO);
/// ```
#[cfg(feature = "quanta")]
pub type DefaultClock = TscClock;

/// The clock of a bucket made without one.
///
/// | features | clock |
/// |---|---|
/// | `quanta` | `TscClock` |
/// | `std`, no `quanta` | `InstantClock` |
/// | neither | `ManualClock`, which the program moves |
///
/// ```
/// use tollgate::Clock;
/// use tollgate::clock::{DefaultClock, Time};
/// assert!(DefaultClock::default().now() >= Time::ZERO);
/// ```
#[cfg(all(feature = "std", not(feature = "quanta")))]
pub type DefaultClock = InstantClock;

/// The clock of a bucket made without one.
///
/// | features | clock |
/// |---|---|
/// | `quanta` | `TscClock` |
/// | `std`, no `quanta` | `InstantClock` |
/// | neither | `ManualClock`, which the program moves |
///
/// ```
/// use tollgate::Clock;
/// use tollgate::clock::{DefaultClock, Time};
/// assert!(DefaultClock::default().now() >= Time::ZERO);
/// ```
#[cfg(not(feature = "std"))]
pub type DefaultClock = ManualClock;
