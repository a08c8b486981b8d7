//! Owns the queue that threads share: how pushes and drains meet so that no item is stranded. It
//! never decides which item goes: `backlog.rs` does.

use core::{fmt, mem};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use crate::bucket::multi::MultiBucket;
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::deadline::backlog::{Backlog, fits};
use crate::deadline::drained::Drained;
use crate::deadline::entry::Entry;
use crate::deadline::push_error::{PushError, PushRefusal};
use crate::state::at::At;
use crate::state::multi::SLOTS;
use crate::state::snapshot::Snapshot;
use crate::sync::Event;

/// Items with amounts, a deadline and an expiry, in front of a [`MultiBucket`].
///
/// Producers [`push`](Self::push) items. A driver, [`run`](Self::run), drains them in batches and
/// sleeps in between. Or any thread may [`drain`](Self::drain) by itself, and gets the items that
/// leave the queue:
///
/// 1. All expired items.
/// 2. Then, **from the smallest deadline on**, each item that the bucket grants, up to the first
///    that it refuses.
///
/// Items with equal deadlines leave in order of arrival. No item overtakes another: a small item
/// with a later deadline waits behind a large one.
///
/// # Guarantees
///
/// * An item leaves once: admitted, expired, or given back because it can never fit. An item that
///   never leaves is dropped with the queue.
/// * An item that expires at `now` or earlier is never admitted at `now`. An expired item costs no
///   tokens.
/// * A deadline orders, and ends a driver's wait for company. An item whose deadline has passed
///   stays in the queue.
/// * `push` gives back an item that can never fit. If the capacity was lowered since, the drain
///   that reaches the item gives it back. Such an item never blocks another.
/// * Every admitted item has taken its tokens from the bucket, so [the bound](crate#the-bound)
///   holds. Others may take from [the bucket](Self::bucket) directly.
/// * **No call waits for a drain.** While one thread drains, a second drain returns `None`
///   immediately, and a push sets its item aside. A drain sees every item pushed before it began.
///   If an item was pushed while it ran, its `next` is its own instant. So no item is stranded if
///   every thread drains after it pushes, and every thread that drained drains again at `next`.
///   A driver does so by itself.
///
/// With `n` items waiting, a push and each item that leaves cost `O(log n)`, beside the bucket's
/// own cost. A drain moves the items that were pushed during the one before it.
///
/// # Trade-offs
///
/// Unlike the bucket, the queue is not lock-free. A thread that stops inside a drain keeps the
/// waiting items until it goes on. Other threads can still push, and take from the bucket.
///
/// A push holds a mutex while it adds the item. A drain holds it for a few moves at its two ends,
/// but not while it asks the bucket. No item is dropped and no clock is read under the mutex. A
/// poisoned mutex stays usable.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::deadline::{DeadlineQueue, Entry};
/// use tollgate::{Clock, Limit, MultiBucket};
///
/// let shard = MultiBucket::with_clock(
///     [Limit::per_second(1000), Limit::per_second(1 << 20)],
///     ManualClock::new(),
/// )?;
/// let queue = DeadlineQueue::new(shard);
/// let now = queue.bucket().clock().now();
/// let after = |millis| now.after(Duration::from_millis(millis));
///
/// let entry = |item, millis| {
///     Entry::new(item, [1, 600_000]).deadline(after(millis)).expires(after(30_000))
/// };
/// queue.push(entry("later", 200))?;
/// queue.push(entry("sooner", 100))?;
/// let drained = queue.drain(500).expect("nobody else drains");
/// assert_eq!(drained.admitted, ["sooner"]);
///
/// let next = drained.next.expect("one still waits");
/// queue.bucket().clock().set(next);
/// assert_eq!(queue.drain(500).unwrap().admitted, ["later"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DeadlineQueue<T, const N: usize, C = DefaultClock, const S: usize = SLOTS> {
    pub(crate) bucket: MultiBucket<N, C, S>,
    shared: Mutex<Shared<T, N>>,
    /// What wakes drivers. All shards of one owner have one.
    pub(crate) changed: Arc<Event>,
}

/// Items pushed during a drain, with the time of the push, in order of arrival.
type Aside<T, const N: usize> = Vec<(Entry<T, N>, Time)>;

struct Shared<T, const N: usize> {
    /// The waiting items. `None` while a thread drains: that thread holds them.
    waiting: Option<Backlog<T, N>>,
    /// Items that the draining thread held when it began; 0 while no thread drains.
    out: usize,
    aside: Aside<T, N>,
    /// Whether another thread wanted to drain while one did.
    sought: bool,
    closed: bool,
}

