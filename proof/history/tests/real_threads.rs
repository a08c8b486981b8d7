//! Histories of the published crate on real threads are linearizable.
//!
//! `HISTORY_SEED` sets the seed, and `HISTORIES` the number of histories. A failure prints the
//! history. Its seed repeats the calls, but not their timing.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::AcqRel, Ordering::Acquire, Ordering::Release};
use std::sync::{Mutex, OnceLock};
use std::thread;

use history_tests::case::Case;
use history_tests::history::{Returned, Tickets, is_linearizable, overlaps};
use history_tests::random::Random;
use history_tests::subject::Subject;
use history_tests::subject::real::{Handles, Multi, Word};

/// Returns the least number of histories, in batches of 1000.
fn histories() -> usize {
    std::env::var("HISTORIES").map_or(20_000, |histories| histories.parse().expect("HISTORIES is a number"))
}

/// Whether a thread has panicked: nobody waits for it any more.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Tells the others if its thread panics.
struct Tell;

impl Drop for Tell {
    fn drop(&mut self) {
        if thread::panicking() {
            PANICKED.store(true, Release);
        }
    }
}

/// A history to come: all its threads begin together.
struct Race<const N: usize, S> {
    case: Case<N>,
    subject: S,
    tickets: Tickets,
    /// Whether threads yield inside calls, so that calls overlap on one core, too.
    polite: bool,
    ready: AtomicUsize,
    threads: Vec<OnceLock<Vec<Returned<N>>>>,
}

impl<const N: usize, S: Subject<N>> Race<N, S> {
    fn random(random: &mut Random) -> Self {
        let case = Case::random(random);
        let threads = case.scripts.iter().map(|_| OnceLock::new()).collect();
        let subject = S::new(case.streams);
        let polite = random.one_in(2);
        Self { case, subject, tickets: Tickets::default(), polite, ready: AtomicUsize::new(0), threads }
    }

    fn run(&self, thread: usize) {
        let Some(script) = self.case.scripts.get(thread) else { return };
        let _tell = Tell;
        let mut caller = self.subject.caller(thread);
        self.ready.fetch_add(1, AcqRel);
        let mut spins = 0;
        while self.ready.load(Acquire) < self.case.scripts.len() {
            assert!(!PANICKED.load(Acquire), "another thread has panicked");
            spins += 1;
            if spins % 1000 == 0 { thread::yield_now() } else { std::hint::spin_loop() }
        }
        let calls = self.tickets.record(script, |call| {
            if self.polite {
                thread::yield_now();
            }
            caller(call)
        });
        assert!(self.threads[thread].set(calls).is_ok(), "each thread runs once");
    }

    /// Checks the history, and returns whether its calls overlapped.
    fn check(self) -> bool {
        let Self { case, threads, .. } = self;
        let threads: Vec<_> = threads.into_iter().map(|calls| calls.into_inner().expect("it has run")).collect();
        assert!(is_linearizable(&case, &threads), "not linearizable: {case:#?}\n{threads:#?}");
        overlaps(&threads)
    }
}

fn every_history_is_linearizable<const N: usize, S: Subject<N>>(name: &str) {
    // One set of threads at a time, since few cores can overlap calls.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let seed = std::env::var("HISTORY_SEED").map_or(1, |seed| seed.parse().expect("HISTORY_SEED is a number"));
    let mut random = Random::new(seed);
    let (mut checked, mut overlapping) = (0, 0);
    while checked < histories() {
        let races: Vec<Race<N, S>> = (0..1000).map(|_| Race::random(&mut random)).collect();
        thread::scope(|scope| {
            for thread in 0..3 {
                let races = &races;
                scope.spawn(move || races.iter().for_each(|race| race.run(thread)));
            }
        });
        checked += races.len();
        overlapping += races.into_iter().map(Race::check).filter(|overlapped| *overlapped).count();
    }
    // Past libtest's capture, so that a run that passes shows the counts.
    let _ = writeln!(
        std::io::stdout(),
        "histories: {name} real threads {checked} checked, {overlapping} with calls that overlap, seed {seed}"
    );
    assert!(overlapping > 0, "no calls were under way at once: nothing has been tested");
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
