//! Owns how the limits of all keys change, and how tiers come; what a change does to words is in
//! `terms.rs`.
//!
//! A change is validated first, then goes through the shards one by one and cannot fail. Each key
//! changes at one instant, the table does not.

use core::hash::{BuildHasher, Hash};
use core::marker::PhantomData;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::decision::limit_rule::LimitRule;
use crate::decision::limits::Limits;
use crate::keyed::key_line::KeyLine;
use crate::keyed::lines::Told;
use crate::keyed::shard::{Entry, Shard, no_such_tier};
use crate::keyed::table::{Lane, Reading, Table};
use crate::keyed::terms::{Terms, furthest_debts};
use crate::keyed::tier::{Tag, check_tiers};
use crate::keyed::words::Words;
use crate::limit::limit::{Limit, limits_of};
use crate::limit::limit_error::LimitError;
use crate::sync::RwLock;

impl<K, const N: usize, W: Words<N>, T: Tag, H: BuildHasher> Table<K, N, W, T, H>
where
    K: Hash,
{
    /// How many tiers there are.
    pub(crate) fn tiers(&self) -> usize {
        self.shared(0).terms.len()
    }

    pub(crate) fn all_tiers(&self) -> Vec<usize> {
        (0..self.tiers()).collect()
    }

    /// The limits of a tier as they were written.
    pub(crate) fn configured(&self, tier: usize) -> [Limit; N] {
        let shard = self.shared(0);
        match shard.terms.get(tier) {
            Some(terms) => terms.configured,
            None => no_such_tier(tier, shard.terms.len()),
        }
    }

    /// Whether every key of these tiers can have these limits, now.
    ///
    /// # Panics
    ///
    /// If there is no such tier.
    pub(crate) fn check(&self, tiers: &[usize], limits: [Limit; N], now: Time) -> Result<(), LimitError> {
        for tier in tiers {
            let _ = self.configured(*tier);
        }
        let next = limits_of(limits, now)?;
        tiers.iter().try_for_each(|tier| self.check_debts(*tier, &next, limits, now))
    }

    /// Puts the keys of these tiers under these limits.
    pub(crate) fn change(
        &self,
        tiers: &[usize],
        limits: [Limit; N],
        reading: Reading<'_, impl Clock>,
    ) -> Result<(), LimitError> {
        let changer = self.changers.write();
        let next = limits_of(limits, reading.now)?;
        let new = furthest_debts(&next);
        let before: Vec<[u64; N]> = tiers.iter().map(|tier| self.most_owed(*tier)).collect();
        // From here on no key can come to owe more than the new limits hold.
        for (tier, most) in tiers.iter().zip(&before) {
            self.bound_debts(*tier, core::array::from_fn(|i| most[i].min(new[i])));
        }
        let checked = tiers.iter().zip(&before).try_for_each(|(tier, most)| match (0..N).all(|i| most[i] <= new[i]) {
            true => Ok(()),
            false => self.check_debts(*tier, &next, limits, reading.now),
        });
        if checked.is_err() {
            tiers.iter().zip(before).for_each(|(tier, most)| self.bound_debts(*tier, most));
            return checked;
        }
        let lines: Vec<_> =
            (0..self.shards()).flat_map(|index| self.change_shard(index, tiers, &next, limits, reading)).collect();
        if let Some(overflow) = &self.overflow {
            let mut overflow = overflow.write();
            let now = reading.again();
            let terms = changed(&overflow.terms, tiers, &next, limits, now);
            for tier in tiers {
                let old = Arc::clone(&overflow.terms);
                old[*tier].translate(&terms[*tier], &mut overflow.words[*tier], now);
            }
            overflow.terms = terms;
        }
        tiers.iter().for_each(|tier| self.bound_debts(*tier, new));
        drop(changer);
        // A waker may panic: then the shares of the lines have gone, and all have been told.
        let _last = self.limits_changed.notify_last();
        if !lines.is_empty() {
            self.tell(Told::Limited(lines), reading.again());
        }
        Ok(())
    }

    /// Changes a shard. Returns the lines of its keys, for those who wait to be told.
    fn change_shard(
        &self,
        index: usize,
        tiers: &[usize],
        next: &Limits<N>,
        configured: [Limit; N],
        reading: Reading<'_, impl Clock>,
    ) -> Vec<Arc<KeyLine<N>>> {
        let mut alone = self.alone(index);
        let now = reading.again();
        let terms = changed(&alone.terms, tiers, next, configured, now);
        let shard = alone.shard();
        let old = &shard.terms;
        let change = |entry: &mut Entry<K, W, T>| {
            let tier = entry.tag.tier();
            if tiers.contains(&tier) {
                old[tier].translate(&terms[tier], &mut entry.words, now);
            }
        };
        shard.keys.iter_mut().for_each(change);
        if let Some(apart) = &mut shard.apart {
            apart.waited.iter_mut().map(|waited| &mut waited.entry).for_each(change);
            for held in apart.keys.iter_mut().filter(|held| !held.own && tiers.contains(&held.tier)) {
                held.change(next, configured, now);
            }
        }
        shard.terms = terms;
        let bound = shard.first_forgotten(now);
        self.room.lower(index, bound);
        self.room.raise(index, bound);
        alone.apart.iter().flat_map(|apart| apart.lines()).map(Arc::clone).collect()
    }

    /// The same keys in a table with more tiers, whose entries keep their tier in another way.
    pub(crate) fn retagged<U: Tag>(self, more: &[Terms<N>]) -> Table<K, N, W, U, H> {
        check_tiers(self.tiers() + more.len());
        let first = self.lanes.first().map(|lane| Arc::clone(&lane.0.read().terms));
        let all = |terms: &Arc<[Terms<N>]>| terms.iter().chain(more).cloned().collect::<Arc<[_]>>();
        let shared = first.as_ref().map(|first| (first, all(first)));
        let lane = |lane: &Lane<K, N, W, T>| {
            let shard = &mut *lane.0.write();
            // Shards whose limits changed have terms of their own.
            let terms = match &shared {
                Some((first, all)) if Arc::ptr_eq(first, &shard.terms) => Arc::clone(all),
                _ => all(&shard.terms),
            };
            let apart = shard.apart.take().map(|apart| Box::new(apart.retagged()));
            let mut retagged = Shard { apart, ..Shard::new(terms) };
            for Entry { key, words, tag } in core::mem::take(&mut shard.keys) {
                let (hash, entry) = (self.hash(&key), Entry { key, words, tag: U::of(tag.tier()) });
                retagged.keys.insert_unique(hash, entry, |entry| self.hash(&entry.key));
            }
            Lane(RwLock::new(retagged))
        };
        let lanes = self.lanes.iter().map(lane).collect();
        let Self { shift, hasher, room, held, max_held, first_end, keep, changers, limits_changed, lineages, .. } =
            self;
        Table {
            lanes,
            shift,
            hasher,
            room,
            held,
            max_held,
            first_end,
            keep,
            overflow: None,
            changers,
            limits_changed,
            lineages,
            tag: PhantomData,
        }
    }

    /// Adds a tier. Returns its index.
    pub(crate) fn add_tier(&self, limits: [Limit; N], reading: Reading<'_, impl Clock>) -> Result<usize, LimitError> {
        let _changer = self.changers.write();
        let (tier, next) = (self.tiers(), limits_of(limits, reading.now)?);
        check_tiers(tier + 1);
        let new = Terms::new(next, limits, tier as u64);
        let more = |terms: &Arc<[Terms<N>]>| terms.iter().cloned().chain([new.clone()]).collect();
        for index in 0..self.shards() {
            let mut alone = self.alone(index);
            let terms = more(&alone.terms);
            alone.shard().terms = terms;
        }
        if let Some(overflow) = &self.overflow {
            let mut overflow = overflow.write();
            overflow.terms = more(&overflow.terms);
            overflow.words.push(W::new(new.unseen(reading.now)));
        }
        Ok(tier)
    }

    fn most_owed(&self, tier: usize) -> [u64; N] {
        let shard = self.shared(0);
        match shard.terms.get(tier) {
            Some(terms) => terms.most_owed().get(),
            None => no_such_tier(tier, shard.terms.len()),
        }
    }

    fn bound_debts(&self, tier: usize, most: [u64; N]) {
        self.shared(0).terms[tier].most_owed().set(most);
    }

    /// Whether no key of this tier owes more than these limits can hold.
    fn check_debts(&self, tier: usize, next: &Limits<N>, limits: [Limit; N], now: Time) -> Result<(), LimitError> {
        let most = furthest_debts(next);
        let check = |owed: [u64; N]| match (0..N).find(|i| owed[*i] > most[*i]) {
            Some(i) => Err(LimitError {
                stream: i,
                limit: limits[i],
                rule: LimitRule::DebtTooLarge { debt: owed[i], most: most[i] },
            }),
            None => Ok(()),
        };
        for index in 0..self.shards() {
            let alone = self.alone(index);
            let terms = &alone.terms;
            for entry in alone.entries().filter(|entry| entry.tag.tier() == tier) {
                check(terms[tier].owed(&entry.words.load(), now))?;
            }
            let held = alone.apart.iter().flat_map(|apart| &apart.keys);
            for held in held.filter(|held| !held.own && held.tier == tier) {
                check(held.terms.owed(&held.words.load(), now))?;
            }
        }
        match &self.overflow {
            Some(overflow) => {
                let overflow = overflow.write();
                check(overflow.terms[tier].owed(&overflow.words[tier].load(), now))
            }
            None => Ok(()),
        }
    }
}

/// These terms, of which those of some tiers change at `now`.
fn changed<const N: usize>(
    terms: &[Terms<N>],
    tiers: &[usize],
    next: &Limits<N>,
    configured: [Limit; N],
    now: Time,
) -> Arc<[Terms<N>]> {
    let change = |(tier, terms): (usize, &Terms<N>)| match tiers.contains(&tier) {
        true => terms.changed(next, configured, now),
        false => terms.clone(),
    };
    terms.iter().enumerate().map(change).collect()
}
