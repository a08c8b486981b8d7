//! A debt outlives every change of limits, or the change is refused; and what comes back pays it
//! off.

mod common;

use std::time::Duration;

use common::{config, nanos};
use proptest::prelude::*;
use tollgate::clock::{ManualClock, Time};
use tollgate::limit::{Inherit, LimitRule};
use tollgate::{LeakyBucket, Limit, MultiBucket, Rate, TokenBucket};

const SECOND: u64 = 1_000_000_000;

type Bucket<const N: usize> = MultiBucket<N, ManualClock>;

fn bucket<const N: usize>(limits: [Limit; N]) -> Bucket<N> {
    MultiBucket::with_clock(limits, ManualClock::new()).unwrap()
}

fn single(limit: Limit) -> TokenBucket<ManualClock> {
    TokenBucket::with_clock(limit, ManualClock::new()).unwrap()
}

fn limit(text: &str) -> Limit {
    text.parse().unwrap()
}

// What a change of limits does with a debt.

#[test]
fn a_change_to_a_limit_that_cannot_keep_the_debt_is_refused_and_changes_nothing() {
    let fast = Limit::per_second(1_000_000).capacity(1000);
    for inherit in [Inherit::Keep, Inherit::Proportional, Inherit::Additive] {
        let bucket = bucket([Limit::per_second(5), fast]);
        bucket.charge([0, 1_001_000]).unwrap();
        let place = bucket.reserve([0, 10]).unwrap();
        let (before, ready_at) = (bucket.snapshot(), place.ready_at());
        let error = bucket.set_limits_with([Limit::per_second(5), Limit::per_day(1)], inherit).unwrap_err();
        // A token is 86.4e12 units at one a day, and a debt is below 2^63 of them.
        let most = (1 << 63) / 86_400_000_000_000;
        assert_eq!((error.stream, error.limit), (1, Limit::per_day(1)));
        assert_eq!(error.rule, LimitRule::DebtTooLarge { debt: 1_000_010, most });
        let says = format!(
            "stream 1, limit {}: 1000010 tokens are owed, and the largest debt to be kept at this limit is {most}",
            Limit::per_day(1)
        );
        assert_eq!(error.to_string(), says);
        assert_eq!((bucket.snapshot().sequence(), bucket.limits()[1]), (before.sequence(), fast));
        assert_eq!(bucket.wait_for([0, 1]), before.wait_for([0, 1]));
        assert_eq!(place.ready_at(), ready_at);
    }
}

#[test]
fn a_check_answers_as_the_change_and_changes_nothing() {
    let fast = Limit::per_second(1_000_000).capacity(1000);
    for limits in [
        [Limit::per_second(5), Limit::per_day(1)],
        [Limit::per_day(1), fast],
        [fast, Limit::per_second(7)],
        [fast, Limit::per_second(7).capacity(0)],
        [Limit::UNLIMITED, Limit::UNLIMITED],
    ] {
        let bucket = bucket([Limit::per_second(5), fast]);
        bucket.charge([0, 1_001_000]).unwrap();
        let (before, checked) = (bucket.snapshot(), bucket.check_limits(limits));
        assert_eq!((bucket.snapshot().sequence(), bucket.limits()), (before.sequence(), [Limit::per_second(5), fast]));
        assert_eq!(bucket.wait_for([0, 1]), before.wait_for([0, 1]));
        assert_eq!(checked, bucket.set_limits(limits), "{limits:?}");
    }
}

#[test]
fn the_largest_debt_that_fits_is_kept_and_one_token_more_is_refused() {
    for slow in ["1/d", "1/3650d", "7/s", "333/s", "1MiB/s"].map(limit) {
        let most = |owed| {
            let bucket = bucket([Limit::per_second(9_000_000_000).capacity(1)]);
            bucket.charge([owed + 1]).unwrap();
            (bucket.set_limit(slow.capacity(1)), bucket)
        };
        let Err(error) = most(1 << 61).0 else { panic!("{slow}") };
        let LimitRule::DebtTooLarge { most: fits, debt } = error.rule else { panic!("{error}") };
        assert_eq!(debt, 1 << 61);
        assert!(most(fits + 1).0.is_err(), "{slow}: {fits} and one more");
        let (kept, bucket) = most(fits);
        assert_eq!(kept, Ok(()), "{slow}: {fits}");
        // Nothing is forgiven: all but one token come back, and that one is missing.
        bucket.put_back([fits - 1]);
        let token = slow.rate.period().as_nanos().div_ceil(u128::from(slow.rate.tokens())) as u64;
        let wait = bucket.wait_for([1]).unwrap().unwrap().as_nanos() as u64;
        assert!(wait.abs_diff(2 * token) <= 2, "{slow}: {wait} for two tokens of {token} ns");
    }
}

