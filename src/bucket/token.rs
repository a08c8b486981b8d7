//! Owns the bucket of one stream with a fixed limit. Never changes its limit; the word is in
//! `state/word.rs`.

use core::fmt;
use core::time::Duration;

use crate::bucket::bucket::Bucket;
use crate::bucket::constant::limits_from_zero;
use crate::bucket::inherent::{deciding_verbs, waiting_verbs};
use crate::bucket::two_readings;
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::refused::{Never, Refused};
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::lease::lease::Lease;
use crate::limit::amounts::Amounts;
use crate::limit::limit::Limit;
use crate::limit::limit_error::LimitError;
use crate::state::at::At;
use crate::state::limits_changed::LimitsChanged;
use crate::state::store::{Change, Revised, Store, Stored, Waitable};
use crate::state::word::Word;
use crate::sync::const_fn;
#[cfg(feature = "std")]
use crate::wait::cancel::Cancel;
use crate::wait::estimate::Estimate;
#[cfg(feature = "std")]
use crate::wait::line::{queue::Queued, standing::Queue};
use crate::wait::reservation::Reservation;
use crate::wait::take::{Take, UntilAvailable};
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;
#[cfg(not(feature = "std"))]
use crate::wait::unqueued::Queued;
use crate::wait::waits::Waits;

/// A token bucket for one stream, with a fixed limit. Threads share it by reference.
///
/// Its state is one atomic word. A grant is one load and one compare-and-swap, and a refusal is one
/// load. A call retries only if another call succeeded, so no thread waits for another.
///
/// Its limit is fixed, which makes it faster. [`MultiBucket`](crate::MultiBucket) has several
/// streams, limits that change, and handles. [`Bucket`] has the full text of each verb.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, TokenBucket};
///
/// let clock = ManualClock::new();
/// let bucket = TokenBucket::with_clock(Limit::per_second(1000).capacity(2), &clock)?;
/// assert!(bucket.try_take(1).is_ok());
/// assert!(bucket.try_take(1).is_ok());
/// let refused = bucket.try_take(1).unwrap_err();
/// assert_eq!(refused.wait(), Some(Duration::from_millis(1)));
/// clock.advance(Duration::from_millis(1));
/// assert!(bucket.try_take(1).is_ok());
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
///
/// # Memory ordering
///
/// A grant is only a count: it does not order any other memory. All operations are `Relaxed`.
pub struct TokenBucket<C = DefaultClock> {
    pub(crate) queued: Queued<Word, 1>,
    /// As it was given.
    limit: Limit,
    wait_bounds: WaitBounds<1>,
    clock: C,
}

impl TokenBucket<DefaultClock> {
    /// Makes a bucket on the default clock, full or empty as the limit says.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that a bucket cannot keep.
    ///
    /// ```
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::new(Limit::per_second(1000))?;
    /// assert!(bucket.try_take(1000).is_ok());
    /// assert!(TokenBucket::new(Limit::per_second(1000).capacity(0)).is_err());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn new(limit: Limit) -> Result<Self, LimitError> {
        Self::with_clock(limit, DefaultClock::default())
    }
}

