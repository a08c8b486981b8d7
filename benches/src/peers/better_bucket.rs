//! Owns better-bucket 1.1, at a supplied time and on its default clock. It never changes it.

use std::hint::black_box;
use std::time::Duration;

use better_bucket::{Bucket, BucketConfig, BucketCore};

use super::HOUR;
use crate::ticks::present;
use crate::{Contestant, EACH, FAST, Limiter, ROOM};

fn endless() -> BucketConfig {
    BucketConfig::new(u32::MAX, FAST, Duration::from_secs(1), u32::MAX).expect("a limit that can be kept")
}

fn holding(takes: u32) -> BucketConfig {
    BucketConfig::new(ROOM, 1, HOUR, takes * EACH[0]).expect("a limit that can be kept")
}

/// At a supplied time.
#[derive(Debug)]
pub struct BetterBucket(BucketCore);

impl Contestant for BetterBucket {
    type Own<'a> = Duration;

    fn own(&self) -> Duration {
        black_box(present())
    }

    #[inline(always)]
    fn decide(&self, now: &mut Duration) -> bool {
        *now += Duration::from_nanos(1);
        self.0.try_acquire_at(1, *now)
    }
}

impl Limiter for BetterBucket {
    fn granting() -> Self {
        Self(BucketCore::new(endless(), Duration::ZERO))
    }

    fn holding(takes: u32) -> Self {
        Self(BucketCore::new(holding(takes), present()))
    }
}

/// On its default clock.
#[derive(Debug)]
pub struct BetterBucketOnClock(Bucket);

impl Contestant for BetterBucketOnClock {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_acquire(1)
    }
}

impl Limiter for BetterBucketOnClock {
    fn granting() -> Self {
        Self(Bucket::from_config(endless()))
    }

    fn holding(takes: u32) -> Self {
        Self(Bucket::from_config(holding(takes)))
    }
}
