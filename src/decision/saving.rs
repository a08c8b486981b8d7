//! Owns what is saved of a stream, and what comes of it later and under other limits. Pure; never
//! an atomic, never a clock.

use crate::decision::limit_rule::LimitRule;
use crate::decision::meter::Meter;

/// A level as an exact fraction, which needs no limit to be understood.
///
/// | `unit` | meaning |
/// |---|---|
/// | 0 | a stream without a limit |
/// | other | the stream has `units / unit` tokens; below 0 is a debt |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Level {
    pub(crate) units: i64,
    pub(crate) unit: u64,
}

impl Meter {
    /// The level after `elapsed` nanoseconds: at most a full bucket, and every debt.
    pub(crate) const fn saved(&self, spent: u64, elapsed: u64) -> Level {
        let units = if self.is_unlimited() { 0 } else { self.level(spent, elapsed) };
        Level { units, unit: self.unit }
    }

    /// The level in units of this stream, rounded down, but no more than a full bucket; and not
    /// below -2^126.
    pub(crate) fn held(&self, level: Level) -> i128 {
        if self.is_unlimited() || level.unit == 0 {
            return self.ceiling.into();
        }
        let (unit, old) = (i128::from(self.unit), i128::from(level.unit));
        let units = i128::from(level.units);
        let kept = if unit == old { units } else { (units * unit).div_euclid(old) };
        kept.min(self.ceiling.into())
    }

    /// The level in units of this stream where `old` refilled it for `passed` nanoseconds since it
    /// had `level`. An error if more than `most` units are owed.
    ///
    /// It rounds down thrice at most: `level` to units of `old`, what refilled, and the sum.
    pub(crate) fn after(&self, old: &Self, level: Level, passed: u64, most: u64) -> Result<i64, LimitRule> {
        let (mut later, mut fits) = (level, true);
        if !old.refill.is_flat() && level.unit > 0 {
            let refilled = old.refill.at_wide(passed).min(1 << 100) as i128;
            let units = (old.held(level) + refilled).min(old.ceiling.into());
            // No bucket saves a debt that does not fit; a file may say anything.
            fits = units >= -i128::from(i64::MAX);
            later = Level { units: units as i64, unit: old.unit };
        }
        let held = self.held(later);
        // A stream without a limit owes nothing.
        if !self.is_unlimited() && (!fits || held < -i128::from(most)) {
            let owing = if fits { later } else { level };
            let debt = owing.units.unsigned_abs().div_ceil(owing.unit);
            return Err(LimitRule::DebtTooLarge { debt, most: most / self.unit });
        }
        Ok(held as i64)
    }

    /// `spent` for a bucket that holds so many units, and never more than if its line began here.
    ///
    /// Between two units, a line that is rounded down gains the next one early.
    pub(crate) const fn holding(&self, elapsed: u64, units: i64) -> u64 {
        self.refill.at_rounded_up(elapsed).wrapping_sub(units as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::limit::Limit;

    const YEAR: u64 = 365 * 24 * 3600 * 1_000_000_000;

    fn meters() -> impl Iterator<Item = Meter> {
        let texts = ["1000/s", "7/s", "333/s", "1MiB/s", "11/d", "64GiB/s capacity 1", "0/s capacity 7", "unlimited"];
        texts.into_iter().map(|text| text.parse::<Limit>().unwrap().meter().unwrap())
    }

    /// Whatever a file says: no panic, never more than a full bucket.
    #[test]
    fn every_level_is_held_or_refused() {
        for (old, new) in meters().flat_map(|old| meters().map(move |new| (old, new))) {
            for units in [i64::MIN, i64::MIN + 1, -(1 << 62), -1, 0, 1, 1 << 62, i64::MAX] {
                for unit in [0, 1, 7, old.unit, 1 << 62, u64::MAX] {
                    for passed in [0, 1, YEAR, u64::MAX] {
                        match new.after(&old, Level { units, unit }, passed, new.furthest_debt()) {
                            Ok(level) => {
                                assert!(level <= new.ceiling as i64 && level >= -(new.furthest_debt() as i64));
                            }
                            Err(LimitRule::DebtTooLarge { debt, .. }) => assert!(debt > 0 && units < 0),
                            Err(rule) => panic!("{rule}"),
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_line_that_begins_between_two_units_gains_none_of_them_early() {
        for meter in meters() {
            for elapsed in [0, 1, 2, 3, 12_345, 1 << 50] {
                let spent = meter.holding(elapsed, -5);
                for later in [0, 1, 2, 5, 77, 1 << 40] {
                    let [here, anew] = [meter.refill.at(elapsed + later).wrapping_sub(spent), meter.refill.at(later)];
                    let behind = (anew as i64 - 5) - here as i64;
                    assert!((0..=2).contains(&behind), "{meter:?} at {elapsed} and {later}: {behind}");
                }
            }
        }
    }
}
