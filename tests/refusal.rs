//! A refusal changes nothing, and says exactly which stream refused and for how long, or that no
//! wait helps.

mod common;

use std::time::Duration;

use common::{most, nanos};
use tollgate::clock::ManualClock;
use tollgate::{Limit, MultiBucket, Never, NotYet, Refused, TokenBucket};

const SECOND: u64 = 1_000_000_000;

fn not_yet<const N: usize>(answer: Result<(), Refused<N>>) -> NotYet<N> {
    match answer {
        Err(Refused::NotYet(refusal)) => refusal,
        other => panic!("{other:?} instead of NotYet"),
    }
}

#[test]
fn retry_at_the_stated_time_succeeds_and_a_nanosecond_before_it_does_not() {
    for text in ["1/3s", "5/min", "7/s", "333/s", "1000/s", "1MiB/s", "300M/s", "700M/s", "12.5G/s", "64GiB/s"] {
        let limit = Limit::new(text.parse().unwrap(), 1000);
        for (t, n) in [(0, 1), (1, 7), (12_345, 1000), (SECOND + 1, 999)] {
            let bucket = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
            bucket.at(nanos(t)).try_take(1000).unwrap();
            let wait = not_yet(bucket.at(nanos(t)).try_take(n).map(drop)).wait().unwrap().as_nanos() as u64;
            assert!(
                bucket.at(nanos(t + wait - 1)).try_take(n).is_err(),
                "{limit}, {n} at {t} ns, waited {wait} - 1 ns"
            );
            assert_eq!(
                bucket.at(nanos(t + wait)).try_take(n).map(drop),
                Ok(()),
                "{limit}, {n} at {t} ns, waited {wait} ns"
            );
        }
    }
}

#[test]
fn a_wait_is_rounded_up_to_a_whole_nanosecond() {
    for (text, n, wait) in
        [("3/s", 1, 333_333_334), ("3/s", 2, 666_666_667), ("7/s", 1, 142_857_143), ("9/ns", 1, 1), ("9/ns", 10, 2)]
    {
        let bucket =
            TokenBucket::with_clock(Limit::new(text.parse().unwrap(), 100).empty(), ManualClock::new()).unwrap();
        assert_eq!(not_yet(bucket.try_take(n).map(drop)).wait(), Some(Duration::from_nanos(wait)), "{n} of {text}");
    }
}

/// A published middleware says "retry after 0 s" when the wait is 0.9 s.
#[test]
fn a_wait_is_never_zero() {
    let bucket = TokenBucket::with_clock(Limit::per_second(1_000_000_000).capacity(1), ManualClock::new()).unwrap();
    bucket.try_take(1).unwrap();
    assert_eq!(not_yet(bucket.try_take(1).map(drop)).wait(), Some(Duration::from_nanos(1)));
    let bucket = TokenBucket::with_clock(Limit::per_second(64 << 30).capacity(1), ManualClock::new()).unwrap();
    bucket.try_take(1).unwrap();
    assert_eq!(not_yet(bucket.try_take(1).map(drop)).wait(), Some(Duration::from_nanos(1)));
}

#[test]
fn the_stream_with_the_longest_wait_is_named() {
    let rates = [10, 5, 1000, 5].map(|rate| Limit::per_second(rate).capacity(1000).empty());
    let bucket = MultiBucket::with_clock(rates, ManualClock::new()).unwrap();
    for (amounts, stream, millis) in [
        ([1, 1, 1, 0], 1, 200),
        ([3, 1, 1, 1], 0, 300),
        ([1, 0, 500, 0], 2, 500),
        ([0, 1, 0, 1], 1, 200),
        ([2, 1, 200, 1], 0, 200),
        ([0, 0, 0, 1], 3, 200),
    ] {
        let refusal = not_yet(bucket.try_take(amounts).map(drop));
        assert_eq!((refusal.stream(), refusal.wait()), (stream, Some(Duration::from_millis(millis))), "{amounts:?}");
        let refused = Refused::from(refusal);
        assert_eq!((refused.stream(), refused.wait()), (stream, Some(Duration::from_millis(millis))), "{amounts:?}");
        assert_eq!(bucket.wait_for(amounts), Ok(Some(Duration::from_millis(millis))), "{amounts:?}");
    }
}

