//! Owns the count of attempts that changes of limits need beside many takers.

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;
use std::time::{Duration, Instant};

use tollgate::MultiBucket;
use tollgate::clock::{Clock, Time};

use super::limit;

/// So many threads take as fast as they can.
const TAKERS: usize = 16;

thread_local!(static READINGS: Cell<u32> = const { Cell::new(0) });

/// A clock that counts its readings: a change reads it once for each attempt.
struct Counted {
    origin: Instant,
    /// How long a reading takes at least.
    busy: Duration,
}

impl Clock for Counted {
    fn now(&self) -> Time {
        READINGS.set(READINGS.get() + 1);
        let started = Instant::now();
        while started.elapsed() < self.busy {
            std::hint::spin_loop();
        }
        Time::from_nanos(self.origin.elapsed().as_nanos() as u64)
    }
}

/// Counts the attempts of so many changes, beside takers that bring their own times: those publish
/// fastest. Their times are of the clock's beginning, so that they never wait for tokens.
pub(super) fn measure<const N: usize>(changes: usize, busy: Duration) {
    let clock = Counted { origin: Instant::now(), busy };
    let bucket = MultiBucket::with_clock([limit(1_000_000_000); N], clock).expect("good limits");
    let (over, taken) = (AtomicBool::new(false), AtomicU64::new(0));
    let (mut attempts, mut times) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        for _ in 0..TAKERS {
            scope.spawn(|| {
                let mut takes = 0;
                while !over.load(Relaxed) {
                    assert!(bucket.at(Time::ZERO).try_take([1; N]).is_ok(), "refused");
                    takes += 1;
                }
                taken.fetch_add(takes, Relaxed);
            });
        }
        for i in 0..changes {
            READINGS.set(0);
            let started = Instant::now();
            bucket.set_limits([limit(1_000_000_000 + i as u64 % 2); N]).expect("good limits");
            times.push(started.elapsed());
            attempts.push(READINGS.get());
        }
        over.store(true, Relaxed);
    });
    attempts.sort_unstable();
    times.sort_unstable();
    let at = |share: usize| (changes - 1) * share / 1000;
    println!(
        "{N} streams, {TAKERS} takers, {changes} changes, a clock of {busy:?} more: attempts {} (median), {} (999 of \
         1000), {} (most); time {:?}, {:?}, {:?}; {:.1} takes a change",
        attempts[at(500)],
        attempts[at(999)],
        attempts[changes - 1],
        times[at(500)],
        times[at(999)],
        times[changes - 1],
        taken.into_inner() as f64 / changes as f64,
    );
}
