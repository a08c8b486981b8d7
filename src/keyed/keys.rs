//! Owns the keys of a `KeyedBuckets`: when one is added, when one may go, and how many there are.
//! What a verb does to the words of a key is in `decision/limits.rs`, what they mean after a
//! change of the limits in `terms.rs`.
//!
//! # Eviction
//!
//! A key whose bucket is full again is as good as one never seen. Whoever adds a key first looks at
//! [`LOOKED_AT`] cells of its tier, those after the ones that were looked at last, and at as many
//! of another tier, and closes those that are full. No thread does it, nothing waits for it, and no
//! call does more than that, but where a group has no cell left. No key is taken out but as a full
//! one: what is to be forgotten is filled.
//!
//! # Tiers
//!
//! Each has cells of its own, so a word is never read under the limits of another tier, and a key
//! in another tier is another key. They share the bound.
//!
//! # Why no two words of a cell are the same
//!
//! A thread may read a word, stand still, and go on when the cell is another key's; its
//! compare-and-swap must then fail. Words are positions on the line of their tier. A key begins
//! behind all that were evicted (`Evicted`), and is added to take something, so all its words are
//! behind those too. If only takes are done to it, all its words are before the last, which is
//! noted when it goes; and then no later key has any of them.
//!
//! What gives tokens back goes back on the line. So that is written down beside the cell before it
//! is done ([`Owned::give_back`]), and such a key goes only when it would be full with a whole
//! capacity more spent, which is behind every word that it had while it owed nothing. Where it owed
//! something, its words are noted ([`Tier::owed`]), and it goes when the line has passed those. No
//! word goes back to, or before, the last one that was evicted.
//!
//! A key may be given back to while a thread that saw it full, and never given back to, is about to
//! close it: the word could come back to what that thread holds, though it had been further
//! meanwhile. So whoever closes notes the word in `Evicted` before he looks once more at what is
//! written beside the cell, and whoever gives back writes there before he reads `Evicted`: one of
//! the two sees the other, and the key stays, or its word does not come back.
//!
//! What this leaves: readings of those who give back to one key that go backwards, by as much as is
//! then above the capacity that was counted on. Each of them fills the bucket of its own reading,
//! so together they may go back further than a capacity. A thread that had stood still since before
//! that, for as long as a capacity takes to accrue, would have to find another key in the cell,
//! with the same word to the unit.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::marker::PhantomData;
use core::ops::RangeInclusive;
use std::boxed::Box;
use std::vec::Vec;

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::keyed::cell::{Cell, Changed, Closed};
use crate::keyed::group::{Group, Owned};
use crate::keyed::key_limits::KeyLimits;
use crate::keyed::key_tier::{CellOf, Tier};
use crate::keyed::streams::Streams;
use crate::keyed::terms::{Frame, Terms, is_later, later};
use crate::keyed::tier::{OneTier, TierOf};
use crate::state::limits_changed::LimitsChanged;
use crate::sync::{AtomicU64, Relaxed};

/// How many cells are looked at for every key that is added, or that there is no room for.
const LOOKED_AT: u64 = if cfg!(loom) { 1 } else { 8 };

const HOUR: u64 = 3600 * 1_000_000_000;

/// There is no room for another key.
#[derive(Debug)]
pub(crate) struct NoRoom;

pub(crate) struct Keys<K, const N: usize, H, F = OneTier>
where
    [u64; N]: Streams<N>,
{
    /// Where there is one tier, it is here, one step away.
    first: Tier<N>,
    more: Box<[Tier<N>]>,
    tier_of: F,
    most: u64,
    /// How many keys there are, or are about to be: counted before a key is put in, and after it
    /// was closed.
    count: AtomicU64,
    share_overflow: bool,
    hasher: H,
    key: PhantomData<fn(&K)>,
}

impl<K, const N: usize, H: BuildHasher> Keys<K, N, H>
where
    [u64; N]: Streams<N>,
{
    pub(crate) fn new(limits: KeyLimits<N>, most: usize, hasher: H) -> Self {
        Self {
            first: Tier::new(limits, most),
            more: Box::default(),
            tier_of: OneTier,
            most: most as u64,
            count: AtomicU64::new(0),
            share_overflow: false,
            hasher,
            key: PhantomData,
        }
    }
}

