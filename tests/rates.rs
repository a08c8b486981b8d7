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
        ("1K/s", 1000, SECOND),
        ("1KB/s", 1000, SECOND),
        ("10r/s", 10, SECOND),
        ("100r/m", 100, 60 * SECOND),
        ("10rps", 10, SECOND),
        ("1.5k rps", 1500, SECOND),
        ("30 rpm", 30, 60 * SECOND),
        ("7rph", 7, 3600 * SECOND),
        ("5/second", 5, SECOND),
        ("5/seconds", 5, SECOND),
        ("5/m", 5, 60 * SECOND),
        ("5/minute", 5, 60 * SECOND),
        ("5/hr", 5, 3600 * SECOND),
        ("100 per minute", 100, 60 * SECOND),
        ("1 / 2 second", 1, 2 * SECOND),
        ("10 per 5 minutes", 10, 300 * SECOND),
        ("100 per week", 100, 7 * 86_400 * SECOND),
        ("1_000_000 requests / s", 1_000_000, SECOND),
        ("1 MiB / s", 1 << 20, SECOND),
        ("64 KiB bytes per 100 milliseconds", 64 << 10, SECOND / 10),
        ("3/7μs", 3, 7000),
        ("12 B/s", 12, SECOND),
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

/// Notations of other tools and their documentation, and what they mean here. U2: of 42 usual ones
/// 5 were read.
#[test]
fn most_usual_notations_are_read_and_none_wrongly() {
    const KIB: u64 = 1024;
    let day = 86_400 * SECOND;
    let usual: [(&str, Option<(u64, u64)>); 42] = [
        ("10r/s", Some((10, SECOND))),
        ("5r/s", Some((5, SECOND))),
        ("1r/s", Some((1, SECOND))),
        ("100r/s", Some((100, SECOND))),
        ("100r/m", Some((100, 60 * SECOND))),
        ("12r/m", Some((12, 60 * SECOND))),
        ("6000r/m", Some((6000, 60 * SECOND))),
        ("100 per hour", Some((100, 3600 * SECOND))),
        ("10000 per minute", Some((10_000, 60 * SECOND))),
        ("2000 per hour", Some((2000, 3600 * SECOND))),
        ("60 per minute", Some((60, 60 * SECOND))),
        ("5 per minute", Some((5, 60 * SECOND))),
        ("1 / 2 second", Some((1, 2 * SECOND))),
        ("1 per 2 seconds", Some((1, 2 * SECOND))),
        ("10 per day", Some((10, day))),
        ("5/minute", Some((5, 60 * SECOND))),
        ("10/minute", Some((10, 60 * SECOND))),
        ("100/minute", Some((100, 60 * SECOND))),
        ("20/hour", Some((20, 3600 * SECOND))),
        ("10/hour", Some((10, 3600 * SECOND))),
        ("500/day", Some((500, day))),
        ("2/m", Some((2, 60 * SECOND))),
        ("10/s", Some((10, SECOND))),
        ("10 per 5 minutes", Some((10, 300 * SECOND))),
        ("100 per week", Some((100, 7 * day))),
        ("1000/second", Some((1000, SECOND))),
        ("10 / s", Some((10, SECOND))),
        ("1KB/s", Some((1000, SECOND))),
        ("1.5MB/s", Some((1_500_000, SECOND))),
        ("1MiB/s", Some((KIB * KIB, SECOND))),
        // No period, a sign of two meanings, or several limits.
        ("1m", None),
        ("50k", None),
        ("200/day;50/hour", None),
        ("200 per day, 50 per hour", None),
        ("8.5M", None),
        ("10M", None),
        ("600K", None),
        ("off", None),
        ("716800", None),
        ("0.183", None),
        ("10mbit", None),
        ("1,000/s", None),
    ];
    for (text, meant) in usual {
        let read = text.parse::<Limit>().ok().map(|limit| limit.rate);
        assert_eq!(read, meant.map(|(tokens, nanos)| rate(tokens, nanos)), "{text}");
    }
    assert_eq!(usual.iter().filter(|(_, meant)| meant.is_some()).count(), 30);
}

