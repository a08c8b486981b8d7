//! A limit that cannot be kept is an error that names the value and the rule; every limit up to the
//! edge can be kept.

mod common;

use std::time::Duration;

use common::{config, most, nanos};
use proptest::prelude::*;
use tollgate::clock::ManualClock;
use tollgate::limit::{LimitError, LimitRule};
use tollgate::{Limit, MultiBucket, Rate, TokenBucket};

const SECOND: u64 = 1_000_000_000;
/// Tokens a second: 2^63 units of a token each, in 90 days.
const FASTEST: u64 = (i64::MAX as u64 - 1) / (90 * 24 * 3600);

/// The rates of DESIGN section 1, and those where the arithmetic changes from exact to rounded.
const TABLE: [&str; 15] = [
    "1000/s", "7/s", "1MiB/s", "12.5G/s", "64GiB/s", "5/min", "1/3s", "125MB/s", "1M/s", "333/s", "999.9/s", "9/ns",
    "10/ns", "1/3650d", "0/s",
];

/// Every constructor refuses it, and says the same.
fn refused(limit: Limit) -> LimitError {
    let error = limit.check().unwrap_err();
    assert_eq!((error.stream, error.limit), (0, limit));
    assert_eq!(limit.precision().unwrap_err(), error);
    assert_eq!(limit.idle_limit().unwrap_err(), error);
    assert_eq!(TokenBucket::with_clock(limit, ManualClock::new()).unwrap_err(), error);
    let good = Limit::per_second(1);
    let third = MultiBucket::with_clock([good, good, limit], ManualClock::new()).unwrap_err();
    assert_eq!(third, LimitError { stream: 2, ..error });
    error
}

#[test]
fn a_capacity_of_zero_is_refused() {
    for text in TABLE {
        let error = refused(Limit::new(text.parse().unwrap(), 0));
        assert_eq!(error.rule, LimitRule::ZeroCapacity, "{text}");
    }
    let error = refused(Limit::per_second(5).capacity(0)).to_string();
    assert_eq!(error, "stream 0, limit 5/s capacity 0: a capacity is at least 1 token");
}

#[test]
fn the_largest_capacity_is_kept_and_one_more_is_refused() {
    for text in TABLE {
        let rate: Rate = text.parse().unwrap();
        let most = most(rate);
        let limit = Limit::new(rate, most);
        assert_eq!(limit.check(), Ok(()), "{limit}");
        for capacity in [most + 1, 2 * most, u64::MAX] {
            let error = refused(Limit::new(rate, capacity));
            assert_eq!(error.rule, LimitRule::CapacityTooLarge { most }, "{text} capacity {capacity}");
            let said = error.to_string();
            assert!(
                said.contains(&rate.to_string())
                    && said.ends_with(&format!("the largest capacity at this rate is {most}")),
                "{said}"
            );
        }
    }
    let error = refused(Limit::per_second(1).capacity(1 << 42)).to_string();
    let expected = "stream 0, limit 1/s capacity 4398046511104: the largest capacity at this rate is 4398046511103";
    assert_eq!(error, expected);
}

#[test]
fn the_fastest_rate_is_kept_and_one_more_is_refused() {
    let limit = Limit::per_second(FASTEST).capacity(1);
    assert_eq!(limit.check(), Ok(()), "{limit}");
    assert!(limit.idle_limit().unwrap() >= Duration::from_secs(90 * 24 * 3600), "{limit}");
    for tokens in [FASTEST + 1, 2 * FASTEST, u64::MAX] {
        let error = refused(Limit::per_second(tokens).capacity(1));
        assert_eq!(error.rule, LimitRule::RateTooFast, "{tokens}/s");
        assert!(error.to_string().contains(&format!("limit {tokens}/s capacity 1: a rate is at most")), "{error}");
    }
    let per_nanosecond = Rate::new(u64::MAX, Duration::from_nanos(1)).unwrap();
    assert_eq!(refused(Limit::new(per_nanosecond, 1)).rule, LimitRule::RateTooFast);
}

#[test]
fn the_first_bad_stream_is_named() {
    let [good, bad] = [Limit::per_second(5), Limit::per_second(5).capacity(0)];
    let limits = [good, bad, good, Limit::per_second(u64::MAX)];
    let error = MultiBucket::with_clock(limits, ManualClock::new()).unwrap_err();
    assert_eq!((error.stream, error.rule), (1, LimitRule::ZeroCapacity));
    assert_eq!(error.to_string(), "stream 1, limit 5/s capacity 0: a capacity is at least 1 token");
}

