//! Owns the leaky face of the bucket: what was added and drains, where a token bucket has what
//! accrues and is taken. Holds no state of its own.

use core::fmt;
use core::future::Future;
use core::time::Duration;

use crate::bucket::multi::SLOTS;
use crate::bucket::multi::{MultiBucket, MultiBucketAt};
use crate::bucket::room::Room;
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::refused::{Never, Refused};
use crate::limit::limit::{Limit, LimitError};
use crate::limit::ratio::Ratio;
use crate::wait::reservation::Reservation;
use crate::wait::timer::Timer;

/// A leaky bucket: a level that rises with what is added, drains at a rate, and has a capacity. As
/// a meter and as a queue.
///
/// It is the mirror image of a token bucket, and is one inside: `level = capacity - tokens`, to
/// drain is to accrue, and to add is to take. So an **empty leaky bucket is a full token bucket**.
/// Everything said of [`MultiBucket`] holds: exact, lock-free, its limit may
/// [change](Self::set_limit) while it runs, and whatever was added in a window of length `w` is no
/// more than [the bound](crate#the-bound). [`as_tokens`](Self::as_tokens) is the same bucket seen
/// from that side, with the verbs that are not repeated here.
///
/// * **As a meter**, [`try_add`](Self::try_add) adds what fits and refuses what does not. The level
///   stays between 0 and the capacity.
/// * **As a queue**, [`add`](Self::add), [`reserve`](Self::reserve) and the like add at once what
///   will fit later, and wait for that: the level then rises above the capacity, and what is above
///   it is the queue. How far it may rise is [`with_max_debt`](Self::with_max_debt), how long the
///   last may wait [`with_max_wait`](Self::with_max_wait). A bucket of capacity 1 lets work out at
///   an even pace.
///
/// Levels are whole, and **rounded up**, as availability is rounded down: `level() + room()` is the
/// capacity, unless others wait. A level of 0 is an empty bucket and not a nearly empty one.
///
/// # Memory ordering
///
/// A grant is only a count: it does not order any other memory.
///
/// ```
/// use std::time::Duration;
/// use tollgate::{LeakyBucket, Limit, ManualClock};
///
/// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10).capacity(4), ManualClock::new())?;
/// assert!(bucket.try_add(3).is_ok());
/// assert_eq!(bucket.level(), 3);
/// let refused = bucket.try_add(2).unwrap_err();
/// assert_eq!(refused.wait(), Some(Duration::from_millis(100)));
/// bucket.clock().advance(Duration::from_millis(150));
/// assert_eq!(bucket.level(), 2); // one and a half
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LeakyBucket<C = DefaultClock, const S: usize = SLOTS>(MultiBucket<1, C, S>);

impl LeakyBucket<DefaultClock> {
    /// A bucket on the default clock that begins at level 0: the whole capacity fits at once.
    /// Whether the limit says `full` or `empty` does not matter here.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let bucket = LeakyBucket::empty(Limit::per_second(10))?;
    /// assert_eq!(bucket.level(), 0);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn empty(limit: Limit) -> Result<Self, LimitError> {
        Self::empty_with_clock(limit, DefaultClock::default())
    }

    /// A bucket on the default clock that begins at its capacity: nothing fits until something has
    /// drained.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let bucket = LeakyBucket::full(Limit::per_day(10))?;
    /// assert_eq!(bucket.level(), 10);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn full(limit: Limit) -> Result<Self, LimitError> {
        Self::full_with_clock(limit, DefaultClock::default())
    }
}

impl<C: Clock> LeakyBucket<C> {
    /// As [`empty`](Self::empty), on this clock. It begins at the clock's present.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!((bucket.level(), bucket.room()), (0, 10));
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn empty_with_clock(limit: Limit, clock: C) -> Result<Self, LimitError> {
        Ok(Self(MultiBucket::with_clock([limit.full()], clock)?))
    }

    /// As [`full`](Self::full), on this clock. It begins at the clock's present.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!((bucket.level(), bucket.room()), (10, 0));
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn full_with_clock(limit: Limit, clock: C) -> Result<Self, LimitError> {
        Ok(Self(MultiBucket::with_clock([limit.empty()], clock)?))
    }
}

