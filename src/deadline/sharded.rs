//! Owns one deadline queue for each key: how calls reach it, and how many are drained at once. It
//! never decides which item a queue admits.

use core::fmt;
use core::hash::Hash;
use std::boxed::Box;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::vec::Vec;

use crate::bucket::multi::MultiBucket;
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::deadline::drained::{Drained, DrainedShards};
use crate::deadline::entry::Entry;
use crate::deadline::push_error::{PushError, PushRefusal};
use crate::deadline::queue::DeadlineQueue;
use crate::deadline::shards::Shards;
use crate::limit::limit_error::LimitError;
use crate::state::multi::SLOTS;
use crate::sync::Event;

/// A [`DeadlineQueue`] for each key, each in front of its own bucket.
///
/// The first push for a key makes its queue and its bucket.
///
/// A key is what the limits are for: a shard of a stream, a tenant, a host. The guarantees of
/// `DeadlineQueue` hold for each key by itself. No key blocks another.
///
/// # Idle shards are removed
///
/// A shard is idle if no item waits, its bucket is full, and its limits are those that it was made
/// with. Removing it loses nothing: a shard made again for the key is equal to it. A paused shard,
/// and one whose bucket is closed, are not idle.
///
/// Every call that makes or [drains](Self::drain) a shard looks at up to four shards in turn, and
/// removes the idle ones. [`drain_all`](Self::drain_all) and [`run`](Self::run) look at all shards,
/// 64 under one lock. So the caller need not remove keys, and no call makes others wait for long.
///
/// For this, a key's bucket must begin full, and the clock should not go back. If the clock goes
/// back by `d`, a bucket that was removed and made again may have up to `r * d` tokens too many.
///
/// # Cost
///
/// A call for one key costs a look-up under the read lock of a hash map, and the call on its
/// `DeadlineQueue`. The standard library's lock suffices, since the work under it is short: a
/// look-up, the insertion of a new key, or the removal of idle keys. `drain_all` visits all
/// shards, but holds no lock while it drains. No lock is held while a bucket is made.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::deadline::{Entry, ShardedDeadlineQueue};
/// use tollgate::{Limit, MultiBucket};
///
/// let clock = ManualClock::new();
/// let shards = ShardedDeadlineQueue::with_clock(&clock, |_key: &u32, clock| {
///     MultiBucket::with_clock([Limit::per_second(1000), Limit::per_second(1_000_000)], clock)
/// });
///
/// shards.push(7, Entry::new("first", [1, 1_000_000]))?;
/// shards.push(7, Entry::new("second", [1, 500_000]))?;
/// shards.push(8, Entry::new("elsewhere", [1, 1]))?;
/// let mut drained = shards.drain_all(500);
/// drained.shards.sort_by_key(|(key, _)| *key);
/// assert_eq!(drained.shards[0].1.admitted, ["first"]);
/// assert_eq!(drained.shards[1].1.admitted, ["elsewhere"]);
/// assert_eq!(drained.next, Some(Time::ZERO.after(Duration::from_millis(500))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ShardedDeadlineQueue<K, T, const N: usize, C = DefaultClock, E = LimitError, const S: usize = SLOTS> {
    pub(crate) clock: C,
    make: Make<K, N, C, E, S>,
    shards: RwLock<Shards<K, T, N, C, S>>,
    /// What wakes drivers: that of every shard.
    pub(crate) changed: Arc<Event>,
}

type Make<K, const N: usize, C, E, const S: usize> =
    Box<dyn Fn(&K, C) -> Result<MultiBucket<N, C, S>, E> + Send + Sync>;

/// Shards that a call for one key looks at.
const LOOKED_AT: usize = 4;

/// Shards that a call for all keys looks at under one lock.
const LOOKED_AT_OF_ALL: usize = 64;

impl<K, T, const N: usize, E> ShardedDeadlineQueue<K, T, N, DefaultClock, E>
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
    /// let shards = ShardedDeadlineQueue::<u32, String, 1>::new(|_key, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(1000)], clock)
    /// });
    /// assert!(shards.is_empty());
    /// ```
    pub fn new(make: impl Fn(&K, DefaultClock) -> Result<MultiBucket<N>, E> + Send + Sync + 'static) -> Self {
        Self::with_clock(DefaultClock::default(), make)
    }
}

