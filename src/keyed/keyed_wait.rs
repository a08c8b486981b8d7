//! Owns the verbs of one key that wait. What they do is reserve, and sleep.

use core::future::Future;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::refused::Refused;
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_refused::KeyRefused;
use crate::keyed::keyed_bucket::KeyedBucket;
use crate::keyed::streams::{Amounts, Shape, Streams};
use crate::keyed::tier::{TierOf, Tiers};
use crate::state::store::Waitable;
use crate::wait::readiness;
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;

/// Futures own what they need of the view, so a function can return them.
impl<Q, K, const N: usize, C, H, F> KeyedBucket<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash + Send + Sync,
    Q: KeyForm<K> + Sync + ?Sized,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: Tiers + TierOf<Q> + Sync,
{
    /// As [`TokenBucket::take_blocking`](crate::TokenBucket::take_blocking), but that a key has no
    /// line: it takes at once, as a debt, and sleeps until that is paid. What was left is read when
    /// the wait ends; so it is with all waits for keys.
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
    ///     
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_blocking(&self, amounts: Amounts<N>) -> Result<Granted<N>, KeyRefused<N>> {
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
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// clients.try_take(&7, 10)?;
    /// assert!(
    ///     clients.bucket(&7).take_blocking_timeout(1, Duration::from_millis(99)).is_err()
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_blocking_timeout(&self, amounts: Amounts<N>, timeout: Duration) -> Result<Granted<N>, KeyRefused<N>> {
        let mut place = self.reserve_within(amounts, timeout)?;
        place.wait()?;
        Ok(place.granted())
    }

    /// Waits on tokio's timer until it is the caller's turn, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    ///
    /// ```
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use tollgate::{KeyedBuckets, Limit};
    ///
    ///     let limit = Limit::per_second(1000).capacity(1);
    ///     let clients = KeyedBuckets::<String>::new(limit, 1000)?;
    ///     clients.bucket("alice").take(1).await?;
    ///     clients.bucket("alice").take(1).await?; // a millisecond later
    ///     Ok(())
    /// }
    /// ```
    #[cfg(feature = "tokio")]
    pub fn take(self, amounts: Amounts<N>) -> impl Future<Output = Result<Granted<N>, KeyRefused<N>>> {
        self.take_on(amounts, TokioTimer)
    }

    /// Waits on tokio's timer for at most `timeout`, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    #[cfg(feature = "tokio")]
    pub fn take_timeout(
        self,
        amounts: Amounts<N>,
        timeout: Duration,
    ) -> impl Future<Output = Result<Granted<N>, KeyRefused<N>>> {
        self.take_timeout_on(amounts, timeout, TokioTimer)
    }

    /// Waits on any timer until it is the caller's turn, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    pub fn take_on<T: Timer>(
        self,
        amounts: Amounts<N>,
        timer: T,
    ) -> impl Future<Output = Result<Granted<N>, KeyRefused<N>>> {
        self.take_timeout_on(amounts, Duration::MAX, timer)
    }

    /// Waits on any timer for at most `timeout`, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`reserve_within`](Self::reserve_within), at the first poll.
    pub fn take_timeout_on<T: Timer>(
        self,
        amounts: Amounts<N>,
        timeout: Duration,
        timer: T,
    ) -> impl Future<Output = Result<Granted<N>, KeyRefused<N>>> {
        let deadline = self.now().after(timeout);
        self.take_by(amounts, deadline, timer)
    }

    pub(super) async fn take_by<T: Timer>(
        self,
        amounts: Amounts<N>,
        deadline: Time,
        timer: T,
    ) -> Result<Granted<N>, KeyRefused<N>> {
        let mut place = self.reserve_within(amounts, deadline.since(self.now()))?;
        place.wait_on(timer).await?;
        Ok(place.granted())
    }

    /// Waits on any timer until these amounts could be taken, and takes nothing. It adds no key.
    ///
    /// It looks when they should be there, and holds no place: others may take them first.
    ///
    /// # Errors
    ///
    /// [`Refused::Never`] for more than a stream's capacity, and [`Refused::NotYet`] where a stream
    /// that lacks tokens has a rate of 0.
    pub async fn until_available_on<T: Timer>(self, amounts: Amounts<N>, timer: T) -> Result<(), Refused<N>> {
        readiness::until_available(&self, <[u64; N]>::array(amounts), timer).await
    }

    /// Waits on this thread as [`until_available_on`](Self::until_available_on) does on a timer.
    ///
    /// # Errors
    ///
    /// As [`until_available_on`](Self::until_available_on).
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64>::new(Limit::per_second(1000), 1000)?;
    /// clients.bucket(&7).until_available_blocking(1)?;
    /// assert!(clients.try_take(&7, 1).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn until_available_blocking(&self, amounts: Amounts<N>) -> Result<(), Refused<N>> {
        readiness::until_available_blocking(self, <[u64; N]>::array(amounts))
    }
}
