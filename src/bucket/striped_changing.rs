//! Owns the verbs that change the limits of a bucket with stripes, or pause it. Never decides.

use core::time::Duration;

use crate::bucket::striped::StripedBucket;
use crate::clock::clock::Clock;
use crate::decision::awaited::Awaited;
use crate::limit::limit::Limit;
use crate::limit::limit_error::LimitError;
use crate::state::store::Store;

impl<const N: usize, C: Clock> StripedBucket<N, C> {
    /// Changes the limits of all streams at one instant, and keeps the level:
    /// [`MultiBucket::set_limits`](crate::MultiBucket::set_limits).
    ///
    /// What lies on stripes is brought home before it. What does not fit there is lost: at most the
    /// [share](Self::share). Changes and resets take a lock of their own; takers never do.
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::set_limits`](crate::MultiBucket::set_limits).
    ///
    /// ```
    /// use tollgate::bucket::StripedBucket;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::Limit;
    ///
    /// let limits = [Limit::per_second(1000)];
    /// let bucket = StripedBucket::with_stripes(limits, ManualClock::new(), 2)?;
    /// (0..600).for_each(|_| bucket.try_take([1]).expect("there are 1000"));
    /// bucket.set_limits([Limit::per_second(10_000)])?;
    /// assert_eq!((bucket.available(), bucket.share()), ([400], [1250]));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn set_limits(&self, limits: [Limit; N]) -> Result<(), LimitError> {
        let changed = self.queued.words.set_limits(|| self.clock.now(), limits, || self.awaited());
        // Also after a change that is refused: it has brought home what lay on stripes.
        self.queued.retime(self.clock.now());
        changed
    }

    /// Pauses the bucket until it is [resumed](Self::resume):
    /// [`MultiBucket::pause`](crate::MultiBucket::pause).
    pub fn pause(&self) {
        self.pause_for(Duration::MAX);
    }

    /// Pauses the bucket for a time: [`MultiBucket::pause_for`](crate::MultiBucket::pause_for).
    ///
    /// At its end the bucket has what it had, but no more than the capacity less the
    /// [share](Self::share).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::bucket::StripedBucket;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::Limit;
    ///
    /// let limits = [Limit::per_second(1000)];
    /// let bucket = StripedBucket::with_stripes(limits, ManualClock::new(), 2)?;
    /// (0..300).for_each(|_| bucket.try_take([1]).expect("there are 1000"));
    /// bucket.pause_for(Duration::from_secs(3));
    /// assert_eq!(bucket.try_take([1]).unwrap_err().wait(), Some(Duration::from_secs(3)));
    /// bucket.clock().advance(Duration::from_secs(3));
    /// assert_eq!(bucket.available(), [700]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn pause_for(&self, duration: Duration) {
        self.queued.words.versions.pause_for(|| self.clock.now(), duration, || self.awaited());
        let now = self.clock.now();
        self.queued.recall(now);
        self.queued.retime(now);
    }

    /// Ends a pause: [`MultiBucket::resume`](crate::MultiBucket::resume).
    pub fn resume(&self) {
        self.queued.words.versions.resume(|| self.clock.now(), || self.awaited());
        self.queued.retime(self.clock.now());
    }

    /// Returns the time until a pause ends:
    /// [`MultiBucket::pause_left`](crate::MultiBucket::pause_left).
    pub fn pause_left(&self) -> Option<Duration> {
        self.queued.words.versions.snapshot(self.clock.now()).pause_left()
    }

    /// Returns the limits as they were given.
    ///
    /// ```
    /// use tollgate::bucket::StripedBucket;
    /// use tollgate::Limit;
    ///
    /// let bucket = StripedBucket::new([Limit::per_second(100_000)])?;
    /// assert_eq!(bucket.limits(), [Limit::per_second(100_000)]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn limits(&self) -> [Limit; N] {
        self.queued.words.configured()
    }

    /// What the first of those who wait may use.
    fn awaited(&self) -> Awaited<N> {
        self.queued.awaited(self.wait_bounds.grace)
    }
}
