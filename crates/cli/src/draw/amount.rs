//! Owns how numbers of tokens are written. Never how many there are.

use tollgate::Limit;

use crate::figures;

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    /// A request, a line, or whatever else is counted.
    Plain,
    /// A byte.
    Bytes,
}

/// The suffixes of thousands, and of 1024s.
const THOUSANDS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
const BINARY: [&str; 7] = [" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"];

/// Whole amounts below this have all their digits.
const LONG: u128 = 10_000_000_000;

impl Unit {
    /// Returns bytes if the limit is written in bytes, as `1MiB/s` is.
    pub(crate) fn of(limit: Limit) -> Self {
        let text = limit.rate.to_string();
        let amount = text.split('/').next().unwrap_or_default();
        if amount.ends_with('B') { Self::Bytes } else { Self::Plain }
    }

    /// Writes a whole amount: with all its digits, unless it is long or bytes.
    pub(crate) fn whole(self, amount: u128) -> String {
        match self {
            Self::Plain if amount < LONG => figures::count(amount as u64),
            _ => self.short(amount as f64),
        }
    }

    /// Writes an amount with up to four digits and a suffix.
    pub(crate) fn short(self, amount: f64) -> String {
        let (factor, suffixes) = match self {
            Self::Plain => (1000.0, THOUSANDS),
            Self::Bytes => (1024.0, BINARY),
        };
        let (mut rest, mut power) = (amount, 0);
        while digits(rest) >= factor && power + 1 < suffixes.len() {
            (rest, power) = (rest / factor, power + 1);
        }
        format!("{}{}", four_digits(rest), suffixes[power])
    }
}

/// The number as [`four_digits`] writes it.
fn digits(number: f64) -> f64 {
    four_digits(number).parse().unwrap_or(number)
}

/// Writes a number with four digits, or all digits before its point, without zeros at the end.
pub(crate) fn four_digits(number: f64) -> String {
    let places = match number.abs() {
        below if below < 9.9995 => 3,
        below if below < 99.995 => 2,
        below if below < 999.95 => 1,
        _ => 0,
    };
    let text = format!("{number:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_from_other_tokens_by_how_the_limit_is_written() {
        for (text, unit) in [
            ("1000/s", Unit::Plain),
            ("1k/s", Unit::Plain),
            ("1MiB/s", Unit::Bytes),
            ("500kB/min", Unit::Bytes),
            ("12B/us", Unit::Bytes),
            ("1.5MiB/s capacity 4MiB", Unit::Bytes),
            ("unlimited", Unit::Plain),
        ] {
            assert_eq!(Unit::of(text.parse().unwrap()), unit, "{text}");
        }
    }

    #[test]
    fn amounts_have_all_digits_or_four_and_a_suffix() {
        for (unit, amount, text) in [
            (Unit::Plain, 0, "0"),
            (Unit::Plain, 999, "999"),
            (Unit::Plain, 86_400_050, "86,400,050"),
            (Unit::Plain, 9_999_999_999, "9,999,999,999"),
            (Unit::Plain, 10_000_000_000, "10G"),
            (Unit::Plain, 864_010_000_000_000, "864T"),
            (Unit::Plain, u128::from(u64::MAX), "18.45E"),
            (Unit::Bytes, 0, "0 B"),
            (Unit::Bytes, 1023, "1023 B"),
            (Unit::Bytes, 1 << 20, "1 MiB"),
            (Unit::Bytes, 61 << 20, "61 MiB"),
            (Unit::Bytes, (1 << 20) - 1, "1 MiB"),
            (Unit::Bytes, 86_401 << 20, "84.38 GiB"),
        ] {
            assert_eq!(unit.whole(amount), text, "{amount}");
        }
        assert_eq!(Unit::Plain.short(1500.0), "1.5k");
        assert_eq!(Unit::Plain.short(999_960.0), "1M");
        assert_eq!(Unit::Plain.short(0.25), "0.25");
    }
}
