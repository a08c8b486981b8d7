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

/// A clock that was set back by an hour for good.
mod set_back {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tollgate::clock::Recovering;

    use super::*;

    const HOUR: u64 = 3600 * SECOND;

    fn at_two_hours() -> ManualClock {
        ManualClock::starting_at(nanos(2 * HOUR))
    }

    /// Has shown 2 h when the step comes.
    fn recovering(inner: &ManualClock) -> Recovering<&ManualClock> {
        let clock = Recovering::new(inner);
        assert_eq!(clock.now(), nanos(2 * HOUR));
        clock
    }

    /// How long callers are refused who ask every 10 ms.
    fn refused_for(inner: &ManualClock, mut asks: impl FnMut() -> bool) -> Duration {
        let start = inner.now();
        while !asks() {
            assert!(inner.now().since(start) < Duration::from_secs(10));
            inner.advance(Duration::from_millis(10));
        }
        inner.now().since(start)
    }

    #[test]
    fn what_there_was_is_granted_at_once_and_the_rest_after_the_patience() {
        let inner = at_two_hours();
        let clock = recovering(&inner);
        let one = TokenBucket::with_clock(Limit::per_second(10), &clock).unwrap();
        let two = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(1000)], &clock).unwrap();
        one.try_take(9).unwrap();
        two.try_take([9, 9]).unwrap();
        inner.set(nanos(HOUR));
        assert_eq!(refused_for(&inner, || one.try_take(1).is_ok()), Duration::ZERO);
        assert_eq!(refused_for(&inner, || two.try_take([1, 1]).is_ok()), Duration::ZERO);
        assert_eq!(refused_for(&inner, || one.try_take(1).is_ok()), Duration::from_secs(1));
        assert_eq!(refused_for(&inner, || two.try_take([1, 1]).is_ok()), Duration::ZERO);
        assert_eq!((one.available(), two.available()), (9, [9, 999]), "what the patience brought");
    }

    #[test]
    fn without_it_everybody_is_refused_for_the_hour() {
        let inner = ManualClock::starting_at(nanos(2 * HOUR));
        let bucket = TokenBucket::with_clock(Limit::per_second(10), &inner).unwrap();
        inner.advance(Duration::from_secs(3600));
        bucket.try_take(1).unwrap();
        inner.set(nanos(2 * HOUR));
        inner.advance(Duration::from_secs(3599));
        assert!(bucket.try_take(1).is_err());
        inner.advance(Duration::from_secs(1));
        assert!(bucket.try_take(1).is_ok());
    }

    #[test]
    #[cfg(feature = "keys")]
    fn keys_are_granted_as_before() {
        use tollgate::KeyedBuckets;

        let inner = at_two_hours();
        let clock = recovering(&inner);
        let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, &clock).unwrap();
        for key in 0..2000 {
            keys.try_take(&key, 1).unwrap();
            inner.advance(Duration::from_millis(10));
        }
        inner.set(nanos(HOUR));
        assert_eq!(refused_for(&inner, || keys.try_take(&1999, 1).is_ok()), Duration::ZERO);
        let most = Duration::from_secs(1);
        assert!(refused_for(&inner, || keys.try_take(&999_999, 1).is_ok()) <= most);
    }

    #[test]
    fn a_waiter_waits_for_no_more_than_the_patience_and_its_turn() {
        let inner = at_two_hours();
        let clock = recovering(&inner);
        let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), &clock).unwrap();
        let place = bucket.reserve(10).unwrap();
        inner.set(nanos(HOUR));
        assert_eq!(refused_for(&inner, || place.remaining().is_zero()), Duration::from_secs(1));
    }

    #[test]
    fn a_step_that_is_taken_back_after_it_was_believed_counts_once_more() {
        for (capacity, gained) in [(1_000_000, 36_000), (1_000, 1_000)] {
            let inner = at_two_hours();
            let clock = recovering(&inner);
            let limit = Limit::per_second(10).capacity(capacity).empty();
            let bucket = TokenBucket::with_clock(limit, &clock).unwrap();
            inner.set(nanos(HOUR));
            assert_eq!(bucket.available(), 0);
            inner.advance(Duration::from_secs(1));
            assert_eq!(bucket.available(), 10);
            inner.advance(Duration::from_secs(3600));
            assert_eq!(bucket.available(), capacity.min(10 + gained), "the hour of the step, and no more");
        }
    }

    #[test]
    fn a_step_that_is_taken_back_before_it_is_believed_counts_nothing() {
        let inner = at_two_hours();
        let clock = recovering(&inner);
        let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), &clock).unwrap();
        inner.set(nanos(HOUR));
        assert_eq!(bucket.available(), 0);
        inner.advance(Duration::from_millis(999));
        assert_eq!(bucket.available(), 0);
        inner.set(nanos(2 * HOUR + SECOND));
        assert_eq!(bucket.available(), 10);
    }

    proptest! {
        #![proptest_config(common::config(500, "tests/clock.proptest-regressions"))]

        /// Whatever the clock does, a bucket that is drained at each step grants no more than what
        /// accrues while the clock goes forward.
        #[test]
        fn no_clock_brings_more_than_it_goes_forward(
            moves in vec((any::<bool>(), 0_u64..3 * SECOND, 0_u32..4), 1..200),
            patience in 0_u64..2 * SECOND,
        ) {
            let inner = ManualClock::starting_at(nanos(1000 * SECOND));
            let clock = Recovering::new(&inner).with_patience(Duration::from_nanos(patience));
            let bucket = TokenBucket::with_clock(Limit::per_second(1000).empty(), &clock).unwrap();
            let (mut forward, mut granted) = (0, 0);
            for (back, by, scale) in moves {
                let by = by >> (8 * scale);
                let now = inner.now().as_nanos();
                if back {
                    inner.set(nanos(now - by));
                } else {
                    inner.set(nanos(now + by));
                    forward += by;
                }
                granted += bucket.take_up_to(u64::MAX);
                prop_assert!(granted <= forward / 1_000_000, "{granted} in {forward} ns");
            }
        }
    }

    /// A clock whose readings are the true time less all steps back: threads that read it while it
    /// steps show no more than the true time.
    #[test]
    fn steps_back_beside_readings_mint_nothing() {
        let truth = AtomicU64::new(SECOND);
        let inner = ManualClock::starting_at(nanos(SECOND));
        let clock = Recovering::new(&inner).with_patience(Duration::from_millis(10));
        let first = clock.now().as_nanos();
        let done = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while done.load(portable_atomic::Ordering::SeqCst) == 0 {
                        let shown = clock.now().as_nanos();
                        let truth = truth.load(portable_atomic::Ordering::SeqCst);
                        assert!(shown <= truth, "{} ns ahead", shown - truth);
                    }
                });
            }
            let mut back = 0;
            for i in 1..=40_000_u64 {
                let now = SECOND + i * 1_000_000;
                truth.store(now, portable_atomic::Ordering::SeqCst);
                // By up to 0.2 s every 200 ms: some are believed, some made up for.
                back += if i % 200 == 0 { (i * 7919) % 200_000_000 } else { 0 };
                inner.set(nanos(now.saturating_sub(back)));
                clock.now();
            }
            done.store(1, portable_atomic::Ordering::SeqCst);
        });
        let (shown, passed) = (clock.now().as_nanos() - first, 40 * SECOND);
        // A step stops the time shown for some 20 of its 200 ms, longer if threads are stopped.
        assert!(shown <= passed && shown >= passed / 2, "{shown} of {passed}");
    }
}

#[cfg(all(feature = "boot-clock", any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
#[test]
fn the_boot_clock_counts_at_least_what_the_standard_clock_counts_and_has_one_origin() {
    use tollgate::clock::BootClock;

    let before = BootClock::new().now();
    let instant = std::time::Instant::now();
    thread::sleep(Duration::from_millis(20));
    let passed = instant.elapsed();
    let after = BootClock::default().now();
    assert!(after.since(before) >= passed, "{:?} of {passed:?}", after.since(before));
    #[cfg(target_os = "linux")]
    assert!(before > nanos(SECOND), "since the boot: {before:?}");
}
