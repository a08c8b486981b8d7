//! Owns the answer of a drain. It never decides which item leaves.

use core::fmt;
use std::vec::Vec;

use crate::clock::time::Time;
use crate::decision::refused::Never;

/// The items that left a [`DeadlineQueue`](crate::deadline::DeadlineQueue), and when to drain
/// again.
///
/// ```
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::deadline::DeadlineQueue;
/// use tollgate::{Limit, MultiBucket};
///
/// let queue = DeadlineQueue::new(MultiBucket::with_clock(
///     [Limit::per_second(10).capacity(1)],
///     ManualClock::new(),
/// )?);
/// queue.push("first", [1], Time::ZERO, Time::MAX)?;
/// queue.push("second", [1], Time::ZERO, Time::MAX)?;
/// let drained = queue.drain().expect("nobody else drains");
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
    /// earlier.
    ///
    /// It is the instant of the drain itself if items came while the drain ran: drain again
    /// immediately.
    pub next: Option<Time>,
}

impl<T> Drained<T> {
    pub(crate) const fn nothing() -> Self {
        Self { expired: Vec::new(), admitted: Vec::new(), never: Vec::new(), next: None }
    }

    /// Returns whether no item left.
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
    /// assert!(!queue.drain().unwrap().is_empty());
    /// assert!(queue.drain().unwrap().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.expired.is_empty() && self.admitted.is_empty() && self.never.is_empty()
    }
}

/// An item that was given back because it needs more than the capacity.
///
/// ```
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::deadline::DeadlineQueue;
/// use tollgate::{Limit, MultiBucket, Never};
///
/// let queue = DeadlineQueue::new(MultiBucket::with_clock(
///     [Limit::per_second(10)],
///     ManualClock::new(),
/// )?);
/// let refused = queue.push("item", [11], Time::ZERO, Time::MAX).unwrap_err();
/// assert_eq!(refused.item, "item");
/// assert_eq!(refused.never, Never { stream: 0, requested: 11, capacity: 10 });
/// assert_eq!(
///     refused.to_string(),
///     "never to be admitted: 11 tokens requested of stream 0, which holds at most 10"
/// );
/// # Ok::<(), tollgate::limit::LimitError>(())
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
