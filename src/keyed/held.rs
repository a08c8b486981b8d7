//! Owns the keys that are treated apart: blocked, paused, with limits of their own, or waited for.
//! Never takes a lock or reads a clock.

use std::sync::Arc;

use hashbrown::{Equivalent, HashTable};

use crate::clock::time::Time;
use crate::decision::inherit::Inherit;
use crate::decision::limits::Limits;
use crate::decision::succession::Succession;
use crate::keyed::key_line::KeyLine;
use crate::keyed::shard::Entry;
use crate::keyed::terms::Terms;
use crate::keyed::words::Words;
use crate::limit::limit::Limit;

/// One key, its words, and the terms that it alone is decided by.
pub(crate) struct Held<K, const N: usize, W> {
    pub(crate) key: K,
    /// That of the key: nothing here hashes a key anew, which may panic, and then who waits for it
    /// would be lost.
    pub(crate) hash: u64,
    pub(crate) words: W,
    pub(crate) terms: Terms<N>,
    /// Whether the limits are its own. Otherwise they are those of its tier, and it is here for a
    /// pause.
    pub(crate) own: bool,
    pub(crate) tier: usize,
    /// Of those who wait for it, if anybody does.
    pub(crate) line: Option<Arc<KeyLine<N>>>,
}

impl<K, const N: usize, W: Words<N>> Held<K, N, W> {
    /// Whether nothing sets it apart any more.
    pub(crate) fn has_ended(&self, now: Time) -> bool {
        !self.own && !self.terms.limits().paused_at(now)
    }

    /// Whether this is its line.
    pub(crate) fn is_in(&self, line: &Arc<KeyLine<N>>) -> bool {
        self.line.as_ref().is_some_and(|own| Arc::ptr_eq(own, line))
    }

    /// The instant from which on nothing sets it apart; `u64::MAX` if nobody knows when that is.
    pub(crate) fn end(&self) -> u64 {
        if self.own { u64::MAX } else { self.terms.limits().origin.as_nanos() }
    }

    /// Follows a revision; `None` changes nothing. Debts were checked before, so they fit.
    pub(crate) fn revise(&mut self, next: Option<Succession<N>>, now: Time) {
        let Some(next) = next else { return };
        if let Ok((revision, words)) = next.applied(&self.words.load()) {
            self.terms = self.terms.revised(&next, revision, now);
            self.words.store(words);
        }
    }

    /// Moves the key to another tier, unless it owes more than that can hold. Whether it did.
    pub(crate) fn move_to(&mut self, next: &Terms<N>, tier: usize, now: Time) -> bool {
        let (owed, most) = (self.terms.owed(&self.words.load(), now), next.most_owed().get());
        let fits = (0..N).all(|i| owed[i] <= most[i]);
        if fits {
            self.terms.translate(next, &mut self.words, now);
            (self.terms, self.tier) = (next.apart(self.terms.lineage()), tier);
        }
        fits
    }

    /// Pauses the key until then, unless it is paused for longer.
    pub(crate) fn pause(&mut self, until: Time, now: Time) {
        if !self.terms.limits().paused_at(now) || until > self.terms.limits().origin {
            self.revise(self.terms.revision.paused(until, now), now);
        }
    }

    /// Puts the key under these limits from `now` on. A pause stays.
    pub(crate) fn change(&mut self, limits: &Limits<N>, configured: [Limit; N], now: Time) {
        self.terms.configured = configured;
        self.revise(Some(self.terms.revision.succeeded(limits, now, Inherit::Keep)), now);
    }
}

/// A key that is waited for, and its line. It is decided by the terms of its tier.
pub(crate) struct Waited<K, const N: usize, W, T> {
    pub(crate) entry: Entry<K, W, T>,
    pub(crate) line: Arc<KeyLine<N>>,
}

/// The keys of one shard that are treated apart.
pub(crate) struct Apart<K, const N: usize, W, T> {
    /// Those that are blocked, paused or have limits of their own, waited for or not.
    pub(crate) keys: HashTable<Held<K, N, W>>,
    /// All others that are waited for.
    pub(crate) waited: HashTable<Waited<K, N, W, T>>,
}

impl<K, const N: usize, W: Words<N>, T> Apart<K, N, W, T> {
    pub(crate) fn new() -> Self {
        Self { keys: HashTable::new(), waited: HashTable::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.waited.is_empty()
    }

    /// The same keys, where nobody waits yet.
    pub(crate) fn retagged<U>(self) -> Apart<K, N, W, U> {
        Apart { keys: self.keys, waited: HashTable::new() }
    }

    pub(crate) fn find_waited<Q>(&self, hash: u64, key: &Q) -> Option<&Waited<K, N, W, T>>
    where
        Q: Equivalent<K> + ?Sized,
    {
        self.waited.find(hash, |waited| key.equivalent(&waited.entry.key))
    }

    pub(crate) fn find_waited_mut<Q>(&mut self, hash: u64, key: &Q) -> Option<&mut Waited<K, N, W, T>>
    where
        Q: Equivalent<K> + ?Sized,
    {
        self.waited.find_mut(hash, |waited| key.equivalent(&waited.entry.key))
    }

    /// Takes out a key that is waited for.
    pub(crate) fn take_waited<Q>(&mut self, hash: u64, key: &Q) -> Option<Waited<K, N, W, T>>
    where
        Q: Equivalent<K> + ?Sized,
    {
        let waited = self.waited.find_entry(hash, |waited| key.equivalent(&waited.entry.key)).ok()?;
        Some(waited.remove().0)
    }

    /// The line of a key.
    pub(crate) fn line<Q: Equivalent<K> + ?Sized>(&self, hash: u64, key: &Q) -> Option<&Arc<KeyLine<N>>> {
        match self.find(hash, key) {
            Some(held) => held.line.as_ref(),
            None => self.find_waited(hash, key).map(|waited| &waited.line),
        }
    }

    /// All lines.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Arc<KeyLine<N>>> {
        self.keys.iter().filter_map(|held| held.line.as_ref()).chain(self.waited.iter().map(|waited| &waited.line))
    }

    pub(crate) fn find<Q: Equivalent<K> + ?Sized>(&self, hash: u64, key: &Q) -> Option<&Held<K, N, W>> {
        self.keys.find(hash, |held| key.equivalent(&held.key))
    }

    pub(crate) fn find_mut<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<&mut Held<K, N, W>> {
        self.keys.find_mut(hash, |held| key.equivalent(&held.key))
    }

    /// Takes out a key of this hash that nothing sets apart any more.
    pub(crate) fn take_ended(&mut self, hash: u64, now: Time) -> Option<Held<K, N, W>> {
        let entry = self.keys.find_entry(hash, |held| held.hash == hash && held.has_ended(now)).ok()?;
        Some(entry.remove().0)
    }

    /// Keeps a key apart.
    pub(crate) fn keep(&mut self, held: Held<K, N, W>) {
        self.keys.insert_unique(held.hash, held, |held| held.hash);
    }

    pub(crate) fn take<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<Held<K, N, W>> {
        let entry = self.keys.find_entry(hash, |held| key.equivalent(&held.key)).ok()?;
        Some(entry.remove().0)
    }
}
