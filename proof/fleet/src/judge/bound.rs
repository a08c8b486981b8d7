//! Owns bound B: what a fleet may use in a window. Never decides by a float.

use std::time::Duration;

use tollgate::Limit;

use super::bins::Bins;

/// Milliseconds by which the time of a give-back may be read wrongly.
const MARGIN: u64 = 50;

/// Bound B: in every window of `w`, used <= C + r * (w + term + e) + P.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    limit: Limit,
    term: Duration,
    /// Tokens that threads may be late with: see [`with_threads`](Self::with_threads).
    slack: u64,
}

/// The fullest window of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fullest {
    /// Tokens by which it exceeds the bound, rounded up. Negative: room was left.
    pub over: i64,
    /// Its first millisecond, and the one after its last.
    pub window: (u64, u64),
    /// What was used in it.
    pub used: u64,
}

impl Bound {
    /// Makes the bound of a limit whose leases have this term.
    pub fn new(limit: Limit, term: Duration) -> Self {
        Self { limit, term, slack: 0 }
    }

    /// Grants each of so many threads one token beside its time.
    ///
    /// A thread may be stopped between its look at the clock and its take, and between its take
    /// and its note. Either way it is one token.
    #[must_use]
    pub fn with_threads(self, threads: u64) -> Self {
        Self { slack: threads, ..self }
    }

    /// Returns the slack, in tokens.
    pub fn slack(&self) -> u64 {
        self.slack
    }

    /// Checks every window of whole milliseconds.
    ///
    /// Any other window lies in one of these that is at most 2 ms longer. What was given back from
    /// a term before a window to its end counts as put back, a margin of 50 ms on each side.
    pub fn fullest(&self, used: &Bins, returned: &Bins) -> Fullest {
        let Some((first, last)) = used.span() else { return Fullest { over: i64::MIN, ..Fullest::default() } };
        let (tokens, period) = (i128::from(self.limit.rate.tokens()), self.limit.rate.period().as_nanos() as i128);
        let ms = 1_000_000;
        // All in units of 1 / period tokens, so that nothing is rounded. The last addend is r * e.
        let allowance = (i128::from(self.limit.capacity) + i128::from(self.slack)) * period
            + tokens * self.term.as_nanos() as i128
            + tokens * 1000;
        let term = self.term.as_millis() as u64;
        let accrued = |at: u64| tokens * ms * i128::from(at - first);
        // Used and returned before a millisecond, as it moves.
        let mut used_before = 0_i128;
        let mut back_before_window = Running::new(returned);
        let mut back_before_end = Running::new(returned);
        // The emptiest beginning up to now: what was used before it, less what was given back, less
        // the rate.
        let mut begin = (i128::MAX, first, 0);
        let mut worst = (i128::MIN, Fullest::default());
        for at in first..=last {
            let back = back_before_window.up_to(at.saturating_sub(term + MARGIN));
            let lowest = (used_before - back) * period - accrued(at);
            if lowest < begin.0 {
                begin = (lowest, at, used_before);
            }
            used_before += i128::from(used.between(at, at + 1));
            let back = back_before_end.up_to(at + 1 + MARGIN);
            let highest = (used_before - back) * period - accrued(at + 1);
            let over = highest - begin.0 - allowance;
            if over > worst.0 {
                let used = (used_before - begin.2) as u64;
                worst = (over, Fullest { over: 0, window: (begin.1, at + 1), used });
            }
        }
        let over = worst.0.div_euclid(period) + i128::from(worst.0.rem_euclid(period) > 0);
        Fullest { over: over.clamp(i64::MIN.into(), i64::MAX.into()) as i64, ..worst.1 }
    }
}

/// A sum of tokens that moves along.
struct Running<'a> {
    bins: &'a Bins,
    to: u64,
    sum: i128,
}

impl<'a> Running<'a> {
    fn new(bins: &'a Bins) -> Self {
        Self { bins, to: 0, sum: 0 }
    }

