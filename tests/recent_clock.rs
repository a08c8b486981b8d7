//! The recent time: what it shows with an upkeep, without one and after one, and that it is never
//! ahead of the precise clock with which it shares the origin.
#![cfg(feature = "quanta")]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tollgate::clock::{RecentClock, Tiered, Time, TscClock, Upkeep, UpkeepError};
use tollgate::{Clock, Limit, TokenBucket};

/// A process has one upkeep: the tests take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        thread::yield_now();
    }
}

/// Keeps the processor from reading the counter ahead of what comes before this: it holds fewer
/// instructions at once.
fn long_enough_for_the_counter() {
    for i in 0..2000 {
        std::hint::black_box(i);
    }
}

#[test]
fn a_second_upkeep_is_an_error_until_the_first_is_dropped() {
    let _turn = turn();
    let upkeep = Upkeep::start(Duration::from_millis(1)).unwrap();
    assert_eq!(Upkeep::start(Duration::from_millis(1)).unwrap_err(), UpkeepError::AlreadyRuns);
    drop(upkeep);
    drop(Upkeep::start(Duration::ZERO).unwrap());
    // The drop ends the sleep.
    drop(Upkeep::start(Duration::MAX).unwrap());
}

#[test]
fn without_an_upkeep_it_shows_what_the_precise_clock_does() {
    let _turn = turn();
    let precise = TscClock::new();
    let (recent, tiered) = (precise.recent(), Tiered::tsc());
    let bucket = TokenBucket::with_clock(Limit::per_second(1_000_000).empty(), RecentClock::new()).unwrap();
    for _ in 0..1000 {
        let before = precise.now();
        long_enough_for_the_counter();
        let shown = recent.now();
        long_enough_for_the_counter();
        assert!(before <= shown && shown <= precise.now(), "{before:?}, {shown:?}");
    }
    assert_eq!(tiered.rough(), None);
    wait_until("it goes on", || bucket.try_take(1000).is_ok());
}

/// A clock that is made after an upkeep stopped has no reading of it, either.
#[test]
fn an_upkeep_that_stopped_before_the_clock_was_made_counts_as_none() {
    let _turn = turn();
    drop(Upkeep::start(Duration::from_millis(1)).unwrap());
    let (recent, tiered) = (RecentClock::new(), Tiered::tsc());
    let first = recent.now();
    wait_until("it goes on", || recent.now() > first);
    assert_eq!(tiered.rough(), None);
}

#[test]
fn with_an_upkeep_it_goes_on_and_after_it_the_time_stands_and_mints_nothing() {
    let _turn = turn();
    let tiered = Tiered::tsc();
    let recent = tiered.coarse().clone();
    let bucket = TokenBucket::with_clock(Limit::per_second(1_000_000).empty(), &recent).unwrap();
    let upkeep = Upkeep::start(Duration::from_micros(50)).unwrap();
    let first = recent.now();
    wait_until("it goes on", || recent.now() > first);
    wait_until("it refills", || bucket.try_take(1000).is_ok());
    drop(upkeep);
    let last = recent.now();
    while bucket.try_take(1).is_ok() {}
    thread::sleep(Duration::from_millis(5));
    assert_eq!(recent.now(), last);
    assert_eq!(tiered.rough(), Some(last));
    assert!(bucket.try_take(1).is_err());
    // By the tiered clock it goes on, as its precise reading does.
    let bucket = TokenBucket::with_clock(Limit::per_second(1_000_000).empty(), &tiered).unwrap();
    wait_until("it refills", || bucket.try_take(1000).is_ok());
    // One that starts again shows the time that passed, and no more.
    let upkeep = Upkeep::start(Duration::from_millis(1)).unwrap();
    let shown = recent.now();
    long_enough_for_the_counter();
    assert!(last < shown && shown <= tiered.now(), "{last:?}, {shown:?}");
    drop(upkeep);
}

/// Two threads read both for a second, while the upkeep writes as often as it can.
#[test]
fn the_recent_time_is_never_ahead_of_the_precise_clock() {
    let _turn = turn();
    let tiered = Tiered::tsc();
    let _upkeep = Upkeep::start(Duration::ZERO).unwrap();
    let last = Duration::from_millis(if cfg!(miri) { 5 } else { 1000 });
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (started, mut moved) = (Instant::now(), Time::ZERO);
                while started.elapsed() < last {
                    let rough = tiered.rough().expect("the upkeep has written");
                    long_enough_for_the_counter();
                    let now = tiered.now();
                    assert!(rough <= now, "{rough:?} is ahead of {now:?}");
                    moved = moved.max(rough);
                }
                assert!(moved > Time::ZERO);
            });
        }
    });
}
