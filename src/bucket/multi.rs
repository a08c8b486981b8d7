//! Owns the bucket of several streams. Never changes a word itself; how its state changes is in
//! `state/multi.rs`.

use core::fmt;
use core::time::Duration;

use crate::bucket::bucket::Bucket;
use crate::bucket::constant::limits_from_zero;
use crate::bucket::handle::{Handle, HandlesExhausted};
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
use crate::state::epoch::Stamp;
use crate::state::limits_changed::LimitsChanged;
use crate::state::multi::{SLOTS, Versions};
use crate::state::snapshot::Snapshot;
use crate::state::store::{Change, Revised, Store, Stored, Waitable};
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

/// A token bucket for `N` streams (1 to 8), debited all or nothing in one linearizable step.
///
/// A stream is one limit: requests *and* bytes, per second *and* per minute. A take names an amount
/// for each stream. Either all streams are debited at one instant, or none is. Threads share it by
/// reference, and are faster through a [`handle`](Self::handle). Its limits
/// [change](Self::set_limits) while it runs. [`Bucket`] has the full text of each verb.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, MultiBucket};
///
/// let limits = ["1000/s".parse::<Limit>()?, "1MiB/s".parse()?];
/// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
/// bucket.try_take([1, 600_000])?;
/// let refused = bucket.try_take([1, 600_000]).unwrap_err();
/// assert_eq!(refused.stream(), 1);
/// assert_eq!(bucket.available(), [999, 448_576]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Slots
///
/// No thread waits for another. A call that takes writes the next state of all streams into a slot
/// of its own, and publishes it with one compare-and-swap. A thread that stops anywhere stops
/// nobody, and keeps at most two slots.
///
/// `S` slots lie inside the bucket. With the feature `alloc` it allocates more when they run out,
/// up to 4096. Without it, let `S` be at least the threads and interrupts that call at once, plus
/// the handles, plus two. A call that finds no slot at all tries again until another call ends.
///
/// # Memory ordering
///
/// A grant is only a count: it does not order any other memory.
pub struct MultiBucket<const N: usize, C = DefaultClock, const S: usize = SLOTS> {
    pub(crate) queued: Queued<Versions<N, S>, N>,
    wait_bounds: WaitBounds<N>,
    clock: C,
}

impl<const N: usize> MultiBucket<N, DefaultClock> {
    /// Makes a bucket on the default clock, each stream full or empty as its limit says.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for the first limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::new([Limit::per_second(100), Limit::per_minute(1000)])?;
    /// assert!(bucket.try_take([1, 1]).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    ///
    /// A number of streams other than 1 to 8 does not compile:
    ///
    /// ```compile_fail
    /// tollgate::MultiBucket::new([tollgate::Limit::per_second(1); 9]);
    /// ```
    ///
    /// Nor does a wrong number of amounts:
    ///
    /// ```compile_fail
    /// let bucket = tollgate::MultiBucket::new([tollgate::Limit::per_second(1); 2]);
    /// bucket.unwrap().try_take([1, 1, 1]);
    /// ```
    pub fn new(limits: [Limit; N]) -> Result<Self, LimitError> {
        Self::with_clock(limits, DefaultClock::default())
    }
}

impl<const N: usize, C: Clock> MultiBucket<N, C> {
    /// Makes a bucket on this clock. It begins at the clock's present.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for the first limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(5), Limit::per_second(7)];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// assert_eq!(bucket.available(), [5, 7]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn with_clock(limits: [Limit; N], clock: C) -> Result<Self, LimitError> {
        Self::with_slots(limits, clock)
    }
}

impl<const N: usize, C: Clock, const S: usize> MultiBucket<N, C, S> {
    /// Counts the slots of limits that stopped threads hold.
    #[cfg(tollgate_freeze)]
    #[doc(hidden)]
    pub fn revisions_held(&self) -> usize {
        self.queued.words.revisions_held()
    }

