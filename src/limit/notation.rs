//! Owns the words of rates and amounts, and how numbers are written with them. It never reads text.

use core::fmt;

/// The suffix of an amount: a family of suffixes, and the power in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Scale {
    family: u8,
    power: u8,
}

impl Scale {
    pub(crate) const PLAIN: Self = Self { family: 0, power: 0 };

    /// Whether it ends with `B`.
    pub(crate) const fn is_of_bytes(self) -> bool {
        self.family == 1 || self.family == 3
    }

    pub(crate) const fn parts(self) -> (u8, u8) {
        (self.family, self.power)
    }

    pub(crate) const fn of_parts(family: u8, power: u8) -> Self {
        Self { family, power }
    }

    fn suffix(self) -> &'static str {
        SUFFIXES[self.family as usize].1[self.power as usize]
    }

    pub(crate) fn factor(self) -> u64 {
        SUFFIXES[self.family as usize].0.pow(u32::from(self.power))
    }

    pub(crate) fn of_suffix(suffix: &str) -> Option<Self> {
        let suffix = match suffix {
            "K" => "k",
            "KB" => "kB",
            other => other,
        };
        for (family, (_, suffixes)) in SUFFIXES.iter().enumerate() {
            if let Some(power) = suffixes.iter().position(|known| *known == suffix) {
                return Some(Self { family: family as u8, power: power as u8 });
            }
        }
        None
    }
}

/// Families of suffixes: the factor between two suffixes, and the suffixes in order.
const SUFFIXES: [(u64, [&str; 5]); 4] = [
    (1000, ["", "k", "M", "G", "T"]),
    (1000, ["B", "kB", "MB", "GB", "TB"]),
    (1024, ["", "Ki", "Mi", "Gi", "Ti"]),
    (1024, ["B", "KiB", "MiB", "GiB", "TiB"]),
];

/// What may stand behind an amount and changes nothing.
pub(crate) const NOUNS: [&str; 9] = ["r", "req", "reqs", "request", "requests", "token", "tokens", "byte", "bytes"];

/// Words for requests in a period.
pub(crate) const PER_PERIOD: [(&str, u64); 3] = [("rps", SECOND), ("rpm", MINUTE), ("rph", HOUR)];

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Units of a period in nanoseconds, longest first. Display uses the first spelling, but for weeks,
/// which it writes in days.
const UNITS: [(u64, &[&str]); 8] = [
    (7 * DAY, &["w", "week", "weeks"]),
    (DAY, &["d", "day", "days"]),
    (HOUR, &["h", "hr", "hrs", "hour", "hours"]),
    (MINUTE, &["min", "m", "mins", "minute", "minutes"]),
    (SECOND, &["s", "sec", "secs", "second", "seconds"]),
    // Two signs look alike here: micro, and a Greek letter.
    (1_000_000, &["ms", "millisecond", "milliseconds"]),
    (1_000, &["us", "µs", "μs", "microsecond", "microseconds"]),
    (1, &["ns", "nanosecond", "nanoseconds"]),
];

/// The nanoseconds of a unit of time.
pub(crate) fn unit_nanos(word: &str) -> Option<u64> {
    UNITS.iter().find(|(_, names)| names.contains(&word)).map(|(nanos, _)| *nanos)
}

/// Returns the greatest common divisor; 1 for (0, 0). So callers can divide by it.
pub(crate) const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if a == 0 { 1 } else { a }
}

/// The most decimals of an amount.
pub(crate) const DECIMALS: u32 = 9;

/// Writes `tokens / parts` with the largest suffix, up to `scale`, that leaves a short number.
///
/// Short is a number of at least 1 and at most three decimals. An amount that is no whole number of
/// tokens has up to nine. `parts` divides 10^9, so that it can be written without a suffix.
pub(crate) fn write_amount(f: &mut fmt::Formatter<'_>, tokens: u64, parts: u64, scale: Scale) -> fmt::Result {
    const BILLION: u128 = 10_u128.pow(DECIMALS);
    let shortest = if parts > 1 { 1 } else { 1_000_000 };
    for power in (0..=scale.power).rev() {
        let scale = Scale { power, ..scale };
        // Below 2^71.
        let unit = u128::from(parts) * u128::from(scale.factor());
        let (whole, rest) = (u128::from(tokens) / unit, u128::from(tokens) % unit);
        let (fraction, cut) = (rest * BILLION / unit, rest * BILLION % unit);
        let short = whole > 0 && cut == 0 && fraction % shortest == 0;
        if power == 0 || short {
            write!(f, "{whole}")?;
            write_fraction(f, fraction)?;
            return f.write_str(scale.suffix());
        }
    }
    Ok(())
}

/// Writes billionths as decimals, without zeros at the end.
fn write_fraction(f: &mut fmt::Formatter<'_>, mut billionths: u128) -> fmt::Result {
    if billionths == 0 {
        return Ok(());
    }
    let mut places = DECIMALS as usize;
    while billionths % 10 == 0 {
        (billionths, places) = (billionths / 10, places - 1);
    }
    write!(f, ".{billionths:0places$}")
}

/// Writes a period in the longest unit, up to days, that leaves a whole number. It omits a count
/// of 1.
pub(crate) fn write_period(f: &mut fmt::Formatter<'_>, nanos: u64) -> fmt::Result {
    for (unit, names) in UNITS.iter().skip(1) {
        if nanos % unit == 0 {
            return match nanos / unit {
                1 => f.write_str(names[0]),
                count => write!(f, "{count}{}", names[0]),
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    extern crate std;
    use crate::limit::rate::Rate;
    use std::string::ToString;

    #[test]
    fn amounts_keep_their_suffix_or_the_next_that_fits() {
        for text in [
            "1MiB/s",
            "1000/s",
            "5/min",
            "1/3s",
            "250/100ms",
            "3k/s",
            "7GB/h",
            "9Ti/d",
            "0/s",
            "12B/us",
            "1/2ns",
            "1.5MiB/s",
            "1.1MiB/s",
            "0.5/s",
            "16.6667/s",
            "2.125k/h",
            "1.23456789MiB/s",
            "1.0001k/s",
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for (text, shown) in [
            ("0.5MiB/s", "512KiB/s"),
            ("1.00390625MiB/s", "1028KiB/s"),
            ("1.50/s", "1.5/s"),
            ("1K/s", "1k/s"),
            ("1/w", "1/7d"),
            ("20000000000.000000000/s", "20000000000/s"),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown);
        }
        assert_eq!("0.000000001TiB/s".parse::<Rate>().unwrap(), "1099511627776/1000000000s".parse().unwrap());
    }
}
