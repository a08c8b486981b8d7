//! Owns what one step of adaptation leaves to the next, and when the next is due. Pure: it never
//! touches an atomic or a clock.

use core::time::Duration;

use crate::adaptive::course::Course;
use crate::adaptive::policy::{Observed, Policy};
use crate::adaptive::unpaused::Unpaused;
use crate::clock::time::Time;
use crate::limit::ratio::Ratio;

/// The course of the factor, and the instants that steps and events count from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StepState {
    /// Its age is that of the last step.
    pub(crate) course: Course,
    unpaused: Unpaused,
    /// The unpaused time at which the course began.
    began: Time,
    /// The end of the last interval that was stepped over, in unpaused time. It lies a whole number
    /// of intervals after the beginning.
    stepped: Time,
    /// The instant from which a refusal is a new event.
    attentive: Time,
}

/// What a call reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Report {
    /// That time has passed.
    Time,
    /// A refusal.
    Refused,
    /// A refusal for which the call paused the bucket, and the end of the pause before, if any.
    Paused(Option<Time>),
}

/// What a step looks at in the bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// The end of the latest pause that the bucket knows of.
    pub(crate) pause_end: Option<Time>,
    pub(crate) fill: Ratio,
}

/// The streak lies above the steps of the factor.
const STREAK: u32 = 60;
const LONGEST: u32 = 15;

impl StepState {
    pub(crate) const fn beginning(factor: Ratio, now: Time) -> Self {
        let unpaused = Unpaused::NEVER_PAUSED;
        Self { course: Course::new(factor), unpaused, began: now, stepped: now, attentive: Time::ZERO }
    }

    /// Returns the state that follows at `now`, or `None` if it stays unchanged.
    ///
    /// First it counts pauses. Then it steps over all intervals that have ended, in one step. Then
    /// it counts an event. It looks at the bucket only if something is due, or in a pause.
    ///
    /// The number of calls makes no difference: a step begins and ends where an interval does. A
    /// stale `now` changes nothing.
    pub(crate) fn next(
        &self,
        policy: &impl Policy,
        now: Time,
        report: Report,
        look: impl FnOnce() -> Look,
    ) -> Option<Self> {
        let interval = policy.interval().as_nanos().max(1);
        let passed = |unpaused: &Unpaused| unpaused.at(now).since(self.stepped).as_nanos() / interval;
        let is_event = |attentive: Time| report != Report::Time && now >= attentive;
        let idle = passed(&self.unpaused) == 0 && !is_event(self.attentive) && !self.unpaused.is_paused(now);
        if idle && !matches!(report, Report::Paused(_)) {
            return None;
        }
        let look = look();
        let mut next = Self { unpaused: self.after_pauses(now, report, look.pause_end), ..*self };
        if next.unpaused.until() < self.unpaused.until() {
            // The pause ended early, so a refusal from now on is a new event.
            next.attentive = next.attentive.min(next.unpaused.until());
        }
        let event = is_event(next.attentive);
        let passed = passed(&next.unpaused);
        let seen = Observed { fill: look.fill, refused: false };
        if passed > 0 {
            // No longer than `now.since(stepped)`, which is 64 bits of nanoseconds.
            let elapsed = Duration::from_nanos((passed * interval) as u64);
            next.stepped = self.stepped.after(elapsed);
            next.course.age = next.stepped.since(self.began);
            next.course.factor = policy.step(&next.course, elapsed, seen).within(policy.bounds());
        }
        if event {
            next.refuse(policy, now, Observed { refused: true, ..seen });
        }
        if let Report::Paused(_) = report {
            next.attentive = next.attentive.max(next.unpaused.until());
        }
        (next != *self).then_some(next)
    }

    /// Counts the pauses that the bucket has seen by `now`.
    fn after_pauses(&self, now: Time, report: Report, end: Option<Time>) -> Unpaused {
        let end = end.unwrap_or(Time::ZERO);
        match report {
            Report::Paused(before) => {
                let before = before.unwrap_or(Time::ZERO);
                self.unpaused.pause_since(self.stepped, before).pause(now, end).end(now, end)
            }
            _ => self.unpaused.pause_since(self.stepped, end).end(now, end),
        }
    }

