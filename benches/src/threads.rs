//! Owns runs of several threads on one contestant: throughput, and the time of each call. It never
//! decides what a contestant grants.

use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use hdrhistogram::Histogram;
use tollgate::Clock;
use tollgate::clock::DefaultClock;

use crate::Contestant;

/// Calls between two checks of the end.
const BATCH: u64 = 64;

/// The work of all threads in a window.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// Nanoseconds for a call, all threads together: half as many for twice the calls.
    pub nanos: f64,
    pub calls: u64,
    pub granted: u64,
}

/// Lets `threads` threads start together and call until `window` ends.
///
/// Each thread runs `think` after each call.
pub fn window<C: Contestant>(contestant: &C, threads: usize, window: Duration, think: impl Fn() + Sync) -> Done {
    let work = |stop: &AtomicBool| {
        let mut own = contestant.own();
        let started = Instant::now();
        let (mut calls, mut granted) = (0, 0);
        while !stop.load(Relaxed) {
            for _ in 0..BATCH {
                granted += u64::from(contestant.decide(&mut own));
                think();
            }
            calls += BATCH;
        }
        (calls, granted, started.elapsed())
    };
    let done = together(threads, Some(window), work);
    // Each thread counts by its own time: with more threads than cores they do not begin and end
    // together.
    let rate: f64 = done.iter().map(|(calls, _, time)| *calls as f64 / time.as_nanos() as f64).sum();
    let total = |of: fn(&(u64, u64, Duration)) -> u64| done.iter().map(of).sum();
    Done { nanos: 1.0 / rate, calls: total(|done| done.0), granted: total(|done| done.1) }
}

/// Lets `threads` threads start together and make `calls` calls in all.
///
/// Returns the time from the first start to the last end.
///
/// # Panics
///
/// Panics if a call is refused.
pub fn calls<C: Contestant>(contestant: &C, threads: usize, calls: u64, think: impl Fn() + Sync) -> Duration {
    let share = calls.div_ceil(threads as u64);
    let work = |_: &AtomicBool| {
        let mut own = contestant.own();
        let started = Instant::now();
        let mut granted = 0;
        for _ in 0..share {
            granted += u64::from(contestant.decide(&mut own));
            think();
        }
        assert_eq!(granted, share, "refused");
        (started, Instant::now())
    };
    let done = together(threads, None, work);
    let (first, last) = (done.iter().map(|done| done.0).min(), done.iter().map(|done| done.1).max());
    last.zip(first).map_or(Duration::ZERO, |(last, first)| last - first)
}

/// Records the nanoseconds of every single call, including the reading of the counter.
pub fn latencies<C: Contestant>(contestant: &C, threads: usize, window: Duration) -> Histogram<u64> {
    let clock = quanta::Clock::new();
    let empty = || Histogram::<u64>::new_with_max(60_000_000_000, 3).expect("bounds that can be kept");
    let work = |stop: &AtomicBool| {
        let (mut own, mut seen) = (contestant.own(), empty());
        let mut before = clock.raw();
        while !stop.load(Relaxed) {
            for _ in 0..BATCH {
                std::hint::black_box(contestant.decide(&mut own));
                let after = clock.raw();
                seen.saturating_record(clock.delta_as_nanos(before, after));
                // The time of recording belongs to no call.
                before = clock.raw();
            }
        }
        seen
    };
    together(threads, Some(window), work).into_iter().fold(empty(), |mut all, seen| {
        all.add(seen).expect("the same bounds");
        all
    })
}

/// Spends `time` on work that touches nothing shared.
pub fn think(clock: &DefaultClock, time: Duration) {
    let begun = clock.now();
    while clock.now().since(begun) < time {
        std::hint::spin_loop();
    }
}

/// Runs `work` in threads that start together and stop after `window`; returns the results.
fn together<A: Send>(threads: usize, window: Option<Duration>, work: impl Fn(&AtomicBool) -> A + Sync) -> Vec<A> {
    let stop = CachePadded::new(AtomicBool::new(false));
    let start = Barrier::new(threads + 1);
    let cores = cores();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|i| {
                let (stop, start, work, cores) = (&stop, &start, &work, &cores);
                scope.spawn(move || {
                    if threads <= cores.len() {
                        stay_on(cores[i]);
                    }
                    start.wait();
                    work(stop)
                })
            })
            .collect();
        start.wait();
        if let Some(window) = window {
            std::thread::sleep(window);
        }
        stop.store(true, Relaxed);
        workers.into_iter().map(|worker| worker.join().expect("no contestant panics")).collect()
    })
}

/// Returns the cores that this process may run on.
pub fn cores() -> Vec<core_affinity::CoreId> {
    core_affinity::get_core_ids().unwrap_or_default()
}

/// Pins this thread to `core`. If the system cannot, its own choice will do.
pub(crate) fn stay_on(core: core_affinity::CoreId) {
    core_affinity::set_for_current(core);
}
