//! Owns how one key is held apart and let go again; what it is then decided by is in `held.rs`.

use core::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use hashbrown::Equivalent;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::decision::limit_rule::LimitRule;
use crate::keyed::alone::Alone;
use crate::keyed::held::{Held, Waited};
use crate::keyed::hold_error::HoldError;
use crate::keyed::key_form::KeyForm;
use crate::keyed::lines::Told;
use crate::keyed::shard::{Entry, NEVER};
use crate::keyed::table::{Reading, Table};
use crate::keyed::terms::{Terms, furthest_debts};
use crate::keyed::tier::Tag;
use crate::keyed::words::Words;
use crate::limit::limit::{Limit, limits_of};
use crate::limit::limit_error::LimitError;
use crate::sync::{AtomicU64, Relaxed};

/// Lineages of keys that are held apart begin here; those of tiers are below.
const APART: u64 = 1 << 15;

/// Added to the turn of a scan, so that it is later than any instant.
const TURN: u64 = 1 << 63;

impl<K, const N: usize, W: Words<N>, T: Tag, H: BuildHasher> Table<K, N, W, T, H>
where
    K: Hash,
{
    /// Holds a key apart and changes it there. Where nothing sets it apart after, it is let go.
    pub(crate) fn hold<Q>(
        &self,
        key: &Q,
        tier: usize,
        reading: Reading<'_, impl Clock>,
        change: impl FnOnce(&mut Held<K, N, W>, Time) -> Result<(), LimitError>,
    ) -> Result<(), HoldError>
    where
        Q: KeyForm<K> + ?Sized,
    {
        // Where it is not needed it is dropped last, when the shard is let go.
        let (sought, mut owned) = (self.sought(key, tier), Some(key.to_key()));
        let (hash, mut alone) = (sought.hash, self.alone_with(sought.hash));
        let now = reading.again();
        let settled = self.settle(&mut alone, sought, now);
        let (words, moved) = settled.map_or((None, false), |settled| (Some(settled.words.load()), settled.moved));
        if alone.apart.as_ref().is_none_or(|apart| apart.find(hash, key).is_none()) {
            if !self.claim_apart(&mut alone, now) {
                if moved {
                    self.told(alone, hash, key, now);
                }
                return Err(HoldError::TooMany { most: self.max_held as usize });
            }
            let claimed = Claimed(&self.held);
            let shard = alone.shard();
            // A key that owes too much for its new tier has stayed in the old one.
            let waited = shard.apart.as_mut().and_then(|apart| apart.take_waited(hash, key));
            let (entry, line) = match waited {
                Some(Waited { entry, line }) => (Some(entry), Some(line)),
                None => {
                    let entry = shard.keys.find_entry(hash, |entry| key.equivalent(&entry.key)).ok();
                    (entry.map(|entry| entry.remove().0), None)
                }
            };
            let tier = entry.as_ref().map_or(tier, |entry| entry.tag.tier());
            let terms = &shard.terms[tier];
            let words = words.unwrap_or_else(|| terms.unseen(now));
            // ORDERING: Relaxed. A lineage differs from the last ones, and says nothing else.
            // Nothing dies: it is used under the lock of its shard.
            let lineage = APART | (self.lineages.fetch_add(1, Relaxed) % APART);
            let terms = terms.apart(lineage);
            let known = entry.map(|entry| entry.key).or_else(|| owned.take());
            let key = known.expect("it is taken once");
            let held = Held { key, hash, words: W::new(words), terms, own: false, tier, line };
            shard.apart_mut().keep(held);
            core::mem::forget(claimed);
        }
        let held = alone.shard().apart.as_mut().and_then(|apart| apart.find_mut(hash, key));
        let changed = held.map_or(Ok(()), |held| change(held, now));
        let end = alone.apart.as_ref().and_then(|apart| apart.find(hash, key)).map_or(u64::MAX, Held::end);
        self.let_go(&mut alone, hash, key, now);
        self.may_end(end);
        self.told(alone, hash, key, now);
        Ok(changed?)
    }

    /// Lets a shard go, and tells those who wait for a key of it, or hold reservations, that its
    /// limits changed.
    fn told<Q>(&self, alone: Alone<'_, K, N, W, T>, hash: u64, key: &Q, now: Time)
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let line = alone.apart.as_ref().and_then(|apart| apart.line(hash, key)).map(Arc::clone);
        drop(alone);
        // A waker may panic: then the share of the line has gone, and all have been told.
        let _last = self.limits_changed.notify_last();
        line.into_iter().for_each(|line| self.tell(Told::Limited(vec![line]), now));
    }

    /// Says that a pause ends at this instant. The caller holds the shard of its key alone.
    fn may_end(&self, end: u64) {
        // ORDERING: Relaxed, both. A scan stores its turn before it takes the lock that the caller
        // holds: either the turn is seen here, or the scan sees the pause. Its partner is the
        // compare-and-swap in `claim_apart`. Dies without the swap: loom-tests/keys.rs,
        // `a_pause_beside_a_scan_is_not_forgotten`.
        if self.first_end.load(Relaxed) > end {
            self.first_end.swap(0, Relaxed);
        }
    }

    /// Ends a pause or a block of a key, if there is one.
    pub(crate) fn resume<Q>(&self, key: &Q, tier: usize, reading: Reading<'_, impl Clock>)
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let sought = self.sought(key, tier);
        let (hash, mut alone) = (sought.hash, self.alone_with(sought.hash));
        let now = reading.again();
        let moved = self.settle(&mut alone, sought, now).is_some_and(|settled| settled.moved);
        let held = alone.shard().apart.as_mut().and_then(|apart| apart.find_mut(hash, key));
        let Some(held) = held else {
            if moved {
                self.told(alone, hash, key, now);
            }
            return;
        };
        held.revise(held.terms.revision.resumed(now), now);
        self.let_go(&mut alone, hash, key, now);
        self.told(alone, hash, key, now);
    }

    /// Gives a key limits of its own.
    pub(crate) fn set_own<Q>(
        &self,
        key: &Q,
        tier: usize,
        limits: [Limit; N],
        reading: Reading<'_, impl Clock>,
    ) -> Result<(), HoldError>
    where
        Q: KeyForm<K> + ?Sized,
    {
        let next = limits_of(limits, reading.now)?;
        self.hold(key, tier, reading, |held, now| {
            fits(&held.terms, &held.words, furthest_debts(&next), limits, now)?;
            held.change(&next, limits, now);
            (held.own, held.terms) = (true, held.terms.clone().owned(limits));
            Ok(())
        })
    }

    /// Puts a key with limits of its own back under those of its tier. Whether it had any.
    pub(crate) fn clear_own<Q>(
        &self,
        key: &Q,
        tier: usize,
        reading: Reading<'_, impl Clock>,
    ) -> Result<bool, LimitError>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let hash = self.hash(key);
        let mut alone = self.alone_with(hash);
        let now = reading.again();
        let terms = alone.terms(T::of(tier)).clone();
        let held = alone.shard().apart.as_mut().and_then(|apart| apart.find_mut(hash, key));
        let Some(held) = held.filter(|held| held.own) else { return Ok(false) };
        // What keys of the tier may owe is bounded further while its limits change.
        let most = terms.most_owed().get();
        fits(&held.terms, &held.words, most, terms.configured, now)?;
        held.change(terms.limits(), terms.configured, now);
        (held.own, held.tier) = (false, tier);
        held.terms = terms.regained(&held.terms, now);
        let end = held.end();
        self.let_go(&mut alone, hash, key, now);
        self.may_end(end);
        self.told(alone, hash, key, now);
        Ok(true)
    }

    /// Whether a key has limits of its own.
    pub(crate) fn has_own<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let hash = self.hash(key);
        let shard = self.shared_with(hash);
        shard.apart.as_ref().and_then(|apart| apart.find(hash, key)).is_some_and(|held| held.own)
    }

    /// Lets go a key that nothing sets apart any more.
    pub(crate) fn let_go<Q>(&self, alone: &mut Alone<'_, K, N, W, T>, hash: u64, key: &Q, now: Time)
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let Some(apart) = alone.shard().apart.as_mut() else { return };
        if apart.find(hash, key).is_some_and(|held| held.has_ended(now)) {
            self.make_place(alone, now);
            let held = alone.shard().apart.as_mut().and_then(|apart| apart.take(hash, key));
            held.into_iter().for_each(|held| self.put_among(alone, held, now));
        }
    }

    /// Lets go all such keys of a shard. Returns an instant before which no other pause ends there.
    pub(crate) fn let_go_all(&self, alone: &mut Alone<'_, K, N, W, T>, now: Time) -> u64 {
        /// When a key is tried again that found no room among the others.
        const AGAIN: u64 = 1_000_000;
        // One after the other: if a hash panics, the others stay where they are.
        let held = alone.apart.iter().flat_map(|apart| &apart.keys);
        let ended: Vec<u64> = held.filter(|held| held.has_ended(now)).map(|held| held.hash).collect();
        for hash in ended {
            self.make_place(alone, now);
            let held = alone.shard().apart.as_mut().and_then(|apart| apart.take_ended(hash, now));
            held.into_iter().for_each(|held| self.put_among(alone, held, now));
        }
        let held = alone.apart.iter().flat_map(|apart| &apart.keys);
        let end = |held: &Held<K, N, W>| match held.has_ended(now) {
            true => now.as_nanos().saturating_add(AGAIN),
            false => held.end(),
        };
        held.map(end).min().unwrap_or(u64::MAX)
    }

    /// Puts a key back among the others. Where there is no room among them it stays, and is decided
    /// on as one of them.
    fn put_among(&self, alone: &mut Alone<'_, K, N, W, T>, mut held: Held<K, N, W>, now: Time) {
        let (hash, terms) = (held.hash, alone.terms[held.tier].clone());
        held.terms.translate(&terms, &mut held.words, now);
        let forgotten = held.line.is_none() && terms.forgotten_in(&held.words.load(), now) <= 0;
        if !forgotten && !self.claim(alone, hash, now) {
            held.terms = terms.apart(held.terms.lineage());
            alone.shard().apart_mut().keep(held);
            return;
        }
        // ORDERING: Relaxed. A count is one word, as in `Room::release`. Its partner is
        // `claim_apart`. Dies as a load and a store: loom-tests/keys.rs,
        // `two_keys_that_are_let_go_are_both_counted`.
        self.held.fetch_sub(1, Relaxed);
        alone.shard().apart.take_if(|apart| apart.is_empty());
        let entry = Entry { key: held.key, words: held.words, tag: T::of(held.tier) };
        match held.line {
            Some(line) => drop(self.wait_for(alone, entry, line)),
            None if forgotten => alone.gone.push(entry),
            None => self.insert(alone, hash, entry, now),
        }
    }

    /// Counts one more key that is held apart, if there is room or can be made. Whether it could.
    fn claim_apart(&self, alone: &mut Alone<'_, K, N, W, T>, now: Time) -> bool {
        let claim = || {
            let one_more = |held| (held < self.max_held).then_some(held + 1);
            // ORDERING: Relaxed, both. As in `Room::claim`. Dies as a load and a store:
            // loom-tests/keys.rs, `a_key_is_held_apart_once_where_one_may_be`.
            self.held.fetch_update(Relaxed, Relaxed, one_more).is_ok()
        };
        if claim() {
            return true;
        }
        // ORDERING: Relaxed. It refuses, at worst, a call for which a pause ends at this very
        // moment. Nothing dies: it only saves a look at all shards.
        let known = self.first_end.load(Relaxed);
        if known < TURN && now.as_nanos() < known {
            return false;
        }
        // ORDERING: Relaxed. A turn differs from the last ones, and says nothing else. Nothing
        // dies: two scans of one turn need a third thread that registers a pause.
        let turn = TURN | self.lineages.fetch_add(1, Relaxed);
        // ORDERING: Relaxed. The locks of the shards below order it before what `may_end` loads:
        // its partner holds one of them. Nothing dies: without it nothing is remembered, and each
        // call looks.
        self.first_end.store(turn, Relaxed);
        // Looks at every shard, as a pause that is over must keep nobody out. What is locked is
        // unknown.
        let mut first = self.let_go_all(alone, now);
        for index in (1..self.shards()).map(|step| (alone.index + step) % self.shards()) {
            if claim() {
                return true;
            }
            first = first.min(self.try_alone(index).map_or(0, |mut other| {
                let first = self.let_go_all(&mut other, now);
                // Dropped when this shard is let go, too.
                alone.gone.append(&mut other.gone);
                first
            }));
        }
        // ORDERING: Relaxed, both. Where a pause was registered since, the turn is gone and this
        // fails. Dies as a store: loom-tests/keys.rs, `a_pause_beside_a_scan_is_not_forgotten`.
        let _ = self.first_end.compare_exchange(turn, first.min(NEVER), Relaxed, Relaxed);
        claim()
    }
}

/// A place among the keys that are held apart, until a key has it. If a comparison panics, it is
/// free again.
struct Claimed<'t>(&'t AtomicU64);

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        // ORDERING: Relaxed. As in `put_among`. Dies if it is not done: tests/keyed_line.rs,
        // `a_hash_or_a_comparison_that_panics_leaves_those_who_wait_where_they_are`.
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Whether what these words owe is no more than `most` tokens.
fn fits<const N: usize>(
    terms: &Terms<N>,
    words: &impl Words<N>,
    most: [u64; N],
    configured: [Limit; N],
    now: Time,
) -> Result<(), LimitError> {
    let owed = terms.owed(&words.load(), now);
    match (0..N).find(|i| owed[*i] > most[*i]) {
        Some(i) => Err(LimitError {
            stream: i,
            limit: configured[i],
            rule: LimitRule::DebtTooLarge { debt: owed[i], most: most[i] },
        }),
        None => Ok(()),
    }
}
