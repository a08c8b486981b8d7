//! Owns the audit: every window of a recorded run against the bound, in whole numbers. It never
//! knows how the run was recorded.
//!
//! A window holds all grants between two decision times, both included. The bound of a stream is
//! `granted <= C + r * (w + e) + P`. Sort the grants by decision time. Let `S_j` be the tokens of
//! the first `j` grants, and `t_j` the time of the last of them. One running minimum finds the
//! worst window that ends with grant `j`:
//!
//! ```text
//! excess = max over j of ( S_j - r t_j - min over i <= j of ( S_(i-1) - r t_i ) ) - C - r e
//! ```
//!
//! Grants of one decision time may be in any order: the bound holds for a part of a window's
//! grants, too.
//!
//! `P` is what was put back between the window's first and last grant, in the order of changes to
//! the bucket's word. That order is not recorded, so a put-back counts for every window that may
//! hold it. A change lies between the readings before and after its call. So two kinds of put-backs
//! were outside: one that ended before `t_i`, and one that began after all grants up to `j` had
//! ended. All others count:
//!
//! ```text
//! P(i, j) <= put back by calls that began by the time that grants 1 to j were over  -  put back by calls that were over before t_i
//! ```
//!
//! The first term depends on `j` alone, and the second on `i` alone. So one running minimum
//! suffices.

/// A call that granted tokens, or put them back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    /// The reading of the clock that the call was decided on, made before it.
    pub at: u64,
    /// A reading made after the call; ignored without put-backs.
    pub over: u64,
    pub tokens: u64,
}

/// A stream of `num / den` tokens a nanosecond.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound {
    pub num: u64,
    pub den: u64,
    pub capacity: u64,
    /// `e`, in nanoseconds.
    pub precision: u64,
}

/// The assumed skew between processors' readings, in nanoseconds.
///
/// It serves to place a put-back among grants. The bound itself holds for any skew. A generous
/// value lets a few more put-backs count.
pub const SKEW: u64 = 10_000;

/// The result of an audit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    pub windows: u128,
    /// The excess of the worst window over the bound, in units of `1 / den` tokens.
    ///
    /// It is at most 0 if the bound held.
    pub excess: i128,
}

/// Audits every window of these grants; `None` without a grant. It sorts its arguments.
pub fn audit(bound: Bound, grants: &mut [Call], put_backs: &mut [Call]) -> Option<Verdict> {
    let Bound { num, den, capacity, precision } = bound;
    let tokens = |tokens: u64| i128::from(tokens) * i128::from(den);
    let accrued = |nanos: u64| i128::from(nanos) * i128::from(num);

    grants.sort_unstable_by_key(|grant| grant.at);
    let mut ends: Vec<_> = put_backs.iter().map(|call| (call.over, call.tokens)).collect();
    ends.sort_unstable();
    put_backs.sort_unstable_by_key(|call| call.at);
    let mut begun = Prefix::new(put_backs.iter().map(|call| (call.at, call.tokens)));
    let mut ended = Prefix::new(ends.into_iter());

    let (mut granted, mut all_over) = (0, 0);
    let mut least = i128::MAX;
    let mut worst = None;
    for grant in &*grants {
        let before = granted - accrued(grant.at) - tokens(ended.before(grant.at.saturating_sub(SKEW)));
        least = least.min(before);
        granted += tokens(grant.tokens);
        all_over = grant.over.max(all_over);
        let after = granted - accrued(grant.at) - tokens(begun.before(all_over.saturating_add(SKEW)));
        worst = worst.max(Some(after - least));
    }
    let n = grants.len() as u128;
    Some(Verdict { windows: n * (n + 1) / 2, excess: worst? - tokens(capacity) - accrued(precision) })
}

/// Running totals, read at times that never go back.
struct Prefix<I: Iterator<Item = (u64, u64)>> {
    rest: std::iter::Peekable<I>,
    total: u64,
}

impl<I: Iterator<Item = (u64, u64)>> Prefix<I> {
    fn new(sorted: I) -> Self {
        Self { rest: sorted.peekable(), total: 0 }
    }

