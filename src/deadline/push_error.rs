//! Owns the error of a push. It never drops the item.

use core::convert::Infallible;
use core::error::Error;
use core::fmt;

use crate::decision::refused::Never;

/// An item that was not queued, and why.
///
/// `E` is the error of the function that makes a shard's bucket. One queue makes none, so its `E`
/// is [`Infallible`].
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::deadline::{DeadlineQueue, Entry, PushRefusal};
/// use tollgate::{Limit, MultiBucket, Never};
///
/// let queue = DeadlineQueue::new(MultiBucket::with_clock(
///     [Limit::per_second(10)],
///     ManualClock::new(),
/// )?);
/// let refused = queue.push(Entry::new("item", [11])).unwrap_err();
/// assert_eq!(refused.item, "item");
/// let never = Never { stream: 0, requested: 11, capacity: 10 };
/// assert_eq!(refused.reason, PushRefusal::Never(never));
/// assert_eq!(
///     refused.to_string(),
///     "not queued: 11 tokens requested of stream 0, where 10 is the most"
/// );
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PushError<T, E = Infallible> {
    /// The item.
    pub item: T,
    /// Why it was not queued.
    pub reason: PushRefusal<E>,
}

/// Why a push was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PushRefusal<E = Infallible> {
    /// The item needs more than the capacity.
    Never(Never),
    /// The queue is closed.
    Closed,
    /// No bucket could be made for the key.
    NoBucket(E),
}

/// Omits the item, so that any item's error works with `?` and `unwrap`.
impl<T, E: fmt::Debug> fmt::Debug for PushError<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushError").field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl<T, E: fmt::Display> fmt::Display for PushError<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not queued: {}", self.reason)
    }
}

impl<E: fmt::Display> fmt::Display for PushRefusal<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never(never) => never.fmt(f),
            Self::Closed => f.write_str("the queue is closed"),
            Self::NoBucket(error) => write!(f, "no bucket for the key: {error}"),
        }
    }
}

impl<T, E: Error> Error for PushError<T, E> {}

impl<E: Error> Error for PushRefusal<E> {}