/// The same bucket from the other side; for one with [slots of its own](MultiBucket::with_slots),
/// say.
///
/// ```
/// use tollgate::{LeakyBucket, Limit, ManualClock, MultiBucket};
///
/// let tokens = MultiBucket::<1, _, 16>::with_slots([Limit::per_second(10)], ManualClock::new())?;
/// tokens.try_take([3])?;
/// assert_eq!(LeakyBucket::from(tokens).level(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<C, const S: usize> From<MultiBucket<1, C, S>> for LeakyBucket<C, S> {
    fn from(bucket: MultiBucket<1, C, S>) -> Self {
        Self(bucket)
    }
}

impl<C, const S: usize> LeakyBucket<C, S> {
    /// The same bucket from the other side, where what fits are tokens.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.as_tokens().charge([13])?; // for what has happened already
    /// assert_eq!((bucket.level(), bucket.as_tokens().available()), (13, [0]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_tokens(&self) -> &MultiBucket<1, C, S> {
        &self.0
    }

    /// The limit as it is, as it was given: its rate is that of draining. It says `full` where the
    /// bucket began empty; the answer may be outdated at once.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.limit(), Limit::per_second(10).full());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn limit(&self) -> Limit {
        self.0.limit()
    }

    /// The most that it holds, not counting those who wait; the answer may be outdated at once.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10).capacity(4), ManualClock::new())?;
    /// assert_eq!(bucket.capacity(), 4);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn capacity(&self) -> u64 {
        self.limit().capacity
    }

    /// The bucket at a time that the caller supplies, a reading of the bucket's clock or of one
    /// with the same origin.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock, Time};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert!(bucket.at(Time::from_nanos(300_000_000)).try_add(3).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn at(&self, now: Time) -> LeakyBucketAt<'_, S> {
        LeakyBucketAt(self.0.at(now))
    }
}

impl<C: Clock, const S: usize> LeakyBucket<C, S> {
    /// The clock that the bucket reads.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.clock().advance(Duration::from_millis(300));
    /// assert_eq!(bucket.level(), 7);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn clock(&self) -> &C {
        self.0.clock()
    }

    fn now(&self) -> LeakyBucketAt<'_, S> {
        self.at(self.clock().now())
    }

    /// Adds `n` now, or nothing. An amount of 0 is added whatever the level.
    ///
    /// # Errors
    ///
    /// [`Refused::NotYet`] if it does not fit, with the time until it does; [`Refused::Never`] for
    /// more than the capacity. A refused call changes nothing.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert!(bucket.try_add(10).is_ok());
    /// assert!(bucket.try_add(1).is_err());
    /// assert!(bucket.try_add(0).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn try_add(&self, n: u64) -> Result<(), Refused> {
        self.now().try_add(n)
    }

    /// Adds as much as fits, but no more than `max`, and says how much.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!([7, 7, 7].map(|max| bucket.add_up_to(max)), [7, 3, 0]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn add_up_to(&self, max: u64) -> u64 {
        self.now().add_up_to(max)
    }

    /// Takes `n` out again, for what was added and did not happen. The level does not fall below 0.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
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

    /// How much is in it now, rounded up, those who wait included: above the capacity it is the
    /// queue. The answer may be outdated at once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10).capacity(4), ManualClock::new())?;
    /// bucket.try_add(3)?;
    /// let waiting = [bucket.reserve(4)?, bucket.reserve(2)?];
    /// assert_eq!((bucket.level(), bucket.room()), (9, 0));
    /// bucket.clock().advance(Duration::from_millis(501));
    /// assert_eq!((bucket.level(), bucket.room()), (4, 0)); // 3.99
    /// bucket.clock().advance(Duration::from_secs(1));
    /// assert_eq!((bucket.level(), bucket.room()), (0, 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn level(&self) -> u64 {
        self.now().level()
    }

    /// The level as a part of the capacity, rounded up to a step of [`Ratio`]: 1 is full, and above
    /// it is the queue. The answer may be outdated at once.
    ///
    /// Parts of a token count, so it tells more than [`level`](Self::level) divided by the
    /// capacity.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{LeakyBucket, Limit, ManualClock, Ratio};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10).capacity(4), ManualClock::new())?;
    /// bucket.clock().advance(Duration::from_millis(50));
    /// assert_eq!((bucket.level(), bucket.fill()), (4, Ratio::from_f64(0.875)));
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn fill(&self) -> Ratio {
        self.now().fill()
    }

    /// How much fits now, rounded down; the answer may be outdated at once.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.try_add(3)?;
    /// assert_eq!(bucket.room(), 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn room(&self) -> u64 {
        self.now().room()
    }

    /// Whether `n` fits now, and how much is missing if not; adds nothing. The answer may be
    /// outdated at once.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.try_add(8)?;
    /// assert!(bucket.has_room(2).fits());
    /// assert_eq!(bucket.has_room(5).missing, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_room(&self, n: u64) -> Room {
        self.now().has_room(n)
    }

    /// How long until `n` fits if nobody adds; zero if it does. Adds nothing. [`Duration::MAX`] if
    /// the rate is 0.
    ///
    /// # Errors
    ///
    /// [`Never`] for more than the capacity.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.wait_for(3)?, Duration::from_millis(300));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(&self, n: u64) -> Result<Duration, Never> {
        self.now().wait_for(n)
    }

    /// Puts the bucket into a stated level, or the capacity, as it is just before, if that is less.
    ///
    /// For operators and tests: [the bound](crate#the-bound) counts anew from here.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.reset(7);
    /// assert_eq!(bucket.level(), 7);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn reset(&self, level: u64) {
        self.now().reset(level);
    }

    /// Changes the rate of draining and the capacity from now on, and keeps the room that there is:
    /// [`MultiBucket::set_limits`], which says what holds.
    ///
    /// What has drained by now has drained at the old rate. With another capacity the *room* stays,
    /// so the level changes by as much as the capacity; [`MultiBucket::set_limits_with`] has other
    /// choices.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept, or that cannot keep what is in the bucket
    /// beyond its capacity; then nothing is changed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10).capacity(100), ManualClock::new())?;
    /// bucket.clock().advance(Duration::from_secs(1));
    /// bucket.set_limit(Limit::per_second(20).capacity(100))?;
    /// assert_eq!(bucket.level(), 90);
    /// bucket.clock().advance(Duration::from_secs(1));
    /// assert_eq!(bucket.level(), 70);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
        self.0.set_limit(limit)
    }
}

