//! Owns the whole numbers that fields say of a limit. Never a float, and never text.

use std::time::Duration;

use tollgate::Limit;

/// The largest integer of a structured field: 15 digits.
pub(crate) const MOST: u64 = 999_999_999_999_999;

const SECOND: u128 = 1_000_000_000;

/// The numbers of one limit, none of more than 15 digits.
///
/// | number | value, for capacity `C` and `r` tokens a second |
/// |---|---|
/// | window `w` | `max(1, floor(C/r), ceil(1/r))` seconds; none for a rate of 0 |
/// | quota `q` | `max(1, floor(r*w))`; `C` for a rate of 0 |
/// | burst | `C`, unless it is `q` |
///
/// So `q` in any `w` is never above the rate. What has more than 15 digits is cut to less: first
/// the window, then the quota of that window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Terms {
    /// The rate: so many tokens in so many nanoseconds.
    tokens: u128,
    period: u128,
    pub(crate) capacity: u64,
    pub(crate) quota: u64,
    pub(crate) window: Option<u64>,
}

impl Terms {
    /// Works out the numbers; `None` for no limit.
    pub(crate) fn of(limit: Limit) -> Option<Self> {
        if limit.is_unlimited() {
            return None;
        }
        let (tokens, period) = (u128::from(limit.rate.tokens()), limit.rate.period().as_nanos());
        let capacity = limit.capacity.min(MOST);
        let mut terms = Self { tokens, period, capacity, quota: capacity, window: None };
        if tokens > 0 {
            let second = tokens * SECOND; // tokens in `period` seconds
            let to_fill = u128::from(limit.capacity) * period / second;
            let window = to_fill.max(period.div_ceil(second)).clamp(1, MOST.into()) as u64;
            terms.window = Some(window);
            terms.quota = terms.accrued(window).max(1);
        }
        Some(terms)
    }

    /// Returns the capacity, if the quota does not say it.
    pub(crate) fn burst(&self) -> Option<u64> {
        Some(self.capacity).filter(|&capacity| capacity != self.quota)
    }

    /// Returns the tokens that accrue in so many seconds, rounded down.
    fn accrued(&self, seconds: u64) -> u64 {
        let nanos = u128::from(seconds) * SECOND;
        // The whole periods apart: only their product can be too large, and then it is cut.
        let whole = (nanos / self.period).saturating_mul(self.tokens);
        let rest = nanos % self.period * self.tokens / self.period;
        whole.saturating_add(rest).min(MOST.into()) as u64
    }

    /// Returns the seconds in which so many tokens accrue, rounded up; `None` for a rate of 0.
    fn accrual(&self, tokens: u64) -> Option<u128> {
        let second = self.tokens * SECOND;
        (second > 0).then(|| (u128::from(tokens) * self.period).div_ceil(second))
    }

    /// Returns what is available, and in which seconds it is the rate: `r` and `t`.
    ///
    /// With nothing available the seconds are those of one token.
    pub(crate) fn effective(&self, available: u64) -> (u64, Option<u64>) {
        let available = available.min(self.capacity);
        match self.accrual(available.max(1)) {
            None => (available, None),
            Some(seconds) if seconds > MOST.into() => (available.min(self.accrued(MOST)), Some(MOST)),
            Some(seconds) => (available, Some(seconds.max(1) as u64)),
        }
    }

    /// Returns the seconds until all is available again, rounded up; `None` for a rate of 0, unless
    /// all is available.
    pub(crate) fn full_after(&self, available: u64) -> Option<u64> {
        match self.capacity - available.min(self.capacity) {
            0 => Some(0),
            missing => self.accrual(missing).map(|seconds| seconds.min(MOST.into()) as u64),
        }
    }

    /// Returns the seconds until there is one token, rounded up, if all are there after `full_in`;
    /// `None` for a rate of 0.
    pub(crate) fn first_in(&self, full_in: Duration) -> Option<u64> {
        let others = (u128::from(self.capacity) - 1) * self.period; // in shares of a nanosecond
        let nanos = full_in.as_nanos().saturating_sub(others.checked_div(self.tokens)?);
        Some(nanos.div_ceil(SECOND).min(MOST.into()) as u64)
    }
}

/// Returns a wait in whole seconds, rounded up, at least 1 and of at most 15 digits.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add((wait.subsec_nanos() > 0).into()).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tollgate::Rate;

    use super::*;

    proptest! {
        // Any numbers whatever: products of three of them are above 128 bits.
        #[test]
        fn no_limit_overflows_and_no_quota_is_above_the_rate(
            tokens in prop_oneof![0..10_u64, any::<u64>()],
            period in prop_oneof![1..10_u64, 1..u64::MAX],
            capacity in prop_oneof![1..10_u64, 1..u64::MAX],
            available: u64,
        ) {
            let rate = Rate::new(tokens, Duration::from_nanos(period)).expect("a period");
            let terms = Terms::of(Limit::new(rate, capacity)).expect("a limit");
            prop_assert!(terms.quota <= MOST && terms.window.is_none_or(|window| (1..=MOST).contains(&window)));
            let (r, t) = terms.effective(available);
            prop_assert!(r <= available && r <= MOST);
            prop_assert!(terms.full_after(available).is_none_or(|seconds| seconds <= MOST));
            // q / w <= tokens / period, in the integers of both: q * period <= tokens * w * 10^9.
            let within = |amount: u64, seconds: u64| {
                let allowed = u128::from(seconds) * SECOND;
                let whole = (allowed / u128::from(period)).checked_mul(u128::from(tokens));
                let rest = allowed % u128::from(period) * u128::from(tokens) / u128::from(period);
                whole.is_none_or(|whole| u128::from(amount) <= whole + rest)
            };
            if let Some(window) = terms.window {
                prop_assert!(within(terms.quota, window));
                prop_assert!(within(r.max(1), t.expect("as there is a window")));
            }
        }
    }
}
