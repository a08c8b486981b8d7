//! Owns the keys of one shard, their words and their limits; never takes a lock or reads a clock.

use core::mem::{needs_drop, replace};
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use hashbrown::{Equivalent, HashTable};

use crate::clock::time::Time;
use crate::keyed::held::{Apart, Held, Waited};
use crate::keyed::key_line::KeyLine;
use crate::keyed::terms::Terms;
use crate::keyed::tier::Tag;
use crate::keyed::words::Words;

/// A key and its words: 16 bytes for a `u64`, one stream and one tier.
pub(crate) struct Entry<K, W, T> {
    pub(crate) key: K,
    pub(crate) words: W,
    pub(crate) tag: T,
}

/// A key as a call names it, with its hash and its tier.
#[derive(Debug)]
pub(crate) struct Sought<'q, Q: ?Sized, T> {
    pub(crate) key: &'q Q,
    pub(crate) hash: u64,
    pub(crate) tag: T,
}

impl<Q: ?Sized, T: Copy> Copy for Sought<'_, Q, T> {}

impl<Q: ?Sized, T: Copy> Clone for Sought<'_, Q, T> {
    fn clone(&self) -> Self {
        *self
    }
}

/// The keys of one shard. With the word of its lock it is one cache line.
pub(crate) struct Shard<K, const N: usize, W, T> {
    pub(crate) keys: HashTable<Entry<K, W, T>>,
    /// What each tier is decided by. All shards share one value until the limits change.
    pub(crate) terms: Arc<[Terms<N>]>,
    /// The keys that are blocked, paused, have limits of their own, or are waited for; `None` if
    /// there are none.
    pub(crate) apart: Option<Box<Apart<K, N, W, T>>>,
}

/// What a shard knows of a key.
pub(crate) enum Found<'s, const N: usize, W> {
    Known(&'s Terms<N>, &'s W),
    /// Somebody waits for it, or did a moment ago.
    Waited(&'s Terms<N>, &'s W, &'s Arc<KeyLine<N>>),
    /// The key has to be put in order first: see [`Shard::settle`].
    Unsettled,
    Absent(&'s Terms<N>),
}

/// A key that was put in order.
pub(crate) struct Settled<'s, const N: usize, W> {
    pub(crate) terms: &'s Terms<N>,
    pub(crate) words: &'s mut W,
    pub(crate) line: Option<&'s Arc<KeyLine<N>>>,
    /// Whether it moved to another tier.
    pub(crate) moved: bool,
}

impl<K, const N: usize, W: Words<N>, T: Tag> Shard<K, N, W, T> {
    pub(crate) fn new(terms: Arc<[Terms<N>]>) -> Self {
        Self { keys: HashTable::new(), terms, apart: None }
    }

    #[inline]
    pub(crate) fn terms(&self, tag: T) -> &Terms<N> {
        match self.terms.get(tag.tier()) {
            Some(terms) => terms,
            None => no_such_tier(tag.tier(), self.terms.len()),
        }
    }

    /// How many keys have a place of the most that there may be.
    pub(crate) fn len(&self) -> usize {
        self.keys.len() + self.apart.as_ref().map_or(0, |apart| apart.waited.len())
    }

