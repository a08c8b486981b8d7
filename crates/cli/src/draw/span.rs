//! Owns how times are written. Never what they measure.

use crate::draw::amount::four_digits;
use crate::figures;

pub(crate) const SECOND: u128 = 1_000_000_000;
pub(crate) const MINUTE: u128 = 60 * SECOND;
pub(crate) const HOUR: u128 = 60 * MINUTE;
pub(crate) const DAY: u128 = 24 * HOUR;
pub(crate) const YEAR: u128 = 365 * DAY;

/// Units of a minute and longer, each with the one that follows it.
const LONG: [(u128, &str, u128, &str); 4] =
    [(YEAR, "years", DAY, "d"), (DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min"), (MINUTE, "min", SECOND, "s")];

/// Units up to a second.
const SHORT: [(u128, &str); 4] = [(SECOND, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns")];

/// Writes nanoseconds in up to two units, or with up to four digits in one.
///
/// Below ten years it never writes more than the time is, but for the rounding of four digits.
pub(crate) fn span(nanos: u128) -> String {
    for (unit, name, next, next_name) in LONG {
        if nanos < unit {
            continue;
        }
        let (whole, rest) = (nanos / unit, nanos % unit / next);
        // A year has 365 days here, and the days of many years say nothing.
        if rest == 0 || (unit == YEAR && whole >= 10) {
            return format!(
                "{} {}",
                figures::count(whole as u64),
                if unit == YEAR && whole == 1 { "year" } else { name }
            );
        }
        return format!("{whole} {} {rest} {next_name}", if unit == YEAR && whole == 1 { "year" } else { name });
    }
    if nanos == 0 {
        return "0 s".into();
    }
    let (unit, name) = SHORT.into_iter().find(|(unit, _)| nanos >= *unit).unwrap_or(SHORT[3]);
    format!("{} {name}", four_digits(nanos as f64 / unit as f64))
}

/// Replaces the sign for micro, for terminals without Unicode.
pub(crate) fn ascii(text: &str) -> String {
    text.replace('µ', "u")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_units_or_four_digits() {
        for (nanos, text) in [
            (0, "0 s"),
            (1, "1 ns"),
            (1_500, "1.5 µs"),
            (333_333_333, "333.3 ms"),
            (SECOND, "1 s"),
            (12 * SECOND + SECOND / 2, "12.5 s"),
            (MINUTE, "1 min"),
            (90 * SECOND, "1 min 30 s"),
            (HOUR + 59 * SECOND, "1 h"),
            (4 * HOUR + 48 * MINUTE, "4 h 48 min"),
            (DAY, "1 d"),
            (90 * DAY + HOUR, "90 d 1 h"),
            (YEAR, "1 year"),
            (YEAR + DAY, "1 year 1 d"),
            (292 * YEAR + 100 * DAY, "292 years"),
            (36_000_000_000 * YEAR, "36,000,000,000 years"),
        ] {
            assert_eq!(span(nanos), text, "{nanos}");
        }
        assert_eq!(ascii("1.5 µs"), "1.5 us");
    }
}
