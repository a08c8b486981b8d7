//! What gRPC clients are told: read by the code that such clients have.

mod seeds;

use std::time::Duration;

use proptest::prelude::*;
use tollgate::Limit;
use tollgate_http::{Policy, Quota, Refusal, grpc};
use tonic::{Code, Status};
use tonic_types::StatusExt;

fn policy(name: impl Into<String>) -> Policy {
    Policy::new(name.into(), Limit::per_second(10)).expect("a name")
}

fn status_of(quotas: &[Quota<'_>]) -> Status {
    let response = grpc(quotas).expect("a refusal");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/grpc".parse().unwrap())
    );
    Status::from_header_map(response.headers()).expect("a status")
}

fn pushback(quotas: &[Quota<'_>]) -> Option<String> {
    let response = grpc(quotas).expect("a refusal");
    Some(response.headers().get("grpc-retry-pushback-ms")?.to_str().expect("ASCII").to_owned())
}

#[test]
fn a_refusal_is_resource_exhausted_with_the_wait_and_the_policies() {
    let [a, b, c] = ["a", "b", "c"].map(policy);
    let wait = |millis| Refusal::Wait(Duration::from_micros(millis));
    let quotas = [Quota::refused(&a, 0, wait(1500)), Quota::granted(&b, 1), Quota::refused(&c, 0, wait(700_001_250))];
    let status = status_of(&quotas);
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "refused by a, c"));
    let details = status.get_error_details();
    let retry = details.retry_info().expect("RetryInfo").retry_delay;
    assert_eq!(retry, Some(Duration::from_micros(700_001_250)));
    let violations = &details.quota_failure().expect("QuotaFailure").violations;
    assert_eq!(violations.iter().map(|violation| violation.subject.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert!(violations.iter().all(|violation| violation.description == "the quota is exhausted"));
    assert_eq!(pushback(&quotas).as_deref(), Some("700002"));
}

#[test]
fn a_pause_and_a_closed_bucket_are_unavailable() {
    let a = policy("a");
    let paused = Refusal::Paused(Some(Duration::from_secs(3)));
    let cases = [
        (paused, Code::Unavailable),
        (Refusal::Away(None), Code::Unavailable),
        (Refusal::Closed, Code::Unavailable),
        (Refusal::Cancelled, Code::Unavailable),
        (Refusal::NoRoom(None), Code::ResourceExhausted),
        (Refusal::Unknown, Code::ResourceExhausted),
        (Refusal::Never, Code::ResourceExhausted),
    ];
    for (refusal, code) in cases {
        assert_eq!(status_of(&[Quota::refused(&a, 0, refusal)]).code(), code, "{refusal:?}");
    }
}

#[test]
fn a_request_that_never_fits_is_not_to_be_retried_in_a_pause_either() {
    let [a, b] = ["a", "b"].map(policy);
    let paused = Quota::refused(&a, 0, Refusal::Paused(Some(Duration::from_secs(1))));
    let quotas = [paused, Quota::refused(&b, 0, Refusal::Never)];
    assert_eq!(status_of(&quotas).code(), Code::ResourceExhausted);
    assert_eq!(pushback(&quotas).as_deref(), Some("-1"));
}

#[test]
fn no_wait_is_named_where_none_helps_or_none_is_known() {
    let [a, b] = ["a", "b"].map(policy);
    let short = Quota::refused(&a, 0, Refusal::Wait(Duration::from_secs(1)));
    for (refusal, expected) in [(Refusal::Never, Some("-1")), (Refusal::Closed, None), (Refusal::Unknown, None)] {
        let quotas = [short, Quota::refused(&b, 0, refusal)];
        assert!(status_of(&quotas).get_error_details().retry_info().is_none(), "{refusal:?}");
        assert_eq!(pushback(&quotas).as_deref(), expected, "{refusal:?}");
    }
}

#[test]
fn a_wait_is_never_nothing_and_never_too_long_for_its_field() {
    let a = policy("a");
    let told = |wait| {
        let quotas = [Quota::refused(&a, 0, Refusal::Wait(wait))];
        let details = status_of(&quotas).get_error_details();
        (details.retry_info().and_then(|info| info.retry_delay), pushback(&quotas))
    };
    assert_eq!(told(Duration::ZERO), (Some(Duration::from_nanos(1)), Some("1".to_owned())));
    let (delay, pushback) = told(Duration::MAX);
    assert_eq!(delay, Some(Duration::from_secs(315_576_000_000)));
    assert_eq!(pushback, Some(i32::MAX.to_string()));
}

#[test]
fn a_grant_has_no_status() {
    assert!(grpc(&[Quota::granted(&policy("a"), 0)]).is_none());
    assert!(grpc(&[]).is_none());
}

proptest! {
    #![proptest_config(seeds::config(256, "tests/grpc.proptest-regressions"))]

    #[test]
    fn any_name_and_wait_are_read_back(name in "[ -~]{1,300}", wait in 1..=u64::MAX) {
        let policy = policy(name.clone());
        let wait = Duration::from_nanos(wait);
        let status = status_of(&[Quota::refused(&policy, 0, Refusal::Wait(wait))]);
        prop_assert_eq!(status.message(), format!("refused by {name}"));
        let details = status.get_error_details();
        prop_assert_eq!(details.retry_info().unwrap().retry_delay, Some(wait));
        prop_assert_eq!(&details.quota_failure().unwrap().violations[0].subject, &name);
    }
}
