//! Owns the lease of several streams: what is held here is spent without the bucket; the rest is in
//! `chunk.rs`.

use core::fmt;
use core::time::Duration;

use crate::bucket::multi::SLOTS;
use crate::bucket::multi::{MultiBucket, MultiBucketAt};
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::refused::Refused;
use crate::lease::chunk::Holding;

/// Tokens of `N` streams that were taken from a [`MultiBucket`] in one piece, to be spent one by
/// one: a decision is a comparison and a subtraction for each stream, with neither an atomic nor a
/// clock. See [`MultiBucket::lease`].
///
/// All that is said of [`Lease`](crate::Lease) holds for each stream: how it fetches, what others
/// see of it, the bound, and when not to use one. A request is granted in all streams or refused.
/// Only the streams that are short here are fetched, at one instant, each with a chunk of its own;
/// each expires by itself.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, MultiBucket};
///
/// let bucket = MultiBucket::with_clock([Limit::per_second(1000), Limit::per_second(50_000)], ManualClock::new())?;
/// let mut lease = bucket.lease([64, 4096]);
/// for _ in 0..100 {
///     lease.try_take([1, 50])?;
/// }
/// drop(lease);
/// assert_eq!(bucket.available(), [900, 45_000]);
/// assert!(bucket.snapshot().sequence() < 20); // a tenth of the compare-and-swaps
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Memory ordering
///
/// None: as with the bucket, a grant is only a count.
#[must_use = "a lease that is dropped has given back its tokens"]
pub struct MultiLease<'a, const N: usize, C = DefaultClock, const S: usize = SLOTS> {
    bucket: &'a MultiBucket<N, C, S>,
    holding: Holding<N>,
}

impl<const N: usize, C: Clock, const S: usize> MultiBucket<N, C, S> {
    /// A lease that holds at most these amounts, or the capacity where that is less. It holds none
    /// at first.
    ///
    /// 0 means that every decision on that stream goes to the bucket.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100)], ManualClock::new())?;
    /// let mut lease = bucket.lease([0, 50]);
    /// lease.try_take([1, 20])?;
    /// lease.try_take([1, 20])?;
    /// assert_eq!((lease.held(), bucket.available()), ([0, 20], [8, 40]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lease(&self, most: [u64; N]) -> MultiLease<'_, N, C, S> {
        MultiLease { bucket: self, holding: Holding::new(&self.at(Time::ZERO), most) }
    }
}

impl<const N: usize, C, const S: usize> MultiLease<'_, N, C, S> {
    /// As [`Lease::expire_after`](crate::Lease::expire_after), for each stream by itself: its
    /// tokens expire once so much time has passed since it fetched last.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100)], ManualClock::new())?;
    /// let mut lease = bucket.lease([10, 50]).expire_after(Duration::from_millis(5));
    /// lease.put_back([1, 1]);
    /// assert_eq!(lease.at(Time::from_nanos(5_000_000)).held(), [0, 0]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn expire_after(mut self, after: Duration) -> Self {
        self.holding.expire_after(after);
        self
    }

    /// As [`Lease::held`](crate::Lease::held).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.lease([4, 4]).held(), [0, 0]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn held(&self) -> [u64; N] {
        self.holding.held
    }

    /// As [`Lease::put_back`](crate::Lease::put_back).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// let mut lease = bucket.lease([4, 4]);
    /// lease.try_take([7, 2])?;
    /// lease.put_back([7, 2]);
    /// assert_eq!((lease.held(), bucket.available()), ([4, 2], [6, 3]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_back(&mut self, amounts: [u64; N]) {
        self.holding.put_back(&self.bucket.at(self.holding.last()), self.holding.last(), &amounts);
    }

    /// As [`Lease::give_back`](crate::Lease::give_back).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// let mut lease = bucket.lease([4, 4]);
    /// lease.try_take([1, 1])?;
    /// lease.try_take([1, 1])?;
    /// assert_eq!((lease.held(), bucket.available()), ([1, 1], [7, 2]));
    /// lease.give_back();
    /// assert_eq!((lease.held(), bucket.available()), ([0, 0], [8, 3]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn give_back(&mut self) {
        self.holding.give_back(&self.bucket.at(self.holding.last()), self.holding.last());
    }

    /// As [`Lease::at`](crate::Lease::at).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10).empty(), Limit::per_second(5)], ManualClock::new())?;
    /// assert!(bucket.lease([4, 4]).at(Time::from_nanos(300_000_000)).try_take([3, 3]).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn at(&mut self, now: Time) -> MultiLeaseAt<'_, N, S> {
        let bucket = self.bucket.at(now);
        self.holding.expire(&bucket, now);
        MultiLeaseAt { bucket, holding: &mut self.holding, now }
    }
}

