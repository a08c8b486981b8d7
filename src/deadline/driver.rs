//! Owns the driver of a deadline queue: when it sleeps, and what wakes it. It never holds a batch
//! while it sleeps.

use core::future::{Future, pending, ready};
use core::pin::pin;
use core::time::Duration;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::deadline::backlog::Batching;
use crate::deadline::drained::Drained;
use crate::deadline::park_timer::block_on;
use crate::deadline::queue::DeadlineQueue;
use crate::state::limits_changed::notified_or;
use crate::sync::listen;
use crate::wait::nap::Nap;
use crate::wait::timer::Timer;

/// What a driver is to do.
pub(crate) enum Step<T> {
    Batch(Drained<T>),
    /// Come back at this time, or when the queue or the limits change.
    Wait(Option<Time>),
    /// The queue is closed and empty, or its bucket is closed.
    Ended,
}

impl<T, const N: usize, C: Clock, const S: usize> DeadlineQueue<T, N, C, S> {
    /// Drains the queue in batches, and passes each to `each`, until the queue is closed and empty.
    ///
    /// A batch has at most `max` items, and at least one; a `max` of 0 counts as 1. Two batches
    /// never overlap: the next one is drained when the future of `each` has completed.
    ///
    /// A batch is drained when the bucket grants its first item, and one of these holds:
    ///
    /// * `max` items wait, or as many as the capacity can hold, and the bucket grants all of them;
    /// * the smallest deadline has passed, and it had not when tokens last were short;
    /// * `linger` has passed since the first push after the last batch, or since that batch if
    ///   tokens were short for the items behind it.
    ///
    /// It is also drained as soon as an item expires. So an item waits for company for at most
    /// `linger` at a time. With a `linger` of zero and too few tokens, each token makes a batch.
    ///
    /// # Guarantees
    ///
    /// * A push, a change of limits, a pause, [`put_back`](Self::put_back) and
    ///   [`close`](Self::close) wake it.
    /// * **It is cancel-safe.** A batch is drained and passed to `each` in one step. If the future
    ///   is dropped, all items that were not passed to `each` are still in the queue. The future
    ///   that `each` returned is dropped with it, and owns its batch.
    /// * After `close` it no longer lingers. It returns when the queue is empty.
    /// * It also returns if [the bucket is closed](crate::Bucket::close), at the latest when it
    ///   would have drained. The items stay in the queue.
    /// * Several drivers may run on one queue, so that several batches are under way at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::time::Duration;
    ///     use tollgate::deadline::{DeadlineQueue, Entry};
    ///     use tollgate::wait::TokioTimer;
    ///     use tollgate::{Limit, MultiBucket};
    ///
    ///     let queue = DeadlineQueue::new(MultiBucket::new([Limit::per_second(1000)])?);
    ///     for item in 0..5 {
    ///         queue.push(Entry::new(item, [1]))?;
    ///     }
    ///     queue.close();
    ///     let mut sizes = Vec::new();
    ///     let linger = Duration::from_millis(20);
    ///     queue
    ///         .run(TokioTimer, linger, 2, |batch| {
    ///             sizes.push(batch.admitted.len());
    ///             async move { drop(batch) } // send it
    ///         })
    ///         .await;
    ///     assert_eq!(sizes, [2, 2, 1]);
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))] fn main() {}
    /// ```
    pub async fn run<R: Timer, F: Future<Output = ()>>(
        &self,
        timer: R,
        linger: Duration,
        max: usize,
        mut each: impl FnMut(Drained<T>) -> F,
    ) {
        let mut nap = Nap::new();
        loop {
            // Listens first: what changes after the step wakes it.
            listen!(self.changed => changed);
            listen!(self.bucket.queued.words.limits_changed().event() => limits_changed);
            let now = self.bucket.clock().now();
            match self.step(now, Batching { max, linger }) {
                Step::Ended => return,
                Step::Batch(batch) => each(batch).await,
                Step::Wait(until) => {
                    let sleep = nap_until(&mut nap, now, until).map(|left| timer.sleep(left));
                    if woken(pin!(notified_or(changed, limits_changed)), sleep).await {
                        nap = Nap::new();
                    }
                }
            }
        }
    }

    /// Drains the queue in batches on this thread: see [`run`](Self::run).
    ///
    /// ```
    /// use std::thread;
    /// use std::time::Duration;
    /// use tollgate::deadline::{DeadlineQueue, Entry};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::new([Limit::per_second(1000)])?);
    /// let mut sent = Vec::new();
    /// thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         for item in 0..5 {
    ///             queue.push(Entry::new(item, [1])).expect("it fits, and the queue is open");
    ///         }
    ///         queue.close();
    ///     });
    ///     queue.run_blocking(Duration::from_millis(20), 2, |batch| sent.extend(batch.admitted));
    /// });
    /// assert_eq!(sent, [0, 1, 2, 3, 4]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn run_blocking(&self, linger: Duration, max: usize, mut each: impl FnMut(Drained<T>)) {
        block_on(|timer| {
            self.run(timer, linger, max, |batch| {
                each(batch);
                ready(())
            })
        });
    }
}

impl<T, const N: usize, C: Clock, const S: usize> DeadlineQueue<T, N, C, S> {
    /// Drains a batch if it is worth it, or says when it will be.
    pub(crate) fn step(&self, now: Time, batching: Batching) -> Step<T> {
        // Read first: no item comes after it.
        let closed = self.is_closed();
        if self.is_bucket_closed() {
            return Step::Ended;
        }
        let linger = if closed { Duration::ZERO } else { batching.linger };
        let batching = Batching { max: batching.max.max(1), linger };
        let bucket = self.bucket.at(now);
        let held = self.hold(|waiting| match waiting.due(now, batching, &bucket.snapshot()) {
            None if closed => Step::Ended,
            Some(due) if due <= now => {
                let drained = waiting.drain(now, batching.max, |amounts| bucket.try_take(amounts));
                if drained.is_empty() { Step::Wait(drained.next) } else { Step::Batch(drained) }
            }
            due => Step::Wait(due),
        });
        // The thread that holds the items wakes this one.
        held.map_or(Step::Wait(None), |(step, _)| step)
    }
}

/// Returns how long to sleep; `None` for good.
pub(crate) fn nap_until(nap: &mut Nap, now: Time, until: Option<Time>) -> Option<Duration> {
    until.map(|until| nap.next(now, until).unwrap_or_default())
}

/// Sleeps until the event, or until the sleep ends; returns whether it was the event.
pub(crate) async fn woken(event: impl Future<Output = ()> + Unpin, sleep: Option<impl Future>) -> bool {
    let mut slept = false;
    let sleep = async {
        match sleep {
            Some(sleep) => drop(sleep.await),
            None => pending().await,
        }
        slept = true;
    };
    notified_or(event, sleep).await;
    !slept
}
