//! A factor on a bucket's rate: it follows a policy and the time, not the number of callers, and is
//! never retroactive.

mod common;

use std::thread;
use std::time::Duration;

use common::{config, nanos};
use proptest::prelude::*;
use tollgate::adaptive::{Adaptive, Adjustable, Course, Cubic, FillTable, Observed, Outcome, Policy};
use tollgate::clock::ManualClock;
use tollgate::limit::Ratio;
use tollgate::{LeakyBucket, Limit, MultiBucket, Rate};

const SECOND: u64 = 1_000_000_000;
const INTERVAL: u64 = 100_000_000;

fn tokens(limit: Limit) -> MultiBucket<1, ManualClock> {
    MultiBucket::with_clock([limit], ManualClock::new()).unwrap()
}

const REFUSED: Outcome = Outcome::Refused { retry_after: None };

fn cubic() -> Cubic {
    Cubic::new(Duration::from_secs(10), Ratio::percent(80))
}

/// The factor that grows from there for so long.
fn grown(from: u32, age: u64) -> Ratio {
    let mut course = Course::new(Ratio::percent(from));
    course.age = Duration::from_nanos(age);
    cubic().step(&course, Duration::ZERO, Observed { fill: Ratio::ZERO, refused: false })
}

fn scaled(mut limit: Limit, factor: Ratio) -> Limit {
    limit.rate = limit.rate.scaled(factor);
    limit
}

/// What the bucket's limit must be.
fn wanted<B: Adjustable, P: Policy>(adaptive: &Adaptive<B, P>) -> Limit {
    scaled(adaptive.limit(), adaptive.factor())
}

fn tokens_per(rate: Rate) -> (u128, u128) {
    (rate.tokens().into(), rate.period().as_nanos())
}

proptest! {
    #![proptest_config(config(200, "adaptive"))]

    /// One looks only when it is refused and at the end. The other is a crowd: it looks at every
    /// other instant as well, a thousand times, and each refusal is one for a thousand.
    #[test]
    fn a_thousand_times_as_many_callers_get_the_same_factor(
        events in prop::collection::vec((0..20 * SECOND, prop::option::of(0..2000_u64)), 0..12),
        looks in prop::collection::vec(0..20 * SECOND, 0..20),
        start in 1_u32..100,
    ) {
        let (one, crowd) = (Adaptive::new(tokens(Limit::per_second(1000)), cubic()).unwrap(), Adaptive::new(tokens(Limit::per_second(1000)), cubic()).unwrap());
        let refused = |millis: Option<u64>| Outcome::Refused { retry_after: millis.map(Duration::from_millis) };
        let mut instants: Vec<_> =
            events.iter().map(|(t, pause)| (*t, Some(refused(*pause)))).chain(looks.iter().map(|t| (*t, None))).collect();
        instants.sort_by_key(|(t, _)| *t);
        for adaptive in [&one, &crowd] {
            adaptive.set_factor(Ratio::percent(start));
        }
        for (t, outcome) in instants {
            crowd.bucket().clock().set(nanos(t));
            (0..1000).for_each(|_| crowd.observe(outcome.unwrap_or(Outcome::Granted)));
            if let Some(refused) = outcome {
                one.bucket().clock().set(nanos(t));
                one.observe(refused);
                prop_assert_eq!(one.factor(), crowd.factor());
            }
        }
        for adaptive in [&one, &crowd] {
            adaptive.bucket().clock().set(nanos(20 * SECOND));
            adaptive.tick();
            prop_assert_eq!(adaptive.bucket().limit(), wanted(adaptive));
        }
        prop_assert_eq!(one.factor(), crowd.factor());
    }

    /// Whatever happens, and whatever is set.
    #[test]
    fn a_cubic_never_exceeds_the_configured_limit(
        rate in prop::sample::select(vec!["1000/s", "7/s", "1MiB/s", "999.9/s", "1/3s", "333/s"]),
        recovery in 0_u64..100_000, decrease in 0_u32..300,
        calls in prop::collection::vec((0..3 * SECOND, 0..5_u8, 0_u32..500), 1..60),
    ) {
        let limit = Limit::new(rate.parse().unwrap(), 10);
        let adaptive = Adaptive::new(tokens(limit), Cubic::new(Duration::from_millis(recovery), Ratio::percent(decrease))).unwrap();
        let (mut t, mut granted) = (0, 0);
        let (configured, period) = tokens_per(limit.rate);
        for (pass, what, percent) in calls {
            t += pass;
            adaptive.bucket().clock().set(nanos(t));
            match what {
                0 => adaptive.observe(REFUSED),
                1 => adaptive.tick(),
                2 => adaptive.observe(Outcome::Refused { retry_after: Some(Duration::from_millis(percent.into())) }),
                3 => adaptive.set_factor(Ratio::percent(percent)),
                _ => adaptive.reset_factor(),
            }
            granted += u128::from(adaptive.bucket().take_items(u64::MAX, [1]));
            let (now, per) = tokens_per(adaptive.bucket().limit().rate);
            prop_assert!(now * period <= configured * per && adaptive.factor() <= Ratio::ONE);
            // One nanosecond for an inexact rate.
            prop_assert!((granted - granted.min(10)) * period <= configured * u128::from(t + 1), "{granted} in {t} ns");
        }
    }

    /// The rate is the configured one times the factor, rounded down by less than 10^-15 of it, and
    /// a bucket can keep it.
    #[test]
    fn any_factor_makes_a_valid_limit(rate in prop::sample::select(vec!["1000/s", "7/d", "1MiB/s", "999.9/s", "1/3s", "1G/s"]), factor in 0.000_001..1000.0) {
        let limit = Limit::new(rate.parse().unwrap(), 100);
        let factor = Ratio::from_f64(factor);
        let product = scaled(limit, factor);
        prop_assert_eq!(product.check(), Ok(()));
        let ((tokens, period), (of_one, per)) = (tokens_per(product.rate), tokens_per(limit.rate));
        let (is, exact) = (tokens as f64 / period as f64, of_one as f64 * factor.to_f64() / per as f64);
        prop_assert!((is / exact - 1.0).abs() < 1e-15, "{product} is not {rate} times {factor}");
    }
}

