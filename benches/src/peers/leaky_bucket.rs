//! Owns leaky-bucket 1.1 in its default mode, which is fair. It never uses the other mode, which is
//! faster and loses tokens: see the lessons.

use std::time::Duration;

use leaky_bucket::RateLimiter;

use super::HOUR;
use crate::{Contestant, EACH, Limiter, ROOM};

/// More tokens than a measurement can take, and few enough to fit beside its flags.
const PLENTY: usize = 1 << 40;

#[derive(Debug)]
pub struct LeakyBucket(RateLimiter);

impl Contestant for LeakyBucket {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_acquire(1)
    }
}

impl Limiter for LeakyBucket {
    fn granting() -> Self {
        let mut builder = RateLimiter::builder();
        Self(builder.interval(Duration::from_millis(1)).refill(1_000_000).max(PLENTY).initial(PLENTY).build())
    }

    fn holding(takes: u32) -> Self {
        let initial = (takes * EACH[0]) as usize;
        Self(RateLimiter::builder().interval(HOUR).refill(1).max(ROOM as usize).initial(initial).build())
    }
}