    /// The keys that have one.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry<K, W, T>> {
        self.keys.iter().chain(self.apart.iter().flat_map(|apart| &apart.waited).map(|waited| &waited.entry))
    }

    /// The key of a line.
    pub(crate) fn in_line(&self, line: &Arc<KeyLine<N>>) -> Option<(&Terms<N>, &W)> {
        let apart = self.apart.as_ref()?;
        if let Some(waited) = apart.waited.find(line.hash, |waited| Arc::ptr_eq(&waited.line, line)) {
            return Some((self.terms(waited.entry.tag), &waited.entry.words));
        }
        let held = apart.keys.find(line.hash, |held| held.is_in(line))?;
        Some((&held.terms, &held.words))
    }

    /// The same, to be changed.
    pub(crate) fn in_line_mut(&mut self, line: &Arc<KeyLine<N>>) -> Option<(&Terms<N>, &mut W)> {
        let Apart { keys, waited } = &mut **self.apart.as_mut()?;
        if let Some(waited) = waited.find_mut(line.hash, |waited| Arc::ptr_eq(&waited.line, line)) {
            return Some((&self.terms[waited.entry.tag.tier()], &mut waited.entry.words));
        }
        let held = keys.find_mut(line.hash, |held| held.is_in(line))?;
        Some((&held.terms, &mut held.words))
    }

    pub(crate) fn apart_mut(&mut self) -> &mut Apart<K, N, W, T> {
        self.apart.get_or_insert_with(|| Box::new(Apart::new()))
    }

    #[inline]
    pub(crate) fn find<Q: Equivalent<K> + ?Sized>(&self, sought: Sought<'_, Q, T>, now: Time) -> Found<'_, N, W> {
        let Sought { key, hash, tag } = sought;
        if let Some(apart) = &self.apart {
            if let Some(held) = apart.find(hash, key) {
                return match &held.line {
                    _ if held.has_ended(now) => Found::Unsettled,
                    Some(line) => Found::Waited(&held.terms, &held.words, line),
                    None => Found::Known(&held.terms, &held.words),
                };
            }
            match apart.find_waited(hash, key) {
                Some(Waited { entry, line }) if entry.tag == tag => {
                    return Found::Waited(self.terms(tag), &entry.words, line);
                }
                Some(_) => return Found::Unsettled,
                None => {}
            }
        }
        let terms = self.terms(tag);
        match self.keys.find(hash, |entry| key.equivalent(&entry.key)) {
            Some(entry) if entry.tag == tag => Found::Known(terms, &entry.words),
            Some(_) => Found::Unsettled,
            None => Found::Absent(terms),
        }
    }

    /// Moves a key into its tier. Returns it, if it is known.
    ///
    /// It moves with its words. While it owes more than the new tier can hold, it stays.
    pub(crate) fn settle<Q: Equivalent<K> + ?Sized>(
        &mut self,
        sought: Sought<'_, Q, T>,
        now: Time,
    ) -> Option<Settled<'_, N, W>> {
        let Sought { key, hash, tag } = sought;
        if self.apart.as_ref().is_some_and(|apart| apart.find(hash, key).is_some()) {
            let held = self.apart.as_mut()?.find_mut(hash, key)?;
            // One whose pause is over is here because there is no room among the others.
            let moves = held.has_ended(now) && held.tier != tag.tier();
            let moved = moves
                && held.move_to(
                    self.terms.get(tag.tier()).unwrap_or_else(|| no_such_tier(tag.tier(), self.terms.len())),
                    tag.tier(),
                    now,
                );
            let Held { terms, words, line, .. } = held;
            return Some(Settled { terms, words, line: line.as_ref(), moved });
        }
        let waited = self.apart.as_ref().is_some_and(|apart| apart.find_waited(hash, key).is_some());
        if waited {
            // Names a tier that is not there, before anything is changed.
            self.terms(tag);
            let Waited { entry, line } = self.apart.as_mut()?.find_waited_mut(hash, key)?;
            let moved = entry.tag != tag && move_to(&self.terms, entry, tag, now);
            let terms = &self.terms[entry.tag.tier()];
            return Some(Settled { terms, words: &mut entry.words, line: Some(line), moved });
        }
        self.settle_plain(sought, now)
    }

    /// The same for a key that is not treated apart.
    #[inline]
    pub(crate) fn settle_plain<Q: Equivalent<K> + ?Sized>(
        &mut self,
        sought: Sought<'_, Q, T>,
        now: Time,
    ) -> Option<Settled<'_, N, W>> {
        let Sought { key, hash, tag } = sought;
        // Names a tier that is not there, before anything is changed.
        self.terms(tag);
        let entry = self.keys.find_mut(hash, |entry| key.equivalent(&entry.key))?;
        let moved = entry.tag != tag && move_to(&self.terms, entry, tag, now);
        Some(Settled { terms: &self.terms[entry.tag.tier()], words: &mut entry.words, line: None, moved })
    }

    /// The instant from which on one of the keys may be forgotten, or an earlier one.
    pub(crate) fn first_forgotten(&self, now: Time) -> u64 {
        let forgotten = |entry: &Entry<K, W, T>| self.terms(entry.tag).forgotten_in(&entry.words.load(), now);
        instant(now, self.keys.iter().map(forgotten).min().unwrap_or(i64::MAX))
    }

    /// Drops the keys that nobody could tell from one never seen for `keep` nanoseconds. Returns
    /// what the bound of the shard is then.
    pub(crate) fn sweep(&mut self, now: Time, keep: i64, gone: &mut Vec<Entry<K, W, T>>) -> u64 {
        let (keys, terms) = (&mut self.keys, &self.terms);
        let mut first = i64::MAX;
        let swept = keys.extract_if(|entry| {
            let forgotten = terms[entry.tag.tier()].forgotten_in(&entry.words.load(), now);
            let goes = forgotten <= -keep;
            if !goes {
                first = first.min(forgotten);
            }
            goes
        });
        // What needs no drop is not collected, so nothing is allocated for it.
        swept.filter(|_| needs_drop::<K>()).for_each(|entry| gone.push(entry));
        instant(now, first)
    }

    /// Whether few places are free, so that keys that may go should be dropped, or places made.
    pub(crate) fn is_crowded(&self) -> bool {
        self.keys.capacity() - self.keys.len() <= self.most() / 8
    }

    /// The keys that there is memory for.
    fn most(&self) -> usize {
        self.keys.num_buckets() / 8 * 7
    }

    /// Moves all keys to fresh memory with free places: more of it where it was nearly full. Else
    /// what took the places are traces of keys that went.
    ///
    /// All keys are hashed before the first one moves. So a hash that panics loses none.
    pub(crate) fn rebuild(&mut self, hash: impl Fn(&K) -> u64) {
        let (len, most) = (self.keys.len(), self.most());
        let places = if len >= most - most / 8 { (most + 1).max(FIRST) } else { most };
        let hashes: Vec<u64> = self.keys.iter().map(|entry| hash(&entry.key)).collect();
        let old = replace(&mut self.keys, HashTable::with_capacity(places));
        for (hash, entry) in hashes.into_iter().zip(old) {
            self.keep(hash, entry);
        }
    }

    /// Keeps a key for which there is a place.
    pub(crate) fn keep(&mut self, hash: u64, entry: Entry<K, W, T>) {
        self.keys.insert_unique(hash, entry, |_| unreachable!("there is a place"));
    }

    /// Takes out a key that may go: of the first [`FEW`] keys from the place of `hash` on, the one
    /// that could have gone for longest. If none of those may go, the next one that may.
    ///
    /// If it looked at all keys, it also returns what the bound of the shard is then.
    pub(crate) fn evict(&mut self, hash: u64, now: Time) -> (Option<Entry<K, W, T>>, Option<u64>) {
        let (places, len) = (self.keys.num_buckets(), self.keys.len());
        if len <= FEW {
            let (evicted, bound) = self.evict_of_all(now);
            return (evicted, Some(bound));
        }
        let (mut looked_at, mut oldest, mut first) = (0, None, i64::MAX);
        for place in (0..places).map(|next| (hash as usize).wrapping_add(next) & (places - 1)) {
            let Some(entry) = self.keys.get_bucket(place) else { continue };
            let forgotten = self.terms[entry.tag.tier()].forgotten_in(&entry.words.load(), now);
            if forgotten > 0 {
                first = first.min(forgotten);
            } else if oldest.is_none_or(|(age, _)| forgotten < age) {
                oldest = Some((forgotten, place));
            }
            looked_at += 1;
            if looked_at >= FEW && oldest.is_some() {
                break;
            }
        }
        // Then no other key may go, as it looked at more than a few.
        let bound = (looked_at == len).then(|| instant(now, first));
        let evicted = oldest.and_then(|(_, place)| Some(self.keys.get_bucket_entry(place).ok()?.remove().0));
        (evicted, bound)
    }

    /// The same of a shard with few keys: from one to the next, and not from place to place.
    fn evict_of_all(&mut self, now: Time) -> (Option<Entry<K, W, T>>, u64) {
        let (mut first, mut second, mut oldest) = (i64::MAX, i64::MAX, 0);
        for (turn, entry) in self.keys.iter().enumerate() {
            let forgotten = self.terms[entry.tag.tier()].forgotten_in(&entry.words.load(), now);
            if forgotten < first {
                (first, second, oldest) = (forgotten, first, turn);
            } else {
                second = second.min(forgotten);
            }
        }
        if first > 0 {
            return (None, instant(now, first));
        }
        let mut turns = 0..;
        let evicted = self.keys.extract_if(|_| turns.next() == Some(oldest)).next();
        (evicted, instant(now, second))
    }
}

