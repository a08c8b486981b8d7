//! Owns the probe of stalls: what the machine and the runtime lose by standing still. It never
//! judges a figure.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;
use std::time::{Duration, Instant};

use tollgate::wait::Timer;

use crate::case::GRACE;
use crate::runtimes::Runtime;

const SLEEP: Duration = Duration::from_millis(1);

/// Nanoseconds that sleeps of a millisecond were late beyond the grace.
#[derive(Debug, Default)]
struct Lost {
    nanos: AtomicU64,
    is_over: AtomicBool,
}

impl Lost {
    fn add(&self, slept: Duration) {
        self.nanos.fetch_add(slept.saturating_sub(SLEEP + GRACE).as_nanos() as u64, Relaxed);
    }
}

/// A thread and a task that sleep a millisecond again and again.
#[derive(Debug)]
pub(crate) struct Probe {
    started: Instant,
    thread: Arc<Lost>,
    task: Arc<Lost>,
}

/// Shares of a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stalls {
    /// What a thread lost: the machine stood still.
    pub(crate) thread: f64,
    /// What a task lost: the runtime polled late.
    pub(crate) task: f64,
}

impl Probe {
    pub(crate) fn start<R: Runtime>(runtime: &R) -> Self {
        let (thread, task) = (Arc::new(Lost::default()), Arc::new(Lost::default()));
        let lost = thread.clone();
        thread::spawn(move || {
            while !lost.is_over.load(Relaxed) {
                let before = Instant::now();
                thread::sleep(SLEEP);
                lost.add(before.elapsed());
            }
        });
        let lost = task.clone();
        runtime.spawn(async move {
            while !lost.is_over.load(Relaxed) {
                let before = Instant::now();
                R::TIMER.sleep(SLEEP).await;
                lost.add(before.elapsed());
            }
        });
        Self { started: Instant::now(), thread, task }
    }

    pub(crate) fn stop(self) -> Stalls {
        let nanos = self.started.elapsed().as_nanos() as f64;
        let [thread, task] = [self.thread, self.task].map(|lost| {
            lost.is_over.store(true, Relaxed);
            lost.nanos.load(Relaxed) as f64 / nanos
        });
        Stalls { thread, task }
    }
}