/// The error names the text, and says this about it.
fn refused(text: &str, rule: &str) {
    let error: ParseError = text.parse::<Rate>().map(Limit::from).and_then(|_| text.parse::<Limit>()).unwrap_err();
    let line = format!("{error:#}");
    assert!(line.starts_with(&format!("{text:?}")) && line.ends_with(&format!(": {rule}")), "{line}");
    assert!(error.to_string().ends_with(rule), "{error}");
}

const SUFFIX: &str = "the suffix of an amount is one of k M G T Ki Mi Gi Ti, with or without B, or none";

#[test]
fn what_is_not_a_rate_is_refused_with_the_text_and_the_rule() {
    for text in ["1000", "5", "1000\\s", "8.5M", "7 requests", "5, 6"] {
        refused(text, "a rate has a period, as in 1000/s or 5 per minute");
    }
    for text in [
        "",
        " ",
        "/s",
        ".5/s",
        "1./s",
        "1.2.3/s",
        "k/s",
        "./s",
        "-1/s",
        "+1/s",
        "∞/s",
        "٣/s",
        "per second",
        "_1/s",
        "1_/s",
    ] {
        refused(text, "an amount is a decimal number, as in 1000, 1_000 or 999.9");
    }
    for text in ["1e6/s", "1Pi/s", "1 apples/s", "1 KK/s", "1kk/s"] {
        refused(text, SUFFIX);
    }
    for text in ["1.0000000000/s", "0.0000000001/s"] {
        refused(text, "an amount has at most nine decimals");
    }
    for text in ["18446744073709551616/s", "99999999999999999999999/s", "18446744073709551615k/s", "16777216TiB/s"] {
        refused(text, "an amount is at most 18446744073709551615");
    }
    for text in ["1/", "1/fortnight", "1/0.5s", "1/-1s", "1/1", "1/S", "1 per 2", "1/1__0s"] {
        refused(text, "a period is an optional whole number and a unit (ns, us, ms, s, min, h, d, w)");
    }
    for text in ["1/0s", "5/0ns", "0/00d"] {
        refused(text, "the period must not be zero");
    }
    for text in ["1/213504d", "1/18446744073709551616ns", "1/99999999999999999999s", "0.000000001/1000s"] {
        let times = "the period, times 10 for each decimal of the amount,";
        refused(text, &format!("{times} is at most 18446744073709551615ns (584 years)"));
    }
    assert!("1/s s".parse::<Rate>().unwrap_err().to_string().ends_with("a rate ends with its period"));
    let error = "unlimited".parse::<Rate>().unwrap_err().to_string();
    assert!(error.ends_with("`unlimited` is a limit, not a rate"), "{error}");
}

#[test]
fn what_may_mean_two_things_is_refused_with_the_reason() {
    for text in ["10m/s", "10 m per second", "10m"] {
        refused(text, "`m` may mean milli, mega or minutes here: write M for 10^6, Mi for 2^20, or 10/min");
    }
    for text in ["8Mb/s", "8Mbit/s", "10mbit/s", "1mb/s", "100kbps", "8b/s", "1Kibit/s", "1mib/s"] {
        refused(text, "bits may be meant here: an amount counts tokens, such as bytes, with the suffix B");
    }
    for text in ["2B tokens/min", "1B requests/d", "5kB requests/s", "1MiB req per second"] {
        refused(text, "the suffix B counts bytes, and this is another word: a thousand million is G");
    }
    for text in ["1,000/s", "1,5/s"] {
        refused(text, "a comma may part thousands or decimals: write 1_000, 1000 or 1.5");
    }
    for text in ["5/month", "1 per year"] {
        refused(text, "a month or a year has no fixed length: write days, as in 30d");
    }
    for text in ["200/day;50/hour", "200 per day, 50 per hour"] {
        let error = text.parse::<Limit>().unwrap_err().to_string();
        assert!(error.ends_with("this is more than one limit: give each stream its own"), "{error}");
    }
    for text in ["off", "none", "infinity"] {
        let error = text.parse::<Limit>().unwrap_err().to_string();
        assert!(error.ends_with("a limit without a bound is written `unlimited`"), "{error}");
    }
}

