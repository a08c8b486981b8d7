//! Owns a recorded history: the calls of each thread, their times, and whether some order explains
//! the answers. It never makes an order stricter than the calls were.
//!
//! A time is a ticket of one global counter, drawn before a call and again after it. The tickets
//! widen a call, never narrow it. If one call's second ticket is below another's first, the one had
//! returned before the other was made. Tickets are drawn with `AcqRel`, so the one call also
//! happens before the other. Without that, a thread could expect nothing of another's call.
//!
//! So the tickets add no constraint, and a history of a linearizable object always passes. Widening
//! can only hide a violation between two calls that nearly touched.

use std::sync::atomic::{AtomicUsize, Ordering::AcqRel};

use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use crate::case::Case;
use crate::naive::{Answer, Call, Naive};

/// The counter of one history.
#[derive(Debug, Default)]
pub struct Tickets(AtomicUsize);

/// A call that has returned.
#[derive(Clone, Copy, Debug)]
pub struct Returned<const N: usize> {
    invoked: usize,
    returned: usize,
    call: Call<N>,
    answer: Answer<N>,
}

impl Tickets {
    /// Makes and records all calls of a script.
    pub fn record<const N: usize>(
        &self,
        script: &[Call<N>],
        mut make: impl FnMut(&Call<N>) -> Answer<N>,
    ) -> Vec<Returned<N>> {
        let record = |call: &Call<N>| {
            let invoked = self.0.fetch_add(1, AcqRel);
            let answer = make(call);
            let returned = self.0.fetch_add(1, AcqRel);
            Returned { invoked, returned, call: *call, answer }
        };
        script.iter().map(record).collect()
    }
}

/// Returns whether some legal order of the calls gets these answers from the oracle.
///
/// In a legal order, each call comes after all calls that had returned before it was made.
pub fn is_linearizable<const N: usize>(case: &Case<N>, threads: &[Vec<Returned<N>>]) -> bool {
    let mut events: Vec<_> = threads
        .iter()
        .enumerate()
        .flat_map(|(thread, calls)| {
            calls
                .iter()
                .flat_map(move |one| [(one.invoked, thread, None, one), (one.returned, thread, Some(one.answer), one)])
        })
        .collect();
    events.sort_by_key(|(ticket, ..)| *ticket);
    let mut tester = LinearizabilityTester::new(Naive::new(case.streams));
    for (_, thread, answer, one) in events {
        let recorded = match answer {
            None => tester.on_invoke(thread, one.call).map(|_| ()),
            Some(answer) => tester.on_return(thread, answer).map(|_| ()),
        };
        recorded.expect("a thread makes its calls one after the other");
    }
    tester.is_consistent()
}

/// Returns whether any two calls overlapped.
pub fn overlaps<const N: usize>(threads: &[Vec<Returned<N>>]) -> bool {
    let under_way_at_once = |a: &Returned<N>, b: &Returned<N>| a.invoked < b.returned && b.invoked < a.returned;
    threads.iter().enumerate().any(|(i, calls)| {
        let others = &threads[i + 1..];
        calls.iter().any(|a| others.iter().flatten().any(|b| under_way_at_once(a, b)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive::{ORIGIN, Stream, Verb};

    const FULL: Stream = Stream { num: 1, den: 1, capacity: 1, starts_full: true };

    fn take(invoked: usize, returned: usize, granted: bool) -> Returned<1> {
        let answer = if granted { Answer::Done } else { Answer::NotYet(0, 1) };
        Returned { invoked, returned, call: Call { now: ORIGIN, verb: Verb::TryTake([1]) }, answer }
    }

    fn check(threads: &[Vec<Returned<1>>]) -> bool {
        is_linearizable(&Case { streams: [FULL], scripts: Vec::new() }, threads)
    }

    #[test]
    fn a_refusal_beside_the_grant_is_explained_by_it() {
        let threads = [vec![take(0, 2, false)], vec![take(1, 3, true)]];
        assert!(overlaps(&threads) && check(&threads));
    }

    #[test]
    fn a_refusal_before_the_grant_is_not() {
        let threads = [vec![take(0, 1, false)], vec![take(2, 3, true)]];
        assert!(!overlaps(&threads) && !check(&threads));
    }

    #[test]
    fn the_last_token_granted_twice_is_not_explained() {
        assert!(!check(&[vec![take(0, 2, true)], vec![take(1, 3, true)]]));
    }
}
