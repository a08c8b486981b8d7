//! Owns the buckets that keys without room share, one for each tier; never knows a key.

use std::sync::Arc;
use std::vec::Vec;

use crate::clock::time::Time;
use crate::keyed::shard::no_such_tier;
use crate::keyed::terms::Terms;
use crate::keyed::words::Words;
use crate::sync::RwLock;

/// Where the tokens of a key lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// In its own bucket.
    Own,
    /// In the bucket of keys without room.
    Overflow,
}

/// The shared buckets, and the limits that they are counted in.
pub(crate) struct Overflow<const N: usize, W> {
    pub(crate) terms: Arc<[Terms<N>]>,
    pub(crate) words: Vec<W>,
}

impl<const N: usize, W: Words<N>> Overflow<N, W> {
    pub(crate) fn new(terms: Arc<[Terms<N>]>, now: Time) -> Self {
        Self { words: terms.iter().map(|terms| W::new(terms.unseen(now))).collect(), terms }
    }

    /// Changes the words of a tier's bucket, as `Table::update` does those of a key.
    pub(crate) fn update<R, E>(
        overflow: &RwLock<Self>,
        tier: usize,
        now: Time,
        change: impl Fn(&Terms<N>, Time, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Terms<N>, Time, &[u64; N]) -> E,
    ) -> Result<R, E> {
        if W::SHARED {
            let shared = overflow.read();
            let Some(terms) = shared.terms.get(tier) else { no_such_tier(tier, shared.terms.len()) };
            let swapped = shared.words[tier].swap(|seen| change(terms, now, seen));
            return swapped.map(|(_, _, answer)| answer).map_err(|seen| refuse(terms, now, &seen));
        }
        let mut alone = overflow.write();
        let Self { terms, words } = &mut *alone;
        let Some(terms) = terms.get(tier) else { no_such_tier(tier, terms.len()) };
        let seen = words[tier].load();
        let Some((next, answer)) = change(terms, now, &seen) else { return Err(refuse(terms, now, &seen)) };
        words[tier].store(next);
        Ok(answer)
    }
}
