//! The leaky face: a level where a token bucket has tokens, rounded the other way, and above the
//! capacity where somebody waits.

mod common;

use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{Naive, config, nanos};
use proptest::prelude::*;
use tollgate::clock::ManualClock;
use tollgate::limit::Ratio;
use tollgate::wait::Timer;
use tollgate::{LeakyBucket, Limit, MultiBucket, Never, Refused};

type Bucket<'a> = LeakyBucket<&'a ManualClock>;

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn an_empty_one_is_full_of_tokens_and_a_full_one_has_none() {
    for written in [Limit::per_second(10).full(), Limit::per_second(10).empty()] {
        let clock = ManualClock::new();
        let (empty, full) =
            (Bucket::empty_with_clock(written, &clock).unwrap(), Bucket::full_with_clock(written, &clock).unwrap());
        assert_eq!((empty.level(), empty.room(), empty.as_tokens().available()), (0, 10, [10]));
        assert_eq!((full.level(), full.room(), full.as_tokens().available()), (10, 0, [0]));
        assert_eq!((empty.fill(), full.fill()), (Ratio::ZERO, Ratio::ONE));
    }
}

#[test]
fn as_a_meter_its_level_stays_within_its_capacity() {
    let clock = ManualClock::new();
    let bucket = Bucket::empty_with_clock(Limit::per_second(10).capacity(4), &clock).unwrap();
    assert_eq!(bucket.try_add(5), Err(Refused::Never(Never { stream: 0, requested: 5, capacity: 4 })));
    assert!(bucket.try_add(4).is_ok());
    assert_eq!(bucket.try_add(1).unwrap_err().wait(), Some(100 * MILLISECOND));
    assert_eq!((bucket.level(), bucket.add_up_to(9)), (4, 0));
    clock.advance(Duration::from_secs(100));
    assert_eq!((bucket.level(), bucket.add_up_to(9), bucket.level()), (0, 4, 4));
    bucket.remove(u64::MAX);
    assert_eq!(bucket.level(), 0);
}

#[test]
fn as_a_queue_its_level_is_the_capacity_and_those_who_wait() {
    let clock = ManualClock::new();
    let bucket = Bucket::empty_with_clock(Limit::per_second(10).capacity(4), &clock)
        .unwrap()
        .with_max_debt(6)
        .with_max_wait(550 * MILLISECOND);
    bucket.try_add(4).unwrap();
    let (first, second) = (bucket.reserve(3).unwrap(), bucket.reserve(2).unwrap());
    assert_eq!((bucket.level(), bucket.fill(), bucket.room()), (9, Ratio::percent(225), 0));
    assert_eq!((bucket.has_room(0).missing, bucket.has_room(1).missing), (0, 6));
    assert_eq!((first.remaining(), second.remaining()), (Some(300 * MILLISECOND), Some(500 * MILLISECOND)));
    // The one bound, and then the other.
    assert_eq!(bucket.reserve(1).unwrap_err().wait(), Some(600 * MILLISECOND));
    clock.advance(50 * MILLISECOND);
    assert!(bucket.reserve(2).is_err());
    assert_eq!(bucket.reserve(1).map(|place| place.commit()), Ok(()));
    drop(second);
    assert_eq!((bucket.level(), first.remaining()), (8, Some(250 * MILLISECOND)));
    first.commit();
}

/// Sleeping is moving the clock.
struct Skip<'a>(&'a ManualClock);

impl Timer for Skip<'_> {
    type Sleep = Ready<()>;

    fn sleep(&self, duration: Duration) -> Ready<()> {
        self.0.advance(duration);
        ready(())
    }
}

/// The value of a future that never has to be woken.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let Poll::Ready(value) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else { panic!("it waits") };
    value
}

#[test]
fn a_wait_is_as_long_as_was_told_beforehand() {
    let clock = ManualClock::new();
    let bucket = Bucket::full_with_clock(Limit::per_second(7), &clock).unwrap();
    for n in [1, 7, 0, 3] {
        let told = bucket.wait_for(n).unwrap().unwrap();
        assert_eq!(at_once(bucket.wait_on(n, Skip(&clock))), Ok(told), "{n}");
        assert_eq!(bucket.has_room(1).missing, 1);
    }
    assert_eq!(at_once(bucket.add_on(1, Skip(&clock))).map(drop), Ok(()));
    assert!(at_once(bucket.wait_on(8, Skip(&clock))).is_err());
    let told = bucket.wait_for(2).unwrap().unwrap();
    assert!(at_once(bucket.add_timeout_on(2, told - Duration::from_nanos(1), Skip(&clock))).is_err());
    assert_eq!(at_once(bucket.add_timeout_on(2, told, Skip(&clock))).map(drop), Ok(()));
}

