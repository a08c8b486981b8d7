//! A bucket holds at most its capacity, whatever is taken, given back or waited for.

mod common;

use std::time::Duration;

use common::{most, nanos};
use tollgate::clock::ManualClock;
use tollgate::{Limit, MultiBucket, Never, Rate, Refused, TokenBucket};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// One rate of each kind: exact and not, slow and fast, and none.
fn rates() -> [Rate; 9] {
    ["1/3650d", "5/min", "7/s", "333/s", "1000/s", "1MiB/s", "12.5G/s", "64GiB/s", "0/s"]
        .map(|text| text.parse().unwrap())
}

/// Runs `claim` for every rate, and for capacity 1, 2, 1000 where there is that much, and the
/// largest.
fn for_every_limit(claim: impl Fn(Limit)) {
    for rate in rates() {
        let most = most(rate);
        for capacity in [1, 2, 1000.min(most), most] {
            claim(Limit::new(rate, capacity));
        }
    }
}

#[test]
fn a_full_bucket_grants_its_capacity_and_not_one_more() {
    for_every_limit(|limit| {
        let bucket = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
        assert_eq!(bucket.available(), limit.capacity, "{limit}");
        assert_eq!(bucket.try_take(limit.capacity).map(drop), Ok(()), "{limit}");
        assert!(bucket.try_take(1).is_err(), "{limit}");
        assert_eq!(bucket.available(), 0, "{limit}");
    });
}

#[test]
fn an_empty_bucket_begins_with_nothing() {
    for_every_limit(|limit| {
        let bucket = TokenBucket::with_clock(limit.empty(), ManualClock::new()).unwrap();
        assert_eq!(bucket.available(), 0, "{limit}");
        assert!(bucket.try_take(1).is_err(), "{limit}");
        assert_eq!(bucket.take_up_to(u64::MAX), 0, "{limit}");
    });
}

#[test]
fn a_burst_never_exceeds_the_capacity() {
    for_every_limit(|limit| {
        let clock = ManualClock::new();
        let bucket = TokenBucket::with_clock(limit, &clock).unwrap();
        for _ in 0..3 {
            clock.advance(YEAR);
            assert!(bucket.take_up_to(u64::MAX) <= limit.capacity, "{limit} at {clock:?}");
            assert_eq!(bucket.take_up_to(u64::MAX), 0, "{limit} at {clock:?}");
        }
    });
}

#[test]
fn a_request_above_capacity_is_refused_as_never() {
    for_every_limit(|limit| {
        let capacity = limit.capacity;
        let single = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
        let double = MultiBucket::with_clock([Limit::per_second(1), limit], ManualClock::new()).unwrap();
        for requested in [capacity + 1, 2 * capacity, u64::MAX / 2, u64::MAX] {
            let never = |stream| Never { stream, requested, capacity };
            assert_eq!(single.try_take(requested), Err(Refused::Never(never(0))), "{limit}");
            assert_eq!(single.wait_for(requested), Err(never(0)), "{limit}");
            assert_eq!(double.try_take([0, requested]), Err(Refused::Never(never(1))), "{limit}");
            assert_eq!(double.snapshot().check([1, requested]), Err(Refused::Never(never(1))), "{limit}");
        }
        assert_eq!((single.available(), double.available()), (capacity, [1, capacity]), "{limit}");
    });
}

/// A published limiter counts whole nanoseconds for each token; 5,124,097 of an hour's wrap to few,
/// and are admitted.
#[test]
fn an_amount_whose_cost_would_wrap_is_refused_as_never() {
    let bucket = TokenBucket::with_clock(Limit::per_hour(1).capacity(2), ManualClock::new()).unwrap();
    for amount in [5_124_096, 5_124_097, 5_124_098, 1 << 32, 1 << 63] {
        assert!(matches!(bucket.try_take(amount), Err(Refused::Never(_))), "{amount}");
    }
    assert_eq!(bucket.available(), 2);
}

#[test]
fn put_back_u64_max_fills_to_capacity_and_no_further() {
    for_every_limit(|limit| {
        let clock = ManualClock::new();
        let bucket = TokenBucket::with_clock(limit, &clock).unwrap();
        for taken in [limit.capacity, 1, 0] {
            bucket.try_take(taken).unwrap();
            bucket.put_back(u64::MAX);
            assert_eq!(bucket.available(), limit.capacity, "{limit} after taking {taken}");
        }
        clock.advance(YEAR);
        bucket.put_back(u64::MAX);
        assert_eq!(bucket.take_up_to(u64::MAX), limit.capacity, "{limit} after a year");
        assert_eq!(bucket.available(), 0, "{limit} after a year");
    });
}

#[test]
fn put_back_u64_max_on_one_stream_leaves_the_others() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new()).unwrap();
    bucket.try_take([10, 5]).unwrap();
    bucket.put_back([0, u64::MAX]);
    assert_eq!(bucket.available(), [0, 5]);
    bucket.handle().unwrap().put_back([u64::MAX, 1]);
    assert_eq!(bucket.available(), [10, 5]);
}

#[test]
fn what_is_put_back_can_be_taken_again() {
    for_every_limit(|limit| {
        let bucket = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
        bucket.try_take(limit.capacity).unwrap();
        bucket.put_back(1);
        assert_eq!(bucket.available(), 1, "{limit}");
        assert_eq!(bucket.try_take(1).map(drop), Ok(()), "{limit}");
        assert!(bucket.try_take(1).is_err(), "{limit}");
    });
}

#[test]
fn a_late_put_back_does_not_lift_a_full_bucket_above_its_capacity() {
    let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new()).unwrap();
    bucket.try_take(10).unwrap();
    // Full again after a second. The caller who gives back read its clock before that, and after.
    bucket.at(nanos(900_000_000)).put_back(10);
    bucket.at(nanos(5_000_000_000)).put_back(10);
    assert_eq!(bucket.at(nanos(5_000_000_000)).take_up_to(u64::MAX), 10);
    assert_eq!(bucket.at(nanos(5_000_000_000)).available(), 0);
}

#[test]
fn reset_puts_a_bucket_into_the_stated_level_up_to_its_capacity() {
    for_every_limit(|limit| {
        let single = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
        let double = MultiBucket::with_clock([limit; 2], ManualClock::new()).unwrap();
        for (tokens, level) in [(0, 0), (1, 1), (limit.capacity, limit.capacity), (u64::MAX, limit.capacity)] {
            single.reset(tokens);
            double.reset([tokens, 1]);
            assert_eq!((single.available(), double.available()), (level, [level, 1]), "{limit} reset to {tokens}");
        }
    });
}
