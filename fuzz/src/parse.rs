//! Owns the text form of rates and limits: any text is refused or keeps its meaning. It never
//! accepts a limit that makes no bucket.

use std::time::Duration;

use tollgate::clock::ManualClock;
use tollgate::limit::{LimitRule, ParseError, RateError};
use tollgate::{Limit, MultiBucket, Rate, TokenBucket};

use crate::bytes::Bytes;

/// Reads `data` as a text, and as the numbers of a limit.
///
/// # Panics
///
/// Panics if a text or a limit is neither refused rightly nor kept as meant.
pub fn parse(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    rate(&text);
    limit(&text);
    let mut bytes = Bytes(data);
    let (tokens, period) =
        (bytes.number(), Duration::new(bytes.raw() >> (bytes.byte() % 64), (bytes.number() % 1_000_000_000) as u32));
    match Rate::new(tokens, period) {
        Ok(rate) => {
            assert_eq!((rate.tokens(), rate.period()), (tokens, period));
            written(rate);
            any_limit(Limit::new(rate, bytes.number()));
        }
        Err(error @ RateError::ZeroPeriod { .. }) => {
            assert!(period.is_zero() && error.to_string().contains(&tokens.to_string()), "{error}");
        }
        Err(error @ RateError::PeriodTooLong { .. }) => {
            assert!(period.as_nanos() > u64::MAX.into(), "{error}");
            assert!(error.to_string().contains(&format!("{period:?}")), "{error}");
        }
        Err(error) => panic!("{error}"),
    }
    // The period is in bare nanoseconds: periods above 584 years are rare otherwise.
    let mut bytes = Bytes(data);
    if let Ok(rate) = Rate::new(bytes.number(), Duration::from_nanos(bytes.number())) {
        written(rate);
        let limit = Limit::new(rate, bytes.number());
        any_limit(if bytes.byte() & 1 == 0 { limit } else { limit.empty() });
    }
}

fn rate(text: &str) {
    match text.parse::<Rate>() {
        Ok(rate) => {
            let (tokens, period) = reduced(rate.tokens().into(), rate.period().as_nanos());
            assert_eq!((tokens, period), meaning(text.trim()), "{text:?} became {rate}");
            written(rate);
        }
        Err(error) => names(&error, text),
    }
}

/// Checks that the text of a rate is read as that rate, and printed unchanged.
fn written(rate: Rate) {
    let again: Rate = rate.to_string().parse().unwrap();
    assert_eq!((again, again.to_string()), (rate, rate.to_string()));
    assert_eq!((again.tokens(), again.period()), (rate.tokens(), rate.period()), "{rate}");
    assert!(format!("{rate:?}").contains(&rate.to_string()));
}

fn limit(text: &str) {
    match text.parse::<Limit>() {
        Ok(limit) => {
            let again: Limit = limit.to_string().parse().unwrap();
            assert_eq!(again, limit, "{limit}");
            // No other word that a limit may have contains one of these.
            let place = |words: &[&str]| words.iter().filter_map(|word| text.find(word)).min();
            let start = place(&["full", "empty", "starting"]).unwrap_or(text.len());
            let (head, start) = text.split_at(start);
            let capacity = place(&["capacity", "burst"]).unwrap_or(head.len());
            let (rate, capacity) = head.split_at(capacity.min(head.len()));
            assert_eq!(limit.starts_with, starts_with(start), "{text:?}");
            if rate.trim() == "unlimited" {
                assert!(limit.is_unlimited(), "{text:?}");
            } else {
                assert_eq!(rate.parse(), Ok(limit.rate), "{text:?}");
                let (num, den) = match capacity.trim_start_matches("capacity").trim_start_matches("burst") {
                    "" => meaning(&format!("{}/ns", amount_of(rate))),
                    amount => meaning(&format!("{amount}/ns")),
                };
                assert!(capacity.is_empty() || den == 1, "{text:?}");
                assert_eq!(u128::from(limit.capacity), num.div_ceil(den), "{text:?}");
            }
            any_limit(limit);
        }
        Err(error) => names(&error, text),
    }
}

/// Reads what a bucket is to start with.
fn starts_with(text: &str) -> Option<u64> {
    match text.trim() {
        "" | "full" => None,
        "empty" => Some(0),
        level => {
            let amount = level.trim_start_matches("starting").trim_start().trim_start_matches("with");
            Some(u64::try_from(meaning(&format!("{amount}/ns")).0).unwrap())
        }
    }
}

/// Checks that the error shows the wrong text whole, and a place in it.
fn names(error: &ParseError, text: &str) {
    let (line, lines) = (format!("{error:#}"), error.to_string());
    assert!(line.starts_with(&format!("{text:?}")) && line.contains(": "), "{line} for {text:?}");
    assert!(text.is_empty() || lines.lines().last().unwrap().trim_start().starts_with('^'), "{lines} for {text:?}");
}

