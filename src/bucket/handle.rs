//! Owns a slot that is checked out for good, and with it the shortest path to a take.

use core::fmt;
use core::time::Duration;

use crate::bucket::multi::SLOTS;
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::refused::{Never, Refused};
use crate::state::multi::Versions;
use crate::state::snapshot::Snapshot;

/// A [`MultiBucket`](crate::MultiBucket) with a slot of the caller's own: the same verbs, without
/// the search for a free slot.
///
/// One for each producer; a call needs it exclusively. It is given back on drop. See
/// [`MultiBucket::handle`](crate::MultiBucket::handle).
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, MultiBucket};
///
/// let bucket = MultiBucket::with_clock([Limit::per_second(1000), Limit::per_second(4000)], ManualClock::new())?;
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| {
///             let mut handle = bucket.handle().expect("far fewer than 4094 handles");
///             for _ in 0..100 {
///                 handle.try_take([1, 10]).expect("400 fit");
///             }
///         });
///     }
/// });
/// assert_eq!(bucket.available(), [600, 0]);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[must_use]
pub struct Handle<'a, const N: usize, C = DefaultClock, const S: usize = SLOTS> {
    bucket: &'a Versions<N, S>,
    clock: &'a C,
    /// Always a slot that this handle owns: the one checked out, or the one that was current before
    /// its last publication.
    spare: Option<usize>,
}

impl<'a, const N: usize, C: Clock, const S: usize> Handle<'a, N, C, S> {
    pub(crate) fn new(bucket: &'a Versions<N, S>, clock: &'a C) -> Result<Self, HandlesExhausted> {
        let spare = Some(bucket.claim().ok_or(HandlesExhausted(()))?);
        let handle = Self { bucket, clock, spare };
        // A second slot must be there at the same time, so that at least one is left for callers
        // without a handle.
        bucket.retire(Some(bucket.claim().ok_or(HandlesExhausted(()))?));
        Ok(handle)
    }

    /// The clock that the handle reads: the bucket's.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Clock, Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// let mut handle = bucket.handle()?;
    /// let now = handle.clock().now();
    /// assert!(handle.at(now).try_take([10]).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clock(&self) -> &'a C {
        self.clock
    }

    /// The handle at a time that the caller supplies, a reading of the bucket's clock or of one
    /// with the same origin.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10).empty()], ManualClock::new())?;
    /// let mut handle = bucket.handle()?;
    /// assert!(handle.at(Time::from_nanos(300_000_000)).try_take([3]).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn at(&mut self, now: Time) -> HandleAt<'_, N, S> {
        HandleAt { bucket: self.bucket, spare: &mut self.spare, now }
    }

    #[inline]
    fn now(&mut self) -> HandleAt<'_, N, S> {
        self.at(self.clock.now())
    }

    /// As [`MultiBucket::try_take`](crate::MultiBucket::try_take).
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::try_take`](crate::MultiBucket::try_take).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// let mut handle = bucket.handle()?;
    /// assert!(handle.try_take([6, 5]).is_ok());
    /// assert!(handle.try_take([6, 0]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_take(&mut self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.now().try_take(amounts)
    }

    /// As [`MultiBucket::take_up_to`](crate::MultiBucket::take_up_to).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.handle()?.take_items(9, [1, 2]), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn take_items(&mut self, max: u64, per_item: [u64; N]) -> u64 {
        self.now().take_items(max, per_item)
    }

    /// As [`MultiBucket::take_in_order`](crate::MultiBucket::take_in_order).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.handle()?.take_in_order(&[[1, 4], [1, 2], [1, 1]]), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn take_in_order(&mut self, requests: &[[u64; N]]) -> usize {
        self.now().take_in_order(requests)
    }

    /// As [`MultiBucket::put_back`](crate::MultiBucket::put_back).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// let mut handle = bucket.handle()?;
    /// handle.try_take([6, 5])?;
    /// handle.put_back([1, 1]);
    /// assert_eq!(handle.available(), [5, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn put_back(&mut self, amounts: [u64; N]) {
        self.now().put_back(amounts);
    }

    /// As [`MultiBucket::charge`](crate::MultiBucket::charge).
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::charge`](crate::MultiBucket::charge).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.handle()?.charge([10, 7])?;
    /// assert_eq!(bucket.available(), [0, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn charge(&mut self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.now().charge(amounts)
    }

    /// As [`MultiBucket::reset`](crate::MultiBucket::reset).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.handle()?.reset([4, 0]);
    /// assert_eq!(bucket.available(), [4, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(&mut self, tokens: [u64; N]) {
        self.now().reset(tokens);
    }

    /// As [`MultiBucket::available`](crate::MultiBucket::available).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.handle()?.available(), [10, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn available(&self) -> [u64; N] {
        self.snapshot().available()
    }

    /// As [`MultiBucket::wait_for`](crate::MultiBucket::wait_for).
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::wait_for`](crate::MultiBucket::wait_for).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.handle()?.wait_for([1, 1])?, Duration::ZERO);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(&self, amounts: [u64; N]) -> Result<Duration, Never> {
        self.snapshot().wait_for(amounts)
    }

    /// As [`MultiBucket::snapshot`](crate::MultiBucket::snapshot).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.handle()?.snapshot().available(), [10, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snapshot(&self) -> Snapshot<N> {
        self.bucket.snapshot(self.clock.now())
    }
}

impl<const N: usize, C, const S: usize> Drop for Handle<'_, N, C, S> {
    fn drop(&mut self) {
        self.bucket.retire(self.spare);
    }
}

impl<const N: usize, C: Clock, const S: usize> fmt::Debug for Handle<'_, N, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("available", &self.available()).finish_non_exhaustive()
    }
}

/// A [`Handle`] at one instant: the same verbs, at a time that the caller supplied. See
/// [`Handle::at`].
///
/// ```
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::{Limit, MultiBucket};
///
/// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
/// let mut handle = bucket.handle()?;
/// assert_eq!(handle.at(Time::from_nanos(5)).take_items(7, [1, 1]), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct HandleAt<'h, const N: usize, const S: usize = SLOTS> {
    bucket: &'h Versions<N, S>,
    spare: &'h mut Option<usize>,
    now: Time,
}

