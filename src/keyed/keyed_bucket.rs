//! Owns the bucket of one key as a value: what waits, and what is lent. Where it lies, and what a
//! verb does to it, is in `keys.rs`.

use core::borrow::Borrow;
use core::fmt;
use core::future::Future;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::refused::Refused;
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::keyed::key_hash::KeyHash;
use crate::keyed::key_refused::KeyRefused;
use crate::keyed::keyed_buckets::KeyedBuckets;
use crate::keyed::streams::Amounts;
use crate::keyed::streams::{Shape, Streams};
use crate::keyed::tier::{OneTier, TierOf};
use crate::state::limits_changed::LimitsChanged;
use crate::state::store::{Change, Waitable};
use crate::wait::estimate::Estimate;
use crate::wait::reservation::Reservation;
use crate::wait::timer::Timer;
use crate::wait::waiting;

/// The bucket of one key of a [`KeyedBuckets`]: see [`KeyedBuckets::bucket`].
///
/// What is [reserved](Reservation), estimated or lent of it belongs to the key, whatever becomes of
/// its cell: a key in debt is not full, so it is not removed before its reservations are ready. One
/// that is full again in spite of what is outstanding may go, and what then comes back finds it
/// full and changes nothing.
///
/// A call for a new key that there is no room for is refused as [`KeyRefused::NoRoom`]; where such
/// keys [share](KeyedBuckets::with_shared_overflow) a bucket it waits in the queue of that one, and
/// what comes back is lost.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
/// let alice = clients.bucket("alice");
/// let (first, second) = (alice.reserve(10)?, alice.reserve(5)?);
/// assert_eq!((first.remaining(), second.remaining()), (Duration::ZERO, Duration::from_millis(500)));
/// drop(first);
/// second.commit();
/// assert_eq!(clients.available("alice"), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeyedBucket<'a, Q: ?Sized, K = Q, const N: usize = 1, C = DefaultClock, H = KeyHash, F = OneTier>
where
    [u64; N]: Streams<N>,
{
    pub(crate) buckets: &'a KeyedBuckets<K, N, C, H, F>,
    pub(crate) key: &'a Q,
}

impl<Q: ?Sized, K, const N: usize, C, H, F> Copy for KeyedBucket<'_, Q, K, N, C, H, F> where [u64; N]: Streams<N> {}

