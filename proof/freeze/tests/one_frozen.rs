//! A thread stopped for good, at any point of any verb, stops no other thread, and keeps only what
//! it holds.
//!
//! Fails if another thread waits for it. Fails if a call that wakes late acts on what it read
//! before.

use freeze_tests::{Clocks, Keyed, Multi, Paused, Subject, Word, each_point};

fn nobody_waits<S: Subject>() {
    each_point::<S>(|at| assert!(!at.others_wait, "{}: others wait for a thread that is stopped at {at:?}", S::NAME));
}

#[test]
fn nobody_waits_for_a_caller_of_a_token_bucket() {
    nobody_waits::<Word>();
}

#[test]
fn nobody_waits_for_a_caller_of_a_multi_bucket() {
    nobody_waits::<Multi<4>>();
}

/// With one inner slot, every call that changes state links or finds a block.
#[test]
fn nobody_waits_for_a_caller_that_links_a_block_of_slots() {
    nobody_waits::<Multi<1>>();
}

#[test]
fn nobody_waits_for_a_caller_that_moves_a_clock() {
    nobody_waits::<Clocks>();
}

/// Decisions on a known key only: `keyed.rs` has the other verbs.
#[test]
fn nobody_waits_for_a_decision_on_a_key() {
    nobody_waits::<Keyed>();
}

/// Its verbs include pausing, resuming, and changing the limits in a pause.
#[test]
fn nobody_waits_for_a_caller_of_a_multi_bucket_that_is_paused() {
    nobody_waits::<Paused<4>>();
}

#[test]
fn nobody_waits_for_a_caller_of_a_multi_bucket_that_is_paused_and_grows() {
    nobody_waits::<Paused<1>>();
}
