//! Owns the bound: in every window, no more was admitted than `capacity + rate * (window + e)`.
//! Never decides by a float.

use tollgate::Limit;

use crate::Outcome;

/// How far the fullest window is from the bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Audit {
    /// Thousandths of a request by which it exceeds the bound, rounded up. Negative: room was left.
    pub worst_thousandths: i64,
    /// The requests that were checked.
    pub requests: u64,
}

impl Audit {
    /// Checks every window that begins before one admission and ends after another.
    ///
    /// An admission takes one token, at a moment between two readings, in nanoseconds. A window
    /// holds those of which both readings are in it, so each of them took its token in it.
    ///
    /// Any other window holds no more than one of these, which is no longer.
    ///
    /// # Errors
    ///
    /// For a limit that no bucket can have.
    pub fn of(limit: Limit, admissions: impl IntoIterator<Item = (u64, u64)>) -> Outcome<Self> {
        let mut ends: Vec<(u64, u64)> = admissions.into_iter().map(|(before, after)| (after, before)).collect();
        ends.sort_unstable();
        let mut begins: Vec<u64> = ends.iter().map(|(_, before)| *before).collect();
        begins.sort_unstable();
        // In units of 1 / period tokens, so that nothing is rounded.
        let (tokens, period) = (i128::from(limit.rate.tokens()), limit.rate.period().as_nanos() as i128);
        let allowance = i128::from(limit.capacity) * period + tokens * limit.precision()?.as_nanos() as i128;
        // Of each window that begins there: what it holds, and the rate times its beginning.
        let mut held: Vec<i128> = begins.iter().map(|begin| tokens * i128::from(*begin)).collect();
        let mut worst = -allowance;
        for (after, before) in &ends {
            let up_to = begins.partition_point(|begin| begin <= before);
            held[..up_to].iter_mut().for_each(|held| *held += period);
            // Windows that begin later do not hold this one: they were as full when they ended
            // earlier.
            let fullest = held[..up_to].iter().max().copied().unwrap_or_default();
            worst = worst.max(fullest - tokens * i128::from(*after) - allowance);
        }
        let (whole, part) = ((worst * 1000).div_euclid(period), (worst * 1000).rem_euclid(period));
        Ok(Self { worst_thousandths: i64::try_from(whole + i128::from(part > 0))?, requests: ends.len() as u64 })
    }

    /// Returns whether every window is within the bound.
    pub fn holds(&self) -> bool {
        self.worst_thousandths <= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit() -> Limit {
        Limit::per_second(1000).capacity(3)
    }

    /// By the definition: every window is counted anew.
    fn by_definition(admissions: &[(u64, u64)]) -> bool {
        let precision = limit().precision().unwrap().as_nanos() as u64;
        let fits = |begin: u64, end: u64| {
            let held = admissions.iter().filter(|(before, after)| *before >= begin && *after <= end).count() as u64;
            held.saturating_sub(3) * 1_000_000 <= end.saturating_sub(begin) + precision
        };
        admissions.iter().all(|(begin, _)| admissions.iter().all(|(_, end)| fits(*begin, *end)))
    }

    #[test]
    fn one_pass_agrees_with_the_definition() {
        let (mut seed, mut broken) = (7_u64, 0);
        for round in 0..3000 {
            let mut now = 0;
            let mut draw = |below: u64| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed % below
            };
            let mut next = || {
                now += draw(1_900_000);
                (now, now + draw(1_500_000))
            };
            let admissions: Vec<(u64, u64)> = (0..1 + round % 20).map(|_| next()).collect();
            let holds = Audit::of(limit(), admissions.iter().copied()).unwrap().holds();
            assert_eq!(holds, by_definition(&admissions), "{admissions:?}");
            broken += u32::from(!holds);
        }
        assert!((100..2900).contains(&broken), "{broken}");
    }

    #[test]
    fn one_request_too_many_in_one_window_is_found() {
        let mut admissions: Vec<_> = (0..1000).map(|i| (i * 1_000_000, i * 1_000_000 + 10)).collect();
        admissions.extend([(500_000_000, 500_000_010); 2]);
        assert!(Audit::of(limit(), admissions.clone()).unwrap().holds());
        admissions.push((500_000_000, 500_000_010));
        assert!(!Audit::of(limit(), admissions).unwrap().holds());
    }
}
