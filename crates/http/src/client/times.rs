//! Owns waits: seconds, dates and epochs. Never a policy.

use std::time::{Duration, SystemTime};

use http::header::{AGE, DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::structured::field::{joined, list};
use crate::structured::item::Value;

/// Above so many, seconds are a time since 1970.
const EPOCH: u64 = 1_000_000_000;
/// Above so many, they are milliseconds.
const EPOCH_IN_MILLIS: u64 = 1_000_000_000_000;

/// Returns the time at which a response was made: its `Date`, or else `now`.
pub(crate) fn made_at(fields: &HeaderMap, now: SystemTime) -> SystemTime {
    fields.get(DATE).and_then(date).unwrap_or(now)
}

/// Returns whether a response comes from a cache.
pub(crate) fn is_cached(fields: &HeaderMap) -> bool {
    fields.get_all(AGE).iter().filter_map(seconds).any(|age| age > Duration::ZERO)
}

/// Returns the longest wait of `Retry-After`, from the time a response was made.
pub(crate) fn retry_after(fields: &HeaderMap, made_at: SystemTime) -> Option<Duration> {
    let since = |date: SystemTime| date.duration_since(made_at).unwrap_or_default();
    let wait = |value| seconds(value).or_else(|| date(value).map(since));
    fields.get_all(RETRY_AFTER).iter().filter_map(wait).max()
}

fn date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?.trim()).ok()
}

/// Reads whole seconds of any number of digits, or a decimal, as some servers write.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits are a long time.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    match list(text)?.as_slice() {
        [item] => span(&item.value),
        _ => None,
    }
}

/// Returns a number of seconds that is not negative.
pub(crate) fn span(value: &Value) -> Option<Duration> {
    match *value {
        Value::Integer(seconds) => u64::try_from(seconds).ok().map(Duration::from_secs),
        Value::Decimal(thousandths) => u64::try_from(thousandths).ok().map(Duration::from_millis),
        Value::Text(_) | Value::Other => None,
    }
}

/// Returns the longest time that a reset field names, from the time a response was made.
pub(crate) fn reset(fields: &HeaderMap, name: &HeaderName, made_at: SystemTime) -> Option<Duration> {
    let made_at = made_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let wait = |value: &Value| {
        let span = span(value)?;
        let seconds = span.as_secs();
        Some(if seconds <= EPOCH {
            span
        } else if seconds <= EPOCH_IN_MILLIS {
            span.saturating_sub(made_at)
        } else {
            (span / 1000).saturating_sub(made_at)
        })
    };
    list(&joined(fields, name)?)?.iter().filter_map(|item| wait(&item.value)).max()
}