#[test]
fn a_visit_to_another_rate_changes_nothing_that_was_owed_or_promised() {
    let home = [
        ("1000000/s capacity 1000", 1_001_000),
        ("1G/s capacity 1M", 10_001_000_000),
        ("10/s", 60),
        ("1/3s capacity 7", 9),
        ("333/s", 12_345),
        ("12.5G/s capacity 3", 1_000_000_007),
        ("1/d", 3),
    ];
    let visits = ["0/s capacity 1", "0/s capacity 1k", "1/d", "7/s", "1MiB/s", "64GiB/s"];
    for (home, charged) in home.map(|(text, charged)| (limit(text), charged)) {
        for visit in visits.map(limit) {
            let bucket = bucket([home]);
            bucket.charge([charged]).unwrap();
            let place = bucket.reserve([1]).unwrap();
            let begun = nanos(1_234_567);
            bucket.clock().set(begun);
            let (wait, ready_at) = (bucket.wait_for([1]).unwrap().unwrap(), place.ready_at());
            let there = bucket.set_limit(visit);
            if there.is_ok() {
                bucket.set_limit(home).unwrap();
            } else {
                assert!(visit.rate.tokens() > 0, "a visit to a rate of 0 is never refused: {home}, {there:?}");
            }
            let (now, ready_now) = (bucket.wait_for([1]).unwrap().unwrap(), place.ready_at());
            // Each change rounds up by less than a unit: a nanosecond at the slower rate, or less.
            // What the old refill had cut off is less, too. A rate of 0 rounds nothing.
            let speed = |limit: Limit| limit.rate.tokens() as f64 / limit.rate.period().as_nanos() as f64;
            let exact = visit.rate.tokens() == 0 && home.precision() == Ok(Duration::ZERO);
            let slack = if exact { 0 } else { 3 + (2.0 * speed(visit) / speed(home)) as u64 };
            let slack = Duration::from_nanos(slack);
            assert!(wait <= now && now <= wait + slack, "{home} by {visit}: {wait:?} became {now:?}");
            assert!(
                ready_at <= ready_now && ready_now <= Some(ready_at.unwrap().after(slack)),
                "{home} by {visit}: {ready_at:?} became {ready_now:?}"
            );
        }
    }
}

#[test]
fn nobody_overtakes_a_reservation_by_a_visit_to_a_slow_rate() {
    let fast = Limit::per_second(1_000_000).capacity(1000);
    for slow in [Limit::per_day(1), Limit::new(Rate::per_second(0), 1), Limit::per_second(3)] {
        let bucket = bucket([fast]);
        let early: Vec<_> = (0..1000).map(|_| bucket.reserve([1000]).unwrap()).collect();
        let visited = bucket.set_limit(slow).is_ok();
        bucket.set_limit(fast).unwrap();
        let late: Vec<_> = (0..900).map(|_| bucket.reserve([1000]).unwrap()).collect();
        assert!(early.last().unwrap().ready_at() <= late[0].ready_at(), "{slow}, visited: {visited}");
        let by = nanos(SECOND);
        let used = early.iter().chain(&late).filter(|place| place.ready_at() <= Some(by)).count() as u64 * 1000;
        assert!(used <= 1000 + 1_000_000, "{slow}: {used} used by one second");
    }
}

#[test]
fn a_visit_to_a_rate_of_0_keeps_every_part_of_a_token() {
    let stop = |capacity| Limit::new(Rate::per_second(0), capacity);
    let stops = [stop(5), stop(1000)];
    for (text, accrues) in [("1/s", 7), ("5/min", 11_999_999_999), ("1000/s", 999_999), ("1/d", 86_399 * SECOND)] {
        for stop in stops {
            let home = limit(text).empty();
            let bucket = bucket([home]);
            bucket.clock().advance(Duration::from_nanos(accrues));
            let wait = bucket.wait_for([1]).unwrap();
            for limit in [stop, stop, home] {
                bucket.set_limit(limit).unwrap();
            }
            assert_eq!(bucket.wait_for([1]), Ok(wait), "{text} by {stop}");
        }
    }
}

/// "Less than a token for every 2^61 of its capacity": the docs of `set_limits`.
#[test]
fn a_rate_of_0_whose_capacity_leaves_no_room_for_the_units_rounds_as_little_as_it_can() {
    for capacity in [10_000_000_000, 1 << 42, (1 << 61) + 1, (1 << 62) - 1] {
        let home = Limit::per_second(1).empty();
        let bucket = bucket([home]);
        bucket.clock().advance(Duration::from_nanos(999_999_999));
        bucket.set_limit(Limit::new(Rate::per_second(0), capacity)).unwrap();
        bucket.set_limit(home).unwrap();
        let lost = bucket.wait_for([1]).unwrap().unwrap().as_nanos() - 1;
        let most = (u128::from(capacity) * u128::from(SECOND)) >> 61;
        assert!(lost <= most, "{capacity}: {lost} ns of accrual lost, at most {most}");
        // A debt is rounded up by no more, and never down.
        bucket.charge([1 << 20]).unwrap();
        let wait = bucket.wait_for([1]).unwrap();
        bucket.set_limit(Limit::new(Rate::per_second(0), capacity)).unwrap();
        bucket.set_limit(home).unwrap();
        let more =
            bucket.wait_for([1]).unwrap().unwrap().checked_sub(wait.unwrap()).expect("nothing is forgiven").as_nanos();
        assert!(more <= most, "{capacity}: {more} ns more, at most {most}");
    }
}

