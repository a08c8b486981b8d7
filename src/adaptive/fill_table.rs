//! Owns the policy that looks up a factor by the fill of the bucket. Pure: it never holds state or
//! reads a clock.

use core::time::Duration;

use crate::adaptive::course::Course;
use crate::adaptive::policy::{Observed, Policy};
use crate::limit::ratio::Ratio;

/// A factor that follows how full a leaky bucket is.
///
/// A nearly full bucket drains more slowly, and a nearly empty one faster. In between the factor
/// returns to 1.
///
/// | capacity | nearly empty | times | nearly full | times |
/// |---|---|---|---|---|
/// | from 256 | up to 0.15 | 1.1 | from 0.85 | 0.9 |
/// | from 128 | up to 0.23 | 1.2 | from 0.77 | 0.81 |
/// | less | up to 0.3 | 1.4 | from 0.7 | 0.73 |
///
/// | in between | times |
/// |---|---|
/// | a factor below 1 | 1.05, up to 1 |
/// | a factor of 1 or above | unchanged |
///
/// A step that would change the factor by 1 % or less changes nothing. There is one step for each
/// [`interval`](Self::with_interval).
///
/// # It can exceed the configured rate
///
/// The feedback is **positive**: an empty bucket drains faster, and so stays empty. If callers add
/// little, the factor climbs to its ceiling. The bucket then grants up to the configured rate times
/// that ceiling. A full bucket drains more slowly and so stays full, down to the least factor.
///
/// Hence both bounds are arguments: with a ceiling of 1 the configured rate is never exceeded. For
/// a client of a server that answers 429, use [`Cubic`](crate::adaptive::Cubic).
///
/// Source: the leaky bucket of `py-asyncutils` 1.3.4. Its recorded decisions are in `tests/traces`.
///
/// # Examples
///
/// ```
/// use tollgate::adaptive::FillTable;
/// use tollgate::limit::Ratio;
///
/// let table = FillTable::new(300, Ratio::percent(10), Ratio::percent(200));
/// assert_eq!(table.adjusted(Ratio::ONE, Ratio::percent(85)), Ratio::percent(90));
/// assert_eq!(table.adjusted(Ratio::ONE, Ratio::percent(15)), Ratio::percent(110));
/// assert_eq!(table.adjusted(Ratio::percent(90), Ratio::percent(50)), Ratio::from_f64(0.945));
/// assert_eq!(table.adjusted(Ratio::percent(195), Ratio::ZERO), Ratio::percent(200)); // the ceiling
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FillTable {
    row: Row,
    bounds: (Ratio, Ratio),
    interval: Duration,
}

/// The fills that count as nearly empty and nearly full, and the multiplier for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Row {
    low: Ratio,
    faster: Ratio,
    high: Ratio,
    slower: Ratio,
}

impl Row {
    const fn percents(low: u32, faster: u32, high: u32, slower: u32) -> Self {
        let [low, faster, high, slower] =
            [Ratio::percent(low), Ratio::percent(faster), Ratio::percent(high), Ratio::percent(slower)];
        Self { low, faster, high, slower }
    }
}

const RESTORING: Ratio = Ratio::percent(105);
/// A change must be more than the factor divided by this.
const NOTICED: u64 = 100;

impl FillTable {
    /// Chooses the row for a bucket of `capacity` tokens.
    ///
    /// The factor stays between `least` and `ceiling`. If `ceiling` is below `least`, the factor is
    /// always `ceiling`.
    ///
    /// ```
    /// use tollgate::adaptive::FillTable;
    /// use tollgate::limit::Ratio;
    ///
    /// let never_faster = FillTable::new(10, Ratio::percent(10), Ratio::ONE);
    /// assert_eq!(never_faster.adjusted(Ratio::ONE, Ratio::ZERO), Ratio::ONE);
    /// ```
    pub const fn new(capacity: u64, least: Ratio, ceiling: Ratio) -> Self {
        let row = match capacity {
            256.. => Row::percents(15, 110, 85, 90),
            128.. => Row::percents(23, 120, 77, 81),
            _ => Row::percents(30, 140, 70, 73),
        };
        Self { row, bounds: (least, ceiling), interval: Duration::from_millis(100) }
    }