fn any_limit(limit: Limit) {
    let Limit { rate, capacity, .. } = limit;
    let Err(error) = limit.check() else { return makes_buckets(limit) };
    assert_eq!((error.limit, error.stream), (limit, 0));
    let said = error.to_string();
    assert!(said.contains(&limit.to_string()), "{said}");
    match error.rule {
        LimitRule::ZeroCapacity => assert_eq!(capacity, 0, "{said}"),
        LimitRule::StartsAboveCapacity => assert!(limit.start() > capacity, "{said}"),
        LimitRule::RateTooFast => {
            // Within a thousandth of the documented figure; the exact one is an implementation's
            // choice.
            let per_second = u128::from(rate.tokens()) * 1_000_000_000 / rate.period().as_nanos();
            assert!(per_second > 1_180_000_000_000, "{said}");
        }
        LimitRule::CapacityTooLarge { most } => {
            assert!(capacity > most && said.contains(&most.to_string()), "{said}");
            assert!(limit.capacity(most).check().is_ok(), "{said}");
            assert!(limit.capacity(most + 1).check().is_err(), "{said}");
        }
        rule => panic!("{rule:?}"),
    }
    assert_eq!(TokenBucket::with_clock(limit, ManualClock::new()).map(|_| ()), Err(error));
    let second = MultiBucket::with_clock([Limit::per_second(1), limit], ManualClock::new()).map(|_| ());
    assert_eq!(second.map_err(|error| (error.stream, error.limit, error.rule)), Err((1, limit, error.rule)));
}

fn makes_buckets(limit: Limit) {
    if limit.is_unlimited() {
        return assert_eq!(TokenBucket::with_clock(limit, ManualClock::new()).unwrap().available(), u64::MAX);
    }
    let full = limit.start();
    assert_eq!(TokenBucket::with_clock(limit, ManualClock::new()).unwrap().available(), full, "{limit}");
    assert_eq!(MultiBucket::with_clock([limit; 2], ManualClock::new()).unwrap().available(), [full; 2], "{limit}");
    let precision = limit.precision().unwrap().as_nanos();
    let (num, den) = reduced(limit.rate.tokens().into(), limit.rate.period().as_nanos());
    // The refill time of the capacity in nanoseconds: 2^61 are 73 years. An exact rate that is not
    // kept exactly has a capacity of more than 16 years.
    let worth = u128::from(limit.capacity) * den / num.max(1);
    let most = match num {
        0..=9 if worth < 1 << 58 || num == 0 => 0,
        _ if worth < 1 << 61 => 1,
        _ => 1000,
    };
    assert!(precision <= most, "{limit}: {precision} ns");
    assert!(limit.idle_limit().unwrap() >= Duration::from_secs(90 * 24 * 3600), "{limit}");
}

/// What stands before the period of a rate.
fn amount_of(rate: &str) -> &str {
    let end = ["/", "per", "rps", "rpm", "rph"].iter().filter_map(|sign| rate.find(sign)).min().unwrap();
    &rate[..end]
}

/// Reads the rate in `text` as tokens per nanoseconds in lowest terms.
///
/// It needs none of the parser's checks, since the text is known to be a rate.
fn meaning(text: &str) -> (u128, u128) {
    let text: String = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '_').collect();
    let amount = amount_of(&text);
    let period = match &text[amount.len()..] {
        "rps" => "s",
        "rpm" => "min",
        "rph" => "h",
        period => period.strip_prefix('/').unwrap_or_else(|| period.strip_prefix("per").unwrap()),
    };
    let split = |text: &str, known: fn(char) -> bool| {
        let end = text.find(|c| !known(c)).unwrap_or(text.len());
        (text[..end].to_owned(), text[end..].to_owned())
    };
    let (number, tail) = split(amount, |c| c.is_ascii_digit() || c == '.');
    let (count, unit) = split(period, |c| c.is_ascii_digit());
    let nouns = ["requests", "request", "reqs", "req", "tokens", "token", "bytes", "byte", "r"];
    let suffix = nouns.iter().find_map(|noun| tail.strip_suffix(noun)).unwrap_or(&tail);
    let digits: u128 = number.replace('.', "").parse().unwrap();
    let decimals = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let factor: u128 = match suffix.trim_end_matches('B') {
        "" => 1,
        "k" | "K" => 1000,
        "M" => 1000_u128.pow(2),
        "G" => 1000_u128.pow(3),
        "T" => 1000_u128.pow(4),
        "Ki" => 1024,
        "Mi" => 1024_u128.pow(2),
        "Gi" => 1024_u128.pow(3),
        "Ti" => 1024_u128.pow(4),
        other => panic!("suffix {other:?}"),
    };
    let unit: u128 = match unit.trim_end_matches('s') {
        "n" | "nanosecond" => 1,
        "u" | "µ" | "μ" | "microsecond" => 1000,
        "m" if unit == "ms" => 1_000_000,
        "millisecond" => 1_000_000,
        "" | "sec" | "second" => 1_000_000_000,
        "m" | "min" | "minute" => 60_000_000_000,
        "h" | "hr" | "hour" => 3_600_000_000_000,
        "d" | "day" => 86_400_000_000_000,
        "w" | "week" => 7 * 86_400_000_000_000,
        other => panic!("unit {other:?}"),
    };
    let count: u128 = if count.is_empty() { 1 } else { count.parse().unwrap() };
    reduced(digits * factor, 10_u128.pow(decimals as u32) * count * unit)
}

fn reduced(a: u128, b: u128) -> (u128, u128) {
    let (mut common, mut rest) = (b, a % b);
    while rest != 0 {
        (common, rest) = (rest, common % rest);
    }
    (a / common, b / common)
}
