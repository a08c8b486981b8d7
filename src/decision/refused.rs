//! Owns the two refusals, in the caller's terms. It never changes state.

use core::fmt;
use core::time::Duration;

use crate::decision::refill::{self, Refill};

/// Why a call was refused. A refused call changes nothing.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, Refused, TokenBucket};
///
/// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
/// bucket.try_take(10)?;
/// match bucket.try_take(3) {
///     Err(Refused::NotYet(refusal)) => {
///         assert_eq!(refusal.wait(), Duration::from_millis(300))
///     }
///     other => panic!("{other:?}"),
/// }
/// assert!(matches!(bucket.try_take(11), Err(Refused::Never(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Refused<const N: usize = 1> {
    /// Too few tokens are available; tells the wait.
    NotYet(NotYet<N>),
    /// The request is above the capacity; no wait helps.
    Never(Never),
    /// The bucket was closed for good.
    Closed,
    /// The caller was let go before its turn came.
    Cancelled,
}

impl<const N: usize> Refused<N> {
    /// Returns the wait until an equal call would succeed; `None` for all but [`NotYet`].
    ///
    /// See [`NotYet::wait`]. Beside others who wait in turn it is an estimate.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket =
    ///     TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// assert_eq!(bucket.try_take(1).unwrap_err().wait(), Some(Duration::from_millis(100)));
    /// assert_eq!(bucket.try_take(11).unwrap_err().wait(), None);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::NotYet(refusal) => Some(refusal.wait()),
            Self::Never(_) | Self::Closed | Self::Cancelled => None,
        }
    }

    /// Adds a pause: until it ends, the bucket grants nothing.
    #[inline]
    pub(crate) const fn behind(self, pause: u64) -> Self {
        match self {
            Self::NotYet(refusal) => Self::NotYet(refusal.behind(pause)),
            other => other,
        }
    }

    /// Returns the stream that refused.
    ///
    /// It is the stream with the longest wait, or the first one whose capacity is below the
    /// request.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock(
    ///     [Limit::per_second(10), Limit::per_second(5)],
    ///     ManualClock::new(),
    /// )?;
    /// assert_eq!(bucket.try_take([1, 6]).unwrap_err().stream(), 1);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn stream(&self) -> usize {
        match self {
            Self::NotYet(refusal) => refusal.stream(),
            Self::Never(refusal) => refusal.stream,
            Self::Closed | Self::Cancelled => 0,
        }
    }
}

/// A refusal because too few tokens are available.
///
/// It holds what the refused call read. All streams are of one instant. The methods compute the
/// stream and the wait on demand, so a refusal itself costs no division.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, MultiBucket, Refused};
///
/// let bucket = MultiBucket::with_clock(
///     [Limit::per_second(10), Limit::per_second(5).empty()],
///     ManualClock::new(),
/// )?;
/// let Err(Refused::NotYet(refusal)) = bucket.try_take([1, 2]) else { panic!() };
/// assert_eq!((refusal.stream(), refusal.wait()), (1, Duration::from_millis(400)));
/// assert_eq!(refusal.to_string(), "not enough tokens in stream 1 for another 400ms");
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct NotYet<const N: usize = 1> {
    /// Nanoseconds until a pause ends: 0 without a pause, `u64::MAX` if it has no end. The streams
    /// refill only after it.
    pub(crate) pause: u64,
    pub(crate) elapsed: u64,
    pub(crate) short: [Short; N],
}

/// Converts the nanoseconds left of a pause; `u64::MAX` becomes [`Duration::MAX`].
pub(crate) const fn pause(left: u64) -> Duration {
    if left == u64::MAX { Duration::MAX } else { Duration::from_nanos(left) }
}

/// What one stream lacks, and how fast it refills.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Short {
    pub(crate) refill: Refill,
    pub(crate) units: u64,
}

impl<const N: usize> NotYet<N> {
    /// Adds a pause: the streams refill only after it.
    #[inline]
    pub(crate) const fn behind(self, pause: u64) -> Self {
        Self { pause, ..self }
    }

    /// The same if the wait is no shorter than so many nanoseconds, because of others who wait for
    /// this stream.
    #[cfg(feature = "std")]
    pub(crate) fn lasting(mut self, stream: usize, nanos: u64) -> Self {
        let Short { refill, units } = &mut self.short[stream];
        let accrued = |elapsed: u64| refill.at_wide(elapsed);
        let gained = accrued(self.elapsed.saturating_add(nanos)).saturating_sub(accrued(self.elapsed));
        *units = (*units).max(u64::try_from(gained).unwrap_or(u64::MAX)).max(1);
        self
    }