#[test]
fn thousands_of_factors_later_nothing_has_drifted() {
    let limit: Limit = "999.9/s capacity 50".parse().unwrap();
    let adaptive = Adaptive::new(tokens(limit), cubic()).unwrap();
    for i in 1..=5000 {
        let factor = Ratio::of(i, 5000).unwrap();
        adaptive.set_factor(factor);
        assert_eq!(adaptive.factor(), factor.max(Ratio::of(1, 1000).unwrap()));
        assert_eq!(adaptive.bucket().limit(), wanted(&adaptive));
    }
    assert_eq!(adaptive.bucket().limit(), limit);
    assert_eq!(adaptive.bucket().limit().to_string(), limit.to_string());
}

#[test]
fn a_factor_is_never_retroactive() {
    let adaptive = Adaptive::new(tokens(Limit::per_second(10).capacity(1000).empty()), cubic()).unwrap();
    let clock = adaptive.bucket().clock();
    adaptive.set_factor(Ratio::percent(50));
    // Not even for steps that are late: the factor grows only now, though it has been time for
    // long.
    clock.set(nanos(20 * SECOND));
    assert_eq!(adaptive.bucket().available(), [100]);
    adaptive.tick();
    assert_eq!((adaptive.factor(), adaptive.bucket().available()), (Ratio::ONE, [100]));
    clock.set(nanos(21 * SECOND));
    adaptive.observe(REFUSED);
    assert_eq!((adaptive.factor(), adaptive.bucket().available()), (Ratio::percent(80), [110]));
    clock.set(nanos(22 * SECOND));
    assert_eq!(adaptive.bucket().available(), [118]);
}

#[test]
fn what_was_set_does_not_grow_for_the_time_before() {
    let adaptive = Adaptive::new(tokens(Limit::per_second(10)), cubic()).unwrap();
    adaptive.bucket().clock().set(nanos(1000 * SECOND));
    adaptive.set_factor(Ratio::percent(20));
    adaptive.tick();
    assert_eq!(adaptive.factor(), Ratio::percent(20));
    adaptive.bucket().clock().set(nanos(1001 * SECOND));
    adaptive.tick();
    assert_eq!(adaptive.factor(), grown(20, SECOND));
    assert!(adaptive.factor() > Ratio::percent(20));
}

