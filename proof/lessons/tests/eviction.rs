//! Keyed limiters that drop a key after a while, however empty its bucket is: who comes back finds
//! a full one.

use std::sync::Arc;
use std::time::Duration;

use lessons::{Hand, lesson};
use tokio_rate_limit::Algorithm;
use tollgate::clock::ManualClock;
use tollgate::{KeyedBuckets, Limit};
use volga_rate_limiter::RateLimiter;

const CAPACITY: u64 = 10;

/// The same for ours: what a key that used up its tokens is granted after so long an idle time, at
/// 36 an hour, while others come and go. The others are full again when it comes, and there is no
/// room for new ones unless those are removed.
fn ours(idle: Duration) -> u64 {
    const KEYS: usize = 100;
    let clock = ManualClock::new();
    let clients =
        KeyedBuckets::<String, 1, _>::with_clock(Limit::per_hour(36).capacity(CAPACITY), KEYS, &clock).unwrap();
    let others =
        |from: usize| (from..from + KEYS - 1).filter(|i| clients.try_take(&format!("other {i}"), 1).is_ok()).count();
    assert_eq!(others(0), KEYS - 1);
    clock.advance(Duration::from_secs(100));
    assert_eq!(clients.take_up_to("mallory", CAPACITY, 1), CAPACITY);
    clock.advance(idle);
    clients.shrink();
    assert_eq!(clients.len(), 1);
    // The first find room; those after them make for looking at each place again and again.
    assert_eq!((1..100).map(|i| others(i * KEYS)).sum::<usize>(), KEYS - 1);
    clients.take_up_to("mallory", CAPACITY, 1)
}

/// Idle for five seconds at one token a minute: nothing has come back, unless the key was dropped.
#[test]
fn eviction_never_resets_a_limit_in_tokio_rate_limit() {
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
    let ours = ours(Duration::from_secs(5));
    assert_eq!((granted as u64, ours), (CAPACITY, 0));
    lesson(
        "tokio-rate-limit 0.10.0",
        true,
        format!("a key that waits 5 s (TTL 4 s) at a rate of 0 has {granted} of {CAPACITY} tokens again"),
        format!("{ours} at 36/h"),
    );
}

struct Theirs(Arc<Hand>);

impl volga_rate_limiter::TimeSource for Theirs {
    fn now_micros(&self) -> u64 {
        self.0.nanos() / 1000
    }
}

#[test]
fn eviction_never_resets_a_limit_in_volga() {
    let hand = Arc::new(Hand::default());
    let limiter = volga_rate_limiter::TokenBucketRateLimiter::with_time_source(CAPACITY, 0.01, Theirs(hand.clone()));
    while limiter.check(7) {}
    // A minute is the default; 0.6 tokens have accrued.
    hand.advance(Duration::from_secs(61));
    let granted = (0..CAPACITY).filter(|_| limiter.check(7)).count();
    let ours = ours(Duration::from_secs(61));
    assert_eq!((granted as u64, ours), (CAPACITY, 0));
    lesson(
        "volga-rate-limiter 0.14.1",
        true,
        format!("a key that waits 61 s at 36/h has {granted} of {CAPACITY} tokens again"),
        ours,
    );
}
