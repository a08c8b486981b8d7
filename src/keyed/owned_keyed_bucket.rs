//! Owns the bucket of one key as a value that borrows nothing. What its verbs do is in
//! `keyed_bucket.rs` and `keyed_wait.rs`.

use core::fmt;
use core::future::Future;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::boxed::Box;
use std::sync::Arc;

use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_hash::KeyHash;
use crate::keyed::key_queue::KeyQueue;
use crate::keyed::key_refused::KeyRefused;
use crate::keyed::keyed_bucket::{KeyedBucket, Shared};
use crate::keyed::keyed_buckets::KeyedBuckets;
use crate::keyed::overflow::Source;
use crate::keyed::streams::{Amounts, Shape, Streams};
use crate::keyed::table::Reading;
use crate::keyed::tier::{OneTier, TierOf, Tiers};
use crate::state::limits_changed::LimitsChanged;
use crate::state::store::{Change, Waitable};
use crate::wait::estimate::Estimate;
use crate::wait::holder::{Holder, LineHolder};
use crate::wait::reservation::Reservation;
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;

/// The bucket of one key that owns a share of all: see [`KeyedBuckets::bucket_owned`].
///
/// Its verbs are those of [`KeyedBucket`], and use it up. What they give is `'static` and `Send`,
/// so it lives in a response body, a spawned task or a service. A [`take`](Self::take) allocates
/// only if it waits. A [reservation](Self::reserve) or an [estimate](Self::estimate) allocates
/// after it was granted.
///
/// ```
/// use std::sync::Arc;
/// use tollgate::clock::ManualClock;
/// use tollgate::wait::Estimate;
/// use tollgate::{KeyedBuckets, Limit};
///
/// struct Body {
///     estimate: Estimate<'static>,
/// }
///
/// let clients = Arc::new(KeyedBuckets::<String, 1, _>::with_clock(
///     Limit::per_second(1000),
///     1000,
///     ManualClock::new(),
/// )?);
/// let alice = Arc::clone(&clients).bucket_owned("alice".to_owned());
/// let body = Body { estimate: alice.estimate(400)? };
/// std::thread::spawn(move || body.estimate.settle([250])).join().unwrap()?;
/// assert_eq!(clients.available("alice"), 750);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct OwnedKeyedBucket<K, const N: usize = 1, C = DefaultClock, H = KeyHash, F = OneTier>
where
    [u64; N]: Streams<N>,
    F: Tiers,
{
    buckets: Arc<KeyedBuckets<K, N, C, H, F>>,
    key: K,
    /// The tier of the overflow that the key was served from.
    overflow: Option<usize>,
}

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher, F: Tiers> KeyedBuckets<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    /// Returns the bucket of one key as a value that owns a share of all, for what waits in tasks
    /// and response bodies.
    ///
    /// The key is given as it is kept. A tier function has to take it in that form, too: see
    /// [`TierOf`].
    ///
    /// ```
    /// #[tokio::main]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::sync::Arc;
    ///     use tollgate::{KeyedBuckets, Limit};
    ///
    ///     let limit = Limit::per_second(1000).capacity(1);
    ///     let clients = Arc::new(KeyedBuckets::<String>::new(limit, 1000)?);
    ///     for _ in 0..2 {
    ///         let alice = Arc::clone(&clients).bucket_owned("alice".to_owned());
    ///         tokio::spawn(alice.take(1)).await??;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn bucket_owned(self: Arc<Self>, key: K) -> OwnedKeyedBucket<K, N, C, H, F>
    where
        F: TierOf<K>,
    {
        OwnedKeyedBucket { buckets: self, key, overflow: None }
    }
}

impl<K, const N: usize, C, H, F> OwnedKeyedBucket<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: KeyForm<K> + Send + Sync,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: Tiers + TierOf<K> + Sync,
{
    pub(crate) fn view(&self) -> KeyedBucket<'_, K, K, N, C, H, F> {
        KeyedBucket::new(&self.buckets, &self.key)
    }

    pub(crate) fn buckets(&self) -> &KeyedBuckets<K, N, C, H, F> {
        &self.buckets
    }

    /// Waits on tokio's timer until it is the caller's turn, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`KeyedBucket::take_timeout_on`].
    #[cfg(feature = "tokio")]
    pub fn take(self, amounts: Amounts<N>) -> impl Future<Output = Result<Granted<N>, KeyRefused<N>>> {
        self.take_on(amounts, TokioTimer)
    }

    /// Waits on tokio's timer for at most `timeout`, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`KeyedBucket::take_timeout_on`].
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
    /// As [`KeyedBucket::take_timeout_on`].
    pub fn take_on<T: Timer>(
        self,
        amounts: Amounts<N>,
        timer: T,
    ) -> impl Future<Output = Result<Granted<N>, KeyRefused<N>>> {
        self.take_timeout_on(amounts, Duration::MAX, timer)
    }

    /// Waits on any timer for at most `timeout`, and takes these amounts. The timeout counts from
    /// this call.
    ///
    /// # Errors
    ///
    /// As [`KeyedBucket::take_timeout_on`].
    pub fn take_timeout_on<T: Timer>(
        self,
        amounts: Amounts<N>,
        timeout: Duration,
        timer: T,
    ) -> impl Future<Output = Result<Granted<N>, KeyRefused<N>>> {
        let deadline = self.buckets.clock.now().after(timeout);
        async move { self.view().take_by(amounts, deadline, timer).await }
    }
}

