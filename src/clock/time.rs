//! Owns the instant that a decision is made on. It never reads a clock.

use core::fmt;
use core::time::Duration;

/// A reading of a [`Clock`](crate::Clock): whole nanoseconds since that clock's origin.
///
/// Readings of different clocks cannot be compared. The range is 584 years. Arithmetic saturates at
/// both ends.
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

    /// The last instant, 584 years after the clock's origin.
    ///
    /// ```
    /// use std::time::Duration;
    /// assert_eq!(
    ///     tollgate::clock::Time::MAX.after(Duration::from_nanos(1)),
    ///     tollgate::clock::Time::MAX
    /// );
    /// ```
    pub const MAX: Self = Self(u64::MAX);

    /// Makes the instant `nanos` nanoseconds after the clock's origin.
    ///
    /// ```
    /// assert_eq!(tollgate::clock::Time::from_nanos(7).as_nanos(), 7);
    /// ```
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since the clock's origin.
    ///
    /// ```
    /// assert_eq!(tollgate::clock::Time::from_nanos(7).as_nanos(), 7);
    /// ```
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the instant `wait` later, at most [`Time::MAX`].
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

    /// Returns the time since `earlier`; zero if `earlier` is not before this.
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
