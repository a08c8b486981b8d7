//! Owns the exact model of one stream, in wide integers: what accrued, and what the word should be.

use std::vec;
use std::vec::Vec;

use crate::limit::limit::Limit;

/// A token in the model. Every rate of the tests is a whole number of these a nanosecond.
pub(super) const TOKEN: i128 = 2 * 2 * 3 * 5 * 7;

/// One stream, as the design describes it.
#[derive(Clone, Debug)]
pub(super) struct Exact {
    /// From when on, what had accrued by then, and how much accrues each nanosecond.
    bends: Vec<(u64, i128, i128)>,
    pub(super) capacity: i128,
    pub(super) spent: i128,
    /// The fastest rate that there was.
    pub(super) fastest: i128,
    /// The largest capacity that there was.
    pub(super) largest: i128,
    /// How far a word may be off, because of rates and changes that are rounded.
    pub(super) slop: i128,
}

pub(super) fn slope(limit: &Limit) -> i128 {
    let (num, den) = limit.rate.reduced();
    assert_eq!(TOKEN % i128::from(den), 0, "a rate that the model cannot hold");
    i128::from(num) * TOKEN / i128::from(den)
}

impl Exact {
    pub(super) fn new(limit: &Limit) -> Self {
        let (slope, capacity) = (slope(limit), i128::from(limit.capacity) * TOKEN);
        let spent = -i128::from(limit.start()) * TOKEN;
        let bends = vec![(0, 0, slope)];
        Self { bends, capacity, spent, fastest: slope, largest: capacity, slop: 0 }
    }

    pub(super) fn accrued(&self, t: u64) -> i128 {
        let (from, before, slope) = *self.bends.iter().rev().find(|bend| bend.0 <= t).expect("the first is at 0");
        before + slope * i128::from(t - from)
    }

    pub(super) fn slope(&self) -> i128 {
        self.bends.last().expect("the first").2
    }

    pub(super) fn bend(&mut self, t: u64, slope: i128) {
        let accrued = self.accrued(t);
        self.bends.retain(|bend| bend.0 < t);
        self.bends.push((t, accrued, slope));
        self.fastest = self.fastest.max(slope);
    }

    pub(super) fn level(&self, t: u64) -> i128 {
        self.accrued(t) - self.spent
    }

    /// What may lie unused before an amount is served.
    pub(super) fn ceiling(&self, n: i128, late: u64) -> i128 {
        self.capacity.max(n) + self.slope() * i128::from(late + 1)
    }

    /// Forgets what lies above `ceiling`, then spends `n`.
    pub(super) fn spend(&mut self, t: u64, ceiling: i128, n: i128) {
        self.spent = self.spent.max(self.accrued(t) - ceiling) + n;
    }

    /// A debt comes back whole, also if it is more than the capacity.
    pub(super) fn put_back(&mut self, t: u64, n: i128) {
        let full = self.accrued(t) - self.capacity;
        self.spent = (self.spent - n).max(self.spent.min(full));
    }
}
