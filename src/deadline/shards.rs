//! Owns the shards of all keys in memory, and when one is removed. It never drains one.

use core::hash::Hash;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::vec::Vec;

use crate::bucket::multi::MultiBucket;
use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::deadline::queue::DeadlineQueue;
use crate::limit::limit::Limit;
use crate::sync::Event;

/// The queues and buckets, by key.
pub(crate) struct Shards<K, T, const N: usize, C, const S: usize> {
    pub(crate) by_key: HashMap<K, Shard<T, N, C, S>>,
    /// The keys of `by_key`, each once, in the order in which calls look at them.
    turns: VecDeque<K>,
    pub(crate) closed: bool,
}

pub(crate) struct Shard<T, const N: usize, C, const S: usize> {
    /// Copies are made under the lock of the shards. So a call that holds it for writing, and finds
    /// no copy, knows that no other call uses the queue.
    pub(crate) queue: Arc<DeadlineQueue<T, N, C, S>>,
    /// The limits with which the bucket was made.
    made: [Limit; N],
}

impl<K: Hash + Eq + Clone, T, const N: usize, C: Clock, const S: usize> Shards<K, T, N, C, S> {
    pub(crate) fn new() -> Self {
        Self { by_key: HashMap::new(), turns: VecDeque::new(), closed: false }
    }

    /// Returns the queue of `key`. Makes it in front of `bucket` if there is none.
    pub(crate) fn get_or_insert(
        &mut self,
        key: &K,
        bucket: MultiBucket<N, C, S>,
        changed: &Arc<Event>,
    ) -> Arc<DeadlineQueue<T, N, C, S>> {
        let shard = match self.by_key.entry(key.clone()) {
            Entry::Occupied(made_meanwhile) => made_meanwhile.into_mut(),
            Entry::Vacant(vacant) => {
                self.turns.push_back(key.clone());
                let made = bucket.limits();
                let queue = DeadlineQueue::with_event(bucket, Arc::clone(changed));
                if self.closed {
                    queue.close();
                }
                vacant.insert(Shard { queue: Arc::new(queue), made })
            }
        };
        Arc::clone(&shard.queue)
    }

    /// Looks at up to `most` shards in turn, and removes the idle ones.
    ///
    /// It returns them, to be dropped without the lock.
    pub(crate) fn remove_idle(&mut self, now: Time, most: usize) -> Vec<(K, Shard<T, N, C, S>)> {
        let mut removed = Vec::new();
        for _ in 0..most.min(self.turns.len()) {
            let Some(key) = self.turns.pop_front() else { break };
            if self.by_key.get_mut(&key).is_some_and(|shard| shard.is_idle(now)) {
                removed.extend(self.by_key.remove_entry(&key));
            } else {
                self.turns.push_back(key);
            }
        }
        removed
    }
}

impl<T, const N: usize, C: Clock, const S: usize> Shard<T, N, C, S> {
    /// Returns whether a shard made again would be equal to this one, and no call uses it.
    fn is_idle(&mut self, now: Time) -> bool {
        let made = self.made;
        Arc::get_mut(&mut self.queue).is_some_and(|queue| queue.bucket().limits() == made && queue.is_idle(now))
    }
}
