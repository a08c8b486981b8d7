//! Owns the live display of both rates against their limits. It never makes a producer wait.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tollgate::{Limit, MultiBucket};

use crate::STREAMS;

/// The time between two drawings, and the time that each rate is taken over.
const INTERVAL: Duration = Duration::from_millis(250);

/// The granted tokens of one producer, on a cache line of its own.
///
/// Only that producer writes it.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Admitted([AtomicU64; 2]);

impl Admitted {
    pub(crate) fn add(&self, amounts: [u64; 2]) {
        for (count, amount) in self.0.iter().zip(amounts) {
            // ORDERING: Relaxed. The display reads a number; it orders no other memory.
            count.fetch_add(amount, Relaxed);
        }
    }
}

/// A bar for each stream, on stderr if stderr is a terminal.
pub(crate) struct Display<'a> {
    limits: [Limit; 2],
    bucket: &'a MultiBucket<2>,
    admitted: &'a [Admitted],
    screen: MultiProgress,
}

impl<'a> Display<'a> {
    pub(crate) fn new(limits: [Limit; 2], bucket: &'a MultiBucket<2>, admitted: &'a [Admitted]) -> Self {
        Self { limits, bucket, admitted, screen: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()) }
    }

    pub(crate) fn is_visible(&self) -> bool {
        !self.screen.is_hidden()
    }

    /// Draws until the other end of `stop` is dropped, then clears the display.
    pub(crate) fn run(&self, stop: &Receiver<()>) {
        let style = ProgressStyle::with_template("{prefix:>8} [{bar:40}] {msg}").expect("a valid template");
        let bars: Vec<ProgressBar> = (0..2)
            .map(|stream| {
                let full = per_second(self.limits[stream]).ceil() as u64;
                self.screen.add(ProgressBar::new(full).with_style(style.clone()).with_prefix(STREAMS[stream]))
            })
            .collect();
        let mut before = (Instant::now(), self.totals());
        while let Err(RecvTimeoutError::Timeout) = stop.recv_timeout(INTERVAL) {
            let now = (Instant::now(), self.totals());
            let left = self.bucket.snapshot().available();
            let seconds = (now.0 - before.0).as_secs_f64();
            for (stream, bar) in bars.iter().enumerate() {
                let rate = ((now.1[stream] - before.1[stream]) as f64 / seconds).round() as u64;
                bar.set_position(rate.min(bar.length().unwrap_or(rate)));
                let (rate, left, limit) = (HumanCount(rate), HumanCount(left[stream]), self.limits[stream].rate);
                bar.set_message(format!("{rate}/s of {limit}, {left} in the bucket"));
            }
            before = now;
        }
        for bar in bars {
            bar.finish_and_clear();
        }
    }

    fn totals(&self) -> [u64; 2] {
        // ORDERING: Relaxed. A display may be a moment behind.
        [0, 1].map(|stream| self.admitted.iter().map(|producer| producer.0[stream].load(Relaxed)).sum())
    }
}

/// Returns a limit's rate in tokens a second, for display.
pub(crate) fn per_second(limit: Limit) -> f64 {
    limit.rate.tokens() as f64 / limit.rate.period().as_secs_f64()
}
