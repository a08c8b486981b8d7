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
/// A bucket reads its clock once per decision; of a clock with a [rough](Self::rough) reading, that
/// one first, and this one if it refuses. Buckets are safe under clock skew: a stale `now`
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

    /// Reads a time that costs less than [`now`](Self::now), if the clock has one.
    ///
    /// Takes decide on it first, and read `now` only if that refuses: `Tiered` says which, and what
    /// it means for the bound. Without it, which is the default, they read `now` at once.
    ///
    /// It counts from the origin of `now`, and must not be ahead: a call of `now` that begins after
    /// this call returns no earlier time. A reading that is ahead grants what has not refilled yet.
    /// So never derive it from another clock by an offset: the lag at the moment when that is
    /// measured, and the drift after it, put it ahead.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use tollgate::clock::Time;
    /// use tollgate::{Clock, Limit, TokenBucket};
    ///
    /// /// Remembers its last reading, which is never ahead of the next one.
    /// struct Remembering(Cell<Time>, Cell<u64>);
    ///
    /// impl Clock for Remembering {
    ///     fn now(&self) -> Time {
    ///         self.0.set(Time::from_nanos(50_000_000_000)); // a slow hardware timer
    ///         self.1.set(self.1.get() + 1);
    ///         self.0.get()
    ///     }
    ///
    ///     fn rough(&self) -> Option<Time> {
    ///         Some(self.0.get())
    ///     }
    /// }
    ///
    /// let clock = Remembering(Cell::new(Time::ZERO), Cell::new(0));
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), clock)?;
    /// assert_eq!(bucket.clock().1.get(), 1);
    /// assert!(bucket.try_take(10).is_ok());
    /// assert_eq!(bucket.clock().1.get(), 1);
    /// assert!(bucket.try_take(1).is_err());
    /// assert_eq!(bucket.clock().1.get(), 2);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    fn rough(&self) -> Option<Time> {
        None
    }
}

impl<C: Clock + ?Sized> Clock for &C {
    #[inline]
    fn now(&self) -> Time {
        (**self).now()
    }

    #[inline]
    fn rough(&self) -> Option<Time> {
        (**self).rough()
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

        #[inline]
        fn rough(&self) -> Option<Time> {
            (**self).rough()
        }
    }

    #[cfg(target_has_atomic = "ptr")]
    impl<C: Clock + ?Sized> Clock for alloc::sync::Arc<C> {
        #[inline]
        fn now(&self) -> Time {
            (**self).now()
        }

        #[inline]
        fn rough(&self) -> Option<Time> {
            (**self).rough()
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
