//! Owns the rounds of a measurement, and their median. Never which kinds there are.

use std::time::Duration;

use crate::bench::contestant::Done;

/// One cell of the table, measured in every round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Case {
    /// The number of the kind.
    pub(crate) kind: usize,
    pub(crate) granted: bool,
    pub(crate) threads: usize,
}

/// The figures of a case, over all rounds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Figure {
    pub(crate) case: Case,
    /// Nanoseconds for a decision.
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// How often and how long each case is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) window: Duration,
}

/// The rounds of a plan.
const ROUNDS: usize = 5;

/// The shortest window: shorter ones measure the start of threads.
const SHORTEST: Duration = Duration::from_millis(2);

impl Plan {
    /// Shares a time among so many cases.
    pub(crate) fn of(time: Duration, cases: usize) -> Self {
        let windows = (ROUNDS * cases.max(1)) as u32;
        Self { rounds: ROUNDS, window: (time / windows).max(SHORTEST) }
    }

    /// Measures all cases in every round, one after the other, so that none has a quiet minute for
    /// itself.
    pub(crate) fn measure(self, cases: &[Case], measure: impl Fn(Case, Duration) -> Done) -> Result<Vec<Figure>, Case> {
        let mut nanos = vec![Vec::with_capacity(self.rounds); cases.len()];
        for round in 0..self.rounds {
            for i in 0..cases.len() {
                // Each round begins elsewhere.
                let at = (i + round * cases.len() / self.rounds) % cases.len();
                let done = measure(cases[at], self.window);
                let expected = if cases[at].granted { done.calls } else { 0 };
                if done.granted != expected {
                    return Err(cases[at]);
                }
                nanos[at].push(done.nanos);
            }
        }
        Ok(cases.iter().zip(nanos).map(|(case, nanos)| Figure::of(*case, nanos)).collect())
    }
}

impl Figure {
    fn of(case: Case, mut nanos: Vec<f64>) -> Self {
        nanos.sort_by(f64::total_cmp);
        Self { case, median: nanos[nanos.len() / 2], least: nanos[0], most: nanos[nanos.len() - 1] }
    }
}

/// Returns one thread, and the powers of two up to so many cores, and all of them.
pub(crate) fn threads_up_to(cores: usize) -> Vec<usize> {
    let mut threads: Vec<_> =
        std::iter::successors(Some(1), |count| Some(2 * count)).take_while(|count| *count <= cores).collect();
    if threads.last() != Some(&cores) && cores > 0 {
        threads.push(cores);
    }
    threads
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    const CASES: [Case; 3] = [
        Case { kind: 0, granted: true, threads: 1 },
        Case { kind: 1, granted: true, threads: 1 },
        Case { kind: 1, granted: false, threads: 2 },
    ];

    #[test]
    fn every_case_is_measured_in_every_round_and_rounds_begin_elsewhere() {
        let plan = Plan::of(Duration::from_secs(10), 3);
        assert_eq!(plan, Plan { rounds: 5, window: Duration::from_secs(10) / 15 });
        let order = RefCell::new(Vec::new());
        let measure = |case: Case, length| {
            assert_eq!(length, plan.window);
            order.borrow_mut().push(case);
            let calls = order.borrow().len() as u64;
            Done { nanos: calls as f64, calls, granted: if case.granted { calls } else { 0 } }
        };
        let figures = plan.measure(&CASES, measure).unwrap();
        let order = order.into_inner();
        assert_eq!(order.len(), 15);
        for (i, case) in CASES.into_iter().enumerate() {
            let at = |round: usize| order[3 * round..][..3].iter().position(|other| *other == case).unwrap();
            let mut nanos: Vec<f64> = (0..5).map(|round| (3 * round + at(round) + 1) as f64).collect();
            nanos.sort_by(f64::total_cmp);
            let expected = Figure { case, median: nanos[2], least: nanos[0], most: nanos[4] };
            assert_eq!(figures[i], expected);
        }
        assert!((0..5).any(|round| order[3 * round] != order[0]));
        assert_eq!(Plan::of(Duration::ZERO, 100).window, SHORTEST);
    }

    #[test]
    fn a_wrong_answer_ends_the_measurement() {
        let wrong = |case: Case, _| Done { nanos: 1.0, calls: 10, granted: if case.granted { 10 } else { 1 } };
        let plan = Plan { rounds: 1, window: SHORTEST };
        assert_eq!(plan.measure(&CASES, wrong), Err(CASES[2]));
        let wrong = |_, _| Done { nanos: 1.0, calls: 10, granted: 9 };
        assert_eq!(plan.measure(&CASES, wrong), Err(CASES[0]));
    }

    #[test]
    fn threads_are_powers_of_two_and_all_cores() {
        assert_eq!(threads_up_to(1), [1]);
        assert_eq!(threads_up_to(2), [1, 2]);
        assert_eq!(threads_up_to(6), [1, 2, 4, 6]);
        assert_eq!(threads_up_to(8), [1, 2, 4, 8]);
    }
}
