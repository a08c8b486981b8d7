//! Owns how keys are added to the shards and dropped from them. Never decides what a verb does to
//! words.

use core::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::vec::Vec;

use hashbrown::Equivalent;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::keyed::alone::Alone;
use crate::keyed::held::{Apart, Waited};
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_refused::NoRoom;
use crate::keyed::lines::Told;
use crate::keyed::shard::{Entry, Settled, Shard, Sought};
use crate::keyed::table::{Failed, OTHERS, Reading, Table};
use crate::keyed::terms::Terms;
use crate::keyed::tier::Tag;
use crate::keyed::words::Words;
use crate::state::snapshot::Snapshot;

impl<K, const N: usize, W: Words<N>, T: Tag, H: BuildHasher> Table<K, N, W, T, H> {
    /// Changes the words of a key that was not known a moment ago, and keeps it, unless nobody can
    /// tell it from one never seen.
    ///
    /// The clock is read again under the lock. A thread may have been stopped since it read the
    /// clock, and the key may have been used and dropped meanwhile. A bucket that is full at an old
    /// reading would be granted a second time.
    #[cold]
    #[inline(never)]
    pub(super) fn add<Q, R, E>(
        &self,
        sought: Sought<'_, Q, T>,
        reading: Reading<'_, impl Clock>,
        takes: &[u64; N],
        change: &impl Fn(&Terms<N>, Time, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: &impl Fn(&Terms<N>, Time, &[u64; N]) -> E,
    ) -> Result<R, Failed<E>>
    where
        Q: KeyForm<K> + ?Sized,
        K: Hash,
    {
        let Sought { key, hash, tag } = sought;
        let owned = key.to_key();
        let mut alone = self.alone_with(hash);
        let (index, now) = (alone.index, reading.again());
        if let Some(settled) = self.settle(&mut alone, sought, now) {
            let (changed, told) = self.change_apart(index, settled, now, takes, change, refuse);
            drop(alone);
            if let Some(told) = told {
                self.tell(told, reading.again());
            }
            return changed.map_err(Failed::Refused);
        }
        let terms = alone.terms(tag);
        let unseen = terms.unseen(now);
        let Some((next, answer)) = change(terms, now, &unseen) else {
            return Err(Failed::Refused(refuse(terms, now, &unseen)));
        };
        if next == unseen {
            return Ok(answer);
        }
        if !self.claim(&mut alone, hash, now) {
            return Err(Failed::NoRoom(self.no_room(now)));
        }
        self.insert(&mut alone, hash, Entry { key: owned, words: W::new(next), tag }, now);
        Ok(answer)
    }

    /// Puts a key in order, as [`Shard::settle`] does, in which a pause that is over ends.
    pub(crate) fn settle<'s, Q>(
        &self,
        alone: &'s mut Alone<'_, K, N, W, T>,
        sought: Sought<'_, Q, T>,
        now: Time,
    ) -> Option<Settled<'s, N, W>>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        K: Hash,
    {
        self.let_go(alone, sought.hash, sought.key, now);
        let index = alone.index;
        let settled = alone.shard().settle(sought, now)?;
        self.note_move(index, &settled, now);
        Some(settled)
    }

    /// Counts one more key, of this hash, if there is room for it or can be made. Whether it could.
    pub(crate) fn claim(&self, alone: &mut Alone<'_, K, N, W, T>, hash: u64, now: Time) -> bool {
        let claimed = self.room.claim() || self.make_room(alone, hash, now);
        alone.claimed += usize::from(claimed);
        claimed
    }

    /// Drops a key that may go from this shard, or from one of up to eight others that nobody has
    /// locked. Whether it dropped one: its place stays counted, for the caller.
    ///
    /// So no other call can take that place, and nothing is tried twice.
    fn make_room(&self, alone: &mut Alone<'_, K, N, W, T>, hash: u64, now: Time) -> bool {
        let here = alone.index;
        if self.room.bound(here) <= now.as_nanos() && alone.evict(hash, now) {
            return true;
        }
        self.room.search(here, now.as_nanos(), OTHERS, |index| {
            self.try_alone(index).is_some_and(|mut other| {
                let evicted = other.evict(hash, now);
                // Dropped when this shard is let go, too.
                alone.gone.append(&mut other.gone);
                evicted
            })
        })
    }

