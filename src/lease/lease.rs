//! Owns the lease of one stream: what is held here is spent without the bucket; the rest is in
//! `chunk.rs`.

use core::fmt;
use core::time::Duration;

use crate::bucket::token::{TokenBucket, TokenBucketAt};
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::refused::Refused;
use crate::lease::chunk::Holding;

/// Tokens that were taken from a [`TokenBucket`] in one piece, to be spent one by one: a decision
/// is a comparison and a subtraction, with neither an atomic nor a clock. See
/// [`TokenBucket::lease`].
///
/// For a thread that decides more often than a compare-and-swap and a reading of the clock are
/// worth. One for each thread; a call needs it exclusively.
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
/// assert_eq!(bucket.available(), 400); // what was not used is back
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
///
/// # How it fetches
///
/// Only if it holds too little does it read the clock, once, and go to the bucket. It fetches what
/// is missing for the request, and beyond that up to a chunk as far as the bucket has it, in one
/// step. The first chunk is what was asked for. The next is twice as much as was fetched last if
/// that was used up in less than half the time in which it [expires](Self::expire_after), and else
/// half as much: an idle holder keeps little. It is never more than `most`.
///
/// A request that is refused has debited nothing: there is no saving up here at the cost of others.
/// The refusal says how long the bucket takes to produce what is missing here.
///
/// # What others see of it
///
/// What a lease holds has left the bucket: nobody else gets it until it is used, expires or comes
/// back. It comes back when the lease is dropped. Tokens **expire** when the stream has fetched
/// none for [`expire_after`](Self::expire_after); but nobody looks while nothing is fetched. It is
/// looked at when the lease fetches, and by [`at`](Self::at); only its holder ever gives anything
/// back. A holder that stops keeps its tokens, and one that is leaked ([`core::mem::forget`]) loses
/// them: at most `most`, once, and nothing else.
///
/// # The bound
///
/// In every window of time of length `w`, for all takers and leases together,
///
/// ```text
/// used <= C + r * (w + e) + P + what was outstanding on leases when the window began
/// ```
///
/// as tokens are debited before they are used: what is used in the window was either debited in it,
/// for which [the bound of the bucket](crate#the-bound) holds, or held when it began. `P` is what
/// callers put back, to the bucket or to a lease; what a lease gives back unused does not count, as
/// it was debited or outstanding before. That covers a holder that is stopped for an hour and then
/// spends what it holds at once. Outstanding is never more than the sum of what the leases may
/// hold; with a `most` of 0 nothing is, and every decision is the bucket's. Where a strict window
/// matters more than a few nanoseconds, use no lease.
///
/// # When not to use one
///
/// If a decision is followed by a system call, the bucket itself costs nothing that could be
/// noticed. If there are few tokens and many holders, leases keep from one what lies idle with
/// another, up to the expiry and, with a holder that stops, for longer.
///
/// # Memory ordering
///
/// None: as with the bucket, a grant is only a count.
#[must_use = "a lease that is dropped has given back its tokens"]
pub struct Lease<'a, C = DefaultClock> {
    bucket: &'a TokenBucket<C>,
    holding: Holding<1>,
}

impl<C: Clock> TokenBucket<C> {
    /// A lease that holds at most `most` tokens, or the capacity if that is less. It holds none at
    /// first.
    ///
    /// 0 means that every decision goes to the bucket.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(100), ManualClock::new())?;
    /// let mut lease = bucket.lease(10);
    /// for _ in 0..4 {
    ///     lease.try_take(1)?;
    /// }
    /// // It has fetched 1, then 2, then 4.
    /// assert_eq!((lease.held(), bucket.available()), (3, 93));
    /// drop(lease);
    /// assert_eq!(bucket.available(), 96);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lease(&self, most: u64) -> Lease<'_, C> {
        Lease { bucket: self, holding: Holding::new(&self.at(Time::ZERO), [most]) }
    }
}

impl<C> Lease<'_, C> {
    /// Sets how long tokens are kept that nobody uses; 100 ms without it. Looked at when the lease
    /// fetches, and by [`at`](Self::at).
    ///
    /// They expire once so much time has passed since the lease fetched last. The chunk grows while
    /// it is used up in less than half of it. With [`Duration::ZERO`] they expire at once;
    /// [`Duration::MAX`] keeps them.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(0).capacity(100), ManualClock::new())?;
    /// let mut lease = bucket.lease(10).expire_after(Duration::from_millis(5));
    /// assert_eq!((lease.take_up_to(1), lease.take_up_to(1), lease.held()), (1, 1, 1));
    /// assert_eq!(lease.at(Time::from_nanos(4_999_999)).held(), 1);
    /// assert_eq!(lease.at(Time::from_nanos(5_000_000)).held(), 0);
    /// assert_eq!(bucket.available(), 98);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn expire_after(mut self, after: Duration) -> Self {
        self.holding.expire_after(after);
        self
    }

    /// The tokens that the lease holds, those that have expired included.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(100), ManualClock::new())?;
    /// let mut lease = bucket.lease(10);
    /// assert_eq!(lease.held(), 0);
    /// lease.put_back(7);
    /// assert_eq!(lease.held(), 7);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn held(&self) -> u64 {
        self.holding.held[0]
    }

    /// Gives back `n` tokens that were taken and not used: to the lease, and what it may not hold
    /// to the bucket. Reads no clock.
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
    pub fn put_back(&mut self, n: u64) {
        self.holding.put_back(&self.bucket.at(self.holding.last()), self.holding.last(), &[n]);
    }

    /// Gives all that is held back to the bucket, as on drop, and goes on with the smallest chunk.
    /// Reads no clock.
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
        self.holding.give_back(&self.bucket.at(self.holding.last()), self.holding.last());
    }

    /// The lease at a time that the caller supplies, a reading of the bucket's clock or of one with
    /// the same origin. What has expired by then goes back to the bucket now, before anything is
    /// asked.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// let mut lease = bucket.lease(10);
    /// assert!(lease.at(Time::from_nanos(300_000_000)).try_take(3).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn at(&mut self, now: Time) -> LeaseAt<'_> {
        let bucket = self.bucket.at(now);
        self.holding.expire(&bucket, now);
        LeaseAt { bucket, holding: &mut self.holding, now }
    }
}