    /// Makes a bucket with `S` slots inside: 1 to 4096, and without `alloc` at least 2.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for the first limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(5)];
    /// let bucket = MultiBucket::<1, _, 16>::with_slots(limits, ManualClock::new())?;
    /// assert!(bucket.try_take([5]).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn with_slots(limits: [Limit; N], clock: C) -> Result<Self, LimitError> {
        const { Self::SIZES };
        Ok(Self { queued: Queued::new(Versions::new(limits, clock.now())?), wait_bounds: WaitBounds::UNBOUNDED, clock })
    }

    const SIZES: () = {
        assert!(N >= 1 && N <= 8, "a MultiBucket has 1 to 8 streams");
        assert!(S >= 1 && S <= Stamp::SLOTS, "a MultiBucket has 1 to 4096 slots inside");
        assert!(S >= 2 || cfg!(feature = "alloc"), "without the feature alloc a MultiBucket has at least 2 slots");
    };

    const_fn! {
        /// Makes a bucket in a `static`. It counts from the clock's zero and is full there.
        ///
        /// It does not read the clock. The first take must come within each limit's
        /// [idle limit](Limit::idle_limit) of the clock's zero. The number of slots inside is that
        /// of the type; see [`with_slots`](Self::with_slots).
        ///
        /// ```
        /// use tollgate::clock::{ManualClock, Time};
        /// use tollgate::{Clock, Limit, MultiBucket};
        ///
        /// static TICKS: ManualClock = ManualClock::new(); // moved by a timer interrupt
        /// static BUCKET: MultiBucket<2, &ManualClock> =
        ///     MultiBucket::const_new([Limit::per_second(1000), Limit::per_minute(6000)], &TICKS);
        ///
        /// assert!(BUCKET.try_take([1000, 1000]).is_ok());
        /// TICKS.set(Time::from_nanos(10_000_000));
        /// assert_eq!(BUCKET.available(), [10, 5001]);
        /// ```
        ///
        /// # Panics
        ///
        /// If a bucket cannot keep a limit, or if a limit begins with less than its capacity: it
        /// has filled long before. In a `static` it does not compile then:
        ///
        /// ```compile_fail,E0080
        /// use tollgate::clock::ManualClock;
        /// use tollgate::{Limit, MultiBucket};
        ///
        /// static BUCKET: MultiBucket<1, ManualClock> =
        ///     MultiBucket::const_new([Limit::per_second(1000).empty()], ManualClock::new());
        /// # BUCKET.available();
        /// ```
        pub const fn const_new(limits: [Limit; N], clock: C) -> Self {
            const { Self::SIZES };
            let queued = Queued::new(Versions::of(limits_from_zero(limits), limits));
            Self { queued, wait_bounds: WaitBounds::UNBOUNDED, clock }
        }
    }

    /// Returns the clock that the bucket reads.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10).empty()];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// bucket.clock().advance(Duration::from_secs(1));
    /// assert_eq!(bucket.available(), [10]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Checks a slot out for one producer, whose takes are then faster. See [`Handle`].
    ///
    /// # Errors
    ///
    /// [`HandlesExhausted`] if too few slots are left: one stays for the callers without a handle.
    /// Without `alloc` that may be so for a moment only, while other threads are inside a call.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(5)];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// let handle = bucket.handle()?;
    /// handle.try_take([1, 5])?;
    /// assert_eq!(bucket.available(), [9, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn handle(&self) -> Result<Handle<'_, N, C, S>, HandlesExhausted> {
        Handle::new(self)
    }

    /// Limits how long a reservation may wait. Default: no limit.
    ///
    /// It holds for [`reserve`](Self::reserve) and for all verbs that wait in turn. A bucket does
    /// not bound the number of waiters, since that would cost every take a second word.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(100).empty()];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?
    ///     .with_max_wait(Duration::from_millis(50));
    /// let place = bucket.reserve([1, 5])?;
    /// let refused = bucket.reserve([1, 1]).unwrap_err();
    /// assert_eq!(refused.wait(), Some(Duration::from_millis(60)));
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
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::new([Limit::per_minute(1)])?.with_grace(Duration::from_millis(2));
    /// bucket.take_blocking([1])?;
    /// assert_eq!(bucket.available(), [0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    #[must_use]
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.wait_bounds.grace = grace;
        self
    }

    #[cfg(feature = "std")]
    pub(crate) fn grace(&self) -> Duration {
        self.wait_bounds.grace
    }

    /// Limits how many tokens of each stream reservations may owe. Default: no limit.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(100).empty()];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?.with_max_debt([0, 5]);
    /// let place = bucket.reserve([1, 5])?;
    /// assert!(bucket.reserve([1, 1]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_max_debt(mut self, max_debt: [u64; N]) -> Self {
        self.wait_bounds.max_debt = max_debt;
        self
    }

    /// Returns all streams at one instant, to be asked several things.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(5)];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// let snapshot = bucket.snapshot();
    /// assert_eq!(snapshot.available(), [10, 5]);
    /// assert!(snapshot.check([10, 5]).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn snapshot(&self) -> Snapshot<N> {
        self.queued.words.snapshot(self.clock.now())
    }
}

impl<C, const S: usize> MultiBucket<1, C, S> {
    /// Returns the limit of the one stream: [`limits`](Self::limits).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// assert_eq!(bucket.limit(), Limit::per_second(10));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn limit(&self) -> Limit {
        let [limit] = self.limits();
        limit
    }
}

impl<const N: usize, C, const S: usize> MultiBucket<N, C, S> {
    /// Returns the limits as they were given, all of one version.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10), "1MiB/s".parse::<Limit>()?];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// assert_eq!(bucket.limits()[1].to_string(), "1MiB/s capacity 1MiB");
    /// bucket.set_limits([Limit::per_second(20), "2MiB/s".parse()?])?;
    /// assert_eq!(bucket.limits(), [Limit::per_second(20), "2MiB/s".parse()?]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn limits(&self) -> [Limit; N] {
        self.queued.words.configured()
    }
}

deciding_verbs!([const N: usize, C: Clock, const S: usize] MultiBucket<N, C, S>, N, [u64; N]);
waiting_verbs!([const N: usize, C: Clock + Sync, const S: usize] MultiBucket<N, C, S>, N, [u64; N]);

impl<const N: usize, C: Clock + Sync, const S: usize> Bucket<N> for MultiBucket<N, C, S> {}

impl<const N: usize, C: Clock, const S: usize> Stored<N> for MultiBucket<N, C, S> {
    type Amounts = [u64; N];
    type Store = Queued<Versions<N, S>, N>;

    #[inline(always)]
    fn store(&self) -> &Queued<Versions<N, S>, N> {
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

impl<const N: usize, C: Clock + Sync, const S: usize> Waits<N> for MultiBucket<N, C, S> {
    #[cfg(feature = "std")]
    fn queue(&self) -> &dyn Queue<N> {
        &self.queued
    }
}

impl<const N: usize, C: Clock + Sync, const S: usize> Waitable<N> for MultiBucket<N, C, S> {
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
        Some(self.queued.words.limits_changed())
    }

    fn update(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        self.queued.words.update_revised(change)
    }

    fn is_waited_for(&self, stream: usize) -> bool {
        Store::<N>::is_waited_for(&self.queued, stream)
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

impl<const N: usize, C: Clock, const S: usize> fmt::Debug for MultiBucket<N, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiBucket").field("available", &self.available()).finish_non_exhaustive()
    }
}