#[test]
fn an_error_shows_the_whole_text_with_the_place_marked() {
    for (text, marked) in [
        ("5/fortnight", "  ^^^^^^^^^"),
        ("  5/ s", ""),
        ("5", " ^"),
        ("5  ", " ^"),
        ("10m/s", "  ^"),
        ("1000/s capacity 4 apples", "                  ^^^^^^"),
        ("1000/s capacity 1.5 empty", "                ^^^"),
        ("5/s capacity", "            ^"),
        ("é5/s", "^"),
        ("5/s\tx", "     ^"),
    ] {
        let Err(error) = text.parse::<Limit>() else {
            assert_eq!(marked, "", "{text:?}");
            continue;
        };
        let error = error.to_string();
        let (shown, below) = error.split_once('\n').unwrap();
        assert_eq!(shown, text.replace('\t', "\\t"));
        let end = below.find(|c| c != ' ' && c != '^').unwrap() - 1;
        assert_eq!(&below[..end], marked, "{error}");
        assert!(below[end..].starts_with(' '), "{error}");
    }
    assert_eq!(
        "".parse::<Limit>().unwrap_err().to_string(),
        "\"\": an amount is a decimal number, as in 1000, 1_000 or 999.9"
    );
    #[cfg(feature = "alloc")]
    {
        let text = format!("{}/fortnight capacity {}", "9".repeat(18), "7".repeat(1000));
        assert!(text.parse::<Limit>().unwrap_err().to_string().starts_with(&format!("{text}\n")));
    }
}

/// The default capacity is what one written period brings. U1: `16.6667/s` had 166,667.
#[test]
fn without_a_capacity_one_written_period_is_it_rounded_up() {
    for (text, capacity) in [
        ("16.6667/s", 17),
        ("1.1MiB/s", 1_153_434),
        ("0.5/s", 1),
        ("0.1/s", 1),
        ("0.183/s", 1),
        ("20.5/min", 21),
        ("999.9/s", 1000),
        ("1.1/s", 2),
        ("33.33/min", 34),
        ("1.000001/s", 2),
        ("333.333333333/s", 334),
        ("1.5MB/s", 1_500_000),
        ("10.0/s", 10),
        ("5/min", 5),
        ("1/3s", 1),
        ("250/100ms", 250),
        ("2.5/100ms", 3),
        ("0.000000001/s", 1),
    ] {
        let (limit, rate): (Limit, Rate) = (text.parse().unwrap(), text.parse().unwrap());
        assert_eq!(limit.capacity, capacity, "{text}");
        assert_eq!(Limit::from(rate), limit, "{text}");
        let shown: Limit = limit.to_string().parse().unwrap();
        assert_eq!((shown, Limit::from(shown.rate)), (limit, limit), "{text}");
        let bucket = tollgate::TokenBucket::with_clock(limit, tollgate::clock::ManualClock::new()).unwrap();
        assert_eq!(bucket.take_up_to(u64::MAX), capacity, "{text}");
    }
    assert_eq!(Limit::from(Rate::per_minute(60)), Limit::per_minute(60));
    assert_eq!(Limit::from(rate(60, 60 * SECOND)).capacity, 60);
    // It is part of how the rate is written, not of its value.
    let [as_one, as_two] = ["0.5/s", "1/2s"].map(|text| text.parse::<Rate>().unwrap());
    assert_eq!((as_one, as_one.to_string(), as_two.to_string()), (as_two, "0.5/s".into(), "1/2s".into()));
    // Nothing would ever come, so nothing is assumed.
    assert!("0/s".parse::<Limit>().unwrap().check().is_err());
}