impl<C: Clock + Sync, const S: usize> LeakyBucket<C, S> {
    /// The same bucket, in which nobody waits for longer than this: a call past it is refused and
    /// changes nothing. Unless set there is no such bound.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?.with_max_wait(Duration::from_millis(500));
    /// let place = bucket.reserve(5)?;
    /// assert_eq!(bucket.reserve(1).unwrap_err().wait(), Some(Duration::from_millis(600)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_max_wait(self, max_wait: Duration) -> Self {
        Self(self.0.with_max_wait(max_wait))
    }

    /// The same bucket, whose level rises no further above the capacity than this: the length of
    /// the queue. Unless set there is no such bound.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?.with_max_debt(5);
    /// let places = [bucket.reserve(10)?, bucket.reserve(5)?];
    /// assert_eq!(bucket.level(), 15);
    /// assert!(bucket.reserve(1).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_max_debt(self, max_debt: u64) -> Self {
        Self(self.0.with_max_debt([max_debt]))
    }

    /// Adds `n` now, whether it fits or not, and says from when it does: a place in the queue. See
    /// [`Reservation`].
    ///
    /// # Errors
    ///
    /// [`Refused::Never`] for more than the capacity, and [`Refused::NotYet`] past the [bounds of
    /// the queue](Self::with_max_wait), or where the rate is 0 and it does not fit. A refused call
    /// changes nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// let place = bucket.reserve(3)?;
    /// assert_eq!(place.remaining(), Duration::from_millis(300));
    /// assert_eq!(bucket.reserve(2)?.remaining(), Duration::from_millis(500));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&self, n: u64) -> Result<Reservation<'_>, Refused> {
        self.0.reserve([n])
    }

    /// As [`reserve`](Self::reserve), if the wait is no longer than `max_wait`.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), and [`Refused::NotYet`] with the exact wait where it is
    /// longer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{LeakyBucket, Limit, ManualClock};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// let refused = bucket.reserve_within(3, Duration::from_millis(299)).unwrap_err();
    /// assert_eq!(refused.wait(), Some(Duration::from_millis(300)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_within(&self, n: u64, max_wait: Duration) -> Result<Reservation<'_>, Refused> {
        self.0.reserve_within([n], max_wait)
    }

    /// Waits on `timer` until `n` fits in the caller's turn, and adds it: [`MultiBucket::take`],
    /// which says what holds. A future that is dropped before it completes takes out again what it
    /// added.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), at the first poll.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use tollgate::{LeakyBucket, Limit, TokioTimer};
    ///
    ///     let bucket = LeakyBucket::full(Limit::per_second(1000))?;
    ///     bucket.add(2, TokioTimer).await?; // 2 ms later
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn add<T: Timer>(&self, n: u64, timer: T) -> impl Future<Output = Result<(), Refused>> {
        self.0.take([n], timer)
    }

    /// As [`add`](Self::add), if that is no longer than `timeout` from the call.
    ///
    /// # Errors
    ///
    /// As [`reserve_within`](Self::reserve_within), at the first poll.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::time::Duration;
    ///     use tollgate::{LeakyBucket, Limit, TokioTimer};
    ///
    ///     let bucket = LeakyBucket::full(Limit::per_second(1000))?;
    ///     assert!(bucket.add_timeout(500, Duration::from_millis(1), TokioTimer).await.is_err()); // at once
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn add_timeout<T: Timer>(
        &self,
        n: u64,
        timeout: Duration,
        timer: T,
    ) -> impl Future<Output = Result<(), Refused>> {
        self.0.take_timeout([n], timeout, timer)
    }

    /// As [`add`](Self::add), and says how long it waited: the time between two readings of the
    /// bucket's clock, one at the first poll and one when `n` was in. That is no less than what a
    /// [`reserve`](Self::reserve) would have told, and more if the timer overslept.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::time::Duration;
    ///     use tollgate::{LeakyBucket, Limit, TokioTimer};
    ///
    ///     let bucket = LeakyBucket::empty(Limit::per_second(1000).capacity(1))?;
    ///     bucket.wait(1, TokioTimer).await?;
    ///     let waited = bucket.wait(1, TokioTimer).await?;
    ///     assert!(waited <= Duration::from_secs(3600));
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub async fn wait<T: Timer>(&self, n: u64, timer: T) -> Result<Duration, Refused> {
        let start = self.clock().now();
        self.add(n, timer).await?;
        Ok(self.clock().now().since(start))
    }

    /// Waits on this thread until `n` fits in the caller's turn, and adds it.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), at once.
    ///
    /// ```
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let bucket = LeakyBucket::full(Limit::per_second(1000))?;
    /// bucket.add_blocking(2)?; // 2 ms later
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn add_blocking(&self, n: u64) -> Result<(), Refused> {
        self.0.take_blocking([n])
    }

    /// As [`add_blocking`](Self::add_blocking), if that is no longer than `timeout` from the call.
    ///
    /// # Errors
    ///
    /// As [`reserve_within`](Self::reserve_within), at once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let bucket = LeakyBucket::full(Limit::per_second(1000))?;
    /// assert!(bucket.add_blocking_timeout(500, Duration::from_millis(1)).is_err());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn add_blocking_timeout(&self, n: u64, timeout: Duration) -> Result<(), Refused> {
        self.0.take_blocking_timeout([n], timeout)
    }

    /// As [`add_blocking`](Self::add_blocking), and says how long it waited, as
    /// [`wait`](Self::wait) does.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), at once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let bucket = LeakyBucket::full(Limit::per_second(1000))?;
    /// assert!(bucket.wait_blocking(2)? > Duration::ZERO);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn wait_blocking(&self, n: u64) -> Result<Duration, Refused> {
        let start = self.clock().now();
        self.add_blocking(n)?;
        Ok(self.clock().now().since(start))
    }
}

