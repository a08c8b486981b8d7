//! Owns what several threads do to one contestant at once: how much in a fixed time, and how long
//! each of their calls takes.

use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use hdrhistogram::Histogram;
use tollgate::Clock;
use tollgate::clock::DefaultClock;

use crate::Contestant;

/// Calls between two looks at whether it is over.
const BATCH: u64 = 64;

/// What was done in a window.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// Nanoseconds for a call, all threads together: half as many if twice as much was done.
    pub nanos: f64,
    pub calls: u64,
    pub granted: u64,
}

/// Lets `threads` threads start together and call until `window` is over, each with a `think` after
/// each call.
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
    // Each thread by its own time: not all of them begin and end at once where there are more of
    // them than cores.
    let rate: f64 = done.iter().map(|(calls, _, time)| *calls as f64 / time.as_nanos() as f64).sum();
    let total = |of: fn(&(u64, u64, Duration)) -> u64| done.iter().map(of).sum();
    Done { nanos: 1.0 / rate, calls: total(|done| done.0), granted: total(|done| done.1) }
}

/// Lets `threads` threads start together and make so many calls in all; how long it was from the
/// first start to the last end.
///
/// # Panics
///
/// If a call is refused.
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

/// The nanoseconds of every single call, the reading of the counter included.
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
                // What recording took belongs to no call.
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

/// A while of the caller's own work, which touches nothing shared.
pub fn think(clock: &DefaultClock, time: Duration) {
    let begun = clock.now();
    while clock.now().since(begun) < time {
        std::hint::spin_loop();
    }
}

/// What the threads made of it, all begun at once and told to stop after `window`.
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

/// The cores that this process may run on.
pub fn cores() -> Vec<core_affinity::CoreId> {
    core_affinity::get_core_ids().unwrap_or_default()
}

/// Where that cannot be asked for, the system's choice is as good.
pub(crate) fn stay_on(core: core_affinity::CoreId) {
    core_affinity::set_for_current(core);
}
