//! governor 0.10: a cell is a whole number of nanoseconds, and a large amount wraps.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use lessons::lesson;
use tollgate::{Limit, ManualClock, Never, Rate, Refused, TokenBucket};

fn cells(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

/// What governor grants in a tenth of a second, after the burst has been used up.
fn granted_in_100_ms(rate: u32) -> u64 {
    let clock = FakeRelativeClock::default();
    // A reading of 0 is what it takes for "never used".
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

/// The amount is multiplied with the cell's nanoseconds in 64 bits, before it is compared. A build with overflow checks panics instead.
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
