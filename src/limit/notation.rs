//! Owns the text form of rates, amounts and periods, in both directions. It never decides whether a
//! bucket can keep a limit.

use core::fmt;

use crate::limit::rate::Rate;

/// The suffix of an amount: a family of suffixes, and the power in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Scale {
    family: u8,
    power: u8,
}

impl Scale {
    pub(crate) const PLAIN: Self = Self { family: 0, power: 0 };

    pub(crate) const fn parts(self) -> (u8, u8) {
        (self.family, self.power)
    }

    pub(crate) const fn of_parts(family: u8, power: u8) -> Self {
        Self { family, power }
    }

    fn suffix(self) -> &'static str {
        SUFFIXES[self.family as usize].1[self.power as usize]
    }

    fn factor(self) -> u64 {
        SUFFIXES[self.family as usize].0.pow(u32::from(self.power))
    }

    fn of_suffix(suffix: &str) -> Option<Self> {
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

/// Units of a period in nanoseconds, longest first. Display uses the first spelling.
const UNITS: [(u64, &[&str]); 7] = [
    (86_400_000_000_000, &["d", "day"]),
    (3_600_000_000_000, &["h", "hour"]),
    (60_000_000_000, &["min"]),
    (1_000_000_000, &["s", "sec"]),
    (1_000_000, &["ms"]),
    (1_000, &["us", "µs"]),
    (1, &["ns"]),
];

/// Returns the greatest common divisor; 1 for (0, 0). So callers can divide by it.
pub(crate) const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if a == 0 { 1 } else { a }
}

/// Writes an amount with the largest suffix, up to `scale`, that leaves a whole number.
pub(crate) fn write_amount(f: &mut fmt::Formatter<'_>, tokens: u64, mut scale: Scale) -> fmt::Result {
    if tokens == 0 {
        scale.power = 0;
    }
    while tokens % scale.factor() != 0 {
        scale.power -= 1;
    }
    write!(f, "{}{}", tokens / scale.factor(), scale.suffix())
}

/// Writes a period in the longest unit that leaves a whole number. It omits a count of 1.
pub(crate) fn write_period(f: &mut fmt::Formatter<'_>, nanos: u64) -> fmt::Result {
    for (unit, names) in UNITS {
        if nanos % unit == 0 {
            return match nanos / unit {
                1 => f.write_str(names[0]),
                count => write!(f, "{count}{}", names[0]),
            };
        }
    }
    Ok(())
}

pub(crate) fn parse_rate(text: &str) -> Result<Rate, ParseError> {
    let fail = |rule| ParseError::new(text, rule);
    let (amount, period) = text.trim().split_once('/').ok_or_else(|| fail(Rule::Slash))?;
    let Amount { mantissa, decimals, scale } = Amount::parse(amount).map_err(fail)?;
    let period = parse_period(period).map_err(fail)?;
    // A fraction of a token per period becomes whole tokens in a longer period.
    let common = gcd(mantissa, decimals);
    let period = period.checked_mul(decimals / common).ok_or_else(|| fail(Rule::PeriodTooLong))?;
    Ok(Rate::written(mantissa / common, period, scale))
}

/// Parses a whole number of tokens, with an optional suffix.
pub(crate) fn parse_amount(text: &str) -> Result<u64, Rule> {
    let Amount { mantissa, decimals, .. } = Amount::parse(text)?;
    if mantissa % decimals != 0 {
        return Err(Rule::Fraction);
    }
    Ok(mantissa / decimals)
}

/// `mantissa / decimals` tokens; `decimals` is a power of ten.
struct Amount {
    mantissa: u64,
    decimals: u64,
    scale: Scale,
}

impl Amount {
    fn parse(text: &str) -> Result<Self, Rule> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let scale = Scale::of_suffix(suffix).ok_or(Rule::Suffix)?;
        let (whole, fraction) = match number.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(Rule::Amount),
            None => (number, ""),
        };
        if whole.is_empty() || fraction.contains('.') {
            return Err(Rule::Amount);
        }
        if fraction.len() > 9 {
            return Err(Rule::Decimals);
        }
        let mut mantissa: u128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(u128::from(digit - b'0')))
                .ok_or(Rule::AmountTooLarge)?;
        }
        let decimals = 10u64.pow(fraction.len() as u32);
        let scaled = mantissa.checked_mul(u128::from(scale.factor())).ok_or(Rule::AmountTooLarge)?;
        let common = gcd((scaled % u128::from(decimals)) as u64, decimals);
        let mantissa = u64::try_from(scaled / u128::from(common)).map_err(|_| Rule::AmountTooLarge)?;
        Ok(Self { mantissa, decimals: decimals / common, scale })
    }
}

