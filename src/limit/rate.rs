//! Owns the rate: tokens per period, as configured. It never rounds.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;
use core::time::Duration;

use crate::limit::notation::{self, Scale};
use crate::limit::parse_error::ParseError;
use crate::limit::rate_error::RateError;
use crate::limit::reader::Reader;

/// How fast tokens accrue: whole tokens per whole nanoseconds, kept exactly.
///
/// A rate of 0 tokens is legal: no token ever accrues. Two rates are equal if they are one number:
/// `60/min` equals `1/s`. A rate remembers how it was written, for `Display` and for the capacity
/// of a [`Limit`](crate::Limit) that does not say one.
///
/// As text, a rate is an amount and a period. Spaces may stand between all parts.
///
/// | part | form |
/// |---|---|
/// | amount | a decimal number, then optionally a suffix, then optionally a noun |
/// | number | digits, `_` between digits, at most nine decimals |
/// | suffix | `k M G T` (powers of 1000; `K` is `k`) or `Ki Mi Gi Ti` (powers of 1024), each with or without `B`; or `B` alone |
/// | noun | `r req reqs request requests token tokens byte bytes`; it changes nothing |
/// | between | `/` or `per` |
/// | period | an optional whole number and a unit |
/// | unit | `ns`, `us`, `µs`, `ms`, `s sec second`, `min m minute`, `h hr hour`, `d day` (24 hours), `w week` (7 days), or the plural |
/// | or all in one | an amount and `rps`, `rpm` or `rph`: requests per second, minute or hour |
///
/// What may mean two things is refused, with the reason: `10m/s` (milli, mega, minutes), `1,000/s`
/// (thousands, decimals), `8Mb/s` (bits), `5/month`, and an amount without a period.
///
/// ```
/// use std::time::Duration;
/// use tollgate::Rate;
///
/// let rate: Rate = "1MiB/s".parse()?;
/// assert_eq!(rate, Rate::per_second(1_048_576));
/// assert_eq!(rate.to_string(), "1MiB/s");
/// assert_eq!("5/min".parse::<Rate>()?, Rate::per_minute(5));
/// assert_eq!("100 per hour".parse::<Rate>()?, Rate::per_hour(100));
/// assert_eq!("1_000 rps".parse::<Rate>()?, Rate::per_second(1000));
/// assert_eq!("1/3s".parse::<Rate>()?, Rate::new(1, Duration::from_secs(3))?);
/// assert_eq!("250/100ms".parse::<Rate>()?, Rate::per_second(2500));
/// assert_eq!("999.9/s".parse::<Rate>()?, Rate::new(9999, Duration::from_secs(10))?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Rate {
    tokens: u64,
    /// Nanoseconds; never 0.
    period: u64,
    /// How many written periods make the period. It divides the period, and 10^9.
    periods: u32,
    /// The suffix of the amount, for display; no part of the value.
    scale: Scale,
}

const SECOND: u64 = 1_000_000_000;

impl Rate {
    /// Makes a rate of `tokens` every `period`.
    ///
    /// # Errors
    ///
    /// Returns [`RateError::ZeroPeriod`] for a period of zero. Returns [`RateError::PeriodTooLong`]
    /// for a period of more than `u64::MAX` nanoseconds (584 years).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Rate;
    /// use tollgate::limit::RateError;
    ///
    /// assert_eq!(Rate::new(60, Duration::from_secs(60))?, Rate::per_second(1));
    /// assert_eq!(Rate::new(60, Duration::ZERO), Err(RateError::ZeroPeriod { tokens: 60 }));
    /// let error = RateError::PeriodTooLong { period: Duration::MAX };
    /// assert_eq!(Rate::new(1, Duration::MAX), Err(error));
    /// # Ok::<(), RateError>(())
    /// ```
    pub const fn new(tokens: u64, period: Duration) -> Result<Self, RateError> {
        let nanos = period.as_nanos();
        if nanos == 0 {
            return Err(RateError::ZeroPeriod { tokens });
        }
        if nanos > u64::MAX as u128 {
            return Err(RateError::PeriodTooLong { period });
        }
        Ok(Self::of_nanos(tokens, nanos as u64))
    }

    /// Makes a rate of `tokens` every second.
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!(Rate::per_second(1000).to_string(), "1000/s");
    /// ```
    pub const fn per_second(tokens: u64) -> Self {
        Self::of_nanos(tokens, SECOND)
    }

    /// Makes a rate of `tokens` every minute.
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!(Rate::per_minute(60), Rate::per_second(1));
    /// ```
    pub const fn per_minute(tokens: u64) -> Self {
        Self::of_nanos(tokens, 60 * SECOND)
    }

