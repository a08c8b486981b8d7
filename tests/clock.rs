//! A bucket reads its clock once per decision, and takes what it reads.

mod common;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::nanos;
use portable_atomic::{AtomicU64, Ordering::Relaxed};
use tollgate::clock::{ManualClock, Monotonic, Time};
use tollgate::{Clock, Limit, MultiBucket, TokenBucket};

const SECOND: u64 = 1_000_000_000;

#[test]
fn a_bucket_follows_a_clock_that_it_shares() {
    let clock = Arc::new(ManualClock::new());
    let single = TokenBucket::with_clock(Limit::per_second(10).empty(), &*clock).unwrap();
    let double = MultiBucket::with_clock([Limit::per_second(10).empty(); 2], &*clock).unwrap();
    let handle = double.handle().unwrap();
    for tokens in 0..=10 {
        assert_eq!((single.available(), double.available(), handle.available()), (tokens, [tokens; 2], [tokens; 2]));
        clock.advance(Duration::from_millis(100));
    }
}

#[test]
#[cfg(feature = "alloc")]
fn a_clock_may_be_owned_shared_or_boxed() {
    let clock = Arc::new(ManualClock::new());
    let shared = TokenBucket::with_clock(Limit::per_second(10).empty(), Arc::clone(&clock)).unwrap();
    let boxed: Box<dyn Clock + Send + Sync> = Box::new(Monotonic::new(Arc::clone(&clock)));
    let boxed = TokenBucket::with_clock(Limit::per_second(10).empty(), boxed).unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!((shared.available(), boxed.available()), (10, 10));
}

/// Of whatever is there by default; the time between two readings is nobody's promise.
#[test]
fn a_bucket_on_the_default_clock_begins_as_its_limit_says() {
    let single = TokenBucket::new(Limit::per_day(10)).unwrap();
    let double = MultiBucket::new([Limit::per_day(10), Limit::per_second(0).capacity(5).empty()]).unwrap();
    assert!(single.try_take(10).is_ok() && double.try_take([10, 0]).is_ok());
    assert!(double.try_take([0, 1]).is_err());
}

#[test]
fn a_monotonic_clock_shows_a_bucket_the_newest_reading() {
    let inner = ManualClock::starting_at(nanos(SECOND));
    let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), Monotonic::new(&inner)).unwrap();
    inner.set(nanos(2 * SECOND));
    assert_eq!(bucket.available(), 10);
    inner.set(nanos(SECOND));
    assert_eq!(bucket.available(), 10);
    assert_eq!(bucket.clock().now(), nanos(2 * SECOND));
    bucket.try_take(10).unwrap();
    inner.set(nanos(2 * SECOND + SECOND / 2));
    assert_eq!(bucket.available(), 5);
}

/// Stands still, and counts how often it was read.
struct Counting(AtomicU64);

impl Clock for Counting {
    fn now(&self) -> Time {
        self.0.fetch_add(1, Relaxed);
        Time::ZERO
    }
}

#[test]
fn a_decision_reads_the_clock_once_whatever_the_number_of_streams() {
    fn reads<const N: usize>() {
        let clock = Counting(AtomicU64::new(0));
        let bucket = MultiBucket::with_clock([Limit::per_second(10); N], &clock).unwrap();
        let handle = bucket.handle().unwrap();
        let once = |verb: &str, act: &mut dyn FnMut()| {
            let before = clock.0.load(Relaxed);
            act();
            assert_eq!(clock.0.load(Relaxed) - before, 1, "{verb} of {N} streams");
        };
        once("a grant", &mut || bucket.try_take([1; N]).map(drop).unwrap());
        once("a refusal", &mut || assert!(bucket.try_take([10; N]).is_err_and(|refused| refused.wait().is_some())));
        once("take_up_to", &mut || assert_eq!(bucket.take_items(2, [1; N]), 2));
        once("put_back", &mut || bucket.put_back([1; N]));
        once("available", &mut || assert_eq!(bucket.available(), [8; N]));
        once("wait_for", &mut || assert!(bucket.wait_for([10; N]).is_ok()));
        once("snapshot", &mut || assert_eq!(bucket.snapshot().available(), [8; N]));
        once("a grant by handle", &mut || handle.try_take([1; N]).map(drop).unwrap());
        once("a refusal by handle", &mut || assert!(handle.try_take([10; N]).is_err()));
    }
    reads::<1>();
    reads::<2>();
    reads::<8>();
    let clock = Counting(AtomicU64::new(0));
    let bucket = TokenBucket::with_clock(Limit::per_second(10), &clock).unwrap();
    let before = clock.0.load(Relaxed);
    assert!(bucket.try_take(10).is_ok() && bucket.try_take(1).is_err_and(|refused| refused.wait().is_some()));
    assert_eq!(clock.0.load(Relaxed) - before, 2);
}

#[test]
fn a_monotonic_clock_goes_back_in_no_thread() {
    let inner = ManualClock::new();
    let clock = Monotonic::new(&inner);
    thread::scope(|scope| {
        for thread in 0..4 {
            let (clock, inner) = (&clock, &inner);
            scope.spawn(move || {
                let mut newest = Time::ZERO;
                for i in 0..10_000 {
                    // Two threads set the clock forward, two set it back.
                    inner.set(nanos(if thread % 2 == 0 { i * 10 } else { 100_000 - i }));
                    let now = clock.now();
                    assert!(now >= newest, "thread {thread}, step {i}: {now:?} after {newest:?}");
                    newest = now;
                }
            });
        }
    });
}
