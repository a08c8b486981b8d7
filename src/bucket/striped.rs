//! Owns the bucket whose tokens lie on stripes, a line of the cache for each core. Never decides;
//! the stripes are in `lease/stripes.rs`.

use core::fmt;
use core::time::Duration;

use crate::bucket::bucket::Bucket;
use crate::bucket::inherent::waiting_verbs;
use crate::bucket::verbs;
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::refused::{Never, Refused};
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::lease::stripe::Spent;
use crate::lease::striped_words::StripedWords;
use crate::lease::stripes::Stripes;
use crate::limit::limit::Limit;
use crate::limit::limit_error::LimitError;
use crate::state::at::At;
use crate::state::limits_changed::LimitsChanged;
use crate::state::store::{Change, Revised, Store, Stored, Waitable};
use crate::wait::cancel::Cancel;
use crate::wait::estimate::Estimate;
use crate::wait::line::{queue::Queued, standing::Queue};
use crate::wait::reservation::Reservation;
use crate::wait::take::{Take, UntilAvailable};
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;
use crate::wait::waits::Waits;

/// A token bucket for many cores: most grants touch neither the clock nor a line that cores share.
///
/// It is a [`MultiBucket`](crate::MultiBucket) with **stripes**: a few tokens for each core, taken
/// from the bucket in advance. [`try_take`](Self::try_take) spends from the stripe of its thread by
/// one compare-and-swap. Only when that is short it goes to the bucket, and fetches the next few.
/// It is as exact: the tokens on stripes are part of the capacity.
///
/// ```
/// use tollgate::bucket::StripedBucket;
/// use tollgate::clock::ManualClock;
/// use tollgate::Limit;
///
/// let limits = [Limit::per_second(1_000_000), Limit::per_second(1 << 30)];
/// let bucket = StripedBucket::with_clock(limits, ManualClock::new())?;
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..1000).for_each(|_| bucket.try_take([1, 700]).expect("it is full")));
///     }
/// });
/// assert_eq!(bucket.available(), [996_000, (1 << 30) - 2_800_000]);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
///
/// # When to use it
///
/// Where many cores take from one bucket, most takes are granted, and the capacity is at least 128
/// times what one take needs, for each stripe. One thread gains, too, as it reads no clock. Where
/// most takes are refused it gains nothing, and a `MultiBucket` tells more. With less than 4 tokens
/// for each stripe there are no stripes, and [`share`](Self::share) is 0.
///
/// # What differs from a `MultiBucket`
///
/// * **The share.** An eighth of the capacity is for the stripes. The bucket itself holds the rest:
///   it begins full, and refills up to the capacity less what stripes have used of their share. So
///   after an idle time the level is between the capacity less the share and the capacity.
/// * **The largest take** is the capacity less the share, which [`Refused::Never`] names.
/// * **A grant tells nothing.** `try_take` returns `()`: what is left elsewhere is not known
///   without a look at all stripes. [`available`](Self::available) looks, and adds them up.
/// * **What comes home.** A take that the bucket cannot grant brings home what lies on stripes, and
///   is decided again. Nothing is refused while tokens lie on stripes. What others fetch for a
///   stripe while a take decides counts as taken, and what is in the hand of a thread that stopped.
/// * **Of more than two streams**, a stripe that another thread has in its hand is passed over: a
///   take goes to the bucket then. No thread waits for another.
/// * **All other verbs** are the bucket's. They first bring home what they need, and `save` all.
///   What is put back goes to the bucket, too. [`Granted`] tells what is left there.
/// * **What does not fit at home is lost**, as in a bucket that is full. So the level of a full
///   bucket may fall to the capacity less the share, and no further.
///
/// # Guarantees
///
/// * **[The bound](crate#the-bound)** holds with the capacity as it was given. `P` also counts what
///   was in the hands of calls when the window began, which fetch or bring home: at most the share
///   for each. Between calls that is nothing.
/// * **A thread that stops** anywhere stops nobody, and mints nothing. It keeps what it has in its
///   hand until it goes on. If it stopped while it brought tokens home, each refusal looks a few
///   times.
/// * **A pause, a reset and a close** leave nothing on stripes: no take that begins after one has
///   returned is granted from there.
/// * **While somebody waits** in turn, nothing lies on stripes, and takers stay out as they do of a
///   `MultiBucket`. Of more than two streams, what another thread has in its hand when somebody
///   enters comes home when it lets go, or with the next take from there.
///
/// # Memory ordering
///
/// A grant is only a count: it does not order any other memory.
pub struct StripedBucket<const N: usize = 1, C = DefaultClock> {
    pub(crate) queued: Queued<StripedWords<N>, N>,
    pub(crate) wait_bounds: WaitBounds<N>,
    pub(crate) clock: C,
}

