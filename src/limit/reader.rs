//! Owns the reading of rates, limits and amounts from text. It never decides whether a bucket can
//! keep a limit.
//!
//! The text is read as numbers, words and signs; spaces part them and mean nothing else.

use core::ops::Range;

use crate::limit::limit::Limit;
use crate::limit::notation::{DECIMALS, NOUNS, PER_PERIOD, Scale, gcd, unit_nanos};
use crate::limit::parse_error::{ParseError, Rule};
use crate::limit::rate::Rate;

/// A text, and how much of it is read.
pub(crate) struct Reader<'t> {
    text: &'t str,
    at: usize,
}

/// A number, a word, a sign, or nothing at the end.
#[derive(Clone, Copy)]
struct Token<'t> {
    text: &'t str,
    start: usize,
}

impl Token<'_> {
    fn place(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn is_number(self) -> bool {
        self.text.starts_with(is_of_number)
    }

    fn is_word(self) -> bool {
        self.text.starts_with(char::is_alphabetic)
    }
}

fn is_of_number(letter: char) -> bool {
    letter.is_ascii_digit() || letter == '.' || letter == '_'
}

/// `mantissa / decimals` tokens in lowest terms; `decimals` divides 10^9.
struct Amount {
    mantissa: u64,
    decimals: u64,
    scale: Scale,
    place: Range<usize>,
}

impl<'t> Reader<'t> {
    /// Reads a text that is a rate and nothing else.
    pub(crate) fn rate_of(text: &'t str) -> Result<Rate, ParseError> {
        let mut reader = Self { text, at: 0 };
        if reader.peek().text == "unlimited" {
            return Err(reader.fail(Rule::UnlimitedRate));
        }
        let rate = reader.rate()?;
        reader.end(Rule::AfterRate)?;
        Ok(rate)
    }

    /// Reads a text that is a limit and nothing else.
    pub(crate) fn limit_of(text: &'t str) -> Result<Limit, ParseError> {
        let mut reader = Self { text, at: 0 };
        let limit = reader.limit()?;
        reader.end(Rule::LimitWords)?;
        Ok(limit)
    }

    /// Reads a text that is a whole number of tokens and nothing else.
    #[cfg(feature = "serde")]
    pub(crate) fn tokens_of(text: &'t str) -> Result<u64, ParseError> {
        let mut reader = Self { text, at: 0 };
        let tokens = reader.tokens()?;
        reader.end(Rule::Suffix)?;
        Ok(tokens)
    }

    fn limit(&mut self) -> Result<Limit, ParseError> {
        let limit = match self.peek().text {
            "unlimited" => {
                self.skip();
                return self.start(Limit::UNLIMITED);
            }
            "off" | "none" | "infinite" | "infinity" | "inf" | "unbounded" => return Err(self.fail(Rule::Unlimited)),
            _ => Limit::from(self.rate()?),
        };
        let limit = match self.peek().text {
            "capacity" | "burst" => {
                self.skip();
                limit.capacity(self.tokens()?)
            }
            _ => limit,
        };
        self.start(limit)
    }

    /// Reads how much a bucket begins with, if that is said.
    fn start(&mut self, limit: Limit) -> Result<Limit, ParseError> {
        match self.peek().text {
            "full" => {
                self.skip();
                Ok(limit.full())
            }
            "empty" => {
                self.skip();
                Ok(limit.empty())
            }
            "starting" => {
                self.skip();
                if self.peek().text != "with" {
                    return Err(self.fail(Rule::LimitWords));
                }
                self.skip();
                Ok(limit.starting_with(self.tokens()?))
            }
            _ => Ok(limit),
        }
    }

    fn rate(&mut self) -> Result<Rate, ParseError> {
        let Amount { mantissa, decimals, scale, .. } = self.amount()?;
        let token = self.peek();
        let (period, place) = match PER_PERIOD.iter().find(|(word, _)| *word == token.text) {
            Some((_, nanos)) => {
                self.skip();
                (*nanos, token.place())
            }
            None if matches!(token.text, "/" | "per") => {
                self.skip();
                self.period()?
            }
            None => return Err(self.fail(Rule::Period)),
        };
        // A fraction of a token in a period is whole tokens in a longer one.
        match period.checked_mul(decimals) {
            Some(longer) => Ok(Rate::written(mantissa, longer, decimals as u32, scale)),
            None => Err(ParseError::new(self.text, place, Rule::PeriodTooLong)),
        }
    }

