//! Owns the line: how many units have accrued after a time. Pure arithmetic; never an atomic, never
//! a clock.

use core::time::Duration;

/// Units accrued as a function of elapsed nanoseconds: `floor(slope * elapsed)`, modulo 2^64.
///
/// The slope, in units per nanosecond, is `whole + part / 2^64`. An exact line has `whole` from 0
/// to 9 and no `part`. Otherwise `part` is rounded down, so the line is never ahead of the rate. It
/// is behind by less than a unit, for being rounded to whole units, and in 292 years by another
/// half, for the slope.
///
/// A mantissa and a shift would do with one multiplication; two and no shift by a variable take
/// fewer steps of the processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    whole: u64,
    part: u64,
}

impl Line {
    pub(crate) const fn exact(slope: u64) -> Self {
        Self { whole: slope, part: 0 }
    }

    /// The line of slope `num / den`, which is below 2^64, rounded down. `den` is below 2^64.
    pub(crate) const fn rounded(num: u128, den: u128) -> Self {
        Self { whole: (num / den) as u64, part: (((num % den) << 64) / den) as u64 }
    }

    pub(crate) const fn parts(self) -> (u64, u64) {
        (self.whole, self.part)
    }

    pub(crate) const fn of_parts(whole: u64, part: u64) -> Self {
        Self { whole, part }
    }

    pub(crate) const fn is_exact(self) -> bool {
        self.part == 0
    }

    /// Units accrued after `elapsed` nanoseconds; total.
    #[inline]
    pub(crate) const fn at(self, elapsed: u64) -> u64 {
        let of_part = (self.part as u128 * elapsed as u128) >> 64;
        self.whole.wrapping_mul(elapsed).wrapping_add(of_part as u64)
    }

    /// The same where the value may not fit in 64 bits.
    pub(crate) const fn at_wide(self, elapsed: u64) -> u128 {
        self.whole as u128 * elapsed as u128 + ((self.part as u128 * elapsed as u128) >> 64)
    }

    /// The least number of nanoseconds after `elapsed` by which `units` more have accrued; `None`
    /// if the line is flat.
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

    /// The longest time in which no more than `units`, below 2^63, accrue.
    pub(crate) const fn time_for(self, units: u64) -> Duration {
        if self.slope() == 0 {
            return Duration::MAX;
        }
        // The last nanosecond at which floor(slope * elapsed) is still `units` or less.
        let nanos = ((((units as u128) + 1) << 64) - 1) / self.slope();
        duration(nanos)
    }

    /// In 2^-64 units per nanosecond.
    const fn slope(self) -> u128 {
        ((self.whole as u128) << 64) | self.part as u128
    }
}

/// Saturating: what is longer than a `Duration` holds is [`Duration::MAX`].
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
        let line = Line::exact(7);
        assert_eq!(line.at(3), 21);
        assert_eq!(line.at(u64::MAX), 7u64.wrapping_mul(u64::MAX));
        assert!(line.is_exact());
    }

    #[test]
    fn a_rounded_line_is_never_ahead_and_less_than_two_units_behind() {
        for (num, den) in [(2048u128 * 2048, 1_953_125), (25, 2), (333 << 23, 1_000_000_000), (1, 997)] {
            let line = Line::rounded(num, den);
            for elapsed in [0, 1, 2, 999, 1 << 40, 1 << 62, (1 << 63) - 1] {
                let true_value = num * u128::from(elapsed) / den;
                let behind = (true_value as u64).wrapping_sub(line.at(elapsed));
                assert!(behind <= 2 + (num / den) as u64, "{num}/{den} at {elapsed}: {behind}");
            }
        }
    }

    #[test]
    fn a_wait_is_the_least_that_suffices() {
        for line in [Line::exact(1), Line::exact(9), Line::rounded(25, 2), Line::rounded(1, 997)] {
            for elapsed in [0, 1, 12_345, 1 << 50] {
                for units in [1, 2, 1000, 1 << 40] {
                    let wait = line.wait(elapsed, units).unwrap() as u64;
                    let gained = |wait| line.at(elapsed + wait).wrapping_sub(line.at(elapsed));
                    assert!(gained(wait) >= units && gained(wait - 1) < units, "{line:?} {elapsed} {units} {wait}");
                }
            }
        }
        assert_eq!(Line::exact(0).wait(5, 1), None);
        assert_eq!(Line::exact(0).wait(5, 0), Some(0));
    }

    #[test]
    fn the_time_for_some_units_is_the_longest() {
        for line in [Line::exact(3), Line::rounded(25, 2), Line::rounded(1, 997)] {
            for units in [0, 1, 1000] {
                let nanos = line.time_for(units).as_nanos() as u64;
                assert!(line.at(nanos) <= units && line.at(nanos + 1) > units, "{line:?} {units} {nanos}");
            }
        }
    }
}
