//! Owns the reference: a naive token bucket in exact arithmetic. It never rounds, and has no units.

use tollgate::Limit;

/// A number of tokens: `whole + part / den`, with `part < den`.
///
/// Two of them compare as numbers if they share `den`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Tokens {
    whole: i128,
    part: u128,
}

impl Tokens {
    const fn whole(n: u64) -> Self {
        Self { whole: n as i128, part: 0 }
    }

    fn plus(self, other: Self, den: u128) -> Self {
        let part = self.part + other.part;
        Self { whole: self.whole + other.whole + (part / den) as i128, part: part % den }
    }

    fn minus(self, other: Self, den: u128) -> Self {
        let part = self.part + den - other.part;
        Self { whole: self.whole - other.whole - 1 + (part / den) as i128, part: part % den }
    }
}

/// One stream of a bucket, written from its definition.
///
/// Times are in nanoseconds since construction.
#[derive(Clone, Debug)]
pub(crate) struct Exact {
    /// The rate in lowest terms, `num / den` tokens per nanosecond.
    num: u128,
    den: u128,
    pub(crate) capacity: u64,
    start: u64,
    spent: Tokens,
    /// The bucket's precision in nanoseconds; 0 for an exact one.
    precision: u128,
    /// A time at which the level is not negative.
    ///
    /// More than an idle limit before it, the bucket's counters no longer compare.
    not_in_debt: u64,
    /// A time at which at most the capacity lies above `spent`.
    ///
    /// More than an idle limit after it, the bucket's counters no longer compare.
    not_over_full: u64,
    idle: u64,
    /// The newest time that changed `spent`.
    newest: u64,
}

impl Exact {
    pub(crate) fn new(limit: Limit) -> Self {
        let (tokens, period) = (u128::from(limit.rate.tokens()), limit.rate.period().as_nanos());
        let common = gcd(tokens, period);
        let precision = limit.precision().unwrap().as_nanos();
        let idle = limit.idle_limit().unwrap().as_nanos();
        Self {
            num: tokens / common,
            den: period / common,
            capacity: limit.capacity,
            start: limit.start(),
            spent: Tokens::whole(0),
            precision,
            newest: 0,
            not_in_debt: 0,
            not_over_full: 0,
            idle: u64::try_from(idle).unwrap_or(u64::MAX),
        }
    }

    pub(crate) fn is_exact(&self) -> bool {
        self.precision == 0
    }

    /// Returns the first and the last time at which the bucket's counters compare.
    pub(crate) fn times(&self) -> (u64, u64) {
        (self.not_in_debt.saturating_sub(self.idle), self.not_over_full.saturating_add(self.idle))
    }

    fn produced(&self, nanos: u128) -> Tokens {
        let parts = self.num * nanos;
        Tokens { whole: (parts / self.den) as i128, part: parts % self.den }
    }

    fn accrued(&self, t: u64) -> Tokens {
        Tokens::whole(self.start).plus(self.produced(t.into()), self.den)
    }

    fn floor(&self, t: u64) -> Tokens {
        self.accrued(t).minus(Tokens::whole(self.capacity), self.den)
    }

    pub(crate) fn level(&self, t: u64) -> Tokens {
        self.accrued(t).minus(self.spent.max(self.floor(t)), self.den)
    }

    pub(crate) fn take(&mut self, t: u64, n: u64) {
        if n > 0 {
            self.spent = self.spent.max(self.floor(t)).plus(Tokens::whole(n), self.den);
            self.newest = self.newest.max(t);
            self.not_in_debt = t;
            self.not_over_full = self.not_over_full.max(t);
        }
    }

    pub(crate) fn put_back(&mut self, t: u64, n: u64) {
        let less = self.spent.minus(Tokens::whole(n), self.den);
        self.spent = less.max(self.spent.min(self.floor(t)));
        self.newest = self.newest.max(t);
        if self.spent >= self.floor(t) {
            self.not_over_full = t;
        }
    }

    pub(crate) fn reset(&mut self, t: u64, tokens: u64) {
        (self.newest, self.not_in_debt, self.not_over_full) = (t, t, t);
        self.spent = self.accrued(t).minus(Tokens::whole(tokens.min(self.capacity)), self.den);
    }

    /// Returns the nanoseconds that an answer about `t` may be off.
    ///
    /// It is the precision, once, and again for every 146 years begun up to `t` or the last change:
    /// `Refill` rounds its slope, too.
    pub(crate) fn slack(&self, t: u128) -> u128 {
        self.precision + (self.precision * t.max(self.newest.into())).div_ceil(1 << 62)
    }

    /// Returns the fewest and the most items of `each` tokens that may be available.
    ///
    /// Both are at most `most`. They are equal if the rate is exact.
    pub(crate) fn items(&self, t: u64, each: u64, most: u64) -> (u64, u64) {
        let slack = self.produced(self.slack(t.into()));
        let fit = |level: Tokens| match each {
            0 => most,
            _ => (level.whole.clamp(0, self.capacity.into()) / i128::from(each)).min(most.into()) as u64,
        };
        let level = self.level(t);
        (fit(level.minus(slack, self.den)), fit(level.plus(slack, self.den)))
    }

    /// Returns the nanoseconds until `n` tokens are available, rounded up; `None` for never.
    pub(crate) fn wait(&self, t: u64, n: u64) -> Option<u128> {
        let missing = Tokens::whole(n).minus(self.level(t), self.den);
        if n == 0 || missing <= Tokens::whole(0) {
            return Some(0);
        }
        let parts = missing.whole as u128 * self.den + missing.part;
        (self.num > 0).then(|| parts.div_ceil(self.num))
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}
