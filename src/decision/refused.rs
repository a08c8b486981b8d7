//! Owns the two refusals, in the caller's terms. It never changes state.

use core::fmt;
use core::time::Duration;

use crate::decision::refill;
use crate::decision::seen::Seen;

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
///         assert_eq!(refusal.wait(), Some(Duration::from_millis(300)))
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
    /// Returns the wait until an equal call would succeed; `None` for all but [`NotYet`], and where
    /// nobody knows.
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
            Self::NotYet(refusal) => refusal.wait(),
            Self::Never(_) | Self::Closed | Self::Cancelled => None,
        }
    }

    /// Returns the [wait](Self::wait) in whole seconds, rounded up, at least 1: see
    /// [`NotYet::retry_after_secs`].
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// assert_eq!(bucket.try_take(1).unwrap_err().retry_after_secs(), Some(1));
    /// assert_eq!(bucket.try_take(11).unwrap_err().retry_after_secs(), None);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.not_yet()?.retry_after_secs()
    }

    /// Returns the refusal that a wait helps, if it is one: it says what each stream had, and how
    /// long it waits.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.try_take(7)?;
    /// let refused = bucket.try_take(5).unwrap_err();
    /// assert_eq!(refused.not_yet().map(|refusal| refusal.available()), Some(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn not_yet(&self) -> Option<&NotYet<N>> {
        match self {
            Self::NotYet(refusal) => Some(refusal),
            Self::Never(_) | Self::Closed | Self::Cancelled => None,
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
/// assert_eq!((refusal.stream(), refusal.wait()), (1, Some(Duration::from_millis(400))));
/// assert_eq!(refusal.to_string(), "not enough tokens in stream 1 for another 400ms");
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
#[repr(C)]
pub struct NotYet<const N: usize = 1> {
    /// Nanoseconds until a pause ends: 0 without a pause, `u64::MAX` if it has no end. The streams
    /// refill only after it.
    pub(crate) pause: u64,
    pub(crate) elapsed: u64,
    /// Units that were asked for, below 2^63.
    pub(crate) units: [u64; N],
    pub(crate) streams: [Seen; N],
}

/// Converts nanoseconds to wait; `u64::MAX` means that nobody knows.
pub(crate) const fn known(nanos: u64) -> Option<Duration> {
    if nanos == u64::MAX { None } else { Some(Duration::from_nanos(nanos)) }
}

/// Whole seconds, rounded up, at least 1: as `Retry-After` is written.
pub(crate) const fn whole_seconds(wait: Duration) -> u64 {
    match wait.as_secs().saturating_add((wait.subsec_nanos() > 0) as u64) {
        0 => 1,
        seconds => seconds,
    }
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
        let Seen { refill, .. } = &self.streams[stream];
        let accrued = |elapsed: u64| refill.at_wide(elapsed);
        let gained = accrued(self.elapsed.saturating_add(nanos)).saturating_sub(accrued(self.elapsed)).max(1);
        let all = i128::from(self.streams[stream].level(self.elapsed)).saturating_add_unsigned(gained);
        let units = &mut self.units[stream];
        *units = (*units).max(u64::try_from(all).unwrap_or(0)).min(i64::MAX as u64);
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
        // What nobody knows counts as the longest.
        let nanos = |stream| self.nanos(stream).unwrap_or(u128::MAX);
        (1..N).fold(0, |longest, i| if nanos(i) > nanos(longest) { i } else { longest })
    }

    /// Returns the wait until an equal call succeeds, if no other call takes tokens: the longest of
    /// all streams.
    ///
    /// It is in whole nanoseconds, rounded up, and counts from the `now` of the refused call. A
    /// retry at that instant succeeds; a nanosecond earlier it is refused. During a
    /// [pause](crate::MultiBucket::pause_for), the wait includes the rest of the pause.
    ///
    /// It is `None` if nobody knows: a stream that lacks tokens has a rate of 0, or the bucket is
    /// [paused](crate::MultiBucket::pause) without an end.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, Refused, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(3).empty(), ManualClock::new())?;
    /// let Err(Refused::NotYet(refusal)) = bucket.try_take(1) else { panic!() };
    /// assert_eq!(refusal.wait(), Some(Duration::from_nanos(333_333_334)));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn wait(&self) -> Option<Duration> {
        self.nanos(self.stream()).map(refill::duration)
    }

    /// Returns the wait of each stream: zero for one that was not short, `None` for one of which
    /// nobody knows. During a pause all streams wait for its end.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket, Refused};
    ///
    /// let limits = [Limit::per_second(10).empty(), Limit::per_second(5), Limit::per_second(0).capacity(1).empty()];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// let Err(Refused::NotYet(refusal)) = bucket.try_take([1, 1, 1]) else { panic!() };
    /// assert_eq!(refusal.waits(), [Some(Duration::from_millis(100)), Some(Duration::ZERO), None]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn waits(&self) -> [Option<Duration>; N] {
        core::array::from_fn(|stream| self.nanos(stream).map(refill::duration))
    }

    /// Returns the [wait](Self::wait) in whole seconds, rounded up, at least 1; `None` if nobody
    /// knows. So it may be sent as `Retry-After`.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, Refused, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_minute(25).empty(), ManualClock::new())?;
    /// let Err(Refused::NotYet(refusal)) = bucket.try_take(1) else { panic!() };
    /// assert_eq!(refusal.wait().unwrap().as_millis(), 2400);
    /// assert_eq!(refusal.retry_after_secs(), Some(3));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.wait().map(whole_seconds)
    }

    /// Returns whether the bucket was [paused](crate::MultiBucket::pause_for) when it refused.
    ///
    /// A pause is a decision of the service, and no fault of the caller. HTTP says so with 503 and
    /// not 429.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket, Refused};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.pause_for(Duration::from_secs(3));
    /// let Err(Refused::NotYet(refusal)) = bucket.try_take([1]) else { panic!() };
    /// assert!(refusal.is_paused());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub const fn is_paused(&self) -> bool {
        self.pause > 0
    }

    /// Returns the whole tokens that each stream had when the call was refused.
    ///
    /// A stream in debt had 0; so have all during a pause. While others wait, they are for those.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket, Refused};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(1000).capacity(700)];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// bucket.try_take([4, 700])?;
    /// let Err(Refused::NotYet(refusal)) = bucket.try_take([1, 1]) else { panic!() };
    /// assert_eq!(refusal.available_each(), [6, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn available_each(&self) -> [u64; N] {
        self.streams.map(|stream| if self.pause > 0 { 0 } else { stream.available(self.elapsed) })
    }

    /// Returns the time until the bucket is full if nobody takes, from the instant of the refusal
    /// on; `None` if nobody knows. Of several streams it is that of the last: see
    /// [`Granted::reset_after`](crate::Granted::reset_after).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, Refused, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.try_take(7)?;
    /// let Err(Refused::NotYet(refusal)) = bucket.try_take(5) else { panic!() };
    /// assert_eq!(refusal.wait(), Some(Duration::from_millis(200)));
    /// assert_eq!(refusal.reset_after(), Some(Duration::from_millis(700)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset_after(&self) -> Option<Duration> {
        let mut each = self.streams.iter().map(|stream| stream.full_after(self.elapsed, self.pause));
        each.try_fold(Duration::ZERO, |longest, wait| Some(longest.max(wait?)))
    }

    fn nanos(&self, stream: usize) -> Option<u128> {
        let pause = known(self.pause)?.as_nanos();
        Some(self.streams[stream].wait(self.elapsed, self.units[stream])? + pause)
    }
}

impl NotYet {
    /// Returns the whole tokens that there were when the call was refused, of a bucket of one
    /// stream: see [`available_each`](Self::available_each).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, Refused, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.try_take(7)?;
    /// let Err(Refused::NotYet(refusal)) = bucket.try_take(5) else { panic!() };
    /// assert_eq!(refusal.available(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn available(&self) -> u64 {
        let [available] = self.available_each();
        available
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
#[repr(C)]
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
            (_, None) => write!(f, "not enough tokens in stream {}, which never refills", self.stream()),
            (1.., Some(wait)) => write!(f, "paused, and not enough tokens for another {wait:?}"),
            (0, Some(wait)) => write!(f, "not enough tokens in stream {} for another {wait:?}", self.stream()),
        }
    }
}

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, requested, capacity } = self;
        write!(f, "{requested} tokens requested of stream {stream}, where {capacity} is the most")
    }
}

impl<const N: usize> core::error::Error for Refused<N> {}
impl<const N: usize> core::error::Error for NotYet<N> {}
impl core::error::Error for Never {}
