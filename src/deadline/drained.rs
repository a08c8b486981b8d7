//! Owns the answers of drains. It never decides which item leaves.

use core::fmt;
use std::vec::Vec;

use crate::clock::time::Time;
use crate::decision::refused::Never;

/// The items that left a [`DeadlineQueue`](crate::deadline::DeadlineQueue), and when to drain
/// again.
///
/// ```
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::deadline::{DeadlineQueue, Entry};
/// use tollgate::{Limit, MultiBucket};
///
/// let queue = DeadlineQueue::new(MultiBucket::with_clock(
///     [Limit::per_second(10).capacity(1)],
///     ManualClock::new(),
/// )?);
/// queue.push(Entry::new("first", [1]))?;
/// queue.push(Entry::new("second", [1]))?;
/// let drained = queue.drain(100).expect("nobody else drains");
/// assert_eq!(drained.admitted, ["first"]);
/// assert_eq!(drained.next, Some(Time::from_nanos(100_000_000)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "items that left the queue are in here and nowhere else"]
pub struct Drained<T> {
    /// Expired items, the earliest expiry first. They cost no tokens.
    pub expired: Vec<T>,
    /// Admitted items, the smallest deadline first. Their tokens are debited.
    pub admitted: Vec<T>,
    /// Items that can never be admitted.
    pub never: Vec<Oversized<T>>,
    /// When to drain again, a reading of the bucket's clock. `None` if no item waits.
    ///
    /// It is the instant at which the bucket can grant the next item, or the next expiry if that is
    /// earlier. If the limits change, ask [`next`](crate::deadline::DeadlineQueue::next) again.
    ///
    /// It is the instant of the drain itself if the drain stopped at its maximum, or if items came
    /// while it ran: drain again immediately. If the bucket is closed, or nobody knows when it
    /// can grant, only an expiry counts.
    pub next: Option<Time>,
}

impl<T> Drained<T> {
    pub(crate) const fn nothing() -> Self {
        Self { expired: Vec::new(), admitted: Vec::new(), never: Vec::new(), next: None }
    }

    /// Counts the items that left.
    pub(crate) fn count(&self) -> usize {
        self.expired.len() + self.admitted.len() + self.never.len()
    }

    /// Returns whether no item left.
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
    /// assert!(!queue.drain(100).unwrap().is_empty());
    /// assert!(queue.drain(100).unwrap().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }
}

/// The items that left a [`ShardedDeadlineQueue`](crate::deadline::ShardedDeadlineQueue), and when
/// to drain again.
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
/// let drained = shards.drain_all(100);
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

/// An item that a drain gives back because it needs more than the capacity.
///
/// This happens if the capacity was lowered after the push.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::deadline::{DeadlineQueue, Entry};
/// use tollgate::{Limit, MultiBucket, Never};
///
/// let queue = DeadlineQueue::new(MultiBucket::with_clock(
///     [Limit::per_second(10)],
///     ManualClock::new(),
/// )?);
/// queue.push(Entry::new("item", [10]))?;
/// queue.bucket().set_limits([Limit::per_second(5)])?;
/// let drained = queue.drain(100).expect("nobody else drains");
/// assert_eq!(drained.never[0].item, "item");
/// assert_eq!(drained.never[0].never, Never { stream: 0, requested: 10, capacity: 5 });
/// assert_eq!(
///     drained.never[0].to_string(),
///     "never to be admitted: 10 tokens requested of stream 0, where 5 is the most"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Oversized<T> {
    /// The item.
    pub item: T,
    /// Why it can never be admitted.
    pub never: Never,
}

/// Omits the item, so that any item's error works with `?` and `unwrap`.
impl<T> fmt::Debug for Oversized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oversized").field("never", &self.never).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Oversized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "never to be admitted: {}", self.never)
    }
}

impl<T> core::error::Error for Oversized<T> {}