#[test]
fn a_table_follows_the_level_once_in_an_interval() {
    for callers in [1, 1000] {
        let bucket = LeakyBucket::empty_with_clock(Limit::per_second(100), ManualClock::new()).unwrap();
        let adaptive = Adaptive::new(&bucket, FillTable::new(100, Ratio::percent(50), Ratio::percent(250))).unwrap();
        let mut factors = Vec::new();
        for i in 0..8 {
            if i == 4 {
                bucket.as_tokens().charge([200]).unwrap();
            }
            bucket.clock().set(nanos(i * INTERVAL));
            (0..callers).for_each(|_| adaptive.tick());
            factors.push(adaptive.factor().to_f64());
        }
        assert_eq!(factors, [1.0, 1.4, 1.96, 2.5, 1.825, 1.33225, 0.9725425, 0.709956025], "{callers}");
        assert_eq!(bucket.limit(), wanted(&adaptive));
    }
}

#[test]
fn a_ceiling_of_one_holds_the_configured_rate() {
    let bucket = LeakyBucket::empty_with_clock(Limit::per_second(100), ManualClock::new()).unwrap();
    let adaptive = Adaptive::new(&bucket, FillTable::new(100, Ratio::percent(50), Ratio::ONE)).unwrap();
    for i in 0..100 {
        bucket.clock().set(nanos(i * INTERVAL));
        adaptive.tick();
        assert_eq!(bucket.limit(), Limit::per_second(100));
    }
}

#[test]
fn what_others_changed_is_put_right_at_the_next_step() {
    let adaptive = Adaptive::new(tokens(Limit::per_second(10)), cubic()).unwrap();
    adaptive.bucket().set_limit(Limit::per_second(3)).unwrap();
    adaptive.tick();
    assert_eq!(adaptive.bucket().limit(), Limit::per_second(3));
    adaptive.bucket().clock().set(nanos(INTERVAL));
    adaptive.tick();
    assert_eq!(adaptive.bucket().limit(), Limit::per_second(10));
}

#[test]
fn bounds_that_the_bucket_cannot_keep_are_refused() {
    let bucket = tokens("1G/s capacity 10".parse().unwrap());
    let fast = FillTable::new(10, Ratio::ONE, Ratio::MAX);
    assert!(Adaptive::new(&bucket, fast).is_err());
    // A capacity worth ages at the least factor.
    let bucket = tokens(Limit::per_day(1).capacity(5_000_000));
    assert!(Adaptive::new(&bucket, cubic().with_least(Ratio::of(1, 100_000).unwrap())).is_err());
    assert_eq!(bucket.limit(), Limit::per_day(1).capacity(5_000_000));
}

/// A policy that says anything.
struct Wild;

impl Policy for Wild {
    fn bounds(&self) -> (Ratio, Ratio) {
        (Ratio::percent(20), Ratio::percent(30))
    }

    fn interval(&self) -> Duration {
        Duration::ZERO
    }

    fn step(&self, _: &Course, elapsed: Duration, seen: Observed) -> Ratio {
        if seen.refused || elapsed.is_zero() { Ratio::ZERO } else { Ratio::MAX }
    }
}

#[test]
fn a_policy_is_held_to_its_bounds() {
    let adaptive = Adaptive::new(tokens(Limit::per_second(10)), &Wild).unwrap();
    assert_eq!((adaptive.factor(), adaptive.bucket().limit().rate), (Ratio::percent(30), Rate::per_second(3)));
    adaptive.observe(REFUSED);
    assert_eq!((adaptive.factor(), adaptive.bucket().limit().rate), (Ratio::percent(20), Rate::per_second(2)));
    adaptive.bucket().clock().set(nanos(1));
    adaptive.tick();
    assert_eq!(adaptive.factor(), Ratio::percent(30));
}