/// The places that a shard makes at its first key.
///
/// With fewer, more keys lie in one cache line with what every lookup reads, and every growth
/// leaves a piece of memory behind.
const FIRST: usize = 28;

/// Of so many keys the one that could have gone for longest makes room for a new one.
///
/// The more, the fewer keys are dropped that come again soon, and the longer an addition takes. Of
/// a hundred calls at a bound that 5 % of new keys keep full, 19 add a key with five, 34 with one
/// and 16 with 64 (tests/keyed_lifetime.rs). Redis looks at five, too (`maxmemory-samples`).
const FEW: usize = 5;

/// Moves a key to another tier, unless it owes more than that can hold. Whether it did.
fn move_to<K, const N: usize, W: Words<N>, T: Tag>(
    terms: &[Terms<N>],
    entry: &mut Entry<K, W, T>,
    tag: T,
    now: Time,
) -> bool {
    let (old, new) = (&terms[entry.tag.tier()], &terms[tag.tier()]);
    let (owed, most) = (old.owed(&entry.words.load(), now), new.most_owed().get());
    let fits = (0..N).all(|i| owed[i] <= most[i]);
    if fits {
        old.translate(new, &mut entry.words, now);
        entry.tag = tag;
    }
    fits
}

/// The instant so many nanoseconds after `now`, at most [`NEVER`]; 0, which is unknown, where `now`
/// is later than that. What may be in a nanosecond may be at once.
pub(crate) fn instant(now: Time, nanos: i64) -> u64 {
    let nanos = if nanos == 1 { 0 } else { nanos };
    if now.as_nanos() > NEVER { 0 } else { now.as_nanos().saturating_add_signed(nanos).min(NEVER) }
}

