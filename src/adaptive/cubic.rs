//! Owns the policy whose factor returns to a refused rate along a cubic. Pure: it never holds state
//! or reads a clock.

use core::time::Duration;

use crate::adaptive::course::Course;
use crate::adaptive::policy::{Observed, Policy};
use crate::limit::ratio::Ratio;

/// A policy that finds the rate a server grants.
///
/// It is for a client of a server that answers 429 and whose limit the client does not know.
///
/// # Decrease
///
/// A refusal multiplies the factor by `decrease`, or by less:
///
/// * A refusal is early if the factor was not yet halfway back to the rate refused before. The
///   first early refusal in a row multiplies by `decrease²`, the next by `decrease⁴`, and so on.
/// * A refusal that comes `t` after the one before multiplies by at most `t² / (t² + s²)`, where
///   `s` is four intervals. So a rate that is ten times too high falls within a few refusals. The
///   time counts no pause. Before the first refusal, it counts from construction.
/// * No refusal multiplies by less than 1/4, unless `decrease` is less.
///
/// Refusals within an [`interval`](Self::with_interval), or in the pause that a `Retry-After`
/// made, are **one event**. They change nothing more. So let the interval be at least the time from
/// a request to its answer. The answer to a request sent before the decrease then changes nothing.
///
/// # Increase
///
/// Let `w` be the refused factor times `(1 + decrease) / 2`, or a little less after a larger
/// decrease. The server is thought to grant about `w`.
///
/// | unpaused time since the refusal | factor |
/// |---|---|
/// | `t` up to `recovery` | `w - (w - from) * (1 - t/recovery)³`: fast at first, slow near `w` |
/// | `t` above `recovery` | `w * (1 + (1 - decrease) * (t/recovery - 1)³`): slow near `w`, then fast |
///
/// So the factor stays near `w` for most of the time, and finds a raised limit soon. It is a
/// function of the time, so no increase is too small to count.
///
/// **A pause is not counted.** The factor does not grow while the bucket is paused.
///
/// The factor is never above 1, so the configured rate is **never exceeded**. Configure the highest
/// rate that the client would ever use.
///
/// # How exact it is
///
/// Simulated: a client of up to 1000/s, a server of 100/s with a burst of 10, a recovery of 15 s, a
/// decrease to 90 %, latencies of 5 to 50 ms, and 200 runs of 30 s of unpaused time.
///
/// | requests in flight | refusals | granted in the last 10 s, off by at most | rate at the end |
/// |---|---|---|---|
/// | 3 | 8 to 13 | 9.3 % | 17.6 % |
/// | 4 | 5 to 9 | 9.1 % | 6.5 % |
/// | 6 | 5 to 12 | 9.1 % | 6.1 % |
/// | 8 | 7 to 15 | 9.1 % | 5.2 % |
///
/// A server's burst blurs the limit: the rate exceeds the limit for as long as the burst lasts. If
/// the burst is worth a second or more, the factor exceeds the limit by up to a fifth for some
/// seconds. A server with too small a burst refuses requests far below its limit, because they
/// arrive unevenly. The factor then settles lower. Keep the capacity of the client's bucket below
/// the server's burst.
///
/// Source: CUBIC (RFC 9438). New are the larger decreases, and a `recovery` that does not depend on
/// the decrease. RFC 9438 takes `w` between the refused rate and the reduced one, too, where the
/// limit falls ("fast convergence").
///
/// ```
/// use std::time::Duration;
/// use tollgate::adaptive::{Adaptive, Cubic, Outcome};
/// use tollgate::clock::ManualClock;
/// use tollgate::limit::Ratio;
/// use tollgate::{Limit, MultiBucket};
///
/// let bucket = MultiBucket::with_clock([Limit::per_second(1000)], ManualClock::new())?;
/// let policy = Cubic::new(Duration::from_secs(15), Ratio::percent(80));
/// let client = Adaptive::new(bucket, policy)?;
/// client.bucket().clock().advance(Duration::from_secs(1));
/// client.observe(Outcome::Refused { retry_after: None });
/// client.observe(Outcome::Refused { retry_after: None }); // the same event
/// assert_eq!(client.factor(), Ratio::percent(80));
/// assert_eq!(client.bucket().limit().rate.to_string(), "800/s");
///
/// client.bucket().clock().advance(Duration::from_secs(15));
/// client.observe(Outcome::Granted);
/// assert_eq!(client.factor(), Ratio::percent(90));
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cubic {
    recovery: Duration,
    decrease: Ratio,
    least: Ratio,
    interval: Duration,
}