impl<T, const N: usize, C: Clock, const S: usize> DeadlineQueue<T, N, C, S> {
    /// Makes an empty queue in front of `bucket`.
    ///
    /// ```
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::<String, 2>::new(MultiBucket::new([
    ///     Limit::per_second(1000),
    ///     Limit::per_second(1 << 20),
    /// ])?);
    /// assert!(queue.is_empty());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn new(bucket: MultiBucket<N, C, S>) -> Self {
        Self::with_event(bucket, Arc::new(Event::new()))
    }

    pub(crate) fn with_event(bucket: MultiBucket<N, C, S>, changed: Arc<Event>) -> Self {
        let shared = Shared { waiting: Some(Backlog::new()), out: 0, aside: Vec::new(), sought: false, closed: false };
        Self { bucket, shared: Mutex::new(shared), changed }
    }

    /// Returns the bucket, to change its limits, to pause it, or to take from it directly.
    ///
    /// A change of limits or a pause wakes a driver. [`next`](Self::next) follows it. Put tokens
    /// back by [`put_back`](Self::put_back) of the queue: a driver does not see the bucket's own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::{DeadlineQueue, Entry};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10).empty()],
    ///     ManualClock::new(),
    /// )?);
    /// queue.push(Entry::new("item", [1]))?;
    /// assert_eq!(queue.next(), Some(Time::from_nanos(100_000_000)));
    /// queue.bucket().set_limits([Limit::per_second(1000)])?;
    /// assert_eq!(queue.next(), Some(Time::from_nanos(1_000_000)));
    /// queue.bucket().pause_for(Duration::from_secs(1));
    /// assert_eq!(queue.next(), Some(Time::from_nanos(1_001_000_000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bucket(&self) -> &MultiBucket<N, C, S> {
        &self.bucket
    }

    /// Gives back tokens that were not used, and wakes a driver.
    ///
    /// See [`MultiBucket::put_back`].
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::deadline::{DeadlineQueue, Entry};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10)],
    ///     ManualClock::new(),
    /// )?);
    /// queue.bucket().try_take([10])?;
    /// queue.push(Entry::new("item", [1]))?;
    /// assert!(queue.drain(100).unwrap().is_empty());
    /// queue.put_back([1]);
    /// assert_eq!(queue.drain(100).unwrap().admitted, ["item"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_back(&self, amounts: [u64; N]) {
        self.bucket.put_back(amounts);
        self.notify();
    }

    /// Adds an item, and wakes a driver.
    ///
    /// A push admits nothing. An item that has expired already leaves with the next drain, as
    /// expired.
    ///
    /// # Errors
    ///
    /// [`PushError`] with the item:
    ///
    /// * [`Never`](PushRefusal::Never) if its amounts are above the bucket's capacity;
    /// * [`Closed`](PushRefusal::Closed) if the queue is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::{DeadlineQueue, Entry};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10)],
    ///     ManualClock::new(),
    /// )?);
    /// let deadline = Time::from_nanos(500);
    /// queue.push(Entry::new("item", [1]).deadline(deadline).expires(Time::from_nanos(1000)))?;
    /// assert_eq!(queue.len(), 1);
    /// let refused = queue.push(Entry::new("too large", [11])).unwrap_err();
    /// assert_eq!(refused.item, "too large");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push(&self, entry: Entry<T, N>) -> Result<(), PushError<T>> {
        self.push_at(self.bucket.clock().now(), entry)
    }

    pub(crate) fn push_at<E>(&self, now: Time, entry: Entry<T, N>) -> Result<(), PushError<T, E>> {
        if let Err(never) = self.bucket.at(Time::ZERO).wait_for(entry.amounts) {
            return Err(PushError { item: entry.item, reason: PushRefusal::Never(never) });
        }
        let mut shared = self.lock();
        match &mut *shared {
            Shared { closed: true, .. } => {
                return Err(PushError { item: entry.item, reason: PushRefusal::Closed });
            }
            // Items set aside came earlier.
            Shared { waiting: Some(waiting), aside, .. } if aside.is_empty() => waiting.push(entry, now),
            Shared { aside, .. } => aside.push((entry, now)),
        }
        drop(shared);
        self.notify();
        Ok(())
    }

    /// Closes the queue for good: it refuses every later push.
    ///
    /// The items that wait stay. Drivers no longer wait for company, hand them out as the bucket
    /// grants them, and end when none is left. To empty the queue without them, call
    /// [`flush`](Self::flush) or [`flush_uncharged`](Self::flush_uncharged).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::deadline::{DeadlineQueue, Entry, PushRefusal};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::new([Limit::per_second(10)])?);
    /// queue.push(Entry::new("waits", [1]))?;
    /// queue.close();
    /// let refused = queue.push(Entry::new("late", [1])).unwrap_err();
    /// assert_eq!((refused.item, refused.reason), ("late", PushRefusal::Closed));
    ///
    /// let mut sent = Vec::new();
    /// queue.run_blocking(Duration::from_secs(3600), 500, |batch| sent.extend(batch.admitted));
    /// assert_eq!(sent, ["waits"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) {
        self.lock().closed = true;
        self.notify();
    }

    /// Returns whether the queue was closed.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Returns how many items wait.
    ///
    /// While a thread drains, the count includes the items that it is about to return.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::deadline::{DeadlineQueue, Entry};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10)],
    ///     ManualClock::new(),
    /// )?);
    /// queue.push(Entry::new("item", [1]))?;
    /// assert_eq!(queue.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        let shared = self.lock();
        shared.waiting.as_ref().map_or(shared.out, Backlog::len) + shared.aside.len()
    }

    /// Returns whether no item waits, and no thread is about to return one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a view with the same verbs at a time that the caller supplies.
    ///
    /// `now` is a reading of the bucket's clock. A stale `now` admits fewer items, never more.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::{DeadlineQueue, Entry};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10).empty()],
    ///     ManualClock::new(),
    /// )?);
    /// queue.push(Entry::new("item", [1]))?;
    /// assert!(queue.at(Time::from_nanos(99_999_999)).drain(100).unwrap().is_empty());
    /// let drained = queue.at(Time::from_nanos(100_000_000)).drain(100).unwrap();
    /// assert_eq!(drained.admitted, ["item"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at(&self, now: Time) -> At<&Self, N> {
        At { of: self, now }
    }

    /// Takes items out, for every drain and flush.
    pub(crate) fn let_go(&self, now: Time, drain: impl FnOnce(&mut Backlog<T, N>) -> Drained<T>) -> Option<Drained<T>> {
        let (mut drained, came_meanwhile) = self.hold(drain)?;
        if came_meanwhile {
            drained.next = Some(now);
        }
        Some(drained)
    }

    /// Runs `work` on the waiting items, and says whether items came meanwhile.
    ///
    /// `None` if another thread holds them. Nothing can panic between the two locks: the code moves
    /// items and asks the bucket, which never panics.
    pub(crate) fn hold<R>(&self, work: impl FnOnce(&mut Backlog<T, N>) -> R) -> Option<(R, bool)> {
        let (mut waiting, aside) = self.begin()?;
        for (entry, pushed) in aside {
            waiting.push(entry, pushed);
        }
        let done = work(&mut waiting);
        let mut shared = self.lock();
        (shared.waiting, shared.out) = (Some(waiting), 0);
        let (came, sought) = (!shared.aside.is_empty(), mem::take(&mut shared.sought));
        drop(shared);
        if sought {
            self.notify();
        }
        Some((done, came))
    }

    /// Takes the waiting items for this thread; `None` if another thread holds them.
    fn begin(&self) -> Option<(Backlog<T, N>, Aside<T, N>)> {
        let mut shared = self.lock();
        let Some(waiting) = shared.waiting.take() else {
            shared.sought = true;
            return None;
        };
        let aside = mem::take(&mut shared.aside);
        shared.out = waiting.len() + aside.len();
        Some((waiting, aside))
    }

    /// Returns when to drain next, without a drain.
    pub(crate) fn next_at(&self, now: Time) -> Option<Time> {
        let shared = self.lock();
        let Some(waiting) = shared.waiting.as_ref().filter(|_| shared.aside.is_empty()) else { return Some(now) };
        let (first, expiry) = (waiting.first(), waiting.next_expiry());
        drop(shared);
        let first = first.filter(|_| !self.is_bucket_closed());
        let fits = first.map(|(_, amounts)| fits(now, amounts, &self.bucket.at(now).snapshot()));
        fits.into_iter().chain(expiry).min()
    }

    /// Returns whether no item waits, no thread drains, and the bucket is full.
    pub(crate) fn is_idle(&self, now: Time) -> bool {
        let shared = self.lock();
        let empty = shared.aside.is_empty() && shared.waiting.as_ref().is_some_and(|waiting| waiting.len() == 0);
        drop(shared);
        empty && !self.is_bucket_closed() && is_full(&self.bucket.at(now).snapshot())
    }

    pub(crate) fn is_bucket_closed(&self) -> bool {
        self.bucket.queued.is_closed()
    }

    /// Wakes all drivers. Without one it costs a fence and a load.
    pub(crate) fn notify(&self) {
        self.changed.notify(usize::MAX);
    }

    fn lock(&self) -> MutexGuard<'_, Shared<T, N>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, const N: usize, C: Clock, const S: usize> fmt::Debug for DeadlineQueue<T, N, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineQueue").field("len", &self.len()).field("bucket", &self.bucket).finish()
    }
}

