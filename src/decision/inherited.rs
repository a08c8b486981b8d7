//! Owns what a stream keeps when its limit changes: its debt whole, or an error. Pure; never an
//! atomic, never a clock.

use crate::decision::inherit::Inherit;
use crate::decision::limit_rule::LimitRule;
use crate::decision::meter::Meter;

/// What a stream begins with under new limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Inherited {
    pub(crate) spent: u64,
    /// What the policy added to the level, in 2^-64 of a token. It accrued, so to say: places of
    /// reservations come nearer by it, as the end of a debt does.
    pub(crate) added: u128,
}

impl Meter {
    /// A debt that outlives a change is at most this, so that a level is an `i64`.
    ///
    /// It may be further than [`furthest_debt`](Self::furthest_debt): under new limits, a `now`
    /// from before them counts as their beginning, so none sees a level lower than this.
    pub(crate) const MOST_KEPT: u64 = i64::MAX as u64;

    /// The same limit, as it follows `old`. Where nothing accrues it is counted in the units of
    /// `old`, so that a visit to a rate of 0 rounds nothing; where the capacity leaves no room for
    /// those, in the finest that it does.
    pub(crate) const fn following(self, old: &Self) -> Self {
        if !self.refill.is_flat() || self.is_unlimited() || old.is_unlimited() {
            return self;
        }
        let finest = (Self::MOST_UNITS - 1) as u64 / self.capacity();
        let unit = if old.unit < finest { old.unit } else { finest };
        Self { unit, ceiling: self.capacity() * unit, ..self }
    }

    /// `spent` counted from now on, where the same limit was in force until `elapsed`, and `most`
    /// units of what accrued are left.
    pub(crate) fn settled(&self, spent: u64, elapsed: u64, most: i128) -> u64 {
        (self.level_up_to(spent, elapsed, most) as u64).wrapping_neg()
    }

    /// The level where it may be more than a full bucket holds.
    fn level_up_to(&self, spent: u64, elapsed: u64, most: i128) -> i64 {
        i128::from(self.refill.at(elapsed).wrapping_sub(spent) as i64).min(most) as i64
    }

    /// What `Keep` makes of `spent`, where the debt is known to fit.
    #[cfg(feature = "keys")]
    pub(crate) fn keep(&self, old: &Self, spent: u64, elapsed: u64) -> u64 {
        let most = (old.ceiling.into(), self.ceiling.into());
        let kept = self.inherit(old, spent, elapsed, (Inherit::Keep, 0), u64::MAX, most);
        kept.map_or(Self::MOST_KEPT, |inherited| inherited.spent)
    }

