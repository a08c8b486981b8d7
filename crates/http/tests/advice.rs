//! What a client reads in the responses of servers of every kind.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tollgate_http::Headers;
use tollgate_http::client::{Advice, Source};

const OK: StatusCode = StatusCode::OK;
const REFUSED: StatusCode = StatusCode::TOO_MANY_REQUESTS;
const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// The client's clock, in seconds since 1970.
const NOW: u64 = 1_700_000_000;

fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in lines {
        fields.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    fields
}

fn read(status: StatusCode, lines: &[(&'static str, &str)]) -> Option<Advice> {
    Advice::of(status, &fields(lines), SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
}

/// Seconds to wait, and the fields they come from.
fn wait(status: StatusCode, lines: &[(&'static str, &str)]) -> Option<(f64, Source)> {
    let advice = read(status, lines)?;
    Some((advice.wait()?.as_secs_f64(), advice.source()?))
}

#[test]
fn retry_after_comes_before_all_else() {
    let all = [
        ("retry-after", "3"),
        ("ratelimit", "\"x\";r=0;t=4"),
        ("ratelimit-remaining", "0"),
        ("ratelimit-reset", "5"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "6"),
    ];
    assert_eq!(wait(REFUSED, &all), Some((3.0, Source::RetryAfter)));
    assert_eq!(wait(REFUSED, &all[1..]), Some((4.0, Source::RateLimit)));
    assert_eq!(wait(REFUSED, &all[2..]), Some((5.0, Source::OldTriple)));
    assert_eq!(wait(REFUSED, &all[4..]), Some((6.0, Source::XRateLimit)));
    assert_eq!(read(REFUSED, &[]).map(|advice| (advice.is_refusal(), advice.wait())), Some((true, None)));
}

#[test]
fn a_malformed_field_is_ignored_and_the_next_one_is_read() {
    let faults = ["soon", "-3", "", "3 4", "Tue, 99 Nov 1994 08:12:31 GMT", "\u{e9}"];
    for fault in faults {
        let lines = [("retry-after", fault), ("ratelimit", "\"x\";r=0;t=4")];
        assert_eq!(wait(REFUSED, &lines), Some((4.0, Source::RateLimit)), "{fault}");
    }
    let faults =
        ["\"x\";r=0;t=4,", "\"x\";r=0;t=", "\"x;r=0;t=4", "\"x\";r=-1;t=4", "\"x\";t=4", "5;r=0", "limit=3, reset=4"];
    for fault in faults {
        let lines = [("ratelimit", fault), ("ratelimit-remaining", "0"), ("ratelimit-reset", "5")];
        assert_eq!(wait(REFUSED, &lines), Some((5.0, Source::OldTriple)), "{fault}");
    }
    let lines = [("ratelimit-reset", "tomorrow"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "6")];
    assert_eq!(wait(REFUSED, &lines), Some((6.0, Source::XRateLimit)));
}

#[test]
fn a_date_counts_from_the_date_of_the_response() {
    let date = ("date", "Tue, 15 Nov 1994 08:12:31 GMT");
    for same in ["Tue, 15 Nov 1994 08:12:41 GMT", "Tuesday, 15-Nov-94 08:12:41 GMT", "Tue Nov 15 08:12:41 1994"] {
        assert_eq!(wait(UNAVAILABLE, &[date, ("retry-after", same)]), Some((10.0, Source::RetryAfter)), "{same}");
    }
    // Without `Date`, or with one that is malformed, it counts from the client's clock.
    let later = ("retry-after", "Tue, 14 Nov 2023 22:13:50 GMT");
    assert_eq!(wait(UNAVAILABLE, &[later]), Some((30.0, Source::RetryAfter)));
    assert_eq!(wait(UNAVAILABLE, &[later, ("date", "today")]), Some((30.0, Source::RetryAfter)));
    // One that is past is no wait.
    let past = ("retry-after", "Tue, 15 Nov 1994 08:12:00 GMT");
    assert_eq!(wait(UNAVAILABLE, &[date, past]), Some((0.0, Source::RetryAfter)));
}

// A peer truncates a wait of less than a second to 0.
#[test]
fn a_retry_after_of_0_yields_to_a_field_that_says_more() {
    let lines = [("retry-after", "0"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "2")];
    assert_eq!(wait(REFUSED, &lines), Some((2.0, Source::XRateLimit)));
    assert_eq!(wait(REFUSED, &lines[..1]), Some((0.0, Source::RetryAfter)));
}

#[test]
fn the_longest_of_several_retry_after_counts() {
    assert_eq!(wait(REFUSED, &[("retry-after", "3"), ("retry-after", "7")]), Some((7.0, Source::RetryAfter)));
    assert_eq!(wait(REFUSED, &[("retry-after", "1.5")]), Some((1.5, Source::RetryAfter)));
}

#[test]
fn an_absurd_wait_is_capped() {
    for absurd in ["1000000", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let advice = read(REFUSED, &[("retry-after", absurd)]).expect("a refusal");
        assert_eq!(advice.pause(Advice::MAX_PAUSE), Some(Duration::from_secs(600)), "{absurd}");
        assert!(advice.wait() > Some(Duration::from_secs(600)));
    }
    let advice = read(REFUSED, &[("retry-after", "60")]).expect("a refusal");
    assert_eq!(advice.pause(Advice::MAX_PAUSE), Some(Duration::from_secs(60)));
}

#[test]
fn a_response_from_a_cache_says_nothing() {
    let lines = [("retry-after", "3"), ("ratelimit", "\"x\";r=0;t=4"), ("age", "1")];
    assert_eq!(read(REFUSED, &lines), None);
    for fresh in ["0", "old", "-1"] {
        let lines = [lines[0], lines[1], ("age", fresh)];
        assert_eq!(wait(REFUSED, &lines), Some((3.0, Source::RetryAfter)), "{fresh}");
    }
}

#[test]
fn a_response_without_fields_says_nothing() {
    for status in [OK, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, UNAVAILABLE] {
        assert_eq!(read(status, &[("content-type", "text/plain")]), None, "{status}");
    }
}

#[test]
fn a_grant_with_nothing_left_is_a_wait() {
    assert_eq!(wait(OK, &[("ratelimit", "\"x\";r=0;t=4")]), Some((4.0, Source::RateLimit)));
    assert_eq!(wait(OK, &[("ratelimit", "\"x\";r=1;t=4")]), None);
    assert!(!read(OK, &[("ratelimit", "\"x\";r=0;t=4")]).expect("fields").is_refusal());
    // `Retry-After` is for refusals.
    assert_eq!(wait(OK, &[("retry-after", "4")]), None);
}

#[test]
fn of_several_policies_the_longest_reset_of_one_without_quota_counts() {
    let field = "\"day\";r=90;t=900, \"min\";r=0;t=7, \"sec\";r=0;t=1";
    assert_eq!(wait(OK, &[("ratelimit", field)]), Some((7.0, Source::RateLimit)));
    assert_eq!(wait(REFUSED, &[("ratelimit", field)]), Some((7.0, Source::RateLimit)));
    // A request of a higher cost is refused with some quota left.
    assert_eq!(wait(REFUSED, &[("ratelimit", "\"x\";r=3;t=7")]), Some((7.0, Source::RateLimit)));
}

#[test]
fn all_drafts_are_read() {
    let lists: [&[(&str, &str)]; 6] = [
        &[("ratelimit", "limit=100, remaining=0, reset=5"), ("ratelimit-policy", "100;w=60")],
        &[("ratelimit", "\"x\";r=0;t=5"), ("ratelimit-policy", "\"x\";q=100;w=60")],
        &[("ratelimit", "x;r=0;t=5"), ("ratelimit-policy", "x;q=100;w=60")],
        &[("ratelimit", "\"x\";a=0;w=5;c=100"), ("ratelimit-policy", "\"x\";q=100;w=60")],
        &[("ratelimit-limit", "100, 100;w=60"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "5")],
        &[
            ("ratelimit-limit", "100"),
            ("ratelimit-policy", "10;w=1, 100;w=60;comment=\"a, b\""),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", "5"),
        ],
    ];
    for lines in lists {
        let advice = read(REFUSED, lines).expect("fields");
        assert_eq!(advice.wait(), Some(Duration::from_secs(5)), "{lines:?}");
        let allowance = &advice.allowances()[0];
        assert_eq!((allowance.available, allowance.quota), (Some(0), Some(100)), "{lines:?}");
        assert_eq!(allowance.window, Some(Duration::from_secs(60)), "{lines:?}");
    }
}

#[test]
fn lines_of_one_field_are_joined() {
    let lines = [("ratelimit", "\"a\";r=5;t=1"), ("ratelimit", ""), ("ratelimit", " \"b\";r=0;t=9")];
    let advice = read(OK, &lines).expect("fields");
    assert_eq!(advice.allowances().len(), 2);
    assert_eq!(advice.wait(), Some(Duration::from_secs(9)));
    // A fault in one line voids them all.
    assert_eq!(read(OK, &[lines[0], ("ratelimit", "\"b\";")]), None);
}

#[test]
fn a_policy_without_a_limit_is_an_allowance_of_its_own() {
    let lines = [("ratelimit", "\"a\";r=5;t=1"), ("ratelimit-policy", "\"b\";q=9;w=0, \"a\";q=7;qu=\"requests\";w=2")];
    let advice = read(OK, &lines).expect("fields");
    let seen: Vec<_> = advice
        .allowances()
        .iter()
        .map(|allowance| (allowance.name.as_deref(), allowance.available, allowance.quota, allowance.window))
        .collect();
    let window = Some(Duration::from_secs(2));
    assert_eq!(seen, [(Some("a"), Some(5), Some(7), window), (Some("b"), None, Some(9), None)]);
    assert_eq!(advice.allowances()[0].unit, None);
}

#[test]
fn a_policy_alone_says_what_is_allowed() {
    let advice = read(OK, &[("ratelimit-policy", "\"a\";q=7;w=2")]).expect("fields");
    assert_eq!((advice.allowances()[0].quota, advice.wait()), (Some(7), None));
    // It does not hide what an older generation says is left.
    let lines = [("ratelimit-policy", "\"a\";q=7;w=2"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "6")];
    assert_eq!(wait(REFUSED, &lines), Some((6.0, Source::XRateLimit)));
    assert_eq!(read(OK, &lines).expect("fields").allowances()[0].available, Some(0));
}

#[test]
fn a_reset_above_a_billion_is_an_epoch_and_above_a_trillion_in_milliseconds() {
    let reset = |value: &str| wait(REFUSED, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", value)]);
    assert_eq!(reset("60"), Some((60.0, Source::XRateLimit)));
    assert_eq!(reset("1000000000"), Some((1e9, Source::XRateLimit)));
    assert_eq!(reset("1700000060"), Some((60.0, Source::XRateLimit)));
    assert_eq!(reset("1700000060.250"), Some((60.25, Source::XRateLimit)));
    assert_eq!(reset("1700000060500"), Some((60.5, Source::XRateLimit)));
    // One that is past is no wait.
    assert_eq!(reset("1600000000"), Some((0.0, Source::XRateLimit)));
    let lines = [
        ("date", "Tue, 14 Nov 2023 22:13:10 GMT"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1700000000"),
    ];
    assert_eq!(wait(REFUSED, &lines), Some((10.0, Source::XRateLimit)));
}

// GitHub's own limit is a 403 with nothing left; its limit of bursts is one with Retry-After.
#[test]
fn a_403_is_a_refusal_only_with_nothing_left_or_retry_after() {
    let forbidden = StatusCode::FORBIDDEN;
    let left = [("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "59"), ("x-ratelimit-reset", "1700003600")];
    let none = [left[0], ("x-ratelimit-remaining", "0"), left[2]];
    let advice = read(forbidden, &left).expect("fields");
    assert_eq!((advice.is_refusal(), advice.wait()), (false, None));
    let advice = read(forbidden, &none).expect("fields");
    assert_eq!((advice.is_refusal(), advice.wait()), (true, Some(Duration::from_secs(3600))));
    let advice = read(forbidden, &[left[1], ("retry-after", "60")]).expect("fields");
    assert_eq!((advice.is_refusal(), advice.wait()), (true, Some(Duration::from_secs(60))));
}

#[test]
fn only_the_generations_asked_for_are_read() {
    let lines = [
        ("retry-after", "3"),
        ("ratelimit", "\"x\";r=0;t=4"),
        ("ratelimit-remaining", "0"),
        ("ratelimit-reset", "5"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "6"),
    ];
    let wait = |headers: Headers| {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        headers.read(REFUSED, &fields(&lines), now).expect("a refusal").wait().map(|wait| wait.as_secs())
    };
    assert_eq!(wait(Headers::none()), None);
    assert_eq!(wait(Headers::none().retry_after(true)), Some(3));
    assert_eq!(wait(Headers::DEFAULT.retry_after(false)), Some(4));
    assert_eq!(wait(Headers::none().old_triple()), Some(5));
    assert_eq!(wait(Headers::none().x_ratelimit(tollgate_http::Reset::Epoch)), Some(6));
}

#[test]
fn a_burst_that_is_not_the_quota_is_read() {
    let policy = ("ratelimit-policy", r#""x";q=1000;w=1;tollgate-burst=50, "y";q=5;w=1"#);
    let advice = read(StatusCode::OK, &[policy, ("ratelimit", r#""x";r=50;t=1, "y";r=5;t=1"#)]).unwrap();
    let bursts: Vec<_> = advice.allowances().iter().map(|allowance| allowance.burst).collect();
    assert_eq!(bursts, [Some(50), None]);
}

/// Reading is linear: with each policy compared to each, this takes minutes.
#[test]
fn very_many_policies_are_each_read_with_their_own_window() {
    let (mut policies, mut limits) = (Vec::new(), Vec::new());
    for number in 1..=30_000 {
        policies.push(format!("\"p{number}\";q=100;w={number}"));
        limits.push(format!("\"p{number}\";r=50;t=30"));
    }
    let mut fields = HeaderMap::new();
    fields.insert("ratelimit-policy", HeaderValue::try_from(policies.join(",")).unwrap());
    fields.insert("ratelimit", HeaderValue::try_from(limits.join(",")).unwrap());
    let advice = Advice::of(StatusCode::OK, &fields, SystemTime::UNIX_EPOCH).unwrap();
    let windows = advice.allowances().iter().map(|allowance| allowance.window);
    assert!(windows.eq((1..=30_000).map(|seconds| Some(Duration::from_secs(seconds)))));
}

#[test]
fn of_several_values_that_are_left_the_least_counts() {
    let advice = read(OK, &[("x-ratelimit-remaining", "5, 2"), ("x-ratelimit-remaining", "7")]).unwrap();
    assert_eq!(advice.allowances()[0].available, Some(2));
}

#[test]
fn a_limit_without_a_name_has_the_policy_of_its_quota() {
    let lines = [("ratelimit", "limit=50, remaining=1, reset=1"), ("ratelimit-policy", "100;w=60, 50;w=1")];
    let advice = read(OK, &lines).unwrap();
    assert_eq!(advice.allowances()[0].window, Some(Duration::from_secs(1)));
}