#[test]
fn a_pause_keeps_every_debt_to_the_unit_however_old_the_reading() {
    let fastest = Limit::per_second((i64::MAX as u64 - 2) / (90 * 24 * 3600)).capacity(1);
    for home in [limit("333/s"), limit("9/ns capacity 9"), fastest] {
        let bucket = bucket([home]);
        // The furthest debt that there is, owed at a reading of 80 days.
        let day = 24 * 3600 * SECOND;
        let at = |days| nanos(days * day);
        let mut furthest = 1 << 62;
        while furthest > 0 {
            while bucket.at(at(80)).charge([furthest]).is_ok() {}
            furthest /= 2;
        }
        let owed = bucket.at(at(80)).wait_for([1]).unwrap().unwrap();
        // This thread's clock is 80 days behind. By it, it owes what accrues until then, too.
        bucket.at(at(0)).pause();
        bucket.at(at(0)).resume();
        let wait = bucket.at(at(80)).wait_for([1]).unwrap().unwrap();
        assert!(wait >= owed && wait <= owed + Duration::from_nanos(2), "{home}: {owed:?} became {wait:?}");
    }
}

#[test]
fn a_leaky_bucket_refuses_a_slower_rate_for_what_does_not_fit() {
    let bucket =
        LeakyBucket::empty_with_clock(Limit::per_second(1_000_000).capacity(1000), ManualClock::new()).unwrap();
    bucket.as_tokens().charge([1_001_000]).unwrap();
    let error = bucket.set_limit(Limit::per_day(1)).unwrap_err();
    assert!(matches!(error.rule, LimitRule::DebtTooLarge { debt: 1_000_000, .. }), "{error}");
    assert_eq!(bucket.limit(), Limit::per_second(1_000_000).capacity(1000));
}

#[test]
fn a_reset_forgives_a_debt_to_the_words_and_to_the_places_alike() {
    let bucket = bucket([Limit::per_second(10)]);
    bucket.charge([15]).unwrap();
    let place = bucket.reserve([3]).unwrap();
    assert_eq!(place.ready_at(), Some(nanos(SECOND * 8 / 10)));
    bucket.set_limits_with([Limit::per_day(1).capacity(10)], Inherit::Reset).unwrap();
    assert_eq!((bucket.available(), place.remaining()), ([10], Some(Duration::ZERO)));
}

#[test]
fn the_instant_of_a_place_is_right_beyond_65_years() {
    const YEAR: u64 = 365 * 24 * 3600;
    // At 9/s a nanosecond is worth 9 units, and 65 years are 2^64 of them.
    for (years, rate) in [(64, 9), (66, 9), (100, 9), (300, 9), (500, 9), (600, 9), (100, 1), (100, 8)] {
        let bucket = bucket([Limit::per_second(9_000_000_000).capacity(1)]);
        // Those in front leave, and the place stays where it is.
        let tokens = years * YEAR * rate;
        let front = bucket.reserve_oversized([tokens]).unwrap();
        let place = bucket.reserve([1]).unwrap();
        front.cancel();
        bucket.set_limit(Limit::per_second(rate).capacity(1)).unwrap();
        let right = Time::ZERO.after(Duration::from_secs(years * YEAR));
        assert_eq!(place.ready_at(), Some(right).filter(|at| *at < Time::MAX), "{years} years at {rate}/s");
    }
}

// What comes back.

#[test]
fn what_was_charged_can_be_put_back_whole_however_far_in_debt() {
    for home in ["10/s", "333/s capacity 10", "1/d capacity 10", "0/s capacity 10", "64GiB/s capacity 10"].map(limit) {
        for charged in [60, 11, 10, 50_000] {
            let one = single(home);
            one.charge(charged).unwrap();
            one.put_back(charged);
            assert_eq!(one.available(), 10, "{home}, {charged}");
            let two = bucket([Limit::per_second(5), home]);
            two.charge([0, charged]).unwrap();
            two.put_back([0, charged - 3]);
            assert_eq!(two.available(), [5, 7], "{home}, {charged}");
            two.put_back([9, u64::MAX]);
            assert_eq!(two.available(), [5, 10], "{home}, {charged}");
            let handle = two.handle().unwrap();
            two.charge([0, charged]).unwrap();
            handle.put_back([0, charged]);
            assert_eq!(two.available(), [5, 10], "{home}, {charged}");
        }
    }
}