    /// Keeps a key that has been claimed.
    pub(crate) fn insert(&self, alone: &mut Alone<'_, K, N, W, T>, hash: u64, entry: Entry<K, W, T>, now: Time)
    where
        K: Hash,
    {
        self.make_place(alone, now);
        self.lower(alone.index, alone.terms(entry.tag), &entry.words.load(), now);
        alone.shard().keep(hash, entry);
    }

    /// Sees to a free place. A shard without one first drops keys that could have gone for long.
    ///
    /// It asks for the hashes of keys, which may panic. So whoever moves a key calls it first.
    pub(crate) fn make_place(&self, alone: &mut Alone<'_, K, N, W, T>, now: Time)
    where
        K: Hash,
    {
        if alone.keys.len() < alone.keys.capacity() {
            return;
        }
        if self.room.bound(alone.index).saturating_add(self.keep as u64) <= now.as_nanos() {
            alone.sweep(now, self.keep);
        }
        if alone.is_crowded() {
            alone.shard().rebuild(|key| self.hash(key));
        }
    }

    /// Forgets what a key has taken, if `goes` says so of its revision and its words.
    ///
    /// Whether it did. A key that is held apart stays so, and so does one that is waited for. Both
    /// have what a key never seen has; one with limits of its own is full.
    pub(crate) fn remove<Q>(&self, key: &Q, now: Time, goes: impl Fn(u64, [u64; N]) -> bool) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
        K: Hash,
    {
        let hash = self.hash(key);
        let mut alone = self.alone_with(hash);
        let Shard { terms, apart, .. } = alone.shard();
        if let Some(held) = apart.as_mut().and_then(|apart| apart.find_mut(hash, key)) {
            let limits = held.terms.limits();
            if !goes(held.terms.revision.number, held.words.load()) {
                return false;
            }
            if held.own {
                held.words.store(limits.reset(limits.elapsed(now), &limits.capacities()));
            } else {
                let terms = &terms[held.tier];
                held.words.store(terms.unseen(now));
                terms.translate(&held.terms, &mut held.words, now);
            }
            let line = held.line.clone();
            drop(alone);
            line.into_iter().for_each(|line| self.tell(Told::Eased(line), now));
            return true;
        }
        let Shard { keys, terms, apart } = alone.shard();
        if let Some(Waited { entry, line }) = apart.as_mut().and_then(|apart| apart.find_waited_mut(hash, key)) {
            let terms = &terms[entry.tag.tier()];
            if !goes(terms.revision.number, entry.words.load()) {
                return false;
            }
            entry.words.store(terms.unseen(now));
            let line = Arc::clone(line);
            drop(alone);
            self.tell(Told::Eased(line), now);
            return true;
        }
        let Ok(found) = keys.find_entry(hash, |entry| key.equivalent(&entry.key)) else { return false };
        let entry = found.get();
        if !goes(terms[entry.tag.tier()].revision.number, entry.words.load()) {
            return false;
        }
        let (entry, _) = found.remove();
        alone.gone.push(entry);
        true
    }

    /// Whether a key is absent, and there are as many keys as there may be.
    pub(crate) fn lacks_room<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let hash = self.hash(key);
        let shard = self.shared_with(hash);
        let apart =
            |apart: &Apart<K, N, W, T>| apart.find(hash, key).is_some() || apart.find_waited(hash, key).is_some();
        let held = shard.apart.as_ref().is_some_and(|known| apart(known));
        let known = held || shard.keys.find(hash, |entry| key.equivalent(&entry.key)).is_some();
        !known && self.room.len() >= self.room.max_keys()
    }

    /// Why there is no room for a key, where that is known without a search.
    pub(crate) fn known_no_room<Q>(&self, key: &Q, now: Time) -> Option<NoRoom>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        K: Hash,
    {
        let known = self.overflow.is_none() && self.room.hopeless_until(now.as_nanos()).is_some();
        (known && self.lacks_room(key)).then(|| self.no_room(now))
    }

    /// The refusal of a key without room.
    pub(crate) fn no_room(&self, now: Time) -> NoRoom {
        NoRoom::new(self.room.max_keys(), self.room.hopeless_until(now.as_nanos()), now)
    }

    /// The keys of one shard and what they have at `now`.
    pub(crate) fn copy(&self, index: usize, now: Time) -> Vec<(K, Snapshot<N>)>
    where
        K: Clone,
    {
        let copy = |key: &K, terms: &Terms<N>, words: &W| (key.clone(), terms.snapshot(words.load(), now));
        let copied = |shard: &Shard<K, N, W, T>| -> Vec<_> {
            let held = shard.apart.iter().flat_map(|apart| &apart.keys);
            let held = held.map(|held| copy(&held.key, &held.terms, &held.words));
            shard.entries().map(|entry| copy(&entry.key, shard.terms(entry.tag), &entry.words)).chain(held).collect()
        };
        copied(&self.shared(index))
    }

    /// Drops all keys that may go, ends all pauses that are over, and gives back memory.
    pub(crate) fn shrink(&self, now: Time)
    where
        K: Hash,
    {
        for index in 0..self.shards() {
            let mut alone = self.alone(index);
            self.let_go_all(&mut alone, now);
            alone.sweep(now, 0);
            alone.shard().keys.shrink_to_fit(|entry| self.hash(&entry.key));
            if let Some(apart) = &mut alone.shard().apart {
                apart.waited.shrink_to_fit(|waited| waited.line.hash);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::time::Duration;

    use crate::clock::manual::ManualClock;
    use crate::keyed::keyed_buckets::KeyedBuckets;
    use crate::limit::limit::Limit;

    /// Keys come and go at the bound for long. Their places stay as many as they were at first.
    #[test]
    fn the_places_of_dropped_keys_are_used_again() {
        const KEYS: u64 = 10_000;
        let limit = Limit::per_second(1_000_000_000);
        let keys =
            KeyedBuckets::<u64, 1, _>::with_clock(limit, KEYS as usize, ManualClock::new()).expect("a good limit");
        let places =
            || -> usize { (0..keys.table.shards()).map(|index| keys.table.shared(index).keys.num_buckets()).sum() };
        for key in 0..50 * KEYS {
            keys.clock().advance(Duration::from_nanos(1));
            keys.try_take(&key, 1).expect("each key is full after a nanosecond");
        }
        assert_eq!(keys.len(), KEYS as usize);
        assert!(places() < 2 * keys.len(), "{} places", places());
    }
}
