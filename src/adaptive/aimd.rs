//! Owns the policy whose factor grows with time and shrinks when throttled. Pure: it never holds
//! state or reads a clock.

use core::time::Duration;

use crate::adaptive::policy::{Observed, Policy};
use crate::limit::ratio::Ratio;

/// Additive increase, multiplicative decrease.
///
/// It is for a client of a server that answers 429 and whose limit the client does not know.
///
/// The factor grows by `increase` every second. A throttled outcome multiplies it by `decrease`
/// immediately.
///
/// Throttled outcomes that follow within an [`interval`](Self::with_interval) are **one event**,
/// and change nothing more. A burst of 429s, or a thousand callers that get one each, come to one
/// decrease. So let the interval be at least the time from a request to its answer: a decrease
/// shows its effect only then.
///
/// The policy ignores a `Retry-After`. Use [`pause_for`](crate::MultiBucket::pause_for) for it; a
/// pause stays when the factor changes.
///
/// The factor is never above 1, so the configured rate is **never exceeded**. Configure the highest
/// rate that the client would ever use.
///
/// Let the server's limit be `H`, as a part of the configured rate. The factor then moves between
/// `H * decrease` and `H`, with one event every `H * (1 - decrease) / increase` seconds. A small
/// `increase` and a `decrease` near 1 waste little, and find a new limit slowly.
///
/// Source: the rule of TCP (Chiu and Jain, 1989; RFC 5681), with elapsed time in place of round
/// trips.
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
    /// Makes a policy that adds `increase` every second and multiplies by `decrease`.
    ///
    /// A `decrease` above 1 counts as 1, which is no decrease.
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

    /// Sets the least factor. Default: 0.01.
    ///
    /// ```
    /// use tollgate::adaptive::{Aimd, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let aimd =
    ///     Aimd::new(Ratio::percent(5), Ratio::percent(80)).with_least(Ratio::percent(10));
    /// assert_eq!(aimd.bounds(), (Ratio::percent(10), Ratio::ONE));
    /// ```
    #[must_use]
    pub const fn with_least(self, least: Ratio) -> Self {
        Self { least, ..self }
    }

    /// Sets the time between two steps. Default: 100 ms.
    ///
    /// Throttled outcomes within this time are one event.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Aimd, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let aimd = Aimd::new(Ratio::percent(5), Ratio::percent(80))
    ///     .with_interval(Duration::from_secs(1));
    /// assert_eq!(aimd.interval(), Duration::from_secs(1));
    /// ```
    #[must_use]
    pub const fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Returns what `nanos` nanoseconds add, in steps of a [`Ratio`].
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
        // Each interval is rounded by itself, so stepping over several together changes nothing.
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
        // 7 ns at a third of a step each: none of these numbers divides another.
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