#[test]
fn the_limit_is_that_of_the_factor_when_all_threads_are_done() {
    let bucket = tokens(Limit::per_second(1000));
    let adaptive = Adaptive::new(&bucket, cubic()).unwrap();
    for round in 0..if cfg!(miri) { 2 } else { 200 } {
        thread::scope(|scope| {
            for seed in 0..4_u32 {
                let adaptive = &adaptive;
                scope.spawn(move || {
                    for i in 0..10 {
                        match (seed + i) % 4 {
                            0 => adaptive.observe(if i < 5 {
                                REFUSED
                            } else {
                                Outcome::Refused { retry_after: Some(Duration::from_millis(50)) }
                            }),
                            1 => adaptive.set_factor(Ratio::percent(10 * (seed + 1) + i)),
                            2 => drop(adaptive.bucket().clock().advance(Duration::from_millis(30))),
                            _ => adaptive.tick(),
                        }
                    }
                });
            }
        });
        assert_eq!(bucket.limit(), wanted(&adaptive), "round {round}");
    }
}

#[test]
#[cfg(feature = "alloc")]
fn a_bucket_may_be_shared_with_others() {
    let bucket = std::sync::Arc::new(tokens(Limit::per_second(10)));
    let adaptive = Adaptive::new(bucket.clone(), cubic()).unwrap();
    bucket.clock().advance(Duration::from_secs(1));
    adaptive.observe(REFUSED);
    assert_eq!(bucket.limit(), Limit::per_second(8).capacity(10));
    assert!(format!("{adaptive:?}").contains("factor: Ratio(0.8)"), "{adaptive:?}");
}

#[test]
fn nothing_grows_in_a_pause() {
    for (pause, look) in [(1, 1), (5, 3), (30, 1000)] {
        let client = Adaptive::new(tokens(Limit::per_second(1000).capacity(1000)), cubic()).unwrap();
        let clock = client.bucket().clock();
        clock.set(nanos(SECOND));
        client.observe(Outcome::Refused { retry_after: Some(Duration::from_secs(pause)) });
        assert_eq!(client.bucket().pause_left(), Some(Duration::from_secs(pause)));
        for millis in (1000..=1000 * (pause + 1)).filter(|millis| millis % look == 0) {
            clock.set(nanos(millis * SECOND / 1000));
            client.observe(Outcome::Granted);
            assert_eq!(client.factor(), Ratio::percent(80), "{millis} ms, {pause} s");
        }
        let end = (pause + 1) * SECOND;
        clock.set(nanos(end + 2 * SECOND));
        client.observe(Outcome::Granted);
        assert_eq!(client.factor(), grown(80, 2 * SECOND));
    }
}

#[test]
fn nothing_grows_in_a_pause_that_others_made() {
    let client = Adaptive::new(tokens(Limit::per_second(1000)), cubic()).unwrap();
    let clock = client.bucket().clock();
    client.set_factor(Ratio::percent(50));
    // No call in the pause.
    clock.set(nanos(INTERVAL));
    client.tick();
    client.bucket().pause_for(Duration::from_secs(60));
    clock.set(nanos(60 * SECOND + INTERVAL));
    client.tick();
    assert_eq!(client.factor(), grown(50, INTERVAL));
    // A refusal in a pause does not count the part before it.
    client.bucket().pause_for(Duration::from_secs(60));
    clock.set(nanos(100 * SECOND));
    client.observe(Outcome::Refused { retry_after: Some(Duration::from_secs(60)) });
    let refused = client.factor();
    assert!(refused < grown(50, INTERVAL));
    // Nor does a pause without an end. It ends when it is seen no more.
    client.bucket().pause();
    clock.set(nanos(1000 * SECOND));
    client.tick();
    client.bucket().resume();
    client.tick();
    assert_eq!(client.factor(), refused);
    clock.set(nanos(1001 * SECOND));
    client.tick();
    assert!(client.factor() > refused);
}

#[test]
fn a_failure_says_nothing() {
    let client = Adaptive::new(tokens(Limit::per_second(10)), cubic()).unwrap();
    client.set_factor(Ratio::percent(50));
    client.bucket().clock().set(nanos(SECOND));
    client.observe(Outcome::Failed);
    assert_eq!(client.factor(), Ratio::percent(50));
    client.observe(Outcome::Granted);
    assert_eq!(client.factor(), grown(50, SECOND));
}

