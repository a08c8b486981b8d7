//! Owns one deadline queue for each key: when it is made, and when it is removed. It never decides
//! which item a queue admits.

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

/// A [`DeadlineQueue`] for each key, each in front of its own bucket.
///
/// The first push for a key makes its queue and its bucket.
///
/// A key is what the limits are for: a shard of a stream, a tenant, a host. The guarantees of
/// `DeadlineQueue` hold for each key by itself. No key blocks another.
///
/// # Idle shards are removed
///
/// A shard is idle if no item waits and its bucket is full. Removing it loses nothing: a shard made
/// again for the key is equal to it. Every call that makes a shard looks at up to four shards in
/// turn and removes the idle ones; so does [`drain_all`](Self::drain_all). So the caller need not
/// remove keys, and no call cleans up for long.
///
/// For this, a key's bucket must begin full, and the clock should not go back. If the clock goes
/// back by `d`, a bucket that was removed and made again may have up to `r * d` tokens too many.
///
/// # Cost
///
/// A call for one key costs a look-up under the read lock of a hash map, and the call on its
/// `DeadlineQueue`. The standard library's lock suffices, since the work under it is short. It is a
/// push, the insertion of a new key, or the removal of up to four keys. `drain_all` visits all
/// shards, but holds no lock while it drains. No lock is held while a bucket is made.
///
/// # Examples
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
    /// The keys of `by_key`, each once, in the order in which calls look at them.
    turns: VecDeque<K>,
}

/// Shards that one call looks at.
const LOOKED_AT: usize = 4;

/// The items that left a [`ShardedDeadlineQueue`], and when to drain again.
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
    /// The items that left, by key, in no particular order. A key without such items is not listed.
    pub shards: Vec<(K, Drained<T>)>,
    /// Shards that another thread was draining. That thread gets their items, and drains again.
    pub busy: usize,
    /// The earliest [`Drained::next`] of all shards that were not busy.
    pub next: Option<Time>,
}

impl<K, T, const N: usize> ShardedDeadlineQueue<K, T, N>
where
    K: Hash + Eq + Clone,
{
    /// Makes an empty queue on the default clock.
    ///
    /// See [`with_clock`](Self::with_clock) for `make`.
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
    /// Makes an empty queue on `clock`.
    ///
    /// `make` gets a key and a copy of the clock, and makes the bucket of that key on that clock.
    /// The bucket must begin full, and equal keys must get equal buckets. A copy of the clock must
    /// read the time of the original. The clocks of this crate do, and so do `&clock` and `Arc`.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::ShardedDeadlineQueue;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = Arc::new(ManualClock::new());
    /// let shards =
    ///     ShardedDeadlineQueue::with_clock(Arc::clone(&clock), |tenant: &&str, clock| {
    ///         let rate = if *tenant == "large" { 1000 } else { 10 };
    ///         MultiBucket::with_clock([Limit::per_second(rate)], clock).expect("a good limit")
    ///     });
    /// assert!(shards.push("large", "item", [100], Time::ZERO, Time::MAX).is_ok());
    /// assert!(shards.push("small", "item", [100], Time::ZERO, Time::MAX).is_err());
    /// ```
    pub fn with_clock(clock: C, make: impl Fn(&K, C) -> MultiBucket<N, C, S> + Send + Sync + 'static) -> Self {
        let shards = Shards { by_key: HashMap::new(), turns: VecDeque::new() };
        Self { clock, make: Box::new(make), shards: RwLock::new(shards) }
    }

    /// Returns the clock that deadlines and expiries are readings of.
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
    /// shards.push(
    ///     7,
    ///     "item",
    ///     [1],
    ///     now.after(Duration::from_millis(100)),
    ///     now.after(Duration::from_secs(30)),
    /// )?;
    /// # Ok::<(), tollgate::deadline::Oversized<&str>>(())
    /// ```
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Adds an item to the queue of `key`: see [`DeadlineQueue::push`].
    ///
    /// # Errors
    ///
    /// Returns [`Oversized`] with the item if `amounts` is above the capacity of the key's bucket.
    ///
    /// # Examples
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
    /// assert_eq!(
    ///     shards.push(7, "too large", [11], Time::ZERO, Time::MAX).unwrap_err().item,
    ///     "too large"
    /// );
    /// # Ok::<(), tollgate::deadline::Oversized<&str>>(())
    /// ```
    pub fn push(&self, key: K, item: T, amounts: [u64; N], deadline: Time, expires: Time) -> Result<(), Oversized<T>> {
        // The read lock is held to the end of the push, so no call can remove the shard meanwhile.
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

    /// Drains the queue of `key`: see [`DeadlineQueue::drain`].
    ///
    /// The result is empty if the key has no queue.
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

    /// Drains the queues of all keys, at one reading of the clock.
    ///
    /// See [`DeadlineQueue::drain`].
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

    /// Flushes the queues of all keys, at one reading of the clock.
    ///
    /// It admits all items; if tokens are short, the buckets go into debt. See
    /// [`DeadlineQueue::flush`].
    ///
    /// It skips shards that were [`busy`](DrainedShards::busy): call it again for them.
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
            // Another call holds the lock. A later call removes idle shards.
            Err(TryLockError::WouldBlock) => {}
        }
        all
    }
}

impl<K, T, const N: usize, C: Clock, const S: usize> ShardedDeadlineQueue<K, T, N, C, S> {
    /// Returns the number of shards, idle ones that await removal included.
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

    /// Returns whether there is no shard, so that no item waits.
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
