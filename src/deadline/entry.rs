//! Owns an item with the amounts that it needs and the times by which it is ordered. It never
//! decides when the item leaves.

use crate::clock::time::Time;

/// An item to push, with the tokens that it needs and its two times.
///
/// Both times are readings of the bucket's clock. Each has its name, so a call cannot swap them.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::Time;
/// use tollgate::deadline::Entry;
///
/// let now = Time::ZERO;
/// let entry = Entry::new("record", [1, 300])
///     .deadline(now.after(Duration::from_millis(100)))
///     .expires(now.after(Duration::from_secs(30)));
/// assert_eq!(entry.deadline, Time::from_nanos(100_000_000));
/// assert_eq!(entry.expires, Time::from_nanos(30_000_000_000));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "an entry does nothing until it is pushed"]
pub struct Entry<T, const N: usize> {
    /// The item.
    pub item: T,
    /// The tokens that the item needs, for each stream of the bucket.
    pub amounts: [u64; N],
    /// The order of the queue: the smallest deadline leaves first.
    pub deadline: Time,
    /// The instant from which the item is no longer admitted.
    pub expires: Time,
}

impl<T, const N: usize> Entry<T, N> {
    /// Makes an entry without a deadline that never expires.
    ///
    /// It leaves after all items with a deadline. Its two times are [`Time::MAX`].
    ///
    /// ```
    /// use tollgate::clock::Time;
    /// use tollgate::deadline::Entry;
    ///
    /// let entry = Entry::new("record", [1]);
    /// assert_eq!((entry.deadline, entry.expires), (Time::MAX, Time::MAX));
    /// ```
    pub const fn new(item: T, amounts: [u64; N]) -> Self {
        Self { item, amounts, deadline: Time::MAX, expires: Time::MAX }
    }

    /// Sets the deadline: an item with a smaller one leaves first.
    ///
    /// It also ends a driver's wait for company. An item whose deadline has passed stays in the
    /// queue.
    pub fn deadline(self, deadline: Time) -> Self {
        Self { deadline, ..self }
    }

    /// Sets the expiry: from this instant on the item leaves as expired, without tokens.
    pub fn expires(self, expires: Time) -> Self {
        Self { expires, ..self }
    }
}
