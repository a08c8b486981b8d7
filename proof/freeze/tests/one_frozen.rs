//! A thread that is stopped for good, at any point of any verb, stops nobody and keeps nothing but
//! what it holds.
//!
//! Fails where another thread would wait for it, and if a call that is woken late acts on what it
//! saw before.

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

/// With one slot inside, every call that changes state links the first block, or finds one that
/// another thread links.
#[test]
fn nobody_waits_for_a_caller_that_links_a_block_of_slots() {
    nobody_waits::<Multi<1>>();
}

#[test]
fn nobody_waits_for_a_caller_that_moves_a_clock() {
    nobody_waits::<Clocks>();
}

/// Of those that decide on a known key; the others are in `keyed.rs`.
#[test]
fn nobody_waits_for_a_decision_on_a_key() {
    nobody_waits::<Keyed>();
}

/// Pausing, resuming and changing the limits in a pause are among its verbs.
#[test]
fn nobody_waits_for_a_caller_of_a_multi_bucket_that_is_paused() {
    nobody_waits::<Paused<4>>();
}

#[test]
fn nobody_waits_for_a_caller_of_a_multi_bucket_that_is_paused_and_grows() {
    nobody_waits::<Paused<1>>();
}
