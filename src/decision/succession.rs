//! Owns one change from a revision to the next: what is worked out before the words are known, and
//! what becomes of them. Pure; never an atomic, never a clock.

use crate::decision::awaited::Awaited;
use crate::decision::inherit::Inherit;
use crate::decision::limit_rule::LimitRule;
use crate::decision::limits::Limits;
use crate::decision::revision::Revision;

/// A change of limits at an instant, but for the words. Those may change until it is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Succession<const N: usize> {
    old: Limits<N>,
    /// When the old limits end, in nanoseconds since their origin.
    elapsed: u64,
    /// The largest capacity of each stream before.
    highest: [u64; N],
    /// What the next revision is if no policy adds anything.
    next: Revision<N>,
    /// What a word becomes under other limits; `None` if the limits stay, counted anew.
    inherit: Option<Inherit>,
    awaited: Awaited<N>,
    /// The tokens of each stream that a reset leaves.
    starts: [u64; N],
    /// What each stream has, in units, whatever it had before; `None` if that counts.
    restored: Option<Levels<N>>,
}

/// What each stream is to have, in units, or why it cannot.
pub(crate) type Levels<const N: usize> = [Result<i64, LimitRule>; N];

impl<const N: usize> Succession<N> {
    /// The change from `old`, whose limits end at `elapsed`, to `next`.
    pub(crate) fn new(old: &Revision<N>, next: Revision<N>, elapsed: u64, inherit: Option<Inherit>) -> Self {
        let highest = old.highest;
        let capacities = next.limits.capacities();
        let counts = match inherit {
            Some(Inherit::Reset) => capacities,
            _ => core::array::from_fn(|i| highest[i].max(capacities[i])),
        };
        let next = Revision { highest: counts, ..next };
        Self {
            old: old.limits,
            elapsed,
            highest,
            next,
            inherit,
            awaited: Awaited::NOTHING,
            starts: capacities,
            restored: None,
        }
    }

    /// The same change while somebody waits.
    pub(crate) fn with(self, awaited: Awaited<N>) -> Self {
        Self { awaited, ..self }
    }

    /// The same change, where a reset leaves so many tokens, and not a full bucket.
    pub(crate) fn starting_with(self, starts: [u64; N]) -> Self {
        Self { starts, ..self }
    }

    /// The same change, where the streams have this, whatever they had before.
    pub(crate) fn restoring(self, levels: Levels<N>) -> Self {
        Self { restored: Some(levels), ..self }
    }

    /// The next revision, as it is if no policy adds anything.
    pub(crate) const fn revision(&self) -> &Revision<N> {
        &self.next
    }

    /// The words that then stand for `spent`, and the tokens that accrued by then, in 2^-64: more
    /// than those of [`revision`](Self::revision) by what a policy adds. `Err` with the first
    /// stream whose debt does not fit.
    pub(crate) fn of(&self, spent: &[u64; N]) -> Result<([u64; N], [u128; N]), (usize, LimitRule)> {
        if let Some(levels) = &self.restored {
            return self.restored(levels, spent);
        }
        let Some(inherit) = self.inherit else {
            return Ok((self.old.settled(spent, self.elapsed, &self.awaited), self.next.accrued));
        };
        let (mut words, mut accrued) = ([0; N], self.next.accrued);
        for (i, stream) in self.next.limits.streams.iter().enumerate() {
            let old = &self.old.streams[i];
            let most = (self.awaited.most(i, old), self.awaited.most_after(i, stream));
            let inherited = stream
                .inherit(old, spent[i], self.elapsed, (inherit, self.starts[i]), self.highest[i], most)
                .map_err(|rule| (i, rule))?;
            words[i] = inherited.spent;
            accrued[i] = accrued[i].wrapping_add(inherited.added);
        }
        Ok((words, accrued))
    }