#[test]
fn late_answers_to_one_overload_are_one_event() {
    let client = Adaptive::new(tokens(Limit::per_second(1000)), cubic()).unwrap();
    let clock = client.bucket().clock();
    clock.set(nanos(SECOND));
    for millis in [0, 10, 45, 99] {
        clock.set(nanos(SECOND + millis * 1_000_000));
        client.observe(Outcome::Refused { retry_after: Some(Duration::from_secs(1)) });
        assert_eq!(client.factor(), Ratio::percent(80));
    }
    // The latest end holds.
    assert_eq!(client.bucket().pause_left(), Some(Duration::from_secs(1)));
    clock.set(nanos(SECOND + 1_099_000_000));
    assert_eq!(client.bucket().pause_left(), Some(Duration::ZERO));
    client.observe(REFUSED);
    assert!(client.factor() < Ratio::percent(80));
}

#[test]
fn a_slow_rate_is_never_zero() {
    let year = Duration::from_secs(365 * 86400);
    for (rate, least) in [
        (Rate::per_hour(1), Ratio::of(1, 1000).unwrap()),
        (Rate::new(1, year).unwrap(), Ratio::of(1, 1000).unwrap()),
        (Rate::new(1, year).unwrap(), Ratio::ZERO),
        (Rate::new(1, 584 * year).unwrap(), Ratio::percent(50)),
        (Rate::new(1, 500 * year).unwrap(), Ratio::ZERO),
    ] {
        let limit = Limit::new(rate, 1).empty();
        let client =
            Adaptive::new(tokens(limit), Cubic::new(Duration::from_secs(3600), Ratio::ZERO).with_least(least)).unwrap();
        for event in 0..100 {
            client.bucket().clock().advance(Duration::from_millis(100));
            client.observe(REFUSED);
            let (tokens, period) = tokens_per(client.bucket().limit().rate);
            assert!(tokens > 0, "{rate} at {} after {event} events", client.factor());
            assert!(tokens * tokens_per(rate).1 <= tokens_per(rate).0 * period);
        }
        let lowest = client.factor();
        assert!(lowest <= Ratio::percent(50));
        client.bucket().clock().advance(Duration::from_secs(2 * 3600));
        client.tick();
        assert!(client.factor() > lowest, "{rate} does not recover from {lowest}");
    }
}

#[test]
fn an_increase_too_small_for_one_step_adds_up() {
    // In one interval, 10^-12 of a tenth of the rate, and less near the aim.
    let slow = Cubic::new(Duration::from_secs(30_000_000_000), Ratio::percent(90));
    let client = Adaptive::new(tokens(Limit::per_second(1000)), slow).unwrap();
    client.set_factor(Ratio::percent(50));
    let mut grew = 0;
    for i in 1..=1000 {
        let before = client.factor();
        client.bucket().clock().set(nanos(i * INTERVAL));
        client.tick();
        grew += u32::from(client.factor() > before);
    }
    // 100 s of 3 * 0.45 / recovery each second, which is 4.5e-9 in all.
    let expected = Ratio::from_f64(0.5 + 100.0 * 3.0 * 0.45 / 30_000_000_000.0);
    assert!((client.factor().to_f64() - expected.to_f64()).abs() < 1e-11, "{} is not {expected}", client.factor());
    assert!(grew >= 999, "{grew}");
}

/// As when a server says `Retry-After`: nothing is granted until its end, however the factor moves,
/// and then the rate is that of the factor.
#[test]
fn a_pause_stays_when_the_factor_changes() {
    let client = Adaptive::new(tokens(Limit::per_second(1000).capacity(1000)), cubic()).unwrap();
    let bucket = client.bucket();
    bucket.try_take([1000]).unwrap();
    bucket.pause_for(Duration::from_secs(1));
    client.observe(REFUSED);
    for left in (1..10).rev() {
        bucket.clock().advance(Duration::from_millis(100));
        client.tick();
        assert_eq!(bucket.pause_left(), Some(Duration::from_millis(100 * left)));
    }
    assert!(client.factor() < Ratio::ONE, "the refusal counts");
    bucket.clock().advance(Duration::from_millis(100));
    client.tick();
    assert_eq!((bucket.pause_left(), bucket.available()), (Some(Duration::ZERO), [0]));
    assert_eq!(bucket.limit(), wanted(&client));
    bucket.clock().advance(Duration::from_millis(99));
    let expected = (0.099 * 1000.0 * client.factor().to_f64()) as u64;
    assert!(bucket.available()[0].abs_diff(expected) <= 1, "{:?} is not {expected}", bucket.available());
}
