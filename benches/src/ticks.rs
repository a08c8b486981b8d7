//! Owns the time that a caller supplies. It begins at the present and adds a nanosecond a call; it
//! never reads a clock.

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

/// Returns the time since its first call. A later run begins later, so tokens refill between runs.
pub fn present() -> Duration {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed()
}
