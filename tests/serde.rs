//! Limits in configuration files: read, written and refused as their text is.
#![cfg(feature = "serde")]

mod common;

use common::config;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{from_str, json, to_string, to_value};
use tollgate::{Limit, Rate};

#[test]
fn a_rate_is_its_written_form() {
    for text in ["1000/s", "5/min", "1MiB/s", "1/3s", "0/s"] {
        let rate: Rate = text.parse().unwrap();
        assert_eq!(to_value(rate).unwrap(), json!(text));
        assert_eq!(from_str::<Rate>(&json!(text).to_string()).unwrap(), rate, "{text}");
    }
    // An escaped text is not borrowed from the file.
    assert_eq!(from_str::<Rate>(r#""5\u002fmin""#).unwrap(), Rate::per_minute(5));
}

#[test]
fn a_limit_is_a_table() {
    let limit = Limit::per_second(1000).capacity(50).empty();
    assert_eq!(to_value(limit).unwrap(), json!({"rate": "1000/s", "capacity": 50, "starts_full": false}));
    assert_eq!(from_str::<Limit>(&to_string(&limit).unwrap()).unwrap(), limit);
}

#[test]
fn a_limit_without_a_capacity_or_a_start_has_those_of_its_rate() {
    for (text, limit) in [
        (r#"{"rate": "1000/s"}"#, Limit::per_second(1000)),
        (r#"{"rate": "250/100ms"}"#, Limit::per_second(2500).capacity(250)),
        (r#"{"rate": "5/min", "capacity": null}"#, Limit::per_minute(5)),
        (r#"{"rate": "5/min", "capacity": 7}"#, Limit::per_minute(5).capacity(7)),
        (r#"{"starts_full": false, "rate": "5/min"}"#, Limit::per_minute(5).empty()),
    ] {
        assert_eq!(from_str::<Limit>(text).unwrap(), limit, "{text}");
    }
}

#[test]
fn what_cannot_be_kept_is_refused_with_the_value_and_the_rule() {
    for (text, says) in [
        (r#"{"rate": "5/fortnight"}"#, r#""5/fortnight": a period is an optional whole number"#),
        (r#"{"rate": "5/s", "capacity": 0}"#, "limit 5/s capacity 0: a capacity is at least 1 token"),
        (r#"{"rate": "0/s"}"#, "limit 0/s capacity 0: a capacity is at least 1 token"),
        (r#"{"rate": "5/s", "capacity": 18446744073709551615}"#, "the largest capacity at this rate is"),
        (
            r#"{"rate": "18446744073709551615/s", "capacity": 1}"#,
            "limit 18446744073709551615/s capacity 1: a rate is at most",
        ),
        (r#"{"rate": "5/s", "capacity": -1}"#, "invalid value: integer `-1`"),
        (r#"{"rate": "5/s", "burst": 7}"#, "unknown field `burst`"),
        (r#"{"capacity": 7}"#, "missing field `rate`"),
        (r#"{"rate": 5}"#, r#"expected a rate as text, such as "1000/s""#),
    ] {
        let error = from_str::<Limit>(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn limits_are_part_of_a_larger_configuration() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Service {
        requests: Limit,
        refill: Option<Rate>,
    }
    let service = Service { requests: Limit::per_second(5), refill: Some(Rate::per_hour(3)) };
    assert_eq!(from_str::<Service>(&to_string(&service).unwrap()).unwrap(), service);
}

proptest! {
    #![proptest_config(config(256, "tests/regressions/serde.txt"))]

    #[test]
    fn every_limit_that_can_be_kept_comes_back(tokens: u64, shift in 0..64u32, period: u64, less in 0..64u32, full: bool) {
        let rate = Rate::new(tokens >> shift, std::time::Duration::from_nanos((period >> less).max(1))).unwrap();
        let limit = Limit::new(rate, (tokens >> less).max(1));
        let limit = if full { limit } else { limit.empty() };
        let text = to_string(&limit).unwrap();
        match limit.check() {
            Ok(()) => prop_assert_eq!(from_str::<Limit>(&text).unwrap(), limit, "{}", text),
            Err(error) => {
                let refused = from_str::<Limit>(&text).unwrap_err().to_string();
                prop_assert!(refused.contains(&error.to_string()), "{}: {}", text, refused);
            }
        }
    }
}
