//! Owns the verbs of a leaky bucket that wait. Never waits by itself: they are those of the token
//! bucket inside.

use core::future::Future;
use core::time::Duration;

use crate::bucket::leaky::LeakyBucket;
use crate::clock::clock::Clock;
use crate::decision::refused::Refused;
use crate::wait::reservation::Reservation;
use crate::wait::timer::Timer;

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

    /// Waits on `timer` until it is the caller's turn, and adds `n`:
    /// [`Bucket::take`](crate::Bucket::take).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take`](crate::Bucket::take).
    pub fn add<T: Timer>(&self, n: u64, timer: T) -> impl Future<Output = Result<(), Refused>> {
        self.as_tokens().take([n], timer)
    }

    /// Waits on `timer` for at most `timeout`, and adds `n`:
    /// [`Bucket::take_timeout`](crate::Bucket::take_timeout).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_timeout`](crate::Bucket::take_timeout).
    pub fn add_timeout<T: Timer>(
        &self,
        n: u64,
        timeout: Duration,
        timer: T,
    ) -> impl Future<Output = Result<(), Refused>> {
        self.as_tokens().take_timeout([n], timeout, timer)
    }

    /// Waits as [`add`](Self::add) does, and returns how long it waited.
    ///
    /// That is the time between two readings of the bucket's clock: one at the first poll, and one
    /// when `n` was added.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub async fn wait<T: Timer>(&self, n: u64, timer: T) -> Result<Duration, Refused> {
        let start = self.clock().now();
        self.add(n, timer).await?;
        Ok(self.clock().now().since(start))
    }

    /// Waits on this thread until it is the caller's turn, and adds `n`:
    /// [`Bucket::take_blocking`](crate::Bucket::take_blocking).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_blocking`](crate::Bucket::take_blocking).
    #[cfg(feature = "std")]
    pub fn add_blocking(&self, n: u64) -> Result<(), Refused> {
        self.as_tokens().take_blocking([n])
    }

    /// Waits on this thread for at most `timeout`, and adds `n`:
    /// [`Bucket::take_blocking_timeout`](crate::Bucket::take_blocking_timeout).
    ///
    /// # Errors
    ///
    /// As [`Bucket::take_blocking_timeout`](crate::Bucket::take_blocking_timeout).
    #[cfg(feature = "std")]
    pub fn add_blocking_timeout(&self, n: u64, timeout: Duration) -> Result<(), Refused> {
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
