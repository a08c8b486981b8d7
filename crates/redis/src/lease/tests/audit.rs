//! Owns the bounds, over every window that begins and ends at a use. Never forgets a use.

use std::collections::VecDeque;
use std::time::Duration;

use tollgate::Limit;
use tollgate::clock::Time;

use super::engine::period;

/// One stream's uses and returns, in the order of time, against both bounds.
///
/// A: used <= C + r*w + returned in the window + outstanding when it began.
/// B: used <= C + r*(w + term) + returned in the window or a term before it.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    limit: Limit,
    term: Duration,
    used: i128,
    returned: i128,
    /// Granted, and neither used nor returned nor lost.
    outstanding: i128,
    /// The returns of the last term.
    returns: VecDeque<(Time, i128)>,
    /// What was returned before those.
    returned_before: i128,
    least_a: i128,
    least_b: i128,
    /// How far the worst window was above its bound, in units; below zero if it kept it.
    pub(super) over_a: i128,
    pub(super) over_b: i128,
}

impl Audit {
    pub(super) fn new(limit: Limit, term: Duration) -> Self {
        Self {
            limit,
            term,
            used: 0,
            returned: 0,
            outstanding: 0,
            returns: VecDeque::new(),
            returned_before: 0,
            least_a: i128::MAX / 4,
            least_b: i128::MAX / 4,
            over_a: i128::MIN / 4,
            over_b: i128::MIN / 4,
        }
    }

    /// Another limit is in force: the larger of both counts.
    pub(super) fn widen(&mut self, limit: Limit) {
        assert_eq!(period(limit), period(self.limit), "both count in one unit");
        if limit.rate.tokens() > self.limit.rate.tokens() {
            self.limit.rate = limit.rate;
        }
        self.limit.capacity = self.limit.capacity.max(limit.capacity);
        (self.least_a, self.least_b) = (i128::MAX / 4, i128::MAX / 4);
    }

    pub(super) fn granted(&mut self, tokens: u64) {
        self.outstanding += i128::from(tokens) * period(self.limit);
    }

    /// A process that held these tokens is gone, or what it gave back.
    pub(super) fn lost(&mut self, tokens: u64) {
        self.outstanding -= i128::from(tokens) * period(self.limit);
    }

    pub(super) fn returned(&mut self, now: Time, tokens: u64) {
        let units = i128::from(tokens) * period(self.limit);
        self.returned += units;
        self.outstanding -= units;
        self.returns.push_back((now, units));
    }

    pub(super) fn used(&mut self, now: Time, tokens: u64) {
        while let Some((_, units)) = self.returns.front().filter(|(at, _)| at.after(self.term) < now) {
            self.returned_before += units;
            self.returns.pop_front();
        }
        let accrued = |time: Duration| i128::from(self.limit.rate.tokens()) * time.as_nanos() as i128;
        let at = accrued(now.since(Time::ZERO));
        self.least_a = self.least_a.min(self.used - at - self.returned + self.outstanding);
        self.least_b = self.least_b.min(self.used - at - self.returned_before + accrued(self.term));
        let units = i128::from(tokens) * period(self.limit);
        self.used += units;
        self.outstanding -= units;
        let capacity = i128::from(self.limit.capacity) * period(self.limit);
        // A window's end may not fall below its start by more than the bound.
        self.over_a = self.over_a.max(self.used - at - self.returned - self.least_a - capacity);
        self.over_b = self.over_b.max(self.used - at - self.returned - self.least_b - capacity);
    }

    /// How far the worst window was above bound B, in tokens.
    pub(super) fn tokens_over_b(&self) -> i128 {
        self.over_b.max(0) / period(self.limit)
    }
}