impl<const N: usize, const S: usize> HandleAt<'_, N, S> {
    /// As [`MultiBucket::try_take`](crate::MultiBucket::try_take).
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::try_take`](crate::MultiBucket::try_take).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert!(bucket.handle()?.at(Time::ZERO).try_take([10, 5]).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn try_take(self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.bucket.try_take(self.spare, self.now, amounts)
    }

    /// As [`MultiBucket::take_up_to`](crate::MultiBucket::take_up_to).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.handle()?.at(Time::ZERO).take_items(9, [3, 0]), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn take_items(self, max: u64, per_item: [u64; N]) -> u64 {
        self.bucket.take_up_to(self.spare, self.now, max, per_item)
    }

    /// As [`MultiBucket::take_in_order`](crate::MultiBucket::take_in_order).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.handle()?.at(Time::ZERO).take_in_order(&[[9, 0], [0, 5], [2, 0]]), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_in_order(self, requests: &[[u64; N]]) -> usize {
        self.bucket.take_in_order(self.spare, self.now, requests)
    }

    /// As [`MultiBucket::put_back`](crate::MultiBucket::put_back).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.try_take([10, 5])?;
    /// bucket.handle()?.at(Time::ZERO).put_back([2, 2]);
    /// assert_eq!(bucket.available(), [2, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn put_back(self, amounts: [u64; N]) {
        self.bucket.put_back(self.spare, self.now, amounts);
    }

    /// As [`MultiBucket::charge`](crate::MultiBucket::charge).
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::charge`](crate::MultiBucket::charge).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.handle()?.at(Time::ZERO).charge([10, 7])?;
    /// assert_eq!(bucket.available(), [0, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn charge(self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.bucket.charge(self.spare, self.now, amounts)
    }

    /// As [`MultiBucket::reset`](crate::MultiBucket::reset).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.handle()?.at(Time::ZERO).reset([4, 0]);
    /// assert_eq!(bucket.available(), [4, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(self, tokens: [u64; N]) {
        self.bucket.reset(self.spare, self.now, tokens);
    }

    /// As [`MultiBucket::available`](crate::MultiBucket::available).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.handle()?.at(Time::ZERO).available(), [10, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn available(&self) -> [u64; N] {
        self.snapshot().available()
    }

    /// As [`MultiBucket::wait_for`](crate::MultiBucket::wait_for).
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::wait_for`](crate::MultiBucket::wait_for).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.handle()?.at(Time::ZERO).wait_for([10, 5])?, Duration::ZERO);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(&self, amounts: [u64; N]) -> Result<Duration, Never> {
        self.snapshot().wait_for(amounts)
    }

    /// As [`MultiBucket::snapshot`](crate::MultiBucket::snapshot).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, MultiBucket};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.handle()?.at(Time::ZERO).snapshot().available(), [10, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snapshot(&self) -> Snapshot<N> {
        self.bucket.snapshot(self.now)
    }
}

impl<const N: usize, const S: usize> fmt::Debug for HandleAt<'_, N, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleAt").field("now", &self.now).finish_non_exhaustive()
    }
}

/// There are too few slots left for another handle: at most 4094 handles with the feature `alloc`,
/// and without it two fewer than the bucket has slots.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, MultiBucket};
///
/// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
/// let mut handles = Vec::new();
/// let error = loop {
///     match bucket.handle() {
///         Ok(handle) => handles.push(handle),
///         Err(error) => break error,
///     }
/// };
/// assert_eq!(handles.len(), 4094);
/// assert!(bucket.try_take([1]).is_ok());
/// assert_eq!(error.to_string(), "no slot left for another handle of this bucket");
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HandlesExhausted(());

impl fmt::Display for HandlesExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no slot left for another handle of this bucket")
    }
}

impl core::error::Error for HandlesExhausted {}