    /// Sets the time between two steps. Default: 100 ms.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{FillTable, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let table =
    ///     FillTable::new(10, Ratio::ZERO, Ratio::ONE).with_interval(Duration::from_secs(1));
    /// assert_eq!(table.interval(), Duration::from_secs(1));
    /// ```
    #[must_use]
    pub const fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Returns `factor` after one step at this [`fill`](crate::LeakyBucket::fill).
    ///
    /// ```
    /// use tollgate::adaptive::FillTable;
    /// use tollgate::limit::Ratio;
    ///
    /// let table = FillTable::new(10, Ratio::percent(70), Ratio::ONE);
    /// assert_eq!(table.adjusted(Ratio::ONE, Ratio::ONE), Ratio::percent(73));
    /// assert_eq!(table.adjusted(Ratio::percent(73), Ratio::ONE), Ratio::percent(70));
    /// ```
    #[must_use]
    pub fn adjusted(&self, factor: Ratio, fill: Ratio) -> Ratio {
        let Row { low, faster, high, slower } = self.row;
        let (least, ceiling) = self.bounds;
        let candidate = if fill <= low {
            factor.times(faster).min(ceiling)
        } else if fill >= high {
            factor.times(slower).max(least)
        } else if factor < Ratio::ONE {
            factor.times(RESTORING).min(Ratio::ONE)
        } else {
            factor
        };
        // Steps of a factor are below 2^60.
        let noticed = candidate.steps().abs_diff(factor.steps()) > factor.steps() / NOTICED;
        if noticed { candidate } else { factor }
    }
}

impl Policy for FillTable {
    fn bounds(&self) -> (Ratio, Ratio) {
        self.bounds
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    /// Makes a step for each interval, all at the current fill. Ignores refusals.
    fn step(&self, course: &Course, elapsed: Duration, seen: Observed) -> Ratio {
        let steps = elapsed.as_nanos() / self.interval.as_nanos().max(1);
        let mut factor = course.factor;
        for _ in 0..steps {
            let next = self.adjusted(factor, seen.fill);
            // Each step changes the factor by more than 1 %, towards a bound or towards 1. So after
            // a few thousand steps nothing changes any more.
            if next == factor {
                break;
            }
            factor = next;
        }
        factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: (Ratio, Ratio) = (Ratio::percent(10), Ratio::percent(1000));

    fn table(capacity: u64) -> FillTable {
        FillTable::new(capacity, BOUNDS.0, BOUNDS.1)
    }

    #[test]
    fn the_row_is_that_of_the_capacity() {
        for (capacity, low, faster, high, slower) in [
            (u64::MAX, 15, 110, 85, 90),
            (256, 15, 110, 85, 90),
            (255, 23, 120, 77, 81),
            (128, 23, 120, 77, 81),
            (127, 30, 140, 70, 73),
            (0, 30, 140, 70, 73),
        ] {
            let after = |fill| table(capacity).adjusted(Ratio::ONE, Ratio::percent(fill));
            assert_eq!([after(low), after(low + 1)], [Ratio::percent(faster), Ratio::ONE], "{capacity}");
            assert_eq!([after(high), after(high - 1)], [Ratio::percent(slower), Ratio::ONE], "{capacity}");
        }
    }

    #[test]
    fn a_change_of_one_percent_is_not_made() {
        let half = Ratio::percent(50);
        // 1 is 1 % of 100 away from 101, and more than that from 98.
        for (factor, next) in [(99, 100), (98, 100), (101, 101)] {
            assert_eq!(table(1).adjusted(Ratio::percent(factor), half), Ratio::percent(next), "{factor}");
        }
        assert_eq!(table(1).adjusted(Ratio::from_f64(0.9901), half), Ratio::from_f64(0.9901));
        assert_eq!(table(1).adjusted(Ratio::from_f64(9.95), Ratio::ZERO), Ratio::from_f64(9.95));
    }

    #[test]
    fn one_step_over_many_intervals_is_as_many_steps() {
        for fill in [0, 50, 100].map(Ratio::percent) {
            for start in [10, 33, 100, 250, 1000].map(Ratio::percent) {
                let seen = Observed { fill, refused: false };
                let mut factor = start;
                for n in 0..60 {
                    assert_eq!(
                        table(300).step(&Course::new(start), n * table(300).interval, seen),
                        factor,
                        "{n} at {fill:?} from {start:?}"
                    );
                    factor = table(300).adjusted(factor, fill);
                }
                assert_eq!(table(300).step(&Course::new(start), Duration::MAX, seen), factor);
            }
        }
    }
}