impl<C: Clock> Lease<'_, C> {
    /// Takes `n` tokens now, or none: from what is held, and if that is too little, together with
    /// the bucket.
    ///
    /// An amount of 0 is granted, whatever the state.
    ///
    /// # Errors
    ///
    /// [`Refused::NotYet`] if they are not there, and [`Refused::Never`] for more than the
    /// capacity. A refused call debits nothing, and what is held is kept, except what has expired:
    /// that goes back first.
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
    pub fn try_take(&mut self, n: u64) -> Result<(), Refused> {
        if self.holding.spend(&[n]) { Ok(()) } else { self.fetch(n) }
    }

    #[cold]
    #[inline(never)]
    fn fetch(&mut self, n: u64) -> Result<(), Refused> {
        self.at(self.bucket.clock().now()).try_take(n)
    }

    /// Takes as many tokens as there are, here and in the bucket, but no more than `max`, and says
    /// how many.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// let mut lease = bucket.lease(5);
    /// assert_eq!(lease.take_up_to(7), 7);
    /// assert_eq!(lease.take_up_to(7), 3);
    /// assert_eq!(lease.take_up_to(7), 0);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to(&mut self, max: u64) -> u64 {
        if self.holding.spend(&[max]) { max } else { self.fetch_up_to(max) }
    }

    #[cold]
    #[inline(never)]
    fn fetch_up_to(&mut self, max: u64) -> u64 {
        self.at(self.bucket.clock().now()).take_up_to(max)
    }
}

impl<C> Drop for Lease<'_, C> {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<C> fmt::Debug for Lease<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("held", &self.held()).field("most", &self.holding.most[0]).finish_non_exhaustive()
    }
}

/// A [`Lease`] at one instant: the same verbs, at a time that the caller supplied. See
/// [`Lease::at`].
///
/// ```
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::{Limit, TokenBucket};
///
/// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
/// let mut lease = bucket.lease(5);
/// let now = Time::from_nanos(5);
/// assert_eq!([lease.at(now).take_up_to(4), lease.at(now).take_up_to(8)], [4, 6]);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub struct LeaseAt<'l> {
    bucket: TokenBucketAt<'l>,
    holding: &'l mut Holding<1>,
    now: Time,
}

impl LeaseAt<'_> {
    /// As [`Lease::try_take`].
    ///
    /// # Errors
    ///
    /// As [`Lease::try_take`].
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert!(bucket.lease(5).at(Time::ZERO).try_take(10).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take(self, n: u64) -> Result<(), Refused> {
        if self.holding.spend(&[n]) {
            return Ok(());
        }
        self.holding.fetch(&self.bucket, self.now, &[n], 1).map(|_| ())
    }

    /// As [`Lease::take_up_to`].
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.lease(5).at(Time::ZERO).take_up_to(12), 10);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to(self, max: u64) -> u64 {
        if self.holding.spend(&[max]) {
            return max;
        }
        self.holding.fetch(&self.bucket, self.now, &[1], max).unwrap_or(0)
    }

    /// As [`Lease::put_back`].
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.try_take(10)?;
    /// let mut lease = bucket.lease(3);
    /// lease.at(Time::ZERO).put_back(4);
    /// assert_eq!((lease.held(), bucket.available()), (3, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_back(self, n: u64) {
        self.holding.put_back(&self.bucket, self.now, &[n]);
    }

    /// As [`Lease::give_back`].
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.try_take(10)?;
    /// let mut lease = bucket.lease(3);
    /// lease.put_back(3);
    /// lease.at(Time::ZERO).give_back();
    /// assert_eq!((lease.held(), bucket.available()), (0, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn give_back(self) {
        self.holding.give_back(&self.bucket, self.now);
    }

    /// As [`Lease::held`]; nothing of it has expired.
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{Limit, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// let mut lease = bucket.lease(3);
    /// lease.put_back(3);
    /// assert_eq!(lease.at(Time::from_nanos(7)).held(), 3);
    /// assert_eq!(lease.at(Time::from_nanos(100_000_000)).held(), 0);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn held(&self) -> u64 {
        self.holding.held[0]
    }
}

impl fmt::Debug for LeaseAt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseAt").field("now", &self.now).field("held", &self.held()).finish_non_exhaustive()
    }
}
