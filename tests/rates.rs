//! Rates and limits are written as people write them, read back as the same number, and refused
//! with the text and the rule.

mod common;

use std::collections::HashSet;
use std::time::Duration;

use common::config;
use proptest::prelude::*;
use tollgate::limit::{ParseError, RateError};
use tollgate::{Limit, Rate};

const SECOND: u64 = 1_000_000_000;

fn rate(tokens: u64, nanos: u64) -> Rate {
    Rate::new(tokens, Duration::from_nanos(nanos)).unwrap()
}

#[test]
fn a_rate_is_read_as_it_is_written() {
    for (text, tokens, nanos) in [
        ("1000/s", 1000, SECOND),
        ("1k/s", 1000, SECOND),
        ("1kB/s", 1000, SECOND),
        ("1MiB/s", 1 << 20, SECOND),
        ("1Mi/s", 1 << 20, SECOND),
        ("64GiB/s", 64 << 30, SECOND),
        ("125MB/s", 125_000_000, SECOND),
        ("2TB/d", 2_000_000_000_000, 86_400 * SECOND),
        ("1Ti/h", 1 << 40, 3600 * SECOND),
        ("5/min", 5, 60 * SECOND),
        ("5/sec", 5, SECOND),
        ("1/day", 1, 86_400 * SECOND),
        ("1/hour", 1, 3600 * SECOND),
        ("1/3s", 1, 3 * SECOND),
        ("250/100ms", 250, SECOND / 10),
        ("3/7us", 3, 7000),
        ("3/7µs", 3, 7000),
        ("9/ns", 9, 1),
        ("0/s", 0, SECOND),
        ("999.9/s", 9999, 10 * SECOND),
        ("0.5/s", 1, 2 * SECOND),
        ("1.5MiB/s", 3 << 19, SECOND),
        ("0.000000001/s", 1, SECOND * SECOND),
        ("0.000000001TiB/s", 8_589_934_592, 7_812_500 * SECOND),
        ("18446744073709551615/ns", u64::MAX, 1),
        ("18446744073709551615B/18446744073709551615ns", 1, 1),
        (" 5/s ", 5, SECOND),
    ] {
        assert_eq!(text.parse::<Rate>(), Ok(rate(tokens, nanos)), "{text}");
    }
}

#[test]
fn rates_that_are_the_same_number_are_equal_and_hash_alike() {
    let texts = ["60/min", "1/s", "0.5/500ms", "1000/1000s", "86400/d", "3600/h", "1/1000ms"];
    let distinct: HashSet<Rate> = texts.iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(distinct.len(), 1, "{distinct:?}");
    assert_eq!(Rate::per_day(0), Rate::per_second(0));
    assert_ne!(Rate::per_second(1), rate(1, SECOND + 1));
}

/// The error names the text, and says this about it.
fn refused(text: &str, rule: &str) {
    let error: ParseError = text.parse::<Rate>().map(Limit::from).and_then(|_| text.parse::<Limit>()).unwrap_err();
    assert_eq!(error.to_string(), format!("{text:?}: {rule}"));
}

#[test]
fn what_is_not_a_rate_is_refused_with_the_text_and_the_rule() {
    for text in ["", "1000", "5", "per second", "1000\\s"] {
        refused(text, "a rate is an amount and a period with a slash between them, as in 1000/s");
    }
    for text in ["/s", ".5/s", "1./s", "1.2.3/s", "k/s", "./s"] {
        refused(text, "an amount is a decimal number, as in 1000 or 999.9");
    }
    for text in ["-1/s", "+1/s", "1K/s", "1 k/s", "1e6/s", "1mib/s", "1_000/s", "∞/s", "1Pi/s", "٣/s"] {
        refused(text, "the suffix of an amount is one of k M G T Ki Mi Gi Ti, with or without B, or none");
    }
    for text in ["1.0000000000/s", "0.0000000001/s"] {
        refused(text, "an amount has at most nine decimals");
    }
    for text in ["18446744073709551616/s", "99999999999999999999999/s", "18446744073709551615k/s", "16777216TiB/s"] {
        refused(text, "an amount is at most 18446744073709551615");
    }
    for text in ["1/", "1/fortnight", "1/0.5s", "1/-1s", "1/s/s", "1/1", "1/S", "1/month", "1/s s"] {
        refused(text, "a period is an optional whole number and a unit (ns, us, ms, s, min, h, d)");
    }
    for text in ["1/0s", "5/0ns", "0/00d"] {
        refused(text, "the period must not be zero");
    }
    for text in ["1/213504d", "1/18446744073709551616ns", "1/99999999999999999999s", "0.000000001/1000s"] {
        refused(text, "the longest period is 18446744073709551615ns (584 years)");
    }
}