    /// The tokens of all milliseconds before this one, which is not before the last one asked for.
    fn up_to(&mut self, ms: u64) -> i128 {
        self.sum += i128::from(self.bins.between(self.to, ms));
        self.to = self.to.max(ms);
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Duration = Duration::from_millis(100);
    const BEGIN: u64 = 5_000;

    fn limit() -> Limit {
        Limit::per_second(1000).capacity(30)
    }

    /// Tokens at the rate, from a bucket that was full: the first of them at once.
    fn steady(ms: u64) -> Bins {
        (0..ms).map(|at| (BEGIN + at, if at == 0 { 30 } else { 1 })).collect()
    }

    fn over(used: &Bins, returned: &Bins) -> i64 {
        Bound::new(limit(), TERM).fullest(used, returned).over
    }

    #[test]
    fn a_steady_run_leaves_the_room_of_a_term() {
        // 30 at once and 1 a millisecond: the first millisecond counts 1 ms and its 30 tokens.
        assert_eq!(over(&steady(1000), &Bins::default()), -101);
        assert_eq!(over(&Bins::default(), &Bins::default()), i64::MIN);
    }

    #[test]
    fn a_burst_above_the_room_is_found_and_its_window_named() {
        let mut used = steady(1000);
        used.add(BEGIN + 500, 101);
        assert_eq!(over(&used, &Bins::default()), 0);
        used.add(BEGIN + 700, 1);
        let fullest = Bound::new(limit(), TERM).fullest(&used, &Bins::default());
        assert_eq!((fullest.over, fullest.window.0), (1, BEGIN));
        assert!(fullest.window.1 > BEGIN + 700, "{fullest:?}");
        assert_eq!(Bound::new(limit(), TERM).with_threads(1).fullest(&used, &Bins::default()).over, 0);
    }

    #[test]
    fn a_second_burst_of_a_bucket_that_was_refilled_is_found() {
        // A master that starts full after a loss: the capacity comes twice.
        let limit = Limit::per_second(1000).capacity(1000);
        let mut used = steady(2000);
        used.add(BEGIN, 970);
        assert!(Bound::new(limit, TERM).fullest(&used, &Bins::default()).over < 0);
        used.add(BEGIN + 900, 1000);
        assert_eq!(Bound::new(limit, TERM).fullest(&used, &Bins::default()).over, 899);
    }

    #[test]
    fn a_slow_excess_over_a_long_window_is_found() {
        // A tenth more than the rate: after a while it exceeds the room.
        let used: Bins = (0..20_000).map(|at| (BEGIN + at, 1 + u64::from(at % 10 == 0))).collect();
        let fullest = Bound::new(limit(), TERM).fullest(&used, &Bins::default());
        assert_eq!(fullest.over, 2000 - 130);
        let tenth_less: Bins = (0..20_000).map(|at| (BEGIN + at, u64::from(at % 10 != 0))).collect();
        assert!(over(&tenth_less, &Bins::default()) < 0);
    }

    #[test]
    fn what_was_given_back_near_a_window_may_be_used_again_and_elsewhere_not() {
        let mut used = steady(3000);
        used.add(BEGIN + 1500, 150);
        assert_eq!(over(&used, &Bins::default()), 49);
        let back = |at: u64| -> Bins { [(at, 49)].into_iter().collect() };
        assert_eq!(over(&used, &back(BEGIN + 1400)), 0);
        // After the window, and more than a term and the margin before it.
        assert_eq!(over(&used, &back(BEGIN + 1501 + MARGIN)), 49);
        let mut late: Bins = (0..100).map(|at| (BEGIN + at, 1)).collect();
        late.add(BEGIN + 2000, 30 + 1 + 100 + 7);
        assert_eq!(over(&late, &Bins::default()), 7);
        assert_eq!(over(&late, &back(BEGIN + 2000 - 100 - MARGIN)), -42);
        assert_eq!(over(&late, &back(BEGIN + 2000 - 100 - MARGIN - 1)), 7);
    }

    #[test]
    fn one_pass_agrees_with_the_definition() {
        let (mut seed, mut broken) = (11_u64, 0);
        let mut draw = |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        for round in 0..300 {
            let span = 1 + draw(80);
            let uses = 1 + draw(60);
            let used: Bins = (0..uses).map(|_| (BEGIN + draw(span), draw(12))).collect();
            let returned: Bins = (0..draw(4)).map(|_| (BEGIN - 200 + draw(span + 300), draw(9))).collect();
            let (first, last) = used.span().expect("uses");
            let mut worst = i64::MIN;
            for from in first..=last {
                for to in from + 1..=last + 1 {
                    let back = returned.between(from - 100 - MARGIN, to + MARGIN) as i64;
                    let most = 30 + (to - from) as i64 + 100;
                    // The r * e of a microsecond, rounded up, is no whole token.
                    worst = worst.max(used.between(from, to) as i64 - back - most);
                }
            }
            let fullest = Bound::new(limit(), TERM).fullest(&used, &returned);
            assert_eq!(fullest.over, worst, "round {round}: {used:?} {returned:?} {fullest:?}");
            broken += u32::from(worst > 0);
        }
        assert!((20..280).contains(&broken), "{broken}");
    }
}
