//! When a refused client may come back.

mod seeds;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use tollgate::Limit;
use tollgate::clock::ManualClock;
use tollgate_http::{Headers, Policy, Quota, Refusal, retry_after, status};

fn policies() -> [Policy; 3] {
    ["a", "b", "c"].map(|name| Policy::new(name, Limit::per_minute(100)).expect("a name"))
}

fn refusals() -> impl Strategy<Value = Option<Refusal>> {
    let wait = || (0..100_000_u64).prop_map(Duration::from_millis);
    prop_oneof![
        Just(None),
        wait().prop_map(|wait| Some(Refusal::Wait(wait))),
        proptest::option::of(wait()).prop_map(|wait| Some(Refusal::Paused(wait))),
        proptest::option::of(wait()).prop_map(|wait| Some(Refusal::NoRoom(wait))),
        Just(Some(Refusal::Never)),
        Just(Some(Refusal::Unknown)),
        Just(Some(Refusal::Closed)),
        Just(Some(Refusal::Cancelled)),
    ]
}

// A peer truncates to 0, and its clients come back at once.
#[test]
fn a_wait_of_less_than_a_second_is_not_0() {
    for wait in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(999), Duration::from_secs(1)] {
        assert_eq!(Refusal::Wait(wait).retry_after(), Some(1), "{wait:?}");
    }
}

// Peers truncate 1.5 s to 1, and their clients come back too early.
#[test]
fn a_wait_is_rounded_up() {
    for (nanos, seconds) in [(1_000_000_001, 2), (1_500_000_000, 2), (2_000_000_000, 2), (2_000_000_001, 3)] {
        assert_eq!(Refusal::Wait(Duration::from_nanos(nanos)).retry_after(), Some(seconds));
    }
    assert_eq!(Refusal::Wait(Duration::MAX).retry_after(), Some(999_999_999_999_999));
}

#[test]
fn the_longest_wait_counts() {
    let [a, b, c] = &policies();
    let wait = |millis| Refusal::Wait(Duration::from_millis(millis));
    let quotas = [Quota::refused(a, 0, wait(900)), Quota::granted(b, 3), Quota::refused(c, 0, wait(4100))];
    assert_eq!(retry_after(&quotas), Some(5));
    assert_eq!(retry_after(&quotas[..2]), Some(1));
    assert_eq!(retry_after(&quotas[1..2]), None);
    assert_eq!(retry_after(&[]), None);
}

/// An attempt that counts left it nothing, although it did not refuse.
#[test]
fn a_policy_that_granted_and_is_short_now_is_waited_for_and_not_violated() {
    let [a, b, _] = &policies();
    let refused = Quota::refused(b, 0, Refusal::Wait(Duration::from_millis(900)));
    for (again, stated) in [(Some(Duration::from_millis(6100)), Some(7)), (Some(Duration::ZERO), Some(1)), (None, None)]
    {
        let attempted = Quota::granted(a, 0).again_in(again);
        let quotas = [attempted, refused];
        assert_eq!((retry_after(&quotas), retry_after(&[attempted])), (stated, None));
        let mut fields = HeaderMap::new();
        Headers::ALL.write(&quotas, StatusCode::TOO_MANY_REQUESTS, SystemTime::now(), &mut fields);
        let t = fields["ratelimit"].to_str().unwrap().split(',').next().unwrap().split(";t=").nth(1);
        assert_eq!(t.and_then(|t| t.parse().ok()), stated.filter(|stated| *stated > 1));
        let (_, body) = tollgate_http::problem(&quotas).unwrap();
        assert!(body.ends_with(&format!(r#""violated-policies":["{}"]}}"#, b.name())), "{body}");
    }
}

#[test]
fn no_wait_is_named_where_none_helps_or_none_is_known() {
    let [a, b, _] = &policies();
    let short = Quota::refused(a, 0, Refusal::Wait(Duration::from_secs(3)));
    let hopeless = [
        Refusal::Never,
        Refusal::Unknown,
        Refusal::Closed,
        Refusal::Cancelled,
        Refusal::Paused(None),
        Refusal::NoRoom(None),
        Refusal::Away(None),
    ];
    for refusal in hopeless {
        let quotas = [short, Quota::refused(b, 0, refusal)];
        assert_eq!(retry_after(&quotas), None, "{refusal:?}");
        let mut fields = HeaderMap::new();
        Headers::ALL.write(&quotas, StatusCode::TOO_MANY_REQUESTS, SystemTime::now(), &mut fields);
        assert!(!fields.contains_key("retry-after"), "{refusal:?}");
    }
}

#[test]
fn a_pause_names_its_end_and_the_refill() -> Result<(), Box<dyn std::error::Error>> {
    let policy = Policy::new("x", Limit::per_second(10))?;
    let bucket = tollgate::MultiBucket::with_clock([policy.limit()], ManualClock::new())?;
    bucket.try_take([10])?;
    bucket.pause_for(Duration::from_secs(3));
    let quotas = Quota::each_refused([&policy], &bucket.try_take([1]).unwrap_err());
    assert_eq!(quotas[0].refusal(), Some(Refusal::Paused(Some(Duration::from_millis(3100)))));
    assert_eq!((retry_after(&quotas), status(&quotas)), (Some(4), Some(StatusCode::SERVICE_UNAVAILABLE)));
    bucket.pause();
    let quotas = Quota::each_refused([&policy], &bucket.try_take([1]).unwrap_err());
    assert_eq!((quotas[0].refusal(), retry_after(&quotas)), (Some(Refusal::Paused(None)), None));
    Ok(())
}

proptest! {
    #![proptest_config(seeds::config(256, "tests/retry_after.proptest-regressions"))]

    #[test]
    fn retry_after_is_at_least_1_and_never_before_t(
        each in proptest::collection::vec((refusals(), 0..100_u64), 3),
    ) {
        let policies = policies();
        let quotas: Vec<_> = policies.iter().zip(&each).map(|(policy, (refusal, available))| match refusal {
            None => Quota::granted(policy, *available),
            Some(refusal) => Quota::refused(policy, *available, *refusal),
        }).collect();
        let mut fields = HeaderMap::new();
        let status = status(&quotas).unwrap_or(StatusCode::OK);
        Headers::DEFAULT.write(&quotas, status, SystemTime::now(), &mut fields);
        let number = |text: &str| text.parse::<u64>().expect("a number");
        let Some(retry_after) = fields.get("retry-after").map(|value| number(value.to_str().unwrap())) else {
            return Ok(());
        };
        prop_assert!(retry_after >= 1 && status != StatusCode::OK);
        for item in fields["ratelimit"].to_str().unwrap().split(", ") {
            if let Some((_, t)) = item.split_once(";t=") {
                prop_assert!(retry_after >= number(t), "{:?}", fields);
            }
        }
    }
}
