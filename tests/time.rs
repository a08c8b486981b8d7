//! Any reading of a clock is harmless: stale, from before construction, after ages, across the wrap
//! of the counter, at the end of time.

mod common;

use std::time::Duration;

use common::{Naive, audit, config, nanos};
use proptest::prelude::*;
use tollgate::clock::{ManualClock, Time};
use tollgate::{Limit, MultiBucket, Refused, TokenBucket};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 24 * 3600 * SECOND;

/// The table in the docs of `Limit::idle_limit`: the rate, and the limit in years.
const IDLE_LIMITS: [(&str, u64); 7] =
    [("1000/s", 292), ("1e6/s", 292), ("1/s", 292), ("7/s", 42), ("1MiB/s", 136), ("12.5G/s", 23), ("64GiB/s", 4)];

fn limits() -> [(Limit, u64); 7] {
    let limit = |text: &str| Limit::new(text.replace("e6", "M").parse().unwrap(), 100);
    IDLE_LIMITS.map(|(text, years)| (limit(text), years))
}

fn bucket(limit: Limit) -> TokenBucket<ManualClock> {
    TokenBucket::with_clock(limit, ManualClock::new()).unwrap()
}

#[test]
fn a_stale_now_grants_nothing_extra() {
    for (limit, _) in limits() {
        let bucket = bucket(limit);
        let mut grants = Vec::new();
        for i in 0..3000 {
            // Every second caller read its clock up to a second ago.
            let t = if i % 2 == 0 { SECOND + i } else { SECOND / 3000 * i };
            if bucket.at(nanos(t)).try_take(1).is_ok() {
                grants.push((t, 1));
            }
        }
        assert!(grants.len() >= 100, "{limit}");
        audit(limit, &mut grants).unwrap();
    }
}

#[test]
fn a_stale_now_is_refused_until_it_catches_up() {
    let bucket = bucket(Limit::per_second(10));
    bucket.at(nanos(5 * SECOND)).try_take(10).unwrap();
    for t in [0, SECOND, 5 * SECOND - 1, 5 * SECOND, 5 * SECOND + SECOND / 10 - 1] {
        let refused = bucket.at(nanos(t)).try_take(1).unwrap_err();
        let wait = Duration::from_nanos(5 * SECOND + SECOND / 10 - t);
        assert_eq!((bucket.at(nanos(t)).available(), refused.wait()), (0, Some(wait)), "at {t} ns");
    }
    assert_eq!(bucket.at(nanos(5 * SECOND + SECOND / 10)).try_take(1).map(drop), Ok(()));
}

#[test]
fn a_time_before_construction_counts_as_the_instant_of_construction() {
    let clock = ManualClock::starting_at(nanos(100 * SECOND));
    let single = TokenBucket::with_clock(Limit::per_second(10).empty(), &clock).unwrap();
    let double = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(10).empty()], &clock).unwrap();
    for t in [0, 1, 99 * SECOND, 100 * SECOND] {
        let said = (single.at(nanos(t)).available(), double.at(nanos(t)).available());
        assert_eq!(said, (0, [10, 0]), "at {t} ns");
        assert_eq!(single.at(nanos(t)).wait_for(1), Ok(Some(Duration::from_millis(100))), "at {t} ns");
    }
    assert_eq!(double.at(Time::ZERO).try_take([10, 0]).map(drop), Ok(()));
    assert!(double.at(nanos(100 * SECOND)).try_take([1, 0]).is_err());
}

#[test]
fn a_starts_empty_bucket_built_late_has_nothing_and_earns_from_then_on() {
    for built in [1, SECOND, 30 * 365 * DAY, u64::MAX - SECOND] {
        let clock = ManualClock::starting_at(nanos(built));
        let single = TokenBucket::with_clock(Limit::per_second(1000).empty(), &clock).unwrap();
        let double = MultiBucket::with_clock([Limit::per_second(333).empty()], &clock).unwrap();
        assert_eq!((single.available(), double.available()), (0, [0]), "built at {built} ns");
        assert!(single.try_take(1).is_err() && double.try_take([1]).is_err(), "built at {built} ns");
        clock.advance(Duration::from_millis(10));
        assert_eq!((single.available(), double.available()), (10, [3]), "built at {built} ns");
    }
}

#[test]
fn a_clock_going_back_mints_nothing() {
    let clock = ManualClock::starting_at(nanos(SECOND));
    let bucket = TokenBucket::with_clock(Limit::per_second(10), &clock).unwrap();
    let mut taken = 0;
    for _ in 0..100 {
        clock.set(nanos(2 * SECOND));
        taken += bucket.take_up_to(u64::MAX);
        clock.set(nanos(SECOND));
        taken += bucket.take_up_to(u64::MAX);
    }
    assert_eq!(taken, 10);
}

#[test]
fn idle_limits_are_those_of_the_table() {
    for (limit, years) in limits() {
        let days = limit.idle_limit().unwrap().as_secs() / (24 * 3600);
        assert_eq!((days + 182) / 365, years, "{limit}: {days} days");
    }
    assert_eq!(Limit::per_second(0).capacity(1).idle_limit(), Ok(Duration::MAX));
}

