//! What a client reads in a gRPC response that has only trailers.

mod seeds;

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;
use tollgate::Limit;
use tollgate_http::client::{Advice, Source};
use tollgate_http::{Headers, Policy, Quota, Refusal, grpc};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
    let line = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
    };
    lines.iter().map(line).collect()
}

fn read(fields: &HeaderMap) -> Option<Advice> {
    Advice::of(StatusCode::OK, fields, SystemTime::UNIX_EPOCH)
}

/// The wait, its source, and whether the request is not to be sent again.
fn wait(lines: &[(&'static str, &str)]) -> Option<(Option<Duration>, Option<Source>, bool)> {
    let advice = read(&fields(lines))?;
    assert!(advice.is_refusal());
    Some((advice.wait(), advice.source(), advice.is_final()))
}

#[test]
fn what_a_server_of_this_crate_refuses_is_read_with_its_exact_wait() {
    let policy = Policy::new("client", Limit::per_second(10)).expect("a policy");
    for micros in [1, 1500, 700_001_250, 400_000_000_000_000] {
        let wait = Duration::from_micros(micros);
        for refusal in [Refusal::Wait(wait), Refusal::Paused(Some(wait))] {
            let response = grpc(&[Quota::refused(&policy, 0, refusal)]).expect("a refusal");
            let advice = read(response.headers()).expect("a refusal");
            assert_eq!((advice.is_refusal(), advice.wait()), (true, Some(wait)), "{refusal:?}");
            assert_eq!((advice.source(), advice.is_final()), (Some(Source::Grpc), false));
        }
    }
    let response = grpc(&[Quota::refused(&policy, 0, Refusal::Never)]).expect("a refusal");
    let advice = read(response.headers()).expect("a refusal");
    assert_eq!((advice.is_refusal(), advice.is_final(), advice.wait()), (true, true, None));
}

#[test]
fn what_tonic_writes_is_read_with_or_without_padding() {
    for seconds in [0, 1, 77] {
        let mut details = ErrorDetails::with_retry_info(Some(Duration::new(seconds, 5)));
        details.add_quota_failure_violation("client", "exhausted");
        let status = Status::with_error_details(Code::ResourceExhausted, "refused", details);
        let mut fields = status.into_http::<()>().headers().clone();
        let expected = Some(Duration::new(seconds, 5));
        assert_eq!(read(&fields).and_then(|advice| advice.wait()), expected);
        let plain = STANDARD_NO_PAD.decode(&fields["grpc-status-details-bin"]).expect("base 64");
        fields.insert("grpc-status-details-bin", STANDARD.encode(plain).parse().expect("a value"));
        assert_eq!(read(&fields).and_then(|advice| advice.wait()), expected);
    }
}

#[test]
fn only_refusals_because_of_limits_are_refusals() {
    assert_eq!(wait(&[("grpc-status", "8")]), Some((None, None, false)));
    for status in ["0", "4", "13", "14", "x", ""] {
        assert_eq!(wait(&[("grpc-status", status)]), None, "{status:?}");
    }
    let pushback = [("grpc-status", "14"), ("grpc-retry-pushback-ms", "1500")];
    assert_eq!(wait(&pushback), Some((Some(Duration::from_millis(1500)), Some(Source::Grpc), false)));
    assert_eq!(wait(&[("grpc-status", "4"), ("grpc-retry-pushback-ms", "1500")]), None);
}

#[test]
fn a_pushback_that_is_negative_or_no_number_forbids_a_retry() {
    for text in ["-1", "never", "1.5", ""] {
        let lines = [("grpc-status", "8"), ("grpc-retry-pushback-ms", text)];
        assert_eq!(wait(&lines), Some((None, None, true)), "{text:?}");
    }
}

#[test]
fn waits_of_grpc_are_read_only_where_retry_after_is() {
    let fields = fields(&[("grpc-status", "8"), ("grpc-retry-pushback-ms", "1500")]);
    let read = |headers: Headers| headers.read(StatusCode::OK, &fields, SystemTime::UNIX_EPOCH).map(|it| it.wait());
    assert_eq!(read(Headers::DEFAULT), Some(Some(Duration::from_millis(1500))));
    assert_eq!(read(Headers::none()), Some(None));
}

/// A field of protobuf that holds bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).expect("few")], bytes].concat()
}

#[test]
fn a_delay_of_a_billion_nanoseconds_or_more_or_of_less_than_none_says_nothing() {
    let details = |nanos: i64| {
        let mut delay = vec![1 << 3, 7, 2 << 3];
        let mut rest = nanos as u64;
        while rest >= 0x80 {
            delay.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        delay.push(rest as u8);
        let any = [field(1, b"type.googleapis.com/google.rpc.RetryInfo"), field(2, &field(1, &delay))].concat();
        STANDARD.encode(field(3, &any))
    };
    let wait = |nanos| wait(&[("grpc-status", "8"), ("grpc-status-details-bin", &details(nanos))]);
    assert_eq!(wait(999_999_999), Some((Some(Duration::new(7, 999_999_999)), Some(Source::Grpc), false)));
    for nanos in [1_000_000_000, i64::from(u32::MAX), i64::MAX, -1] {
        assert_eq!(wait(nanos), Some((None, None, false)), "{nanos}");
    }
}

proptest! {
    #![proptest_config(seeds::config(256, "tests/grpc_client.proptest-regressions"))]

    #[test]
    fn no_details_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[ -~]{0,40}") {
        let encoded = STANDARD.encode(&bytes);
        for details in [encoded.as_str(), text.as_str()] {
            let read = wait(&[("grpc-status", "8"), ("grpc-status-details-bin", details)]);
            prop_assert!(read.is_some());
        }
    }

    #[test]
    fn details_that_are_cut_off_say_nothing(cut in 0usize..60) {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(7)));
        let status = Status::with_error_details(Code::ResourceExhausted, "", details);
        let fields = status.into_http::<()>().headers().clone();
        let whole = STANDARD_NO_PAD.decode(&fields["grpc-status-details-bin"]).expect("base 64");
        prop_assume!(cut < whole.len());
        let cut_off = STANDARD.encode(&whole[..cut]);
        let read = wait(&[("grpc-status", "8"), ("grpc-status-details-bin", cut_off.as_str())]);
        prop_assert_eq!(read, Some((None, None, false)));
    }
}
