//! Owns the verbs of a bucket in an `Arc`, whose answers own a share of it. Never decides.

extern crate alloc;

use alloc::sync::Arc;
use core::time::Duration;

use crate::bucket::bucket::Bucket;
use crate::bucket::multi::MultiBucket;
use crate::bucket::token::TokenBucket;
use crate::bucket::verbs;
use crate::clock::clock::Clock;
use crate::decision::refused::Refused;
use crate::lease::lease::Lease;
use crate::limit::amounts::Amounts;
use crate::state::store::Stored;
use crate::wait::estimate::Estimate;
use crate::wait::holder::Holder;
use crate::wait::reservation::Reservation;
use crate::wait::take::Take;
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;
use crate::wait::waits;

/// The verbs of a bucket in an [`Arc`] whose answers own a share of it, so that nothing borrows.
///
/// A response body, a spawned task or a service keeps such an answer for as long as it likes. It
/// is what the verb without `owned` gives, and costs one count of the `Arc`:
///
/// | verb | answer |
/// |---|---|
/// | [`take_owned_on`](Self::take_owned_on) and its kin | [`Take<Arc<Self>, _>`](Take) |
/// | [`reserve_owned`](Self::reserve_owned), [`reserve_within_owned`](Self::reserve_within_owned) | [`Reservation<'static>`](Reservation) |
/// | [`estimate_owned`](Self::estimate_owned) | [`Estimate<'static>`](Estimate) |
/// | [`lease_owned`](Self::lease_owned) | [`Lease<Arc<Self>>`](Lease) |
///
/// All are `Send` and `'static` if the bucket and the timer are. The bucket lives until the last of
/// them is dropped. None allocates.
///
/// [`TokenBucket`] and [`MultiBucket`] have them as methods of their own. So this trait, which
/// every [`Bucket`] has, is for code that takes any bucket.
///
/// # Examples
///
/// A response body that pays for what it sent:
///
/// ```
/// use std::sync::Arc;
/// use tollgate::clock::ManualClock;
/// use tollgate::wait::Estimate;
/// use tollgate::{Limit, MultiBucket};
///
/// /// Requests and bytes. It settles when the response is over, also if the client goes away.
/// struct Body {
///     estimate: Option<Estimate<'static, 2>>,
///     sent: u64,
/// }
///
/// impl Drop for Body {
///     fn drop(&mut self) {
///         if let Some(estimate) = self.estimate.take() {
///             estimate.settle([1, self.sent]).expect("far fewer than 2^62 bytes");
///         }
///     }
/// }
///
/// fn body_is_static<B: Send + 'static>(body: B) -> B {
///     body
/// }
///
/// let limits = [Limit::per_second(100), Limit::per_second(1_000_000)];
/// let bucket = Arc::new(MultiBucket::with_clock(limits, ManualClock::new())?);
/// let estimate = Arc::clone(&bucket).estimate_owned([1, 64_000])?;
/// let mut body = body_is_static(Body { estimate: Some(estimate), sent: 0 });
/// body.sent += 1500;
/// drop(body); // the client went away
/// assert_eq!(bucket.available(), [99, 998_500]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait SharedBucket<const N: usize = 1>: Bucket<N> {
    /// Waits on tokio's timer until it is the caller's turn, and takes these amounts:
    /// [`Bucket::take`].
    ///
    /// # Errors
    ///
    /// As [`Bucket::take`].
    ///
    /// ```
    /// #[tokio::main]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::sync::Arc;
    ///     use tollgate::{Limit, TokenBucket};
    ///
    ///     let bucket = Arc::new(TokenBucket::new(Limit::per_second(1000).empty())?);
    ///     let taking = tokio::spawn(Arc::clone(&bucket).take_owned(2));
    ///     assert!(taking.await?.is_ok()); // 2 ms later
    ///     Ok(())
    /// }
    /// ```
    #[cfg(feature = "tokio")]
    fn take_owned(self: Arc<Self>, amounts: Self::Amounts) -> Take<Arc<Self>, TokioTimer, N> {
        self.take_owned_on(amounts, TokioTimer)
    }

    /// Waits on tokio's timer for at most `timeout`, and takes these amounts:
    /// [`Bucket::take_timeout`].
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_timeout`].
    #[cfg(feature = "tokio")]
    fn take_timeout_owned(
        self: Arc<Self>,
        amounts: Self::Amounts,
        timeout: Duration,
    ) -> Take<Arc<Self>, TokioTimer, N> {
        self.take_timeout_owned_on(amounts, timeout, TokioTimer)
    }

    /// Waits on any timer until it is the caller's turn, and takes these amounts:
    /// [`Bucket::take_on`].
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_on`].
    fn take_owned_on<T: Timer>(self: Arc<Self>, amounts: Self::Amounts, timer: T) -> Take<Arc<Self>, T, N> {
        self.take_timeout_owned_on(amounts, Duration::MAX, timer)
    }

    /// Waits on any timer for at most `timeout`, and takes these amounts:
    /// [`Bucket::take_timeout_on`].
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_timeout_on`].
    fn take_timeout_owned_on<T: Timer>(
        self: Arc<Self>,
        amounts: Self::Amounts,
        timeout: Duration,
        timer: T,
    ) -> Take<Arc<Self>, T, N> {
        waits::take(self, amounts.to_array(), timeout, timer)
    }

    /// Takes these amounts now, to be used later: [`Bucket::reserve`].
    ///
    /// # Errors
    ///
    /// As [`Bucket::reserve`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, Reservation, TokenBucket};
    ///
    /// let limit = Limit::per_second(10).empty();
    /// let bucket = Arc::new(TokenBucket::with_clock(limit, ManualClock::new())?);
    /// let place: Reservation<'static> = Arc::clone(&bucket).reserve_owned(3)?;
    /// let job = std::thread::spawn(move || place.remaining());
    /// assert_eq!(job.join().unwrap(), Some(Duration::from_millis(300)));
    /// // Dropped there before its instant, it gave its tokens back.
    /// assert_eq!(bucket.wait_for(1)?, Some(Duration::from_millis(100)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn reserve_owned(self: Arc<Self>, amounts: Self::Amounts) -> Result<Reservation<'static, N>, Refused<N>>
    where
        Self: Send + 'static,
    {
        self.reserve_within_owned(amounts, Duration::MAX)
    }

    /// Reserves these amounts, if the wait is no longer than `max_wait`:
    /// [`Bucket::reserve_within`].
    ///
    /// # Errors
    ///
    /// As [`Bucket::reserve_within`].
    fn reserve_within_owned(
        self: Arc<Self>,
        amounts: Self::Amounts,
        max_wait: Duration,
    ) -> Result<Reservation<'static, N>, Refused<N>>
    where
        Self: Send + 'static,
    {
        let now = Stored::now(&*self);
        waits::reserve_owned(self, now, amounts.to_array(), max_wait)
    }

    /// Takes these amounts for work of unknown cost: [`Bucket::estimate`].
    ///
    /// # Errors
    ///
    /// As [`Bucket::estimate`].
    fn estimate_owned(self: Arc<Self>, amounts: Self::Amounts) -> Result<Estimate<'static, N>, Refused<N>>
    where
        Self: Send + 'static,
    {
        let (now, amounts) = (Stored::now(&*self), amounts.to_array());
        verbs::try_take(self.store(), now, amounts)?;
        Ok(Estimate::new(Holder::Shared(self), now, amounts))
    }

    /// Lends up to `most` tokens to one thread: [`Bucket::lease`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Lease, Limit, TokenBucket};
    ///
    /// struct Worker {
    ///     lease: Lease<Arc<TokenBucket<ManualClock>>>,
    /// }
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(100), ManualClock::new())?;
    /// let bucket = Arc::new(bucket);
    /// let mut worker = Worker { lease: Arc::clone(&bucket).lease_owned(10) };
    /// std::thread::spawn(move || worker.lease.try_take(4)).join().unwrap()?;
    /// assert_eq!(bucket.available(), 96);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn lease_owned(self: Arc<Self>, most: Self::Amounts) -> Lease<Arc<Self>, N> {
        Lease::new(self, most)
    }
}

impl<const N: usize, B: Bucket<N>> SharedBucket<N> for B {}

/// Gives a bucket the verbs whose answers own a share of it.
macro_rules! owned_verbs {
    ([$($generics:tt)*] $bucket:ty, $n:expr, $amounts:ty) => {
        impl<$($generics)*> $bucket {
            /// Waits in turn on tokio's timer, and owns a share of the bucket:
            /// [`SharedBucket::take_owned`].
            ///
            /// # Errors
            ///
            /// As [`Bucket::take`].
            #[cfg(feature = "tokio")]
            pub fn take_owned(self: Arc<Self>, amounts: $amounts) -> Take<Arc<Self>, TokioTimer, { $n }> {
                SharedBucket::take_owned(self, amounts)
            }

            /// Waits in turn on tokio's timer, up to a timeout, and owns a share of the bucket:
            /// [`SharedBucket::take_timeout_owned`].
            ///
            /// # Errors
            ///
            /// As [`Bucket::take_timeout`].
            #[cfg(feature = "tokio")]
            pub fn take_timeout_owned(
                self: Arc<Self>,
                amounts: $amounts,
                timeout: Duration,
            ) -> Take<Arc<Self>, TokioTimer, { $n }> {
                SharedBucket::take_timeout_owned(self, amounts, timeout)
            }

            /// Waits in turn on any timer, and owns a share of the bucket:
            /// [`SharedBucket::take_owned_on`].
            ///
            /// # Errors
            ///
            /// As [`Bucket::take_on`].
            pub fn take_owned_on<T: Timer>(
                self: Arc<Self>,
                amounts: $amounts,
                timer: T,
            ) -> Take<Arc<Self>, T, { $n }> {
                SharedBucket::take_owned_on(self, amounts, timer)
            }

            /// Waits in turn on any timer, up to a timeout, and owns a share of the bucket:
            /// [`SharedBucket::take_timeout_owned_on`].
            ///
            /// # Errors
            ///
            /// As [`Bucket::take_timeout_on`].
            pub fn take_timeout_owned_on<T: Timer>(
                self: Arc<Self>,
                amounts: $amounts,
                timeout: Duration,
                timer: T,
            ) -> Take<Arc<Self>, T, { $n }> {
                SharedBucket::take_timeout_owned_on(self, amounts, timeout, timer)
            }

            /// Reserves, and owns a share of the bucket: [`SharedBucket::reserve_owned`].
            ///
            /// # Errors
            ///
            /// As [`Bucket::reserve`].
            pub fn reserve_owned(
                self: Arc<Self>,
                amounts: $amounts,
            ) -> Result<Reservation<'static, { $n }>, Refused<{ $n }>>
            where
                Self: Send + 'static,
            {
                SharedBucket::reserve_owned(self, amounts)
            }

            /// Reserves, if the wait is short enough, and owns a share of the bucket:
            /// [`SharedBucket::reserve_within_owned`].
            ///
            /// # Errors
            ///
            /// As [`Bucket::reserve_within`].
            pub fn reserve_within_owned(
                self: Arc<Self>,
                amounts: $amounts,
                max_wait: Duration,
            ) -> Result<Reservation<'static, { $n }>, Refused<{ $n }>>
            where
                Self: Send + 'static,
            {
                SharedBucket::reserve_within_owned(self, amounts, max_wait)
            }

            /// Takes for work of unknown cost, and owns a share of the bucket:
            /// [`SharedBucket::estimate_owned`].
            ///
            /// # Errors
            ///
            /// As [`Bucket::estimate`].
            pub fn estimate_owned(
                self: Arc<Self>,
                amounts: $amounts,
            ) -> Result<Estimate<'static, { $n }>, Refused<{ $n }>>
            where
                Self: Send + 'static,
            {
                SharedBucket::estimate_owned(self, amounts)
            }

            /// Lends tokens to one thread, and owns a share of the bucket:
            /// [`SharedBucket::lease_owned`].
            pub fn lease_owned(self: Arc<Self>, most: $amounts) -> Lease<Arc<Self>, { $n }> {
                SharedBucket::lease_owned(self, most)
            }
        }
    };
}

owned_verbs!([C: Clock + Sync] TokenBucket<C>, 1, u64);
owned_verbs!([const N: usize, C: Clock + Sync, const S: usize] MultiBucket<N, C, S>, N, [u64; N]);