impl<K, T, const N: usize, C: Clock, E, const S: usize> ShardedDeadlineQueue<K, T, N, C, E, S>
where
    K: Hash + Eq + Clone,
    C: Clock + Clone,
{
    /// Makes an empty queue on `clock`.
    ///
    /// `make` gets a key and a copy of the clock, and makes the bucket of that key on that clock.
    /// If it fails, its error reaches the caller, who also gets the item back. No shard is made.
    ///
    /// The bucket must begin full, and equal keys must get equal buckets. A copy of the clock must
    /// read the time of the original. The clocks of this crate do, and so do `&clock` and `Arc`.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::deadline::{Entry, PushRefusal, ShardedDeadlineQueue};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |tenant: &&str, clock| {
    ///     let rate = match *tenant {
    ///         "large" => 1000,
    ///         "small" => 10,
    ///         _ => return Err("unknown tenant"),
    ///     };
    ///     Ok(MultiBucket::with_clock([Limit::per_second(rate)], clock).expect("a good limit"))
    /// });
    /// assert!(shards.push("large", Entry::new("item", [100])).is_ok());
    /// assert!(shards.push("small", Entry::new("item", [100])).is_err());
    /// let refused = shards.push("other", Entry::new("item", [1])).unwrap_err();
    /// assert_eq!(refused.item, "item");
    /// assert_eq!(refused.reason, PushRefusal::NoBucket("unknown tenant"));
    /// ```
    pub fn with_clock(
        clock: C,
        make: impl Fn(&K, C) -> Result<MultiBucket<N, C, S>, E> + Send + Sync + 'static,
    ) -> Self {
        Self { clock, make: Box::new(make), shards: RwLock::new(Shards::new()), changed: Arc::new(Event::new()) }
    }

    /// Returns the clock that deadlines and expiries are readings of.
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Adds an item to the queue of `key`: see [`DeadlineQueue::push`].
    ///
    /// # Errors
    ///
    /// [`PushError`] with the item:
    ///
    /// * [`Never`](PushRefusal::Never) if its amounts are above the capacity of the key's bucket;
    /// * [`Closed`](PushRefusal::Closed) if the queue is closed;
    /// * [`NoBucket`](PushRefusal::NoBucket) with the error of `make`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::deadline::{Entry, ShardedDeadlineQueue};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock)
    /// });
    /// shards.push(7, Entry::new("item", [1]))?;
    /// shards.push(8, Entry::new("item", [1]))?;
    /// assert_eq!(shards.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push(&self, key: K, entry: Entry<T, N>) -> Result<(), PushError<T, E>> {
        match self.shard(&key) {
            Ok(queue) => queue.push_at(self.clock.now(), entry),
            Err(error) => Err(PushError { item: entry.item, reason: PushRefusal::NoBucket(error) }),
        }
    }

    /// Reaches the bucket of `key`: to pause it, to change its limits, or to put tokens back.
    ///
    /// It makes the bucket if there is none. [`next`](Self::next) follows the change, and drivers
    /// are woken when `reach` has returned. No lock is held meanwhile.
    ///
    /// A shard with other limits than those that it was made with is never idle, so it stays. Set
    /// those limits again to let it go.
    ///
    /// # Errors
    ///
    /// The error of `make`, if it had to make the bucket.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::{Entry, ShardedDeadlineQueue};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock)
    /// });
    /// shards.push(7, Entry::new("item", [1]))?;
    /// shards.with_bucket(&7, |bucket| bucket.pause_for(Duration::from_secs(1)))?;
    /// assert!(shards.drain(&7, 100).expect("nobody else drains").is_empty());
    /// assert_eq!(shards.next(), Some(Time::from_nanos(1_000_000_000)));
    /// shards.with_bucket(&7, |bucket| bucket.resume())?;
    /// assert_eq!(shards.drain(&7, 100).unwrap().admitted, ["item"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_bucket<R>(&self, key: &K, reach: impl FnOnce(&MultiBucket<N, C, S>) -> R) -> Result<R, E> {
        let queue = self.shard(key)?;
        let reached = reach(queue.bucket());
        queue.notify();
        Ok(reached)
    }

    /// Drains the queue of `key`: see [`DeadlineQueue::drain`].
    ///
    /// The result is empty if the key has no queue.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::deadline::{Entry, ShardedDeadlineQueue};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock)
    /// });
    /// shards.push(7, Entry::new("item", [1]))?;
    /// assert_eq!(shards.drain(&7, 100).expect("nobody else drains").admitted, ["item"]);
    /// assert!(shards.drain(&8, 100).unwrap().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&self, key: &K, max: usize) -> Option<Drained<T>> {
        let queue = self.find(key);
        let now = self.clock.now();
        let drained = queue.map_or_else(|| Some(Drained::nothing()), |queue| queue.at(now).drain(max));
        self.try_remove_idle(now, LOOKED_AT);
        drained
    }

    /// Drains the queues of all keys, at one reading of the clock: `max` items each at the most.
    ///
    /// See [`DeadlineQueue::drain`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::{Entry, ShardedDeadlineQueue};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock)
    /// });
    /// shards.push(7, Entry::new("item", [10]))?;
    /// shards.push(7, Entry::new("waits", [5]))?;
    /// let drained = shards.drain_all(100);
    /// assert_eq!(drained.shards[0].1.admitted, ["item"]);
    /// assert_eq!(drained.next, Some(Time::ZERO.after(Duration::from_millis(500))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain_all(&self, max: usize) -> DrainedShards<K, T> {
        self.all(|queue, now| queue.at(now).drain(max))
    }

    /// Flushes the queues of all keys, at one reading of the clock.
    ///
    /// It admits all items; if tokens are short, the buckets go into debt. See
    /// [`DeadlineQueue::flush`].
    ///
    /// It skips shards that were [`busy`](DrainedShards::busy): call it again for them.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::deadline::{Entry, ShardedDeadlineQueue};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock)
    /// });
    /// shards.push(7, Entry::new("item", [10]))?;
    /// shards.push(7, Entry::new("owes", [5]))?;
    /// assert_eq!(shards.flush_all().shards[0].1.admitted, ["item", "owes"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_all(&self) -> DrainedShards<K, T> {
        self.all(|queue, now| queue.at(now).flush())
    }

    fn all(&self, let_go: impl Fn(&DeadlineQueue<T, N, C, S>, Time) -> Option<Drained<T>>) -> DrainedShards<K, T> {
        let now = self.clock.now();
        let mut all = DrainedShards { shards: Vec::new(), busy: 0, next: None };
        for (key, queue) in self.queues() {
            let Some(drained) = let_go(&queue, now) else {
                all.busy += 1;
                continue;
            };
            all.next = all.next.into_iter().chain(drained.next).min();
            if !drained.is_empty() {
                all.shards.push((key, drained));
            }
        }
        self.remove_idle_of_all(now);
        all
    }

    /// Returns when to drain next, over all keys: see [`DeadlineQueue::next`].
    ///
    /// It looks at every shard.
    pub fn next(&self) -> Option<Time> {
        let now = self.clock.now();
        self.queues().iter().filter_map(|(_, queue)| queue.next_at(now)).min()
    }

    /// Closes the queues of all keys for good, also of those to come.
    ///
    /// See [`DeadlineQueue::close`].
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::deadline::{Entry, PushRefusal, ShardedDeadlineQueue};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock)
    /// });
    /// shards.push(7, Entry::new("waits", [1]))?;
    /// shards.close();
    /// let refused = shards.push(8, Entry::new("late", [1])).unwrap_err();
    /// assert_eq!((refused.item, refused.reason), ("late", PushRefusal::Closed));
    /// assert_eq!(shards.drain_all(100).shards[0].1.admitted, ["waits"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) {
        let mut shards = self.write();
        shards.closed = true;
        for shard in shards.by_key.values() {
            shard.queue.close();
        }
        drop(shards);
        self.changed.notify(usize::MAX);
    }

    /// Returns the queues of all keys.
    pub(crate) fn queues(&self) -> Vec<(K, Arc<DeadlineQueue<T, N, C, S>>)> {
        self.read().by_key.iter().map(|(key, shard)| (key.clone(), Arc::clone(&shard.queue))).collect()
    }

    fn find(&self, key: &K) -> Option<Arc<DeadlineQueue<T, N, C, S>>> {
        self.read().by_key.get(key).map(|shard| Arc::clone(&shard.queue))
    }

    /// Returns the queue of `key`, and makes it if there is none.
    fn shard(&self, key: &K) -> Result<Arc<DeadlineQueue<T, N, C, S>>, E> {
        if let Some(queue) = self.find(key) {
            return Ok(queue);
        }
        let bucket = (self.make)(key, self.clock.clone())?;
        let now = self.clock.now();
        let mut shards = self.write();
        let removed = shards.remove_idle(now, LOOKED_AT);
        let queue = shards.get_or_insert(key, bucket, &self.changed);
        drop(shards);
        drop(removed);
        Ok(queue)
    }

    /// Removes idle shards among `most`; `false` if another call holds the lock.
    fn try_remove_idle(&self, now: Time, most: usize) -> bool {
        let removed = match self.shards.try_write() {
            Ok(mut shards) => shards.remove_idle(now, most),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().remove_idle(now, most),
            // A later call removes them.
            Err(TryLockError::WouldBlock) => return false,
        };
        drop(removed);
        true
    }

    /// Looks at every shard once, a few under each lock.
    pub(crate) fn remove_idle_of_all(&self, now: Time) {
        for _ in 0..self.len().div_ceil(LOOKED_AT_OF_ALL) {
            if !self.try_remove_idle(now, LOOKED_AT_OF_ALL) {
                return;
            }
        }
    }
}