    /// Reads a period. Returns its nanoseconds and its place.
    fn period(&mut self) -> Result<(u64, Range<usize>), ParseError> {
        let first = self.peek();
        let mut count = Some(1);
        if first.is_number() {
            if first.text.contains('.') || !is_spaced_well(first.text) {
                return Err(self.fail(Rule::Unit));
            }
            // `None` for a number that is too large.
            count = digits(first.text).try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(digit));
            self.skip();
        }
        let unit = self.peek();
        let place = first.start..unit.place().end;
        let Some(nanos) = unit_nanos(unit.text) else {
            return Err(self.fail(match unit.text {
                "month" | "months" | "mo" | "year" | "years" | "y" => Rule::Month,
                _ => Rule::Unit,
            }));
        };
        self.skip();
        match count.and_then(|count| nanos.checked_mul(count)) {
            Some(0) => Err(ParseError::new(self.text, place, Rule::ZeroPeriod)),
            Some(nanos) => Ok((nanos, place)),
            None => Err(ParseError::new(self.text, place, Rule::PeriodTooLong)),
        }
    }

    /// Reads a whole number of tokens.
    fn tokens(&mut self) -> Result<u64, ParseError> {
        let Amount { mantissa, decimals, place, .. } = self.amount()?;
        if decimals > 1 {
            return Err(ParseError::new(self.text, place, Rule::Fraction));
        }
        Ok(mantissa)
    }

    /// Reads a number with a suffix and a noun, if they are there.
    fn amount(&mut self) -> Result<Amount, ParseError> {
        let number = self.peek();
        if !number.is_number() {
            return Err(self.fail(Rule::Amount));
        }
        self.skip();
        if self.text[self.at..].starts_with(',') && self.text[self.at + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            return Err(self.fail(Rule::Comma));
        }
        let mut place = number.place();
        let mut scale = Scale::PLAIN;
        let mut word = self.peek();
        if let Some(known) = Scale::of_suffix(word.text).filter(|_| word.is_word()) {
            (scale, place.end) = (known, word.place().end);
            self.skip();
            word = self.peek();
        }
        if NOUNS.contains(&word.text) {
            if scale.is_of_bytes() && !word.text.starts_with("byte") {
                return Err(self.fail(Rule::BytesOfOthers));
            }
            self.skip();
            word = self.peek();
        }
        if word.is_word() && !follows_amount(word.text) {
            return Err(self.fail(match word.text {
                "m" => Rule::Milli,
                _ if is_bits(word.text) => Rule::Bits,
                _ => Rule::Suffix,
            }));
        }
        let (mantissa, decimals) =
            amount_of(number.text, scale).map_err(|rule| ParseError::new(self.text, place.clone(), rule))?;
        Ok(Amount { mantissa, decimals, scale, place })
    }

    /// That nothing follows.
    fn end(&self, rule: Rule) -> Result<(), ParseError> {
        match self.peek().text {
            "" => Ok(()),
            "," | ";" => Err(self.fail(Rule::Several)),
            _ => Err(self.fail(rule)),
        }
    }

    /// The error for what is to be read next.
    fn fail(&self, rule: Rule) -> ParseError {
        ParseError::new(self.text, self.peek().place(), rule)
    }

    fn skip(&mut self) {
        self.at = self.peek().place().end;
    }

    fn peek(&self) -> Token<'t> {
        let rest = self.text[self.at..].trim_start();
        let same = |known: fn(char) -> bool| rest.find(|letter| !known(letter)).unwrap_or(rest.len());
        let len = match rest.chars().next() {
            None => return Token { text: "", start: self.text.trim_end().len().max(self.at) },
            Some(first) if is_of_number(first) => same(is_of_number),
            Some(first) if first.is_alphabetic() => same(char::is_alphabetic),
            Some(sign) => sign.len_utf8(),
        };
        Token { text: &rest[..len], start: self.text.len() - rest.len() }
    }
}

/// What may stand after an amount and is no part of it.
fn follows_amount(word: &str) -> bool {
    matches!(word, "per" | "full" | "empty" | "starting" | "capacity" | "burst")
        || PER_PERIOD.iter().any(|(known, _)| *known == word)
}

/// Whether a word is one of those for bits, or may be.
fn is_bits(word: &str) -> bool {
    let unit = word.trim_start_matches(['k', 'K', 'm', 'M', 'g', 'G', 't', 'T']).trim_start_matches('i');
    matches!(unit, "b" | "bit" | "bits" | "bps")
}

/// Whether each `_` stands between two digits.
fn is_spaced_well(number: &str) -> bool {
    number.split('.').all(|part| part.split('_').all(|digits| !digits.is_empty()))
}

fn digits(number: &str) -> impl Iterator<Item = u64> {
    number.bytes().filter(u8::is_ascii_digit).map(|digit| u64::from(digit - b'0'))
}

/// The value of a number with a suffix, as a fraction in lowest terms.
fn amount_of(number: &str, scale: Scale) -> Result<(u64, u64), Rule> {
    let (_, fraction) = number.split_once('.').unwrap_or((number, ""));
    if !is_spaced_well(number) || fraction.contains('.') {
        return Err(Rule::Amount);
    }
    let places = digits(fraction).count() as u32;
    if places > DECIMALS {
        return Err(Rule::Decimals);
    }
    let larger = |sum: u128, digit| sum.checked_mul(10)?.checked_add(u128::from(digit));
    let mantissa = digits(number).try_fold(0_u128, larger).ok_or(Rule::AmountTooLarge)?;
    let decimals = 10_u64.pow(places);
    let scaled = mantissa.checked_mul(u128::from(scale.factor())).ok_or(Rule::AmountTooLarge)?;
    let common = gcd((scaled % u128::from(decimals)) as u64, decimals);
    let mantissa = u64::try_from(scaled / u128::from(common)).map_err(|_| Rule::AmountTooLarge)?;
    Ok((mantissa, decimals / common))
}
