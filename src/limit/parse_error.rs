//! Owns the error for a text that is no rate and no limit. It never reads one.

#[cfg(feature = "alloc")]
extern crate alloc;

use core::fmt;
use core::ops::Range;

/// The error for a text that is no [`Rate`](crate::Rate) or [`Limit`](crate::Limit).
///
/// It shows the whole text, the place, and the rule that the text breaks. With the flag `#` it fits
/// on one line, for messages that embed it. Without the feature `alloc` it keeps 40 bytes of the
/// text, those around the place.
///
/// ```
/// let error = "5/fortnight".parse::<tollgate::Rate>().unwrap_err();
/// let rule = "a period is an optional whole number and a unit (ns, us, ms, s, min, h, d, w)";
/// assert_eq!(error.to_string(), format!("5/fortnight\n  ^^^^^^^^^ {rule}"));
/// assert_eq!(format!("{error:#}"), format!("\"5/fortnight\", at \"fortnight\": {rule}"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ParseError {
    text: Kept,
    /// Bytes of what is kept of the text.
    start: usize,
    end: usize,
    rule: Rule,
}

impl ParseError {
    /// The error for what stands at `place`, bytes of `text`.
    pub(crate) fn new(text: &str, place: Range<usize>, rule: Rule) -> Self {
        let (text, start) = Kept::of(text, &place);
        let end = (place.end - place.start + start).min(text.as_str().len());
        Self { text, start, end, rule }
    }

    /// Writes the text and its place on one line.
    fn write_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, place) = (self.text.as_str(), &self.text.as_str()[self.start..self.end]);
        let (before, after) = self.text.cut();
        write!(f, "{before}{text:?}{after}")?;
        if !place.is_empty() && place.len() < text.len() {
            write!(f, ", at {place:?}")?;
        }
        write!(f, ": {}", self.rule.as_str())
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.as_str();
        if f.alternate() || text.is_empty() {
            return self.write_line(f);
        }
        let (before, after) = self.text.cut();
        f.write_str(before)?;
        text.chars().try_for_each(|letter| shown(letter, |letter| fmt::Write::write_char(f, letter)))?;
        writeln!(f, "{after}")?;
        let indent = before.len() + width(&text[..self.start]);
        let carets = width(&text[self.start..self.end]).max(1);
        write!(f, "{:indent$}{:^<carets$} {}", "", "", self.rule.as_str())
    }
}

/// Gives the letters that show a letter: an escape for one that would break the line.
fn shown<E>(letter: char, mut write: impl FnMut(char) -> Result<(), E>) -> Result<(), E> {
    match letter {
        '"' | '\'' | '\\' => write(letter),
        _ => letter.escape_debug().try_for_each(write),
    }
}

