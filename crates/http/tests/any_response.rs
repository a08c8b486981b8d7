//! Fields that anybody may have written, and fields that this crate wrote.

mod seeds;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;
use tollgate::{Limit, Rate};
use tollgate_http::client::Advice;
use tollgate_http::{Headers, Name, Policy, Quota, Refusal, Unit};

const NAMES: [&str; 12] = [
    "age",
    "date",
    "retry-after",
    "ratelimit",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// Bytes that are often near to what fields hold.
fn values() -> impl Strategy<Value = Vec<u8>> {
    let plausible =
        r#"("[a-z]{0,3}"|[a-z]{1,6}=|[0-9]{1,20})?(;[rtawqc]=(-?[0-9]{1,20}|"[ -~]{0,5}"?))*,? ?[0-9;,"]{0,5}"#;
    prop_oneof![plausible.prop_map(String::into_bytes), proptest::collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #![proptest_config(seeds::config(512, "tests/any_response.proptest-regressions"))]

    #[test]
    fn no_response_panics(
        status in 100..1000_u16,
        lines in proptest::collection::vec((0..NAMES.len(), values()), 0..8),
        now: u64,
    ) {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                fields.append(HeaderName::from_static(NAMES[name]), value);
            }
        }
        let now = SystemTime::UNIX_EPOCH + Duration::from_nanos(now);
        if let Some(advice) = Advice::of(StatusCode::from_u16(status).unwrap(), &fields, now) {
            let longest = Duration::from_secs(600);
            prop_assert!(advice.pause(longest) <= Some(longest));
            prop_assert_eq!(advice.wait().is_some(), advice.source().is_some());
        }
    }

    // No number panics on the way out either: no policy, no level, no wait.
    #[test]
    fn what_is_written_is_read_back(
        names in proptest::collection::btree_set("[ -~]{1,12}", 1..5),
        tokens in 1..1_000_000_u64,
        period in 1..100_000_000_000_u64,
        capacity in 1..100_000_u64,
        unit in proptest::option::of("[ -~]{1,12}"),
        levels in proptest::collection::vec((any::<u64>(), proptest::option::of(any::<u64>())), 5),
    ) {
        let limit = Limit::new(Rate::new(tokens, Duration::from_nanos(period)).unwrap(), capacity);
        limit.check().unwrap();
        let unit = unit.map_or(Unit::ContentBytes, |name| Unit::Other(Name::new(name).unwrap()));
        let policies: Vec<_> =
            names.into_iter().map(|name| Policy::new(name, limit).unwrap().unit(unit.clone())).collect();
        let quotas: Vec<_> = policies.iter().zip(&levels).map(|(policy, (available, wait))| match wait {
            None => Quota::granted(policy, *available),
            Some(wait) => Quota::refused(policy, *available, Refusal::Wait(Duration::from_nanos(*wait))),
        }).collect();
        let status = tollgate_http::status(&quotas).unwrap_or(StatusCode::OK);
        let mut fields = HeaderMap::new();
        Headers::DEFAULT.write(&quotas, status, SystemTime::now(), &mut fields);
        let advice = Advice::of(status, &fields, SystemTime::now()).expect("fields");
        prop_assert_eq!(advice.allowances().len(), policies.len());
        for ((allowance, quota), (available, _)) in advice.allowances().iter().zip(&quotas).zip(&levels) {
            let policy = quota.policy();
            prop_assert_eq!(allowance.name.as_deref(), Some(policy.name()));
            prop_assert_eq!(allowance.quota, policy.quota());
            prop_assert_eq!(allowance.window, policy.window().map(Duration::from_secs));
            prop_assert_eq!(allowance.burst, policy.burst());
            let unit = Some(unit.as_str()).filter(|&unit| unit != "requests");
            prop_assert_eq!(allowance.unit.as_deref(), unit);
            prop_assert!(allowance.available <= Some(*available));
        }
        if status != StatusCode::OK {
            prop_assert!(advice.is_refusal());
            prop_assert_eq!(advice.wait(), tollgate_http::retry_after(&quotas).map(Duration::from_secs));
        }
    }
}