impl<const N: usize> StripedBucket<N, DefaultClock> {
    /// Makes a bucket on the default clock, with a stripe for each core, each stream full or empty
    /// as its limit says.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for the first limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::bucket::StripedBucket;
    /// use tollgate::Limit;
    ///
    /// let bucket = StripedBucket::new([Limit::per_second(100_000)])?;
    /// assert!(bucket.try_take([1]).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn new(limits: [Limit; N]) -> Result<Self, LimitError> {
        Self::with_clock(limits, DefaultClock::default())
    }
}

impl<const N: usize, C: Clock> StripedBucket<N, C> {
    /// Makes a bucket on this clock, with a stripe for each core. It begins at the clock's present.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for the first limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::bucket::StripedBucket;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::Limit;
    ///
    /// let limits = [Limit::per_second(100_000).empty()];
    /// let bucket = StripedBucket::with_clock(limits, ManualClock::new())?;
    /// assert_eq!(bucket.available(), [0]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn with_clock(limits: [Limit; N], clock: C) -> Result<Self, LimitError> {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Self::with_stripes(limits, clock, cores)
    }

    /// Makes a bucket with so many stripes: rounded up to a power of two, 1 to 64.
    ///
    /// Threads are spread over them in the order in which they first take. As many as threads that
    /// take at the same time are enough.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for the first limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::bucket::StripedBucket;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::Limit;
    ///
    /// let limits = [Limit::per_second(1000)];
    /// let bucket = StripedBucket::with_stripes(limits, ManualClock::new(), 3)?;
    /// assert_eq!((bucket.stripes(), bucket.share()), (4, [124])); // 31 tokens each
    /// assert_eq!(bucket.available(), [1000]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn with_stripes(limits: [Limit; N], clock: C, stripes: usize) -> Result<Self, LimitError> {
        Self::with_chunk(limits, clock, stripes, [u64::MAX; N])
    }

    /// Makes a bucket with so many stripes, each of which holds at most `chunk` tokens of each
    /// stream, and at most its part of an eighth of the capacity.
    ///
    /// A smaller chunk carves less out of the capacity, and goes to the bucket more often. With
    /// what 64 takes need, a take costs hardly more than with a large chunk.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for the first limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::bucket::StripedBucket;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::Limit;
    ///
    /// let limits = [Limit::per_second(100_000)];
    /// let bucket = StripedBucket::with_chunk(limits, ManualClock::new(), 4, [64])?;
    /// assert_eq!(bucket.share(), [256]);
    /// bucket.try_take([99_744])?; // the largest take
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_chunk(limits: [Limit; N], clock: C, stripes: usize, chunk: [u64; N]) -> Result<Self, LimitError> {
        const { assert!(N >= 1 && N <= 8, "a StripedBucket has 1 to 8 streams") };
        let stripes = stripes.clamp(1, Stripes::<N>::MOST).next_power_of_two();
        let words = StripedWords::new(limits, stripes, chunk, clock.now())?;
        Ok(Self { queued: Queued::new(words), wait_bounds: WaitBounds::UNBOUNDED, clock })
    }

    /// Takes these amounts from all streams now, or nothing from any: [`Bucket::try_take`].
    ///
    /// # Errors
    ///
    /// As [`Bucket::try_take`]. [`Refused::Never`] for more than the capacity less the
    /// [share](Self::share). What a refusal says is there, is all there was.
    ///
    /// ```
    /// use tollgate::bucket::StripedBucket;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::Limit;
    ///
    /// let limits = [Limit::per_second(1000)];
    /// let bucket = StripedBucket::with_stripes(limits, ManualClock::new(), 2)?;
    /// for _ in 0..1000 {
    ///     bucket.try_take([1])?;
    /// }
    /// let refused = bucket.try_take([1]).unwrap_err();
    /// assert_eq!(refused.wait(), Some(std::time::Duration::from_millis(1)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn try_take(&self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        let stripes = &self.queued.words.stripes;
        let stripe = stripes.mine();
        match stripe.spend(&amounts) {
            Spent::Granted => return Ok(()),
            Spent::Short => {}
            Spent::Voided(homeless) => self.put_back(homeless),
        }
        // Mostly refusals: nothing is fetched, and no stripe has any.
        if stripe.is_plain() && stripes.are_settled() {
            let decided = verbs::take_here(&self.queued, self.clock.now(), amounts);
            return decided.map(|_| stripes.has_granted(stripe));
        }
        self.take_past_stripe(amounts)
    }

    /// Fetches, or takes what the bucket and the other stripes have.
    #[cold]
    #[inline(never)]
    fn take_past_stripe(&self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        let (stripes, now) = (&self.queued.words.stripes, self.clock.now());
        if !stripes.mine().is_plain() && stripes.fetch(&self.queued, now, &amounts) {
            return Ok(());
        }
        verbs::try_take(&self.queued, now, amounts).map(|_| stripes.has_granted(stripes.mine()))
    }

    /// Takes these amounts unless a stream owes tokens: [`Bucket::admit`].
    ///
    /// # Errors
    ///
    /// As [`Bucket::admit`].
    pub fn admit(&self, amounts: [u64; N]) -> Result<Granted<N>, Refused<N>> {
        At { of: self, now: self.clock.now() }.admit(amounts)
    }

    /// Returns the tokens that are owed now: [`Bucket::debt`].
    pub fn debt(&self) -> [u64; N] {
        At { of: self, now: self.clock.now() }.debt()
    }

    /// Takes as many whole items as fit: [`Bucket::take_items`].
    pub fn take_items(&self, max: u64, per_item: [u64; N]) -> u64 {
        At { of: self, now: self.clock.now() }.take_items(max, per_item)
    }

    /// Takes the longest prefix that fits: [`Bucket::take_in_order`].
    pub fn take_in_order(&self, requests: &[[u64; N]]) -> usize {
        At { of: self, now: self.clock.now() }.take_in_order(requests)
    }

    /// Gives back tokens that were not used: [`Bucket::put_back`].
    pub fn put_back(&self, amounts: [u64; N]) {
        At { of: self, now: self.clock.now() }.put_back(amounts);
    }

    /// Takes these amounts unconditionally: [`Bucket::charge`].
    ///
    /// # Errors
    ///
    /// As [`Bucket::charge`].
    pub fn charge(&self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        At { of: self, now: self.clock.now() }.charge(amounts)
    }

    /// Sets the level, capped at the capacity less the [share](Self::share): [`Bucket::reset`].
    pub fn reset(&self, tokens: [u64; N]) {
        At { of: self, now: self.clock.now() }.reset(tokens);
    }

    /// Returns the tokens available now, those on stripes included.
    ///
    /// Beside other threads it is an estimate: tokens may move while it looks.
    ///
    /// ```
    /// use tollgate::bucket::StripedBucket;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::Limit;
    ///
    /// let limits = [Limit::per_second(1000)];
    /// let bucket = StripedBucket::with_stripes(limits, ManualClock::new(), 2)?;
    /// bucket.try_take([1])?;
    /// assert_eq!(bucket.available(), [999]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn available(&self) -> [u64; N] {
        At { of: self, now: self.clock.now() }.available()
    }

    /// Returns the time until these amounts are available: [`Bucket::wait_for`].
    ///
    /// # Errors
    ///
    /// As [`Bucket::wait_for`].
    pub fn wait_for(&self, amounts: [u64; N]) -> Result<Option<Duration>, Never> {
        At { of: self, now: self.clock.now() }.wait_for(amounts)
    }

    /// Views the bucket at a time that the caller supplies: [`Bucket::at`].
    ///
    /// There the bucket itself decides, and nothing is fetched for a stripe.
    pub fn at(&self, now: Time) -> At<&Self, N> {
        At { of: self, now }
    }

    /// Returns the number of stripes: a power of two, 1 to 64.
    pub fn stripes(&self) -> usize {
        self.queued.words.stripes.len()
    }

    /// Returns how many tokens of each stream stripes may hold together: an eighth of the capacity,
    /// rounded down to the same number on each stripe. It is 0 for a capacity that is too small for
    /// stripes.
    ///
    /// ```
    /// use tollgate::bucket::StripedBucket;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::Limit;
    ///
    /// let small = [Limit::per_second(63)]; // not even 4 for each of 2 stripes
    /// let bucket = StripedBucket::with_stripes(small, ManualClock::new(), 2)?;
    /// assert_eq!(bucket.share(), [0]);
    /// bucket.try_take([63])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn share(&self) -> [u64; N] {
        self.queued.words.stripes.share()
    }

    /// Counts the tokens on stripes, for audits.
    #[cfg(any(loom, tollgate_freeze))]
    #[doc(hidden)]
    pub fn lent(&self) -> [u64; N] {
        self.queued.words.stripes.credits()
    }

    /// Returns the clock that the bucket reads.
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Limits how long a reservation may wait. Default: no limit.
    ///
    /// See [`MultiBucket::with_max_wait`](crate::MultiBucket::with_max_wait).
    #[must_use]
    pub const fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.wait_bounds.max_wait = max_wait;
        self
    }

    /// Sets the grace: how late a waiter may come and lose nothing. Default: 10 ms, at most 1 min.
    ///
    /// See [`MultiBucket::with_grace`](crate::MultiBucket::with_grace).
    #[must_use]
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.wait_bounds.grace = grace;
        self
    }

    /// Limits how many tokens of each stream reservations may owe. Default: no limit.
    ///
    /// See [`MultiBucket::with_max_debt`](crate::MultiBucket::with_max_debt).
    #[must_use]
    pub const fn with_max_debt(mut self, max_debt: [u64; N]) -> Self {
        self.wait_bounds.max_debt = max_debt;
        self
    }
}

