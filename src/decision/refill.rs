//! Owns the refill: how many units accrue in a time. Pure: it never touches an atomic or a clock.

use core::time::Duration;

/// Units accrued after `elapsed` nanoseconds: `floor(slope * elapsed)`, modulo 2^64.
///
/// The slope, in units per nanosecond, is `whole + part / 2^64`. An exact refill has `whole` from 0
/// to 9 and a `part` of 0. Otherwise `part` is rounded down, so the refill is never ahead of the
/// rate.
///
/// | behind the rate by | cause |
/// |---|---|
/// | less than a unit | rounding to whole units |
/// | half a unit in 292 years | rounding of the slope |
///
/// A mantissa and a shift would need one multiplication. Two multiplications without a variable
/// shift take fewer instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Refill {
    whole: u64,
    part: u64,
}

impl Refill {
    pub(crate) const fn exact(slope: u64) -> Self {
        Self { whole: slope, part: 0 }
    }

    /// Makes a refill of slope `num / den`, rounded down.
    ///
    /// The slope and `den` are below 2^64.
    pub(crate) const fn rounded(num: u128, den: u128) -> Self {
        Self { whole: (num / den) as u64, part: (((num % den) << 64) / den) as u64 }
    }

    pub(crate) const fn parts(self) -> (u64, u64) {
        (self.whole, self.part)
    }

    pub(crate) const fn of_parts(whole: u64, part: u64) -> Self {
        Self { whole, part }
    }

    /// Returns whether nothing ever accrues.
    pub(crate) const fn is_flat(self) -> bool {
        self.slope() == 0
    }

    pub(crate) const fn is_exact(self) -> bool {
        self.part == 0
    }

    /// Returns the units accrued after `elapsed` nanoseconds, modulo 2^64; never panics.
    #[inline]
    pub(crate) const fn at(self, elapsed: u64) -> u64 {
        let of_part = (self.part as u128 * elapsed as u128) >> 64;
        self.whole.wrapping_mul(elapsed).wrapping_add(of_part as u64)
    }

    /// Returns the units accrued after `elapsed` nanoseconds, rounded up, modulo 2^64.
    pub(crate) const fn at_rounded_up(self, elapsed: u64) -> u64 {
        let cut = self.part.wrapping_mul(elapsed) != 0;
        self.at(elapsed).wrapping_add(cut as u64)
    }

    /// Returns the units accrued after `elapsed` nanoseconds, in full.
    pub(crate) const fn at_wide(self, elapsed: u64) -> u128 {
        self.whole as u128 * elapsed as u128 + ((self.part as u128 * elapsed as u128) >> 64)
    }

    /// Returns the least wait after `elapsed` in which `units` more accrue, in nanoseconds.
    ///
    /// It is `None` for a rate of 0.
    pub(crate) const fn wait(self, elapsed: u64, units: u64) -> Option<u128> {
        if units == 0 {
            return Some(0);
        }
        if self.slope() == 0 {
            return None;
        }
        // floor((cut + wait * slope) / 2^64) >= units, where `cut` is what `at` cut off.
        let cut = self.part.wrapping_mul(elapsed);
        Some((((units as u128) << 64) - cut as u128).div_ceil(self.slope()))
    }

    /// Returns the least wait from 0 in which `units` accrue, in nanoseconds.
    ///
    /// It is `None` for a rate of 0, and `u128::MAX` for a wait of 2^64 ns or more.
    pub(crate) const fn wait_from_start(self, units: u128) -> Option<u128> {
        let slope = self.slope();
        match () {
            () if units == 0 => Some(0),
            () if slope == 0 => None,
            // units * 2^64 / slope is 2^64 or more.
            () if units >= slope => Some(u128::MAX),
            () => {
                // A long division, as `units` may have 75 bits: its digits are 32 bits.
                let (high, rest) = ((units << 32) / slope, (units << 32) % slope);
                Some((high << 32) + (rest << 32).div_ceil(slope))
            }
        }
    }

    /// Returns the longest time from 0 in which at most `units` accrue.
    ///
    /// `units` is below 2^63.
    pub(crate) const fn time_for(self, units: u64) -> Duration {
        if self.slope() == 0 {
            return Duration::MAX;
        }
        // The last nanosecond at which floor(slope * elapsed) is still `units` or less.
        let nanos = ((((units as u128) + 1) << 64) - 1) / self.slope();
        duration(nanos)
    }