#[test]
fn precision_is_none_where_the_rate_is_exact_and_a_nanosecond_elsewhere() {
    for (text, nanos) in TABLE.iter().zip([0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0]) {
        let limit = Limit::new(text.parse().unwrap(), 1);
        assert_eq!(limit.precision(), Ok(Duration::from_nanos(nanos)), "{text}");
    }
    for text in TABLE {
        let rate: Rate = text.parse().unwrap();
        let precision = Limit::new(rate, most(rate)).precision().unwrap();
        assert!(precision <= Duration::from_micros(1), "{text}: {precision:?}");
    }
}

#[test]
fn rates_and_capacities_at_the_edges_of_the_table_drain_and_refill() {
    let fastest = Rate::per_second(FASTEST).to_string();
    for text in TABLE.into_iter().chain([&*fastest]) {
        let rate: Rate = text.parse().unwrap();
        // At the fastest rate the idle limit of 90 days leaves no room for a capacity worth days.
        let most = if text == fastest { 1000 } else { most(rate) };
        for limit in [1, 2, most - 1, most].map(|capacity| Limit::new(rate, capacity)) {
            let bucket = MultiBucket::with_clock([limit], ManualClock::new()).unwrap();
            assert_eq!(bucket.available(), [limit.capacity], "{limit}");
            assert_eq!(bucket.try_take([limit.capacity]).map(drop), Ok(()), "{limit}");
            let wait = bucket.wait_for([limit.capacity]).unwrap();
            if rate.tokens() == 0 {
                assert_eq!(wait, None, "{limit}");
            } else if wait < Some(Duration::from_nanos(u64::MAX).min(limit.idle_limit().unwrap())) {
                let there = nanos(wait.unwrap().as_nanos() as u64);
                let before = nanos(wait.unwrap().as_nanos() as u64 - 1);
                assert!(bucket.at(before).try_take([limit.capacity]).is_err(), "{limit} at {before:?}");
                assert_eq!(bucket.at(there).try_take([limit.capacity]).map(drop), Ok(()), "{limit} at {there:?}");
            }
        }
    }
}

#[test]
fn a_rate_of_zero_has_any_capacity_below_two_to_the_62() {
    let limit = Limit::per_second(0).capacity((1 << 62) - 1);
    assert_eq!((limit.check(), limit.precision(), limit.idle_limit()), (Ok(()), Ok(Duration::ZERO), Ok(Duration::MAX)));
    assert_eq!(refused(limit.capacity(1 << 62)).rule, LimitRule::CapacityTooLarge { most: (1 << 62) - 1 });
}

fn every_capacity_is_kept(rate: Rate) {
    let most = most(rate);
    for capacity in [most, most / 2, most / 3 + 1, most.isqrt(), 1] {
        let limit = Limit::new(rate, capacity);
        assert_eq!(limit.check(), Ok(()), "{limit}, where the largest capacity is said to be {most}");
    }
}

#[test]
fn every_capacity_up_to_the_largest_is_kept_at_the_fastest_rates() {
    for tokens in [FASTEST / 4, FASTEST / 2 - 1, FASTEST / 2 + 1, 1 << 40, FASTEST - 1, FASTEST] {
        every_capacity_is_kept(Rate::per_second(tokens));
    }
}

proptest! {
    #![proptest_config(config(1024, "tests/regressions/limits.txt"))]

    /// Debug builds check every arithmetic operation.
    #[test]
    fn no_limit_panics(tokens: u64, shift in 0..64u32, period in 1..=u64::MAX, capacity: u64, less in 0..64u32, t: u64) {
        let rate = Rate::new(tokens >> shift, Duration::from_nanos(period >> less.min(period.ilog2()))).unwrap();
        let limit = Limit::new(rate, capacity >> less);
        let Ok(bucket) = TokenBucket::with_clock(limit, ManualClock::new()) else {
            prop_assert!(refused(limit).to_string().contains(&rate.to_string()));
            return Ok(());
        };
        let now = bucket.at(nanos(t));
        for n in [0, 1, capacity >> less, capacity, u64::MAX] {
            if let Err(refused) = now.try_take(n) {
                let said = format!("{refused} {refused:?}");
                prop_assert!(said.contains("tokens"), "{}", said);
            }
            now.put_back(n);
            now.take_up_to(n);
        }
        prop_assert!(now.available() <= limit.capacity, "{} at {} ns", limit, t);
    }

    #[test]
    fn every_capacity_up_to_the_largest_is_kept(tokens in 0..FASTEST, shift in 0..40u32, period in 1..1000 * SECOND) {
        let rate = Rate::new(tokens >> shift, Duration::from_nanos(period)).unwrap();
        prop_assume!(Limit::new(rate, 1).check().is_ok());
        every_capacity_is_kept(rate);
    }
}
