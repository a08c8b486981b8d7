//! Owns what the keys of one tier share: their limits, their cells, and what was evicted. Never
//! counts the keys.

use crossbeam_utils::CachePadded;

use crate::clock::time::Time;
use crate::keyed::cell::Cell;
use crate::keyed::evicted::Evicted;
use crate::keyed::group::{Group, Owned};
use crate::keyed::key_limits::KeyLimits;
use crate::keyed::streams::{Shape, Streams};
use crate::keyed::table::Table;
use crate::keyed::terms::{Frame, is_later, later};

pub(super) type CellOf<const N: usize> = <[u64; N] as Shape<N>>::Cell;

/// What the keys of one tier have in common.
pub(super) struct Tier<const N: usize>
where
    [u64; N]: Streams<N>,
{
    /// On lines of their own, which nobody writes while the limits are the first ones.
    pub(super) limits: CachePadded<KeyLimits<N>>,
    pub(super) table: Table<CellOf<N>>,
    pub(super) evicted: Evicted<N>,
    /// What keys had spent, and owed, when tokens were given back to them.
    pub(super) owed: Evicted<N>,
    /// What keys share that there is no room for.
    pub(super) overflow: CellOf<N>,
}

impl<const N: usize> Tier<N>
where
    [u64; N]: Streams<N>,
{
    pub(super) fn new(limits: KeyLimits<N>, most: usize) -> Self {
        let unused = limits.terms().unused(limits.origin());
        let overflow = CellOf::<N>::vacant();
        if overflow.try_claim() {
            overflow.claimed().into_iter().for_each(|claimed| overflow.open(claimed));
        }
        Self {
            limits: CachePadded::new(limits),
            table: Table::new(most),
            evicted: Evicted::new(unused),
            owed: Evicted::new(unused),
            overflow,
        }
    }

    /// The words of a bucket that is full, and has spent no less than any that was evicted.
    pub(super) fn full(&self, frame: &impl Frame<N>, now: Time) -> [u64; N] {
        self.evicted.least(frame.unused(now))
    }

    /// What `words` of a key may become if they are to become `next`: that, unless it goes back too
    /// far.
    #[inline]
    pub(super) fn after(
        &self,
        frame: &impl Frame<N>,
        now: Time,
        owned: Owned<'_>,
        words: &[u64; N],
        next: [u64; N],
    ) -> [u64; N] {
        if (0..N).any(|i| is_later(words[i], next[i])) { self.before(frame, now, owned, words, &next) } else { next }
    }

    /// The same where tokens are given back.
    #[cold]
    pub(super) fn before(
        &self,
        frame: &impl Frame<N>,
        now: Time,
        owned: Owned<'_>,
        words: &[u64; N],
        next: &[u64; N],
    ) -> [u64; N] {
        let limits = frame.limits();
        if limits.owes(&frame.inward(words), limits.elapsed(now)) {
            self.owed.note(words);
        }
        owned.give_back();
        let behind = self.evicted.behind(next);
        core::array::from_fn(|i| match is_later(words[i], next[i]) {
            // What is given back takes nothing, whatever was evicted.
            true if is_later(words[i], behind[i]) => behind[i],
            true => words[i],
            false => next[i],
        })
    }

    /// Closes a cell if it is full at `now`. Whether it was this call that did.
    pub(super) fn close_full(&self, group: &Group<CellOf<N>>, index: usize, now: Time) -> bool {
        match self.limits.first() {
            Some(first) => self.close_full_in(first, group, index, now),
            None => self.close_full_in(&self.limits.terms(), group, index, now),
        }
    }

    pub(super) fn close_full_in(
        &self,
        frame: &impl Frame<N>,
        group: &Group<CellOf<N>>,
        index: usize,
        now: Time,
    ) -> bool {
        let unused = frame.unused(now);
        group.close(index, |spent: &[u64; N], given_back| {
            let spent = if given_back { frame.farthest(spent) } else { *spent };
            let full = (0..N).all(|i| !is_later(spent[i], unused[i]));
            let full = full && !(given_back && self.owed.least(unused) != unused);
            if full {
                // Before the cell is closed: who makes the key anew reads it in `full`, and who
                // gives tokens back to this one meanwhile, in `before`.
                self.evicted.note(&core::array::from_fn(|i| later(spent[i], Evicted::<N>::oldest(unused[i]))));
            }
            full
        })
    }
}
