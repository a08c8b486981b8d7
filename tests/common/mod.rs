//! What the suites share: an exact bucket in plain sight, the audit of the bound, the verbs of
//! every bucket, and seeded randomness.
#![allow(dead_code, reason = "every suite uses a part of it")]

use std::time::Duration;

use proptest::test_runner::{Config, FileFailurePersistence};
use tollgate::bucket::Handle;
use tollgate::clock::Time;
use tollgate::limit::LimitRule;
use tollgate::{Clock, Limit, MultiBucket, Never, Rate, Refused, TokenBucket};

/// A token bucket in exact arithmetic. Everything is counted in `1 / period` of a token, so nothing
/// is ever rounded.
#[derive(Clone, Debug)]
pub(crate) struct Naive {
    tokens: i128,
    period: i128,
    capacity: i128,
    start: i128,
    spent: i128,
    /// What the bound allows an inexact rate, in nanoseconds; 0 where the rate is exact.
    pub(crate) precision: i128,
}

impl Naive {
    pub(crate) fn new(limit: Limit) -> Self {
        let (tokens, period) = (i128::from(limit.rate.tokens()), limit.rate.period().as_nanos() as i128);
        let capacity = i128::from(limit.capacity) * period;
        let precision = limit.precision().unwrap().as_nanos() as i128;
        Self { tokens, period, capacity, start: if limit.starts_full { capacity } else { 0 }, spent: 0, precision }
    }

    fn accrued(&self, t: u64) -> i128 {
        self.start + self.tokens * i128::from(t)
    }

    fn floor(&self, t: u64) -> i128 {
        self.accrued(t) - self.capacity
    }

    pub(crate) fn level(&self, t: u64) -> i128 {
        self.accrued(t) - self.spent.max(self.floor(t))
    }

    pub(crate) fn take(&mut self, t: u64, n: u64) {
        if n > 0 {
            self.spent = self.spent.max(self.floor(t)) + i128::from(n) * self.period;
        }
    }

    pub(crate) fn put_back(&mut self, t: u64, n: u64) {
        let n = i128::from(n) * self.period;
        self.spent = (self.spent - n).max(self.spent.min(self.floor(t)));
    }

    /// What is owed, in tokens, rounded up.
    pub(crate) fn owed(&self, t: u64) -> u64 {
        ((-self.level(t)).max(0) as u128).div_ceil(self.period as u128) as u64
    }

    /// Nanoseconds until `n` tokens are there, rounded up; `None` for never.
    pub(crate) fn wait(&self, t: u64, n: u64) -> Option<i128> {
        let missing = i128::from(n) * self.period - self.level(t);
        match () {
            () if n == 0 || missing <= 0 => Some(0),
            () if self.tokens == 0 => None,
            () => Some((missing + self.tokens - 1) / self.tokens),
        }
    }

    /// The fewest and the most whole items of `each` tokens that may be had: the same number if the
    /// rate is exact. Otherwise they are as far apart as the precision, and by `newest` the line
    /// may have fallen behind by as much again for every 2^63 ns, 292 years.
    pub(crate) fn items(&self, t: u64, newest: u64, each: u64, most: u64) -> (u64, u64) {
        let precision = self.precision * self.tokens;
        let slack = precision + ((precision * i128::from(newest)) >> 63);
        let fit = |level: i128| match each {
            0 => most,
            _ => (level.clamp(0, self.capacity) / (i128::from(each) * self.period)).min(i128::from(most)) as u64,
        };
        (fit(self.level(t) - slack), fit(self.level(t) + slack))
    }

    /// The most tokens that the bound allows in a window of `w` nanoseconds, rounded down.
    pub(crate) fn most_in(&self, w: u64) -> u64 {
        ((self.capacity + self.tokens * (i128::from(w) + self.precision)) / self.period) as u64
    }
}

/// The bound of DESIGN section 1 over every window of every length, for grants of `(time, tokens)`
/// and no put-backs: between any two of them, `granted <= capacity + rate * (window + precision)`.
/// The worst window that ends at a grant begins where `granted - accrued` was least.
pub(crate) fn audit(limit: Limit, grants: &mut [(u64, u64)]) -> Result<(), String> {
    grants.sort_unstable();
    let model = Naive::new(limit);
    let (mut sum, mut least) = (0, i128::MAX);
    for &(at, n) in &*grants {
        let accrued = model.tokens * i128::from(at);
        least = least.min(sum - accrued);
        sum += i128::from(n) * model.period;
        let over = (sum - accrued - least) - (model.capacity + model.tokens * model.precision);
        if over > 0 {
            return Err(format!("{limit}: {over}/{} tokens too many in a window that ends at {at} ns", model.period));
        }
    }
    Ok(())
}

