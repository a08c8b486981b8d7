//! Owns the leaky face of a bucket: what was added and drains, where a token bucket refills and is
//! taken from. Never holds state of its own.

use core::fmt;
use core::time::Duration;

use crate::bucket::headroom::Headroom;
use crate::bucket::multi::MultiBucket;
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::refused::{Never, Refused};
use crate::limit::limit::Limit;
use crate::limit::limit_error::LimitError;
use crate::limit::ratio::Ratio;
use crate::state::at::At;
use crate::state::multi::SLOTS;
use crate::sync::const_fn;

/// A leaky bucket: a level that rises with what is added, drains at a rate, and has a capacity.
///
/// It is a token bucket seen from the other side: `level = capacity - tokens`. To drain is to
/// refill, and to add is to take. So an **empty leaky bucket is a full token bucket**, and all that
/// holds for [`MultiBucket`] holds here. [`as_tokens`](Self::as_tokens) has the verbs that are not
/// repeated.
///
/// * **As a meter**, [`try_add`](Self::try_add) adds what fits and refuses the rest. The level
///   stays between 0 and the capacity.
/// * **As a queue**, [`reserve`](Self::reserve) adds at once what will fit later. The level then
///   rises above the capacity; the part above it is the queue. [`add_on`](Self::add_on) waits in
///   turn. A bucket of capacity 1 lets work out at an even pace.
///
/// Levels are whole and rounded up, as available tokens are rounded down. So `level() + room()` is
/// the capacity unless others wait, and only an empty bucket has a level of 0.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::{LeakyBucket, Limit};
///
/// let limit = Limit::per_second(10).capacity(4);
/// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
/// assert!(bucket.try_add(3).is_ok());
/// assert_eq!(bucket.level(), 3);
/// let refused = bucket.try_add(2).unwrap_err();
/// assert_eq!(refused.wait(), Some(Duration::from_millis(100)));
/// bucket.clock().advance(Duration::from_millis(150));
/// assert_eq!(bucket.level(), 2); // one and a half
///     
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Memory ordering
///
/// A grant is only a count: it does not order any other memory.
pub struct LeakyBucket<C = DefaultClock, const S: usize = SLOTS>(MultiBucket<1, C, S>);

impl LeakyBucket<DefaultClock> {
    /// Makes a bucket on the default clock that begins at level 0.
    ///
    /// Whether the limit says `full` or `empty` does not matter here.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that a bucket cannot keep.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let bucket = LeakyBucket::empty(Limit::per_second(10))?;
    /// assert_eq!(bucket.level(), 0);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn empty(limit: Limit) -> Result<Self, LimitError> {
        Self::empty_with_clock(limit, DefaultClock::default())
    }

    /// Makes a bucket on the default clock that begins at its capacity.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that a bucket cannot keep.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let bucket = LeakyBucket::full(Limit::per_day(10))?;
    /// assert_eq!(bucket.level(), 10);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn full(limit: Limit) -> Result<Self, LimitError> {
        Self::full_with_clock(limit, DefaultClock::default())
    }
}

impl<C: Clock, const S: usize> LeakyBucket<C, S> {
    const_fn! {
        /// Makes a bucket in a `static`. It counts from the clock's zero and is at level 0 there.
        ///
        /// It does not read the clock. The first call that adds must come within the limit's
        /// [idle limit](Limit::idle_limit) of the clock's zero. Whether the limit says `full` or
        /// `empty` does not matter. A bucket that began at its capacity would have drained long
        /// before, so there is no such constructor.
        ///
        /// ```
        /// use tollgate::clock::{ManualClock, Time};
        /// use tollgate::{Clock, LeakyBucket, Limit};
        ///
        /// static TICKS: ManualClock = ManualClock::new(); // moved by a timer interrupt
        /// static BUCKET: LeakyBucket<&ManualClock> =
        ///     LeakyBucket::const_empty(Limit::per_second(1000).capacity(5), &TICKS);
        ///
        /// assert!(BUCKET.try_add(5).is_ok());
        /// TICKS.set(Time::from_nanos(2_000_000));
        /// assert_eq!(BUCKET.level(), 3);
        /// ```
        ///
        /// # Panics
        ///
        /// If a bucket cannot keep the limit. In a `static` it does not compile then.
        pub const fn const_empty(limit: Limit, clock: C) -> Self {
            Self(MultiBucket::const_new([limit.full()], clock))
        }
    }
}

