//! Owns the queue that threads share: how pushes and drains meet so that no item is stranded. It
//! never decides which item goes: `backlog.rs` does.

use core::{fmt, mem};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use crate::bucket::multi::MultiBucket;
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::deadline::backlog::{Backlog, Entry};
use crate::deadline::drained::{Drained, Oversized};
use crate::decision::refused::Refused;
use crate::state::multi::SLOTS;
use crate::state::snapshot::Snapshot;

/// Items with amounts, a deadline and an expiry, in front of a [`MultiBucket`].
///
/// Producers [`push`](Self::push) items. Any thread may [`drain`](Self::drain) and gets the items
/// that leave the queue:
///
/// 1. All expired items.
/// 2. Then, **from the smallest deadline on**, each item that the bucket grants, up to the first
///    that it refuses.
///
/// Items with equal deadlines leave in order of arrival. No item overtakes another: a small item
/// with a later deadline waits behind a large one.
///
/// The queue never sleeps and has no thread of its own: [`Drained::next`] says when to drain again.
///
/// # Guarantees
///
/// * An item leaves once: admitted, expired, or given back because it can never fit. An item that
///   never leaves is dropped with the queue.
/// * An item that expires at `now` or earlier is never admitted at `now`. An expired item costs no
///   tokens.
/// * A deadline only orders: an item whose deadline has passed stays in the queue.
/// * `push` gives back an item that can never fit. If the capacity was lowered since, the drain
///   that reaches the item gives it back. Such an item never blocks another.
/// * Every admitted item has taken its tokens from the bucket, so [the bound](crate#the-bound)
///   holds. Others may take from [the bucket](Self::bucket) directly.
/// * **No call waits for a drain.** While one thread drains, a second drain returns `None`
///   immediately, and a push sets its item aside. A drain sees every item pushed before it began.
///   If an item was pushed while it ran, its `next` is its own instant. So no item is stranded if
///   every thread drains after it pushes, and every thread that drained drains again at `next`.
/// * Cost, on average over the random heights of the skip lists inside:
///
/// | step | time, beside the bucket's own |
/// |---|---|
/// | drain, for each item that leaves | constant, however many items wait |
/// | push | `O(log n)` |
/// | next drain, for each item pushed during a drain | `O(log n)` |
///
/// # Trade-offs
///
/// Unlike the bucket, the queue is not lock-free. A thread that stops inside a drain keeps the
/// waiting items until it goes on. Other threads can still push, and take from the bucket.
///
/// A push holds a mutex. A drain holds it for a few moves at its two ends, but not while it asks
/// the bucket. No item is dropped and no clock is read under the mutex. A poisoned mutex stays
/// usable.
///
/// Memory grows with the most items that ever waited together, and stays allocated.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::deadline::DeadlineQueue;
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
/// queue.push("later", [1, 600_000], after(200), after(30_000))?;
/// queue.push("sooner", [1, 600_000], after(100), after(30_000))?;
/// let drained = queue.drain().expect("nobody else drains");
/// assert_eq!(drained.admitted, ["sooner"]);
///
/// let next = drained.next.expect("one still waits");
/// queue.bucket().clock().set(next);
/// assert_eq!(queue.drain().unwrap().admitted, ["later"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DeadlineQueue<T, const N: usize, C = DefaultClock, const S: usize = SLOTS> {
    bucket: MultiBucket<N, C, S>,
    shared: Mutex<Shared<T, N>>,
}