impl<const N: usize, C: Clock, const S: usize> MultiLease<'_, N, C, S> {
    /// As [`Lease::try_take`](crate::Lease::try_take), from all streams or from none.
    ///
    /// # Errors
    ///
    /// As [`Lease::try_take`](crate::Lease::try_take).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// let mut lease = bucket.lease([4, 4]);
    /// assert!(lease.try_take([6, 5]).is_ok());
    /// assert_eq!(lease.try_take([1, 1]).unwrap_err().stream(), 1);
    /// assert_eq!(bucket.available(), [4, 0]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take(&mut self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        if self.holding.spend(&amounts) { Ok(()) } else { self.fetch(amounts) }
    }

    #[cold]
    #[inline(never)]
    fn fetch(&mut self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.at(self.bucket.clock().now()).try_take(amounts)
    }

    /// Takes as many whole items as there are, here and in the bucket, each of these amounts, but
    /// no more than `max`, and says how many.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(1000)], ManualClock::new())?;
    /// let mut lease = bucket.lease([4, 400]);
    /// assert_eq!(lease.take_items(20, [1, 300]), 3);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn take_items(&mut self, max: u64, per_item: [u64; N]) -> u64 {
        if self.holding.spend_items(&per_item, max) { max } else { self.fetch_up_to(max, per_item) }
    }

    #[cold]
    #[inline(never)]
    fn fetch_up_to(&mut self, max: u64, per_item: [u64; N]) -> u64 {
        self.at(self.bucket.clock().now()).take_items(max, per_item)
    }
}

impl<const N: usize, C, const S: usize> Drop for MultiLease<'_, N, C, S> {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<const N: usize, C, const S: usize> fmt::Debug for MultiLease<'_, N, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holding { held, most, .. } = &self.holding;
        f.debug_struct("MultiLease").field("held", held).field("most", most).finish_non_exhaustive()
    }
}

/// A [`MultiLease`] at one instant: the same verbs, at a time that the caller supplied. See
/// [`MultiLease::at`].
///
/// ```
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::{Limit, MultiBucket};
///
/// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
/// let mut lease = bucket.lease([4, 4]);
/// assert_eq!(lease.at(Time::from_nanos(5)).take_items(7, [1, 1]), 5);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub struct MultiLeaseAt<'l, const N: usize, const S: usize = SLOTS> {
    bucket: MultiBucketAt<'l, N, S>,
    holding: &'l mut Holding<N>,
    now: Time,
}

impl<const N: usize, const S: usize> MultiLeaseAt<'_, N, S> {
    /// As [`MultiLease::try_take`].
    ///
    /// # Errors
    ///
    /// As [`MultiLease::try_take`].
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert!(bucket.lease([4, 4]).at(Time::ZERO).try_take([10, 5]).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take(self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        if self.holding.spend(&amounts) {
            return Ok(());
        }
        self.holding.fetch(&self.bucket, self.now, &amounts, 1).map(|_| ())
    }

    /// As [`MultiLease::take_up_to`].
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.lease([4, 4]).at(Time::ZERO).take_items(9, [3, 0]), 3);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn take_items(self, max: u64, per_item: [u64; N]) -> u64 {
        if self.holding.spend_items(&per_item, max) {
            return max;
        }
        self.holding.fetch(&self.bucket, self.now, &per_item, max).unwrap_or(0)
    }

    /// As [`MultiLease::put_back`].
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// let mut lease = bucket.lease([4, 4]);
    /// lease.at(Time::ZERO).put_back([1, 2]);
    /// assert_eq!(lease.held(), [1, 2]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn put_back(self, amounts: [u64; N]) {
        self.holding.put_back(&self.bucket, self.now, &amounts);
    }

    /// As [`MultiLease::give_back`].
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// let mut lease = bucket.lease([4, 4]);
    /// lease.put_back([1, 2]);
    /// lease.at(Time::ZERO).give_back();
    /// assert_eq!(lease.held(), [0, 0]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn give_back(self) {
        self.holding.give_back(&self.bucket, self.now);
    }

    /// As [`MultiLease::held`]; nothing of it has expired.
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// let mut lease = bucket.lease([4, 4]);
    /// lease.put_back([1, 2]);
    /// assert_eq!(lease.at(Time::from_nanos(7)).held(), [1, 2]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn held(&self) -> [u64; N] {
        self.holding.held
    }
}

impl<const N: usize, const S: usize> fmt::Debug for MultiLeaseAt<'_, N, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiLeaseAt").field("now", &self.now).field("held", &self.held()).finish_non_exhaustive()
    }
}
