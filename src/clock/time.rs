//! Owns the point in time that decisions are made on; never reads a clock.

use core::fmt;
use core::time::Duration;

/// A reading of a [`Clock`](crate::Clock): whole nanoseconds since that clock's own origin.
///
/// Readings of different clocks cannot be compared. The range is 584 years; arithmetic saturates at
/// its ends.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::Time;
///
/// let start = Time::from_nanos(1_000);
/// let later = start.after(Duration::from_micros(3));
/// assert_eq!(later.as_nanos(), 4_000);
/// assert_eq!(later.since(start), Duration::from_micros(3));
/// assert_eq!(start.since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The clock's origin.
    ///
    /// ```
    /// assert_eq!(tollgate::clock::Time::ZERO.as_nanos(), 0);
    /// ```
    pub const ZERO: Self = Self(0);

    /// The last instant that can be represented, 584 years after the clock's origin.
    ///
    /// ```
    /// use std::time::Duration;
    /// assert_eq!(tollgate::clock::Time::MAX.after(Duration::from_nanos(1)), tollgate::clock::Time::MAX);
    /// ```
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the clock's origin.
    ///
    /// ```
    /// assert_eq!(tollgate::clock::Time::from_nanos(7).as_nanos(), 7);
    /// ```
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock's origin.
    ///
    /// ```
    /// assert_eq!(tollgate::clock::Time::from_nanos(7).as_nanos(), 7);
    /// ```
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The instant `wait` later, or [`Time::MAX`] where that lies beyond it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::Time;
    ///
    /// assert_eq!(Time::ZERO.after(Duration::from_secs(1)), Time::from_nanos(1_000_000_000));
    /// assert_eq!(Time::ZERO.after(Duration::MAX), Time::MAX);
    /// ```
    pub const fn after(self, wait: Duration) -> Self {
        let nanos = wait.as_nanos();
        if nanos > (u64::MAX - self.0) as u128 { Self::MAX } else { Self(self.0 + nanos as u64) }
    }

    /// How long after `earlier` this is; zero if it is not after it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::Time;
    ///
    /// assert_eq!(Time::from_nanos(9).since(Time::from_nanos(2)), Duration::from_nanos(7));
    /// assert_eq!(Time::from_nanos(2).since(Time::from_nanos(9)), Duration::ZERO);
    /// ```
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    #[inline]
    pub(crate) const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Time({}ns)", self.0)
    }
}