struct Shared<T, const N: usize> {
    /// The waiting items. `None` while a thread drains: that thread holds them.
    waiting: Option<Backlog<T, N>>,
    /// Items that the draining thread held when it began; 0 while no thread drains.
    out: usize,
    /// Items pushed during a drain, in order of arrival, until the next drain.
    aside: Vec<Entry<T, N>>,
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
        Self { bucket, shared: Mutex::new(Shared { waiting: Some(Backlog::new()), out: 0, aside: Vec::new() }) }
    }

    /// Returns the bucket.
    ///
    /// Callers may take tokens from it directly. Drain after tokens are put back.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10)],
    ///     ManualClock::new(),
    /// )?);
    /// queue.bucket().try_take([10])?;
    /// queue.push("item", [1], Time::ZERO, Time::MAX)?;
    /// assert!(queue.drain().unwrap().is_empty());
    /// queue.bucket().put_back([1]);
    /// assert_eq!(queue.drain().unwrap().admitted, ["item"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bucket(&self) -> &MultiBucket<N, C, S> {
        &self.bucket
    }

    /// Adds an item that needs `amounts` tokens.
    ///
    /// Items with smaller deadlines are admitted first. The item expires at `expires`;
    /// [`Time::MAX`] means never, within the clock's range of 584 years. Both times are readings of
    /// the bucket's clock.
    ///
    /// A push admits nothing, so [`drain`](Self::drain) after it. An item that has expired already
    /// leaves with the next drain, as expired.
    ///
    /// # Errors
    ///
    /// Returns [`Oversized`] with the item if `amounts` is above the bucket's capacity.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10)],
    ///     ManualClock::new(),
    /// )?);
    /// queue.push("item", [1], Time::from_nanos(500), Time::from_nanos(1000))?;
    /// assert_eq!(queue.len(), 1);
    /// assert!(queue.push("too large", [11], Time::from_nanos(500), Time::MAX).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push(&self, item: T, amounts: [u64; N], deadline: Time, expires: Time) -> Result<(), Oversized<T>> {
        if let Err(never) = self.bucket.at(Time::ZERO).wait_for(amounts) {
            return Err(Oversized { item, never });
        }
        let entry = Entry { item, amounts, deadline, expires };
        let mut shared = self.lock();
        match &mut *shared {
            // Items set aside came earlier.
            Shared { waiting: Some(waiting), aside, .. } if aside.is_empty() => waiting.push(entry),
            Shared { aside, .. } => aside.push(entry),
        }
        Ok(())
    }

    /// Returns how many items wait.
    ///
    /// While a thread drains, the count includes the items that it is about to return.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10)],
    ///     ManualClock::new(),
    /// )?);
    /// queue.push("item", [1], Time::ZERO, Time::MAX)?;
    /// assert_eq!(queue.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        let shared = self.lock();
        shared.waiting.as_ref().map_or(shared.out, Backlog::len) + shared.aside.len()
    }

    /// Returns whether no item waits, and no thread is about to return one.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10)],
    ///     ManualClock::new(),
    /// )?);
    /// assert!(queue.is_empty());
    /// queue.push("item", [1], Time::ZERO, Time::MAX)?;
    /// assert!(!queue.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drains at a time that the caller supplies: see [`drain`](Self::drain).
    ///
    /// `now` is a reading of the bucket's clock. A stale `now` admits fewer items, never more.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10).empty()],
    ///     ManualClock::new(),
    /// )?);
    /// queue.push("item", [1], Time::ZERO, Time::MAX)?;
    /// assert!(queue.drain_at(Time::from_nanos(99_999_999)).unwrap().is_empty());
    /// assert_eq!(queue.drain_at(Time::from_nanos(100_000_000)).unwrap().admitted, ["item"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain_at(&self, now: Time) -> Option<Drained<T>> {
        self.let_go(now, |amounts| self.bucket.at(now).try_take(amounts))
    }

    /// Flushes at a time that the caller supplies: see [`flush`](Self::flush).
    ///
    /// `now` is a reading of the bucket's clock.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10).empty()],
    ///     ManualClock::new(),
    /// )?);
    /// queue.push("item", [1], Time::ZERO, Time::from_nanos(5))?;
    /// assert_eq!(queue.flush_at(Time::from_nanos(5)).unwrap().expired, ["item"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_at(&self, now: Time) -> Option<Drained<T>> {
        self.let_go(now, |amounts| self.bucket.at(now).charge(amounts))
    }

    /// Flushes without a charge, at a time that the caller supplies.
    ///
    /// `now` is a reading of the bucket's clock. See [`flush_uncharged`](Self::flush_uncharged).
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10).empty()],
    ///     ManualClock::new(),
    /// )?);
    /// queue.push("item", [1], Time::ZERO, Time::from_nanos(5))?;
    /// assert_eq!(queue.flush_uncharged_at(Time::from_nanos(4)).unwrap().admitted, ["item"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_uncharged_at(&self, now: Time) -> Option<Drained<T>> {
        self.let_go(now, |_| Ok(()))
    }

    /// Takes items out, for every drain and flush.
    ///
    /// Nothing can panic between the two locks: the code moves items and asks the bucket, which
    /// never panics.
    pub(crate) fn let_go(
        &self,
        now: Time,
        admit: impl FnMut([u64; N]) -> Result<(), Refused<N>>,
    ) -> Option<Drained<T>> {
        let (mut waiting, aside) = self.begin()?;
        for entry in aside {
            waiting.push(entry);
        }
        let mut drained = waiting.drain(now, admit);
        let mut shared = self.lock();
        (shared.waiting, shared.out) = (Some(waiting), 0);
        if !shared.aside.is_empty() {
            drained.next = Some(now);
        }
        Some(drained)
    }

    /// Takes the waiting items for this thread; `None` if another thread holds them.
    fn begin(&self) -> Option<(Backlog<T, N>, Vec<Entry<T, N>>)> {
        let mut shared = self.lock();
        let waiting = shared.waiting.take()?;
        let aside = mem::take(&mut shared.aside);
        shared.out = waiting.len() + aside.len();
        Some((waiting, aside))
    }

    /// Returns whether no item waits, no thread drains, and the bucket is full.
    pub(crate) fn is_idle(&self, now: Time) -> bool {
        let shared = self.lock();
        let empty = shared.aside.is_empty() && shared.waiting.as_ref().is_some_and(|waiting| waiting.len() == 0);
        drop(shared);
        empty && is_full(&self.bucket.at(now).snapshot())
    }

    fn lock(&self) -> MutexGuard<'_, Shared<T, N>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, const N: usize, C: Clock, const S: usize> DeadlineQueue<T, N, C, S> {
    /// Returns the expired items and those that the bucket grants.
    ///
    /// It admits from the smallest deadline on, up to the first item that the bucket refuses. That
    /// item and all later ones stay in the queue. It returns `None` immediately if another thread
    /// drains or flushes.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?);
    /// queue.push("large", [9], Time::from_nanos(1), Time::MAX)?;
    /// queue.push("larger", [10], Time::from_nanos(2), Time::MAX)?;
    /// queue.push("small", [1], Time::from_nanos(3), Time::MAX)?;
    /// let drained = queue.drain().expect("nobody else drains");
    /// assert_eq!(drained.admitted, ["large"]); // the small one would fit, but it is not its turn
    /// assert_eq!(drained.next, Some(Time::from_nanos(900_000_000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&self) -> Option<Drained<T>> {
        self.drain_at(self.bucket.clock().now())
    }

    /// Returns the expired items, then admits all others by deadline.
    ///
    /// If tokens are short, the bucket goes into debt. The refill pays the debt off before any
    /// other item is admitted. It returns `None` immediately, with nothing done, if another thread
    /// drains or flushes.
    ///
    /// It holds back only what the bucket cannot [`charge`](MultiBucket::charge), since the bound
    /// could not count it. An amount of 2^62 units or more is given back as one that can never fit.
    /// If the debt itself would grow that far, the remaining items stay in the queue.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10)],
    ///     ManualClock::new(),
    /// )?);
    /// queue.push("first", [10], Time::ZERO, Time::MAX)?;
    /// queue.push("second", [5], Time::ZERO, Time::MAX)?;
    /// assert_eq!(queue.flush().unwrap().admitted, ["first", "second"]);
    /// assert_eq!(queue.bucket().wait_for([1])?, Duration::from_millis(600)); // 5 are owed
    ///     
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush(&self) -> Option<Drained<T>> {
        self.flush_at(self.bucket.clock().now())
    }

    /// Flushes without taking tokens: see [`flush`](Self::flush).
    ///
    /// [The bound](crate#the-bound) does not count the items that this admits. Use it for another
    /// sink than the limited one, for example a file at shutdown.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10)],
    ///     ManualClock::new(),
    /// )?);
    /// queue.push("first", [10], Time::ZERO, Time::MAX)?;
    /// queue.push("second", [5], Time::ZERO, Time::MAX)?;
    /// assert_eq!(queue.flush_uncharged().unwrap().admitted, ["first", "second"]);
    /// assert_eq!(queue.bucket().available(), [10]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_uncharged(&self) -> Option<Drained<T>> {
        self.flush_uncharged_at(self.bucket.clock().now())
    }
}