/// A token is a multiple of 2^11 units at 5/min, and of 2^6 at 1000/s.
#[test]
fn what_is_put_back_fills_also_where_its_units_would_wrap_to_none() {
    for (home, n) in [("5/min capacity 10", 1 << 53), ("1000/s capacity 10", 1 << 58), ("64GiB/s", u64::MAX)] {
        let one = single(limit(home));
        one.charge(60).unwrap();
        one.put_back(n);
        assert_eq!(one.available(), limit(home).capacity, "{home}");
    }
}

#[test]
fn a_reservation_and_an_estimate_come_back_whole_where_their_token_is_worth_more_by_then() {
    let many = 1_000_000;
    let home = Limit::per_second(1_000_000_000).capacity(many);
    let slow = Limit::per_day(1).capacity(10);
    let bucket = bucket([home]);
    // They are there, so there is no debt; in units of the slow limit they are far above 2^62.
    let (place, estimate) = (bucket.reserve([many / 2]).unwrap(), bucket.estimate([many / 2]).unwrap());
    bucket.set_limit(slow).unwrap();
    bucket.charge([50_000]).unwrap();
    estimate.settle([many / 2 - 3]).unwrap();
    let tokens = |n: u64| Ok(Some(Duration::from_secs(n * 24 * 3600)));
    assert_eq!(bucket.wait_for([1]), tokens(50_000 - 3 + 1));
    place.cancel();
    assert_eq!(bucket.available(), [10]);
}

#[test]
fn a_lease_gives_back_whole_what_it_holds_under_a_lowered_capacity() {
    let bucket = bucket([Limit::per_second(1000)]);
    let mut lease = bucket.lease([1000]);
    while lease.held() < [100] {
        lease.try_take([1]).unwrap();
    }
    let [held] = lease.held();
    bucket.set_limit(Limit::per_second(10)).unwrap();
    bucket.charge([10 + held]).unwrap();
    drop(lease);
    assert_eq!(bucket.wait_for([1]), Ok(Some(Duration::from_millis(100))), "{held} were held");
}

// Rounding.

/// A level in exact arithmetic: tokens times `SCALE`, which is a multiple of every period below.
const SCALE: i128 = 3 * 24 * 3600 * SECOND as i128;

fn gained(limit: Limit, nanos: u64) -> i128 {
    i128::from(nanos) * i128::from(limit.rate.tokens()) * SCALE / limit.rate.period().as_nanos() as i128
}

/// The least whole number of nanoseconds after which that much has accrued.
fn wait(limit: Limit, missing: i128) -> u128 {
    let per_nano = i128::from(limit.rate.tokens()) * SCALE / limit.rate.period().as_nanos() as i128;
    if missing <= 0 { 0 } else { ((missing + per_nano - 1) / per_nano) as u128 }
}

proptest! {
    #![proptest_config(config(256, "tests/regressions/debts.txt"))]

    /// What is there is rounded down, what is owed is rounded up: at every instant each wait is at
    /// least the exact one, and longer by no more than a little for each change.
    #[test]
    fn nobody_gains_by_a_change(
        steps in prop::collection::vec((0..8usize, 0..2 * SECOND, 0..40u64, any::<bool>()), 1..40),
    ) {
        let kinds = ["7/s", "333/s", "1/3s", "11/s capacity 90", "9/s", "999/s", "1000/s", "1001/min"];
        let kinds = kinds.map(|text| limit(text).capacity(50));
        let bucket = bucket([kinds[0]]);
        let (mut home, mut t, mut level) = (kinds[0], 0, 50 * SCALE);
        for (i, (kind, later, n, charge)) in steps.into_iter().enumerate() {
            t += later;
            level = (level + gained(home, later)).min(50 * SCALE);
            let now = bucket.at(nanos(t));
            now.set_limits([kinds[kind]]).unwrap();
            home = kinds[kind];
            if charge || now.try_take([n]).is_ok() {
                if charge {
                    now.charge([n]).unwrap();
                }
                level -= i128::from(n) * SCALE;
            }
            for n in [1, 50] {
                let exact = wait(home, n * SCALE - level);
                let waits = now.wait_for([n as u64]).unwrap().unwrap().as_nanos();
                // At most a unit of each limit for each change; at 1/3s the dearest takes 1501 ns.
                let most = exact + 2 + 3000 * (i as u128 + 1);
                prop_assert!(exact <= waits && waits <= most, "step {i} at {t} ns, {home}: {waits} for {n}, exactly {exact}; level {level}/{SCALE}");
            }
        }
    }
}