#[test]
fn a_bucket_idle_to_just_under_its_limit_is_full() {
    for (limit, _) in limits() {
        let idle = limit.idle_limit().unwrap();
        for limit in [limit, limit.empty()] {
            let bucket = bucket(limit);
            let end = Time::ZERO.after(idle);
            assert_eq!(bucket.at(end).available(), 100, "{limit}");
            assert_eq!(bucket.at(end).try_take(100).map(drop), Ok(()), "{limit}");
            let again = bucket.at(end.after(idle));
            assert_eq!(again.try_take(100).map(drop), Ok(()), "{limit}, idle for as long again");
            assert!(again.try_take(1).is_err(), "{limit}");
        }
    }
}

/// It takes itself for one in debt, and its refusals say for how long.
#[test]
fn a_bucket_idle_to_just_over_its_limit_refuses_until_reset_or_for_about_as_long_again() {
    for (limit, _) in limits() {
        let over = limit.idle_limit().unwrap() + limit.precision().unwrap() + Duration::from_nanos(1);
        let single = bucket(limit);
        let double = MultiBucket::with_clock([limit, Limit::per_second(0).capacity(7)], ManualClock::new()).unwrap();
        // Whether it was idle since its construction or since it was filled again.
        single.at(nanos(SECOND / 7)).try_take(1).unwrap();
        single.at(nanos(SECOND / 7)).reset(100);
        for now in [over, over + Duration::from_nanos(DAY), over + over / 4].map(|idle| nanos(SECOND / 7).after(idle)) {
            assert_eq!((single.at(now).available(), double.at(now).available()), (0, [0, 7]), "{limit} at {now:?}");
            assert!(matches!(single.at(now).try_take(1), Err(Refused::NotYet(_))), "{limit} at {now:?}");
            assert!(matches!(double.at(now).try_take([1, 1]), Err(Refused::NotYet(_))), "{limit} at {now:?}");
            assert_eq!(double.at(now).take_items(9, [1, 1]), 0, "{limit} at {now:?}");
            let wait = single.at(now).wait_for(1).unwrap();
            let end = now.after(wait.unwrap());
            // As long, and what the capacity takes; not where the clock ends before.
            if end < Time::MAX {
                assert!(wait <= Some(over + Duration::from_secs(102)), "{limit} at {now:?}: {wait:?}");
                assert!(single.at(end).available() > 0, "{limit} at {end:?}");
                assert_eq!(single.at(nanos(end.as_nanos() - 1)).available(), 0, "{limit} before {end:?}");
            }
        }
        let now = nanos(SECOND / 7).after(over);
        single.at(now).reset(100);
        double.at(now).reset([3, 7]);
        assert!(single.at(now).try_take(100).is_ok() && double.at(now).try_take([3, 7]).is_ok(), "{limit}");
    }
}

/// The limits of the table, and the fastest rate: 90 days.
fn limits_down_to_ninety_days() -> impl Iterator<Item = Limit> {
    let fastest = Limit::per_second((i64::MAX as u64 - 2) / (90 * 24 * 3600)).capacity(1);
    limits().map(|(limit, _)| limit.capacity(1)).into_iter().chain([fastest])
}

#[test]
fn a_now_that_is_older_by_up_to_the_idle_limit_takes_nothing() {
    for limit in limits_down_to_ninety_days() {
        let idle = limit.idle_limit().unwrap();
        let (single, double) = (bucket(limit), MultiBucket::with_clock([limit], ManualClock::new()).unwrap());
        let old = nanos(SECOND / 7);
        let now = old.after(idle);
        // Punctual callers use it all the while, and then empty it.
        for at in [now.as_nanos() / 2, now.as_nanos()].map(nanos) {
            single.at(at).take_up_to(1);
            double.at(at).take_items(1, [1]);
        }
        for stale in [old, old.after(idle / 3), nanos(now.as_nanos() - 1)] {
            assert_eq!(
                (single.at(stale).take_up_to(1), double.at(stale).take_items(1, [1])),
                (0, 0),
                "{limit} at {stale:?}"
            );
        }
        let next = single.at(now).wait_for(1).unwrap().map(|wait| now.after(wait));
        if let Some(next) = next.filter(|next| *next < Time::MAX) {
            assert!(single.at(next).try_take(1).is_ok() && double.at(next).try_take([1]).is_ok(), "{limit}");
        }
    }
}

