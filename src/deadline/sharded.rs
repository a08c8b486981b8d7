//! Owns one deadline queue for each key: when it is made, and when it may go. It never decides what
//! a queue lets go.

use core::fmt;
use core::hash::Hash;
use std::boxed::Box;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::vec::Vec;

use crate::bucket::multi::MultiBucket;
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::deadline::drained::{Drained, Oversized};
use crate::deadline::queue::DeadlineQueue;
use crate::state::multi::SLOTS;

/// A [`DeadlineQueue`] for each key, each in front of a bucket of its own, made when its key is
/// first used.
///
/// A key is what the limits are for: a shard of a stream, a tenant, a host. What is said of
/// `DeadlineQueue` holds for each by itself; no key holds up another.
///
/// # Idle shards are removed
///
/// A shard in which nothing waits, and whose bucket is full, is as good as none: made again, it is
/// the same. Every call that makes a shard and every [`drain_all`](Self::drain_all) looks at up to
/// four of them in turn, and removes those that are idle. So there are no keys to forget, and no
/// call cleans up for long. For this a key's bucket must begin full, and the clock should not go
/// back: where it does by `d`, a bucket that was removed and made again may have up to `r * d`
/// tokens too many.
///
/// # Cost
///
/// A call for one key costs what it does in a `DeadlineQueue`, beside a look-up under the read lock
/// of a hash map. That is the standard library's, as what is done under its locks is short: a push;
/// for a new key, putting it in; the removal of up to four. `drain_all` goes through all shards,
/// but holds no lock while it drains. The function that makes buckets is called under none.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::deadline::ShardedDeadlineQueue;
/// use tollgate::{Limit, MultiBucket};
///
/// let limits = [Limit::per_second(1000), Limit::per_second(1_000_000)];
/// limits.map(|limit| limit.check()).into_iter().collect::<Result<(), _>>()?;
/// let clock = ManualClock::new();
/// let shards = ShardedDeadlineQueue::with_clock(&clock, move |_key: &u32, clock| {
///     MultiBucket::with_clock(limits, clock).expect("checked above")
/// });
///
/// shards.push(7, "first", [1, 1_000_000], Time::ZERO, Time::MAX)?;
/// shards.push(7, "second", [1, 500_000], Time::ZERO, Time::MAX)?;
/// shards.push(8, "elsewhere", [1, 1], Time::ZERO, Time::MAX)?;
/// let mut drained = shards.drain_all();
/// drained.shards.sort_by_key(|(key, _)| *key);
/// assert_eq!(drained.shards[0].1.admitted, ["first"]);
/// assert_eq!(drained.shards[1].1.admitted, ["elsewhere"]);
/// assert_eq!(drained.next, Some(Time::ZERO.after(Duration::from_millis(500))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ShardedDeadlineQueue<K, T, const N: usize, C = DefaultClock, const S: usize = SLOTS> {
    clock: C,
    make: Make<K, N, C, S>,
    shards: RwLock<Shards<K, T, N, C, S>>,
}

type Make<K, const N: usize, C, const S: usize> = Box<dyn Fn(&K, C) -> MultiBucket<N, C, S> + Send + Sync>;

struct Shards<K, T, const N: usize, C, const S: usize> {
    by_key: HashMap<K, Arc<DeadlineQueue<T, N, C, S>>>,
    /// The keys in the order in which they are looked at: each of `by_key` once.
    turns: VecDeque<K>,
}

/// How many shards are looked at in one call.
const LOOKED_AT: usize = 4;

/// What a [`ShardedDeadlineQueue`] let go, and when to come back for more.
///
/// ```
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::deadline::ShardedDeadlineQueue;
/// use tollgate::{Limit, MultiBucket};
///
/// let clock = ManualClock::new();
/// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
///     MultiBucket::with_clock([Limit::per_second(10)], clock).expect("a good limit")
/// });
/// shards.push(7, "item", [1], Time::ZERO, Time::MAX)?;
/// let drained = shards.drain_all();
/// assert_eq!((drained.shards[0].0, &drained.shards[0].1.admitted), (7, &vec!["item"]));
/// assert_eq!((drained.busy, drained.next), (0, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "items that left the queues are in here and nowhere else"]
pub struct DrainedShards<K, T> {
    /// The shards that let something go, in no particular order, and what.
    pub shards: Vec<(K, Drained<T>)>,
    /// How many shards another thread was draining; it got what they let go, and comes back for
    /// more.
    pub busy: usize,
    /// The earliest [`Drained::next`] of all shards but those.
    pub next: Option<Time>,
}

impl<K, T, const N: usize> ShardedDeadlineQueue<K, T, N>
where
    K: Hash + Eq + Clone,
{
    /// No shards yet, and the default clock. `make` is called with a key and a copy of the clock,
    /// and makes the bucket of that key on that clock.
    ///
    /// ```
    /// use tollgate::deadline::ShardedDeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limit = Limit::per_second(1000);
    /// limit.check()?;
    /// let shards = ShardedDeadlineQueue::<u32, String, 1>::new(move |_key, clock| {
    ///     MultiBucket::with_clock([limit], clock).expect("checked above")
    /// });
    /// assert!(shards.is_empty());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn new(make: impl Fn(&K, DefaultClock) -> MultiBucket<N> + Send + Sync + 'static) -> Self {
        Self::with_clock(DefaultClock::default(), make)
    }
}