    /// Returns all tokens with a time before `end`.
    fn before(&mut self, end: u64) -> u64 {
        while let Some((_, tokens)) = self.rest.next_if(|(time, _)| *time < end) {
            self.total += tokens;
        }
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// A token every 2 ns, and a burst of 5.
    const BOUND: Bound = Bound { num: 1, den: 2, capacity: 5, precision: 0 };

    fn call(at: u64, tokens: u64) -> Call {
        Call { at, over: at, tokens }
    }

    fn excess(grants: &mut [Call], put_backs: &mut [Call]) -> i128 {
        audit(BOUND, grants, put_backs).unwrap().excess
    }

    #[test]
    fn a_burst_and_what_accrues_is_no_excess() {
        let mut grants: Vec<_> = [(0, 5), (2, 1), (4, 1), (11, 3)].map(|(at, tokens)| call(at, tokens)).to_vec();
        assert_eq!(audit(BOUND, &mut grants, &mut []), Some(Verdict { windows: 10, excess: 0 }));
    }

    #[test]
    fn one_token_too_many_is_found_wherever_it_is() {
        for planted in 0..100 {
            // As fast as allowed: a token every 2 ns after the burst.
            let mut grants: Vec<_> = std::iter::once(call(0, 5)).chain((1..100).map(|i| call(2 * i, 1))).collect();
            assert_eq!(excess(&mut grants, &mut []), 0);
            grants[planted].tokens += 1;
            assert_eq!(excess(&mut grants, &mut []), 2, "planted at {planted}");
        }
    }

    #[test]
    fn a_token_a_nanosecond_too_early_is_found() {
        assert_eq!(excess(&mut [call(100, 5), call(101, 1)], &mut []), 1);
        assert_eq!(
            audit(Bound { precision: 1, ..BOUND }, &mut [call(100, 5), call(101, 1)], &mut []).unwrap().excess,
            0
        );
    }

    #[test]
    fn what_is_put_back_within_a_window_may_be_granted_again() {
        let far = 10 * SKEW;
        let grants = [call(far, 5), call(far + 2, 5)];
        assert_eq!(excess(&mut grants.clone(), &mut []), 8);
        assert_eq!(excess(&mut grants.clone(), &mut [call(far + 1, 4)]), 0);
        assert_eq!(excess(&mut grants.clone(), &mut [call(far - 2 * SKEW, 4)]), 8, "over before");
        assert_eq!(excess(&mut grants.clone(), &mut [call(far + 2 * SKEW, 4)]), 8, "begun after");
        // A put-back that began long before, and ended long after.
        assert_eq!(excess(&mut grants.clone(), &mut [Call { at: 0, over: 100 * SKEW, tokens: 4 }]), 0);
    }

    #[test]
    fn agrees_with_every_window_tried_one_by_one() {
        let mut random = Random::new(1);
        for _ in 0..2000 {
            let mut calls = |most, scale: u64| -> Vec<Call> {
                let n = random.between(0, most);
                (0..n)
                    .map(|_| {
                        let at = random.between(0, 20) * scale;
                        Call { at, over: at + random.between(0, 5) * scale, tokens: random.between(1, 4) }
                    })
                    .collect()
            };
            for scale in [1, SKEW] {
                let (mut grants, mut put_backs) = (calls(9, scale), calls(4, scale));
                let verdict = audit(BOUND, &mut grants, &mut put_backs);
                assert_eq!(
                    verdict.map(|verdict| verdict.excess),
                    one_by_one(&grants, &put_backs),
                    "{grants:?} {put_backs:?}"
                );
            }
        }
    }

    /// Audits sorted grants by the definition, window by window.
    fn one_by_one(grants: &[Call], put_backs: &[Call]) -> Option<i128> {
        let windows = (0..grants.len()).flat_map(|i| (i..grants.len()).map(move |j| (i, j)));
        let excess = windows.map(|(i, j)| {
            let (first, last) = (grants[i].at, grants[j].at);
            let all_over = grants[..=j].iter().map(|grant| grant.over).max().unwrap();
            let granted: u64 = grants[i..=j].iter().map(|grant| grant.tokens).sum();
            let may_be_inside = |back: &&Call| back.over + SKEW >= first && back.at < all_over + SKEW;
            let back: u64 = put_backs.iter().filter(may_be_inside).map(|back| back.tokens).sum();
            2 * (i128::from(granted) - 5 - i128::from(back)) - i128::from(last - first)
        });
        excess.max()
    }
}
