//! Owns the lease: tokens that one thread spends without the bucket. Never fetches by itself; what
//! it fetches is decided in `chunk.rs`.

use core::fmt;
use core::ops::Deref;
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::refused::Refused;
use crate::lease::chunk::Chunk;
use crate::limit::amounts::Amounts;
use crate::state::at::At;
use crate::state::store::Stored;

/// What the verbs of the bucket that `B` points to take and say.
type AmountsOf<B, const N: usize> = <<B as Deref>::Target as Stored<N>>::Amounts;

/// Tokens taken from a bucket in one piece, which one thread spends one by one.
///
/// A decision is a comparison and a subtraction for each stream, with neither an atomic nor a
/// clock. `lease` on a bucket makes one. Use it in a thread that decides so often that a
/// compare-and-swap and a clock reading matter. A lease belongs to one thread at a time.
///
/// `B` points to the bucket: a reference, or an `Arc` for `lease_owned`, whose lease borrows
/// nothing.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, TokenBucket};
///
/// let bucket = TokenBucket::with_clock(Limit::per_second(1000), ManualClock::new())?;
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| {
///             let mut lease = bucket.lease(64);
///             for _ in 0..150 {
///                 lease.try_take(1).expect("600 fit, and what three others may hold");
///             }
///         });
///     }
/// });
/// assert_eq!(bucket.available(), 400); // unused tokens are back
///     
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
///
/// # How it fetches
///
/// A lease that holds too little reads the clock once and goes to the bucket. In one step it
/// fetches what the request lacks, and more, up to a chunk, as far as the bucket has it.
///
/// The first chunk is what the request lacks. The next is twice the last fetch, if that was used up
/// in less than half its [expiry](Self::expire_after), and otherwise half of it. A chunk is never
/// more than the lease may hold. So an idle holder keeps little.
///
/// A refused request debits nothing: a lease never saves up at the cost of others. The refusal says
/// how long the bucket takes to refill what the lease lacks. A lease of several streams fetches
/// only for the streams that are short, at one instant, each with a chunk of its own.
///
/// # What others see of it
///
/// The tokens of a lease have left the bucket. Nobody else gets them until they are used, expire or
/// come back. They come back when the lease is dropped.
///
/// Tokens expire when their stream has fetched none for [`expire_after`](Self::expire_after). The
/// lease notices when it fetches next, and in [`at`](Self::at). Only its holder ever gives tokens
/// back. A holder that stops keeps its tokens. A leaked lease ([`core::mem::forget`]) loses them,
/// once, and nothing else.
///
/// # The bound
///
/// In every window of length `w`, for all takers and leases together:
///
/// ```text
/// used <= C + r * (w + e) + P + tokens on lease when the window began
/// ```
///
/// Tokens are debited before they are used. So what is used in the window was debited in it, within
/// [the bound of the bucket](crate#the-bound), or was on lease when it began. `P` is what callers
/// put back, to the bucket or to a lease. What a lease gives back unused does not count. This
/// covers a holder that stops for an hour and then spends all it holds.
///
/// # When not to use one
///
/// A bucket costs nothing noticeable beside a system call. Where tokens are few and holders many,
/// leases keep tokens from each other until they expire. Where a strict window matters more than a
/// few nanoseconds, use no lease.
///
/// # Memory ordering
///
/// None: a grant is only a count, as with the bucket.
#[must_use = "a lease that is dropped has given back its tokens"]
pub struct Lease<B: Deref<Target: Stored<N>>, const N: usize = 1> {
    bucket: B,
    chunk: Chunk<N>,
}

impl<B: Deref<Target: Stored<N>>, const N: usize> Lease<B, N> {
    pub(crate) fn new(bucket: B, most: AmountsOf<B, N>) -> Self {
        let chunk = Chunk::new(bucket.store(), most.to_array());
        Self { bucket, chunk }
    }

    /// Sets how long unused tokens are kept. Default: 100 ms.
    ///
    /// They expire when so much time has passed since the last fetch, for each stream by itself.
    /// With [`Duration::ZERO`] they expire at once; [`Duration::MAX`] keeps them.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket =
    ///     TokenBucket::with_clock(Limit::per_second(0).capacity(100), ManualClock::new())?;
    /// let mut lease = bucket.lease(10).expire_after(Duration::from_millis(5));
    /// assert_eq!((lease.take_up_to(1), lease.take_up_to(1), lease.held()), (1, 1, 1));
    /// assert_eq!(lease.at(Time::from_nanos(4_999_999)).held(), 1);
    /// assert_eq!(lease.at(Time::from_nanos(5_000_000)).held(), 0);
    /// assert_eq!(bucket.available(), 98);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn expire_after(mut self, after: Duration) -> Self {
        self.chunk.expire_after(after);
        self
    }

    /// Returns the tokens that the lease holds, expired ones included.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100)], ManualClock::new())?;
    /// let mut lease = bucket.lease([0, 50]); // 0: each decision on that stream is the bucket's
    /// lease.try_take([1, 20])?;
    /// lease.try_take([1, 20])?;
    /// assert_eq!((lease.held(), bucket.available()), ([0, 20], [8, 40]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn held(&self) -> AmountsOf<B, N> {
        Amounts::from_array(self.chunk.held)
    }

    /// Takes these amounts now, from the lease and the bucket together, or nothing.
    ///
    /// # Errors
    ///
    /// As the bucket's `try_take`. A refused call debits nothing. The lease keeps what it holds,
    /// except expired tokens, which go back first.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// let mut lease = bucket.lease(5);
    /// lease.try_take(8)?;
    /// let refused = lease.try_take(3).unwrap_err();
    /// assert_eq!(refused.wait(), Some(Duration::from_millis(100)));
    /// assert_eq!((lease.held(), bucket.available()), (0, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_take(&mut self, amounts: AmountsOf<B, N>) -> Result<(), Refused<N>> {
        if self.chunk.spend(&amounts.to_array()) { Ok(()) } else { self.fetch(amounts) }
    }

    #[cold]
    #[inline(never)]
    fn fetch(&mut self, amounts: AmountsOf<B, N>) -> Result<(), Refused<N>> {
        let now = self.bucket.now();
        self.at(now).try_take(amounts)
    }

    /// Takes as many whole items as the lease and the bucket have, `max` at the most.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock(
    ///     [Limit::per_second(10), Limit::per_second(1000)],
    ///     ManualClock::new(),
    /// )?;
    /// let mut lease = bucket.lease([4, 400]);
    /// assert_eq!(lease.take_items(20, [1, 300]), 3);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn take_items(&mut self, max: u64, per_item: AmountsOf<B, N>) -> u64 {
        if self.chunk.spend_items(&per_item.to_array(), max) { max } else { self.fetch_items(max, per_item) }
    }

    #[cold]
    #[inline(never)]
    fn fetch_items(&mut self, max: u64, per_item: AmountsOf<B, N>) -> u64 {
        let now = self.bucket.now();
        self.at(now).take_items(max, per_item)
    }

    /// Gives back tokens that were taken and not used. Reads no clock, unless somebody waits.
    ///
    /// They go to the lease, and what it may not hold goes to the bucket.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(100), ManualClock::new())?;
    /// let mut lease = bucket.lease(10);
    /// lease.try_take(30)?;
    /// lease.put_back(30);
    /// assert_eq!((lease.held(), bucket.available()), (10, 90));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_back(&mut self, amounts: AmountsOf<B, N>) {
        let (last, clock) = (self.chunk.last(), || self.bucket.now());
        self.chunk.put_back(self.bucket.store(), last, clock, &amounts.to_array());
    }

    /// Gives all held tokens back to the bucket, as on drop. Reads no clock, unless somebody waits.
    ///
    /// The lease goes on with the smallest chunk.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(100), ManualClock::new())?;
    /// let mut lease = bucket.lease(10);
    /// lease.put_back(7);
    /// bucket.try_take(50)?;
    /// lease.give_back();
    /// assert_eq!((lease.held(), bucket.available()), (0, 57));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn give_back(&mut self) {
        let (last, clock) = (self.chunk.last(), || self.bucket.now());
        self.chunk.give_back(self.bucket.store(), last, clock);
    }

    /// Views the lease at a time that the caller supplies. Expired tokens go back first.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket =
    ///     TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// let mut lease = bucket.lease(10);
    /// assert!(lease.at(Time::from_nanos(300_000_000)).try_take(3).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn at(&mut self, now: Time) -> At<&mut Self, N> {
        self.chunk.expire(self.bucket.store(), now);
        At { of: self, now }
    }
}

