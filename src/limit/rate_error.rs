//! Owns the error for numbers that are no rate. It never checks them.

use core::fmt;
use core::time::Duration;

/// Why [`Rate::new`](crate::Rate::new) refused a period, or
/// [`Rate::try_new_f64`](crate::Rate::try_new_f64) a float.
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
    /// The tokens are NaN, infinite, below 0, or 2^64 and more.
    FloatOutOfRange {
        /// The float, as [`f64::to_bits`] has it.
        bits: u64,
    },
    /// The tokens are above 0, and round to 0.
    FloatTooSmall {
        /// The float, as [`f64::to_bits`] has it.
        bits: u64,
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
            Self::FloatOutOfRange { bits } => {
                write!(f, "{:?} tokens: a number of tokens is from 0 to {}", f64::from_bits(*bits), u64::MAX)
            }
            Self::FloatTooSmall { bits, period } => {
                let tokens = f64::from_bits(*bits);
                write!(f, "{tokens:?} tokens per {period:?}: it rounds to 0")
            }
        }
    }
}

impl core::error::Error for RateError {}
