//! `Limit::at_most`: never more than `n` tokens in any window of length `per`, wherever it begins.

mod common;

use std::collections::VecDeque;
use std::time::Duration;

use common::{config, nanos};
use proptest::prelude::*;
use tollgate::clock::ManualClock;
use tollgate::limit::{AtMostError, LimitRule, RateError};
use tollgate::{Limit, TokenBucket};

/// The most tokens of any closed window of length `per`, from grants in the order of time.
fn most_in_a_window(grants: &[(u64, u64)], per: u64) -> u128 {
    let (mut window, mut sum, mut most) = (VecDeque::new(), 0_u128, 0);
    for &(at, n) in grants {
        window.push_back((at, n));
        sum += u128::from(n);
        while window.front().is_some_and(|(first, _)| at - first > per) {
            sum -= window.pop_front().map_or(0, |(_, n)| u128::from(n));
        }
        most = sum.max(most);
    }
    most
}

/// Takes all there is at these instants.
fn greedy(limit: Limit, instants: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
    let bucket = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
    instants.into_iter().map(|at| (at, bucket.at(nanos(at)).take_up_to(u64::MAX))).collect()
}

#[test]
fn a_window_has_all_of_its_tokens_and_none_more() {
    for (n, per, burst) in [(100, 60_000_000_000, 10), (2, 1_000_000_000, 1), (7, 333, 3), (1_000_000, 1_000_000, 1)] {
        let limit = Limit::at_most(n, Duration::from_nanos(per), burst).unwrap();
        assert_eq!((limit.capacity, limit.start()), (burst, burst));
        // From full: the burst at once, then each token as it comes, to the last nanosecond.
        let step = (per / (n - burst)).max(1);
        let instants = (0..=3 * (n - burst)).map(|i| i * step).chain((3 * per)..(3 * per + 1));
        let grants = greedy(limit, instants);
        let most = most_in_a_window(&grants, per);
        assert!(most <= n.into(), "{limit}: {most} of {n}");
        // Where the rate is exact and its tokens come at whole nanoseconds, no token is missing.
        if per % (n - burst) == 0 {
            assert_eq!(most, n.into(), "{limit}");
        }
    }
}

#[test]
fn what_makes_no_such_limit_is_refused_with_the_values() {
    let second = Duration::from_secs(1);
    for burst in [0, 5, 6, u64::MAX] {
        let error = Limit::at_most(5, second, burst).unwrap_err();
        let rule = if burst == 0 { AtMostError::ZeroBurst } else { AtMostError::BurstTooLarge { n: 5, burst } };
        assert_eq!(error, rule);
        assert!(error.to_string().contains(&format!("burst {burst}")), "{error}");
    }
    assert_eq!(Limit::at_most(0, second, 1), Err(AtMostError::BurstTooLarge { n: 0, burst: 1 }));
    let zero = AtMostError::Period(RateError::ZeroPeriod { tokens: 4 });
    assert_eq!(Limit::at_most(5, Duration::ZERO, 1), Err(zero));
    let period = Duration::MAX;
    assert_eq!(Limit::at_most(5, period, 1), Err(AtMostError::Period(RateError::PeriodTooLong { period })));
    let Err(AtMostError::Limit(error)) = Limit::at_most(u64::MAX, second, 1) else { panic!() };
    assert_eq!(error.rule, LimitRule::RateTooFast);
    // The largest numbers overflow nothing.
    for per in [1, u64::MAX / 3, u64::MAX] {
        for burst in [1, 1 << 61, u64::MAX - 1] {
            let _ = Limit::at_most(u64::MAX, Duration::from_nanos(per), burst);
        }
    }
}

/// Of a fast rate that is not exact, what accrues within the precision is more than a token.
#[test]
fn the_precision_of_a_fast_rate_is_taken_off() {
    let limit = Limit::at_most(12_500_000_001, Duration::from_secs(1), 1).unwrap();
    assert_eq!(limit.precision(), Ok(Duration::from_nanos(1)));
    assert_eq!(limit.rate.period(), Duration::from_nanos(1_000_000_001));
    let slower = Limit::at_most(1_000_000_000, Duration::from_secs(1), 1).unwrap();
    assert_eq!((slower.precision(), slower.rate.period()), (Ok(Duration::from_nanos(1)), Duration::from_secs(1)));
}

proptest! {
    #![proptest_config(config(2048, "tests/regressions/windows.txt"))]

    /// Any numbers, any instants, with takers as greedy as they can be: all windows are audited.
    #[test]
    fn no_window_has_more_than_n(
        n in 2..=u64::MAX, less in 0..63u32, per in 1..=10_u64.pow(15), shorter in 0..50u32, burst: u64,
        gaps in proptest::collection::vec((0..64u32, any::<u64>(), 0..4u8), 1..200)
    ) {
        let (n, per) = ((n >> less).max(2), (per >> shorter).max(1));
        let burst = 1 + burst % (n - 1);
        let limit = match Limit::at_most(n, Duration::from_nanos(per), burst) {
            Ok(limit) => limit,
            Err(AtMostError::Limit(_)) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert!(limit.capacity == burst && limit.rate.tokens() == n - burst);
        // Gaps of all sizes; and whole windows, and what a token takes, a nanosecond more or less.
        let token = per.div_ceil(n - burst);
        let mut at = 0_u64;
        let instants: Vec<u64> = gaps.into_iter().map(|(shift, gap, kind)| {
            let gap = match kind {
                0 => per.saturating_add(gap % 3).saturating_sub(1),
                1 => token.saturating_add(gap % 3).saturating_sub(1),
                _ => (gap % per.saturating_mul(2)) >> (shift / 4),
            };
            at += gap;
            at
        }).collect();
        let grants = greedy(limit, instants);
        let most = most_in_a_window(&grants, per);
        prop_assert!(most <= n.into(), "{}: {} of {} in {} ns", limit, most, n, per);
    }
}
