//! Keyed limiters that drop a key after a while, however empty its bucket is: who comes back finds a full one. Ours: DESIGN section 6.

use std::sync::Arc;
use std::time::Duration;

use lessons::{Hand, later};
use tokio_rate_limit::Algorithm;
use volga_rate_limiter::RateLimiter;

const CAPACITY: u64 = 10;

/// Idle for five seconds at one token a minute: nothing has come back, unless the key was dropped.
#[test]
fn later_eviction_never_resets_a_limit_in_tokio_rate_limit() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let granted = runtime.block_on(async {
        // Its rate is a whole number per second, so 0 shows it best.
        let bucket = tokio_rate_limit::algorithm::TokenBucket::with_ttl(CAPACITY, 0, Duration::from_secs(4));
        while bucket.check("mallory").permitted {}
        tokio::time::advance(Duration::from_secs(5)).await;
        // One call in a hundred sweeps: with ten thousand, one did.
        for _ in 0..10_000 {
            let _ = bucket.check("somebody else");
        }
        (0..CAPACITY).filter(|_| bucket.check("mallory").permitted).count()
    });
    assert_eq!(granted as u64, CAPACITY);
    later(
        "tokio-rate-limit 0.10.0",
        format!("FAULT SHOWN: a key that waits 5 s (TTL 4 s) at a rate of 0 has {granted} of {CAPACITY} tokens again"),
        "section 6",
    );
}

struct Theirs(Arc<Hand>);

impl volga_rate_limiter::TimeSource for Theirs {
    fn now_micros(&self) -> u64 {
        self.0.nanos() / 1000
    }
}

#[test]
fn later_eviction_never_resets_a_limit_in_volga() {
    let hand = Arc::new(Hand::default());
    let limiter = volga_rate_limiter::TokenBucketRateLimiter::with_time_source(CAPACITY, 0.01, Theirs(hand.clone()));
    while limiter.check(7) {}
    // A minute is the default; 0.6 tokens have accrued.
    hand.advance(Duration::from_secs(61));
    let granted = (0..CAPACITY).filter(|_| limiter.check(7)).count();
    assert_eq!(granted as u64, CAPACITY);
    later(
        "volga-rate-limiter 0.14.1",
        format!("FAULT SHOWN: a key that waits 61 s at 36/h has {granted} of {CAPACITY} tokens again"),
        "section 6",
    );
}
