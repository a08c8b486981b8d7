//! Owns the probe of the machine: the cost of sending a cache line to the other core and back. It
//! never judges a figure.
//!
//! On a virtual machine the cost changes by a factor of four to ten, every few seconds: the host
//! moves the two cores. A figure of two threads says little without the probe.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Instant;

use crossbeam_utils::CachePadded;

use crate::threads::{cores, stay_on};

/// The distance of the two cores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Distance {
    /// The cores share a cache.
    Near,
    /// The cores share no cache.
    Far,
}

impl Distance {
    /// The border between the two, in nanoseconds for a round trip.
    ///
    /// Near cores measured 50 to 110, far ones 440 to 460.
    const BORDER: f64 = 220.0;

    pub fn of(round_trip: f64) -> Self {
        if round_trip < Self::BORDER { Self::Near } else { Self::Far }
    }
}

/// Round trips timed together, and chunks of them.
///
/// All take a millisecond at most. A preempted chunk does not move the median.
const TRIPS: u64 = 64;
const CHUNKS: u64 = 16;

/// Measures a round trip of a cache line in nanoseconds; `None` with one core.
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
            // The first trip waits for the other thread to start.
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
