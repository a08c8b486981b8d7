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

/// Limits, each with its text.
fn limits() -> [(&'static str, Limit); 6] {
    [
        ("1000/s capacity 1000", Limit::per_second(1000)),
        ("1000/s capacity 50 empty", Limit::per_second(1000).capacity(50).empty()),
        ("16.6667/s capacity 17", "16.6667/s".parse().unwrap()),
        ("1.1MiB/s capacity 4MiB starting with 1KiB", "1.1MiB/s burst 4MiB starting with 1KiB".parse().unwrap()),
        ("unlimited", Limit::UNLIMITED),
        ("unlimited empty", Limit::UNLIMITED.empty()),
    ]
}

#[test]
fn a_limit_is_its_written_form() {
    for (text, limit) in limits() {
        assert_eq!(to_value(limit).unwrap(), json!(text));
        assert_eq!(from_str::<Limit>(&json!(text).to_string()).unwrap(), limit, "{text}");
    }
}

/// In both, the default capacity is what one written period brings (U1).
#[test]
fn a_limit_is_read_from_text_or_from_a_table() {
    let four = Limit::from("1MiB/s".parse::<Rate>().unwrap()).capacity(4 << 20);
    for (json, limit) in [
        (r#""100/s""#, Limit::per_second(100)),
        (r#""100 per second burst 5""#, Limit::per_second(100).capacity(5)),
        (r#""unlimited""#, Limit::UNLIMITED),
        (r#"{"rate": "16.6667/s"}"#, "16.6667/s capacity 17".parse().unwrap()),
        (r#"{"rate": "1MiB/s", "capacity": "4MiB"}"#, four),
        (r#"{"rate": "1MiB/s", "burst": "4MiB", "starts": "empty"}"#, four.empty()),
        (r#"{"starts": "64KiB", "rate": "1MiB/s", "capacity": 4194304}"#, four.starting_with(64 << 10)),
        (r#"{"rate": "100 per second", "starts": 7}"#, Limit::per_second(100).starting_with(7)),
        (r#"{"rate": "100rps", "starts": "full"}"#, Limit::per_second(100)),
    ] {
        assert_eq!(from_str::<Limit>(json).unwrap(), limit, "{json}");
    }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Service {
    limit: Limit,
}

#[test]
fn a_limit_stands_in_toml_as_text_or_as_a_table() {
    let four = Limit::from("1MiB/s".parse::<Rate>().unwrap()).capacity(4 << 20);
    for (file, limit) in [
        ("limit = \"100/s\"", Limit::per_second(100)),
        ("limit = { rate = \"1MiB/s\", capacity = \"4MiB\", starts = \"empty\" }", four.empty()),
        ("[limit]\nrate = \"1MiB/s\"\nburst = 4194304\nstarts = 5", four.starting_with(5)),
    ] {
        assert_eq!(toml::from_str::<Service>(file).unwrap(), Service { limit }, "{file}");
    }
    for (_, limit) in limits() {
        let file = toml::to_string(&Service { limit }).unwrap();
        assert_eq!(toml::from_str::<Service>(&file).unwrap(), Service { limit }, "{file}");
    }
    let error = toml::from_str::<Service>("limit = \"5/fortnight\"").unwrap_err().to_string();
    assert!(error.contains("\"5/fortnight\", at \"fortnight\": a period is"), "{error}");
    let error = toml::from_str::<Service>("limit = { rate = \"5/s\", capacity = -5 }").unwrap_err().to_string();
    assert!(error.contains("integer `-5`, expected a whole number of tokens"), "{error}");
}

/// A format that does not say what comes next has one form of a limit.
#[test]
fn a_limit_comes_back_from_a_format_that_does_not_describe_itself() {
    for (text, limit) in limits() {
        let bytes = postcard::to_stdvec(&(limit, limit.rate, 7_u8)).unwrap();
        let (back, rate, rest): (Limit, Rate, u8) = postcard::from_bytes(&bytes).unwrap();
        assert_eq!((back, rate, rest), (limit, limit.rate, 7), "{text}");
        assert_eq!(back.to_string(), limit.to_string());
    }
    let impossible = postcard::to_stdvec(&(Rate::per_second(5), 0_u64, None::<u64>)).unwrap();
    assert!(postcard::from_bytes::<Limit>(&impossible).is_err());
}

#[test]
fn a_limit_without_a_capacity_or_a_start_has_those_of_its_rate() {
    for (text, limit) in [
        (r#"{"rate": "1000/s"}"#, Limit::per_second(1000)),
        (r#"{"rate": "250/100ms"}"#, Limit::per_second(2500).capacity(250)),
        (r#"{"rate": "5/min", "capacity": null}"#, Limit::per_minute(5)),
        (r#"{"rate": "5/min", "capacity": 7}"#, Limit::per_minute(5).capacity(7)),
        (r#"{"starts": "empty", "rate": "5/min"}"#, Limit::per_minute(5).empty()),
    ] {
        assert_eq!(from_str::<Limit>(text).unwrap(), limit, "{text}");
    }
}

#[test]
fn what_cannot_be_kept_is_refused_with_the_value_and_the_rule() {
    for (text, says) in [
        (r#"{"rate": "5/fortnight"}"#, r#""5/fortnight", at "fortnight": a period is an optional whole number"#),
        (r#"{"rate": "5/s", "capacity": 0}"#, "limit 5/s capacity 0: a capacity is at least 1 token"),
        (r#"{"rate": "0/s"}"#, "limit 0/s capacity 0: a capacity is at least 1 token"),
        (r#"{"rate": "5/s", "capacity": 18446744073709551615}"#, "the largest capacity at this rate is"),
        (
            r#"{"rate": "18446744073709551615/s", "capacity": 1}"#,
            "limit 18446744073709551615/s capacity 1: a rate is at most",
        ),
        (r#"{"rate": "5/s", "capacity": -1}"#, "invalid value: integer `-1`"),
        (r#"{"rate": "5/s", "bursts": 7}"#, "unknown field `bursts`"),
        (r#"{"rate": "5/s", "capacity": 5, "burst": 7}"#, "duplicate field `capacity`"),
        (r#"{"rate": "5/s", "capacity": 1.5}"#, "expected a whole number of tokens"),
        (r#"{"rate": "5/s", "capacity": "4mb"}"#, r#""4mb", at "mb": bits may be meant"#),
        (r#"{"rate": "5/s", "capacity": "5 5"}"#, r#""5 5", at "5""#),
        (r#"{"rate": "5/s", "starts": "half"}"#, r#""half": an amount is a decimal number"#),
        (r#"{"rate": "5/s", "starts": 6}"#, "limit 5/s capacity 5 starting with 6: a bucket starts with at most"),
        (r#"{"rate": "unlimited"}"#, "`unlimited` is a limit, not a rate"),
        (r#""10m/s""#, r#""10m/s", at "m": `m` may mean milli, mega or minutes"#),
        ("100", "expected a limit as text, such as"),
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
    fn every_limit_that_can_be_kept_comes_back(tokens: u64, shift in 0..64u32, period: u64, less in 0..64u32, start: Option<u64>) {
        let rate = Rate::new(tokens >> shift, std::time::Duration::from_nanos((period >> less).max(1))).unwrap();
        let limit = Limit::new(rate, (tokens >> less).max(1));
        let limit = start.map_or(limit, |start| limit.starting_with(start % (limit.capacity + 1)));
        let text = to_string(&limit).unwrap();
        match limit.check() {
            Ok(()) => prop_assert_eq!(from_str::<Limit>(&text).unwrap(), limit, "{}", text),
            Err(error) => {
                let refused = from_str::<Limit>(&text).unwrap_err().to_string();
                let says = format!("limit {limit}: {}", error.rule);
                prop_assert!(refused.starts_with(&says), "{}: {}", text, refused);
            }
        }
    }
}
