//! Owns the arithmetic of one stream: its rate in lowest terms, its units, its times. Never a
//! level.

use std::time::Duration;

use tollgate::{Limit, Rate};

/// What stands for "never" in the engine's microseconds: 2^53 - 1.
pub(crate) const FOREVER: u64 = (1 << 53) - 1;

/// Accrual that a reservation may go ahead by, unless set: 100 ms.
const AHEAD_MICROS: u128 = 100_000;

/// One stream's limit: `num / den` tokens a microsecond. A token is `den` units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    /// Below 2^74.
    pub(crate) num: u128,
    pub(crate) den: u64,
    /// In tokens, as `debt`.
    pub(crate) capacity: u64,
    /// How far reservations go below zero. 0 where nothing accrues.
    pub(crate) debt: u64,
}

impl Line {
    /// Counts a limit. `debt` of `None` is 100 ms of accrual, and at least one token.
    pub(crate) fn of(limit: Limit, debt: Option<u64>) -> Self {
        let (tokens, period) = (u128::from(limit.rate.tokens()) * 1000, limit.rate.period().as_nanos());
        let common = gcd(tokens, period);
        let (num, den) = (tokens / common, u64::try_from(period / common).expect("a period is below 2^64 ns"));
        let usual = (num * AHEAD_MICROS).div_ceil(u128::from(den)).clamp(1, 1 << 61) as u64;
        let debt = if num == 0 { 0 } else { debt.unwrap_or(usual) };
        Self { num, den, capacity: limit.capacity, debt }
    }

    /// The limit that it counts, in tokens a second, minute, hour or day if they are whole.
    pub(crate) fn limit(&self) -> Option<Limit> {
        let usual = [1, 60, 3600, 24 * 3600].into_iter().find_map(|seconds| {
            let tokens = self.num.checked_mul(u128::from(seconds) * 1_000_000)?;
            let whole =
                u64::try_from(tokens / u128::from(self.den)).ok().filter(|_| tokens % u128::from(self.den) == 0)?;
            Rate::new(whole, Duration::from_secs(seconds)).ok()
        });
        let period = u128::from(self.den) * 1000;
        let common = gcd(self.num, period);
        let lowest = || {
            let period = Duration::from_nanos(u64::try_from(period / common).ok()?);
            Rate::new(u64::try_from(self.num / common).ok()?, period).ok()
        };
        Some(Limit::new(usual.or_else(lowest)?, self.capacity))
    }

    /// Whether all its levels fit 127 bits.
    pub(crate) fn fits(&self) -> bool {
        let tokens = u128::from(self.capacity) + u128::from(self.debt);
        tokens.checked_mul(u128::from(self.den)).is_some_and(|units| units <= i128::MAX as u128)
    }

    /// Whether every number of the scripts stays below 2^53, where no debt is beyond `deepest`
    /// tokens.
    pub(crate) fn is_native(&self, deepest: u64) -> bool {
        let tokens = u128::from(self.capacity) + u128::from(deepest.max(self.debt));
        let units = tokens.checked_mul(2 * u128::from(self.den)).and_then(|units| units.checked_add(self.num));
        units.is_some_and(|units| units < 1 << 53)
    }

    /// The units of a full stream.
    pub(crate) fn full(&self) -> i128 {
        i128::from(self.capacity) * i128::from(self.den)
    }

    /// The least level that the scripts go to, in units.
    pub(crate) fn lowest(&self) -> i128 {
        -i128::from(self.debt) * i128::from(self.den)
    }

    /// Microseconds until so many units have accrued, rounded up.
    pub(crate) fn time_of(&self, missing: i128) -> u64 {
        if missing <= 0 {
            return 0;
        }
        let micros = (missing as u128).checked_add(self.num.max(1) - 1).and_then(|sum| sum.checked_div(self.num));
        micros.and_then(|micros| u64::try_from(micros).ok()).map_or(FOREVER, |micros| micros.min(FOREVER))
    }

    /// Microseconds from the lowest to full.
    pub(crate) fn fill(&self) -> u64 {
        self.time_of(self.full() - self.lowest())
    }