impl<K, T, const N: usize, C: Clock, E, const S: usize> ShardedDeadlineQueue<K, T, N, C, E, S> {
    /// Returns the number of shards, idle ones that await removal included.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::deadline::{Entry, ShardedDeadlineQueue};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let clock = ManualClock::new();
    /// let shards = ShardedDeadlineQueue::with_clock(&clock, |_: &u32, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(10)], clock)
    /// });
    /// shards.push(7, Entry::new("item", [0]))?;
    /// assert_eq!(shards.len(), 1);
    /// let _ = shards.drain_all(100); // nothing waits any more, and the bucket is full
    /// assert_eq!(shards.len(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.read().by_key.len()
    }

    /// Returns whether there is no shard, so that no item waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the queue was closed.
    pub fn is_closed(&self) -> bool {
        self.read().closed
    }

    fn read(&self) -> RwLockReadGuard<'_, Shards<K, T, N, C, S>> {
        self.shards.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shards<K, T, N, C, S>> {
        self.shards.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, T, const N: usize, C: Clock, E, const S: usize> fmt::Debug for ShardedDeadlineQueue<K, T, N, C, E, S> {
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
        let make = |_: &u32, clock| MultiBucket::<1, _>::with_clock([Limit::per_second(10)], clock);
        let shards = ShardedDeadlineQueue::with_clock(&clock, make);
        shards.push(1, Entry::new("drained", [0])).unwrap();
        let queue = shards.find(&1).unwrap();
        let drained = queue.let_go(Time::ZERO, |waiting| {
            assert_eq!(shards.drain(&1, 9), None);
            shards.push(1, Entry::new("pushed meanwhile", [0])).unwrap();
            assert_eq!(shards.drain_all(9), DrainedShards { shards: Vec::new(), busy: 1, next: None });
            assert_eq!(shards.len(), 1);
            waiting.drain(Time::ZERO, 9, |_| Ok(()))
        });
        drop(queue);
        assert_eq!(
            drained.map(|drained| (drained.admitted, drained.next)),
            Some((Vec::from(["drained"]), Some(Time::ZERO)))
        );
        assert_eq!(shards.drain_all(9).shards[0].1.admitted, ["pushed meanwhile"]);
        assert!(shards.is_empty());
    }
}
