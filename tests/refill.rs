//! A bucket earns exactly its rate times the time, however it is polled.

mod common;

use std::time::Duration;

use common::{Producer, Verbs, config, nanos};
use proptest::prelude::*;
use tollgate::clock::ManualClock;
use tollgate::{Limit, MultiBucket, Rate, TokenBucket};

const SECOND: u64 = 1_000_000_000;

/// Whole tokens that a rate earns in `t` nanoseconds, less what accrues in `late` of them.
fn earned(rate: Rate, t: u64, late: u128) -> u64 {
    (u128::from(rate.tokens()) * u128::from(t).saturating_sub(late) / rate.period().as_nanos()) as u64
}

/// Takes whatever is there, every `step` nanoseconds, `polls` times; the sum must be what the whole
/// time earned.
fn polled(rate: Rate, step: u64, polls: u64) {
    let limit = Limit::new(rate, rate.tokens().max(1) * 1000).empty();
    let late = limit.precision().unwrap().as_nanos();
    let bucket = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
    let taken: u64 = (1..=polls).map(|i| bucket.at(nanos(i * step)).take_up_to(u64::MAX)).sum();
    let (least, most) = (earned(rate, polls * step, late), earned(rate, polls * step, 0));
    assert!((least..=most).contains(&taken), "{limit}, {polls} polls every {step} ns: {taken}, not {least}..={most}");
}

#[test]
fn a_bucket_polled_just_under_a_token_earns_exactly_its_rate() {
    for (rate, token) in [("1000/s", 1_000_000), ("333/s", 3_003_003), ("7/s", 142_857_142), ("1/3s", 3 * SECOND)] {
        for step in [token - 1, token, token + 1, token / 2, token / 2 + 1, token * 19 / 10] {
            polled(rate.parse().unwrap(), step, 2000);
        }
    }
}

#[test]
fn a_bucket_polled_every_few_nanoseconds_earns_exactly_its_rate() {
    for rate in ["300M/s", "700M/s", "1G/s", "12.5G/s", "64GiB/s", "1MiB/s", "1M/s"] {
        for step in [1, 2, 3, 7, 100] {
            polled(rate.parse().unwrap(), step, 5000);
        }
    }
}

/// A published bucket counts whole milliseconds, and delivers 53 % to whoever polls every 1.9 ms.
#[test]
fn a_bucket_polled_every_1_9_milliseconds_earns_exactly_its_rate() {
    for rate in ["1000/s", "999.9/s", "100/s", "12345/s"] {
        polled(rate.parse().unwrap(), 1_900_000, 5000);
    }
}

#[test]
fn fractions_of_a_token_are_not_lost() {
    let bucket = TokenBucket::with_clock(Limit::per_second(1).capacity(10).empty(), ManualClock::new()).unwrap();
    let granted: Vec<u64> =
        (0..=5 * 3).filter(|third| bucket.at(nanos(third * SECOND / 3)).try_take(1).is_ok()).collect();
    assert_eq!(granted, [3, 6, 9, 12, 15]);
}

/// A published bucket keeps whole tokens, and grants at 0.9 s and again at 1.0 s.
#[test]
fn a_full_bucket_that_is_touched_between_two_tokens_does_not_hand_out_the_next_early() {
    let bucket = TokenBucket::with_clock(Limit::per_second(1), ManualClock::new()).unwrap();
    assert_eq!(bucket.at(nanos(SECOND * 9 / 10)).try_take(1).map(drop), Ok(()));
    assert!(bucket.at(nanos(SECOND)).try_take(1).is_err());
    assert!(bucket.at(nanos(SECOND * 19 / 10 - 1)).try_take(1).is_err());
    assert_eq!(bucket.at(nanos(SECOND * 19 / 10)).try_take(1).map(drop), Ok(()));
}

#[test]
fn a_token_is_there_on_the_nanosecond_and_not_before() {
    for (rate, token) in [("1/s", SECOND), ("5/min", 12 * SECOND), ("1000/s", 1_000_000), ("7/s", 142_857_143)] {
        let limit = Limit::new(rate.parse().unwrap(), 1).empty();
        let bucket = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
        assert!(bucket.at(nanos(token - 1)).try_take(1).is_err(), "{rate}");
        assert_eq!(bucket.at(nanos(token)).try_take(1).map(drop), Ok(()), "{rate}");
    }
}

#[test]
fn refill_stops_at_capacity() {
    let clock = ManualClock::new();
    let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(1).capacity(100)], &clock).unwrap();
    bucket.try_take([10, 100]).unwrap();
    for (seconds, available) in [(0, [0, 0]), (1, [10, 1]), (2, [10, 2]), (100, [10, 100]), (101, [10, 100])] {
        clock.set(nanos(seconds * SECOND));
        assert_eq!(bucket.available(), available, "after {seconds} s");
    }
    bucket.try_take([10, 100]).unwrap();
    assert_eq!(bucket.available(), [0, 0], "what a full bucket earned is forfeited");
}

#[test]
fn a_refusal_does_not_postpone_the_refill() {
    let bucket = TokenBucket::with_clock(Limit::per_second(1).capacity(5).empty(), ManualClock::new()).unwrap();
    for t in 0..SECOND / 1000 {
        assert!(bucket.at(nanos(t * 1000)).try_take(1).is_err(), "at {t} us");
    }
    assert_eq!(bucket.at(nanos(SECOND)).try_take(1).map(drop), Ok(()));
}

#[test]
fn a_rate_of_zero_never_refills() {
    let clock = ManualClock::new();
    let single = TokenBucket::with_clock(Limit::per_second(0).capacity(3), &clock).unwrap();
    let double = MultiBucket::with_clock([Limit::per_day(0).capacity(3), Limit::per_second(1)], &clock).unwrap();
    single.try_take(1).unwrap();
    double.try_take([1, 1]).unwrap();
    clock.advance(Duration::MAX);
    assert_eq!((single.available(), double.available()[0]), (2, 2));
    assert!(single.try_take(2).is_ok() && double.try_take([2, 0]).is_ok());
    assert_eq!(single.wait_for(1), Ok(None));
    single.put_back(1);
    assert_eq!(single.try_take(1).map(drop), Ok(()));
}

proptest! {
    #![proptest_config(config(256, "tests/regressions/refill.txt"))]

    #[test]
    fn any_polling_pattern_earns_exactly_rate_times_time(
        tokens in 1..2_000_000_000u64, period in 1..10 * SECOND, steps in prop::collection::vec(0..3 * SECOND, 1..200),
    ) {
        let rate = Rate::new(tokens, Duration::from_nanos(period)).unwrap();
        let limit = Limit::new(rate, u64::MAX >> 24).empty();
        prop_assume!(limit.check().is_ok() && earned(rate, 200 * 3 * SECOND, 0) < limit.capacity);
        let late = limit.precision().unwrap().as_nanos();
        let bucket = MultiBucket::with_clock([limit], ManualClock::new()).unwrap();
        let mut handle = Producer(bucket.handle().unwrap(), &bucket);
        let (mut t, mut taken) = (0, 0);
        for step in steps {
            t += step;
            taken += handle.take_up_to(nanos(t), u64::MAX, [1]);
            let (least, most) = (earned(rate, t, late), earned(rate, t, 0));
            prop_assert!((least..=most).contains(&taken), "{} at {} ns: {}, not {}..={}", limit, t, taken, least, most);
        }
    }
}