fn parse_period(text: &str) -> Result<u64, Rule> {
    let start = text.find(|c: char| !c.is_ascii_digit()).ok_or(Rule::Unit)?;
    let (count, unit) = text.split_at(start);
    let (nanos, _) = UNITS.iter().find(|(_, names)| names.contains(&unit)).ok_or(Rule::Unit)?;
    let count = if count.is_empty() { 1 } else { count.parse().map_err(|_| Rule::PeriodTooLong)? };
    match nanos.checked_mul(count) {
        Some(0) => Err(Rule::ZeroPeriod),
        Some(nanos) => Ok(nanos),
        None => Err(Rule::PeriodTooLong),
    }
}

/// The error for a text that is no [`Rate`] or [`Limit`](crate::Limit).
///
/// It shows the text, cut after 40 bytes, and the rule that the text breaks.
///
/// ```
/// let error = "5/fortnight".parse::<tollgate::Rate>().unwrap_err();
/// let rule = "a period is an optional whole number and a unit (ns, us, ms, s, min, h, d)";
/// assert_eq!(error.to_string(), format!("\"5/fortnight\": {rule}"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    /// The beginning of the text. An error keeps it inline, since it must not allocate.
    text: [u8; Self::KEPT],
    kept: u8,
    cut: bool,
    rule: Rule,
}

impl ParseError {
    const KEPT: usize = 40;

    pub(crate) fn new(text: &str, rule: Rule) -> Self {
        let end = (0..=text.len().min(Self::KEPT)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let mut bytes = [0; Self::KEPT];
        bytes[..end].copy_from_slice(&text.as_bytes()[..end]);
        Self { text: bytes, kept: end as u8, cut: end < text.len(), rule }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = core::str::from_utf8(&self.text[..usize::from(self.kept)]).unwrap_or("");
        write!(f, "{text:?}{}: {}", if self.cut { "..." } else { "" }, self.rule.as_str())
    }
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParseError({self})")
    }
}

impl core::error::Error for ParseError {}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    Slash,
    Amount,
    Suffix,
    Decimals,
    AmountTooLarge,
    Fraction,
    Unit,
    ZeroPeriod,
    PeriodTooLong,
    LimitWords,
}

impl Rule {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Slash => "a rate is an amount and a period with a slash between them, as in 1000/s",
            Self::Amount => "an amount is a decimal number, as in 1000 or 999.9",
            Self::Suffix => "the suffix of an amount is one of k M G T Ki Mi Gi Ti, with or without B, or none",
            Self::Decimals => "an amount has at most nine decimals",
            Self::AmountTooLarge => "an amount is at most 18446744073709551615",
            Self::Fraction => "a capacity is a whole number of tokens",
            Self::Unit => "a period is an optional whole number and a unit (ns, us, ms, s, min, h, d)",
            Self::ZeroPeriod => "the period must not be zero",
            Self::PeriodTooLong => "the longest period is 18446744073709551615ns (584 years)",
            Self::LimitWords => {
                "a limit is a rate, then optionally `capacity` and an amount, then optionally `empty` or `full`, as in 1000/s capacity 50 empty"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn amounts_keep_their_suffix_or_the_next_that_fits() {
        for text in
            ["1MiB/s", "1000/s", "5/min", "1/3s", "250/100ms", "3k/s", "7GB/h", "9Ti/d", "0/s", "12B/us", "1/2ns"]
        {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        assert_eq!("1.5MiB/s".parse::<Rate>().unwrap().to_string(), "1536KiB/s");
        assert_eq!("0.5/s".parse::<Rate>().unwrap().to_string(), "1/2s");
        assert_eq!("1.50/s".parse::<Rate>().unwrap().to_string(), "3/2s");
        assert_eq!("20000000000.000000000/s".parse::<Rate>().unwrap().to_string(), "20000000000/s");
        assert_eq!("0.000000001TiB/s".parse::<Rate>().unwrap(), "1099511627776/1000000000s".parse().unwrap());
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let text = std::format!("{}é{}", "x".repeat(39), "y".repeat(100));
        let error = text.parse::<Rate>().unwrap_err().to_string();
        assert!(error.starts_with(&std::format!("{:?}...: ", "x".repeat(39))), "{error}");
    }
}
