//! Keyed limiters that evict a key after a while, however empty its bucket: when the client
//! returns, its bucket is full.

use std::sync::Arc;
use std::time::Duration;

use lessons::{Hand, lesson};
use tokio_rate_limit::Algorithm;
use tollgate::clock::ManualClock;
use tollgate::{KeyedBuckets, Limit};
use volga_rate_limiter::RateLimiter;

const CAPACITY: u64 = 10;

/// Returns what our empty key is granted after the idle time.
///
/// The rate is 36 an hour, and other keys come and go meanwhile. They are full again when the key
/// comes, and new keys find no place unless the others are evicted.
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
    // The first keys find a place. The later ones make the table look at each place again and
    // again.
    assert_eq!((1..100).map(|i| others(i * KEYS)).sum::<usize>(), KEYS - 1);
    clients.take_up_to("mallory", CAPACITY, 1)
}

/// Five idle seconds at one token a minute refill nothing, unless the key is evicted.
#[test]
fn eviction_never_resets_a_limit_in_tokio_rate_limit() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let granted = runtime.block_on(async {
        // The peer's rate is a whole number per second, so 0 shows it best.
        let bucket = tokio_rate_limit::algorithm::TokenBucket::with_ttl(CAPACITY, 0, Duration::from_secs(4));
        while bucket.check("mallory").permitted {}
        tokio::time::advance(Duration::from_secs(5)).await;
        // One call in a hundred sweeps: of ten thousand, some did.
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
