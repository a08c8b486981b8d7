//! Two gates race: what all of them grant is there, and what a lost race took comes back.
#![cfg(loom)]

use std::sync::Arc;

use loom_tests::{limit, model, thread};
use tollgate::clock::Time;
use tollgate::{Clock, Gate, MultiBucket, TokenBucket};

/// A clock that stands still, and costs the model no choice.
struct Still;

impl Clock for Still {
    fn now(&self) -> Time {
        Time::ZERO
    }
}

type Bucket = Arc<TokenBucket<Still>>;

fn bucket(capacity: u64) -> Bucket {
    Arc::new(TokenBucket::with_clock(limit(capacity), Still).expect("a limit in range"))
}

/// Takes a token from both, or from none.
fn both(narrow: &Bucket, wide: &Bucket) -> bool {
    Gate::new().and(narrow, 1).and(wide, 1).try_take().is_ok()
}

model! {
    /// Two clients race for the service's last token: one gets it, and the other keeps its own.
    ///
    /// Two threads, one gate each; exhaustive. Fails if what a lost race took does not go back.
    the_last_token_of_the_widest_goes_to_exactly_one_gate, None, 8, [(true, false, [0, 1, 0]), (false, true, [1, 0, 0])], || {
        let (alice, bob, service) = (bucket(1), bucket(1), bucket(1));
        let other = {
            let (bob, service) = (Arc::clone(&bob), Arc::clone(&service));
            thread::spawn(move || both(&bob, &service))
        };
        let mine = both(&alice, &service);
        let other = other.join().unwrap();
        (mine, other, [&alice, &bob, &service].map(|bucket| bucket.available()))
    }
}

model! {
    /// Two gates over the same limits in opposite orders: one wins, or both lose. No token is lost
    /// for good.
    ///
    /// Two threads, one gate each; exhaustive. Fails if what a lost race took does not go back.
    gates_in_opposite_orders_may_both_lose_and_lose_no_token, None, 100, [(true, false, [0, 0]), (false, true, [0, 0]), (false, false, [1, 1])], || {
        let (one, two) = (bucket(1), bucket(1));
        let other = {
            let (one, two) = (Arc::clone(&one), Arc::clone(&two));
            thread::spawn(move || both(&two, &one))
        };
        let mine = both(&one, &two);
        let other = other.join().unwrap();
        (mine, other, [&one, &two].map(|bucket| bucket.available()))
    }
}

model! {
    /// A call that is refused never held a token of the widest limit: who takes there beside it is
    /// refused only if the gate is granted.
    ///
    /// Two threads, one gate and two takes; exhaustive. Fails if the widest limit is taken from
    /// first.
    a_gate_that_is_refused_never_holds_the_widest, None, 25, [(true, false, false), (false, true, true), (false, false, true)], || {
        let (narrow, wide) = (bucket(1), bucket(1));
        let other = {
            let (narrow, wide) = (Arc::clone(&narrow), Arc::clone(&wide));
            thread::spawn(move || (narrow.try_take(1).is_ok(), wide.try_take(1).is_ok()))
        };
        let mine = both(&narrow, &wide);
        let (narrow, wide) = other.join().unwrap();
        (mine, narrow, wide)
    }
}

model! {
    /// Beside a gate that loses the widest limit, another may be refused by what it holds of a
    /// narrow one. That comes back.
    ///
    /// Two threads, one gate and two; exhaustive. Fails if what a lost race took does not go back.
    what_a_gate_holds_while_it_loses_comes_back, None, 100, [(true, false, false, 0), (false, true, true, 0), (false, true, false, 1)], || {
        let (narrow, wide, other_wide) = (bucket(1), bucket(1), bucket(1));
        let other = {
            let (narrow, wide) = (Arc::clone(&narrow), Arc::clone(&wide));
            thread::spawn(move || {
                let took = Gate::new().and(&wide, 1).try_take().is_ok();
                (took, both(&narrow, &other_wide))
            })
        };
        let mine = both(&narrow, &wide);
        let (took, both) = other.join().unwrap();
        (mine, took, both, narrow.available())
    }
}

model! {
    /// The same with a widest limit of several streams: its streams go together, to one of two.
    ///
    /// Two threads, one gate each; exhaustive. Fails if what a lost race took does not go back.
    the_last_tokens_of_two_streams_go_to_exactly_one_gate, None, 150, [(true, false, [0, 1], [0, 2]), (false, true, [1, 0], [0, 2])], || {
        let service = MultiBucket::<2, Still, 3>::with_slots([limit(1), limit(4)], Still).expect("limits in range");
        let (alice, bob, service) = (bucket(1), bucket(1), Arc::new(service));
        let other = {
            let (bob, service) = (Arc::clone(&bob), Arc::clone(&service));
            thread::spawn(move || Gate::new().and(&bob, 1).and(&service, [1, 2]).try_take().is_ok())
        };
        let mine = Gate::new().and(&alice, 1).and(&service, [1, 2]).try_take().is_ok();
        let other = other.join().unwrap();
        (mine, other, [&alice, &bob].map(|bucket| bucket.available()), service.available())
    }
}
