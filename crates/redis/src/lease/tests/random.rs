//! Owns the random numbers of a simulation: SplitMix64. Equal seeds never give different numbers.

use std::time::Duration;

/// How often a simulation runs: as often as is usual, times `TOLLGATE_LEASE_RUNS` if that is set.
pub(super) fn runs(usual: u64) -> u64 {
    let times = std::env::var("TOLLGATE_LEASE_RUNS").ok().and_then(|times| times.parse().ok());
    usual * times.unwrap_or(1)
}

#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// Whether something happens that happens so often in a million times.
    pub(super) fn happens(&mut self, in_a_million: u64) -> bool {
        self.below(1_000_000) < in_a_million
    }

    pub(super) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        from + Duration::from_nanos(self.below((to - from).as_nanos() as u64 + 1))
    }

    /// A time between two arrivals that nobody foresees.
    pub(super) fn gap(&mut self, mean: Duration) -> Duration {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        mean.mul_f64(-(1.0 - unit).ln())
    }
}
