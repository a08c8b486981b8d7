//! Owns how the times of a log are read. Never reads a clock.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// The time of the common log format, `10/Oct/2000:13:55:36 -0700`.
const COMMON: &str = "%d/%b/%Y:%H:%M:%S %z";

/// Reads the first `[10/Oct/2000:13:55:36 -0700]` of a line, in nanoseconds since 1970.
pub(crate) fn bracketed(line: &str) -> Option<i64> {
    line.split('[').skip(1).find_map(|rest| common(rest.split_once(']')?.0))
}

/// Reads a time of the common log format.
pub(crate) fn common(text: &str) -> Option<i64> {
    // What is no such time is refused before the parser sees it: most brackets are none.
    let bytes = text.as_bytes();
    if bytes.len() != 26 || bytes[2] != b'/' || bytes[6] != b'/' || bytes[11] != b':' || bytes[20] != b' ' {
        return None;
    }
    nanos(strtime::parse(COMMON, text).ok()?.to_timestamp().ok()?)
}

/// Reads a time in any form: of the common log, RFC 3339, or a number.
///
/// A date and a time without a zone are in UTC.
pub(crate) fn any(text: &str) -> Option<i64> {
    let text = text.trim().trim_matches(['[', ']', '"']);
    let number = || text.parse().ok().and_then(since_1970);
    common(text).or_else(|| dated(text)).or_else(number)
}

/// Reads a date and a time, as in RFC 3339.
pub(crate) fn dated(text: &str) -> Option<i64> {
    // The parser of dates takes a date alone, too, which is no time.
    if text.len() < 16 || !text.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    let zoned = text.parse::<Timestamp>();
    let plain = || text.parse::<DateTime>().and_then(|time| TimeZone::UTC.to_timestamp(time));
    nanos(zoned.or_else(|_| plain()).ok()?)
}

/// Reads a number of seconds since 1970, or of milli-, micro- or nanoseconds if it is that large.
///
/// A double keeps the seconds of these years to the quarter of a microsecond.
pub(crate) fn since_1970(number: f64) -> Option<i64> {
    let unit = match number.abs() {
        seconds if seconds < 1e11 => 1e9,
        millis if millis < 1e14 => 1e6,
        micros if micros < 1e17 => 1e3,
        _ => 1.0,
    };
    let nanos = (number * unit).round();
    (nanos.is_finite() && nanos.abs() < 9e18).then_some(nanos as i64)
}

/// Writes a time in UTC.
pub(crate) fn written(nanos: i64) -> String {
    Timestamp::from_nanosecond(nanos.into()).map_or_else(|_| nanos.to_string(), |time| time.to_string())
}

fn nanos(time: Timestamp) -> Option<i64> {
    i64::try_from(time.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn times_of_the_common_log_are_those_of_the_system() {
        // As `date -d` prints them.
        for (stamp, expected) in [
            ("01/Jan/1970:00:00:00 +0000", 0),
            ("10/Oct/2000:13:55:36 -0700", 971_211_336),
            ("29/Feb/2000:23:59:59 +0000", 951_868_799),
            ("01/Mar/2000:00:00:00 +0000", 951_868_800),
            ("28/Feb/1900:23:59:59 +0000", -2_203_891_201),
            ("01/Jan/2025:05:30:00 +0530", 1_735_689_600),
        ] {
            let line = format!("192.0.2.1 - - [x] [{stamp}] \"GET / HTTP/1.0\" 200 2326");
            assert_eq!(bracketed(&line), Some(expected * SECOND), "{stamp}");
            assert_eq!(any(&format!("[{stamp}]")), Some(expected * SECOND), "{stamp}");
        }
    }

    #[test]
    fn what_is_no_time_of_the_common_log_is_none() {
        for stamp in [
            "",
            "10/Oct/2000:13:55:36",
            "10/Oct/2000:13:55:36 0700",
            "10/Okt/2000:13:55:36 -0700",
            "29/Feb/1900:13:55:36 -0700",
            "31/Apr/2000:13:55:36 -0700",
            "00/Oct/2000:13:55:36 -0700",
            "10/Oct/2000:24:00:00 -0700",
            "10/Oct/2000:13:60:36 -0700",
            "10/Oct/2000:13:55:36 é0700",
        ] {
            assert_eq!(bracketed(&format!("192.0.2.1 [{stamp}]")), None, "{stamp}");
        }
        assert_eq!(bracketed("[10/Oct/2000:13:55:36 -0700"), None);
    }

    #[test]
    fn other_forms_are_dates_of_rfc_3339_and_numbers() {
        let time = 971_211_336 * SECOND;
        for text in [
            "2000-10-10T20:55:36Z",
            "2000-10-10T13:55:36-07:00",
            "2000-10-10 20:55:36",
            "971211336",
            "971211336000",
            "971211336000000",
            "971211336000000000",
            "\"2000-10-10T20:55:36+00:00\"",
        ] {
            assert_eq!(any(text), Some(time), "{text}");
        }
        assert_eq!(any("2000-10-10T20:55:36.5Z"), Some(time + SECOND / 2));
        assert_eq!(any("971211336.25"), Some(time + SECOND / 4));
        for text in ["", "soon", "2000-10-10", "2000-13-10T20:55:36Z", "NaN", "inf", "1e300"] {
            assert_eq!(any(text), None, "{text}");
        }
        assert_eq!(written(time), "2000-10-10T20:55:36Z");
    }
}