#[test]
fn a_long_text_is_quoted_by_its_beginning() {
    let error = format!("{}/s", "9".repeat(1000)).parse::<Rate>().unwrap_err().to_string();
    assert_eq!(error, format!("\"{}\"...: an amount is at most 18446744073709551615", "9".repeat(40)));
}

#[test]
fn a_period_that_cannot_be_is_refused_with_the_value() {
    assert_eq!(Rate::new(60, Duration::ZERO), Err(RateError::ZeroPeriod { tokens: 60 }));
    let period = Duration::from_nanos(u64::MAX) + Duration::from_nanos(1);
    assert_eq!(Rate::new(1, period), Err(RateError::PeriodTooLong { period }));
    assert_eq!(Rate::new(1, Duration::from_nanos(u64::MAX)).unwrap().period(), Duration::from_nanos(u64::MAX));
    let said = RateError::PeriodTooLong { period }.to_string();
    assert_eq!(said, "period 18446744073.709551616s: the longest period is 18446744073709551615ns (584 years)");
}

#[test]
fn a_limit_is_a_rate_with_a_capacity_and_a_start_where_wanted() {
    for (text, limit) in [
        ("1000/s", Limit::per_second(1000)),
        ("250/100ms", Limit::per_second(2500).capacity(250)),
        ("1000/s capacity 50", Limit::per_second(1000).capacity(50)),
        ("1000/s capacity 50 empty", Limit::per_second(1000).capacity(50).empty()),
        ("1000/s capacity 50 full", Limit::per_second(1000).capacity(50)),
        ("  1000/s   empty ", Limit::per_second(1000).empty()),
        ("1MiB/s capacity 1.5MiB", Limit::per_second(1 << 20).capacity(3 << 19)),
        ("0/s capacity 5", Limit::per_second(0).capacity(5)),
    ] {
        assert_eq!(text.parse::<Limit>(), Ok(limit), "{text}");
    }
}

#[test]
fn what_is_not_a_limit_is_refused_with_the_text_and_the_rule() {
    let words = "a limit is a rate, then optionally `capacity` and an amount, then optionally `empty` or `full`, \
                 as in 1000/s capacity 50 empty";
    for (text, rule) in [
        ("5/s capacity", words),
        ("5/s burst 7", words),
        ("5/s empty full", words),
        ("5/s empty capacity 7", words),
        ("5/s capacity 7 full 8", words),
        ("5/s capacity 1.5", "a capacity is a whole number of tokens"),
        ("5/s capacity x", "the suffix of an amount is one of k M G T Ki Mi Gi Ti, with or without B, or none"),
        ("5/s capacity 20000000000000000000", "an amount is at most 18446744073709551615"),
    ] {
        assert_eq!(text.parse::<Limit>().unwrap_err().to_string(), format!("{text:?}: {rule}"));
    }
    assert!(matches!("".parse::<Limit>(), Err(error) if error.to_string().contains("a rate is an amount")));
}

/// Any rate, as a caller of `Rate::new` may write it, or as one may be written in a file.
fn any_rate() -> impl Strategy<Value = Rate> {
    let written = "[0-9]{1,12}(\\.[0-9]{1,9})?(k|M|G|T|Ki|Mi|Gi|Ti)?B?/[1-9]?[0-9]{0,4}(ns|us|ms|s|min|h|d)";
    prop_oneof![
        (any::<u64>(), 0..64u32, 1..=u64::MAX).prop_map(|(tokens, shift, period)| rate(tokens >> shift, period)),
        written.prop_filter_map("a rate", |text| text.parse().ok()),
    ]
}

proptest! {
    #![proptest_config(config(1024, "tests/regressions/rates.txt"))]

    #[test]
    fn what_is_displayed_is_read_back(rate in any_rate(), capacity: u64, shift in 0..64u32, full: bool) {
        let text = rate.to_string();
        let back: Rate = text.parse().unwrap();
        prop_assert_eq!((back, back.tokens(), back.period()), (rate, rate.tokens(), rate.period()), "{}", text);
        prop_assert_eq!(back.to_string(), text);
        let limit = Limit::new(rate, capacity >> shift);
        let limit = if full { limit } else { limit.empty() };
        prop_assert_eq!(limit.to_string().parse::<Limit>(), Ok(limit), "{}", limit);
    }

    #[test]
    fn no_text_panics(text in any::<String>(), like in "[0-9.]{0,40}[a-zA-Zµ]{0,4}/?[0-9]{0,21}[a-zµ]{0,4}( capacity)?[ 0-9a-z]{0,9}") {
        for text in [text, like] {
            if let Err(error) = text.parse::<Rate>() {
                let error = error.to_string();
                prop_assert!(error.starts_with('"') && error.contains("\": ") || error.contains("\"...: "), "{}", error);
            }
            if let Ok(limit) = text.parse::<Limit>() {
                prop_assert!(limit.check().is_ok() || limit.check().unwrap_err().to_string().contains(&limit.to_string()));
            }
        }
    }
}