impl<K, const N: usize, C, H, F> OwnedKeyedBucket<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: KeyForm<K> + Send + Sync + 'static,
    C: Clock + Send + Sync + 'static,
    H: BuildHasher + Send + Sync + 'static,
    F: Tiers + TierOf<K> + Send + Sync + 'static,
{
    /// Takes these amounts now, to be used later: [`KeyedBucket::reserve`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBucket::reserve`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit, Reservation};
    ///
    /// let clients = Arc::new(KeyedBuckets::<u64, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?);
    /// clients.try_take(&7, 10)?;
    /// let place: Reservation<'static> = Arc::clone(&clients).bucket_owned(7).reserve(3)?;
    /// assert_eq!(place.remaining(), Some(Duration::from_millis(300)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(self, amounts: Amounts<N>) -> Result<Reservation<'static, N>, KeyRefused<N>> {
        self.reserve_within(amounts, Duration::MAX)
    }

    /// Reserves, if the wait is no longer than `max_wait`: [`KeyedBucket::reserve_within`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBucket::reserve_within`].
    pub fn reserve_within(
        mut self,
        asked: Amounts<N>,
        max_wait: Duration,
    ) -> Result<Reservation<'static, N>, KeyRefused<N>> {
        let (now, amounts) = (self.buckets.clock.now(), <[u64; N]>::array(asked));
        let table = &self.buckets.table;
        if amounts != [0; N] && table.has_line(&self.key) {
            let (tier, clock) = (self.buckets.tiers.tier_of(&self.key), Some(&self.buckets.clock));
            if let Ok(line) = table.join(&self.key, tier, Reading { now, clock }) {
                let queue = KeyQueue::new(Arc::clone(&self.buckets), line);
                let (bucket, line) = (Holder::Shared(Arc::new(self)), LineHolder::Boxed(Box::new(queue)));
                return Ok(Reservation::in_line(bucket, line, now, amounts, max_wait, false)?);
            }
        }
        let view = self.view();
        let (due, source) = match view.take_ahead(now, amounts, max_wait, false) {
            // Somebody came to wait meanwhile.
            Err(_) if amounts != [0; N] && table.has_line(&self.key) => return self.reserve_within(asked, max_wait),
            taken => taken?,
        };
        self.overflow = (source == Source::Overflow).then_some(view.overflow.tier);
        Ok(Reservation::taken(Holder::Shared(Arc::new(self)), now, amounts, due))
    }

    /// Takes these amounts for work of unknown cost: [`KeyedBucket::estimate`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBucket::estimate`].
    pub fn estimate(self, amounts: Amounts<N>) -> Result<Estimate<'static, N>, KeyRefused<N>> {
        Ok(self.reserve_within(amounts, Duration::ZERO)?.into_estimate())
    }
}

impl<K, const N: usize, C, H, F> Waitable<N> for OwnedKeyedBucket<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: KeyForm<K> + Send + Sync,
    C: Clock + Send + Sync,
    H: BuildHasher + Send + Sync,
    F: Tiers + TierOf<K> + Send + Sync,
{
    fn now(&self) -> Time {
        self.buckets.clock.now()
    }

    fn read(&self) -> (Revision<N>, [u64; N]) {
        match self.overflow {
            Some(tier) => Shared { buckets: &*self.buckets, tier }.read(),
            None => self.view().read(),
        }
    }

    fn limits_changed(&self) -> Option<&LimitsChanged> {
        Some(&self.buckets.table.limits_changed)
    }

    fn wait_bounds(&self) -> &WaitBounds<N> {
        &self.buckets.wait_bounds
    }

    fn update(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        match self.overflow {
            Some(tier) => Shared { buckets: &*self.buckets, tier }.update(change),
            None => self.view().update(change),
        }
    }
}

impl<K: Clone, const N: usize, C, H, F: Tiers> Clone for OwnedKeyedBucket<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    fn clone(&self) -> Self {
        Self { buckets: Arc::clone(&self.buckets), key: self.key.clone(), overflow: self.overflow }
    }
}

impl<K: fmt::Debug, const N: usize, C, H, F: Tiers> fmt::Debug for OwnedKeyedBucket<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedKeyedBucket").field("key", &self.key).finish_non_exhaustive()
    }
}