impl<K, T, const N: usize, C: Clock, const S: usize> ShardedDeadlineQueue<K, T, N, C, S>
where
    K: Hash + Eq + Clone,
    C: Clock + Clone,
{
    /// No shards yet, and this clock. `make` is called with a key and a copy of the clock, and
    /// makes the bucket of that key on that clock: a full one, and for the same key always the
    /// same. A copy must read the same time as the original, as those of the clocks of this crate,
    /// of `&clock` and of `Arc` do.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::ShardedDeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = Arc::new(ManualClock::new());
    /// let shards = ShardedDeadlineQueue::with_clock(Arc::clone(&clock), |tenant: &&str, clock| {
    ///     let rate = if *tenant == "large" { 1000 } else { 10 };
    ///     MultiBucket::with_clock([Limit::per_second(rate)], clock).expect("a good limit")
    /// });
    /// assert!(shards.push("large", "item", [100], Time::ZERO, Time::MAX).is_ok());
    /// assert!(shards.push("small", "item", [100], Time::ZERO, Time::MAX).is_err());
    /// ```
    pub fn with_clock(clock: C, make: impl Fn(&K, C) -> MultiBucket<N, C, S> + Send + Sync + 'static) -> Self {
        let shards = Shards { by_key: HashMap::new(), turns: VecDeque::new() };
        Self { clock, make: Box::new(make), shards: RwLock::new(shards) }
    }

    /// The clock whose readings deadlines and expiries are.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::deadline::ShardedDeadlineQueue;
    /// use tollgate::{Clock, Limit, MultiBucket};
    ///
    /// let shards = ShardedDeadlineQueue::<u32, &str, 1>::new(|_, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock).expect("a good limit")
    /// });
    /// let now = shards.clock().now();
    /// shards.push(7, "item", [1], now.after(Duration::from_millis(100)), now.after(Duration::from_secs(30)))?;
    /// # Ok::<(), tollgate::deadline::Oversized<&str>>(())
    /// ```
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Puts an item in for this key; see [`DeadlineQueue::push`].
    ///
    /// # Errors
    ///
    /// [`Oversized`] with the item if `amounts` is more than the key's bucket can ever hold.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::ShardedDeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock).expect("a good limit")
    /// });
    /// shards.push(7, "item", [1], Time::ZERO, Time::MAX)?;
    /// assert_eq!(shards.push(7, "too large", [11], Time::ZERO, Time::MAX).unwrap_err().item, "too large");
    /// # Ok::<(), tollgate::deadline::Oversized<&str>>(())
    /// ```
    pub fn push(&self, key: K, item: T, amounts: [u64; N], deadline: Time, expires: Time) -> Result<(), Oversized<T>> {
        // Under the lock to the end: a shard is only removed when nobody can be pushing to it.
        if let Some(queue) = self.read().by_key.get(&key) {
            return queue.push(item, amounts, deadline, expires);
        }
        let bucket = (self.make)(&key, self.clock.clone());
        let now = self.clock.now();
        let mut shards = self.write();
        shards.remove_idle(now);
        let Shards { by_key, turns } = &mut *shards;
        let queue = match by_key.entry(key) {
            Entry::Occupied(made_meanwhile) => made_meanwhile.into_mut(),
            Entry::Vacant(vacant) => {
                turns.push_back(vacant.key().clone());
                vacant.insert(Arc::new(DeadlineQueue::new(bucket)))
            }
        };
        queue.push(item, amounts, deadline, expires)
    }

    /// Drains the queue of this key; see [`DeadlineQueue::drain`]. Lets nothing go if there is
    /// none.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::ShardedDeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock).expect("a good limit")
    /// });
    /// shards.push(7, "item", [1], Time::ZERO, Time::MAX)?;
    /// assert_eq!(shards.drain(&7).expect("nobody else drains").admitted, ["item"]);
    /// assert!(shards.drain(&8).unwrap().is_empty());
    /// # Ok::<(), tollgate::deadline::Oversized<&str>>(())
    /// ```
    pub fn drain(&self, key: &K) -> Option<Drained<T>> {
        let queue = self.read().by_key.get(key).cloned();
        queue.map_or_else(|| Some(Drained::nothing()), |queue| queue.drain_at(self.clock.now()))
    }

    /// Drains the queues of all keys, at one reading of the clock; see [`DeadlineQueue::drain`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::ShardedDeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock).expect("a good limit")
    /// });
    /// shards.push(7, "item", [10], Time::ZERO, Time::MAX)?;
    /// shards.push(7, "waits", [5], Time::ZERO, Time::MAX)?;
    /// let drained = shards.drain_all();
    /// assert_eq!(drained.shards[0].1.admitted, ["item"]);
    /// assert_eq!(drained.next, Some(Time::ZERO.after(Duration::from_millis(500))));
    /// # Ok::<(), tollgate::deadline::Oversized<&str>>(())
    /// ```
    pub fn drain_all(&self) -> DrainedShards<K, T> {
        self.all(DeadlineQueue::drain_at)
    }

    /// Flushes the queues of all keys, at one reading of the clock: everything is admitted, and
    /// what it lacks is owed; see [`DeadlineQueue::flush`].
    ///
    /// Shards that were [`busy`](DrainedShards::busy) were not flushed: call it again for them.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::ShardedDeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock).expect("a good limit")
    /// });
    /// shards.push(7, "item", [10], Time::ZERO, Time::MAX)?;
    /// shards.push(7, "owes", [5], Time::ZERO, Time::MAX)?;
    /// assert_eq!(shards.flush_all().shards[0].1.admitted, ["item", "owes"]);
    /// # Ok::<(), tollgate::deadline::Oversized<&str>>(())
    /// ```
    pub fn flush_all(&self) -> DrainedShards<K, T> {
        self.all(DeadlineQueue::flush_at)
    }

    fn all(&self, let_go: impl Fn(&DeadlineQueue<T, N, C, S>, Time) -> Option<Drained<T>>) -> DrainedShards<K, T> {
        let queues: Vec<_> = self.read().by_key.iter().map(|(key, queue)| (key.clone(), Arc::clone(queue))).collect();
        let now = self.clock.now();
        let mut all = DrainedShards { shards: Vec::new(), busy: 0, next: None };
        for (key, queue) in queues {
            let Some(drained) = let_go(&queue, now) else {
                all.busy += 1;
                continue;
            };
            all.next = all.next.into_iter().chain(drained.next).min();
            if !drained.is_empty() {
                all.shards.push((key, drained));
            }
        }
        match self.shards.try_write() {
            Ok(mut shards) => shards.remove_idle(now),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().remove_idle(now),
            // Others are at work: some other time.
            Err(TryLockError::WouldBlock) => {}
        }
        all
    }
}

