//! Owns the fixed-point number for fill levels and for factors on a rate. It never computes in
//! floats.

use core::fmt;

use crate::limit::rate::Rate;

/// A number from 0 to a million in steps of 10⁻¹².
///
/// It says how full a bucket is, or is a factor on a rate.
///
/// Decimal fractions of up to twelve places are exact, so a factor of 0.9 is nine tenths.
/// Arithmetic rounds to the nearest step and saturates at [`MAX`](Self::MAX).
///
/// ```
/// use tollgate::Rate;
/// use tollgate::limit::Ratio;
///
/// assert_eq!(Ratio::percent(90).times(Ratio::percent(50)), Ratio::from_f64(0.45));
/// assert_eq!(
///     Ratio::of(1, 3).map(|third| third.to_string()),
///     Some("0.333333333333".into())
/// );
/// assert_eq!(Rate::per_second(1000).scaled(Ratio::percent(90)), Rate::per_second(900));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ratio(u64);

/// The steps of 1.
const ONE: u64 = 1_000_000_000_000;

impl Ratio {
    /// Nothing.
    ///
    /// ```
    /// use tollgate::Rate;
    /// use tollgate::limit::Ratio;
    /// assert_eq!(Rate::per_second(7).scaled(Ratio::ZERO), Rate::per_second(0));
    /// ```
    pub const ZERO: Self = Self(0);

    /// The whole.
    ///
    /// ```
    /// assert_eq!(tollgate::limit::Ratio::ONE, tollgate::limit::Ratio::percent(100));
    /// ```
    pub const ONE: Self = Self(ONE);

    /// The largest ratio: a million.
    ///
    /// ```
    /// use tollgate::limit::Ratio;
    /// assert_eq!(Ratio::MAX.times(Ratio::percent(200)), Ratio::MAX);
    /// ```
    pub const MAX: Self = Self(1_000_000 * ONE);

    /// Makes a ratio of `hundredths` percent.
    ///
    /// ```
    /// use tollgate::limit::Ratio;
    /// assert_eq!(Ratio::percent(85).to_string(), "0.85");
    /// ```
    pub const fn percent(hundredths: u32) -> Self {
        Self::saturating(hundredths as u128 * (ONE / 100) as u128)
    }

    /// Returns `num / den`, rounded to the nearest step; `None` for a `den` of 0.
    ///
    /// ```
    /// use tollgate::limit::Ratio;
    /// assert_eq!(Ratio::of(1, 8), Some(Ratio::from_f64(0.125)));
    /// assert_eq!(Ratio::of(1, 0), None);
    /// ```
    pub const fn of(num: u64, den: u64) -> Option<Self> {
        if den == 0 {
            return None;
        }
        Some(Self::saturating((num as u128 * ONE as u128 + den as u128 / 2) / den as u128))
    }

    /// Converts a float, rounded to the nearest step.
    ///
    /// A value below 0, or NaN, becomes 0. A value above [`MAX`](Self::MAX) becomes `MAX`.
    ///
    /// ```
    /// use tollgate::limit::Ratio;
    /// assert_eq!(Ratio::from_f64(0.73), Ratio::percent(73));
    /// assert_eq!([-1.0, f64::NAN].map(Ratio::from_f64), [Ratio::ZERO; 2]);
    /// assert_eq!(Ratio::from_f64(f64::INFINITY), Ratio::MAX);
    /// ```
    pub fn from_f64(value: f64) -> Self {
        Self::saturating((value * ONE as f64 + 0.5) as u128)
    }

    /// Returns the nearest float.
    ///
    /// ```
    /// assert_eq!(tollgate::limit::Ratio::percent(73).to_f64(), 0.73);
    /// ```
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / ONE as f64
    }

    /// Returns the product, rounded to the nearest step.
    ///
    /// ```
    /// use tollgate::limit::Ratio;
    /// assert_eq!(Ratio::percent(70).times(Ratio::percent(140)), Ratio::percent(98));
    /// ```
    #[must_use]
    pub const fn times(self, other: Self) -> Self {
        Self::saturating((self.0 as u128 * other.0 as u128 + ONE as u128 / 2) / ONE as u128)
    }

    /// Returns the sum.
    ///
    /// ```
    /// use tollgate::limit::Ratio;
    /// assert_eq!(Ratio::percent(70).plus(Ratio::percent(40)), Ratio::percent(110));
    /// ```
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self::saturating(self.0 as u128 + other.0 as u128)
    }

    /// Returns `part / whole`, rounded up; 0 for a `whole` of 0.
    pub(crate) const fn rounded_up(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self::ZERO;
        }
        Self::saturating((part as u128 * ONE as u128).div_ceil(whole as u128))
    }

    /// Clamps to at least `least` and at most `most`. If `most` is less than `least`, returns
    /// `most`.
    pub(crate) fn within(self, (least, most): (Self, Self)) -> Self {
        self.max(least).min(most)
    }

    /// Returns the number of steps.
    pub(crate) const fn steps(self) -> u64 {
        self.0
    }

    /// Makes a ratio of `steps` steps, at most [`MAX`](Self::MAX).
    pub(crate) const fn saturating(steps: u128) -> Self {
        if steps > Self::MAX.0 as u128 { Self::MAX } else { Self(steps as u64) }
    }
}

