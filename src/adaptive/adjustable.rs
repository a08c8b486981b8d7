//! Owns what `Adaptive` needs of a bucket. It never says when it is used.

use core::time::Duration;

use crate::bucket::leaky::LeakyBucket;
use crate::bucket::multi::MultiBucket;
use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::limit::limit::Limit;
use crate::limit::limit_error::LimitError;
use crate::limit::ratio::Ratio;

/// A bucket with a changeable limit, as [`Adaptive`](crate::adaptive::Adaptive) needs it.
///
/// ```
/// use tollgate::adaptive::Adjustable;
/// use tollgate::clock::ManualClock;
/// use tollgate::limit::Ratio;
/// use tollgate::{LeakyBucket, Limit};
///
/// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
/// Adjustable::set_limit(&bucket, Limit::per_second(5).capacity(10))?;
/// assert_eq!(Adjustable::fill(&&bucket), Ratio::ONE);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub trait Adjustable {
    /// Reads the bucket's clock.
    fn now(&self) -> Time;

    /// Returns the limit in force.
    fn limit(&self) -> Limit;

    /// Changes the limit from now on.
    ///
    /// Changes have one order. A thread that makes a change has seen all that earlier changers had
    /// seen.
    ///
    /// # Errors
    ///
    /// Returns a [`LimitError`] for a limit that the bucket cannot keep. Nothing is then changed.
    fn set_limit(&self, limit: Limit) -> Result<(), LimitError>;

    /// Pauses the bucket for a time: see [`MultiBucket::pause_for`].
    ///
    /// A thread that sees a later change of the limit sees this pause, too.
    fn pause_for(&self, duration: Duration);

    /// Returns the end of a pause that is in force, or was until the latest change of the limit.
    ///
    /// It is [`Time::MAX`] for a pause that lasts until the bucket is resumed. It is `None` without
    /// a pause, and after [`MultiBucket::resume`].
    fn pause_end(&self) -> Option<Time>;

    /// Returns how full the bucket is, as a leaky bucket: see [`LeakyBucket::fill`].
    fn fill(&self) -> Ratio;
}

impl<C: Clock, const S: usize> Adjustable for LeakyBucket<C, S> {
    fn now(&self) -> Time {
        self.clock().now()
    }

    fn limit(&self) -> Limit {
        Self::limit(self)
    }

    fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
        Self::set_limit(self, limit)
    }

    fn pause_for(&self, duration: Duration) {
        self.as_tokens().pause_for(duration);
    }

    fn pause_end(&self) -> Option<Time> {
        self.as_tokens().snapshot().pause_end()
    }

    fn fill(&self) -> Ratio {
        Self::fill(self)
    }
}

impl<C: Clock, const S: usize> Adjustable for MultiBucket<1, C, S> {
    fn now(&self) -> Time {
        self.clock().now()
    }

    fn limit(&self) -> Limit {
        Self::limit(self)
    }

    fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
        Self::set_limit(self, limit)
    }

    fn pause_for(&self, duration: Duration) {
        Self::pause_for(self, duration);
    }

    fn pause_end(&self) -> Option<Time> {
        self.snapshot().pause_end()
    }

    fn fill(&self) -> Ratio {
        self.snapshot().fill()
    }
}

impl<B: Adjustable + ?Sized> Adjustable for &B {
    fn now(&self) -> Time {
        (**self).now()
    }

    fn limit(&self) -> Limit {
        (**self).limit()
    }

    fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
        (**self).set_limit(limit)
    }

    fn pause_for(&self, duration: Duration) {
        (**self).pause_for(duration);
    }

    fn pause_end(&self) -> Option<Time> {
        (**self).pause_end()
    }

    fn fill(&self) -> Ratio {
        (**self).fill()
    }
}

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
mod shared {
    extern crate alloc;
    use super::{Adjustable, Duration, Limit, LimitError, Ratio, Time};

    impl<B: Adjustable + ?Sized> Adjustable for alloc::sync::Arc<B> {
        fn now(&self) -> Time {
            (**self).now()
        }

        fn limit(&self) -> Limit {
            (**self).limit()
        }

        fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
            (**self).set_limit(limit)
        }

        fn pause_for(&self, duration: Duration) {
            (**self).pause_for(duration);
        }

        fn pause_end(&self) -> Option<Time> {
            (**self).pause_end()
        }

        fn fill(&self) -> Ratio {
            (**self).fill()
        }
    }
}