    /// What becomes of `spent`, where `old` was in force until `elapsed` and the largest capacity
    /// of the stream was `highest`. `most` says how many units are left at most, under `old` and
    /// then: mostly what a full bucket holds.
    ///
    /// The level is rounded down to units of this stream, so what is owed is rounded up, and nobody
    /// gains by a change. With it goes what the old line had cut off, less than a unit.
    ///
    /// | policy | what it adds to the level |
    /// |---|---|
    /// | `Keep` | nothing |
    /// | `Additive` | `room`: what this capacity has more than `highest` |
    /// | `Proportional` | what scaling adds, at most `room`; where it takes away, that goes |
    /// | `Reset` | what is missing to `start` tokens, or less than nothing |
    ///
    /// An unlimited stream refills at once. So a change to it pays every debt, and one from it
    /// begins full.
    pub(crate) fn inherit(
        &self,
        old: &Self,
        spent: u64,
        elapsed: u64,
        (inherit, start): (Inherit, u64),
        highest: u64,
        most: (i128, i128),
    ) -> Result<Inherited, LimitRule> {
        if self.is_unlimited() {
            let paid = old.tokens(old.remaining(spent, elapsed).into());
            return Ok(Inherited { spent: self.ceiling.wrapping_neg(), added: paid });
        }
        if old.is_unlimited() {
            let level = if inherit == Inherit::Reset { self.units_held(start) } else { self.ceiling };
            return Ok(Inherited { spent: level.wrapping_neg(), added: 0 });
        }
        let level = i128::from(old.level_up_to(spent, elapsed, most.0));
        let (unit, old_unit) = (i128::from(self.unit), i128::from(old.unit));
        // Below 2^63 times 2^64. Most changes keep the unit, and a division is slow.
        let kept = if unit == old_unit { level } else { (level * unit).div_euclid(old_unit) };
        let room = i128::from(self.capacity().saturating_sub(highest)) * unit;
        let added = match inherit {
            Inherit::Keep => 0,
            Inherit::Additive => room,
            Inherit::Proportional if level > 0 => {
                (level * i128::from(self.ceiling) / i128::from(old.ceiling) - kept).min(room)
            }
            Inherit::Proportional => 0,
            Inherit::Reset => i128::from(self.units_held(start)) - kept,
        };
        let level = (kept + added).min(most.1);
        if level < -i128::from(Self::MOST_KEPT) {
            let owed = u128::from(old.level(spent, elapsed).unsigned_abs());
            let debt = owed.div_ceil(old.unit.into()) as u64;
            return Err(LimitRule::DebtTooLarge { debt, most: Self::MOST_KEPT / self.unit });
        }
        let added = if added > 0 { self.tokens(added as u128) } else { 0 };
        Ok(Inherited { spent: (level as u64).wrapping_neg(), added })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::limit::Limit;
    use crate::limit::rate::Rate;

    /// What is left at most where nobody waits.
    fn full(old: &Meter, new: &Meter) -> (i128, i128) {
        (old.ceiling.into(), new.ceiling.into())
    }

    fn stream(rate: Rate, capacity: u64) -> Meter {
        Limit::new(rate, capacity).meter().unwrap()
    }

    /// One of each kind: exact and not, slow, fast, the fastest, and none.
    fn kinds() -> impl Iterator<Item = Meter> {
        let fastest = (i64::MAX as u64 - 2) / (90 * 24 * 3600);
        let rates = [1000, 7, 333, 1 << 20, 64 << 30, fastest, 0].map(Rate::per_second);
        rates.into_iter().chain([Rate::per_day(11)]).map(|rate| stream(rate, 1))
    }

    /// Rounded towards fewer tokens and a larger debt, by less than a unit; or refused.
    #[test]
    fn what_is_kept_is_the_level_rounded_down_and_none_is_forgiven() {
        for old in kinds() {
            for new in kinds() {
                // Those of a debt, of nothing and of what there may be.
                let levels = [i64::MIN, -(1 << 62), -1_000_003, -1000, -7, -1, 0, 1, 7, 1000, 1_000_003, 1 << 61];
                for (level, part) in levels.into_iter().flat_map(|level| [(level, 0), (level, 12_345)]) {
                    let level = level.saturating_add(part).min(old.ceiling as i64);
                    let spent = old.refill.at(77).wrapping_sub(level as u64);
                    let (level, unit) = (i128::from(level), i128::from(new.unit));
                    match new.inherit(&old, spent, 77, (Inherit::Keep, 0), old.capacity(), full(&old, &new)) {
                        Ok(Inherited { spent, added: 0 }) => {
                            let kept = i128::from(new.level(spent, 0)) * i128::from(old.unit);
                            let lost = level * unit - kept;
                            assert!(lost >= 0, "{old:?} to {new:?}: {level} gains");
                            let clipped = new.level(spent, 0) == new.ceiling as i64;
                            assert!(lost < old.unit.into() || clipped, "{old:?} to {new:?}: {level} loses {lost}");
                        }
                        Ok(other) => panic!("{old:?} to {new:?}: {other:?}"),
                        Err(LimitRule::DebtTooLarge { debt, most }) => {
                            assert!(
                                level * unit < -i128::from(i64::MAX) * i128::from(old.unit),
                                "{level}, {debt} of {most}"
                            );
                            assert!(debt > most && most == i64::MAX as u64 / new.unit, "{level}, {debt} of {most}");
                        }
                        Err(rule) => panic!("{rule}"),
                    }
                    assert_eq!(
                        old.level(old.settled(spent, 77, old.ceiling.into()), 0),
                        old.level(spent, 77),
                        "{old:?}: {level}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_rate_of_0_is_counted_in_the_units_before_it_or_in_the_finest_that_fit() {
        for old in kinds() {
            for capacity in [1, 1000, 1 << 40, (1 << 62) - 1] {
                let flat = stream(Rate::per_second(0), capacity).following(&old);
                let fits = u128::from(capacity) * u128::from(old.unit) < Meter::MOST_UNITS;
                assert_eq!(flat.unit == old.unit, fits, "{old:?}, {capacity}");
                let (ceiling, finer) = (flat.ceiling, u128::from(flat.unit + 1) * u128::from(capacity));
                assert_eq!(ceiling, flat.unit * capacity);
                assert!(fits || finer >= Meter::MOST_UNITS, "{old:?}, {capacity}: {flat:?}");
            }
            let moving = stream(Rate::per_second(3), 5);
            assert_eq!(moving.following(&old), moving);
        }
    }
}
