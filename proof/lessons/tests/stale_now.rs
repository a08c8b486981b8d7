//! A packed (tokens, timestamp) word and a thread that stalled after reading the clock.
//!
//! better-bucket up to 1.0.0 takes `now - last` in 32 bits of milliseconds, wrapping: a reading
//! that is older than `last` is 49 days of refill. The crate has fixed it in 1.1.0 (one word, one
//! line, as here), whose 0.9.5 therefore stands for it: cargo does not link 1.0.0 beside 1.1.0, and
//! the engine of 0.9.5 is the same. The other crates that DESIGN has in mind are not named there;
//! metrics-lib 1.0.0, which has the same layout, saturates the difference and reads its clock after
//! the word, and so does not do this.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clock_lib::{Monotonic, Wall};
use lessons::{Hand, lesson};
use tollgate::{Limit, TokenBucket};

struct Theirs(Arc<Hand>, Monotonic);

impl clock_lib::Clock for Theirs {
    fn now(&self) -> Monotonic {
        self.1 + self.0.duration()
    }

    fn wall(&self) -> Wall {
        clock_lib::wall()
    }
}

const CAPACITY: u32 = 100;
const ROUNDS: u64 = 1000;
const MILLISECOND: Duration = Duration::from_millis(1);
/// 100 tokens at 100/s: what a second may have.
const BOUND: u64 = 200;

/// A thousand times in a second, one caller reads the clock and stalls for a millisecond, in which
/// another one takes a token. Both take what they get.
fn script(hand: &Arc<Hand>, take: impl Fn(u32) -> bool + Send + Sync + 'static) -> u64 {
    let take = Arc::new(take);
    let granted = Arc::new(AtomicU64::new(0));
    for _ in 0..ROUNDS {
        let meanwhile = (hand.clone(), take.clone(), granted.clone());
        hand.stall_next_reader(move || {
            let (hand, take, granted) = meanwhile;
            hand.advance(MILLISECOND);
            granted.fetch_add(u64::from(take(1)), Ordering::Relaxed);
        });
        if take(CAPACITY) {
            granted.fetch_add(CAPACITY.into(), Ordering::Relaxed);
        }
    }
    granted.load(Ordering::Relaxed)
}

#[test]
fn a_stale_now_grants_nothing_extra() {
    let hand = Arc::new(Hand::default());
    let clock = Theirs(hand.clone(), Monotonic::now());
    let bucket = better_bucket_0_9::Bucket::per_second(CAPACITY).with_clock(clock);
    let theirs = script(&hand, move |n| bucket.try_acquire(n));
    assert!(theirs > 36 * BOUND, "{theirs}");

    let hand = Arc::new(Hand::default());
    let bucket = TokenBucket::with_clock(Limit::per_second(CAPACITY.into()), hand.clone()).unwrap();
    let ours = script(&hand, move |n| bucket.try_take(n.into()).is_ok());
    // Whether it is the large takes or the small ones that get the tokens: never more, and at most
    // one large one is left over.
    assert!((BOUND - u64::from(CAPACITY)..=BOUND).contains(&ours), "{ours}");

    lesson(
        "better-bucket 0.9.5",
        true,
        format!("a stale `now` refills to full: {theirs} tokens where {BOUND} are allowed, {}x", theirs / BOUND),
        format!("{ours} of {BOUND}"),
    );
}