impl<B: Deref<Target: Stored<1, Amounts = u64>>> Lease<B> {
    /// Takes the tokens that the lease and the bucket have, `max` at the most.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// let mut lease = bucket.lease(5);
    /// assert_eq!([7, 7, 7].map(|max| lease.take_up_to(max)), [7, 3, 0]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to(&mut self, max: u64) -> u64 {
        self.take_items(max, 1)
    }
}

/// The verbs of a [`Lease`] at a time that the caller supplies.
impl<B: Deref<Target: Stored<N>>, const N: usize> At<&mut Lease<B, N>, N> {
    /// Takes these amounts, or nothing: [`Lease::try_take`].
    ///
    /// # Errors
    ///
    /// As [`Lease::try_take`].
    #[inline]
    pub fn try_take(self, amounts: AmountsOf<B, N>) -> Result<(), Refused<N>> {
        let Lease { bucket, chunk } = self.of;
        let amounts = amounts.to_array();
        if chunk.spend(&amounts) {
            return Ok(());
        }
        chunk.fetch(bucket.store(), self.now, &amounts, 1).map(|_| ())
    }

    /// Takes as many whole items as fit: [`Lease::take_items`].
    #[inline]
    pub fn take_items(self, max: u64, per_item: AmountsOf<B, N>) -> u64 {
        let Lease { bucket, chunk } = self.of;
        let per_item = per_item.to_array();
        if chunk.spend_items(&per_item, max) {
            return max;
        }
        chunk.fetch(bucket.store(), self.now, &per_item, max).unwrap_or(0)
    }

    /// Gives back tokens that were not used: [`Lease::put_back`].
    pub fn put_back(self, amounts: AmountsOf<B, N>) {
        self.of.chunk.put_back(self.of.bucket.store(), self.now, || self.now, &amounts.to_array());
    }

    /// Gives all held tokens back to the bucket: [`Lease::give_back`].
    pub fn give_back(self) {
        self.of.chunk.give_back(self.of.bucket.store(), self.now, || self.now);
    }

    /// Returns the tokens that the lease holds, none of them expired: [`Lease::held`].
    pub fn held(&self) -> AmountsOf<B, N> {
        self.of.held()
    }
}

impl<B: Deref<Target: Stored<1, Amounts = u64>>> At<&mut Lease<B>> {
    /// Takes the tokens that the lease and the bucket have: [`Lease::take_up_to`].
    #[inline]
    pub fn take_up_to(self, max: u64) -> u64 {
        self.take_items(max, 1)
    }
}

impl<B: Deref<Target: Stored<N>>, const N: usize> Drop for Lease<B, N> {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<B: Deref<Target: Stored<N>>, const N: usize> fmt::Debug for Lease<B, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("held", &self.held()).field("most", &self.chunk.most).finish_non_exhaustive()
    }
}