#[test]
fn a_scaled_rate_keeps_the_period_it_was_written_in() {
    use tollgate::limit::Ratio;
    for (text, percent, shown, capacity) in [
        ("7/s", 81, "5.67/s", 6),
        ("16.6667/s", 50, "8.33335/s", 9),
        ("1MiB/s", 50, "512KiB/s", 1 << 19),
        ("5/min", 0, "0/min", 0),
        ("1.1/s", 1000, "11/s", 11),
    ] {
        let rate = text.parse::<Rate>().unwrap().scaled(Ratio::percent(percent));
        assert_eq!((rate.to_string().as_str(), Limit::from(rate).capacity), (shown, capacity), "{text}");
    }
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
fn a_float_makes_the_decimal_that_it_prints() {
    for (tokens, shown) in [
        (0.0, "0/s"),
        (-0.0, "0/s"),
        (0.1, "0.1/s"),
        (16.6667, "16.6667/s"),
        (1.0 / 3.0, "0.333333333/s"),
        (2.0 / 3.0, "0.666666667/s"),
        (0.000_000_000_5, "0.000000001/s"),
        (999_999_999.999_999_9, "999999999.9999999/s"),
        (0.999_999_999_9, "1/s"),
        (1e6, "1000000/s"),
        (16_777_216.1, "16777216.1/s"),
        (1.5e15 + 0.5, "1500000000000000.5/s"),
        (18_446_744_073_709_549_568.0, "18446744073709550000/s"),
    ] {
        let rate = Rate::try_per_second_f64(tokens).unwrap();
        assert_eq!(rate.to_string(), shown, "{tokens:?}");
        assert_eq!(shown.parse::<Rate>(), Ok(rate), "{tokens:?}");
    }
    let third = 1.0 / 3.0;
    assert_eq!(Rate::try_per_minute_f64(third).unwrap().to_string(), "0.33333333/min");
    assert_eq!(Rate::try_per_hour_f64(third).unwrap().to_string(), "0.333333/h");
    assert_eq!(Rate::try_per_day_f64(third).unwrap().to_string(), "0.33333/d");
    let slowest = Duration::from_nanos(u64::MAX);
    assert_eq!(Rate::try_new_f64(2.5, slowest).unwrap(), rate(3, u64::MAX));
}

#[test]
fn a_float_that_is_no_rate_is_refused_with_the_value() {
    let bits = f64::to_bits;
    for tokens in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -f64::MIN_POSITIVE, 18_446_744_073_709_551_616.0] {
        let error = Rate::try_per_second_f64(tokens).unwrap_err();
        assert_eq!(error, RateError::FloatOutOfRange { bits: bits(tokens) });
        let rule = "a number of tokens is from 0 to 18446744073709551615";
        assert_eq!(error.to_string(), format!("{tokens:?} tokens: {rule}"));
    }
    for tokens in [0.000_000_000_49, f64::MIN_POSITIVE, f64::from_bits(1)] {
        let error = Rate::try_per_second_f64(tokens).unwrap_err();
        assert_eq!(error, RateError::FloatTooSmall { bits: bits(tokens), period: Duration::from_secs(1) });
        assert!(error.to_string().starts_with(&format!("{tokens:?} tokens per 1s: it rounds to 0")), "{error}");
    }
    assert_eq!(Rate::try_new_f64(60.0, Duration::ZERO), Err(RateError::ZeroPeriod { tokens: 0 }));
    let period = Duration::MAX;
    assert_eq!(Rate::try_new_f64(1.0, period), Err(RateError::PeriodTooLong { period }));
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
        ("1000/s burst 50", Limit::per_second(1000).capacity(50)),
        ("1000 rps burst 1_000 requests empty", Limit::per_second(1000).empty()),
        ("1 MiB per second burst 4 MiB full", Limit::per_second(1 << 20).capacity(4 << 20)),
        ("100 per minute starting with 7", Limit::per_minute(100).starting_with(7)),
        ("100/min capacity 9k starting with 1.5k", Limit::per_minute(100).capacity(9000).starting_with(1500)),
        ("unlimited", Limit::UNLIMITED),
        (" unlimited  full", Limit::UNLIMITED),
        ("unlimited empty", Limit::UNLIMITED.empty()),
    ] {
        assert_eq!(text.parse::<Limit>(), Ok(limit), "{text}");
    }
}

#[test]
fn what_is_not_a_limit_is_refused_with_the_text_and_the_rule() {
    let words = "a limit is a rate, then optionally `capacity` or `burst` and an amount, then optionally `empty`, \
                 `full` or `starting with` and an amount, as in 1000/s capacity 50 empty";
    for (text, rule) in [
        ("5/s empty full", words),
        ("5/s empty capacity 7", words),
        ("5/s capacity 7 full 8", words),
        ("5/s starting 8", words),
        ("5/s capacity 7 burst 7", words),
        ("unlimited capacity 7", words),
        ("5/s capacity 1.5", "a capacity or a level is a whole number of tokens"),
        ("5/s starting with 0.5", "a capacity or a level is a whole number of tokens"),
        ("5/s capacity x", "an amount is a decimal number, as in 1000, 1_000 or 999.9"),
        ("5/s capacity", "an amount is a decimal number, as in 1000, 1_000 or 999.9"),
        ("5/s capacity 7x", SUFFIX),
        ("5/s capacity 7mb", "bits may be meant here: an amount counts tokens, such as bytes, with the suffix B"),
        ("5/s capacity 20000000000000000000", "an amount is at most 18446744073709551615"),
        ("5/s capacity 16777216TiB", "an amount is at most 18446744073709551615"),
    ] {
        let error = text.parse::<Limit>().unwrap_err();
        assert!(format!("{error:#}").starts_with(&format!("{text:?}")), "{error:#}");
        assert!(error.to_string().ends_with(rule), "{error}");
    }
}

