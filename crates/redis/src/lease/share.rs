//! Owns how much one grant may be while tokens are scarce. Never asks for it.

use std::time::Duration;

use tollgate::Rate;

/// How much one grant may be while tokens are scarce, as the time in which the fleet accrues it.
///
/// After each answer it grows by a fixed step, and shrinks by a part that is the larger the longer
/// the wait that the engine promised. It rests where both are equal: at 7 ms times (50 ms / wait)
/// squared. All processes see the same queue at the engine, so all shares become equal, whatever
/// their demand and their past: 59 ms each of one process, 4 ms of 16.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Share {
    time: Duration,
}

impl Share {
    const MOST: Duration = Duration::from_millis(100);
    const STEP: Duration = Duration::from_micros(2400);
    /// At this wait, 15 % goes.
    const WAIT: Duration = Duration::from_millis(70);

    pub(super) fn new() -> Self {
        Self { time: Self::MOST }
    }

    /// The engine promised something after this wait.
    pub(super) fn promised(&mut self, wait: Duration) {
        let wait = wait.as_secs_f64() / Self::WAIT.as_secs_f64();
        let part = (wait.powi(4) * 0.15).min(0.75);
        self.time = (self.time.mul_f64(1.0 - part) + Self::STEP).min(Self::MOST);
    }

    /// The engine had not even what was needed: its queue is full.
    pub(super) fn refused(&mut self) {
        self.promised(Self::MOST);
    }

    /// The tokens that accrue in the time of a share, rounded up.
    pub(super) fn tokens(&self, rate: Rate) -> u64 {
        accrued(rate, self.time).saturating_add(1)
    }
}

/// The whole tokens that accrue at `rate` within `time`.
pub(super) fn accrued(rate: Rate, time: Duration) -> u64 {
    let period = rate.period().as_nanos().max(1);
    let tokens = u128::from(rate.tokens()).saturating_mul(time.as_nanos()) / period;
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

/// How long so many tokens take to accrue at `rate`.
pub(super) fn time_of(rate: Rate, tokens: u64) -> Duration {
    let nanos = rate.period().as_nanos().saturating_mul(u128::from(tokens)) / u128::from(rate.tokens().max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
