//! Owns the policy that grows with time and shrinks when throttled; pure.

use core::time::Duration;

use crate::adaptive::policy::{Observed, Policy};
use crate::limit::ratio::Ratio;

/// Additive increase, multiplicative decrease: what a client wants in front of a server whose limit
/// it does not know, and which answers 429.
///
/// The factor grows by `increase` every second, and is multiplied by `decrease` when somebody was
/// throttled, at once. Throttled outcomes that follow within an [`interval`](Self::with_interval)
/// are the **same event**, and change nothing: a burst of 429s, or a thousand callers that get one
/// each, come to one decrease. So the interval should be no shorter than the time from a decrease
/// until its effect is seen, that is from sending a request to its answer. A `Retry-After` is none
/// of its business: [`pause_for`](crate::MultiBucket::pause_for) is for that, and a pause stays
/// when the factor changes.
///
/// The factor is never above 1, so the configured rate is **never exceeded**; that rate is the most
/// that the client would ever want.
///
/// In front of a steady limit `H`, as a part of the configured rate, the factor saws between
/// `H * decrease` and `H`, at one event every `H * (1 - decrease) / increase` seconds: a small
/// increase and a `decrease` near 1 waste little and find a new limit slowly. The rule is that of
/// TCP (Chiu and Jain, 1989; RFC 5681), with the elapsed time in place of the round trips.
///
/// ```
/// use std::time::Duration;
/// use tollgate::adaptive::{Adaptive, Aimd};
/// use tollgate::clock::ManualClock;
/// use tollgate::limit::Ratio;
/// use tollgate::{Limit, MultiBucket};
///
/// let bucket = MultiBucket::with_clock([Limit::per_second(1000)], ManualClock::new())?;
/// let client = Adaptive::new(bucket, Aimd::new(Ratio::percent(5), Ratio::percent(80)))?;
/// client.throttled();
/// client.throttled(); // the same event
/// assert_eq!(client.factor(), Ratio::percent(80));
/// assert_eq!(client.bucket().limit().rate.to_string(), "800/s");
///
/// client.bucket().clock().advance(Duration::from_secs(1));
/// client.tick();
/// assert_eq!(client.factor(), Ratio::percent(85));
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aimd {
    increase: Ratio,
    decrease: Ratio,
    least: Ratio,
    interval: Duration,
}

impl Aimd {
    /// `increase` is added every second, and `decrease` multiplied; one above 1 counts as 1, which
    /// is no decrease.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Aimd, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let aimd = Aimd::new(Ratio::percent(5), Ratio::percent(80));
    /// assert_eq!(aimd.bounds(), (Ratio::percent(1), Ratio::ONE));
    /// assert_eq!(aimd.interval(), Duration::from_millis(100));
    /// ```
    pub const fn new(increase: Ratio, decrease: Ratio) -> Self {
        Self { increase, decrease, least: Ratio::percent(1), interval: Duration::from_millis(100) }
    }

    /// The same with this as its least factor; 0.01 unless set.
    ///
    /// ```
    /// use tollgate::adaptive::{Aimd, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let aimd = Aimd::new(Ratio::percent(5), Ratio::percent(80)).with_least(Ratio::percent(10));
    /// assert_eq!(aimd.bounds(), (Ratio::percent(10), Ratio::ONE));
    /// ```
    #[must_use]
    pub const fn with_least(self, least: Ratio) -> Self {
        Self { least, ..self }
    }

    /// The same with this much time from one step to the next, and for throttled outcomes to be one
    /// event; 100 ms unless set.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Aimd, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let aimd = Aimd::new(Ratio::percent(5), Ratio::percent(80)).with_interval(Duration::from_secs(1));
    /// assert_eq!(aimd.interval(), Duration::from_secs(1));
    /// ```
    #[must_use]
    pub const fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// What `nanos` add, in steps.
    fn growth(&self, nanos: u128) -> u128 {
        nanos.saturating_mul(self.increase.steps().into()) / 1_000_000_000
    }
}

impl Policy for Aimd {
    fn bounds(&self) -> (Ratio, Ratio) {
        (self.least, Ratio::ONE)
    }

    fn interval(&self) -> Duration {
        self.interval
    }

    fn step(&self, factor: Ratio, elapsed: Duration, seen: Observed) -> Ratio {
        // Every interval by itself, so that it makes no difference how many are stepped over at
        // once.
        let interval = self.interval.as_nanos().max(1);
        let (whole, rest) = (elapsed.as_nanos() / interval, elapsed.as_nanos() % interval);
        let grown = whole.saturating_mul(self.growth(interval)).saturating_add(self.growth(rest));
        let factor = factor.plus(Ratio::saturating(grown)).within(self.bounds());
        if seen.throttled { factor.times(self.decrease.min(Ratio::ONE)).within(self.bounds()) } else { factor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Observed = Observed { fill: Ratio::ZERO, throttled: false };
    const THROTTLED: Observed = Observed { throttled: true, ..SEEN };

    #[test]
    fn one_step_over_many_intervals_is_as_many_steps() {
        // 7 ns at a third of a step each: nothing divides anything.
        let aimd = Aimd::new(Ratio::saturating(333_333_333), Ratio::percent(50)).with_interval(Duration::from_nanos(7));
        let mut factor = Ratio::percent(50);
        for n in 0..1000 {
            assert_eq!(aimd.step(Ratio::percent(50), n * aimd.interval, SEEN), factor, "{n}");
            factor = aimd.step(factor, aimd.interval, SEEN);
        }
        assert!(factor > Ratio::percent(50));
    }

    #[test]
    fn it_stays_within_its_bounds() {
        for (increase, decrease) in
            [(Ratio::ZERO, Ratio::ZERO), (Ratio::MAX, Ratio::MAX), (Ratio::ONE, Ratio::percent(99))]
        {
            let aimd = Aimd::new(increase, decrease).with_least(Ratio::percent(2));
            for factor in [Ratio::ZERO, Ratio::percent(2), Ratio::ONE, Ratio::MAX] {
                for elapsed in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
                    for seen in [SEEN, THROTTLED] {
                        let next = aimd.step(factor, elapsed, seen);
                        assert!((Ratio::percent(2)..=Ratio::ONE).contains(&next), "{next:?}");
                        assert!(!seen.throttled || next <= aimd.step(factor, elapsed, SEEN));
                    }
                }
            }
        }
    }
}