    /// Counts one event.
    fn refuse(&mut self, policy: &impl Policy, now: Time, seen: Observed) {
        let (at, refused) = (self.unpaused.at(now), self.course.factor);
        self.course.streak = if self.course.is_early() { (self.course.streak + 1).min(LONGEST) } else { 0 };
        self.course.age = at.since(self.began);
        let factor = policy.step(&self.course, Duration::ZERO, seen).within(policy.bounds());
        self.course = Course { factor, from: factor, refused, age: Duration::ZERO, streak: self.course.streak };
        self.began = at;
        self.attentive = now.after(policy.interval().max(Duration::from_nanos(1)));
    }

    /// Begins a new course at this factor, clamped to the policy's bounds.
    pub(crate) fn with(self, factor: Ratio, policy: &impl Policy, now: Time) -> Self {
        let (least, most) = policy.bounds();
        let course = Course { refused: most, ..Course::new(factor.within((least, most))) };
        Self { course, began: self.unpaused.at(now), ..self }
    }

    /// Packs the state. The age is left out: it follows from the instants.
    ///
    /// | word | bits | field |
    /// |---|---|---|
    /// | 0 | 0..60 | `course.factor`, in steps |
    /// | | 60..64 | `course.streak` |
    /// | 1 | all | `course.from`, in steps |
    /// | 2 | all | `course.refused`, in steps |
    /// | 3 | all | `began`, in nanoseconds |
    /// | 4 | all | `stepped`, in nanoseconds |
    /// | 5 | all | `attentive`, in nanoseconds |
    /// | 6, 7 | all | `unpaused` |
    pub(crate) const fn words(self) -> [u64; 8] {
        let Self { course: Course { factor, from, refused, streak, .. }, .. } = self;
        let [paused, until] = self.unpaused.words();
        let (began, stepped, attentive) = (self.began.as_nanos(), self.stepped.as_nanos(), self.attentive.as_nanos());
        let factor = factor.steps() | (streak as u64) << STREAK;
        [factor, from.steps(), refused.steps(), began, stepped, attentive, paused, until]
    }