    /// Makes a rate of `tokens` every hour.
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!(Rate::per_hour(60), Rate::per_minute(1));
    /// ```
    pub const fn per_hour(tokens: u64) -> Self {
        Self::of_nanos(tokens, 3600 * SECOND)
    }

    /// Makes a rate of `tokens` every day of 24 hours.
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!(Rate::per_day(24), Rate::per_hour(1));
    /// ```
    pub const fn per_day(tokens: u64) -> Self {
        Self::of_nanos(tokens, 24 * 3600 * SECOND)
    }

    /// Returns the whole tokens of one [`period`](Self::period).
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!("250/100ms".parse::<Rate>()?.tokens(), 250);
    /// assert_eq!("16.6667/s".parse::<Rate>()?.tokens(), 166_667);
    /// # Ok::<(), tollgate::limit::ParseError>(())
    /// ```
    pub const fn tokens(self) -> u64 {
        self.tokens
    }

    /// Returns the period, as configured; if the amount had decimals, the shortest multiple of it
    /// that has whole tokens.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Rate;
    /// assert_eq!("250/100ms".parse::<Rate>()?.period(), Duration::from_millis(100));
    /// assert_eq!("16.6667/s".parse::<Rate>()?.period(), Duration::from_secs(10_000));
    /// # Ok::<(), tollgate::limit::ParseError>(())
    /// ```
    pub const fn period(self) -> Duration {
        Duration::from_nanos(self.period)
    }

    /// Makes a rate of `tokens` in `period` nanoseconds, which are so many written periods.
    pub(crate) const fn written(tokens: u64, period: u64, periods: u32, scale: Scale) -> Self {
        Self { tokens, period, periods, scale }
    }

    /// Returns a rate of `tokens / periods` in this rate's written period, in lowest terms; `None`
    /// if it cannot be written so.
    pub(crate) fn rewritten(self, tokens: u64, periods: u64) -> Option<Self> {
        if 1_000_000_000 % periods != 0 {
            return None;
        }
        Some(Self { tokens, period: self.written_period().checked_mul(periods)?, periods: periods as u32, ..self })
    }

    /// Makes a rate of `mantissa / 10^places` tokens in `period` nanoseconds.
    ///
    /// The fraction is in lowest terms of tens, and the period times 10^places below 2^64.
    pub(crate) const fn of_decimal(mantissa: u64, places: u32, period: u64) -> Self {
        let decimals = 10_u64.pow(places);
        let common = notation::gcd(mantissa, decimals);
        let periods = decimals / common;
        Self::written(mantissa / common, period * periods, periods as u32, Scale::PLAIN)
    }

    /// Makes a rate of `tokens` in `period` nanoseconds, at least 1.
    pub(crate) const fn of_nanos(tokens: u64, period: u64) -> Self {
        Self { tokens, period, periods: 1, scale: Scale::PLAIN }
    }

    /// Returns the tokens of one written period, rounded up.
    pub(crate) const fn burst(self) -> u64 {
        self.tokens.div_ceil(self.periods as u64)
    }

    /// Returns the nanoseconds of one written period.
    const fn written_period(self) -> u64 {
        self.period / self.periods as u64
    }

    pub(crate) const fn periods(self) -> u32 {
        self.periods
    }

    pub(crate) const fn scale(self) -> Scale {
        self.scale
    }

    /// Returns tokens per nanosecond in lowest terms; `(0, 1)` for a rate of 0.
    pub(crate) const fn reduced(self) -> (u64, u64) {
        let common = notation::gcd(self.tokens, self.period);
        (self.tokens / common, self.period / common)
    }
}

impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.reduced() == other.reduced()
    }
}

impl Eq for Rate {}

impl Hash for Rate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.reduced().hash(state);
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        notation::write_amount(f, self.tokens, self.periods.into(), self.scale)?;
        f.write_str("/")?;
        notation::write_period(f, self.written_period())
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rate({self})")
    }
}

impl FromStr for Rate {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Reader::rate_of(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduces_to_lowest_terms() {
        assert_eq!(Rate::per_second(1000).reduced(), (1, 1_000_000));
        assert_eq!(Rate::per_second(7).reduced(), (7, 1_000_000_000));
        assert_eq!(Rate::per_second(125_000_000).reduced(), (1, 8));
        assert_eq!(Rate::per_second(0).reduced(), (0, 1));
        assert_eq!(Rate::per_day(0), Rate::per_second(0));
    }
}