/// How many letters show a text.
fn width(text: &str) -> usize {
    let mut width = 0;
    for letter in text.chars() {
        let _ = shown(letter, |_| -> fmt::Result {
            width += 1;
            Ok(())
        });
    }
    width
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParseError({self:#})")
    }
}

impl core::error::Error for ParseError {}

/// The text of an error, whole.
#[cfg(feature = "alloc")]
#[derive(Clone, PartialEq, Eq)]
struct Kept(alloc::boxed::Box<str>);

#[cfg(feature = "alloc")]
impl Kept {
    /// Keeps a text. Returns where the place begins.
    fn of(text: &str, place: &Range<usize>) -> (Self, usize) {
        (Self(text.into()), place.start)
    }

    fn as_str(&self) -> &str {
        &self.0
    }

    /// The marks for what was cut off before and after.
    fn cut(&self) -> (&'static str, &'static str) {
        ("", "")
    }
}

/// The text of an error around the place, inline.
#[cfg(not(feature = "alloc"))]
#[derive(Clone, PartialEq, Eq)]
struct Kept {
    bytes: [u8; Self::MOST],
    len: u8,
    cut_before: bool,
    cut_after: bool,
}

#[cfg(not(feature = "alloc"))]
impl Kept {
    const MOST: usize = 40;

    /// Keeps what fits. Returns where the place begins in it.
    fn of(text: &str, place: &Range<usize>) -> (Self, usize) {
        let boundary = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        // The beginning, if the place lies in it; else half before the place.
        let start = if place.end <= Self::MOST { 0 } else { boundary(place.start.saturating_sub(Self::MOST / 2)) };
        let end = boundary(text.len().min(start + Self::MOST));
        let mut bytes = [0; Self::MOST];
        bytes[..end - start].copy_from_slice(&text.as_bytes()[start..end]);
        let kept = Self { bytes, len: (end - start) as u8, cut_before: start > 0, cut_after: end < text.len() };
        (kept, place.start - start)
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("")
    }

    /// The marks for what was cut off before and after.
    fn cut(&self) -> (&'static str, &'static str) {
        let mark = |cut| if cut { "..." } else { "" };
        (mark(self.cut_before), mark(self.cut_after))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    Period,
    Amount,
    Suffix,
    Milli,
    Bits,
    BytesOfOthers,
    Comma,
    Decimals,
    AmountTooLarge,
    Fraction,
    Unit,
    Month,
    ZeroPeriod,
    PeriodTooLong,
    AfterRate,
    LimitWords,
    Several,
    Unlimited,
    UnlimitedRate,
}

impl Rule {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Period => "a rate has a period, as in 1000/s or 5 per minute",
            Self::Amount => "an amount is a decimal number, as in 1000, 1_000 or 999.9",
            Self::Suffix => "the suffix of an amount is one of k M G T Ki Mi Gi Ti, with or without B, or none",
            Self::Milli => "`m` may mean milli, mega or minutes here: write M for 10^6, Mi for 2^20, or 10/min",
            Self::BytesOfOthers => "the suffix B counts bytes, and this is another word: a thousand million is G",
            Self::Bits => "bits may be meant here: an amount counts tokens, such as bytes, with the suffix B",
            Self::Comma => "a comma may part thousands or decimals: write 1_000, 1000 or 1.5",
            Self::Decimals => "an amount has at most nine decimals",
            Self::AmountTooLarge => "an amount is at most 18446744073709551615",
            Self::Fraction => "a capacity or a level is a whole number of tokens",
            Self::Unit => "a period is an optional whole number and a unit (ns, us, ms, s, min, h, d, w)",
            Self::Month => "a month or a year has no fixed length: write days, as in 30d",
            Self::ZeroPeriod => "the period must not be zero",
            Self::PeriodTooLong => {
                "the period, times 10 for each decimal of the amount, is at most 18446744073709551615ns (584 years)"
            }
            Self::AfterRate => "a rate ends with its period",
            Self::LimitWords => {
                "a limit is a rate, then optionally `capacity` or `burst` and an amount, then optionally `empty`, \
                 `full` or `starting with` and an amount, as in 1000/s capacity 50 empty"
            }
            Self::Several => "this is more than one limit: give each stream its own",
            Self::Unlimited => "a limit without a bound is written `unlimited`",
            Self::UnlimitedRate => "`unlimited` is a limit, not a rate",
        }
    }
}

#[cfg(all(test, not(feature = "alloc")))]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn of_a_long_text_the_part_around_the_place_is_kept() {
        let text = std::format!("{}é{}/fortnight and {}", "9".repeat(12), "x".repeat(50), "y".repeat(60));
        let at = text.find("fortnight").unwrap();
        let error = ParseError::new(&text, at..at + 9, Rule::Unit).to_string();
        let lines: std::vec::Vec<&str> = error.lines().collect();
        let column = lines[0].find("fortnight").unwrap();
        assert!(lines[0].starts_with("...") && lines[0].ends_with("..."), "{error}");
        assert!(lines[1].starts_with(&std::format!("{}{} a period", " ".repeat(column), "^".repeat(9))), "{error}");
        let head = ParseError::new(&text, 12..14, Rule::Suffix).to_string();
        assert!(head.starts_with("999999999999é"), "{head}");
    }
}