/// A single refusal leaves at least this part of the factor.
const QUARTER: Ratio = Ratio::percent(25);

/// After this many intervals, a refusal leaves half of the factor.
const SOON: u128 = 4;

/// The steps of 1.
const ONE: u64 = Ratio::ONE.steps();

impl Cubic {
    /// Makes a policy that multiplies by `decrease` and returns after `recovery`.
    ///
    /// A `recovery` of 15 s and a `decrease` to 90 % suit most servers. A shorter `recovery` finds
    /// a raised limit sooner, and is refused more often. A `decrease` above 1 counts as 1.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Cubic, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let cubic = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
    /// assert_eq!(cubic.bounds(), (Ratio::of(1, 1000).unwrap(), Ratio::ONE));
    /// assert_eq!(cubic.interval(), Duration::from_millis(100));
    /// ```
    pub const fn new(recovery: Duration, decrease: Ratio) -> Self {
        Self { recovery, decrease, least: Ratio::saturating(ONE as u128 / 1000), interval: Duration::from_millis(100) }
    }

    /// Sets the least factor. Default: 0.001. Less than 10⁻⁶ counts as 10⁻⁶.
    ///
    /// From a factor of 0 no growth would lead back.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Cubic, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let cubic = Cubic::new(Duration::from_secs(15), Ratio::percent(90))
    ///     .with_least(Ratio::percent(10));
    /// assert_eq!(cubic.bounds(), (Ratio::percent(10), Ratio::ONE));
    /// ```
    #[must_use]
    pub const fn with_least(self, least: Ratio) -> Self {
        let lowest = ONE / 1_000_000;
        Self { least: if least.steps() < lowest { Ratio::saturating(lowest as u128) } else { least }, ..self }
    }

    /// Sets the time between two steps. Default: 100 ms.
    ///
    /// Refusals within this time are one event.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Cubic, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let cubic = Cubic::new(Duration::from_secs(15), Ratio::percent(90))
    ///     .with_interval(Duration::from_secs(1));
    /// assert_eq!(cubic.interval(), Duration::from_secs(1));
    /// ```
    #[must_use]
    pub const fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    fn decrease(&self) -> Ratio {
        self.decrease.min(Ratio::ONE)
    }

    /// Returns the part of the factor that a refusal leaves.
    fn left(&self, course: &Course) -> Ratio {
        let decrease = self.decrease();
        let times = part(course.age.as_nanos(), SOON * self.interval.as_nanos()).min(Ratio::percent(10_000));
        let square = u128::from(times.times(times).steps());
        let soon = part(square, square + u128::from(ONE));
        let again = (0..course.streak.min(8)).fold(decrease, |left, _| left.times(left));
        again.min(soon).max(QUARTER.min(decrease))
    }

    /// Returns the factor at the age of the course, without bounds.
    fn grown(&self, course: &Course) -> Ratio {
        let Course { from, refused, age, .. } = *course;
        let (age, recovery) = (age.as_nanos(), self.recovery.as_nanos());
        let reduced = from.max(refused.times(self.decrease()));
        // Below 2^61.
        let aim = Ratio::saturating((u128::from(refused.steps()) + u128::from(reduced.steps())) / 2).max(from);
        if age < recovery {
            let short =
                Ratio::saturating((aim.steps() - from.steps()).into()).times(cube(part(recovery - age, recovery)));
            Ratio::saturating((aim.steps() - short.steps()).into())
        } else {
            let more = Ratio::saturating((ONE - self.decrease().steps()).into());
            aim.plus(aim.times(more).times(cube(part(age - recovery, recovery))))
        }
    }
}

