//! Owns the keys of one shard, their words and their limits; never takes a lock or reads a clock.

use core::mem::needs_drop;
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
            let Held { terms, words, line, .. } = self.apart.as_mut()?.find_mut(hash, key)?;
            return Some(Settled { terms, words, line: line.as_ref(), moved: false });
        }
        // Names a tier that is not there, before anything is changed.
        self.terms(tag);
        let waited = self.apart.as_ref().is_some_and(|apart| apart.find_waited(hash, key).is_some());
        if waited {
            let Waited { entry, line } = self.apart.as_mut()?.find_waited_mut(hash, key)?;
            let moved = entry.tag != tag && move_to(&self.terms, entry, tag, now);
            let terms = &self.terms[entry.tag.tier()];
            return Some(Settled { terms, words: &mut entry.words, line: Some(line), moved });
        }
        let (terms, words) = self.settle_plain(sought, now)?;
        Some(Settled { terms, words, line: None, moved: false })
    }

    /// The same for a key that is not treated apart.
    #[inline]
    pub(crate) fn settle_plain<Q: Equivalent<K> + ?Sized>(
        &mut self,
        sought: Sought<'_, Q, T>,
        now: Time,
    ) -> Option<(&Terms<N>, &mut W)> {
        let Sought { key, hash, tag } = sought;
        // Names a tier that is not there, before anything is changed.
        self.terms(tag);
        let entry = self.keys.find_mut(hash, |entry| key.equivalent(&entry.key))?;
        if entry.tag != tag {
            move_to(&self.terms, entry, tag, now);
        }
        Some((&self.terms[entry.tag.tier()], &mut entry.words))
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

    /// As [`sweep`](Self::sweep), of those that may go the half that could have gone for longest,
    /// or a few more.
    ///
    /// Their ages are counted in [`class`]es, so that it takes no memory.
    pub(crate) fn sweep_half(&mut self, now: Time, gone: &mut Vec<Entry<K, W, T>>) -> u64 {
        let (mut ages, mut all) = ([0_u32; CLASSES], 0);
        for entry in &self.keys {
            let forgotten = self.terms(entry.tag).forgotten_in(&entry.words.load(), now);
            if forgotten <= 0 {
                ages[class(forgotten.unsigned_abs())] += 1;
                all += 1;
            }
        }
        let mut older = 0;
        let youngest = (0..CLASSES).rev().find(|class| {
            older += ages[*class];
            older * 2 >= all
        });
        let keep = if all == 0 { i64::MAX } else { youngest.map_or(0, least_age) };
        self.sweep(now, keep, gone)
    }
}

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

/// Classes of ages, two for each power of two.
const CLASSES: usize = 63 * 2;

fn class(age: u64) -> usize {
    let power = 62 - (age | 2).leading_zeros();
    power as usize * 2 + (age >> power) as usize % 2
}

/// The least age of a class, or less.
fn least_age(class: usize) -> i64 {
    if class < 2 { 0 } else { ((2 + class as i64 % 2) << (class / 2)).max(0) }
}

/// The instant so many nanoseconds after `now`, at most [`NEVER`].
pub(crate) fn instant(now: Time, nanos: i64) -> u64 {
    now.as_nanos().saturating_add_signed(nanos).min(NEVER)
}

/// Later than any instant at which a key may go.
pub(crate) const NEVER: u64 = (1 << 63) - 1;

#[cold]
pub(crate) fn no_such_tier(tier: usize, tiers: usize) -> ! {
    panic!("tier {tier}: there are {tiers}, counted from 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_of_ages_begins_at_its_least_age() {
        for age in (0..1000).chain((10..63).flat_map(|power| [(1 << power) - 1, 1 << power, 5 << (power - 2)])) {
            let class = class(age);
            assert!(class < CLASSES && least_age(class) as u64 <= age, "{age}: {class}");
            assert!(age < 4 || least_age(class + 1) as u64 > age, "{age}: {class}");
        }
    }
}