/// The largest capacity at this rate.
pub(crate) fn most(rate: Rate) -> u64 {
    match Limit::new(rate, u64::MAX).check().unwrap_err().rule {
        LimitRule::CapacityTooLarge { most } => most,
        rule => panic!("{rate}: {rule:?}"),
    }
}

/// What one caller can do with a bucket of any kind, at a time that it supplies.
pub(crate) trait Verbs<const N: usize> {
    fn try_take(&mut self, now: Time, amounts: [u64; N]) -> Result<(), Refused<N>>;
    fn take_up_to(&mut self, now: Time, max: u64, per_item: [u64; N]) -> u64;
    fn put_back(&mut self, now: Time, amounts: [u64; N]);
    fn available(&self, now: Time) -> [u64; N];
    fn wait_for(&self, now: Time, amounts: [u64; N]) -> Result<Option<Duration>, Never>;
}

impl<C: Clock> Verbs<1> for &TokenBucket<C> {
    fn try_take(&mut self, now: Time, [n]: [u64; 1]) -> Result<(), Refused> {
        self.at(now).try_take(n).map(drop)
    }

    fn take_up_to(&mut self, now: Time, max: u64, [each]: [u64; 1]) -> u64 {
        // One stream has no items of several tokens: it takes what makes whole ones, which is right
        // if nobody else takes.
        if each == 0 {
            return max;
        }
        let fit = (self.at(now).available() / each).min(max);
        self.at(now).take_up_to(fit * each) / each
    }

    fn put_back(&mut self, now: Time, [n]: [u64; 1]) {
        self.at(now).put_back(n);
    }

    fn available(&self, now: Time) -> [u64; 1] {
        [self.at(now).available()]
    }

    fn wait_for(&self, now: Time, [n]: [u64; 1]) -> Result<Option<Duration>, Never> {
        self.at(now).wait_for(n)
    }
}

impl<const N: usize, C: Clock, const S: usize> Verbs<N> for &MultiBucket<N, C, S> {
    fn try_take(&mut self, now: Time, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.at(now).try_take(amounts).map(drop)
    }

    fn take_up_to(&mut self, now: Time, max: u64, per_item: [u64; N]) -> u64 {
        self.at(now).take_items(max, per_item)
    }

    fn put_back(&mut self, now: Time, amounts: [u64; N]) {
        self.at(now).put_back(amounts);
    }

    fn available(&self, now: Time) -> [u64; N] {
        self.at(now).available()
    }

    fn wait_for(&self, now: Time, amounts: [u64; N]) -> Result<Option<Duration>, Never> {
        self.at(now).wait_for(amounts)
    }
}

/// A handle for what changes state, and its bucket for what only reads.
pub(crate) struct Producer<'a, const N: usize, C, const S: usize>(
    pub(crate) Handle<'a, N, C, S>,
    pub(crate) &'a MultiBucket<N, C, S>,
);

impl<const N: usize, C: Clock, const S: usize> Verbs<N> for Producer<'_, N, C, S> {
    fn try_take(&mut self, now: Time, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.0.at(now).try_take(amounts).map(drop)
    }

    fn take_up_to(&mut self, now: Time, max: u64, per_item: [u64; N]) -> u64 {
        self.0.at(now).take_items(max, per_item)
    }

    fn put_back(&mut self, now: Time, amounts: [u64; N]) {
        self.0.at(now).put_back(amounts);
    }

    fn available(&self, now: Time) -> [u64; N] {
        self.1.at(now).available()
    }

    fn wait_for(&self, now: Time, amounts: [u64; N]) -> Result<Option<Duration>, Never> {
        self.1.at(now).wait_for(amounts)
    }
}

/// Random numbers (SplitMix64) for threads, which proptest does not reach; the seed belongs into
/// the failure message.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

pub(crate) fn nanos(nanos: u64) -> Time {
    Time::from_nanos(nanos)
}

/// Seeds that failed are kept in `file`, to be committed.
pub(crate) fn config(cases: u32, file: &'static str) -> Config {
    Config { cases, failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file))), ..Config::default() }
}