impl Rate {
    /// Multiplies this rate by `factor`, rounding down.
    ///
    /// The result never exceeds the product, and never decreases as the factor grows. Where the
    /// amount has at most nine decimals, the result keeps the period as written.
    ///
    /// | product | result |
    /// |---|---|
    /// | terms fit in 64 bits, reduced | exact |
    /// | under one token in 584 years | 0 |
    /// | any other | less by under one part in 10¹⁸ |
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Rate;
    /// use tollgate::limit::Ratio;
    ///
    /// let rate = Rate::per_second(7);
    /// assert_eq!(rate.scaled(Ratio::percent(81)), Rate::new(567, Duration::from_secs(100))?);
    /// assert_eq!(
    ///     "1MiB/s".parse::<Rate>()?.scaled(Ratio::percent(50)).to_string(),
    ///     "512KiB/s"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn scaled(self, factor: Ratio) -> Self {
        // Below 2^124 and 2^70.
        let (num, den) =
            (u128::from(self.tokens()) * u128::from(factor.0), u128::from(self.periods()) * u128::from(ONE));
        let common = gcd_wide(num, den);
        if let (Ok(tokens), Ok(periods)) = (u64::try_from(num / common), u64::try_from(den / common)) {
            if let Some(rate) = self.rewritten(tokens, periods) {
                return rate;
            }
        }
        let (tokens, period) = self.reduced();
        // Below 2^124 and 2^104.
        let (tokens, period) =
            best_below(u128::from(tokens) * u128::from(factor.0), u128::from(period) * u128::from(ONE));
        Self::of_nanos(tokens, period)
    }
}

/// Returns the greatest common divisor, for a `b` above 0.
const fn gcd_wide(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Returns the largest fraction up to `num / den` whose terms fit in 64 bits.
///
/// Its denominator is at least 1.
///
/// The convergents of the continued fraction lie below and above the value in turn. Each is
/// `quotient` times the last one plus the one before it. When the next one no longer fits, the
/// largest part of it that fits still lies on its side. No fraction that fits lies between the two
/// that remain (Khinchin, Continued Fractions, §6).
fn best_below(mut num: u128, mut den: u128) -> (u64, u64) {
    let (mut below, mut above) = ((0_u64, 1_u64), (1_u64, 0_u64));
    loop {
        // From below towards the value, and then from above.
        let (quotient, rest) = (num / den, num % den);
        let (next, whole) = step(below, above, quotient);
        below = next;
        if !whole || rest == 0 {
            return below;
        }
        (num, den) = (den, rest);
        let (quotient, rest) = (num / den, num % den);
        let (next, whole) = step(above, below, quotient);
        above = next;
        if !whole {
            return below;
        }
        if rest == 0 {
            return above;
        }
        (num, den) = (den, rest);
    }
}

/// Moves `from` towards `to` by `quotient` steps, or as many as fit. Says whether all did.
fn step(from: (u64, u64), to: (u64, u64), quotient: u128) -> ((u64, u64), bool) {
    let fit = |from: u64, to: u64| (u64::MAX - from).checked_div(to).map_or(u128::MAX, u128::from);
    let steps = quotient.min(fit(from.0, to.0)).min(fit(from.1, to.1));
    // A term that grows bounds the steps to 64 bits; a term that does not grow is multiplied by 0.
    let moved = |from: u64, to: u64| from + to.wrapping_mul(steps as u64);
    ((moved(from.0, to.0), moved(from.1, to.1)), steps == quotient)
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut part, mut places) = (self.0 / ONE, self.0 % ONE, 12);
        if part == 0 {
            return write!(f, "{whole}");
        }
        while part % 10 == 0 {
            (part, places) = (part / 10, places - 1);
        }
        write!(f, "{whole}.{part:0places$}")
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ratio({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_exact() {
        for (num, den, lowest) in [(0, 5, (0, 1)), (6, 4, (3, 2)), (7_000_000, 1, (7_000_000, 1)), (10, 30, (1, 3))] {
            assert_eq!(best_below(num, den), lowest);
        }
    }

    #[test]
    fn what_does_not_fit_is_a_hair_below() {
        let most = u128::from(u64::MAX);
        for (num, den) in [
            (most * 1_000_003, (most - 2) * 1_000_000),
            (7 * 861_123_456_789, 1_000_000_000 * 1_000_000_000_000),
            (123_456_789_012, most * 1_000_000),
            ((1 << 124) - 1, (1 << 104) - 3),
            (most << 50, 999_999_999_999),
        ] {
            let (tokens, period) = best_below(num, den);
            let (tokens, period) = (u128::from(tokens), u128::from(period));
            assert!(tokens <= most && (1..=most).contains(&period));
            // num/den - tokens/period, relative to num/den, in floats where they are exact enough.
            // It is never above the value, and within 2^-52.
            let (value, found) = (num as f64 / den as f64, tokens as f64 / period as f64);
            assert!(
                found <= value * (1.0 + 1e-15) && (found >= value * (1.0 - 1e-15) || found == most as f64),
                "{num}/{den}"
            );
        }
        // A third of 10^-24 less than a half. The nearest fraction lies above the value; the result
        // must not.
        let (num, den) = (1_500_000_000_000_000_000_000_000 - 1, 3_000_000_000_000_000_000_000_000);
        let (tokens, period) = best_below(num, den);
        assert!(u128::from(tokens) * 2 < u128::from(period) && u128::from(period) - 2 * u128::from(tokens) == 1);
    }

    #[test]
    fn the_nearest_step_is_taken() {
        assert_eq!(Ratio::of(2, 3).map(Ratio::steps), Some(666_666_666_667));
        assert_eq!(Ratio(1).times(Ratio(ONE / 2)), Ratio(1));
        assert_eq!(Ratio(1).times(Ratio(ONE / 2 - 1)), Ratio(0));
        assert_eq!(Ratio::rounded_up(1, 3).steps(), 333_333_333_334);
        assert_eq!(
            [Ratio(1), Ratio(ONE + 10), Ratio::MAX].map(|ratio| std::format!("{ratio}")),
            ["0.000000000001", "1.00000000001", "1000000"]
        );
    }
}