    /// What [`of`](Self::of) returns where the streams have these levels. Reservations that are
    /// outstanding come nearer by what a level gains, as by a reset.
    fn restored(&self, levels: &Levels<N>, spent: &[u64; N]) -> Result<([u64; N], [u128; N]), (usize, LimitRule)> {
        let (mut words, mut accrued) = ([0; N], self.next.accrued);
        for i in 0..N {
            let (old, level) = (&self.old.streams[i], levels[i].map_err(|rule| (i, rule))?);
            let added = i128::from(level) - i128::from(old.level(spent[i], self.elapsed));
            words[i] = (level as u64).wrapping_neg();
            accrued[i] = accrued[i].wrapping_add(old.tokens(added.max(0) as u128));
        }
        Ok((words, accrued))
    }

    /// The next revision whole, and the words that then stand for `spent`.
    #[cfg(feature = "keys")]
    pub(crate) fn applied(&self, spent: &[u64; N]) -> Result<(Revision<N>, [u64; N]), (usize, LimitRule)> {
        let (words, accrued) = self.of(spent)?;
        Ok((Revision { accrued, ..self.next }, words))
    }

    /// Whether calls went from `seen` to `spent` on later readings than that of this change. What
    /// they took of what refilled in between would become a debt.
    pub(crate) fn is_overtaken(&self, seen: &[u64; N], spent: &[u64; N]) -> bool {
        let level = |i: usize| self.old.streams[i].level(spent[i], self.elapsed);
        (0..N).any(|i| spent[i].wrapping_sub(seen[i]) as i64 > 0 && level(i) < 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::time::Time;
    use crate::limit::limit::{Limit, limits_of};

    const SECOND: u64 = 1_000_000_000;

    fn succession(limit: Limit, to: Limit, now: u64) -> Succession<1> {
        let [old, new] = [limit, to].map(|limit| limits_of([limit], Time::ZERO).unwrap());
        Revision::first(old).succeeded(&new, Time::from_nanos(now), Inherit::Keep)
    }

    /// Whether it is, in a bucket that was empty at the reading, if all but so many of the tokens
    /// that refilled so long after it are taken.
    fn overtaken(nanos: u64, left: u64) -> bool {
        let limit = Limit::per_second(1000).capacity(1_000_000);
        let succession = succession(limit, limit, 7 * SECOND);
        let old = succession.old.streams[0];
        succession.is_overtaken(&[old.reset(7 * SECOND, 0)], &[old.reset(7 * SECOND + nanos, left)])
    }

    #[test]
    fn a_reading_is_overtaken_by_what_refilled_and_was_taken_after_it() {
        assert!(!overtaken(0, 0) && !overtaken(SECOND, 1000));
        assert!(overtaken(1_000, 0) && overtaken(SECOND, 999) && overtaken(3600 * SECOND, 1000));
    }

    #[test]
    fn a_reading_is_not_overtaken_by_tokens_that_were_there_nor_by_a_debt_of_old() {
        let limit = Limit::per_second(1000).capacity(1_000_000);
        let succession = succession(limit, limit, 7 * SECOND);
        let old = succession.old.streams[0];
        let full = old.reset(7 * SECOND, 1_000_000);
        let spent = old.take(full, 7 * SECOND, 1_000_000).unwrap();
        assert!(!succession.is_overtaken(&[full], &[spent]));
        let owed = old.owe(spent, 7 * SECOND, old.units(500).unwrap(), old.furthest_debt()).unwrap();
        assert!(!succession.is_overtaken(&[owed], &[owed]) && succession.is_overtaken(&[spent], &[owed]));
    }

    #[test]
    fn what_counts_as_the_largest_capacity_is_known_before_the_words() {
        let [small, large] = [10, 30].map(|capacity| Limit::per_second(10).capacity(capacity));
        for (from, to, inherit, highest) in [
            (small, large, Inherit::Keep, 30),
            (large, small, Inherit::Additive, 30),
            (large, small, Inherit::Reset, 10),
        ] {
            let [old, new] = [from, to].map(|limit| limits_of([limit], Time::ZERO).unwrap());
            let succession = Revision::first(old).succeeded(&new, Time::ZERO, inherit);
            assert_eq!(succession.revision().highest, [highest], "{from} to {to}, {inherit:?}");
        }
    }
}