fn is_full<const N: usize>(snapshot: &Snapshot<N>) -> bool {
    snapshot.available() == snapshot.configured.map(|limit| limit.capacity)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::time::Duration;
    use std::vec;

    use super::*;
    use crate::clock::manual::ManualClock;
    use crate::deadline::backlog::Batching;
    use crate::deadline::driver::Step;
    use crate::limit::limit::Limit;

    fn queue() -> DeadlineQueue<u64, 1, ManualClock> {
        DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new()).unwrap())
    }

    fn push(queue: &DeadlineQueue<u64, 1, ManualClock>, item: u64) {
        queue.push(Entry::new(item, [1])).unwrap();
    }

    /// One thread is inside a drain, at every point at which another can meet it.
    #[test]
    fn while_one_drains_others_are_told_so_and_what_they_push_brings_it_back_at_once() {
        let queue = queue();
        push(&queue, 0);
        let drained = queue.let_go(Time::ZERO, |waiting| {
            assert_eq!(queue.drain(9), None);
            assert_eq!(queue.flush(), None);
            assert_eq!((queue.len(), queue.next()), (1, Some(Time::ZERO)));
            assert!(!queue.is_idle(Time::ZERO));
            push(&queue, 1);
            assert_eq!(queue.len(), 2);
            waiting.drain(Time::ZERO, 9, |amounts| queue.bucket.try_take(amounts))
        });
        let drained = drained.unwrap();
        assert_eq!((drained.admitted, drained.next), (vec![0], Some(Time::ZERO)));
        // Between the drains: the item still goes behind those set aside.
        push(&queue, 2);
        assert_eq!((queue.len(), queue.next()), (2, Some(Time::ZERO)));
        let drained = queue.drain(9).unwrap();
        assert_eq!((drained.admitted, drained.next), (vec![1, 2], None));
        assert!(queue.is_empty() && !queue.is_idle(Time::ZERO) && queue.is_idle(Time::from_nanos(1_000_000_000)));
    }

    #[test]
    fn a_poisoned_mutex_is_used_on() {
        let queue = queue();
        push(&queue, 0);
        let poisoned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _held = queue.lock();
            panic!("on purpose");
        }));
        assert!(poisoned.is_err() && queue.shared.is_poisoned());
        push(&queue, 1);
        assert_eq!(queue.drain(9).unwrap().admitted, [0, 1]);
    }

    /// A driver that meets a drain sleeps until it is over, and is woken then.
    #[test]
    fn a_drain_that_another_thread_sought_wakes_it_at_its_end() {
        let queue = queue();
        push(&queue, 0);
        let batching = Batching { max: 9, linger: Duration::ZERO };
        crate::sync::listen!(queue.changed => changed);
        let sought = queue.let_go(Time::ZERO, |_| {
            assert!(matches!(queue.step(Time::ZERO, batching), Step::Wait(None)));
            Drained::nothing()
        });
        assert!(sought.is_some());
        assert!(crate::sync::Listener::wait_timeout(changed, Duration::from_secs(9)).is_some());
        let Step::Batch(batch) = queue.step(Time::ZERO, batching) else { panic!("the item fits") };
        assert_eq!(batch.admitted, [0]);
        // A drain that nobody sought wakes nobody: a driver would wake itself for ever.
        crate::sync::listen!(queue.changed => changed);
        let _ = (queue.step(Time::ZERO, batching), queue.drain(9));
        assert!(crate::sync::Listener::wait_timeout(changed, Duration::ZERO).is_none());
    }
}