    /// Unpacks a state. Words of several versions give a useless state, but no panic.
    pub(crate) fn of_words([factor, from, refused, began, stepped, attentive, paused, until]: [u64; 8]) -> Self {
        let ratio = |steps: u64| Ratio::saturating(steps.into());
        let [began, stepped, attentive] = [began, stepped, attentive].map(Time::from_nanos);
        let course = Course {
            factor: ratio(factor & ((1 << STREAK) - 1)),
            from: ratio(from),
            refused: ratio(refused),
            age: stepped.since(began),
            streak: (factor >> STREAK) as u32,
        };
        Self { course, unpaused: Unpaused::of_words([paused, until]), began, stepped, attentive }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adaptive::cubic::Cubic;

    /// Grows from 50 % to 75 % in a second.
    const CUBIC: Cubic = Cubic::new(Duration::from_secs(1), Ratio::percent(50));
    const TENTH: u64 = 100_000_000;

    fn t(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    fn next(state: &StepState, nanos: u64, report: Report, pause_end: Option<u64>) -> Option<StepState> {
        let look = || Look { pause_end: pause_end.map(t), fill: Ratio::ZERO };
        state.next(&CUBIC, t(nanos), report, look)
    }

    fn half(nanos: u64) -> StepState {
        StepState::beginning(Ratio::ONE, t(nanos)).with(Ratio::percent(50), &CUBIC, t(nanos))
    }

    /// The factor after so many tenths of a second.
    fn grown(tenths: u32) -> Ratio {
        let course = Course { age: Duration::from_millis(100) * tenths, ..Course::new(Ratio::percent(50)) };
        CUBIC.step(&course, Duration::ZERO, Observed { fill: Ratio::ZERO, refused: false })
    }

    #[test]
    fn nothing_is_due_within_an_interval_and_for_an_old_time() {
        let state = half(5);
        assert_eq!([0, 5, 5 + TENTH - 1].map(|nanos| next(&state, nanos, Report::Time, None)), [None; 3]);
        let stepped = next(&state, 5 + TENTH, Report::Time, None).unwrap();
        assert_eq!(stepped.course.factor, grown(1));
        assert!(grown(1) > Ratio::percent(50));
        let after = [0, 5 + TENTH, 5 + 2 * TENTH - 1].map(|nanos| next(&stepped, nanos, Report::Time, None));
        assert_eq!(after, [None; 3]);
    }

    #[test]
    fn a_late_step_keeps_to_the_intervals() {
        let late = next(&half(0), 5 * TENTH / 2, Report::Time, None).unwrap();
        assert_eq!((late.course.factor, late.stepped), (grown(2), t(2 * TENTH)));
    }

    #[test]
    fn an_event_is_one_for_an_interval() {
        let state = StepState::beginning(Ratio::ONE, t(0));
        let once = next(&state, 7 + 4 * TENTH, Report::Refused, None).unwrap();
        assert_eq!((once.course.factor, once.stepped), (Ratio::percent(50), t(4 * TENTH)));
        let after = [7, 8 + 4 * TENTH, 5 * TENTH - 1].map(|nanos| next(&once, nanos, Report::Refused, None));
        assert_eq!(after, [None; 3]);
        // The step is due before the next event counts.
        let stepped = next(&once, 5 * TENTH + 6, Report::Time, None).unwrap().course.factor;
        let twice = next(&once, 5 * TENTH + 7, Report::Refused, None).unwrap();
        assert_eq!((twice.course.streak, twice.course.refused), (1, stepped));
        assert_eq!(twice.course.factor, stepped.times(Ratio::percent(25)));
    }

    #[test]
    fn a_pause_is_no_time() {
        // From 150 ms to 950 ms, for a refusal.
        let state = next(&half(0), 3 * TENTH / 2, Report::Paused(None), Some(19 * TENTH / 2)).unwrap();
        let factor = state.course.factor;
        assert!(next(&state, 19 * TENTH / 2, Report::Time, Some(19 * TENTH / 2)).is_none());
        // The interval that the pause interrupted still lacks half of itself.
        assert!(next(&state, 10 * TENTH - 1, Report::Time, Some(19 * TENTH / 2)).is_none());
        assert!(next(&state, 10 * TENTH, Report::Time, Some(19 * TENTH / 2)).unwrap().course.factor > factor);
    }

    #[test]
    fn a_refusal_in_the_pause_for_one_is_no_event() {
        let state = next(&half(0), TENTH, Report::Paused(None), Some(20 * TENTH)).unwrap();
        for nanos in [3 * TENTH, 20 * TENTH - 1] {
            assert!(next(&state, nanos, Report::Refused, Some(20 * TENTH)).is_none());
            // It may extend the pause.
            let longer = next(&state, nanos, Report::Paused(Some(t(20 * TENTH))), Some(25 * TENTH)).unwrap();
            assert_eq!((longer.course, longer.attentive), (state.course, t(25 * TENTH)));
        }
        assert!(next(&state, 20 * TENTH, Report::Refused, Some(20 * TENTH)).is_some());
    }

    #[test]
    fn a_refusal_after_a_pause_that_ended_early_is_an_event() {
        let paused = next(&half(0), 10 * TENTH, Report::Paused(None), Some(u64::MAX)).unwrap();
        let from = paused.course.from;
        let refused = next(&paused, 15 * TENTH, Report::Refused, None).unwrap();
        assert!(refused.course.from < from);
        let refused = next(&paused, 15 * TENTH, Report::Paused(None), Some(25 * TENTH)).unwrap();
        assert_eq!((refused.attentive, refused.unpaused.until()), (t(25 * TENTH), t(25 * TENTH)));
    }

    #[test]
    fn a_pause_by_others_counts_from_the_last_step() {
        for now in [10, 20, 30] {
            let state = next(&half(0), now * TENTH, Report::Time, Some(20 * TENTH)).unwrap();
            let later = next(&state, 32 * TENTH, Report::Time, Some(20 * TENTH)).unwrap();
            assert_eq!(later.course.factor, grown(12), "seen at {now}");
        }
        // It ended early, at the latest when it was seen no more.
        let state = next(&half(0), 10 * TENTH, Report::Time, Some(u64::MAX)).unwrap();
        let state = next(&state, 20 * TENTH, Report::Time, None).unwrap();
        assert_eq!(next(&state, 23 * TENTH, Report::Time, None).unwrap().course.factor, grown(3));
    }

    #[test]
    fn words_are_what_they_were() {
        let state = next(&StepState::beginning(Ratio::ONE, t(3)), 7, Report::Refused, None).unwrap();
        let state = next(&state, 7 + TENTH, Report::Paused(None), Some(9 * TENTH)).unwrap();
        let kept = StepState {
            course: Course { age: state.course.age, ..StepState::of_words(state.words()).course },
            ..StepState::of_words(state.words())
        };
        assert_eq!((kept, state.course.streak), (state, 1));
        assert_eq!(StepState::of_words([u64::MAX; 8]).course.factor, Ratio::MAX);
    }
}