impl<K, T, const N: usize, C: Clock, const S: usize> ShardedDeadlineQueue<K, T, N, C, S> {
    /// How many shards there are, those that are idle but not yet removed included.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::ShardedDeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock).expect("a good limit")
    /// });
    /// shards.push(7, "item", [0], Time::ZERO, Time::MAX)?;
    /// assert_eq!(shards.len(), 1);
    /// let _ = shards.drain_all(); // nothing waits any more, and the bucket is full
    /// assert_eq!(shards.len(), 0);
    /// # Ok::<(), tollgate::deadline::Oversized<&str>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.read().by_key.len()
    }

    /// Whether there are no shards, so that nothing waits.
    ///
    /// ```
    /// use tollgate::deadline::ShardedDeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let shards = ShardedDeadlineQueue::<u32, String, 1>::new(|_, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock).expect("a good limit")
    /// });
    /// assert!(shards.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn read(&self) -> RwLockReadGuard<'_, Shards<K, T, N, C, S>> {
        self.shards.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shards<K, T, N, C, S>> {
        self.shards.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq, T, const N: usize, C: Clock, const S: usize> Shards<K, T, N, C, S> {
    fn remove_idle(&mut self, now: Time) {
        for _ in 0..LOOKED_AT {
            let Some(key) = self.turns.pop_front() else { return };
            if self.by_key.get(&key).is_some_and(|queue| queue.is_idle(now)) {
                self.by_key.remove(&key);
            } else {
                self.turns.push_back(key);
            }
        }
    }
}

impl<K, T, const N: usize, C: Clock, const S: usize> fmt::Debug for ShardedDeadlineQueue<K, T, N, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardedDeadlineQueue").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::clock::manual::ManualClock;
    use crate::limit::limit::Limit;

    #[test]
    fn a_shard_that_another_thread_drains_is_busy_and_stays() {
        let clock = ManualClock::new();
        let make = |_: &u32, clock| MultiBucket::<1, _>::with_clock([Limit::per_second(10)], clock).unwrap();
        let shards = ShardedDeadlineQueue::with_clock(&clock, make);
        shards.push(1, "drained", [0], Time::ZERO, Time::MAX).unwrap();
        let queue = Arc::clone(&shards.read().by_key[&1]);
        let drained = queue.let_go(Time::ZERO, |_| {
            assert_eq!(shards.drain(&1), None);
            shards.push(1, "pushed meanwhile", [0], Time::ZERO, Time::MAX).unwrap();
            assert_eq!(shards.drain_all(), DrainedShards { shards: Vec::new(), busy: 1, next: None });
            assert_eq!(shards.len(), 1);
            Ok(())
        });
        assert_eq!(
            drained.map(|drained| (drained.admitted, drained.next)),
            Some((Vec::from(["drained"]), Some(Time::ZERO)))
        );
        assert_eq!(shards.drain_all().shards[0].1.admitted, ["pushed meanwhile"]);
        assert!(shards.is_empty());
    }
}