    /// The level after so many microseconds.
    pub(crate) fn after(&self, level: i128, micros: u64) -> i128 {
        let accrued = self.num.checked_mul(u128::from(micros)).and_then(|units| i128::try_from(units).ok());
        level.saturating_add(accrued.unwrap_or(i128::MAX)).min(self.full())
    }

    /// A level of this line in the units of another, rounded down, so that debts are rounded up.
    pub(crate) fn translated(&self, level: i128, new: &Self) -> i128 {
        let units = scaled(level.unsigned_abs(), new.den, self.den, level < 0);
        (if level < 0 { -units } else { units }).min(new.full())
    }

    /// Whole tokens of a level, rounded down.
    pub(crate) fn tokens(&self, level: i128) -> i64 {
        let tokens = level.div_euclid(i128::from(self.den));
        i64::try_from(tokens).unwrap_or(if tokens < 0 { i64::MIN } else { i64::MAX })
    }
}

/// `units * num / den`, rounded as told and at most 2^127 - 1. The product has up to 192 bits.
fn scaled(units: u128, num: u64, den: u64, up: bool) -> i128 {
    const LOW: u128 = u64::MAX as u128;
    let (num, den) = (u128::from(num), u128::from(den));
    let low = (units & LOW) * num;
    let high = (units >> 64) * num + (low >> 64);
    // The product is high * 2^64 + (low & LOW). High has up to 128 bits.
    let (first, rest) = (high / den, high % den);
    let second = (rest << 64) | (low & LOW);
    let (whole, rest) = (second / den, second % den);
    let quotient = first.checked_mul(1 << 64).and_then(|first| first.checked_add(whole));
    let quotient = quotient.and_then(|whole| whole.checked_add(u128::from(up && rest > 0)));
    quotient.and_then(|units| i128::try_from(units).ok()).unwrap_or(i128::MAX)
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_and_come_back() {
        for (rate, num, den) in [
            (Rate::per_second(1000), 1, 1000),
            (Rate::per_second(1 << 20), 16384, 15625),
            (Rate::per_day(1), 1, 86_400_000_000),
            (Rate::per_second(7), 7, 1_000_000),
            (Rate::per_second(0), 0, 1),
        ] {
            let limit = Limit::new(rate, 5);
            let line = Line::of(limit, None);
            assert_eq!((line.num, line.den, line.limit()), (num, den, Some(limit)));
        }
        let line = Line::of(Limit::UNLIMITED, None);
        assert_eq!((line.num, line.den), (u128::from(u64::MAX) * 1000, 1));
        assert_eq!(line.limit(), Some(Limit::UNLIMITED));
        let odd = Limit::new(Rate::new(u64::MAX - 1, Duration::from_nanos(u64::MAX)).expect("a period"), 1);
        assert_eq!(Line::of(odd, None).limit(), Some(odd));
    }

    #[test]
    fn debts_are_a_tenth_of_a_second_unless_set() {
        let debt = |limit, debt| Line::of(limit, debt).debt;
        assert_eq!(debt(Limit::per_second(1000), None), 100);
        assert_eq!(debt(Limit::per_second(1001), None), 101);
        assert_eq!(debt(Limit::per_day(1), None), 1);
        assert_eq!(debt(Limit::per_second(0), None), 0);
        assert_eq!(debt(Limit::per_second(0), Some(5)), 0);
        assert_eq!(debt(Limit::per_second(1000), Some(0)), 0);
    }

    #[test]
    fn native_reaches_as_far_as_the_numbers_of_lua() {
        let most = 4_503_599_627;
        let second = |capacity| Line::of(Limit::per_second(1).capacity(capacity), Some(0));
        assert!(second(most).is_native(0) && !second(most + 1).is_native(0));
        assert!(!second(most).is_native(1));
    }

    #[test]
    fn scaling_rounds_as_told_and_holds_192_bits() {
        assert_eq!(scaled(10, 1, 3, false), 3);
        assert_eq!(scaled(10, 1, 3, true), 4);
        assert_eq!(scaled(9, 1, 3, true), 3);
        let most = i128::MAX as u128;
        assert_eq!(scaled(most, u64::MAX, u64::MAX, true), i128::MAX);
        assert_eq!(scaled(most, u64::MAX - 1, u64::MAX, false), 170141183460469231722463931679029329918);
        assert_eq!(scaled(most, 2, 1, false), i128::MAX);
    }
}