impl<C: Clock> LeakyBucket<C> {
    /// Makes a bucket on this clock that begins at level 0.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that a bucket cannot keep.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
    /// assert_eq!((bucket.level(), bucket.room()), (0, 10));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn empty_with_clock(limit: Limit, clock: C) -> Result<Self, LimitError> {
        Ok(Self(MultiBucket::with_clock([limit.full()], clock)?))
    }

    /// Makes a bucket on this clock that begins at its capacity.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that a bucket cannot keep.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::full_with_clock(limit, ManualClock::new())?;
    /// assert_eq!((bucket.level(), bucket.room()), (10, 0));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn full_with_clock(limit: Limit, clock: C) -> Result<Self, LimitError> {
        Ok(Self(MultiBucket::with_clock([limit.empty()], clock)?))
    }
}

/// The same bucket from the other side, also one with [slots of its own](MultiBucket::with_slots).
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{LeakyBucket, Limit, MultiBucket};
///
/// let limits = [Limit::per_second(10)];
/// let tokens = MultiBucket::<1, _, 16>::with_slots(limits, ManualClock::new())?;
/// tokens.try_take([3])?;
/// assert_eq!(LeakyBucket::from(tokens).level(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<C, const S: usize> From<MultiBucket<1, C, S>> for LeakyBucket<C, S> {
    fn from(bucket: MultiBucket<1, C, S>) -> Self {
        Self(bucket)
    }
}