    /// Returns the stream with the longest wait; the first of several.
    ///
    /// While the bucket is [paused](crate::MultiBucket::pause_for), all streams wait for the pause
    /// to end.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket, Refused};
    ///
    /// let bucket = MultiBucket::with_clock(
    ///     [Limit::per_second(10).empty(), Limit::per_second(5).empty()],
    ///     ManualClock::new(),
    /// )?;
    /// let Err(Refused::NotYet(refusal)) = bucket.try_take([1, 1]) else { panic!() };
    /// assert_eq!(refusal.stream(), 1);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn stream(&self) -> usize {
        let mut longest = 0;
        for i in 1..N {
            if self.nanos(i) > self.nanos(longest) {
                longest = i;
            }
        }
        longest
    }

    /// Returns the wait until an equal call succeeds, if no other call takes tokens.
    ///
    /// It is in whole nanoseconds, rounded up, and counts from the `now` of the refused call. A
    /// retry at that instant succeeds; a nanosecond earlier it is refused. During a
    /// [pause](crate::MultiBucket::pause_for), the wait includes the rest of the pause.
    ///
    /// It is [`Duration::MAX`] in two cases: a stream that lacks tokens has a rate of 0, or the
    /// bucket is [paused](crate::MultiBucket::pause) without an end.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, Refused, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(3).empty(), ManualClock::new())?;
    /// let Err(Refused::NotYet(refusal)) = bucket.try_take(1) else { panic!() };
    /// assert_eq!(refusal.wait(), Duration::from_nanos(333_333_334));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn wait(&self) -> Duration {
        refill::duration(self.nanos(self.stream()))
    }

    fn nanos(&self, stream: usize) -> u128 {
        let Short { refill, units } = self.short[stream];
        match (self.pause, refill.wait(self.elapsed, units)) {
            (u64::MAX, _) | (_, None) => u128::MAX,
            (pause, Some(wait)) => wait + u128::from(pause),
        }
    }
}

/// A refusal because the request is above the capacity: no wait helps.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, Never, Refused, TokenBucket};
///
/// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
/// assert_eq!(
///     bucket.try_take(11),
///     Err(Refused::Never(Never { stream: 0, requested: 11, capacity: 10 }))
/// );
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Never {
    /// The first stream whose capacity is below the request; 0 if there is only one.
    pub stream: usize,
    /// The requested tokens.
    pub requested: u64,
    /// The capacity of the stream; of a [charge](crate::Bucket::charge), the largest debt.
    pub capacity: u64,
}

impl<const N: usize> From<NotYet<N>> for Refused<N> {
    fn from(refusal: NotYet<N>) -> Self {
        Self::NotYet(refusal)
    }
}

impl<const N: usize> From<Never> for Refused<N> {
    fn from(refusal: Never) -> Self {
        Self::Never(refusal)
    }
}

impl<const N: usize> fmt::Debug for NotYet<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotYet").field("stream", &self.stream()).field("wait", &self.wait()).finish()
    }
}

impl<const N: usize> fmt::Display for Refused<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet(refusal) => refusal.fmt(f),
            Self::Never(refusal) => refusal.fmt(f),
            Self::Closed => f.write_str("the bucket is closed"),
            Self::Cancelled => f.write_str("the wait was cancelled"),
        }
    }
}

impl<const N: usize> fmt::Display for NotYet<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pause, self.wait()) {
            (u64::MAX, _) => f.write_str("paused until it is resumed"),
            (_, Duration::MAX) => write!(f, "not enough tokens in stream {}, which never refills", self.stream()),
            (1.., wait) => write!(f, "paused, and not enough tokens for another {wait:?}"),
            (0, wait) => write!(f, "not enough tokens in stream {} for another {wait:?}", self.stream()),
        }
    }
}

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, requested, capacity } = self;
        write!(f, "{requested} tokens requested of stream {stream}, which holds at most {capacity}")
    }
}

impl<const N: usize> core::error::Error for Refused<N> {}
impl<const N: usize> core::error::Error for NotYet<N> {}
impl core::error::Error for Never {}
