//! Owns the rate: tokens per period, as configured. It never rounds.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;
use core::time::Duration;

use crate::limit::notation::{self, ParseError, Scale};

/// How fast tokens accrue: whole tokens per whole nanoseconds, kept exactly.
///
/// A rate of 0 tokens is legal: no token ever accrues. Two rates are equal if they are one number:
/// `60/min` equals `1/s`.
///
/// As text, a rate is `AMOUNT/PERIOD`.
///
/// | part | form |
/// |---|---|
/// | amount | a decimal number of at most nine decimals, with an optional suffix |
/// | suffix | `k M G T` (powers of 1000) or `Ki Mi Gi Ti` (powers of 1024), each with or without `B` |
/// | period | an optional whole number and a unit: `ns`, `us`, `ms`, `s`, `min`, `h`, `d` |
///
/// ```
/// use std::time::Duration;
/// use tollgate::Rate;
///
/// let rate: Rate = "1MiB/s".parse()?;
/// assert_eq!(rate, Rate::per_second(1_048_576));
/// assert_eq!(rate.to_string(), "1MiB/s");
/// assert_eq!("5/min".parse::<Rate>()?, Rate::per_minute(5));
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
        Ok(Self { tokens, period: nanos as u64, scale: Scale::PLAIN })
    }

    /// Makes a rate of `tokens` every second.
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!(Rate::per_second(1000).to_string(), "1000/s");
    /// ```
    pub const fn per_second(tokens: u64) -> Self {
        Self { tokens, period: SECOND, scale: Scale::PLAIN }
    }

    /// Makes a rate of `tokens` every minute.
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!(Rate::per_minute(60), Rate::per_second(1));
    /// ```
    pub const fn per_minute(tokens: u64) -> Self {
        Self { tokens, period: 60 * SECOND, scale: Scale::PLAIN }
    }

    /// Makes a rate of `tokens` every hour.
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!(Rate::per_hour(60), Rate::per_minute(1));
    /// ```
    pub const fn per_hour(tokens: u64) -> Self {
        Self { tokens, period: 3600 * SECOND, scale: Scale::PLAIN }
    }

    /// Makes a rate of `tokens` every day of 24 hours.
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!(Rate::per_day(24), Rate::per_hour(1));
    /// ```
    pub const fn per_day(tokens: u64) -> Self {
        Self { tokens, period: 24 * 3600 * SECOND, scale: Scale::PLAIN }
    }

    /// Returns the tokens of one [`period`](Self::period), as configured.
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!("250/100ms".parse::<Rate>()?.tokens(), 250);
    /// # Ok::<(), tollgate::limit::ParseError>(())
    /// ```
    pub const fn tokens(self) -> u64 {
        self.tokens
    }

    /// Returns the period, as configured.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Rate;
    /// assert_eq!("250/100ms".parse::<Rate>()?.period(), Duration::from_millis(100));
    /// # Ok::<(), tollgate::limit::ParseError>(())
    /// ```
    pub const fn period(self) -> Duration {
        Duration::from_nanos(self.period)
    }

    pub(crate) const fn written(tokens: u64, period: u64, scale: Scale) -> Self {
        Self { tokens, period, scale }
    }

    /// Returns a rate of `tokens` in this rate's period.
    pub(crate) const fn with_tokens(self, tokens: u64) -> Self {
        Self { tokens, ..self }
    }

    /// Makes a rate of `tokens` in `period` nanoseconds, at least 1.
    pub(crate) const fn of_nanos(tokens: u64, period: u64) -> Self {
        Self { tokens, period, scale: Scale::PLAIN }
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
        notation::write_amount(f, self.tokens, self.scale)?;
        f.write_str("/")?;
        notation::write_period(f, self.period)
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
        notation::parse_rate(text)
    }
}

/// Why [`Rate::new`] refused a period.
///
/// ```
/// use std::time::Duration;
/// use tollgate::Rate;
///
/// let error = Rate::new(60, Duration::ZERO).unwrap_err();
/// assert_eq!(error.to_string(), "60 tokens per 0ns: the period must not be zero");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateError {
    /// The period is zero.
    ZeroPeriod {
        /// The requested tokens.
        tokens: u64,
    },
    /// The period is longer than `u64::MAX` nanoseconds.
    PeriodTooLong {
        /// The requested period.
        period: Duration,
    },
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroPeriod { tokens } => write!(f, "{tokens} tokens per 0ns: the period must not be zero"),
            Self::PeriodTooLong { period } => {
                write!(f, "period {period:?}: the longest period is {}ns (584 years)", u64::MAX)
            }
        }
    }
}

impl core::error::Error for RateError {}

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
