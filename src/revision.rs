//! Owns what a bucket is limited to from one change of its limits to the next, and how one follows the other. Pure; never an atomic, never a clock.

use crate::limits::Limits;
use crate::refused::Short;
use crate::{Inherit, NotYet, Time};

/// The limits between two changes, and where they begin on the line of all tokens that ever accrued.
///
/// A revision is counted from the instant of its change: at that instant its lines are at 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Revision<const N: usize> {
    pub(crate) limits: Limits<N>,
    /// How many changes there were before it.
    pub(crate) number: u64,
    /// Tokens of each stream that accrued from the construction of the bucket to the origin of the limits, in 2^-64, modulo 2^128.
    pub(crate) accrued: [u128; N],
}

impl<const N: usize> Revision<N> {
    /// The limits that a bucket is built with.
    pub(crate) const fn first(limits: Limits<N>) -> Self {
        Self { limits, number: 0, accrued: [0; N] }
    }

    /// What follows if the limits change at `now` to `limits`, whatever those are counted from, and the words that then stand for `spent`.
    ///
    /// The past is settled first, at the old rate and capped by the old capacity. A `now` before the last change counts as that.
    pub(crate) fn next(&self, limits: &Limits<N>, spent: &[u64; N], now: Time, inherit: Inherit) -> (Self, [u64; N]) {
        let elapsed = self.limits.elapsed(now);
        let old = &self.limits.streams;
        let next = Self {
            limits: Limits { origin: self.limits.at(elapsed), streams: limits.streams },
            number: self.number.wrapping_add(1),
            accrued: core::array::from_fn(|i| self.accrued[i].wrapping_add(old[i].tokens_at(elapsed))),
        };
        let spent = core::array::from_fn(|i| limits.streams[i].inherit(&old[i], spent[i], elapsed, inherit));
        (next, spent)
    }

    /// Where on the line of all tokens each stream ends that has reached `ends` for a decision at `now`.
    pub(crate) fn places(&self, ends: &[u64; N], now: Time) -> [u128; N] {
        let elapsed = self.limits.elapsed(now);
        core::array::from_fn(|i| self.accrued[i].wrapping_add(self.limits.streams[i].tokens_until(ends[i], elapsed)))
    }

    /// What there is to wait for, from the origin of these limits, until those streams of which there are `amounts` reach `places`.
    pub(crate) fn remaining(&self, places: &[u128; N], amounts: &[u64; N]) -> NotYet<N> {
        let short = core::array::from_fn(|i| {
            let stream = &self.limits.streams[i];
            let ahead = places[i].wrapping_sub(self.accrued[i]);
            Short { line: stream.line, units: if amounts[i] == 0 { 0 } else { stream.units_of(ahead) } }
        });
        NotYet { elapsed: 0, short }
    }
}