    /// Returns the slope in 2^-64 units per nanosecond.
    const fn slope(self) -> u128 {
        ((self.whole as u128) << 64) | self.part as u128
    }
}

/// Converts nanoseconds, saturating at [`Duration::MAX`].
pub(crate) const fn duration(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    if nanos / SECOND > u64::MAX as u128 {
        return Duration::MAX;
    }
    Duration::new((nanos / SECOND) as u64, (nanos % SECOND) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_line_is_the_product_and_wraps() {
        let refill = Refill::exact(7);
        assert_eq!(refill.at(3), 21);
        assert_eq!(refill.at(u64::MAX), 7u64.wrapping_mul(u64::MAX));
        assert!(refill.is_exact());
    }

    #[test]
    fn a_rounded_line_is_never_ahead_and_less_than_two_units_behind() {
        for (num, den) in [(2048u128 * 2048, 1_953_125), (25, 2), (333 << 23, 1_000_000_000), (1, 997)] {
            let refill = Refill::rounded(num, den);
            for elapsed in [0, 1, 2, 999, 1 << 40, 1 << 62, (1 << 63) - 1] {
                let true_value = num * u128::from(elapsed) / den;
                let behind = (true_value as u64).wrapping_sub(refill.at(elapsed));
                assert!(behind <= 2 + (num / den) as u64, "{num}/{den} at {elapsed}: {behind}");
            }
        }
    }

    #[test]
    fn a_wait_is_the_least_that_suffices() {
        for refill in [Refill::exact(1), Refill::exact(9), Refill::rounded(25, 2), Refill::rounded(1, 997)] {
            for elapsed in [0, 1, 12_345, 1 << 50] {
                for units in [1, 2, 1000, 1 << 40] {
                    let wait = refill.wait(elapsed, units).unwrap() as u64;
                    let gained = |wait| refill.at(elapsed + wait).wrapping_sub(refill.at(elapsed));
                    assert!(gained(wait) >= units && gained(wait - 1) < units, "{refill:?} {elapsed} {units} {wait}");
                }
            }
        }
        assert_eq!(Refill::exact(0).wait(5, 1), None);
        assert_eq!(Refill::exact(0).wait(5, 0), Some(0));
    }

    #[test]
    fn a_wait_from_the_start_is_the_least_that_suffices_for_any_number_of_units() {
        let fastest = Refill::rounded((i64::MAX as u128) / (90 * 24 * 3600), 1_000_000_000);
        for refill in [Refill::exact(1), Refill::exact(9), Refill::rounded(25, 2), Refill::rounded(1, 997), fastest] {
            for units in [1, 2, 1 << 40, u64::MAX as u128, (1 << 64) + 1, 9 * (1 << 63), 1 << 74] {
                let wait = refill.wait_from_start(units).unwrap();
                let enough = |wait| refill.at_wide(wait) >= units;
                match u64::try_from(wait) {
                    Ok(wait) => assert!(enough(wait) && !enough(wait - 1), "{refill:?} {units}: {wait}"),
                    Err(_) => assert!(!enough(u64::MAX), "{refill:?} {units}"),
                }
                if let Ok(units) = u64::try_from(units) {
                    let same = refill.wait(0, units).unwrap();
                    assert!(wait == same || wait == u128::MAX && same >= 1 << 64, "{refill:?} {units}: {wait}, {same}");
                }
            }
            assert_eq!(refill.wait_from_start(0), Some(0));
        }
        assert_eq!((Refill::exact(0).wait_from_start(1), Refill::exact(0).wait_from_start(0)), (None, Some(0)));
    }

    #[test]
    fn the_time_for_some_units_is_the_longest() {
        for refill in [Refill::exact(3), Refill::rounded(25, 2), Refill::rounded(1, 997)] {
            for units in [0, 1, 1000] {
                let nanos = refill.time_for(units).as_nanos() as u64;
                assert!(refill.at(nanos) <= units && refill.at(nanos + 1) > units, "{refill:?} {units} {nanos}");
            }
        }
    }
}
