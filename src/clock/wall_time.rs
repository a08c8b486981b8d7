//! Owns a reading of a wall clock, which outlives the process. It never decides on one.

use core::time::Duration;

/// A reading of a wall clock: whole nanoseconds since the Unix epoch.
///
/// It dates what is [saved](crate::bucket::SavedBucket) of a bucket. Its range is the years 1970 to
/// 2554; what lies outside counts as the nearer end. With the feature `std`, a
/// [`SystemTime`](std::time::SystemTime) becomes one. With the feature `serde`, it is a number.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use std::time::{Duration, SystemTime};
/// use tollgate::clock::WallTime;
///
/// let wall = WallTime::from(SystemTime::UNIX_EPOCH + Duration::from_secs(3));
/// assert_eq!(wall, WallTime::from_unix_nanos(3_000_000_000));
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WallTime(u64);

impl WallTime {
    /// Makes a reading of so many nanoseconds since the Unix epoch.
    ///
    /// ```
    /// assert_eq!(tollgate::clock::WallTime::from_unix_nanos(7).as_unix_nanos(), 7);
    /// ```
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since the Unix epoch.
    ///
    /// ```
    /// assert_eq!(tollgate::clock::WallTime::from_unix_nanos(7).as_unix_nanos(), 7);
    /// ```
    pub const fn as_unix_nanos(self) -> u64 {
        self.0
    }

    /// Returns the time since `earlier`; zero if the wall clock went backwards.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::WallTime;
    ///
    /// let [earlier, later] = [2, 9].map(WallTime::from_unix_nanos);
    /// assert_eq!(later.since(earlier), Duration::from_nanos(7));
    /// assert_eq!(earlier.since(later), Duration::ZERO);
    /// ```
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(feature = "std")]
impl From<std::time::SystemTime> for WallTime {
    fn from(time: std::time::SystemTime) -> Self {
        let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}