impl<C: Clock> TokenBucket<C> {
    /// Makes a bucket on this clock. It begins at the clock's present.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that a bucket cannot keep.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let limit = Limit::per_second(1000).empty();
    /// let bucket = TokenBucket::with_clock(limit, ManualClock::new())?;
    /// assert_eq!(bucket.available(), 0);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn with_clock(limit: Limit, clock: C) -> Result<Self, LimitError> {
        let queued = Queued::new(Word::new(limit, clock.now())?);
        Ok(Self { queued, limit, wait_bounds: WaitBounds::UNBOUNDED, clock })
    }

    const_fn! {
        /// Makes a bucket in a `static`. It counts from the clock's zero and is full there.
        ///
        /// It does not read the clock. The first take must come within the limit's
        /// [idle limit](Limit::idle_limit) of the clock's zero.
        ///
        /// ```
        /// use tollgate::clock::{ManualClock, Time};
        /// use tollgate::{Clock, Limit, TokenBucket};
        ///
        /// static TICKS: ManualClock = ManualClock::new(); // moved by a timer interrupt
        /// static BUCKET: TokenBucket<&ManualClock> =
        ///     TokenBucket::const_new(Limit::per_second(1000).capacity(2), &TICKS);
        ///
        /// assert!(BUCKET.try_take(2).is_ok());
        /// TICKS.set(Time::from_nanos(1_000_000));
        /// assert_eq!(BUCKET.available(), 1);
        /// ```
        ///
        /// # Panics
        ///
        /// If a bucket cannot keep the limit, or if the limit begins with less than its capacity:
        /// it has filled long before. In a `static` it does not compile then:
        ///
        /// ```compile_fail,E0080
        /// use tollgate::clock::ManualClock;
        /// use tollgate::{Limit, TokenBucket};
        ///
        /// static BUCKET: TokenBucket<ManualClock> =
        ///     TokenBucket::const_new(Limit::per_second(1000).empty(), ManualClock::new());
        /// # BUCKET.available();
        /// ```
        pub const fn const_new(limit: Limit, clock: C) -> Self {
            let queued = Queued::new(Word::of(limits_from_zero([limit]), limit));
            Self { queued, limit, wait_bounds: WaitBounds::UNBOUNDED, clock }
        }
    }

    /// Returns the limit as it was given.
    ///
    /// ```
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::new("1MiB/s burst 4MiB".parse()?)?;
    /// assert_eq!(bucket.limit().capacity, 4 << 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn limit(&self) -> Limit {
        self.limit
    }

    /// Returns the clock that the bucket reads.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let limit = Limit::per_second(10).empty();
    /// let bucket = TokenBucket::with_clock(limit, ManualClock::new())?;
    /// bucket.clock().advance(Duration::from_secs(1));
    /// assert_eq!(bucket.available(), 10);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Limits how long a reservation may wait. Default: no limit.
    ///
    /// It holds for [`reserve`](Self::reserve) and for all verbs that wait in turn.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let limit = Limit::per_second(10).empty();
    /// let bucket = TokenBucket::with_clock(limit, ManualClock::new())?
    ///     .with_max_wait(Duration::from_millis(500));
    /// let place = bucket.reserve(5)?;
    /// assert_eq!(bucket.reserve(1).unwrap_err().wait(), Some(Duration::from_millis(600)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.wait_bounds.max_wait = max_wait;
        self
    }

    /// Sets the grace: how late a waiter may come and lose nothing. Default: 10 ms, at most 1 min.
    ///
    /// Timers and schedulers are late. What accrues within the grace is kept for those who wait, so
    /// [the bound](crate#the-bound) grows by what accrues in it. With a grace of 0, a bucket of
    /// capacity 1 loses what accrues while each of them wakes. Set it before anybody waits.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::new(Limit::per_minute(1))?.with_grace(Duration::from_millis(2));
    /// bucket.take_blocking(1)?;
    /// assert_eq!(bucket.available(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    #[must_use]
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.wait_bounds.grace = grace;
        self
    }

    /// Limits how many tokens reservations may owe. Default: no limit.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let limit = Limit::per_second(10).empty();
    /// let bucket = TokenBucket::with_clock(limit, ManualClock::new())?.with_max_debt(5);
    /// let place = bucket.reserve(5)?;
    /// assert!(bucket.reserve(1).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_max_debt(mut self, max_debt: u64) -> Self {
        self.wait_bounds.max_debt = [max_debt];
        self
    }

    /// Takes the tokens available, `max` at the most, and returns their number.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!([7, 7, 7].map(|max| bucket.take_up_to(max)), [7, 3, 0]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to(&self, max: u64) -> u64 {
        self.take_items(max, 1)
    }
}

deciding_verbs!([C: Clock] TokenBucket<C>, 1, u64);
waiting_verbs!([C: Clock + Sync] TokenBucket<C>, 1, u64);

impl<C: Clock + Sync> Bucket for TokenBucket<C> {}

impl<C: Clock> Stored<1> for TokenBucket<C> {
    type Amounts = u64;
    type Store = Queued<Word, 1>;

    #[inline(always)]
    fn store(&self) -> &Queued<Word, 1> {
        &self.queued
    }

    #[inline(always)]
    fn now(&self) -> Time {
        self.clock.now()
    }

    #[inline(always)]
    fn rough(&self) -> Option<Time> {
        self.clock.rough()
    }
}

impl<C: Clock + Sync> Waits<1> for TokenBucket<C> {
    #[cfg(feature = "std")]
    fn queue(&self) -> &dyn Queue<1> {
        &self.queued
    }
}

impl<C: Clock + Sync> Waitable<1> for TokenBucket<C> {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn read(&self) -> (Revision<1>, [u64; 1]) {
        self.queued.words.read_revised()
    }

    fn wait_bounds(&self) -> &WaitBounds<1> {
        &self.wait_bounds
    }

    fn limits_changed(&self) -> Option<&LimitsChanged> {
        None
    }

    fn update(&self, change: &Change<'_, 1>) -> Result<(), (Revision<1>, [u64; 1])> {
        self.queued.words.update_revised(change)
    }

    fn is_waited_for(&self, stream: usize) -> bool {
        Store::<1>::is_waited_for(&self.queued, stream)
    }

    fn hold(&self, amounts: &[u64; 1]) {
        self.queued.held().hold(amounts);
    }

    fn let_go(&self, amounts: &[u64; 1]) {
        self.queued.held().let_go(amounts);
    }

    fn eased(&self, now: Time) {
        Store::<1>::eased(&self.queued, now);
    }
}

impl<C: Clock> fmt::Debug for TokenBucket<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBucket").field("available", &self.available()).finish_non_exhaustive()
    }
}