#[test]
fn a_stream_that_never_refills_has_the_longest_wait_of_all() {
    let limits = [Limit::per_day(1).empty(), Limit::per_second(0).capacity(5).empty()];
    let bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
    let refusal = not_yet(bucket.try_take([1, 1]).map(drop));
    assert_eq!((refusal.stream(), refusal.wait()), (1, None));
    assert_eq!(refusal.to_string(), "not enough tokens in stream 1, which never refills");
}

#[test]
fn a_refusal_stands_when_the_bucket_has_moved_on() {
    let clock = ManualClock::new();
    let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), &clock).unwrap();
    let refusal = not_yet(bucket.try_take(3).map(drop));
    clock.advance(Duration::from_secs(1));
    bucket.try_take(10).unwrap();
    assert_eq!(refusal.wait(), Some(Duration::from_millis(300)));
}

#[test]
fn more_than_a_stream_can_hold_is_never_whatever_the_others_lack() {
    let bucket =
        MultiBucket::with_clock([Limit::per_second(10).empty(), Limit::per_second(5)], ManualClock::new()).unwrap();
    let never = Never { stream: 1, requested: 6, capacity: 5 };
    assert_eq!(bucket.try_take([1, 6]), Err(Refused::Never(never)));
    assert_eq!(bucket.handle().unwrap().try_take([1, 6]), Err(Refused::Never(never)));
    assert_eq!(Refused::<2>::from(never).wait(), None);
    assert_eq!(never.to_string(), "6 tokens requested of stream 1, where 5 is the most");
}

/// Amounts that no caller should pass, and that are refused or worthless whatever the state.
#[test]
fn bad_input_never_panics_and_never_changes_state() {
    for text in ["1/3650d", "7/s", "1MiB/s", "64GiB/s", "0/s"] {
        let rate = text.parse().unwrap();
        for capacity in [1, most(rate)] {
            let limit = Limit::new(rate, capacity).empty();
            let multi = MultiBucket::with_clock([limit; 2], ManualClock::new()).unwrap();
            let single = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
            let handle = multi.handle().unwrap();
            for t in [0, 1, u64::MAX / 2, u64::MAX] {
                let (one, two) = (single.at(nanos(t)), multi.at(nanos(t)));
                let before = (one.available(), two.available());
                for n in [capacity + 1, 1 << 62, (1 << 63) - 1, 1 << 63, u64::MAX - 1, u64::MAX] {
                    assert!(matches!(one.try_take(n), Err(Refused::Never(_))), "{n} of {limit} at {t} ns");
                    assert!(matches!(two.try_take([0, n]), Err(Refused::Never(_))), "{n} of {limit} at {t} ns");
                    assert!(matches!(two.try_take([n, 1]), Err(Refused::Never(_))), "{n} of {limit} at {t} ns");
                    assert!(handle.at(nanos(t)).try_take([n, n]).is_err(), "{n} of {limit} at {t} ns");
                    assert_eq!(two.take_items(u64::MAX, [n, 0]), 0, "{n} of {limit} at {t} ns");
                    assert_eq!(handle.at(nanos(t)).take_items(u64::MAX, [1, n]), 0, "{n} of {limit} at {t} ns");
                    assert!(one.wait_for(n).is_err() && two.wait_for([0, n]).is_err(), "{n} of {limit} at {t} ns");
                }
                assert_eq!((one.take_up_to(0), two.take_items(0, [1, 1])), (0, 0), "{limit} at {t} ns");
                two.put_back([0, 0]);
                assert_eq!((one.available(), two.available()), before, "{limit} at {t} ns");
            }
            assert_eq!(multi.snapshot().sequence(), 0, "{limit}");
        }
    }
}

#[test]
fn a_refused_call_changes_nothing() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new()).unwrap();
    bucket.try_take([10, 2]).unwrap();
    let before = bucket.snapshot();
    for i in 0..100 {
        assert!(bucket.try_take([1, 1]).is_err(), "call {i}");
        assert!(bucket.try_take([0, 4]).is_err(), "call {i}");
        assert_eq!(bucket.take_items(9, [1, 1]), 0, "call {i}");
        assert!(bucket.handle().unwrap().try_take([1, 0]).is_err(), "call {i}");
    }
    let after = bucket.snapshot();
    assert_eq!((after.sequence(), after.available()), (before.sequence(), before.available()));
    assert_eq!(bucket.at(nanos(SECOND / 10)).try_take([1, 3]).map(drop), Ok(()));
}