/// The exception that the docs of `Limit::idle_limit` name: 64 bits do not tell a `now` that is
/// older than the idle limit from one that lies ahead, so it takes, and punctual callers owe it.
#[test]
fn a_now_that_is_older_than_the_idle_limit_counts_as_one_that_lies_ahead() {
    for limit in limits_down_to_ninety_days() {
        let older = limit.idle_limit().unwrap() + Duration::from_secs(2);
        let bucket = bucket(limit);
        let now = Time::ZERO.after(older);
        if now == Time::MAX {
            continue;
        }
        for at in [now.as_nanos() / 2, now.as_nanos()].map(nanos) {
            bucket.at(at).take_up_to(1);
        }
        assert_eq!(bucket.at(Time::ZERO).try_take(1).map(drop), Ok(()), "{limit}");
        let wait = bucket.at(now).wait_for(1).unwrap();
        assert!(wait > Some(older / 2) && wait <= Some(older), "{limit}: {wait:?} of {older:?}");
    }
}

proptest! {
    #![proptest_config(config(256, "tests/regressions/time.txt"))]

    #[test]
    fn a_bucket_filled_at_any_instant_and_idle_to_just_under_its_limit_is_full(
        filled in 0..u64::MAX >> 3, row in 0..IDLE_LIMITS.len(), capacity in 1..1_000_000u64,
    ) {
        let limit = limits()[row].0.capacity(capacity);
        let bucket = bucket(limit);
        let end = nanos(filled).after(limit.idle_limit().unwrap());
        bucket.at(nanos(filled)).reset(u64::MAX);
        prop_assert_eq!(bucket.at(end).available(), capacity, "{}, filled at {} ns, seen at {:?}", limit, filled, end);
    }
}

#[test]
fn the_wrap_of_the_counter_is_not_noticed() {
    // 2^64 units are 8.5 years at 64 GiB/s, 47 at 12.5e9/s and 65 at 9e9/s.
    for (rate, years) in [("64GiB/s", 30), ("12.5G/s", 120), ("9/ns", 150)] {
        let limit = Limit::new(rate.parse().unwrap(), 1_000_000_000);
        let single = bucket(limit);
        let multi = MultiBucket::with_clock([limit, limit.empty()], ManualClock::new()).unwrap();
        let mut model = Naive::new(limit);
        let step = 10 * DAY + 1;
        for i in 1..=years * 365 * DAY / step {
            // Ten days later it is full; ten milliseconds later, a tenth of a second's worth of the
            // rate is there again.
            let full = i * step;
            assert_eq!(single.at(nanos(full)).take_up_to(u64::MAX), limit.capacity, "{limit} at {full} ns");
            assert_eq!(multi.at(nanos(full)).try_take([limit.capacity; 2]).map(drop), Ok(()), "{limit} at {full} ns");
            model.take(full, limit.capacity);
            let later = full + 10_000_000;
            let (least, most) = model.items(later, later, 1, u64::MAX);
            let [level, other] = multi.at(nanos(later)).available();
            assert_eq!((level, other), (single.at(nanos(later)).available(), level), "{limit} at {later} ns");
            assert!((least..=most).contains(&level), "{limit} at {later} ns: {level}, not {least}..={most}");
        }
    }
}

#[test]
fn the_last_readings_of_a_clock_are_as_good_as_any() {
    let clock = ManualClock::starting_at(nanos(u64::MAX - 2 * SECOND));
    let bucket = TokenBucket::with_clock(Limit::per_second(10), &clock).unwrap();
    bucket.try_take(10).unwrap();
    assert_eq!(bucket.wait_for(10), Ok(Some(Duration::from_secs(1))));
    assert_eq!(clock.advance(Duration::from_secs(1)), nanos(u64::MAX - SECOND));
    assert_eq!(bucket.try_take(10).map(drop), Ok(()));
    assert_eq!(clock.advance(Duration::from_secs(9)), Time::MAX);
    assert_eq!((bucket.available(), bucket.try_take(10).is_ok()), (10, true));
    assert_eq!(bucket.wait_for(1), Ok(Some(Duration::from_millis(100))), "an instant that no clock will show");
    assert_eq!(bucket.at(Time::ZERO).available(), 0);
}

/// Nothing is there at 0, and by a clock that is ahead the limits changed at 2 s.
fn changed_ahead() -> MultiBucket<1, ManualClock> {
    let limits = [Limit::per_second(100).empty()];
    let bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
    bucket.at(nanos(2 * SECOND)).set_limits([Limit::per_second(100).capacity(50)]).unwrap();
    bucket.reset([0]);
    bucket
}

#[test]
fn a_timeout_holds_by_the_clock_of_the_caller_whatever_the_limits_count_from() {
    let bucket = changed_ahead();
    let until = Duration::from_millis(2030);
    let short = until - Duration::from_nanos(1);
    for refused in [
        bucket.reserve_within([3], short).err(),
        bucket.reserve_within([3], Duration::from_millis(30)).err(),
        #[cfg(feature = "std")]
        bucket.take_blocking_timeout([3], short).err(),
    ] {
        assert_eq!(refused.and_then(|refused| refused.wait()), Some(until));
    }
    let place = bucket.reserve_within([3], until).unwrap();
    assert_eq!(place.remaining(), Some(until));
    place.commit();
    let refused = changed_ahead().with_max_wait(short).reserve([3]).unwrap_err();
    assert_eq!(refused.wait(), Some(until));
}
