//! Owns the verbs of a leaky bucket in an `Arc`, whose answers own a share of it. Never decides.

extern crate alloc;

use alloc::sync::Arc;
use core::time::Duration;

use crate::bucket::leaky::LeakyBucket;
use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::decision::refused::Refused;
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::state::limits_changed::LimitsChanged;
use crate::state::store::{Change, Waitable};
#[cfg(feature = "std")]
use crate::wait::line::standing::Queue;
use crate::wait::reservation::Reservation;
use crate::wait::take::Take;
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;
use crate::wait::waits::{self, Waits};

impl<C: Clock + Sync, const S: usize> LeakyBucket<C, S> {
    /// Waits on tokio's timer until it is the caller's turn, and adds `n`. The future owns a share
    /// of the bucket: [`SharedBucket::take_owned`](crate::bucket::SharedBucket::take_owned).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take`](crate::Bucket::take).
    #[cfg(feature = "tokio")]
    pub fn add_owned(self: Arc<Self>, n: u64) -> Take<Arc<Self>, TokioTimer> {
        self.add_owned_on(n, TokioTimer)
    }

    /// Waits on tokio's timer for at most `timeout`, and adds `n`. The future owns a share of the
    /// bucket.
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_timeout`](crate::Bucket::take_timeout).
    #[cfg(feature = "tokio")]
    pub fn add_timeout_owned(self: Arc<Self>, n: u64, timeout: Duration) -> Take<Arc<Self>, TokioTimer> {
        self.add_timeout_owned_on(n, timeout, TokioTimer)
    }

    /// Waits on any timer until it is the caller's turn, and adds `n`. The future owns a share of
    /// the bucket: [`SharedBucket::take_owned_on`](crate::bucket::SharedBucket::take_owned_on).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_on`](crate::Bucket::take_on).
    pub fn add_owned_on<T: Timer>(self: Arc<Self>, n: u64, timer: T) -> Take<Arc<Self>, T> {
        self.add_timeout_owned_on(n, Duration::MAX, timer)
    }

    /// Waits on any timer for at most `timeout`, and adds `n`. The future owns a share of the
    /// bucket.
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_timeout_on`](crate::Bucket::take_timeout_on).
    pub fn add_timeout_owned_on<T: Timer>(self: Arc<Self>, n: u64, timeout: Duration, timer: T) -> Take<Arc<Self>, T> {
        waits::take(self, [n], timeout, timer)
    }

    /// Adds `n` now, also where it does not fit, and owns a share of the bucket:
    /// [`SharedBucket::reserve_owned`](crate::bucket::SharedBucket::reserve_owned).
    ///
    /// # Errors
    ///
    /// As [`Bucket::reserve`](crate::Bucket::reserve).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{LeakyBucket, Limit, Reservation};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// let bucket = Arc::new(bucket);
    /// let place: Reservation<'static> = Arc::clone(&bucket).reserve_owned(3)?;
    /// assert_eq!(bucket.level(), 13);
    /// drop(place);
    /// assert_eq!(bucket.level(), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_owned(self: Arc<Self>, n: u64) -> Result<Reservation<'static>, Refused>
    where
        Self: Send + 'static,
    {
        self.reserve_within_owned(n, Duration::MAX)
    }

    /// Reserves, if the wait is no longer than `max_wait`, and owns a share of the bucket.
    ///
    /// # Errors
    ///
    /// As [`Bucket::reserve_within`](crate::Bucket::reserve_within).
    pub fn reserve_within_owned(self: Arc<Self>, n: u64, max_wait: Duration) -> Result<Reservation<'static>, Refused>
    where
        Self: Send + 'static,
    {
        let now = self.clock().now();
        waits::reserve_owned(self, now, [n], max_wait)
    }
}

impl<C: Clock + Sync, const S: usize> Waits<1> for LeakyBucket<C, S> {
    #[cfg(feature = "std")]
    fn queue(&self) -> &dyn Queue<1> {
        self.as_tokens().queue()
    }
}

impl<C: Clock + Sync, const S: usize> Waitable<1> for LeakyBucket<C, S> {
    fn now(&self) -> Time {
        self.clock().now()
    }

    fn read(&self) -> (Revision<1>, [u64; 1]) {
        self.as_tokens().read()
    }

    fn wait_bounds(&self) -> &WaitBounds<1> {
        self.as_tokens().wait_bounds()
    }

    fn limits_changed(&self) -> Option<&LimitsChanged> {
        self.as_tokens().limits_changed()
    }

    fn update(&self, change: &Change<'_, 1>) -> Result<(), (Revision<1>, [u64; 1])> {
        self.as_tokens().update(change)
    }

    fn is_waited_for(&self, stream: usize) -> bool {
        Waitable::is_waited_for(self.as_tokens(), stream)
    }

    fn eased(&self, now: Time) {
        Waitable::eased(self.as_tokens(), now);
    }
}