impl<T, const N: usize, C: Clock, const S: usize> fmt::Debug for DeadlineQueue<T, N, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineQueue").field("len", &self.len()).field("bucket", &self.bucket).finish()
    }
}

fn is_full<const N: usize>(snapshot: &Snapshot<N>) -> bool {
    snapshot.available().into_iter().enumerate().all(|(stream, available)| {
        // Above any capacity of this stream, and 0 of the others: the refusal tells the capacity.
        let too_much = core::array::from_fn(|i| if i == stream { u64::MAX } else { 0 });
        snapshot.wait_for(too_much).is_err_and(|never| never.capacity == available)
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::vec;

    use super::*;
    use crate::clock::manual::ManualClock;
    use crate::limit::limit::Limit;

    fn queue() -> DeadlineQueue<u64, 1, ManualClock> {
        DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new()).unwrap())
    }

    fn push(queue: &DeadlineQueue<u64, 1, ManualClock>, item: u64) {
        queue.push(item, [1], Time::ZERO, Time::MAX).unwrap();
    }

    /// One thread is inside a drain, at every point at which another can meet it.
    #[test]
    fn while_one_drains_others_are_told_so_and_what_they_push_brings_it_back_at_once() {
        let queue = queue();
        push(&queue, 0);
        let drained = queue.let_go(Time::ZERO, |_| {
            assert_eq!(queue.drain(), None);
            assert_eq!(queue.flush(), None);
            assert_eq!(queue.len(), 1);
            assert!(!queue.is_idle(Time::ZERO));
            push(&queue, 1);
            assert_eq!(queue.len(), 2);
            Ok(())
        });
        let drained = drained.unwrap();
        assert_eq!((drained.admitted, drained.next), (vec![0], Some(Time::ZERO)));
        // Between the drains: the item still goes behind those set aside.
        push(&queue, 2);
        assert_eq!(queue.len(), 2);
        let drained = queue.drain().unwrap();
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
        assert_eq!(queue.drain().unwrap().admitted, [0, 1]);
    }
}
