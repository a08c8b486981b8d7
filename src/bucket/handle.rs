//! Owns a slot that is checked out for good, and with it the shortest path to a take. Never lends
//! it to two threads.

use core::cell::Cell;
use core::fmt;
use core::time::Duration;

use crate::bucket::inherent::deciding_verbs;
use crate::bucket::multi::MultiBucket;
use crate::bucket::two_readings;
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::limits::Limits;
use crate::decision::refused::{Never, Refused};
use crate::lease::lease::Lease;
use crate::limit::amounts::Amounts;
use crate::state::at::At;
use crate::state::multi::SLOTS;
use crate::state::snapshot::Snapshot;
use crate::state::store::{Store, Stored};

/// A [`MultiBucket`] with a slot of the caller's own. It has the same verbs, and is faster.
///
/// A slot is the memory that a take works in. A take through a handle searches for none: it costs
/// one compare-and-swap and `N` stores for any `N`. Make one for each thread that takes all the
/// time with [`MultiBucket::handle`]; no other bucket has them. It belongs to one thread at a time,
/// and gives its slot back when it is dropped. It has only the verbs that decide at once: to wait,
/// use the [bucket](Self::bucket).
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, MultiBucket};
///
/// let limits = [Limit::per_second(1000), Limit::per_second(4000)];
/// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| {
///             let handle = bucket.handle().expect("far fewer than 4094 handles");
///             for _ in 0..100 {
///                 handle.try_take([1, 10]).expect("400 fit");
///             }
///         });
///     }
/// });
/// assert_eq!(bucket.available(), [600, 0]);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
///
/// Two threads cannot use one handle at once:
///
/// ```compile_fail
/// fn shared<T: Sync>() {}
/// shared::<tollgate::bucket::Handle<'static, 2>>();
/// ```
#[must_use]
pub struct Handle<'a, const N: usize, C = DefaultClock, const S: usize = SLOTS> {
    bucket: &'a MultiBucket<N, C, S>,
    /// Always one that this handle owns.
    slot: Cell<usize>,
}

impl<'a, const N: usize, C: Clock, const S: usize> Handle<'a, N, C, S> {
    pub(crate) fn new(bucket: &'a MultiBucket<N, C, S>) -> Result<Self, HandlesExhausted> {
        let words = &bucket.queued.words;
        let slot = words.check_out().ok_or(HandlesExhausted(()))?;
        let handle = Self { bucket, slot: Cell::new(slot) };
        // A second slot must be there at the same time, so that at least one is left for callers
        // without a handle.
        words.give_back(words.check_out().ok_or(HandlesExhausted(()))?);
        Ok(handle)
    }

    /// Returns the bucket of this handle.
    ///
    /// ```
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::new([Limit::per_second(10)])?;
    /// assert_eq!(bucket.handle()?.bucket().limit(), Limit::per_second(10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bucket(&self) -> &'a MultiBucket<N, C, S> {
        self.bucket
    }

    /// Returns all streams at one instant: [`MultiBucket::snapshot`].
    pub fn snapshot(&self) -> Snapshot<N> {
        self.bucket.snapshot()
    }
}

deciding_verbs!([const N: usize, C: Clock, const S: usize] Handle<'_, N, C, S>, N, [u64; N]);

impl<const N: usize, C: Clock, const S: usize> Stored<N> for Handle<'_, N, C, S> {
    type Amounts = [u64; N];
    type Store = Self;

    #[inline(always)]
    fn store(&self) -> &Self {
        self
    }

    #[inline(always)]
    fn now(&self) -> Time {
        self.bucket.clock().now()
    }

    #[inline(always)]
    fn rough(&self) -> Option<Time> {
        self.bucket.clock().rough()
    }
}

/// All but the slot is the bucket's.
impl<const N: usize, C: Clock, const S: usize> Store<N> for Handle<'_, N, C, S> {
    #[inline(always)]
    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        self.bucket.queued.words.update_through(&self.slot, pause, change, refuse)
    }

    #[inline(always)]
    fn read<V>(&self, look: impl Fn(&Limits<N>, &[u64; N]) -> V) -> V {
        self.bucket.queued.read(look)
    }

    #[inline(always)]
    fn keeps_out(&self, now: Time) -> bool {
        self.bucket.queued.keeps_out(now)
    }

    #[inline(always)]
    fn refusal_in_line(&self, now: Time, amounts: [u64; N]) -> Option<Refused<N>> {
        self.bucket.queued.refusal_in_line(now, amounts)
    }

    fn is_waited_for(&self, stream: usize) -> bool {
        Store::<N>::is_waited_for(&self.bucket.queued, stream)
    }

    fn held_tokens(&self) -> [u64; N] {
        self.bucket.queued.held_tokens()
    }

    #[inline(always)]
    fn eased(&self, now: Time) {
        Store::<N>::eased(&self.bucket.queued, now);
    }
}

impl<const N: usize, C, const S: usize> Drop for Handle<'_, N, C, S> {
    fn drop(&mut self) {
        self.bucket.queued.words.give_back(self.slot.get());
    }
}

impl<const N: usize, C: Clock, const S: usize> fmt::Debug for Handle<'_, N, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("available", &self.available()).finish_non_exhaustive()
    }
}

/// The error of [`MultiBucket::handle`]: too few slots are left.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, MultiBucket};
///
/// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
/// let mut handles = Vec::new();
/// let error = loop {
///     match bucket.handle() {
///         Ok(handle) => handles.push(handle),
///         Err(error) => break error,
///     }
/// };
/// assert_eq!(error.to_string(), "too few slots are left for a handle");
/// assert!(bucket.try_take([10]).is_ok()); // one is left for callers without a handle
///     
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HandlesExhausted(());

impl fmt::Display for HandlesExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too few slots are left for a handle")
    }
}

impl core::error::Error for HandlesExhausted {}
