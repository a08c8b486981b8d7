//! In governor 0.10 a cell is a whole number of nanoseconds, and a large amount wraps.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use lessons::lesson;
use tollgate::clock::{ManualClock, Time};
use tollgate::{Limit, Never, Rate, Refused, TokenBucket};

fn cells(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

/// Returns governor's grants in a tenth of a second, after the burst.
fn granted_in_100_ms(rate: u32) -> u64 {
    let clock = FakeRelativeClock::default();
    // The peer takes a reading of 0 for "never used".
    clock.advance(Duration::from_secs(1));
    let limiter = RateLimiter::direct_with_clock(Quota::per_second(cells(rate)), clock.clone());
    limiter.check_n(cells(rate)).unwrap().unwrap();
    clock.advance(Duration::from_millis(100));
    let mut granted = 0;
    for n in (0..9).rev().map(|power| 10_u32.pow(power)) {
        while matches!(limiter.check_n(cells(n)), Ok(Ok(()))) {
            granted += u64::from(n);
        }
    }
    granted
}

#[test]
fn fast_rates_are_exact() {
    for (rate, theirs) in [(300_000_000, 33_333_333), (700_000_000, 100_000_000), (2_000_000_000, 100_000_000)] {
        assert_eq!(granted_in_100_ms(rate), theirs, "{rate}/s");

        let bucket = TokenBucket::with_clock(Limit::per_second(rate.into()), ManualClock::new()).unwrap();
        bucket.try_take(rate.into()).unwrap();
        bucket.clock().advance(Duration::from_millis(100));
        let (ours, due) = (bucket.take_up_to(u64::MAX), u64::from(rate) / 10);
        assert_eq!(ours, due, "{rate}/s");
        let off = (theirs as f64 / due as f64 - 1.0) * 100.0;
        lesson(
            "governor 0.10.4",
            true,
            format!("{}M/s grants {theirs} in 100 ms, {off:+.0} %", rate / 1_000_000),
            format!("{ours}, exact"),
        );
    }
}

/// The peer multiplies the amount by the cell's nanoseconds in 64 bits, then compares.
///
/// A build with overflow checks panics instead.
#[test]
fn more_than_the_capacity_is_refused_as_never() {
    const AMOUNT: u32 = 5_124_097;
    let quota = Quota::per_hour(cells(1)).allow_burst(cells(2));
    let limiter = RateLimiter::direct_with_clock(quota, FakeRelativeClock::default());
    let theirs = catch_unwind(AssertUnwindSafe(|| limiter.check_n(cells(AMOUNT))));
    let theirs = match theirs {
        Ok(Ok(Ok(()))) => "is admitted",
        Err(_) => "panics, as this build checks for overflow; in release it is admitted",
        other => panic!("{other:?}"),
    };

    let limit = Limit::new(Rate::per_hour(1), 2);
    let bucket = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
    for n in [AMOUNT.into(), u64::MAX, 3] {
        assert_eq!(bucket.try_take(n), Err(Refused::Never(Never { stream: 0, requested: n, capacity: 2 })));
    }
    assert_eq!(bucket.available(), 2);
    lesson("governor 0.10.4", true, format!("check_n({AMOUNT}) on a burst of 2 {theirs}"), "refused as Never");
}

/// One caller wants 50 tokens; eight others take single ones, again and again.
///
/// Both limiters refill a token every 100 ms. governor's waiters retry when told, which is all that
/// its `until_n_ready` does. Ours hold a place.
#[test]
fn a_large_amount_beside_small_ones_is_served_in_its_turn() {
    const STEP: Duration = Duration::from_millis(100);
    let clock = FakeRelativeClock::default();
    clock.advance(Duration::from_secs(1));
    let limiter = RateLimiter::direct_with_clock(Quota::per_second(cells(10)).allow_burst(cells(50)), clock.clone());
    limiter.check_n(cells(50)).unwrap().unwrap();
    let mut small = 0;
    for _ in 0..1000 {
        clock.advance(STEP);
        small += u64::from(limiter.check().is_ok());
        assert!(limiter.check_n(cells(50)).unwrap().is_err());
    }
    assert_eq!(small, 1000);

    let bucket = TokenBucket::with_clock(Limit::per_second(10).capacity(50).empty(), ManualClock::new()).unwrap();
    let before: Vec<_> = (0..8).map(|_| bucket.reserve(1).unwrap()).collect();
    let large = bucket.reserve(50).unwrap();
    let again = bucket.reserve(1).unwrap();
    assert!(before.iter().all(|small| small.ready_at() <= Some(Time::ZERO.after(8 * STEP))));
    assert_eq!(large.ready_at(), Some(Time::ZERO.after(58 * STEP)));
    assert_eq!(again.ready_at(), Some(Time::ZERO.after(59 * STEP)));
    lesson(
        "governor 0.10.4",
        true,
        "50 cells beside single ones: refused for 100 s, while 1000 of those were granted",
        "served in its turn, after the eight that came before it",
    );
}