impl<K, const N: usize, H, F> Keys<K, N, H, F>
where
    [u64; N]: Streams<N>,
{
    /// The same keys, with further tiers.
    pub(crate) fn with_tiers<G>(self, more: Vec<KeyLimits<N>>, tier_of: G) -> Keys<K, N, H, G> {
        let Self { first, most, count, share_overflow, hasher, key, .. } = self;
        let more = more.into_iter().map(|limits| Tier::new(limits, most as usize)).collect();
        Keys { first, more, tier_of, most, count, share_overflow, hasher, key }
    }

    /// From now on those that there is no room for share a bucket, in each tier.
    pub(crate) fn share_overflow(&mut self) {
        self.share_overflow = true;
    }

    /// The instant that the tiers begin at.
    pub(crate) fn origin(&self) -> Time {
        self.first.limits.origin()
    }

    pub(crate) fn tiers(&self) -> usize {
        1 + self.more.len()
    }

    /// The limits of this tier.
    ///
    /// # Panics
    ///
    /// If there is none of this index.
    #[inline]
    pub(crate) fn limits(&self, tier: usize) -> &KeyLimits<N> {
        &self.tier(tier).limits
    }

    #[inline]
    fn tier(&self, index: usize) -> &Tier<N> {
        match index.checked_sub(1) {
            None => &self.first,
            Some(further) => self.more.get(further).unwrap_or_else(|| no_such_tier(index, self.tiers())),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        // ORDERING: Relaxed. A number to look at; orders nothing. Nothing dies without it.
        self.count.load(Relaxed)
    }

    pub(crate) fn most(&self) -> u64 {
        self.most
    }
}

#[cold]
#[track_caller]
fn no_such_tier(tier: usize, tiers: usize) -> ! {
    panic!("tier {tier}: there are {tiers}, counted from 0")
}

impl<K, const N: usize, H: BuildHasher, F> Keys<K, N, H, F>
where
    [u64; N]: Streams<N>,
{
    /// The hash of a key, and its tier.
    #[inline]
    fn find<Q>(&self, key: &Q) -> (u64, &Tier<N>)
    where
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        (self.hasher.hash_one(key), self.tier(self.tier_of.tier_of(key)))
    }

    /// The limits in force for a key.
    pub(crate) fn terms<Q>(&self, key: &Q) -> Terms<N>
    where
        Q: ?Sized,
        F: TierOf<Q>,
    {
        self.limits(self.tier_of.tier_of(key)).terms()
    }

    /// What notifies sleepers when the limits of a key change.
    pub(crate) fn limits_changed<Q>(&self, key: &Q) -> &LimitsChanged
    where
        Q: ?Sized,
        F: TierOf<Q>,
    {
        self.limits(self.tier_of.tier_of(key)).limits_changed()
    }

    /// Changes the words of a key in one step; a key that was never seen is added only if that
    /// changes them.
    #[inline]
    pub(crate) fn change<Q, R, E>(
        &self,
        key: &Q,
        now: Time,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N]) -> E,
    ) -> Result<Result<R, E>, NoRoom>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, tier) = self.find(key);
        match tier.limits.first() {
            Some(first) => {
                let changed = self.change_in(first, tier, hash, now..=now, |_, words| change(first, words));
                changed.map(|changed| changed.map_err(|words| refuse(first, &words)))
            }
            None => self.change_later(tier, hash, now, change, refuse),
        }
    }

    /// The same under any limits, out of line.
    #[cold]
    #[inline(never)]
    fn change_later<R, E>(
        &self,
        tier: &Tier<N>,
        hash: u64,
        now: Time,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N]) -> E,
    ) -> Result<Result<R, E>, NoRoom> {
        let terms = tier.limits.terms();
        let changed = self.change_in(&terms, tier, hash, now..=now, |terms, words| change(terms.limits(), words));
        changed.map(|changed| changed.map_err(|words| refuse(terms.limits(), &words)))
    }

    /// The same, where the limits are to be known with their place among others; `Err` with both. A
    /// key that there is no room for is as it would be, if it is not served from the overflow. The
    /// decision may be of a reading that is up to an hour older than `now`.
    pub(crate) fn change_revised<Q>(
        &self,
        key: &Q,
        now: Time,
        change: impl Fn(&Terms<N>, &[u64; N]) -> Option<[u64; N]>,
    ) -> Result<(), (Terms<N>, [u64; N])>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, tier) = self.find(key);
        let terms = tier.limits.terms();
        let change = |terms: &Terms<N>, words: &[u64; N]| Some((change(terms, words)?, ()));
        // A bucket that was full an hour ago is full at both readings.
        let begin = Time::from_nanos(now.as_nanos().saturating_sub(HOUR));
        match self.change_in(&terms, tier, hash, begin..=now, change) {
            Ok(changed) => changed.map_err(|words| (terms, words)),
            Err(NoRoom) => Err((terms, terms.inward(&tier.full(&terms, begin)))),
        }
    }

    /// Sets the level of a key, capped at that of an unused one.
    pub(crate) fn reset<Q>(&self, key: &Q, now: Time, tokens: &[u64; N]) -> Result<(), NoRoom>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, tier) = self.find(key);
        let terms = tier.limits.terms();
        let (limits, unused) = (terms.limits(), terms.inward(&terms.unused(now)));
        let words = limits.reset(limits.elapsed(now), tokens);
        let words = core::array::from_fn(|i| later(words[i], unused[i]));
        let reset = |_: &_, spent: &[u64; N]| (*spent != words).then_some((words, ()));
        self.change_known_or_add(&terms, tier, hash, &(now..=now), reset).map(|_| ())
    }

    /// The one loop over cells: looks the key up, and adds it where it is not there. What `change`
    /// is given and makes is counted as in `frame`; the reading that it decides on is in `now`, the
    /// end of which is the present.
    #[inline]
    fn change_in<T: Frame<N>, R>(
        &self,
        frame: &T,
        tier: &Tier<N>,
        hash: u64,
        now: RangeInclusive<Time>,
        change: impl Fn(&T, &[u64; N]) -> Option<([u64; N], R)>,
    ) -> Result<Changed<R, N>, NoRoom> {
        match self.change_known_or_add(frame, tier, hash, &now, &change) {
            Err(no_room) => self.change_overflow(frame, tier, *now.start(), change).ok_or(no_room),
            changed => changed,
        }
    }

    #[inline]
    fn change_known_or_add<T: Frame<N>, R>(
        &self,
        frame: &T,
        tier: &Tier<N>,
        hash: u64,
        now: &RangeInclusive<Time>,
        change: impl Fn(&T, &[u64; N]) -> Option<([u64; N], R)>,
    ) -> Result<Changed<R, N>, NoRoom> {
        let outward = |words: &[u64; N]| {
            let (next, answer) = change(frame, &frame.inward(words))?;
            Some((frame.outward(&next), answer))
        };
        let inward = |changed: Changed<R, N>| changed.map_err(|words| frame.inward(&words));
        loop {
            let look = |cell: &CellOf<N>, owned: Owned<'_>| {
                let change = |words: &[u64; N]| {
                    let (next, answer) = outward(words)?;
                    Some((tier.after(frame, *now.end(), owned, words, next), answer))
                };
                cell.update(|| owned.still(), || tier.full(frame, *now.start()), change)
            };
            if let Some(changed) = tier.table.find(hash, look) {
                return Ok(inward(changed));
            }
            let full = tier.full(frame, *now.start());
            let Some((next, answer)) = outward(&full) else { return Ok(inward(Err(full))) };
            // What takes nothing of a full bucket leaves it as good as never seen.
            if !(0..N).any(|i| is_later(next[i], full[i])) {
                return Ok(Ok(answer));
            }
            self.add(tier, hash, *now.end())?;
        }
    }

    /// The same to what the keys without room share, if they do.
    #[cold]
    fn change_overflow<T: Frame<N>, R>(
        &self,
        frame: &T,
        tier: &Tier<N>,
        now: Time,
        change: impl Fn(&T, &[u64; N]) -> Option<([u64; N], R)>,
    ) -> Option<Changed<R, N>> {
        if !self.share_overflow {
            return None;
        }
        let outward = |words: &[u64; N]| {
            let (next, answer) = change(frame, &frame.inward(words))?;
            Some((frame.outward(&next), answer))
        };
        let changed = tier.overflow.update(|| true, || frame.unused(now), outward).ok()?;
        Some(changed.map_err(|words| frame.inward(&words)))
    }

    /// The same for a key that is there; one that is not, or is about to go, is full, and stays so.
    pub(crate) fn change_known<Q>(&self, key: &Q, now: Time, change: impl Fn(&Limits<N>, &[u64; N]) -> Option<[u64; N]>)
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, tier) = self.find(key);
        let known = |cell: &CellOf<N>, owned: Owned<'_>| match tier.limits.first() {
            Some(first) => Self::change_cell(first, tier, cell, owned, now, &change),
            None => Self::change_cell(&tier.limits.terms(), tier, cell, owned, now, &change),
        };
        tier.table.find(hash, known);
    }

    fn change_cell(
        frame: &impl Frame<N>,
        tier: &Tier<N>,
        cell: &CellOf<N>,
        owned: Owned<'_>,
        now: Time,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<[u64; N]>,
    ) -> Result<(), Closed> {
        let change = |words: &[u64; N]| {
            let next = frame.outward(&change(frame.limits(), &frame.inward(words))?);
            Some((tier.after(frame, now, owned, words, next), ()))
        };
        cell.update(|| owned.still(), || tier.full(frame, now), change).map(|_| ())
    }

    /// What `look` says of the words of a key.
    pub(crate) fn read<Q, R>(&self, key: &Q, now: Time, look: impl FnOnce(&Limits<N>, &[u64; N]) -> R) -> R
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, tier) = self.find(key);
        let terms = tier.limits.terms();
        let words = match tier.table.find(hash, |cell, owned| cell.read(|| owned.still())) {
            Some(words) => words,
            None if self.share_overflow && self.len() >= self.most => tier.overflow.read(|| true).unwrap_or(None),
            None => None,
        };
        let words = words.unwrap_or_else(|| tier.full(&terms, now));
        look(terms.limits(), &terms.inward(&words))
    }

    /// Whether a key is neither there nor could be added, as far as can be told without looking at
    /// others.
    pub(crate) fn lacks_room<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, tier) = self.find(key);
        let is_there = || tier.table.find(hash, |cell, owned| cell.read(|| owned.still())).is_some();
        !self.share_overflow && self.len() >= self.most && !is_there()
    }

    /// Looks at every key, and removes those that are full.
    pub(crate) fn shrink(&self, now: Time) {
        for tier in self.all_tiers() {
            tier.table.all(|group, index| self.close_full(tier, group, index, now));
        }
    }

    /// Fills the buckets of those keys that `keep` does not want, so that they may go.
    pub(crate) fn retain(&self, now: Time, mut keep: impl FnMut([u64; N]) -> bool) {
        for tier in self.all_tiers() {
            let terms = tier.limits.terms();
            let limits = terms.limits();
            tier.table.all(|group, index| {
                group.at(index, |cell: &CellOf<N>, owned| {
                    let words = cell.read(|| owned.still())?.unwrap_or_else(|| tier.full(&terms, now));
                    if keep(limits.available(&terms.inward(&words), limits.elapsed(now))) {
                        return Ok(());
                    }
                    Self::change_cell(&terms, tier, cell, owned, now, |_, _| {
                        Some(terms.inward(&tier.full(&terms, now)))
                    })
                });
            });
        }
    }

    fn all_tiers(&self) -> impl Iterator<Item = &Tier<N>> {
        core::iter::once(&self.first).chain(&self.more)
    }

    #[cold]
    fn add(&self, tier: &Tier<N>, hash: u64, now: Time) -> Result<(), NoRoom> {
        tier.table.in_turn(LOOKED_AT, |group, index| self.close_full(tier, group, index, now));
        if !self.more.is_empty() {
            // Which one is left to chance: the hash has more bits than the place of a key takes.
            let other = self.tier((hash >> 8) as usize % self.tiers());
            other.table.in_turn(LOOKED_AT, |group, index| self.close_full(other, group, index, now));
        }
        // ORDERING: Relaxed, both. A count, which only has to be exact. Dies as a load and a store:
        // loom-tests/keys.rs, `two_keys_in_a_room_for_one_are_not_both_added`.
        let counted = self.count.fetch_update(Relaxed, Relaxed, |count| (count < self.most).then_some(count + 1));
        counted.map_err(|_| NoRoom)?;
        let put_in = tier.table.put_in(hash, |group, index| self.close_full(tier, group, index, now));
        if !matches!(put_in, Ok(true)) {
            self.uncount();
        }
        put_in.map(|_| ()).map_err(|_| NoRoom)
    }

    fn close_full(&self, tier: &Tier<N>, group: &Group<CellOf<N>>, index: usize, now: Time) {
        if tier.close_full(group, index, now) {
            self.uncount();
        }
    }

    fn uncount(&self) {
        // ORDERING: Relaxed. As in `add`. Dies without it: loom-tests/keys.rs,
        // `a_removed_key_makes_room_once`.
        self.count.fetch_sub(1, Relaxed);
    }
}
