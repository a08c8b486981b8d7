//! Owns the keys that are treated apart: blocked, paused, or with limits of their own. Never takes
//! a lock or reads a clock.

use hashbrown::{Equivalent, HashTable};

use crate::clock::time::Time;
use crate::decision::inherit::Inherit;
use crate::decision::limits::Limits;
use crate::decision::succession::Succession;
use crate::keyed::terms::Terms;
use crate::keyed::words::Words;
use crate::limit::limit::Limit;

/// One key, its words, and the terms that it alone is decided by.
pub(crate) struct Held<K, const N: usize, W> {
    pub(crate) key: K,
    pub(crate) words: W,
    pub(crate) terms: Terms<N>,
    /// Whether the limits are its own. Otherwise they are those of its tier, and it is here for a
    /// pause.
    pub(crate) own: bool,
    pub(crate) tier: usize,
}

impl<K, const N: usize, W: Words<N>> Held<K, N, W> {
    /// Whether nothing sets it apart any more.
    pub(crate) fn has_ended(&self, now: Time) -> bool {
        !self.own && !self.terms.limits().paused_at(now)
    }

    /// The instant from which on nothing sets it apart; `u64::MAX` if nobody knows when that is.
    pub(crate) fn end(&self) -> u64 {
        if self.own { u64::MAX } else { self.terms.limits().origin.as_nanos() }
    }

    /// Follows a revision; `None` changes nothing. Debts were checked before, so they fit.
    pub(crate) fn revise(&mut self, next: Option<Succession<N>>) {
        if let Some((revision, words)) = next.and_then(|next| next.applied(&self.words.load()).ok()) {
            // It stays in its lineage.
            self.terms = self.terms.apart(revision, self.terms.lineage());
            self.words.store(words);
        }
    }

    /// Pauses the key until then, unless it is paused for longer.
    pub(crate) fn pause(&mut self, until: Time, now: Time) {
        if !self.terms.limits().paused_at(now) || until > self.terms.limits().origin {
            self.revise(self.terms.revision.paused(until, now));
        }
    }

    /// Puts the key under these limits from `now` on. A pause stays.
    pub(crate) fn change(&mut self, limits: &Limits<N>, configured: [Limit; N], now: Time) {
        self.terms.configured = configured;
        self.revise(Some(self.terms.revision.succeeded(limits, now, Inherit::Keep)));
    }
}

/// The keys of one shard that are treated apart.
pub(crate) struct Apart<K, const N: usize, W> {
    pub(crate) keys: HashTable<Held<K, N, W>>,
}

impl<K, const N: usize, W: Words<N>> Apart<K, N, W> {
    pub(crate) fn new() -> Self {
        Self { keys: HashTable::new() }
    }

    pub(crate) fn find<Q: Equivalent<K> + ?Sized>(&self, hash: u64, key: &Q) -> Option<&Held<K, N, W>> {
        self.keys.find(hash, |held| key.equivalent(&held.key))
    }

    pub(crate) fn find_mut<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<&mut Held<K, N, W>> {
        self.keys.find_mut(hash, |held| key.equivalent(&held.key))
    }

    pub(crate) fn take<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<Held<K, N, W>> {
        let entry = self.keys.find_entry(hash, |held| key.equivalent(&held.key)).ok()?;
        Some(entry.remove().0)
    }
}
