//! Owns the time of a run. As the clock of a bucket, it keeps the reading that decided.

use std::cell::Cell;
use std::time::Instant;

use tollgate::clock::{Clock, Time};

thread_local!(static READ: Cell<u64> = const { Cell::new(u64::MAX) });

/// Nanoseconds since the run began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn nanos(self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }

    /// Runs `poll`. Returns the last reading by a bucket meanwhile, if there was one.
    pub(crate) fn last_reading<R>(poll: impl FnOnce() -> R) -> (R, Option<u64>) {
        READ.set(u64::MAX);
        let result = poll();
        (result, Some(READ.get()).filter(|read| *read < u64::MAX))
    }
}

impl Clock for Stopwatch {
    fn now(&self) -> Time {
        let nanos = self.nanos();
        READ.set(nanos);
        Time::from_nanos(nanos)
    }
}
