//! Owns the rates of floats. It never computes a rate in floats: the digits of the float are read.

use core::fmt::{self, Write};
use core::time::Duration;

use crate::limit::notation::DECIMALS;
use crate::limit::rate::Rate;
use crate::limit::rate_error::RateError;

impl Rate {
    /// Makes a rate of `tokens` every `period`, for a number of tokens that is a float.
    ///
    /// The rate is the shortest decimal that reads back as this float, as `{tokens}` prints it: 0.1
    /// makes exactly one tenth. It is rounded to the nearest of nine decimals, and halves up. A
    /// period longer than 18 seconds has fewer: as many as leave the period times their power of
    /// ten below 584 years.
    ///
    /// | period | decimals |
    /// |---|---|
    /// | up to 18 s | 9 |
    /// | a minute | 8 |
    /// | an hour | 6 |
    /// | a day | 5 |
    ///
    /// # Errors
    ///
    /// | error | for |
    /// |---|---|
    /// | [`RateError::FloatOutOfRange`] | NaN, an infinity, a number below 0, or 2^64 and more |
    /// | [`RateError::FloatTooSmall`] | a number above 0 that rounds to 0 |
    /// | those of [`new`](Self::new) | the period |
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Rate;
    ///
    /// let rate = Rate::try_new_f64(2.5, Duration::from_millis(100))?;
    /// assert_eq!(rate, Rate::per_second(25));
    /// assert!(Rate::try_new_f64(f64::NAN, Duration::from_secs(1)).is_err());
    /// # Ok::<(), tollgate::limit::RateError>(())
    /// ```
    pub fn try_new_f64(tokens: f64, period: Duration) -> Result<Self, RateError> {
        Self::new(0, period)?;
        // Twice 2^63 is the first float that is above every `u64`. NaN is in no range.
        if !(0.0..2.0 * (1_u64 << 63) as f64).contains(&tokens) {
            return Err(RateError::FloatOutOfRange { bits: tokens.to_bits() });
        }
        let nanos = period.as_nanos() as u64;
        let mut places = DECIMALS;
        while nanos.checked_mul(10_u64.pow(places)).is_none() {
            places -= 1;
        }
        let (mantissa, places) = Digits::of(tokens).rounded(places);
        if mantissa == 0 && tokens > 0.0 {
            return Err(RateError::FloatTooSmall { bits: tokens.to_bits(), period });
        }
        Ok(Self::of_decimal(mantissa, places, nanos))
    }

    /// Makes a rate of `tokens` every second; see [`try_new_f64`](Self::try_new_f64).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`try_new_f64`](Self::try_new_f64).
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    ///
    /// let rate = Rate::try_per_second_f64(16.6667)?;
    /// assert_eq!(rate.to_string(), "16.6667/s");
    /// assert_eq!(Limit::from(rate).capacity, 17);
    /// assert!(Rate::try_per_second_f64(-1.0).is_err());
    /// # Ok::<(), tollgate::limit::RateError>(())
    /// ```
    pub fn try_per_second_f64(tokens: f64) -> Result<Self, RateError> {
        Self::try_new_f64(tokens, Duration::from_secs(1))
    }

    /// Makes a rate of `tokens` every minute; see [`try_new_f64`](Self::try_new_f64).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`try_new_f64`](Self::try_new_f64).
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!(Rate::try_per_minute_f64(0.5)?.to_string(), "0.5/min");
    /// # Ok::<(), tollgate::limit::RateError>(())
    /// ```
    pub fn try_per_minute_f64(tokens: f64) -> Result<Self, RateError> {
        Self::try_new_f64(tokens, Duration::from_secs(60))
    }

    /// Makes a rate of `tokens` every hour; see [`try_new_f64`](Self::try_new_f64).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`try_new_f64`](Self::try_new_f64).
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!(Rate::try_per_hour_f64(1.5)?, Rate::new(3, std::time::Duration::from_secs(7200))?);
    /// # Ok::<(), tollgate::limit::RateError>(())
    /// ```
    pub fn try_per_hour_f64(tokens: f64) -> Result<Self, RateError> {
        Self::try_new_f64(tokens, Duration::from_secs(3600))
    }

    /// Makes a rate of `tokens` every day of 24 hours; see [`try_new_f64`](Self::try_new_f64).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`try_new_f64`](Self::try_new_f64).
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::Rate;
    /// assert_eq!(Rate::try_per_day_f64(24.0)?, Rate::per_hour(1));
    /// # Ok::<(), tollgate::limit::RateError>(())
    /// ```
    pub fn try_per_day_f64(tokens: f64) -> Result<Self, RateError> {
        Self::try_new_f64(tokens, Duration::from_secs(24 * 3600))
    }
}

/// The decimal digits of a float below 2^64, as it prints itself: at most 20 before the point, and
/// as many of those after it as matter.
struct Digits {
    before: u64,
    /// Digits after the point, one more than an amount has: the last one rounds.
    after: [u8; Self::KEPT],
    places: usize,
    seen_point: bool,
}

impl Digits {
    const KEPT: usize = DECIMALS as usize + 1;

    fn of(value: f64) -> Self {
        let mut digits = Self { before: 0, after: [0; Self::KEPT], places: 0, seen_point: false };
        // It takes any text. A zero prints without a sign here.
        let _ = write!(digits, "{}", value.abs());
        digits
    }

    /// The number rounded to at most so many decimals, without zeros at the end; and its decimals.
    fn rounded(&self, most: u32) -> (u64, u32) {
        let kept = self.after.iter().take(most as usize);
        let number = kept.fold(u128::from(self.before), |sum, digit| sum * 10 + u128::from(*digit));
        let up = self.after[most as usize] >= 5;
        let (mut number, mut places) = (number + u128::from(up), most);
        while places > 0 && number % 10 == 0 {
            (number, places) = (number / 10, places - 1);
        }
        // A float has 17 digits at most, so one with decimals is far below 2^64.
        (u64::try_from(number).unwrap_or(u64::MAX), places)
    }
}

impl Write for Digits {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            match byte {
                b'.' => self.seen_point = true,
                digit if !self.seen_point => {
                    self.before = self.before.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
                }
                digit if self.places < Self::KEPT => {
                    self.after[self.places] = digit - b'0';
                    self.places += 1;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
