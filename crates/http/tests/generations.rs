//! Which fields a response has, in each generation, and of which policy they speak.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode};
use tollgate::Limit;
use tollgate_http::{Draft, Headers, Policy, Quota, Refusal, Reset};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const REFUSED: StatusCode = StatusCode::TOO_MANY_REQUESTS;

fn policy(name: &'static str) -> Policy {
    Policy::new(name, Limit::per_second(10).capacity(100)).expect("a name")
}

fn written(headers: Headers, quotas: &[Quota<'_>], status: StatusCode) -> Vec<String> {
    let mut fields = HeaderMap::new();
    // Half a second after 1,700,000,000.
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_500);
    headers.write(quotas, status, now, &mut fields);
    let mut lines: Vec<_> =
        fields.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII"))).collect();
    lines.sort();
    lines.iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

#[test]
fn each_generation_is_written_only_if_it_is_asked_for() {
    let policy = policy("x");
    let quotas = [Quota::refused(&policy, 30, Refusal::Wait(Duration::from_millis(1200)))];
    let ietf = ["ratelimit: \"x\";r=30;t=2", "ratelimit-policy: \"x\";q=100;w=10"];
    let old = ["ratelimit-limit: 100", "ratelimit-remaining: 30", "ratelimit-reset: 7"];
    let x = ["x-ratelimit-limit: 100", "x-ratelimit-remaining: 30", "x-ratelimit-reset: 7"];
    let none = Headers::none();
    assert_eq!(written(none, &quotas, REFUSED), [""; 0]);
    assert_eq!(written(none.draft(Draft::D11), &quotas, REFUSED), ietf);
    assert_eq!(written(none.old_triple(), &quotas, REFUSED), old);
    assert_eq!(written(none.x_ratelimit(Reset::Delta), &quotas, REFUSED), x);
    assert_eq!(written(none.retry_after(true), &quotas, REFUSED), ["retry-after: 2"]);
    let mut default = ietf.to_vec();
    default.push("retry-after: 2");
    assert_eq!(written(Headers::default(), &quotas, REFUSED), default);
    assert_eq!(written(Headers::ALL, &quotas, REFUSED).len(), 9);
    assert_eq!(written(Headers::ALL.retry_after(false), &quotas, REFUSED).len(), 8);
}

#[test]
fn a_reset_as_epoch_is_rounded_up() {
    let policy = policy("x");
    let headers = Headers::none().x_ratelimit(Reset::Epoch);
    let lines = written(headers, &[Quota::granted(&policy, 95)], StatusCode::OK);
    assert_eq!(lines[2], "x-ratelimit-reset: 1700000002");
    // A clock before 1970 counts as 1970.
    let mut fields = HeaderMap::new();
    let before = SystemTime::UNIX_EPOCH - Duration::from_secs(5);
    headers.write(&[Quota::granted(&policy, 95)], StatusCode::OK, before, &mut fields);
    assert_eq!(fields["x-ratelimit-reset"], "1");
}

#[test]
fn a_granted_response_has_no_retry_after() {
    let policy = policy("x");
    let lines = written(Headers::ALL, &[Quota::granted(&policy, 0)], StatusCode::OK);
    assert!(lines.iter().all(|line| !line.starts_with("retry-after")), "{lines:?}");
    assert_eq!(lines.len(), 8);
}

#[test]
fn nothing_is_written_on_1xx_and_3xx() {
    let policy = policy("x");
    let quotas = [Quota::refused(&policy, 0, Refusal::Wait(Duration::from_secs(1)))];
    for status in [100, 101, 103, 300, 301, 302, 304, 307, 308] {
        assert_eq!(written(Headers::ALL, &quotas, StatusCode::from_u16(status).unwrap()), [""; 0], "{status}");
    }
    for status in [200, 204, 404, 429, 500, 503] {
        assert_eq!(written(Headers::ALL, &quotas, StatusCode::from_u16(status).unwrap()).len(), 9, "{status}");
    }
}

#[test]
fn nothing_is_written_without_a_policy() {
    assert_eq!(written(Headers::ALL, &[], StatusCode::OK), [""; 0]);
}

#[test]
fn all_policies_stand_in_the_lists_in_their_order() {
    let [a, b] = ["b", "a"].map(policy);
    let lines = written(Headers::DEFAULT, &[Quota::granted(&a, 70), Quota::granted(&b, 50)], StatusCode::OK);
    assert_eq!(lines[0], "ratelimit: \"b\";r=70;t=7, \"a\";r=50;t=5");
    assert_eq!(lines[1], "ratelimit-policy: \"b\";q=100;w=10, \"a\";q=100;w=10");
}

#[test]
fn in_a_refusal_only_the_policies_that_refused_have_a_t() {
    let [a, b] = ["a", "b"].map(policy);
    let refused = Quota::refused(&b, 50, Refusal::Wait(Duration::from_millis(100)));
    let lines = written(Headers::DEFAULT, &[Quota::granted(&a, 70), refused], REFUSED);
    assert_eq!(lines[0], "ratelimit: \"a\";r=70, \"b\";r=50;t=1");
}

#[test]
fn what_nobody_knows_is_not_said() {
    let policy = policy("x");
    let quotas = [Quota::refused(&policy, None, Refusal::Cancelled)];
    assert_eq!(written(Headers::ALL, &quotas, REFUSED), ["ratelimit-policy: \"x\";q=100;w=10"]);
}

/// The `X-RateLimit-Limit` that is written, which tells the policies apart.
fn speaker(quotas: &[Quota<'_>]) -> String {
    written(Headers::none().x_ratelimit(Reset::Delta), quotas, REFUSED).remove(0)
}

#[test]
fn single_values_speak_of_the_refusal_with_the_longest_wait() -> Outcome {
    let [a, b, c] = [("a", 1000), ("b", 2000), ("c", 3000)].map(|(name, n)| Policy::new(name, Limit::per_second(n)));
    let (a, b, c) = (a?, b?, c?);
    let wait = |secs| Refusal::Wait(Duration::from_secs(secs));
    // The one with the least left did not refuse.
    let quotas = [Quota::granted(&a, 0), Quota::refused(&b, 9, wait(2)), Quota::refused(&c, 9, wait(3))];
    assert_eq!(speaker(&quotas), "x-ratelimit-limit: 3000");
    let quotas = [quotas[0], Quota::refused(&b, 9, wait(3)), quotas[2]];
    assert_eq!(speaker(&quotas), "x-ratelimit-limit: 2000");
    let quotas = [quotas[0], Quota::refused(&b, 9, Refusal::Never), Quota::refused(&c, 9, wait(9))];
    assert_eq!(speaker(&quotas), "x-ratelimit-limit: 2000");
    Ok(())
}

#[test]
fn single_values_speak_of_the_smallest_share_left() -> Outcome {
    let [a, b] = [("a", 1000), ("b", 10)].map(|(name, n)| Policy::new(name, Limit::per_second(n)));
    let (a, b) = (a?, b?);
    assert_eq!(speaker(&[Quota::granted(&a, 601), Quota::granted(&b, 6)]), "x-ratelimit-limit: 10");
    assert_eq!(speaker(&[Quota::granted(&a, 599), Quota::granted(&b, 6)]), "x-ratelimit-limit: 1000");
    Ok(())
}

#[test]
fn fields_that_are_there_stay() {
    let policy = policy("x");
    let quotas = [Quota::refused(&policy, 0, Refusal::Wait(Duration::from_secs(1)))];
    let mut fields = HeaderMap::new();
    for (name, value) in [("ratelimit", "\"up\";r=5;t=9"), ("retry-after", "9"), ("x-ratelimit-remaining", "5")] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    Headers::ALL.write(&quotas, REFUSED, SystemTime::now(), &mut fields);
    let of = |name: &str| fields.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("ratelimit"), ["\"up\";r=5;t=9", "\"x\";r=0;t=1"]);
    assert_eq!(of("retry-after"), ["9"]);
    assert_eq!(of("x-ratelimit-remaining"), ["5"]);
    assert_eq!(of("x-ratelimit-limit"), [""; 0]);
    assert_eq!(of("ratelimit-remaining"), ["0"]);
}

#[test]
fn a_reset_is_not_before_the_wait() {
    // In debt, behind others who wait, and in a pause a wait is longer than the refill.
    let policy = policy("x");
    let quotas = [Quota::refused(&policy, 0, Refusal::Wait(Duration::from_secs(44)))];
    assert_eq!(written(Headers::none().old_triple(), &quotas, REFUSED)[2], "ratelimit-reset: 44");
}
