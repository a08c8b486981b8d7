//! Many threads stopped for good at random points stop no other thread, and keep only what they
//! hold.
//!
//! `FREEZE_SEED` sets the first seed; a failure names its own.

use freeze_tests::{Keyed, Multi, Paused, Subject, Word, say, together};

const ROUNDS: u64 = 20;

fn nobody_waits<S: Subject>() {
    let first = std::env::var("FREEZE_SEED").map_or(1, |seed| seed.parse().expect("FREEZE_SEED is a number"));
    for victims in [1, 2, 20, 40] {
        let operations: usize = (first..first + ROUNDS).map(|seed| together::<S>(victims, seed)).sum();
        say(format_args!(
            "freeze: {} together {victims} rounds {ROUNDS} seeds {first}.. operations {operations}",
            S::NAME
        ));
    }
}

#[test]
fn nobody_waits_for_callers_of_a_token_bucket() {
    nobody_waits::<Word>();
}

#[test]
fn nobody_waits_for_callers_of_a_multi_bucket() {
    nobody_waits::<Multi<4>>();
}

#[test]
fn nobody_waits_for_callers_that_link_blocks_of_slots() {
    nobody_waits::<Multi<1>>();
}

#[test]
fn nobody_waits_for_decisions_on_a_key() {
    nobody_waits::<Keyed>();
}

/// Its verbs include pausing, resuming, and changing the limits in a pause.
#[test]
fn nobody_waits_for_callers_of_a_multi_bucket_that_is_paused() {
    nobody_waits::<Paused<4>>();
}

#[test]
fn nobody_waits_for_callers_of_a_multi_bucket_that_is_paused_and_grows() {
    nobody_waits::<Paused<1>>();
}
