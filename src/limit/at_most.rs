//! Owns the limit that keeps a number in every window. It never holds state.

use core::fmt;
use core::time::Duration;

use crate::limit::limit::Limit;
use crate::limit::limit_error::LimitError;
use crate::limit::rate::Rate;
use crate::limit::rate_error::RateError;

impl Limit {
    /// Describes a bucket that grants at most `n` tokens in any window of length `per`, and at most
    /// `burst` at once.
    ///
    /// The other `n - burst` refill evenly over the window: the capacity is `burst`, and the rate
    /// is `n - burst` every `per`. So a bucket in steady use grants `n - burst` every `per`, and a
    /// smaller burst means more of those. Use it where another party counts windows, wherever they
    /// begin, and refuses more than `n`.
    ///
    /// | `at_most(100, minute, burst)` | at once | in any minute | in the long run |
    /// |---|---|---|---|
    /// | burst 1 | 1 | 100 | 99 a minute |
    /// | burst 10 | 10 | 100 | 90 a minute |
    /// | burst 50 | 50 | 100 | 50 a minute |
    ///
    /// By [the bound](crate#the-bound), `burst + rate * (per + e)` is less than `n + 1`, and tokens
    /// are whole. Where a precision `e` could add a whole token, the rate counts in `per + e`.
    /// Tokens that are put back and the grace of those who wait add to the bound as ever.
    ///
    /// # Errors
    ///
    /// | error | for |
    /// |---|---|
    /// | [`AtMostError::ZeroBurst`] | a burst of 0 |
    /// | [`AtMostError::BurstTooLarge`] | a burst of `n` or more: nothing would be left to refill |
    /// | [`AtMostError::Period`] | a `per` that no rate has |
    /// | [`AtMostError::Limit`] | a limit that no bucket can keep |
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Limit;
    /// use tollgate::limit::AtMostError;
    ///
    /// let minute = Duration::from_secs(60);
    /// let limit = Limit::at_most(100, minute, 10)?;
    /// assert_eq!(limit, Limit::per_minute(90).capacity(10));
    /// let error = AtMostError::BurstTooLarge { n: 100, burst: 100 };
    /// assert_eq!(Limit::at_most(100, minute, 100), Err(error));
    /// # Ok::<(), AtMostError>(())
    /// ```
    pub const fn at_most(n: u64, per: Duration, burst: u64) -> Result<Self, AtMostError> {
        if burst == 0 {
            return Err(AtMostError::ZeroBurst);
        }
        if burst >= n {
            return Err(AtMostError::BurstTooLarge { n, burst });
        }
        let (rest, mut longer) = (n - burst, per);
        loop {
            let rate = match Rate::new(rest, longer) {
                Ok(rate) => rate,
                Err(error) => return Err(AtMostError::Period(error)),
            };
            let limit = Self::new(rate, burst);
            let precision = match limit.precision() {
                Ok(precision) => precision,
                Err(error) => return Err(AtMostError::Limit(error)),
            };
            // rest * (per + e) / longer < rest + 1: less than a token refills beyond `rest`.
            let beyond = (per.as_nanos() + precision.as_nanos()).saturating_sub(longer.as_nanos());
            if rest as u128 * beyond < longer.as_nanos() {
                return Ok(limit);
            }
            // The precision is at most a microsecond, so this ends.
            longer = per.saturating_add(precision);
        }
    }
}

/// Why [`Limit::at_most`] made no limit.
///
/// ```
/// use std::time::Duration;
/// use tollgate::Limit;
///
/// let error = Limit::at_most(5, Duration::from_secs(1), 7).unwrap_err();
/// let rule = "a burst is less than what is granted in a window, as the rest refills";
/// assert_eq!(error.to_string(), format!("at most 5, burst 7: {rule}"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtMostError {
    /// The burst is 0.
    ZeroBurst,
    /// The burst is not less than `n`.
    BurstTooLarge {
        /// The most tokens of a window.
        n: u64,
        /// The requested burst.
        burst: u64,
    },
    /// No rate has this period.
    Period(RateError),
    /// No bucket can keep the limit.
    Limit(LimitError),
}

impl fmt::Display for AtMostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroBurst => f.write_str("burst 0: a burst is at least 1 token"),
            Self::BurstTooLarge { n, burst } => {
                let rule = "a burst is less than what is granted in a window, as the rest refills";
                write!(f, "at most {n}, burst {burst}: {rule}")
            }
            Self::Period(error) => error.fmt(f),
            Self::Limit(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for AtMostError {}
