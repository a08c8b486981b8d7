//! Owns what was passed on, and what the copy waited for. Never waits itself.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tollgate::Clock;
use tollgate::clock::Time;

use crate::pace::pacer::Stream;

/// What a copy does, or waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// It reads.
    Input,
    /// It waits for a limit.
    Limit(Stream),
    /// It writes.
    Output,
}

impl Phase {
    /// All of them, in the order of [`Reading::spent`].
    pub const ALL: [Self; 4] = [Self::Input, Self::Limit(Stream::Lines), Self::Limit(Stream::Bytes), Self::Output];

    /// Its place in [`Phase::ALL`].
    const fn index(self) -> usize {
        match self {
            Self::Input => 0,
            Self::Limit(Stream::Lines) => 1,
            Self::Limit(Stream::Bytes) => 2,
            Self::Output => 3,
        }
    }
}

/// Counts for the copy, and tells the reporter.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate_cli::pace::meter::{Meter, Phase};
///
/// let clock = ManualClock::new();
/// let meter = Meter::new(&clock);
/// clock.advance(Duration::from_secs(2));
/// meter.enter(Phase::Output);
/// clock.advance(Duration::from_secs(1));
/// meter.count(3, 200);
/// let reading = meter.read();
/// assert_eq!((reading.lines, reading.bytes, reading.elapsed.as_secs()), (3, 200, 3));
/// assert_eq!(reading.spent.map(|time| time.as_secs()), [2, 0, 0, 1]);
/// ```
#[derive(Debug)]
pub struct Meter<C> {
    clock: C,
    start: Time,
    counts: Mutex<Counts>,
    /// Nothing is written any more that is not counted.
    counted: Condvar,
}

/// How long a write that has begun may take until it is left out of the last counts.
const IN_FLIGHT: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Counts {
    lines: u64,
    bytes: u64,
    /// The time in each phase, up to `since`.
    spent: [Duration; 4],
    phase: Phase,
    since: Time,
    /// Whether a write may have taken bytes that are not counted.
    writing: bool,
    held: bool,
}

/// What a meter shows at one instant.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Since the copy began.
    pub elapsed: Duration,
    /// Lines that began in what was written.
    pub lines: u64,
    /// Bytes that were written.
    pub bytes: u64,
    /// The time in each phase, in the order of [`Phase::ALL`].
    pub spent: [Duration; 4],
}

impl<C: Clock> Meter<C> {
    /// Begins now, with reading.
    pub fn new(clock: C) -> Self {
        let start = clock.now();
        let counts = Counts {
            lines: 0,
            bytes: 0,
            spent: [Duration::ZERO; 4],
            phase: Phase::Input,
            since: start,
            writing: false,
            held: false,
        };
        Self { clock, start, counts: Mutex::new(counts), counted: Condvar::new() }
    }

    /// Ends the present phase and begins this one.
    ///
    /// Never returns once the copy is [held](Self::hold).
    pub fn enter(&self, phase: Phase) {
        let now = self.clock.now();
        let mut counts = self.counts();
        while counts.held {
            counts = self.counted.wait(counts).unwrap_or_else(PoisonError::into_inner);
        }
        counts.advance(now);
        counts.phase = phase;
        counts.writing = phase == Phase::Output;
    }

    /// Counts what was written.
    pub fn count(&self, lines: u64, bytes: u64) {
        let mut counts = self.counts();
        counts.lines += lines;
        counts.bytes += bytes;
        counts.writing = false;
        self.counted.notify_all();
    }

    /// Lets the copy begin nothing more, so that what is read next are the last counts.
    ///
    /// A write that has begun is waited for, for 100 ms at most: its reader may not read.
    pub fn hold(&self) {
        let mut counts = self.counts();
        counts.held = true;
        let waited = self.counted.wait_timeout_while(counts, IN_FLIGHT, |counts| counts.writing);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Reads all counts, with the present phase up to now.
    pub fn read(&self) -> Reading {
        let now = self.clock.now();
        let mut counts = self.counts();
        counts.advance(now);
        let Counts { lines, bytes, spent, .. } = *counts;
        Reading { elapsed: now.since(self.start), lines, bytes, spent }
    }

    /// No count is ever half changed, so a panic elsewhere does not matter.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn advance(&mut self, now: Time) {
        self.spent[self.phase.index()] += now.since(self.since);
        self.since = self.since.max(now);
    }
}

impl Reading {
    /// Returns what was counted after `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut spent = self.spent;
        for (time, before) in spent.iter_mut().zip(&earlier.spent) {
            *time = time.saturating_sub(*before);
        }
        Self {
            elapsed: self.elapsed.saturating_sub(earlier.elapsed),
            lines: self.lines - earlier.lines,
            bytes: self.bytes - earlier.bytes,
            spent,
        }
    }

    /// Returns the phase that most of the time went to; `None` if no time passed.
    pub fn busiest(&self) -> Option<Phase> {
        let longest = self.spent.iter().max().filter(|time| !time.is_zero())?;
        Phase::ALL.into_iter().find(|phase| self.spent[phase.index()] == *longest)
    }

    /// Returns the share of the time that the [busiest](Self::busiest) phase took, in percent.
    pub fn share(&self) -> Option<u128> {
        let all: u128 = self.spent.iter().map(Duration::as_nanos).sum();
        let longest = self.spent.iter().max()?.as_nanos();
        (longest * 100).checked_div(all)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::thread;

    use tollgate::clock::InstantClock;

    use super::*;

    #[test]
    fn a_held_copy_writes_nothing_that_is_not_counted() {
        let meter = Arc::new(Meter::new(InstantClock::new()));
        let (written, all) = mpsc::channel();
        let copying = Arc::clone(&meter);
        thread::spawn(move || {
            loop {
                copying.enter(Phase::Output);
                if written.send(()).is_err() {
                    return;
                }
                copying.count(1, 2);
            }
        });
        all.recv().expect("it copies");
        meter.hold();
        let Reading { lines, bytes, .. } = meter.read();
        thread::sleep(Duration::from_millis(20));
        assert_eq!((lines, bytes), (all.try_iter().count() as u64 + 1, 2 * lines));
        assert_eq!(meter.read().lines, lines);
    }

    #[test]
    fn a_write_that_does_not_return_is_not_waited_for() {
        let meter = Meter::new(InstantClock::new());
        meter.count(1, 2);
        meter.enter(Phase::Output);
        meter.hold();
        assert_eq!(meter.read().lines, 1);
    }
}
