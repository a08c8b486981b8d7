//! Owns the queue that threads share: who may push, who drains, and that nothing is stranded in
//! between. The rule is in `backlog.rs`.

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
/// Producers [`push`](Self::push); whoever has time [`drain`](Self::drain)s and gets what is let
/// go: first everything that has expired; then, **from the smallest deadline on**, everything that
/// the bucket has the tokens for, up to the first that it has not. Items with the same deadline go
/// in the order of their arrival. Nothing overtakes: a small item with a later deadline waits
/// behind a large one.
///
/// It never sleeps and has no thread of its own: [`Drained::next`] says when to come back.
///
/// # Guarantees
///
/// * An item comes out once: admitted, expired, or given back because it can never fit; or it is
///   dropped with the queue.
/// * An item that expires at `now` or before is never admitted at `now`, and an expired one costs
///   nothing. A deadline only orders: one that has passed is a small number like any other, and
///   nothing is dropped for it.
/// * An item that can never fit is given back, by `push` or, should the capacity have been lowered
///   since, by the drain in which its turn comes. It holds up nobody.
/// * Everything that is admitted has taken its tokens from the bucket, so [the
///   bound](crate#the-bound) holds, whoever else takes from [the bucket](Self::bucket).
/// * **Nobody waits for a drain.** While one thread drains, another that tries is told so at once,
///   and a push is put aside. What was pushed before a drain begins is seen by it; if anything is
///   pushed while it is under way, its `next` is its own instant. So if everyone drains after
///   pushing, and those who drain come back at `next`, nothing is stranded.
/// * A drain takes a constant time for each item that it lets go, beside the bucket's own, whatever
///   else waits; a push takes `O(log n)`. Both are averages over the chance by which the lists
///   inside are linked. Items that were pushed while a drain was under way are sorted in by the
///   next one, `O(log n)` for each.
///
/// It is not lock-free as the bucket is: a thread that is stopped inside a drain keeps what waited,
/// until it goes on; others can push, and take from the bucket. A mutex is held for a push, and for
/// a few moves at the two ends of a drain, but not while the bucket is asked. No item is dropped
/// and no clock is read while it is held. A poisoned mutex is used on. Memory grows with the most
/// items that ever waited at once and is kept.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::deadline::DeadlineQueue;
/// use tollgate::{Clock, Limit, MultiBucket};
///
/// let shard = MultiBucket::with_clock([Limit::per_second(1000), Limit::per_second(1 << 20)], ManualClock::new())?;
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
    /// `None` while a thread drains: it has it.
    waiting: Option<Backlog<T, N>>,
    /// How many items that thread had when it began; 0 while none drains.
    out: usize,
    /// What was pushed since, in order of arrival, until the next drain.
    aside: Vec<Entry<T, N>>,
}

