//! Owns the driver of all shards: when it sleeps, and what wakes it. It never holds a batch while
//! it sleeps.

use core::future::{Future, ready};
use core::hash::Hash;
use core::time::Duration;

use crate::clock::clock::Clock;
use crate::deadline::backlog::Batching;
use crate::deadline::drained::Drained;
use crate::deadline::driver::{Step, nap_until, woken};
use crate::deadline::park_timer::block_on;
use crate::deadline::sharded::ShardedDeadlineQueue;
use crate::sync::listen;
use crate::wait::nap::Nap;
use crate::wait::timer::Timer;

impl<K, T, const N: usize, C, E, const S: usize> ShardedDeadlineQueue<K, T, N, C, E, S>
where
    K: Hash + Eq + Clone,
    C: Clock + Clone,
{
    /// Drains all keys in batches, and passes each to `each`, until all is closed and empty.
    ///
    /// A batch is of one key. For each key it is drained as [`DeadlineQueue::run`] says, with its
    /// guarantees. [`with_bucket`](Self::with_bucket) and [`close`](Self::close) wake the driver.
    ///
    /// It looks at every shard each time it wakes, and removes idle ones. The batches follow one
    /// another: while the future of one has not completed, no other key is drained. To send to
    /// several keys at once, spawn a task for each batch, or run several drivers.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::deadline::{Entry, ShardedDeadlineQueue};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let shards = ShardedDeadlineQueue::<u32, &str, 1>::new(|_, clock| {
    ///     MultiBucket::with_clock([Limit::per_second(1000)], clock)
    /// });
    /// shards.push(7, Entry::new("item", [1]))?;
    /// shards.push(8, Entry::new("elsewhere", [1]))?;
    /// shards.close();
    /// let mut sent = Vec::new();
    /// shards.run_blocking(Duration::from_millis(20), 500, |key, batch| {
    ///     sent.extend(batch.admitted.into_iter().map(|item| (key, item)));
    /// });
    /// sent.sort();
    /// assert_eq!(sent, [(7, "item"), (8, "elsewhere")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`DeadlineQueue::run`]: crate::deadline::DeadlineQueue::run
    pub async fn run<R: Timer, F: Future<Output = ()>>(
        &self,
        timer: R,
        linger: Duration,
        max: usize,
        mut each: impl FnMut(K, Drained<T>) -> F,
    ) {
        let mut nap = Nap::new();
        loop {
            // Listens first: what changes after the steps wakes it.
            listen!(self.changed => changed);
            // Read first: no item comes after it.
            let closed = self.is_closed();
            let (mut until, mut ended, mut drained) = (None, closed, false);
            for (key, queue) in self.queues() {
                match queue.step(self.clock.now(), Batching { max, linger }) {
                    Step::Ended => {}
                    Step::Batch(batch) => {
                        drained = true;
                        each(key, batch).await;
                    }
                    Step::Wait(due) => {
                        ended = false;
                        until = due.into_iter().chain(until).min();
                    }
                }
            }
            let now = self.clock.now();
            self.remove_idle_of_all(now);
            if drained {
                continue;
            }
            if ended {
                return;
            }
            let sleep = nap_until(&mut nap, now, until).map(|left| timer.sleep(left));
            if woken(changed, sleep).await {
                nap = Nap::new();
            }
        }
    }

    /// Drains all keys in batches on this thread: see [`run`](Self::run).
    pub fn run_blocking(&self, linger: Duration, max: usize, mut each: impl FnMut(K, Drained<T>)) {
        block_on(|timer| {
            self.run(timer, linger, max, |key, batch| {
                each(key, batch);
                ready(())
            })
        });
    }
}
