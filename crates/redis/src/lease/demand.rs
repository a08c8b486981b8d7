//! Owns how much is used in a second. Never decides how much is held.

use std::time::Duration;

/// How much is used, as a mean in which the past fades.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Demand<const N: usize> {
    /// Tokens a second.
    rates: [f64; N],
}

impl<const N: usize> Demand<N> {
    /// Within what time the past fades to 37 %.
    const FADES_IN: Duration = Duration::from_millis(200);

    pub(super) fn new() -> Self {
        Self { rates: [0.0; N] }
    }

    /// Notes what was used, or refused, in the time since the last look.
    pub(super) fn look(&mut self, used: [u64; N], since: Duration) {
        let since = since.as_secs_f64();
        if since <= 0.0 {
            return;
        }
        let weight = -(-since / Self::FADES_IN.as_secs_f64()).exp_m1();
        for (rate, used) in self.rates.iter_mut().zip(used) {
            *rate += (used as f64 / since - *rate) * weight;
        }
    }

    /// The tokens of each stream that are used within `time`.
    pub(super) fn within(&self, time: Duration) -> [u64; N] {
        self.rates.map(|rate| (rate * time.as_secs_f64()) as u64)
    }
}
