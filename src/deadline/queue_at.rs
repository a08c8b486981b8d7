//! Owns the verbs of a deadline queue that decide at one time, which the clock or the caller
//! supplies. It never waits.

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::deadline::drained::Drained;
use crate::deadline::entry::Entry;
use crate::deadline::push_error::PushError;
use crate::deadline::queue::DeadlineQueue;
use crate::state::at::At;

/// The verbs of a [`DeadlineQueue`] at a time that the caller supplies.
impl<T, const N: usize, C: Clock, const S: usize> At<&DeadlineQueue<T, N, C, S>, N> {
    /// Adds an item at this time: [`DeadlineQueue::push`].
    ///
    /// # Errors
    ///
    /// As [`DeadlineQueue::push`].
    pub fn push(self, entry: Entry<T, N>) -> Result<(), PushError<T>> {
        self.of.push_at(self.now, entry)
    }

    /// Returns the items that leave at this time: [`DeadlineQueue::drain`].
    pub fn drain(self, max: usize) -> Option<Drained<T>> {
        let bucket = self.of.bucket.at(self.now);
        self.of.let_go(self.now, |waiting| waiting.drain(self.now, max, |amounts| bucket.try_take(amounts)))
    }

    /// Admits all items at this time: [`DeadlineQueue::flush`].
    pub fn flush(self) -> Option<Drained<T>> {
        let bucket = self.of.bucket.at(self.now);
        self.of.let_go(self.now, |waiting| waiting.drain(self.now, usize::MAX, |amounts| bucket.charge(amounts)))
    }

    /// Admits all items without tokens: [`DeadlineQueue::flush_uncharged`].
    pub fn flush_uncharged(self) -> Option<Drained<T>> {
        self.of.let_go(self.now, |waiting| waiting.drain(self.now, usize::MAX, |_| Ok(())))
    }

    /// Returns when to drain, seen from this time: [`DeadlineQueue::next`].
    pub fn next(self) -> Option<Time> {
        self.of.next_at(self.now)
    }
}

impl<T, const N: usize, C: Clock, const S: usize> DeadlineQueue<T, N, C, S> {
    /// Returns the expired items and those that the bucket grants, `max` items at the most.
    ///
    /// It admits from the smallest deadline on, up to the first item that the bucket refuses. That
    /// item and all later ones stay in the queue. If it stops at `max`, its
    /// [`next`](Drained::next) is its own instant.
    ///
    /// It returns `None` immediately if another thread drains or flushes.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::deadline::{DeadlineQueue, Entry};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10)];
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(limits, ManualClock::new())?);
    /// queue.push(Entry::new("large", [9]).deadline(Time::from_nanos(1)))?;
    /// queue.push(Entry::new("larger", [10]).deadline(Time::from_nanos(2)))?;
    /// queue.push(Entry::new("small", [1]).deadline(Time::from_nanos(3)))?;
    /// let drained = queue.drain(100).expect("nobody else drains");
    /// assert_eq!(drained.admitted, ["large"]); // the small one would fit, but it is not its turn
    /// assert_eq!(drained.next, Some(Time::from_nanos(900_000_000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&self, max: usize) -> Option<Drained<T>> {
        self.at(self.bucket.clock().now()).drain(max)
    }

    /// Returns the expired items, then admits all others by deadline.
    ///
    /// If tokens are short, the bucket goes into debt. The refill pays the debt off before any
    /// other item is admitted. It returns `None` immediately, with nothing done, if another thread
    /// drains or flushes.
    ///
    /// It holds back only what the bucket cannot [`charge`](crate::MultiBucket::charge), since the
    /// bound could not count it. An amount of 2^62 units or more is given back as one that can
    /// never fit. If the debt itself would grow that far, the remaining items stay in the queue.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::deadline::{DeadlineQueue, Entry};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let queue = DeadlineQueue::new(MultiBucket::with_clock(
    ///     [Limit::per_second(10)],
    ///     ManualClock::new(),
    /// )?);
    /// queue.push(Entry::new("first", [10]))?;
    /// queue.push(Entry::new("second", [5]))?;
    /// assert_eq!(queue.flush().unwrap().admitted, ["first", "second"]);
    /// assert_eq!(queue.bucket().wait_for([1])?, Some(Duration::from_millis(600))); // 5 are owed
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush(&self) -> Option<Drained<T>> {
        self.at(self.bucket.clock().now()).flush()
    }

    /// Flushes without taking tokens: see [`flush`](Self::flush).
    ///
    /// [The bound](crate#the-bound) does not count the items that this admits. Use it for another
    /// sink than the limited one, for example a file at shutdown.
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
    /// queue.push(Entry::new("first", [10]))?;
    /// queue.push(Entry::new("second", [5]))?;
    /// assert_eq!(queue.flush_uncharged().unwrap().admitted, ["first", "second"]);
    /// assert_eq!(queue.bucket().available(), [10]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_uncharged(&self) -> Option<Drained<T>> {
        self.at(self.bucket.clock().now()).flush_uncharged()
    }

    /// Returns when to drain next, a reading of the bucket's clock. `None` if no item waits.
    ///
    /// It is the instant at which the bucket can grant the first item, or the next expiry if that
    /// is earlier. It follows every push, take, pause and change of limits. The present instant
    /// means: drain now. While another thread drains, it is the present instant, too.
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
    /// assert_eq!(queue.next(), None);
    /// queue.push(Entry::new("item", [10]))?;
    /// assert_eq!(queue.next(), Some(Time::ZERO));
    /// queue.bucket().try_take([1])?;
    /// assert_eq!(queue.next(), Some(Time::from_nanos(100_000_000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next(&self) -> Option<Time> {
        self.at(self.bucket.clock().now()).next()
    }
}
