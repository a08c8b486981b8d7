//! Owns the verbs of a leaky bucket that wait. Never waits by itself: they are those of the token
//! bucket inside.

use core::time::Duration;

use crate::bucket::leaky::LeakyBucket;
use crate::bucket::multi::MultiBucket;
use crate::clock::clock::Clock;
#[cfg(feature = "std")]
use crate::decision::granted::Granted;
use crate::decision::refused::Refused;
use crate::wait::reservation::Reservation;
use crate::wait::take::Take;
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;

impl<C: Clock + Sync, const S: usize> LeakyBucket<C, S> {
    /// Adds `n` now, also where it does not fit: [`Bucket::reserve`](crate::Bucket::reserve).
    ///
    /// # Errors
    ///
    /// As [`Bucket::reserve`](crate::Bucket::reserve).
    pub fn reserve(&self, n: u64) -> Result<Reservation<'_>, Refused> {
        self.as_tokens().reserve([n])
    }

    /// Reserves, if the wait is short enough:
    /// [`Bucket::reserve_within`](crate::Bucket::reserve_within).
    ///
    /// # Errors
    ///
    /// As [`Bucket::reserve_within`](crate::Bucket::reserve_within).
    pub fn reserve_within(&self, n: u64, max_wait: Duration) -> Result<Reservation<'_>, Refused> {
        self.as_tokens().reserve_within([n], max_wait)
    }

    /// Waits on tokio's timer until it is the caller's turn, and adds `n`:
    /// [`Bucket::take`](crate::Bucket::take).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take`](crate::Bucket::take).
    #[cfg(feature = "tokio")]
    pub fn add(&self, n: u64) -> Take<&MultiBucket<1, C, S>, TokioTimer> {
        self.as_tokens().take([n])
    }

    /// Waits on tokio's timer for at most `timeout`, and adds `n`:
    /// [`Bucket::take_timeout`](crate::Bucket::take_timeout).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_timeout`](crate::Bucket::take_timeout).
    #[cfg(feature = "tokio")]
    pub fn add_timeout(&self, n: u64, timeout: Duration) -> Take<&MultiBucket<1, C, S>, TokioTimer> {
        self.as_tokens().take_timeout([n], timeout)
    }

    /// Waits on any timer until it is the caller's turn, and adds `n`:
    /// [`Bucket::take_on`](crate::Bucket::take_on).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_on`](crate::Bucket::take_on).
    pub fn add_on<T: Timer>(&self, n: u64, timer: T) -> Take<&MultiBucket<1, C, S>, T> {
        self.as_tokens().take_on([n], timer)
    }

    /// Waits on any timer for at most `timeout`, and adds `n`:
    /// [`Bucket::take_timeout_on`](crate::Bucket::take_timeout_on).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_timeout_on`](crate::Bucket::take_timeout_on).
    pub fn add_timeout_on<T: Timer>(&self, n: u64, timeout: Duration, timer: T) -> Take<&MultiBucket<1, C, S>, T> {
        self.as_tokens().take_timeout_on([n], timeout, timer)
    }

    /// Waits as [`add_on`](Self::add_on) does, and returns how long it waited.
    ///
    /// That is the time between two readings of the bucket's clock: one at the first poll, and one
    /// when `n` was added.
    ///
    /// # Errors
    ///
    /// As [`add_on`](Self::add_on).
    pub async fn wait_on<T: Timer>(&self, n: u64, timer: T) -> Result<Duration, Refused> {
        let start = self.clock().now();
        self.add_on(n, timer).await?;
        Ok(self.clock().now().since(start))
    }

    /// Waits on this thread until it is the caller's turn, and adds `n`:
    /// [`Bucket::take_blocking`](crate::Bucket::take_blocking).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_blocking`](crate::Bucket::take_blocking).
    #[cfg(feature = "std")]
    pub fn add_blocking(&self, n: u64) -> Result<Granted, Refused> {
        self.as_tokens().take_blocking([n])
    }

    /// Waits on this thread for at most `timeout`, and adds `n`:
    /// [`Bucket::take_blocking_timeout`](crate::Bucket::take_blocking_timeout).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_blocking_timeout`](crate::Bucket::take_blocking_timeout).
    #[cfg(feature = "std")]
    pub fn add_blocking_timeout(&self, n: u64, timeout: Duration) -> Result<Granted, Refused> {
        self.as_tokens().take_blocking_timeout([n], timeout)
    }

    /// Waits as [`add_blocking`](Self::add_blocking) does, and returns how long it waited.
    ///
    /// # Errors
    ///
    /// As [`add_blocking`](Self::add_blocking).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let bucket = LeakyBucket::full(Limit::per_second(1000))?;
    /// assert!(bucket.wait_blocking(2)? > Duration::ZERO);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn wait_blocking(&self, n: u64) -> Result<Duration, Refused> {
        let start = self.clock().now();
        self.add_blocking(n)?;
        Ok(self.clock().now().since(start))
    }
}
