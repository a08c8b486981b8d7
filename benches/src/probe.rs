//! Owns the probe of the machine: what it costs to send a line of the cache to the other core and
//! back.
//!
//! On a virtual machine that changes by a factor of four to ten, every few seconds, with where the
//! host runs the two cores. A figure of two threads says little without it.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Instant;

use crossbeam_utils::CachePadded;

use crate::threads::{cores, stay_on};

/// How far the cores are from each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Distance {
    /// They share a cache.
    Near,
    /// They do not.
    Far,
}

impl Distance {
    /// Nanoseconds there and back that lie between the two: the one is seen at 50 to 110, the other
    /// at 440 to 460.
    const BORDER: f64 = 220.0;

    pub fn of(round_trip: f64) -> Self {
        if round_trip < Self::BORDER { Self::Near } else { Self::Far }
    }
}

/// So many round trips are timed together, and so often: a millisecond at most, and what preempts
/// one chunk does not move the median.
const TRIPS: u64 = 64;
const CHUNKS: u64 = 16;

/// Nanoseconds that a line takes to the other core and back; `None` where there is no other core.
pub fn round_trip() -> Option<f64> {
    let [here, there, ..] = cores()[..] else { return None };
    let line = CachePadded::new(AtomicU64::new(0));
    let await_value = |value| while line.load(Acquire) != value {};
    let mut chunks: Vec<f64> = std::thread::scope(|scope| {
        scope.spawn(|| {
            stay_on(there);
            for trip in 0..=TRIPS * CHUNKS {
                await_value(2 * trip + 1);
                line.store(2 * trip + 2, Release);
            }
        });
        let timed = scope.spawn(|| {
            stay_on(here);
            let travel = |trip: u64| {
                line.store(2 * trip + 1, Release);
                await_value(2 * trip + 2);
            };
            // The first trip waits for the other thread to be there.
            travel(0);
            let chunk = |chunk: u64| {
                let started = Instant::now();
                (chunk * TRIPS + 1..=(chunk + 1) * TRIPS).for_each(travel);
                started.elapsed().as_nanos() as f64 / TRIPS as f64
            };
            (0..CHUNKS).map(chunk).collect()
        });
        timed.join().expect("it only counts")
    });
    chunks.sort_by(f64::total_cmp);
    Some(chunks[chunks.len() / 2])
}
