//! Owns the view at one time: what it is of, and which time. Never reads a clock. The verbs are
//! with what they are of.

use core::fmt;

use crate::clock::time::Time;

/// A bucket, a handle or a lease at one time, with the same verbs. `at` on each of them makes one.
///
/// The time is a reading of the bucket's clock, or of a clock with the same origin. Only the verbs
/// that decide at once are here: nobody can wait at a time that stands still.
/// [`Bucket`](crate::Bucket) has their full text.
///
/// ```
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::{Limit, TokenBucket};
///
/// let bucket =
///     TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
/// let later = bucket.at(Time::from_nanos(300_000_000));
/// assert_eq!(later.available(), 3);
/// assert!(later.try_take(3).is_ok());
/// assert!(later.try_take(1).is_err());
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct At<B, const N: usize = 1> {
    pub(crate) of: B,
    pub(crate) now: Time,
}

impl<B, const N: usize> At<B, N> {
    /// The time of this view.
    ///
    /// ```
    /// # use tollgate::{Limit, TokenBucket, clock::{ManualClock, Time}};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::from_nanos(5)).time(), Time::from_nanos(5));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub const fn time(&self) -> Time {
        self.now
    }
}

impl<B: fmt::Debug, const N: usize> fmt::Debug for At<B, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("At").field("now", &self.now).field("of", &self.of).finish()
    }
}