/// Returns `part / whole`, rounded down; the largest ratio for a `whole` of 0.
fn part(part: u128, whole: u128) -> Ratio {
    // It saturates only for times of 10 billion years.
    let steps = part.saturating_mul(ONE.into()).checked_div(whole);
    Ratio::saturating(steps.unwrap_or(u128::MAX))
}

fn cube(ratio: Ratio) -> Ratio {
    ratio.times(ratio).times(ratio)
}

impl Policy for Cubic {
    fn bounds(&self) -> (Ratio, Ratio) {
        (self.least, Ratio::ONE)
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    /// Depends on the age of the course alone, so one step over many intervals is as good as many.
    fn step(&self, course: &Course, _: Duration, seen: Observed) -> Ratio {
        let next = if seen.refused { course.factor.times(self.left(course)) } else { self.grown(course) };
        next.within(self.bounds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Observed = Observed { fill: Ratio::ZERO, refused: false };
    const REFUSED: Observed = Observed { refused: true, ..SEEN };
    const CUBIC: Cubic = Cubic::new(Duration::from_secs(10), Ratio::percent(80));

    /// After a refusal of 1, so long ago.
    fn after(millis: u64) -> Course {
        Course { age: Duration::from_millis(millis), refused: Ratio::ONE, ..Course::new(Ratio::percent(80)) }
    }

    fn grown(millis: u64) -> f64 {
        CUBIC.step(&after(millis), Duration::ZERO, SEEN).to_f64()
    }

    #[test]
    fn it_grows_fast_then_slowly_then_fast() {
        assert_eq!([0, 5000, 10_000, 15_000, 20_000].map(grown), [0.8, 0.8875, 0.9, 0.9225, 1.0]);
    }

    #[test]
    fn it_never_shrinks_by_itself() {
        let mut last = 0.0;
        for millis in (0..25_000).step_by(7) {
            assert!(grown(millis) >= last, "at {millis} ms");
            last = grown(millis);
        }
    }

    #[test]
    fn a_tiny_increase_adds_up() {
        // The factor grows by 10^-9 in 30,000 years, which are some 10^13 intervals.
        let slow = Cubic::new(Duration::from_secs(1_000_000_000_000), Ratio::percent(99));
        let grown = |seconds| {
            let course = Course { age: Duration::from_secs(seconds), ..Course::new(Ratio::percent(50)) };
            slow.step(&course, Duration::ZERO, SEEN)
        };
        assert!(grown(10) > grown(0) && grown(10) < Ratio::from_f64(0.500_000_001));
        assert!(grown(1_000_000) > grown(999_000));
    }

    #[test]
    fn an_early_refusal_counts_for_more() {
        let left = |streak, millis| CUBIC.left(&Course { streak, ..after(millis) }).to_f64();
        assert_eq!([0, 1, 2, 3, 15].map(|streak| left(streak, 10_000)), [0.8, 0.64, 0.4096, 0.25, 0.25]);
        assert_eq!([900, 800, 400, 200, 0].map(|millis| left(0, millis)), [0.8, 0.8, 0.5, 0.25, 0.25]);
    }

    #[test]
    fn it_stays_within_its_bounds() {
        for (recovery, decrease) in
            [(Duration::ZERO, Ratio::ZERO), (Duration::MAX, Ratio::MAX), (Duration::from_secs(1), Ratio::percent(99))]
        {
            let cubic = Cubic::new(recovery, decrease).with_least(Ratio::percent(2));
            for factor in [Ratio::ZERO, Ratio::percent(2), Ratio::ONE, Ratio::MAX] {
                for age in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
                    for (refused, streak) in [(Ratio::ZERO, 0), (Ratio::ONE, 3), (Ratio::MAX, u32::MAX)] {
                        let course = Course { age, refused, streak, ..Course::new(factor) };
                        for seen in [SEEN, REFUSED] {
                            let next = cubic.step(&course, Duration::MAX, seen);
                            assert!((Ratio::percent(2)..=Ratio::ONE).contains(&next), "{next:?}");
                            assert!(!seen.refused || next <= factor.max(Ratio::percent(2)));
                        }
                    }
                }
            }
        }
    }
}
