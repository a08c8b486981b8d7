//! Owns what a take left, in the caller's terms. It never changes state.

use core::fmt;
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::refused;
use crate::decision::seen::Seen;

/// What a take left, in the very step that took.
///
/// A second look at the bucket would be another instant: others may have taken meanwhile. The
/// methods work out their answers on demand, so a caller who asks for none pays nothing.
///
/// A bucket of one stream has plain answers. One of several has an answer for each stream, by the
/// methods that end with `_each`.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, MultiBucket, TokenBucket};
///
/// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
/// let granted = bucket.try_take(4)?;
/// assert_eq!(granted.remaining(), 6);
/// assert_eq!(granted.reset_after(), Some(Duration::from_millis(400)));
///
/// let limits = [Limit::per_second(10), Limit::per_second(1000)];
/// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
/// let [requests, bytes] = bucket.try_take([1, 300])?.remaining_each();
/// assert_eq!((requests, bytes), (9, 700));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Granted<const N: usize = 1> {
    /// The reading that it was decided on, and that from which the limits count.
    now: Time,
    origin: Time,
    /// Nanoseconds until a pause ends: see `NotYet`.
    pause: u64,
    streams: [Seen; N],
}

impl<const N: usize> Granted<N> {
    /// Of the words after the take. A take of nothing may be granted during a `pause`.
    #[inline(always)]
    pub(crate) fn new(limits: &Limits<N>, spent: &[u64; N], now: Time, pause: u64) -> Self {
        let streams = core::array::from_fn(|i| Seen::new(&limits.streams[i], spent[i]));
        Self { now, origin: limits.origin, pause, streams }
    }

    fn elapsed(&self) -> u64 {
        self.now.nanos_since(self.origin)
    }

    /// Returns the whole tokens that were left in each stream.
    ///
    /// A stream in debt had 0; so have all during a pause, in which only a take of nothing is
    /// granted. While others wait, they are for those.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(5)];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// assert_eq!(bucket.try_take([6, 0])?.remaining_each(), [4, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn remaining_each(&self) -> [u64; N] {
        self.streams.map(|stream| if self.pause > 0 { 0 } else { stream.available(self.elapsed()) })
    }

    /// Returns the instant from which the bucket is full if nobody takes, a reading of its clock;
    /// `None` if nobody knows: a stream that is not full has a rate of 0, or a pause has no end.
    ///
    /// Of several streams it is that of the last.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let clock = ManualClock::starting_at(Time::from_nanos(500));
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), clock)?;
    /// assert_eq!(bucket.try_take(1)?.full_at(), Some(Time::from_nanos(100_000_500)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn full_at(&self) -> Option<Time> {
        Some(self.now.after(self.reset_after()?))
    }

    /// Returns the time until the bucket is full if nobody takes, from the instant of the take on;
    /// `None` if nobody knows: see [`full_at`](Self::full_at).
    ///
    /// It is in whole nanoseconds, rounded up.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(1000)];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// let granted = bucket.try_take([1, 300])?;
    /// assert_eq!(granted.reset_after(), Some(Duration::from_millis(300)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset_after(&self) -> Option<Duration> {
        let each = self.reset_after_each();
        each.into_iter().try_fold(Duration::ZERO, |longest, wait| Some(wait?.max(longest)))
    }

    /// Returns [`reset_after`](Self::reset_after) in whole seconds, rounded up; 0 if it is full.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.try_take(0)?.reset_after_secs(), Some(0));
    /// assert_eq!(bucket.try_take(1)?.reset_after_secs(), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset_after_secs(&self) -> Option<u64> {
        let wait = self.reset_after()?;
        Some(if wait.is_zero() { 0 } else { refused::whole_seconds(wait) })
    }

    /// Returns the time until each stream is full: see [`reset_after`](Self::reset_after).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket =
    ///     MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(0).capacity(5)], ManualClock::new())?;
    /// let granted = bucket.try_take([1, 1])?;
    /// assert_eq!(granted.reset_after_each(), [Some(Duration::from_millis(100)), None]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset_after_each(&self) -> [Option<Duration>; N] {
        let ahead = self.pause.max(self.origin.nanos_since(self.now));
        self.streams.map(|stream| stream.full_after(self.elapsed(), ahead))
    }
}

impl Granted {
    /// Returns the whole tokens that were left, of a bucket of one stream: see
    /// [`remaining_each`](Self::remaining_each).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.try_take(1)?.remaining(), 9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn remaining(&self) -> u64 {
        let [remaining] = self.remaining_each();
        remaining
    }
}

impl<const N: usize> fmt::Debug for Granted<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (remaining, reset_after) = (self.remaining_each(), self.reset_after());
        f.debug_struct("Granted").field("remaining", &remaining).field("reset_after", &reset_after).finish()
    }
}
