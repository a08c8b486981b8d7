//! Owns what one step of adaptation leaves to the next, and when the next is due. Pure: it never
//! touches an atomic or a clock.

use core::time::Duration;

use crate::adaptive::policy::{Observed, Policy};
use crate::clock::time::Time;
use crate::limit::ratio::Ratio;

/// The factor, and the instants that steps and events count from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StepState {
    pub(crate) factor: Ratio,
    /// The end of the last interval that was stepped over. It lies a whole number of intervals
    /// after the beginning.
    stepped: Time,
    /// The instant from which a throttled outcome is a new event.
    attentive: Time,
}

impl StepState {
    pub(crate) const fn beginning(factor: Ratio, now: Time) -> Self {
        Self { factor, stepped: now, attentive: Time::ZERO }
    }

    /// Returns the state that follows at `now`, or `None` if it stays unchanged.
    ///
    /// First it steps over all intervals that have ended, in one step. Then it counts an event.
    ///
    /// The number of calls makes no difference: a step begins and ends where an interval does. A
    /// stale `now` changes nothing.
    pub(crate) fn next(
        &self,
        policy: &impl Policy,
        now: Time,
        throttled: bool,
        fill: impl FnOnce() -> Ratio,
    ) -> Option<Self> {
        let interval = policy.interval().max(Duration::from_nanos(1));
        let passed = now.since(self.stepped).as_nanos() / interval.as_nanos();
        let event = throttled && now >= self.attentive;
        if passed == 0 && !event {
            return None;
        }
        let (mut next, seen) = (*self, Observed { fill: fill(), throttled: false });
        if passed > 0 {
            // No longer than `now.since(stepped)`, which is 64 bits of nanoseconds.
            let elapsed = Duration::from_nanos((passed * interval.as_nanos()) as u64);
            next.factor = policy.step(next.factor, elapsed, seen).within(policy.bounds());
            next.stepped = self.stepped.after(elapsed);
        }
        if event {
            let seen = Observed { throttled: true, ..seen };
            next.factor = policy.step(next.factor, Duration::ZERO, seen).within(policy.bounds());
            next.attentive = now.after(interval);
        }
        Some(next)
    }

    /// Replaces the factor, clamped to the policy's bounds.
    pub(crate) fn with(self, factor: Ratio, policy: &impl Policy) -> Self {
        Self { factor: factor.within(policy.bounds()), ..self }
    }

    pub(crate) const fn words(self) -> [u64; 3] {
        [self.factor.steps(), self.stepped.as_nanos(), self.attentive.as_nanos()]
    }

    /// Unpacks a state. Words of several versions give a useless state, but no panic.
    pub(crate) const fn of_words([factor, stepped, attentive]: [u64; 3]) -> Self {
        let (stepped, attentive) = (Time::from_nanos(stepped), Time::from_nanos(attentive));
        Self { factor: Ratio::saturating(factor as u128), stepped, attentive }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adaptive::aimd::Aimd;

    const AIMD: Aimd = Aimd::new(Ratio::percent(10), Ratio::percent(50));
    const TENTH: u64 = 100_000_000;

    fn next(state: &StepState, nanos: u64, throttled: bool) -> Option<StepState> {
        state.next(&AIMD, Time::from_nanos(nanos), throttled, || Ratio::ZERO)
    }

    #[test]
    fn nothing_is_due_within_an_interval_and_for_an_old_time() {
        let state = StepState::beginning(Ratio::percent(50), Time::from_nanos(5));
        assert_eq!([0, 5, 5 + TENTH - 1].map(|nanos| next(&state, nanos, false)), [None; 3]);
        let stepped = next(&state, 5 + TENTH, false).unwrap();
        assert_eq!(stepped.factor, Ratio::percent(51));
        assert_eq!([0, 5 + TENTH, 5 + 2 * TENTH - 1].map(|nanos| next(&stepped, nanos, false)), [None; 3]);
    }

    #[test]
    fn a_late_step_keeps_to_the_intervals() {
        let state = StepState::beginning(Ratio::percent(50), Time::ZERO);
        let late = next(&state, 5 * TENTH / 2, false).unwrap();
        assert_eq!((late.factor, late.stepped), (Ratio::percent(52), Time::from_nanos(2 * TENTH)));
    }

    #[test]
    fn an_event_is_one_for_an_interval() {
        let state = StepState::beginning(Ratio::ONE, Time::ZERO);
        let once = next(&state, 7, true).unwrap();
        assert_eq!((once.factor, once.stepped), (Ratio::percent(50), Time::ZERO));
        assert_eq!([7, 8, TENTH - 1].map(|nanos| next(&once, nanos, true)), [None; 3]);
        // The step is due before the next event counts.
        assert_eq!(next(&once, TENTH, true).unwrap().factor, Ratio::percent(51));
        assert_eq!(next(&once, TENTH + 7, true).unwrap().factor, Ratio::from_f64(0.255));
    }

    #[test]
    fn words_are_what_they_were() {
        let state = next(&StepState::beginning(Ratio::ONE, Time::from_nanos(3)), 7, true).unwrap();
        assert_eq!(StepState::of_words(state.words()), state);
        assert_eq!(StepState::of_words([u64::MAX; 3]).factor, Ratio::MAX);
    }
}