impl<T, const N: usize, C: Clock, const S: usize> DeadlineQueue<T, N, C, S> {
    /// An empty queue in front of this bucket.
    ///
    /// ```
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::<String, 2>::new(MultiBucket::new([Limit::per_second(1000), Limit::per_second(1 << 20)])?);
    /// assert!(queue.is_empty());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn new(bucket: MultiBucket<N, C, S>) -> Self {
        Self { bucket, shared: Mutex::new(Shared { waiting: Some(Backlog::new()), out: 0, aside: Vec::new() }) }
    }

    /// The bucket. Tokens may be taken past the queue, and when some are put back, it is time to
    /// drain.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?);
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

    /// Puts in an item that needs `amounts`, is to be admitted the earlier the smaller its
    /// `deadline`, and expires at `expires`; both are readings of the bucket's clock. [`Time::MAX`]
    /// for an item that does not expire in 584 years.
    ///
    /// It admits nothing, so [`drain`](Self::drain) after it. An item that has expired already is
    /// let go as such by the next drain.
    ///
    /// # Errors
    ///
    /// [`Oversized`] with the item if `amounts` is more than the bucket can ever hold.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?);
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
            // What was put aside came before.
            Shared { waiting: Some(waiting), aside, .. } if aside.is_empty() => waiting.push(entry),
            Shared { aside, .. } => aside.push(entry),
        }
        Ok(())
    }

    /// How many items wait. While a thread drains, those that it lets go are still counted.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?);
    /// queue.push("item", [1], Time::ZERO, Time::MAX)?;
    /// assert_eq!(queue.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        let shared = self.lock();
        shared.waiting.as_ref().map_or(shared.out, Backlog::len) + shared.aside.len()
    }

    /// Whether no item waits, and no thread is about to let one go.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?);
    /// assert!(queue.is_empty());
    /// queue.push("item", [1], Time::ZERO, Time::MAX)?;
    /// assert!(!queue.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As [`drain`](Self::drain), at a time that the caller supplies, a reading of the bucket's
    /// clock. An old one lets go less, never more.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10).empty()], ManualClock::new())?);
    /// queue.push("item", [1], Time::ZERO, Time::MAX)?;
    /// assert!(queue.drain_at(Time::from_nanos(99_999_999)).unwrap().is_empty());
    /// assert_eq!(queue.drain_at(Time::from_nanos(100_000_000)).unwrap().admitted, ["item"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain_at(&self, now: Time) -> Option<Drained<T>> {
        self.let_go(now, |amounts| self.bucket.at(now).try_take(amounts))
    }

    /// As [`flush`](Self::flush), at a time that the caller supplies, a reading of the bucket's
    /// clock.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10).empty()], ManualClock::new())?);
    /// queue.push("item", [1], Time::ZERO, Time::from_nanos(5))?;
    /// assert_eq!(queue.flush_at(Time::from_nanos(5)).unwrap().expired, ["item"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_at(&self, now: Time) -> Option<Drained<T>> {
        self.let_go(now, |amounts| self.bucket.at(now).charge(amounts))
    }

    /// As [`flush_uncharged`](Self::flush_uncharged), at a time that the caller supplies, a reading
    /// of the bucket's clock.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10).empty()], ManualClock::new())?);
    /// queue.push("item", [1], Time::ZERO, Time::from_nanos(5))?;
    /// assert_eq!(queue.flush_uncharged_at(Time::from_nanos(4)).unwrap().admitted, ["item"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_uncharged_at(&self, now: Time) -> Option<Drained<T>> {
        self.let_go(now, |_| Ok(()))
    }

    /// The one way out. Between the two locks nothing can panic: items are moved, and the bucket
    /// does not.
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

    /// What waits, for this thread alone; `None` if another has it.
    fn begin(&self) -> Option<(Backlog<T, N>, Vec<Entry<T, N>>)> {
        let mut shared = self.lock();
        let waiting = shared.waiting.take()?;
        let aside = mem::take(&mut shared.aside);
        shared.out = waiting.len() + aside.len();
        Some((waiting, aside))
    }

    /// Whether nothing waits, nobody drains, and the bucket is full.
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
    /// Lets go what has expired, then from the smallest deadline on what there are tokens for, up
    /// to the first that has to wait. `None`, at once, if another thread drains or flushes.
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

    /// Lets go what has expired, then admits everything, in the same order: tokens that are not
    /// there are owed, and paid off by the passing of time before anything else is admitted.
    /// `None`, at once, if another thread drains or flushes: then nothing was done.
    ///
    /// Only what the bucket cannot [`charge`](MultiBucket::charge) is held back, for it would be
    /// lost to the bound: an amount of 2^62 units is given back as one that can never fit, and
    /// where the debt would grow as far, the rest waits on.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?);
    /// queue.push("first", [10], Time::ZERO, Time::MAX)?;
    /// queue.push("second", [5], Time::ZERO, Time::MAX)?;
    /// assert_eq!(queue.flush().unwrap().admitted, ["first", "second"]);
    /// assert_eq!(queue.bucket().wait_for([1])?, Duration::from_millis(600)); // 5 are owed
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush(&self) -> Option<Drained<T>> {
        self.flush_at(self.bucket.clock().now())
    }

    /// As [`flush`](Self::flush), but takes no tokens: [the bound](crate#the-bound) does not count
    /// what this admits. It is for a sink that is not the one that the limits are for, a file at
    /// shutdown, say.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::DeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?);
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
        // More than any capacity of this stream, and nothing of the others: the answer is what it
        // holds at most.
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

    /// One thread inside a drain, at every point at which another can meet it.
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
        // Between the drains: still behind what was put aside.
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
