//! Histories of the crate under shuttle's schedules are linearizable. Composites that are not
//! atomic fail.
//!
//! Shuttle chooses every switch between threads. `check_random` chooses at random. `check_pct`
//! chooses by priorities that change a few times: it finds, with a known probability, all that this
//! many switches reach. A failure prints a schedule for `shuttle::replay`. `HISTORIES` sets how
//! many of each.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use history_tests::case::Case;
use history_tests::history::{Returned, Tickets, is_linearizable, overlaps};
use history_tests::random::Random;
use history_tests::subject::Subject;
use history_tests::subject::shuttled::{Handles, Multi, Word};
use history_tests::wrong::{CheckThenAct, Rollback};
use shuttle::rand::RngCore;
use shuttle::{check_pct, check_random, thread};

/// Returns the number of histories of each kind of schedule.
fn histories() -> usize {
    std::env::var("HISTORIES").map_or(50_000, |histories| histories.parse().expect("HISTORIES is a number"))
}

/// The switches that `check_pct` looks for.
const DEPTH: usize = 3;

/// Runs a case on a new bucket, one thread for each script.
fn run<const N: usize, S: Subject<N>>(case: &Case<N>) -> Vec<Vec<Returned<N>>> {
    let subject = Arc::new(S::new(case.streams));
    let tickets = Arc::new(Tickets::default());
    let scripts = case.scripts.iter().cloned().enumerate();
    let threads: Vec<_> = scripts
        .map(|(thread, script)| {
            let (subject, tickets) = (Arc::clone(&subject), Arc::clone(&tickets));
            thread::spawn(move || tickets.record(&script, subject.caller(thread)))
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// Draws from shuttle's numbers, so that a replayed schedule repeats the calls.
fn random() -> Random {
    Random::new(shuttle::rand::thread_rng().next_u64())
}

/// Prints past libtest's capture, so that a run that passes shows the counts.
fn say(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn every_history_is_linearizable<const N: usize, S: Subject<N>>(name: &str) {
    let overlapping = Arc::new(AtomicUsize::new(0));
    let one = {
        let overlapping = Arc::clone(&overlapping);
        move || {
            let case = Case::random(&mut random());
            let threads = run::<N, S>(&case);
            assert!(is_linearizable(&case, &threads), "not linearizable: {case:#?}\n{threads:#?}");
            overlapping.fetch_add(usize::from(overlaps(&threads)), Relaxed);
        }
    };
    check_random(one.clone(), histories());
    check_pct(one, histories(), DEPTH);
    let (checked, overlapping) = (2 * histories(), overlapping.load(Relaxed));
    say(format_args!("histories: {name} shuttle {checked} checked, {overlapping} with calls that overlap"));
    assert!(overlapping > checked / 4, "hardly any calls were under way at once: {overlapping} of {checked}");
}

#[test]
fn of_a_token_bucket() {
    every_history_is_linearizable::<1, Word>("TokenBucket");
}

#[test]
fn of_a_multi_bucket() {
    every_history_is_linearizable::<2, Multi<4>>("MultiBucket<2>");
}

#[test]
fn of_a_multi_bucket_that_grows() {
    every_history_is_linearizable::<2, Multi<1>>("MultiBucket<2>, growing");
}

#[test]
fn of_handles() {
    every_history_is_linearizable::<2, Handles<4>>("Handle<2>");
}

/// The switch: shuttle schedules the crate's atomics. An inert one shows a single winner.
#[test]
fn either_thread_wins_the_last_token() {
    let winners = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&winners);
    let model = move || {
        let bucket = tollgate_shuttle::MultiBucket::with_clock(
            [tollgate_shuttle::Limit::per_second(1); 2],
            tollgate_shuttle::clock::ManualClock::new(),
        );
        let bucket = Arc::new(bucket.expect("limits in range"));
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1, 1]).is_ok())
        };
        let mine = bucket.try_take([1, 1]).is_ok();
        seen.lock().unwrap().insert((mine, other.join().unwrap()));
    };
    check_random(model, 100);
    assert_eq!(*winners.lock().unwrap(), BTreeSet::from([(true, false), (false, true)]));
}

/// Asserts that the check fails a composite that is right in one thread only.
fn is_found_out<S: Subject<2>>(name: &str) {
    let wrong = Arc::new(AtomicUsize::new(0));
    let one = {
        let wrong = Arc::clone(&wrong);
        move || {
            let case = Case::standing_still(&mut random());
            let alone = case.clone().alone();
            assert!(is_linearizable(&alone, &run::<2, S>(&alone)), "wrong even in one thread: {alone:#?}");
            let threads = run::<2, S>(&case);
            wrong.fetch_add(usize::from(!is_linearizable(&case, &threads)), Relaxed);
        }
    };
    check_random(one, histories());
    let (checked, wrong) = (histories(), wrong.load(Relaxed));
    say(format_args!("histories: {name} shuttle {checked} checked, {wrong} not linearizable, as they should be"));
    assert!(wrong > 0, "{name} passes: the check finds nothing");
}

#[test]
fn a_rollback_is_found_out() {
    is_found_out::<Rollback>("debit with rollback");
}

#[test]
fn a_check_then_act_is_found_out() {
    is_found_out::<CheckThenAct>("check, then act");
}