/// Any rate, as a caller of `Rate::new` may write it, or as one may be written in a file.
fn any_rate() -> impl Strategy<Value = Rate> {
    let written = "[0-9]{1,12}(\\.[0-9]{1,9})?(k|M|G|T|Ki|Mi|Gi|Ti)?B?( |)(/|per )[1-9]?[0-9]{0,4}(ns|us|ms|s|min|m|hr|hours|d|w)";
    prop_oneof![
        (any::<u64>(), 0..64u32, 1..=u64::MAX).prop_map(|(tokens, shift, period)| rate(tokens >> shift, period)),
        written.prop_filter_map("a rate", |text| text.parse().ok()),
    ]
}

proptest! {
    #![proptest_config(config(1024, "tests/regressions/rates.txt"))]

    #[test]
    fn what_is_displayed_is_read_back(rate in any_rate(), capacity: u64, shift in 0..64u32, start: Option<u64>, less in 0..64u32) {
        let text = rate.to_string();
        let back: Rate = text.parse().unwrap();
        prop_assert_eq!((back, back.tokens(), back.period()), (rate, rate.tokens(), rate.period()), "{}", text);
        prop_assert_eq!(back.to_string(), text.clone());
        let limit = Limit::new(rate, capacity >> shift);
        let limit = start.map_or(limit, |start| limit.starting_with(start >> less));
        prop_assert_eq!(limit.to_string().parse::<Limit>(), Ok(limit), "{}", limit);
        // The rate of the text has the same default capacity, too.
        prop_assert_eq!(Limit::from(back), Limit::from(rate), "{}", text);
    }

    #[test]
    fn any_float_is_its_nearest_decimal_or_refused(bits: u64, small in -1e3..1e6_f64, nanos in 1..=u64::MAX, shift in 0..64u32) {
        let period = Duration::from_nanos((nanos >> shift).max(1));
        for tokens in [f64::from_bits(bits), small] {
            let Ok(rate) = Rate::try_new_f64(tokens, period) else {
                prop_assert!(!(1.0..1.8e19).contains(&tokens), "{}", tokens);
                continue;
            };
            // Within a half of the last decimal that the period leaves, and a float's own rounding.
            let places = (0..=9).rev().find(|places| (period.as_nanos() as u64).checked_mul(10_u64.pow(*places)).is_some());
            let half = 0.5 / 10_f64.powi(places.unwrap() as i32);
            let periods = rate.period().as_nanos() as f64 / period.as_nanos() as f64;
            let back = rate.tokens() as f64 / periods;
            prop_assert!((back - tokens).abs() <= half * 1.000_001 + tokens * 1e-15, "{} became {}", tokens, rate);
            prop_assert_eq!(Limit::from(rate).capacity, rate.tokens().div_ceil(periods.round() as u64));
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>(), like in "[0-9.]{0,40}[a-zA-Zµ]{0,4}/?[0-9]{0,21}[a-zµ]{0,4}( capacity| burst| starting with)?[ 0-9a-z]{0,9}") {
        for text in [text, like] {
            if let Err(error) = text.parse::<Rate>() {
                let line = format!("{error:#}");
                prop_assert!(line.starts_with(&format!("{text:?}")) || cfg!(not(feature = "alloc")), "{}", line);
                prop_assert!(!line.contains('\n') && !error.to_string().is_empty(), "{}", line);
            }
            if let Ok(limit) = text.parse::<Limit>() {
                prop_assert!(limit.check().is_ok() || limit.check().unwrap_err().to_string().contains(&limit.to_string()));
            }
        }
    }
}
