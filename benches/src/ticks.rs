//! Owns the time that a caller supplies: it begins at the present and goes on by a nanosecond a
//! call, without a clock.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tollgate::clock::Time;

/// A thread's own time, as a counter.
#[derive(Debug)]
pub struct Ticks(u64);

impl Ticks {
    pub fn begin() -> Self {
        Self(black_box(present().as_nanos() as u64))
    }

    #[inline(always)]
    pub fn nanos(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }

    #[inline(always)]
    pub fn time(&mut self) -> Time {
        Time::from_nanos(self.nanos())
    }
}

/// Time since it was first asked for. A later run begins later, so that what is earned by time is
/// earned.
pub fn present() -> Duration {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed()
}