impl<C: Clock, const S: usize> fmt::Debug for LeakyBucket<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakyBucket").field("level", &self.level()).finish_non_exhaustive()
    }
}

/// A [`LeakyBucket`] at one instant: the same verbs, at a time that the caller supplied. See
/// [`LeakyBucket::at`].
///
/// ```
/// use tollgate::{LeakyBucket, Limit, ManualClock, Time};
///
/// let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
/// let now = bucket.at(Time::from_nanos(5));
/// assert!(now.try_add(6).is_ok());
/// assert_eq!((now.level(), now.room()), (6, 4));
/// # Ok::<(), tollgate::LimitError>(())
/// ```
pub struct LeakyBucketAt<'a, const S: usize = SLOTS>(MultiBucketAt<'a, 1, S>);

impl<const S: usize> Copy for LeakyBucketAt<'_, S> {}

impl<const S: usize> Clone for LeakyBucketAt<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<const S: usize> LeakyBucketAt<'_, S> {
    /// As [`LeakyBucket::try_add`].
    ///
    /// # Errors
    ///
    /// As [`LeakyBucket::try_add`].
    ///
    /// ```
    /// # use tollgate::{LeakyBucket, Limit, ManualClock, Ratio, Time};
    /// # let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.at(Time::ZERO).try_add(10)?;
    /// assert!(bucket.at(Time::from_nanos(99_999_999)).try_add(1).is_err());
    /// assert!(bucket.at(Time::from_nanos(100_000_000)).try_add(1).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_add(self, n: u64) -> Result<(), Refused> {
        self.0.try_take([n])
    }

    /// As [`LeakyBucket::add_up_to`].
    ///
    /// ```
    /// # use tollgate::{LeakyBucket, Limit, ManualClock, Ratio, Time};
    /// # let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).add_up_to(12), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn add_up_to(self, max: u64) -> u64 {
        self.0.take_up_to(max, [1])
    }

    /// As [`LeakyBucket::remove`].
    ///
    /// ```
    /// # use tollgate::{LeakyBucket, Limit, ManualClock, Ratio, Time};
    /// # let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.at(Time::ZERO).try_add(10)?;
    /// bucket.at(Time::ZERO).remove(4);
    /// assert_eq!(bucket.at(Time::ZERO).level(), 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn remove(self, n: u64) {
        self.0.put_back([n]);
    }

    /// As [`LeakyBucket::level`].
    ///
    /// ```
    /// # use tollgate::{LeakyBucket, Limit, ManualClock, Ratio, Time};
    /// # let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.at(Time::ZERO).try_add(10)?;
    /// assert_eq!(bucket.at(Time::from_nanos(1)).level(), 10);
    /// assert_eq!(bucket.at(Time::from_nanos(100_000_000)).level(), 9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn level(self) -> u64 {
        self.0.snapshot().level()
    }

    /// As [`LeakyBucket::fill`].
    ///
    /// ```
    /// # use tollgate::{LeakyBucket, Limit, ManualClock, Ratio, Time};
    /// # let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.at(Time::ZERO).try_add(3)?;
    /// assert_eq!(bucket.at(Time::ZERO).fill(), Ratio::percent(30));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fill(self) -> Ratio {
        self.0.snapshot().fill()
    }

    /// As [`LeakyBucket::room`].
    ///
    /// ```
    /// # use tollgate::{LeakyBucket, Limit, ManualClock, Ratio, Time};
    /// # let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).room(), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn room(self) -> u64 {
        let [room] = self.0.available();
        room
    }

    /// As [`LeakyBucket::has_room`].
    ///
    /// ```
    /// # use tollgate::{LeakyBucket, Limit, ManualClock, Ratio, Time};
    /// # let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).has_room(12).missing, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_room(self, n: u64) -> Room {
        let snapshot = self.0.snapshot();
        let [capacity] = snapshot.limits.capacities();
        Room::of(n, snapshot.level(), capacity)
    }

    /// As [`LeakyBucket::wait_for`].
    ///
    /// # Errors
    ///
    /// As [`LeakyBucket::wait_for`].
    ///
    /// ```
    /// # use tollgate::{LeakyBucket, Limit, ManualClock, Ratio, Time};
    /// # let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.at(Time::ZERO).try_add(10)?;
    /// assert_eq!(bucket.at(Time::ZERO).wait_for(2)?.as_millis(), 200);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(self, n: u64) -> Result<Duration, Never> {
        self.0.wait_for([n])
    }

    /// As [`LeakyBucket::reset`].
    ///
    /// ```
    /// # use tollgate::{LeakyBucket, Limit, ManualClock, Ratio, Time};
    /// # let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.at(Time::ZERO).reset(4);
    /// assert_eq!(bucket.at(Time::from_nanos(200_000_000)).level(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(self, level: u64) {
        let [limit] = self.0.snapshot().limits();
        self.0.reset([limit.capacity.saturating_sub(level)]);
    }

    /// As [`LeakyBucket::set_limit`].
    ///
    /// # Errors
    ///
    /// As [`LeakyBucket::set_limit`].
    ///
    /// ```
    /// # use tollgate::{LeakyBucket, Limit, ManualClock, Ratio, Time};
    /// # let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.at(Time::ZERO).try_add(10)?;
    /// bucket.at(Time::from_nanos(100_000_000)).set_limit(Limit::per_second(20).capacity(10))?;
    /// assert_eq!(bucket.at(Time::from_nanos(200_000_000)).level(), 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_limit(self, limit: Limit) -> Result<(), LimitError> {
        self.0.set_limits([limit])
    }
}

impl<const S: usize> fmt::Debug for LeakyBucketAt<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakyBucketAt").field("level", &self.level()).finish_non_exhaustive()
    }
}