impl<C: Clock, const S: usize> LeakyBucket<C, S> {
    /// Returns the same bucket from the other side, where what fits are tokens.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
    /// bucket.as_tokens().charge([13])?; // for work already done
    /// assert_eq!((bucket.level(), bucket.as_tokens().available()), (13, [0]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_tokens(&self) -> &MultiBucket<1, C, S> {
        &self.0
    }

    /// Returns the clock that the bucket reads.
    pub fn clock(&self) -> &C {
        self.0.clock()
    }

    /// Returns the limit as it was given. Its rate is that of draining.
    ///
    /// It says `full` where the bucket began empty. The answer may change before the call returns.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
    /// assert_eq!(bucket.limit(), Limit::per_second(10).full());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn limit(&self) -> Limit {
        self.0.limit()
    }

    /// Returns the most that the bucket holds, without those who wait.
    pub fn capacity(&self) -> u64 {
        self.limit().capacity
    }

    /// Views the bucket at a time that the caller supplies: [`At`].
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::full_with_clock(limit, ManualClock::new())?;
    /// assert!(bucket.at(Time::from_nanos(300_000_000)).try_add(3).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn at(&self, now: Time) -> At<&Self> {
        At { of: self, now }
    }

    #[inline]
    fn now(&self) -> At<&Self> {
        self.at(self.clock().now())
    }

    /// Adds `n` now, or nothing. An amount of 0 always fits.
    ///
    /// # Errors
    ///
    /// [`Refused::NotYet`] if it does not fit, with the time until it does, and [`Refused::Never`]
    /// for more than the capacity. A refused call changes nothing.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
    /// assert!(bucket.try_add(10).is_ok());
    /// assert!(bucket.try_add(1).is_err());
    /// assert!(bucket.try_add(0).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn try_add(&self, n: u64) -> Result<Granted, Refused> {
        self.as_tokens().try_take([n])
    }

    /// Adds what fits, `max` at the most, and returns the amount.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
    /// assert_eq!([7, 7, 7].map(|max| bucket.add_up_to(max)), [7, 3, 0]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn add_up_to(&self, max: u64) -> u64 {
        self.as_tokens().take_items(max, [1])
    }

    /// Takes `n` out again, for work that did not happen. The level stops at 0.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
    /// bucket.try_add(8)?;
    /// bucket.remove(3);
    /// assert_eq!(bucket.level(), 5);
    /// bucket.remove(u64::MAX);
    /// assert_eq!(bucket.level(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn remove(&self, n: u64) {
        self.now().remove(n);
    }

    /// Returns the level now, rounded up, with those who wait.
    ///
    /// The part above the capacity is the queue. The answer may change before the call returns.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10).capacity(4);
    /// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
    /// bucket.try_add(3)?;
    /// let waiting = [bucket.reserve(4)?, bucket.reserve(2)?];
    /// assert_eq!((bucket.level(), bucket.room()), (9, 0));
    /// bucket.clock().advance(Duration::from_millis(501));
    /// assert_eq!((bucket.level(), bucket.room()), (4, 0)); // 3.99
    ///     
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn level(&self) -> u64 {
        self.now().level()
    }

    /// Returns the level as a part of the capacity, rounded up to a step of [`Ratio`].
    ///
    /// 1 is full, and above it is the queue. Parts of a token count.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::limit::Ratio;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10).capacity(4);
    /// let bucket = LeakyBucket::full_with_clock(limit, ManualClock::new())?;
    /// bucket.clock().advance(Duration::from_millis(50));
    /// assert_eq!((bucket.level(), bucket.fill()), (4, Ratio::from_f64(0.875)));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn fill(&self) -> Ratio {
        self.now().fill()
    }

    /// Returns how much fits now, rounded down.
    pub fn room(&self) -> u64 {
        self.now().room()
    }

    /// Returns whether `n` fits now, and how much is missing if not. Adds nothing.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
    /// bucket.try_add(8)?;
    /// assert!(bucket.has_room(2).fits());
    /// assert_eq!(bucket.has_room(5).missing, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_room(&self, n: u64) -> Headroom {
        self.now().has_room(n)
    }

    /// Returns the time until `n` fits if nobody adds. Adds nothing.
    ///
    /// It is zero if `n` fits, and `None` if nobody knows: the rate is 0, or a pause has no end.
    ///
    /// # Errors
    ///
    /// [`Never`] for more than the capacity.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::full_with_clock(limit, ManualClock::new())?;
    /// assert_eq!(bucket.wait_for(3)?, Some(Duration::from_millis(300)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(&self, n: u64) -> Result<Option<Duration>, Never> {
        self.now().wait_for(n)
    }

    /// Sets the level, capped at the capacity, without the queue: see [`At::reset`].
    ///
    /// For operators and tests: [the bound](crate#the-bound) counts anew from here.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
    /// bucket.reset(7);
    /// assert_eq!(bucket.level(), 7);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn reset(&self, level: u64) {
        self.now().reset(level);
    }

    /// Changes the rate of draining and the capacity, and keeps the room: see
    /// [`MultiBucket::set_limits`].
    ///
    /// The room stays, so the level changes by as much as the capacity.
    /// [`MultiBucket::set_limits_with`] has other choices.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that the bucket cannot keep, or that cannot keep what is in the
    /// bucket beyond its capacity; then nothing changes.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10).capacity(100);
    /// let bucket = LeakyBucket::full_with_clock(limit, ManualClock::new())?;
    /// bucket.clock().advance(Duration::from_secs(1));
    /// bucket.set_limit(Limit::per_second(20).capacity(100))?;
    /// assert_eq!(bucket.level(), 90);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
        self.0.set_limit(limit)
    }

    /// Limits how long a caller may wait: [`MultiBucket::with_max_wait`].
    #[must_use]
    pub fn with_max_wait(self, max_wait: Duration) -> Self {
        Self(self.0.with_max_wait(max_wait))
    }

    /// Closes the bucket for good: [`Bucket::close`](crate::Bucket::close).
    #[cfg(feature = "std")]
    pub fn close(&self)
    where
        C: Sync,
    {
        self.0.close();
    }

    /// Sets how late a waiter may come and lose nothing: [`MultiBucket::with_grace`].
    #[cfg(feature = "std")]
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self(self.0.with_grace(grace))
    }

    /// Limits how far the level may rise above the capacity: the length of the queue.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let limit = Limit::per_second(10);
    /// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?.with_max_debt(5);
    /// let places = [bucket.reserve(10)?, bucket.reserve(5)?];
    /// assert_eq!(bucket.level(), 15);
    /// assert!(bucket.reserve(1).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_max_debt(self, max_debt: u64) -> Self {
        Self(self.0.with_max_debt([max_debt]))
    }
}

impl<C: Clock, const S: usize> fmt::Debug for LeakyBucket<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakyBucket").field("level", &self.level()).finish_non_exhaustive()
    }
}