#[test]
#[cfg(feature = "std")]
fn a_thread_that_waits_says_for_how_long() {
    let bucket = LeakyBucket::full_with_clock(Limit::per_second(1000), tollgate::clock::InstantClock::new()).unwrap();
    assert!(bucket.wait_blocking(2).unwrap() > Duration::ZERO);
    assert_eq!(bucket.add_blocking(1).map(drop), Ok(()));
    assert!(bucket.add_blocking_timeout(900, MILLISECOND).is_err());
}

#[test]
fn another_rate_drains_from_now_on() {
    let clock = ManualClock::new();
    let limit = |rate| Limit::per_second(rate).capacity(100);
    let bucket = Bucket::full_with_clock(limit(10), &clock).unwrap();
    clock.advance(Duration::from_secs(2));
    bucket.set_limit(limit(1)).unwrap();
    assert_eq!(bucket.level(), 80);
    clock.advance(Duration::from_secs(2));
    bucket.at(nanos(4_000_000_000)).set_limit(limit(30)).unwrap();
    assert_eq!((bucket.level(), bucket.at(nanos(5_000_000_000)).level()), (78, 48));
    assert_eq!(bucket.limit().rate.to_string(), "30/s");
}

#[test]
fn it_may_begin_as_a_bucket_with_slots_of_its_own() {
    let tokens = MultiBucket::<1, _, 7>::with_slots([Limit::per_second(10)], ManualClock::new()).unwrap();
    let bucket = LeakyBucket::from(tokens);
    bucket.reset(3);
    assert_eq!((bucket.level(), bucket.capacity(), bucket.at(nanos(100_000_000)).level()), (3, 10, 2));
    bucket.reset(u64::MAX);
    assert_eq!(bucket.level(), 10);
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Pass(u64),
    Add(u64),
    Remove(u64),
    Reserve(u64),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        (0_u64..3_000_000_000).prop_map(Call::Pass),
        (0_u64..14).prop_map(Call::Add),
        (0_u64..14).prop_map(Call::Remove),
        (0_u64..13).prop_map(Call::Reserve),
    ];
    prop::collection::vec(call, 1..60)
}

proptest! {
    #![proptest_config(config(300, "leaky"))]

    /// The level is what is missing in exact arithmetic, rounded up; what fits is the rest, and
    /// what is missing for an amount is what is more than that.
    #[test]
    fn the_level_is_the_capacity_without_the_tokens(rate in prop::sample::select(vec!["1/s", "5/min", "7/s", "1000/s", "9/ns"]), full: bool, calls in calls()) {
        let limit = Limit::new(rate.parse().unwrap(), 12);
        let (clock, mut t) = (ManualClock::new(), 0);
        let (bucket, mut exact) = if full {
            (Bucket::full_with_clock(limit, &clock).unwrap(), Naive::new(limit.empty()))
        } else {
            (Bucket::empty_with_clock(limit, &clock).unwrap(), Naive::new(limit))
        };
        let token = limit.rate.period().as_nanos() as i128;
        for call in calls {
            match call {
                Call::Pass(by) => {
                    t += by;
                    clock.set(nanos(t));
                }
                Call::Add(n) => {
                    let fits = n == 0 || i128::from(n) * token <= exact.level(t);
                    prop_assert_eq!((bucket.has_room(n).fits(), bucket.wait_for(n) == Ok(Some(Duration::ZERO)), bucket.try_add(n).is_ok()), (fits, fits, fits));
                    if fits {
                        exact.take(t, n);
                    }
                }
                Call::Remove(n) => {
                    bucket.remove(n);
                    exact.put_back(t, n);
                }
                Call::Reserve(n) => {
                    bucket.reserve(n).unwrap().commit();
                    exact.take(t, n);
                }
            }
            let missing = 12 * token - exact.level(t);
            let level = missing.unsigned_abs().div_ceil(token.unsigned_abs()) as u64;
            prop_assert_eq!((bucket.level(), bucket.room()), (level, 12_u64.saturating_sub(level)));
            for n in [0, 1, 12, 13, u64::MAX] {
                let room = bucket.has_room(n);
                let missing = if n == 0 { 0 } else { n.saturating_add(level).saturating_sub(12) };
                prop_assert_eq!((room.missing, room.left, room.fits()), (missing, bucket.room().saturating_sub(n), missing == 0));
            }
            prop_assert!((bucket.fill().to_f64() - missing as f64 / (12 * token) as f64).abs() < 1e-9);
        }
    }
}