/// Later than any instant at which a key may go.
pub(crate) const NEVER: u64 = (1 << 63) - 1;

#[cold]
pub(crate) fn no_such_tier(tier: usize, tiers: usize) -> ! {
    panic!("tier {tier}: there are {tiers}, counted from 0")
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::limit::limit::{Limit, limits_of};
    use crate::sync::AtomicU64;

    const SECOND: u64 = 1_000_000_000;

    type Keys = Shard<u64, 1, AtomicU64, ()>;

    /// Keys whose hash is their number, and the second in which each is full again.
    fn shard(keys: &[(u64, u64)]) -> Keys {
        let limit = Limit::per_second(1).capacity(1000);
        let limits = limits_of([limit], Time::ZERO).expect("a good limit");
        let terms = Terms::new(limits, [limit], 0);
        let mut shard = Shard::new(Arc::from([terms.clone()]));
        shard.keys.reserve(28, |entry: &Entry<u64, AtomicU64, ()>| entry.key);
        for (key, full) in keys {
            let limits = terms.limits();
            let words = limits.take(&terms.unseen(Time::ZERO), limits.elapsed(Time::ZERO), &[*full]);
            let words = Words::new(words.expect("no more than the capacity"));
            shard.keys.insert_unique(*key, Entry { key: *key, words, tag: () }, |entry| entry.key);
        }
        shard
    }

    /// Evicts a key from the place of `hash` on. Returns it, and the bound rounded to seconds.
    fn evict(shard: &mut Keys, hash: u64, second: u64) -> (Option<u64>, Option<u64>) {
        let (evicted, bound) = shard.evict(hash, Time::from_nanos(second * SECOND));
        (evicted.map(|entry| entry.key), bound.map(|bound| (bound + SECOND / 2) / SECOND))
    }

    #[test]
    fn of_a_few_keys_the_one_that_has_been_full_for_longest_goes() {
        let mut few = shard(&[(0, 30), (1, 10), (2, 50), (3, 20), (4, 40)]);
        let went: Vec<_> = (0..5).map(|_| evict(&mut few, 0, 100).0).collect();
        assert_eq!(went, [Some(1), Some(3), Some(0), Some(4), Some(2)]);
        assert_eq!(evict(&mut few, 0, 100).0, None);
    }

    #[test]
    fn an_eviction_looks_at_a_few_keys_from_the_place_of_the_hash_on() {
        let mut many = shard(&(0..28).map(|key| (key, 50 - key)).collect::<Vec<_>>());
        // Of the keys 8 to 12. Key 27 has been full for longer.
        assert_eq!(evict(&mut many, 8, 100), (Some(12), None));
        // Of 26, 27, 0, 1 and 2.
        assert_eq!(evict(&mut many, 26, 100), (Some(27), None));
    }

    #[test]
    fn where_none_of_a_few_keys_may_go_the_next_one_that_may_goes() {
        let mut busy = shard(&(0..28).map(|key| (key, if key % 10 == 3 { 50 } else { 500 })).collect::<Vec<_>>());
        assert_eq!(evict(&mut busy, 4, 100), (Some(13), None));
        assert_eq!(evict(&mut busy, 24, 100), (Some(3), None));
    }

    #[test]
    fn a_key_goes_when_it_is_full_and_not_a_nanosecond_before() {
        for keys in [1, 10] {
            let mut keys = shard(&(0..keys).map(|key| (key, 100)).collect::<Vec<_>>());
            assert!(keys.evict(0, Time::from_nanos(100 * SECOND - 1)).0.is_none());
            assert!(keys.evict(0, Time::from_nanos(100 * SECOND)).0.is_some());
        }
    }

    #[test]
    fn an_eviction_that_looks_at_all_keys_finds_when_the_next_may_go() {
        let mut keys = shard(&[(0, 300), (1, 100), (2, 400), (3, 200)]);
        assert_eq!(evict(&mut keys, 2, 50), (None, Some(100)));
        assert_eq!(evict(&mut keys, 2, 150), (Some(1), Some(200)));
        // Of two that may go the younger one stays, whichever is seen first.
        assert_eq!(evict(&mut keys, 2, 350), (Some(3), Some(300)));
        assert_eq!(evict(&mut shard(&[(0, 300), (3, 200)]), 0, 350), (Some(3), Some(300)));
        assert_eq!(evict(&mut shard(&[]), 7, 100), (None, Some((NEVER + SECOND / 2) / SECOND)));
        // Of more keys than a few, where only the last one that it sees may go.
        let more: Vec<_> = (0..10).map(|key| (key, if key == 9 { 100 } else { 500 - key })).collect();
        assert_eq!(evict(&mut shard(&more), 10, 50), (None, Some(100)));
        assert_eq!(evict(&mut shard(&more), 10, 150), (Some(9), Some(492)));
    }

    #[test]
    fn a_sweep_drops_what_has_been_full_for_long_and_finds_when_the_next_may_go() {
        let mut keys = shard(&[(0, 100), (1, 300), (2, 200), (3, 400)]);
        let bound = keys.sweep(Time::from_nanos(250 * SECOND), 100 * SECOND as i64, &mut Vec::new());
        assert_eq!((keys.keys.len(), (bound + SECOND / 2) / SECOND), (3, 200));
        let bound = keys.sweep(Time::from_nanos(250 * SECOND), 0, &mut Vec::new());
        assert_eq!((keys.keys.len(), (bound + SECOND / 2) / SECOND), (2, 300));
        assert_eq!((keys.first_forgotten(Time::from_nanos(250 * SECOND)) + SECOND / 2) / SECOND, 300);
    }

    /// Keys come and go, so many at a time. Returns the places that the shard has in the end.
    fn places_after_churn(keys: u64) -> usize {
        let mut churned = shard(&(0..keys).map(|key| (key, 10)).collect::<Vec<_>>());
        for key in (keys..10_000).map(|key| key.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
            let went = churned.evict(key, Time::from_nanos(100 * SECOND)).0.expect("all are full");
            if churned.keys.len() == churned.keys.capacity() {
                assert!(churned.is_crowded());
                churned.rebuild(|key| *key);
            }
            churned.keep(key, Entry { key, ..went });
        }
        assert_eq!(churned.keys.len() as u64, keys);
        churned.keys.num_buckets()
    }

    #[test]
    fn a_shard_grows_for_keys_that_it_has_and_not_for_those_that_went() {
        assert_eq!((places_after_churn(20), places_after_churn(25)), (32, 32));
        assert_eq!((places_after_churn(26), places_after_churn(28)), (64, 64));
    }

    #[test]
    fn a_shard_is_crowded_where_an_eighth_of_its_keys_is_free_or_less() {
        let mut keys = shard(&(0..24).map(|key| (key, 10)).collect::<Vec<_>>());
        assert!(!keys.is_crowded());
        keys.keep(24, Entry { key: 24, words: Words::new([0]), tag: () });
        assert!(keys.is_crowded());
    }
}
