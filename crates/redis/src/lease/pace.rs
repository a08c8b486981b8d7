//! Owns when a trip may be made. Never makes one.

use std::time::Duration;

use tollgate::clock::{ManualClock, Time};
use tollgate::{Limit, TokenBucket};

/// When a trip may be made: at most 20 a second, fewer while the engine does not answer.
#[derive(Debug)]
pub(super) struct Pace {
    /// 17 a second and 3 at once: at most 20 in any second.
    trips: TokenBucket<ManualClock>,
    failures: u32,
    /// While the engine does not answer, no trip before this.
    not_before: Time,
}

impl Pace {
    const FIRST_PAUSE: Duration = Duration::from_millis(50);
    const LONGEST_PAUSE: Duration = Duration::from_millis(500);

    pub(super) fn new(now: Time) -> Self {
        let clock = ManualClock::starting_at(now);
        let limit = Limit::per_second(17).capacity(3);
        let trips = TokenBucket::with_clock(limit, clock).expect("17 a second can be kept");
        Self { trips, failures: 0, not_before: Time::ZERO }
    }

    /// The first instant, at `now` or later, when a trip may be made.
    pub(super) fn next(&self, now: Time) -> Time {
        let wait = self.trips.at(now).wait_for(1).ok().flatten().unwrap_or(Duration::ZERO);
        now.after(wait).max(self.not_before)
    }

    /// Counts a trip that begins now.
    pub(super) fn begin(&mut self, now: Time) {
        // `next` has said that it may be made.
        let _ = self.trips.at(now).try_take(1);
    }

    /// The engine answered.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
        self.not_before = Time::ZERO;
    }

    /// The engine did not answer: the next trip waits, each time twice as long.
    pub(super) fn failed(&mut self, now: Time) {
        let pause = Self::FIRST_PAUSE.saturating_mul(1 << self.failures.min(10));
        self.not_before = now.after(pause.min(Self::LONGEST_PAUSE));
        self.failures += 1;
    }
}
