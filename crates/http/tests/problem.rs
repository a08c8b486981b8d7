//! The status and the body of a refusal.

mod seeds;

use std::time::Duration;

use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate::Limit;
use tollgate_http::{Policy, Quota, Refusal, Unit, problem, status};

const EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";
const REDUCED: &str = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
const WAIT: Refusal = Refusal::Wait(Duration::from_secs(1));

fn policy(name: impl Into<String>) -> Policy {
    Policy::new(name.into(), Limit::per_second(10)).expect("a name")
}

/// The status, the type, and who refused.
fn read(quotas: &[Quota<'_>]) -> (u16, String, Value) {
    let (status, body) = problem(quotas).expect("a refusal");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["status"], status.as_u16());
    assert!(body["title"].is_string());
    (status.as_u16(), body["type"].as_str().expect("a type").to_owned(), body["violated-policies"].clone())
}

#[test]
fn each_refusal_has_its_status_and_type() {
    let requests = policy("requests");
    let bytes = policy("bytes").unit(Unit::ContentBytes);
    let cases = [
        (&requests, WAIT, 429, EXCEEDED),
        (&requests, Refusal::Unknown, 429, EXCEEDED),
        (&requests, Refusal::Never, 429, EXCEEDED),
        (&bytes, WAIT, 429, EXCEEDED),
        (&bytes, Refusal::Never, 413, EXCEEDED),
        (&requests, Refusal::Paused(None), 503, REDUCED),
        (&requests, Refusal::NoRoom(Some(Duration::ZERO)), 503, REDUCED),
        (&requests, Refusal::Away(None), 503, REDUCED),
        (&requests, Refusal::Closed, 503, "about:blank"),
        (&requests, Refusal::Cancelled, 503, "about:blank"),
    ];
    for (policy, refusal, status, kind) in cases {
        let name = policy.name();
        let read = read(&[Quota::refused(policy, 0, refusal)]);
        assert_eq!(read, (status, kind.to_owned(), json!([name])), "{refusal:?}");
    }
}

#[test]
fn the_gravest_refusal_gives_the_status() {
    let (a, b) = (policy("a"), policy("b").unit(Unit::ContentBytes));
    let short = Quota::refused(&a, 0, WAIT);
    assert_eq!(read(&[short, Quota::refused(&b, 0, Refusal::Paused(None))]).0, 503);
    assert_eq!(read(&[Quota::refused(&a, 0, Refusal::Closed), Quota::refused(&b, 0, Refusal::Never)]).0, 413);
    assert_eq!(
        read(&[Quota::refused(&a, 0, Refusal::Closed), Quota::refused(&b, 0, Refusal::Paused(None))]).1,
        "about:blank"
    );
}

#[test]
fn all_policies_that_refused_are_named_and_no_other() {
    let [a, b, c] = ["a", "b", "c"].map(policy);
    let quotas = [Quota::refused(&a, 0, WAIT), Quota::granted(&b, 0), Quota::refused(&c, 0, WAIT)];
    assert_eq!(read(&quotas).2, json!(["a", "c"]));
}

#[test]
fn a_grant_has_no_problem() {
    let a = policy("a");
    assert_eq!((problem(&[Quota::granted(&a, 0)]), problem(&[])), (None, None));
    assert_eq!((status(&[Quota::granted(&a, 0)]), status(&[])), (None::<StatusCode>, None));
}

proptest! {
    #![proptest_config(seeds::config(64, "tests/problem.proptest-regressions"))]

    #[test]
    fn any_name_gives_valid_json(name in "[ -~]{1,30}") {
        let policy = policy(name.clone());
        prop_assert_eq!(read(&[Quota::refused(&policy, 0, WAIT)]).2, json!([name]));
    }
}
