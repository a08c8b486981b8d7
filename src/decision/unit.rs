//! Owns the choice of the unit that a stream is counted in. Pure; never an atomic, never a clock.

use core::num::NonZeroU64;

use crate::decision::limit_rule::LimitRule;
use crate::decision::meter::Meter;
use crate::decision::refill::Refill;

/// One limit, as the numbers that users configured.
#[derive(Clone, Copy)]
pub(crate) struct Configured {
    /// Tokens in nanoseconds, in lowest terms.
    pub(crate) rate: (u64, u64),
    pub(crate) capacity: u64,
}

impl Meter {
    /// The coarsest unit, in nanoseconds of accrual.
    const COARSEST: u128 = 1000;

    /// Chooses the unit: see the crate's `DESIGN.md`, "Why are amounts not kept in tokens?".
    pub(crate) const fn new(configured: Configured) -> Result<Self, LimitRule> {
        let Configured { rate: (num, den), capacity } = configured;
        let Some(tokens) = NonZeroU64::new(capacity) else { return Err(LimitRule::ZeroCapacity) };
        let (unit, refill, precision) = if num == 0 {
            // Nothing accrues, but what accrued at another rate before is to be kept: that of whole
            // numbers a second, if the capacity allows it.
            let mut unit = 1_000_000_000;
            while unit > 1 && capacity > (Self::MOST_UNITS - 1) as u64 / unit {
                unit /= 10;
            }
            (unit, Refill::exact(0), 0)
        } else if num <= 9 && (capacity as u128 * den as u128) < Self::MOST_UNITS {
            (den, Refill::exact(num), 0)
        } else {
            let (num, den) = (num as u128, den as u128);
            // A unit is worth den / (num * unit) nanoseconds of accrual: at most half of one, if
            // the capacity allows it.
            let mut unit = (2 * den).div_ceil(num).next_power_of_two();
            let coarsest = den.div_ceil(Self::COARSEST * num).next_power_of_two();
            while unit > coarsest && unit > (Self::MOST_UNITS - 1) / capacity as u128 {
                unit /= 2;
            }
            (unit as u64, Refill::rounded(num * unit, den), den.div_ceil(num * unit) as u16)
        };
        Self { refill, unit, ceiling: 0, capacity: tokens, precision, paused: false }.checked(LimitRule::RateTooFast)
    }

    /// With its ceiling, if there is room for it.
    const fn checked(self, too_fast: LimitRule) -> Result<Self, LimitRule> {
        let Self { refill, unit, capacity, .. } = self;
        // What 90 days of idling and a full bucket amount to must be told from a debt; one unit
        // more for the rounding.
        let idle = refill.at_wide(Self::NINETY_DAYS) + 1;
        let room = (i64::MAX as u128).saturating_sub(idle);
        if room < unit as u128 {
            return Err(too_fast);
        }
        let most = if room < Self::MOST_UNITS { room } else { Self::MOST_UNITS - 1 } as u64 / unit;
        if capacity.get() > most {
            return Err(LimitRule::CapacityTooLarge { most });
        }
        Ok(Self { ceiling: capacity.get() * unit, ..self })
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::limit::limit::Limit;
    use crate::limit::rate::Rate;

    fn stream(rate: Rate, capacity: u64) -> Meter {
        Limit::new(rate, capacity).meter().unwrap()
    }

    #[test]
    fn the_unit_is_the_denominator_where_the_rate_is_exact() {
        for (rate, unit, slope) in [
            (Rate::per_second(1000), 1_000_000, 1),
            (Rate::per_second(7), 1_000_000_000, 7),
            (Rate::per_minute(5), 12_000_000_000, 1),
            (Rate::per_second(125_000_000), 8, 1),
            (Rate::per_second(9_000_000_000), 1, 9),
        ] {
            let stream = stream(rate, 1);
            assert_eq!((stream.unit, stream.refill), (unit, Refill::exact(slope)), "{rate}");
            assert_eq!(stream.precision(), 0);
        }
    }

    #[test]
    fn a_unit_is_worth_at_most_half_a_nanosecond_where_it_is_not() {
        for (rate, unit) in [(1 << 20, 2048), (333, 1 << 23), (12_500_000_000, 1), (64 << 30, 1), (10_000_000_000, 1)] {
            let stream = stream(Rate::per_second(rate), 1);
            assert_eq!(stream.unit, unit, "{rate}/s");
            assert_eq!(stream.precision(), 1);
        }
    }

    #[test]
    fn no_rate_and_capacity_overflow_on_the_way() {
        let slowest = Rate::new(1, Duration::from_nanos(u64::MAX)).unwrap();
        for tokens in [1, 3, 10, 1 << 40, u64::MAX - 1, u64::MAX] {
            for period in [1, 7, 1 << 40, u64::MAX - 1, u64::MAX] {
                for capacity in [1, 10, 1 << 61, 1 << 62, u64::MAX] {
                    let rate = Rate::new(tokens, Duration::from_nanos(period)).unwrap();
                    let _ = Limit::new(rate, capacity).meter();
                }
            }
        }
        assert_eq!(stream(slowest, 1).precision(), 8);
    }

    #[test]
    fn a_capacity_worth_ages_coarsens_the_unit_up_to_a_microsecond() {
        // 2^42 seconds' worth is 139,000 years; a unit of 2^-20 tokens is just under a microsecond.
        let most = (1 << 42) - 1;
        assert_eq!(stream(Rate::per_second(1), most).unit, 1 << 20);
        assert_eq!(stream(Rate::per_second(1), most).precision(), 954);
        let refused = Limit::new(Rate::per_second(1), most + 1).meter();
        assert_eq!(refused, Err(LimitRule::CapacityTooLarge { most }));
    }

    #[test]
    fn the_fastest_rate_leaves_ninety_days() {
        let fastest = (i64::MAX as u64 - 2) / (90 * 24 * 3600);
        assert!(Limit::new(Rate::per_second(fastest), 1).meter().is_ok());
        assert_eq!(Limit::new(Rate::per_second(fastest + 1), 1).meter(), Err(LimitRule::RateTooFast));
    }
}
