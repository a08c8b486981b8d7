//! Owns the text form of rates and limits: any text is refused or keeps its meaning. It never
//! accepts a limit that makes no bucket.

use std::time::Duration;

use tollgate::clock::ManualClock;
use tollgate::limit::{LimitRule, RateError};
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
        Err(error) => names(&error.to_string(), text),
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
            let first = text.split_whitespace().next().unwrap();
            assert_eq!(first.parse(), Ok(limit.rate), "{text:?}");
            assert_eq!(limit.starts_full, !text.trim().ends_with("empty"), "{text:?}");
            match text.split_whitespace().skip_while(|word| *word != "capacity").nth(1) {
                Some(amount) => assert_eq!((limit.capacity.into(), 1), meaning(&format!("{amount}/ns")), "{text:?}"),
                None => assert_eq!(limit.capacity, limit.rate.tokens(), "{text:?}"),
            }
            any_limit(limit);
        }
        Err(error) => names(&error.to_string(), text),
    }
}

/// Checks that the error shows the wrong text, or its beginning.
fn names(error: &str, text: &str) {
    let shown = format!("{text:?}");
    let quoted = error.split("\": ").next().unwrap_or(error);
    let quoted = quoted.split("\"...: ").next().unwrap_or(quoted);
    let cut = text.len() > 40;
    // A limit may be refused for its rate. The error then shows the rate.
    let part = text.split_whitespace().any(|word| format!("{word:?}").starts_with(quoted));
    assert!(part || shown.starts_with(quoted) || cut, "{error} for {shown}");
    assert!(error.len() > quoted.len() + 4, "{error} for {shown}");
}

fn any_limit(limit: Limit) {
    let Limit { rate, capacity, .. } = limit;
    let Err(error) = limit.check() else { return makes_buckets(limit) };
    assert_eq!((error.limit, error.stream), (limit, 0));
    let said = error.to_string();
    assert!(said.contains(&limit.to_string()), "{said}");
    match error.rule {
        LimitRule::ZeroCapacity => assert_eq!(capacity, 0, "{said}"),
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
    let full = if limit.starts_full { limit.capacity } else { 0 };
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

/// Reads the rate in `text` as tokens per nanoseconds in lowest terms.
///
/// It needs none of the parser's checks, since the text is known to be a rate.
fn meaning(text: &str) -> (u128, u128) {
    let (amount, period) = text.split_once('/').unwrap();
    let split = |text: &str, known: fn(char) -> bool| {
        let end = text.find(|c| !known(c)).unwrap_or(text.len());
        (text[..end].to_owned(), text[end..].to_owned())
    };
    let (number, suffix) = split(amount, |c| c.is_ascii_digit() || c == '.');
    let (count, unit) = split(period, |c| c.is_ascii_digit());
    let digits: u128 = number.replace('.', "").parse().unwrap();
    let decimals = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let factor: u128 = match suffix.trim_end_matches('B') {
        "" => 1,
        "k" => 1000,
        "M" => 1000_u128.pow(2),
        "G" => 1000_u128.pow(3),
        "T" => 1000_u128.pow(4),
        "Ki" => 1024,
        "Mi" => 1024_u128.pow(2),
        "Gi" => 1024_u128.pow(3),
        "Ti" => 1024_u128.pow(4),
        other => panic!("suffix {other:?}"),
    };
    let unit: u128 = match unit.as_str() {
        "ns" => 1,
        "us" | "µs" => 1000,
        "ms" => 1_000_000,
        "s" | "sec" => 1_000_000_000,
        "min" => 60_000_000_000,
        "h" | "hour" => 3_600_000_000_000,
        "d" | "day" => 86_400_000_000_000,
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
