//! Owns what the lessons share: a line of the table, a clock that a script moves, and two threads
//! on one bucket after another. It never judges a peer.
//!
//! Each test in `tests/` is named for a claim of tollgate's. First a peer, at the pinned version,
//! breaks that claim. Then the script runs against tollgate. `cargo test --package lessons` prints
//! the table.

use std::fmt::Display;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tollgate::Clock;
use tollgate::clock::Time;

/// Prints one line of the table, past the test runner's capture.
pub fn lesson(peer: &str, shown: bool, theirs: impl Display, ours: impl Display) {
    let verdict = if shown { "FAULT SHOWN" } else { "NOT SHOWN" };
    line(&format!("lesson {peer}: {verdict}: {theirs}; ours: {ours}"));
}

/// Prints a line of the table for a claim that another test shows.
pub fn later(peer: &str, theirs: impl Display, ours: impl Display) {
    line(&format!("lesson {peer}: LATER: {theirs}; ours: {ours}"));
}

fn line(text: &str) {
    // In one write, so that lines of parallel tests do not mix. A closed pipe is no failure.
    let _ = std::io::stdout().lock().write_all(format!("{text}\n").as_bytes());
}

/// A clock that a script moves, and whose next reader can stall after reading.
///
/// A limiter calls its user only to read the clock. So only there can a script stop it without
/// threads.
#[derive(Default)]
pub struct Hand {
    nanos: AtomicU64,
    stall: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Hand {
    pub fn nanos(&self) -> u64 {
        let reading = self.nanos.load(Ordering::Relaxed);
        let meanwhile = self.stall.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        reading
    }

    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.nanos())
    }

    pub fn set(&self, nanos: u64) {
        self.nanos.store(nanos, Ordering::Relaxed);
    }

    pub fn advance(&self, by: Duration) {
        self.nanos.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }

    /// Stalls the next reader, with its reading, until `meanwhile` has run.
    pub fn stall_next_reader(&self, meanwhile: impl FnOnce() + Send + 'static) {
        *self.stall.lock().unwrap() = Some(Box::new(meanwhile));
    }
}

impl std::fmt::Debug for Hand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hand").field(&self.nanos).finish()
    }
}

impl Clock for Hand {
    fn now(&self) -> Time {
        Time::from_nanos(self.nanos())
    }
}

/// Races two threads on each bucket, three takes each; returns the grants.
pub fn race<B: Sync>(buckets: &[B], take: impl Fn(&B) -> bool + Sync) -> Vec<u32> {
    let granted: Vec<AtomicU32> = buckets.iter().map(|_| AtomicU32::new(0)).collect();
    together(buckets, |_, i, bucket| {
        let mine = (0..3).filter(|_| take(bucket)).count();
        granted[i].fetch_add(mine as u32, Ordering::Relaxed);
    });
    granted.into_iter().map(AtomicU32::into_inner).collect()
}

/// Starts two threads on each bucket together.
///
/// `act` gets the thread, 0 or 1, and the bucket.
pub fn together<B: Sync>(buckets: &[B], act: impl Fn(usize, usize, &B) + Sync) {
    let arrived: Vec<AtomicUsize> = buckets.iter().map(|_| AtomicUsize::new(0)).collect();
    let run = |thread| {
        for (i, bucket) in buckets.iter().enumerate() {
            arrived[i].fetch_add(1, Ordering::Relaxed);
            let mut spins = 0;
            while arrived[i].load(Ordering::Relaxed) < 2 {
                spins += 1;
                // The other thread may have no processor.
                if spins % 4096 == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
            }
            act(thread, i, bucket);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| run(0));
        scope.spawn(|| run(1));
    });
}

/// Formats a share as a percentage with one decimal.
pub fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", part as f64 * 100.0 / whole as f64)
}
