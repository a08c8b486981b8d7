//! What the suites of waiting share: buckets on a clock that is moved by hand, and the verbs that
//! both kinds have.
#![allow(dead_code, reason = "every suite uses a part of it")]

use std::time::Duration;

use tollgate::clock::ManualClock;
use tollgate::wait::Estimate;
use tollgate::{Limit, MultiBucket, Never, Refused, Reservation, TokenBucket};

use crate::common::Naive;

pub(crate) fn single(limit: Limit) -> TokenBucket<ManualClock> {
    TokenBucket::with_clock(limit, ManualClock::new()).unwrap()
}

pub(crate) fn multi<const N: usize>(limits: [Limit; N]) -> MultiBucket<N, ManualClock> {
    MultiBucket::with_clock(limits, ManualClock::new()).unwrap()
}

/// One rate of each kind, exact and not, slow and fast, with this capacity.
pub(crate) fn limits_of(capacity: u64) -> impl Iterator<Item = Limit> {
    ["1/s", "5/min", "7/s", "333/s", "1000/s", "1MiB/s", "9/ns", "10/ns", "12.5G/s"]
        .into_iter()
        .map(move |rate| Limit::new(rate.parse().unwrap(), capacity))
}

/// [`common::audit`](crate::common::audit) for instants of use, which are rounded up to whole
/// nanoseconds.
pub(crate) fn audit_at_use(limit: Limit, uses: &mut [(u64, u64)]) -> Result<(), String> {
    let mut model = Naive::new(limit);
    model.precision = model.precision.max(1);
    uses.sort_unstable();
    for (i, (from, _)) in uses.iter().enumerate() {
        let mut used = 0;
        for (to, n) in &uses[i..] {
            used += n;
            if used > model.most_in(to - from) {
                return Err(format!("{limit}: {used} tokens used from {from} to {to} ns"));
            }
        }
    }
    Ok(())
}

/// The verbs of waiting.
pub(crate) trait Waits<const N: usize> {
    fn hand(&self) -> &ManualClock;
    fn take(&self, n: [u64; N]) -> Result<(), Refused<N>>;
    fn up_to(&self, most: u64, each: [u64; N]) -> u64;
    fn put_back(&self, n: [u64; N]);
    fn charge(&self, n: [u64; N]) -> Result<(), Refused<N>>;
    fn reserve(&self, n: [u64; N]) -> Result<Reservation<'_, N>, Refused<N>>;
    fn within(&self, n: [u64; N], max_wait: Duration) -> Result<Reservation<'_, N>, Refused<N>>;
    fn oversized(&self, n: [u64; N]) -> Result<Reservation<'_, N>, Refused<N>>;
    fn estimate(&self, n: [u64; N]) -> Result<Estimate<'_, N>, Refused<N>>;
    fn wait_for(&self, n: [u64; N]) -> Result<Option<Duration>, Never>;
    fn available(&self) -> [u64; N];
    /// Changes of state so far, where they are counted.
    fn changes(&self) -> Option<u64>;
}

impl Waits<1> for TokenBucket<ManualClock> {
    fn hand(&self) -> &ManualClock {
        self.clock()
    }

    fn take(&self, [n]: [u64; 1]) -> Result<(), Refused> {
        self.try_take(n).map(drop)
    }

    fn up_to(&self, most: u64, [each]: [u64; 1]) -> u64 {
        if each == 0 {
            return most;
        }
        let fit = (Self::available(self) / each).min(most);
        self.take_up_to(fit * each) / each
    }

    fn put_back(&self, [n]: [u64; 1]) {
        Self::put_back(self, n);
    }

    fn charge(&self, [n]: [u64; 1]) -> Result<(), Refused> {
        Self::charge(self, n)
    }

    fn reserve(&self, [n]: [u64; 1]) -> Result<Reservation<'_>, Refused> {
        Self::reserve(self, n)
    }

    fn within(&self, [n]: [u64; 1], max_wait: Duration) -> Result<Reservation<'_>, Refused> {
        self.reserve_within(n, max_wait)
    }

    fn oversized(&self, [n]: [u64; 1]) -> Result<Reservation<'_>, Refused> {
        self.reserve_oversized(n)
    }

    fn estimate(&self, [n]: [u64; 1]) -> Result<Estimate<'_>, Refused> {
        Self::estimate(self, n)
    }

    fn wait_for(&self, [n]: [u64; 1]) -> Result<Option<Duration>, Never> {
        Self::wait_for(self, n)
    }

    fn available(&self) -> [u64; 1] {
        [Self::available(self)]
    }

    fn changes(&self) -> Option<u64> {
        None
    }
}

impl<const N: usize> Waits<N> for MultiBucket<N, ManualClock> {
    fn hand(&self) -> &ManualClock {
        self.clock()
    }

    fn take(&self, n: [u64; N]) -> Result<(), Refused<N>> {
        self.try_take(n).map(drop)
    }

    fn up_to(&self, most: u64, each: [u64; N]) -> u64 {
        self.take_items(most, each)
    }

    fn put_back(&self, n: [u64; N]) {
        Self::put_back(self, n);
    }

    fn charge(&self, n: [u64; N]) -> Result<(), Refused<N>> {
        Self::charge(self, n)
    }

    fn reserve(&self, n: [u64; N]) -> Result<Reservation<'_, N>, Refused<N>> {
        Self::reserve(self, n)
    }

    fn within(&self, n: [u64; N], max_wait: Duration) -> Result<Reservation<'_, N>, Refused<N>> {
        self.reserve_within(n, max_wait)
    }

    fn oversized(&self, n: [u64; N]) -> Result<Reservation<'_, N>, Refused<N>> {
        self.reserve_oversized(n)
    }

    fn estimate(&self, n: [u64; N]) -> Result<Estimate<'_, N>, Refused<N>> {
        Self::estimate(self, n)
    }

    fn wait_for(&self, n: [u64; N]) -> Result<Option<Duration>, Never> {
        Self::wait_for(self, n)
    }

    fn available(&self) -> [u64; N] {
        Self::available(self)
    }

    fn changes(&self) -> Option<u64> {
        Some(self.snapshot().sequence())
    }
}