waiting_verbs!([const N: usize, C: Clock + Sync] StripedBucket<N, C>, N, [u64; N]);

impl<const N: usize, C: Clock + Sync> Bucket<N> for StripedBucket<N, C> {}

impl<const N: usize, C: Clock> Stored<N> for StripedBucket<N, C> {
    type Amounts = [u64; N];
    type Store = Queued<StripedWords<N>, N>;

    #[inline(always)]
    fn store(&self) -> &Queued<StripedWords<N>, N> {
        &self.queued
    }

    #[inline(always)]
    fn now(&self) -> Time {
        self.clock.now()
    }
}

impl<const N: usize, C: Clock + Sync> Waits<N> for StripedBucket<N, C> {
    fn queue(&self) -> &dyn Queue<N> {
        &self.queued
    }
}

impl<const N: usize, C: Clock + Sync> Waitable<N> for StripedBucket<N, C> {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn read(&self) -> (Revision<N>, [u64; N]) {
        self.queued.words.read_revised()
    }

    fn wait_bounds(&self) -> &WaitBounds<N> {
        &self.wait_bounds
    }

    fn limits_changed(&self) -> Option<&LimitsChanged> {
        Some(self.queued.words.versions.limits_changed())
    }

    fn update(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        self.queued.words.update_revised(change)
    }

    fn is_waited_for(&self, stream: usize) -> bool {
        Store::<N>::is_waited_for(&self.queued, stream)
    }

    fn bring_home(&self, now: Time, amounts: &[u64; N]) {
        Store::<N>::bring_home(&self.queued, now, amounts);
    }

    fn hold(&self, amounts: &[u64; N]) {
        self.queued.held().hold(amounts);
    }

    fn let_go(&self, amounts: &[u64; N]) {
        self.queued.held().let_go(amounts);
    }

    fn eased(&self, now: Time) {
        Store::<N>::eased(&self.queued, now);
    }
}

impl<const N: usize, C: Clock> fmt::Debug for StripedBucket<N, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripedBucket")
            .field("available", &At { of: self, now: self.clock.now() }.available())
            .finish_non_exhaustive()
    }
}