impl<Q: ?Sized, K, const N: usize, C, H, F> Clone for KeyedBucket<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q, K, const N: usize, C, H, F> KeyedBucket<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Borrow<Q> + Hash,
    Q: Hash + Sync + ?Sized,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: TierOf<Q> + Sync,
{
    /// As [`TokenBucket::reserve`](crate::TokenBucket::reserve).
    ///
    /// # Errors
    ///
    /// [`KeyRefused::Bucket`] as [`TokenBucket::reserve`](crate::TokenBucket::reserve), and
    /// [`KeyRefused::NoRoom`] for a new key at the [bound](KeyedBuckets#the-most-keys). A refused
    /// call changes nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take(&7, 10)?;
    /// let seven = clients.bucket(&7);
    /// assert_eq!(seven.reserve(3)?.remaining(), Duration::from_millis(300));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&self, amounts: Amounts<N>) -> Result<Reservation<'_, N>, KeyRefused<N>> {
        self.reserve_within(amounts, Duration::MAX)
    }

    /// As [`reserve`](Self::reserve), if the wait is no longer than `max_wait`.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), and [`Refused::NotYet`] with the exact wait where it is
    /// longer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take(&7, 10)?;
    /// let refused = clients.bucket(&7).reserve_within(3, Duration::from_millis(299)).unwrap_err();
    /// assert_eq!(refused.wait(), Some(Duration::from_millis(300)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_within(&self, amounts: Amounts<N>, max_wait: Duration) -> Result<Reservation<'_, N>, KeyRefused<N>> {
        Reservation::new(self, self.now(), <[u64; N]>::array(amounts), max_wait)
            .map_err(|refused| self.refused(refused))
    }

    /// As [`TokenBucket::reserve_oversized`](crate::TokenBucket::reserve_oversized).
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), but [`Refused::Never`] only for an amount of 2^62 units or
    /// more.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// let seven = clients.bucket(&7);
    /// assert_eq!(seven.reserve_oversized(30)?.remaining(), Duration::from_secs(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_oversized(&self, amounts: Amounts<N>) -> Result<Reservation<'_, N>, KeyRefused<N>> {
        let amounts = <[u64; N]>::array(amounts);
        Reservation::oversized(self, self.now(), amounts, Duration::MAX).map_err(|refused| self.refused(refused))
    }

    /// As [`TokenBucket::estimate`](crate::TokenBucket::estimate).
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::try_take`].
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_minute(1000), 1000, ManualClock::new())?;
    /// let seven = clients.bucket(&7);
    /// seven.estimate(400)?.settle([250])?;
    /// assert_eq!(clients.available(&7), 750);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn estimate(&self, amounts: Amounts<N>) -> Result<Estimate<'_, N>, KeyRefused<N>> {
        let now = self.now();
        self.buckets.at(now).try_take(self.key, amounts)?;
        Ok(Estimate::new(self, now, <[u64; N]>::array(amounts)))
    }

    /// As [`TokenBucket::take_blocking`](crate::TokenBucket::take_blocking).
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve).
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64>::new(Limit::per_second(1000).capacity(1), 1000)?;
    /// clients.bucket(&7).take_blocking(1)?;
    /// clients.bucket(&7).take_blocking(1)?; // a millisecond later
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_blocking(&self, amounts: Amounts<N>) -> Result<(), KeyRefused<N>> {
        self.take_blocking_timeout(amounts, Duration::MAX)
    }

    /// As [`TokenBucket::take_blocking_timeout`](crate::TokenBucket::take_blocking_timeout).
    ///
    /// # Errors
    ///
    /// As [`reserve_within`](Self::reserve_within), at once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take(&7, 10)?;
    /// assert!(clients.bucket(&7).take_blocking_timeout(1, Duration::from_millis(99)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_blocking_timeout(&self, amounts: Amounts<N>, timeout: Duration) -> Result<(), KeyRefused<N>> {
        self.reserve_within(amounts, timeout)?.wait();
        Ok(())
    }

    /// As [`TokenBucket::take`](crate::TokenBucket::take).
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve).
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use tollgate::wait::TokioTimer;
    ///     use tollgate::{KeyedBuckets, Limit};
    ///
    ///     let clients = KeyedBuckets::<String>::new(Limit::per_second(1000).capacity(1), 1000)?;
    ///     clients.bucket("alice").take(1, TokioTimer).await?;
    ///     clients.bucket("alice").take(1, TokioTimer).await?; // a millisecond later
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn take<T: Timer>(&self, amounts: Amounts<N>, timer: T) -> impl Future<Output = Result<(), KeyRefused<N>>> {
        self.take_timeout(amounts, Duration::MAX, timer)
    }

    /// As [`TokenBucket::take_timeout`](crate::TokenBucket::take_timeout).
    ///
    /// # Errors
    ///
    /// As [`reserve_within`](Self::reserve_within), at the first poll.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::time::Duration;
    ///     use tollgate::wait::TokioTimer;
    ///     use tollgate::{KeyedBuckets, Limit};
    ///
    ///     let clients = KeyedBuckets::<String>::new(Limit::per_second(1).capacity(1), 1000)?;
    ///     clients.try_take("alice", 1)?;
    ///     let alice = clients.bucket("alice");
    ///     assert!(alice.take_timeout(1, Duration::from_millis(50), TokioTimer).await.is_err()); // at once
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn take_timeout<T: Timer>(
        &self,
        amounts: Amounts<N>,
        timeout: Duration,
        timer: T,
    ) -> impl Future<Output = Result<(), KeyRefused<N>>> {
        let taking = waiting::take(self, <[u64; N]>::array(amounts), timeout, timer);
        async move { taking.await.map_err(|refused| self.refused(refused)) }
    }

    /// As [`TokenBucket::until_ready`](crate::TokenBucket::until_ready). It adds no key.
    ///
    /// # Errors
    ///
    /// As [`TokenBucket::until_ready`](crate::TokenBucket::until_ready).
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use tollgate::wait::TokioTimer;
    ///     use tollgate::{KeyedBuckets, Limit};
    ///
    ///     let clients = KeyedBuckets::<String>::new(Limit::per_second(1000), 1000)?;
    ///     clients.bucket("alice").until_ready(1, TokioTimer).await?;
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn until_ready<T: Timer>(&self, amounts: Amounts<N>, timer: T) -> impl Future<Output = Result<(), Refused<N>>> {
        waiting::until_ready(self, <[u64; N]>::array(amounts), timer)
    }

    /// As [`TokenBucket::until_ready_blocking`](crate::TokenBucket::until_ready_blocking). It adds
    /// no key.
    ///
    /// # Errors
    ///
    /// As [`TokenBucket::until_ready_blocking`](crate::TokenBucket::until_ready_blocking).
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64>::new(Limit::per_second(1000), 1000)?;
    /// clients.bucket(&7).until_ready_blocking(1)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn until_ready_blocking(&self, amounts: Amounts<N>) -> Result<(), Refused<N>> {
        waiting::until_ready_blocking(self, <[u64; N]>::array(amounts))
    }

    /// Why a call was refused: if there is no room for the key, then for that.
    pub(crate) fn refused(&self, refused: Refused<N>) -> KeyRefused<N> {
        let KeyedBuckets { keys, .. } = self.buckets;
        if keys.lacks_room(self.key) { self.buckets.at(Time::ZERO).no_room().into() } else { refused.into() }
    }
}

impl<Q, K, const N: usize, C, H, F> Waitable<N> for KeyedBucket<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Borrow<Q> + Hash,
    Q: Hash + Sync + ?Sized,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: TierOf<Q> + Sync,
{
    fn now(&self) -> Time {
        self.buckets.clock.now()
    }

    fn revision(&self) -> Revision<N> {
        self.buckets.keys.terms(self.key).revision
    }

    fn limits_changed(&self) -> Option<&LimitsChanged> {
        Some(self.buckets.keys.limits_changed(self.key))
    }

    fn wait_bounds(&self) -> &WaitBounds<N> {
        &self.buckets.wait_bounds
    }

    fn update(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        let change = |terms: &crate::keyed::terms::Terms<N>, words: &[u64; N]| change(&terms.revision, words);
        let changed = self.buckets.keys.change_revised(self.key, self.now(), change);
        changed.map_err(|(terms, words)| (terms.revision, words))
    }
}

impl<Q, K, const N: usize, C, H, F> fmt::Debug for KeyedBucket<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    Q: fmt::Debug + ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBucket").field("key", &self.key).finish_non_exhaustive()
    }
}
