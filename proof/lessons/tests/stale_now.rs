//! A packed (tokens, timestamp) word fails a thread that stalled after reading the clock.
//!
//! better-bucket up to 1.0.0 takes `now - last` in 32 bits of milliseconds, wrapping. A reading
//! older than `last` then counts as 49 days of refill. Version 1.1.0 has fixed it, with one word
//! and a linear refill, as here. So version 0.9.5, which has the engine of 1.0.0, stands for it:
//! cargo does not link 1.0.0 beside 1.1.0.
//!
//! DESIGN does not name the other crates that it means. metrics-lib 1.0.0 packs its word alike, but
//! does not fail. It saturates the difference, and reads its clock after the word.

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
/// The most grants in a second: a burst of 100 and 100 at 100/s.
const BOUND: u64 = 200;

/// Lets one caller stall after reading the clock, a thousand times in a second.
///
/// Each stall lasts a millisecond, in which another caller takes a token. Both take what they can.
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
    // Large or small takes may get the tokens. Together they never get more, and leave less than a
    // large take.
    assert!((BOUND - u64::from(CAPACITY)..=BOUND).contains(&ours), "{ours}");

    lesson(
        "better-bucket 0.9.5",
        true,
        format!("a stale `now` refills to full: {theirs} tokens where {BOUND} are allowed, {}x", theirs / BOUND),
        format!("{ours} of {BOUND}"),
    );
}
