//! Owns the keys of a `KeyedBuckets`: when one is added, when one may go, and how many there are. What a verb does to the words of a key is in `limits.rs`, what
//! they mean after a change of the limits in `terms.rs`.
//!
//! # Eviction
//!
//! A key whose bucket is full again is as good as one never seen. Every key that is added has its turn once in a queue, in the order of their coming. Whoever
//! adds a key first looks at [`LOOKED_AT`] keys, those whose turn it is: one that is full is closed and removed, any other goes to the end. So the queue is
//! walked four times as fast as it grows, no call does more than four looks, and nothing is scanned. A turn is 8 bytes, the hash of the key.
//!
//! A turn is in the queue or in the hands of whoever looks at it, and it goes when its key is closed. So no key has two. For the same reason no key is taken out
//! but as a full one: what is to be forgotten is filled.
//!
//! # Tiers
//!
//! The tier of a key is a part of the hash that it is stored with: a key in another tier is another key, and a turn says which limits its key is full in.
//!
//! | bits | of a stored hash |
//! |---|---|
//! | 0..48 | as hashed; the table takes its index from the lowest of them |
//! | 48..56 | the tier |
//! | 56..64 | as hashed; the table takes its tag from the highest 7, or, where an address has 32 bits, from 25..32 |

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::ops::RangeInclusive;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::vec::Vec;

use crossbeam_queue::SegQueue;
use crossbeam_utils::CachePadded;

use crate::cell::{Cell, Changed};
use crate::evicted::Evicted;
use crate::key_limits::KeyLimits;
use crate::limits::Limits;
use crate::map::{Looked, Map};
use crate::streams::{Shape, Streams};
use crate::sync::{AtomicU64, Relaxed};
use crate::terms::{Frame, Terms, is_later, later};
use crate::{OneTier, TierOf, Time};

/// How many keys are looked at for every key that is added, or that there is no room for.
pub(crate) const LOOKED_AT: usize = 4;

/// The most tiers: as many as 8 bits can name.
pub(crate) const MOST_TIERS: usize = 1 << 8;

const TIER_SHIFT: u32 = 48;
const TIER_MASK: u64 = (MOST_TIERS as u64 - 1) << TIER_SHIFT;

const HOUR: u64 = 3600 * 1_000_000_000;

/// There is no room for another key.
pub(crate) struct NoRoom;

type CellOf<const N: usize> = <[u64; N] as Shape<N>>::Cell;

pub(crate) struct Keys<K, const N: usize, H, F = OneTier>
where
    [u64; N]: Streams<N>,
{
    /// Where there is one tier, it is here, one step away.
    first: Tier<N>,
    more: Box<[Tier<N>]>,
    tier_of: F,
    cells: Map<K, CellOf<N>>,
    turns: SegQueue<u64>,
    most: u64,
    /// How many keys there are, or are about to be: counted before a key is put in, and after it was taken out.
    count: AtomicU64,
    share_overflow: bool,
    hasher: H,
}

/// What the keys of one tier have in common.
struct Tier<const N: usize>
where
    [u64; N]: Streams<N>,
{
    /// On lines of their own, which nobody writes while the limits are the first ones.
    limits: CachePadded<KeyLimits<N>>,
    evicted: Evicted<N>,
    /// What keys share that there is no room for.
    overflow: CellOf<N>,
}

impl<const N: usize> Tier<N>
where
    [u64; N]: Streams<N>,
{
    fn new(limits: KeyLimits<N>) -> Self {
        let terms = limits.terms();
        let evicted = Evicted::new(terms.unused(limits.origin()));
        Self { limits: CachePadded::new(limits), evicted, overflow: Cell::unborn() }
    }

    /// The words of a bucket that is full, and has spent no less than any that was evicted.
    fn full(&self, frame: &impl Frame<N>, now: Time) -> [u64; N] {
        self.evicted.least(frame.unused(now))
    }
}

impl<K: Eq, const N: usize, H: BuildHasher> Keys<K, N, H>
where
    [u64; N]: Streams<N>,
{
    pub(crate) fn new(limits: KeyLimits<N>, most: usize, hasher: H) -> Self {
        Self {
            first: Tier::new(limits),
            more: Box::default(),
            tier_of: OneTier,
            cells: Map::new(),
            turns: SegQueue::new(),
            most: most as u64,
            count: AtomicU64::new(0),
            share_overflow: false,
            hasher,
        }
    }
}

impl<K, const N: usize, H, F> Keys<K, N, H, F>
where
    [u64; N]: Streams<N>,
{
    /// The same keys, with further tiers.
    pub(crate) fn with_tiers<G>(self, more: Vec<KeyLimits<N>>, tier_of: G) -> Keys<K, N, H, G> {
        let Self { first, cells, turns, most, count, share_overflow, hasher, .. } = self;
        let more = more.into_iter().map(Tier::new).collect();
        Keys { first, more, tier_of, cells, turns, most, count, share_overflow, hasher }
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

    /// The tier that is a part of a stored hash.
    fn tier_of_stored(&self, hash: u64) -> &Tier<N> {
        self.tier(((hash & TIER_MASK) >> TIER_SHIFT) as usize)
    }

    pub(crate) fn len(&self) -> u64 {
        // ORDERING: Relaxed. A number to look at; orders nothing.
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

impl<K: Eq, const N: usize, H: BuildHasher, F> Keys<K, N, H, F>
where
    [u64; N]: Streams<N>,
{
    /// The hash that a key is stored with, and its tier.
    #[inline]
    fn find<Q>(&self, key: &Q) -> (u64, &Tier<N>)
    where
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let index = self.tier_of.tier_of(key);
        let tier = self.tier(index);
        (self.hasher.hash_one(key) & !TIER_MASK | (index as u64) << TIER_SHIFT, tier)
    }

    /// The limits in force for a key.
    pub(crate) fn terms<Q>(&self, key: &Q) -> Terms<N>
    where
        Q: ?Sized,
        F: TierOf<Q>,
    {
        self.limits(self.tier_of.tier_of(key)).terms()
    }

    /// Changes the words of a key in one step; a key that was never seen is added only if that changes them.
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
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, tier) = self.find(key);
        match tier.limits.first() {
            Some(first) => {
                let changed = self.change_in(first, tier, hash, key, now..=now, |_, words| change(first, words));
                changed.map(|changed| changed.map_err(|words| refuse(first, &words)))
            }
            None => self.change_later(tier, hash, key, now, change, refuse),
        }
    }

    /// The same under any limits, out of line.
    #[cold]
    #[inline(never)]
    fn change_later<Q, R, E>(
        &self,
        tier: &Tier<N>,
        hash: u64,
        key: &Q,
        now: Time,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N]) -> E,
    ) -> Result<Result<R, E>, NoRoom>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let terms = tier.limits.terms();
        let changed = self.change_in(&terms, tier, hash, key, now..=now, |terms, words| change(terms.limits(), words));
        changed.map(|changed| changed.map_err(|words| refuse(terms.limits(), &words)))
    }

    /// The same, where the limits are to be known with their place among others; `Err` with both. A key that there is no room for is as it would be,
    /// if it is not served from the overflow. The decision may be of a reading that is up to an hour older than `now`.
    pub(crate) fn change_revised<Q>(
        &self,
        key: &Q,
        now: Time,
        change: impl Fn(&Terms<N>, &[u64; N]) -> Option<[u64; N]>,
    ) -> Result<(), (Terms<N>, [u64; N])>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, tier) = self.find(key);
        let terms = tier.limits.terms();
        let change = |terms: &Terms<N>, words: &[u64; N]| Some((change(terms, words)?, ()));
        // A bucket that was full an hour ago is full at both readings.
        let begin = Time::from_nanos(now.as_nanos().saturating_sub(HOUR));
        match self.change_in(&terms, tier, hash, key, begin..=now, change) {
            Ok(changed) => changed.map_err(|words| (terms, words)),
            Err(NoRoom) => Err((terms, terms.inward(&tier.full(&terms, begin)))),
        }
    }

    /// Puts a key into a stated level, or into that of an unused one if that is less.
    pub(crate) fn reset<Q>(&self, key: &Q, now: Time, tokens: &[u64; N]) -> Result<(), NoRoom>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, tier) = self.find(key);
        let terms = tier.limits.terms();
        let (limits, unused) = (terms.limits(), terms.inward(&terms.unused(now)));
        let words = limits.reset(limits.elapsed(now), tokens);
        let words = core::array::from_fn(|i| later(words[i], unused[i]));
        let reset = |_: &_, spent: &[u64; N]| (*spent != words).then_some((words, ()));
        self.change_known_or_add(&terms, tier, hash, key, &(now..=now), reset).map(|_| ())
    }

    /// The one loop over cells: looks the key up, and adds it where it is not there. What `change` is given and makes is counted as in `frame`; the reading that it
    /// decides on is in `now`, the end of which is the present.
    #[inline]
    fn change_in<Q, T: Frame<N>, R>(
        &self,
        frame: &T,
        tier: &Tier<N>,
        hash: u64,
        key: &Q,
        now: RangeInclusive<Time>,
        change: impl Fn(&T, &[u64; N]) -> Option<([u64; N], R)>,
    ) -> Result<Changed<R, N>, NoRoom>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.change_known_or_add(frame, tier, hash, key, &now, &change) {
            Err(no_room) => self.change_overflow(frame, tier, *now.start(), change).ok_or(no_room),
            changed => changed,
        }
    }

    #[inline]
    fn change_known_or_add<Q, T: Frame<N>, R>(
        &self,
        frame: &T,
        tier: &Tier<N>,
        hash: u64,
        key: &Q,
        now: &RangeInclusive<Time>,
        change: impl Fn(&T, &[u64; N]) -> Option<([u64; N], R)>,
    ) -> Result<Changed<R, N>, NoRoom>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let outward = |words: &[u64; N]| {
            let (next, answer) = change(frame, &frame.inward(words))?;
            Some((frame.outward(&next), answer))
        };
        let inward = |changed: Changed<R, N>| changed.map_err(|words| frame.inward(&words));
        loop {
            match self.cells.get(hash, key, |cell| cell.update(|| tier.full(frame, *now.start()), outward)) {
                Some(Ok(changed)) => return Ok(inward(changed)),
                Some(Err(_)) => self.remove_closed(hash, key),
                None => {
                    let full = tier.full(frame, *now.start());
                    let Some((next, answer)) = outward(&full) else { return Ok(inward(Err(full))) };
                    // What takes nothing of a full bucket leaves it as good as never seen.
                    if !(0..N).any(|i| is_later(next[i], full[i])) {
                        return Ok(Ok(answer));
                    }
                    self.add(hash, key, *now.end())?;
                }
            }
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
        let changed = tier.overflow.update(|| frame.unused(now), outward).ok()?;
        Some(changed.map_err(|words| frame.inward(&words)))
    }

    /// The same for a key that is there; one that is not, or is about to go, is full, and stays so.
    pub(crate) fn change_known<Q>(&self, key: &Q, now: Time, change: impl Fn(&Limits<N>, &[u64; N]) -> Option<[u64; N]>)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, tier) = self.find(key);
        let known = |cell: &CellOf<N>| match tier.limits.first() {
            Some(first) => Self::change_cell(first, tier, cell, now, &change),
            None => Self::change_cell(&tier.limits.terms(), tier, cell, now, &change),
        };
        self.cells.get(hash, key, known);
    }

    fn change_cell(
        frame: &impl Frame<N>,
        tier: &Tier<N>,
        cell: &CellOf<N>,
        now: Time,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<[u64; N]>,
    ) {
        let change = |words: &[u64; N]| {
            let next = change(frame.limits(), &frame.inward(words))?;
            Some((frame.outward(&next), ()))
        };
        let _ = cell.update(|| tier.full(frame, now), change);
    }

    /// What `look` says of the words of a key.
    pub(crate) fn read<Q, R>(&self, key: &Q, now: Time, look: impl FnOnce(&Limits<N>, &[u64; N]) -> R) -> R
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, tier) = self.find(key);
        let terms = tier.limits.terms();
        let words = match self.cells.get(hash, key, Cell::read) {
            Some(words) => words,
            None if self.share_overflow && self.len() >= self.most => tier.overflow.read(),
            None => Ok(None),
        };
        // A cell that is closed was full, and one that is not born will be.
        let words = words.ok().flatten().unwrap_or_else(|| tier.full(&terms, now));
        look(terms.limits(), &terms.inward(&words))
    }

    /// Whether a key is neither there nor could be added, as far as can be told without looking at others.
    pub(crate) fn lacks_room<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        F: TierOf<Q>,
    {
        let (hash, _) = self.find(key);
        !self.share_overflow && self.len() >= self.most && self.cells.get(hash, key, |_| ()).is_none()
    }

    /// Looks at as many keys as there are, and removes those that are full.
    pub(crate) fn shrink(&self, now: Time) {
        self.look_at(self.turns.len(), now);
    }

    /// Fills the buckets of those keys that `keep` does not want, so that they may go.
    pub(crate) fn retain(&self, now: Time, mut keep: impl FnMut(&K, [u64; N]) -> bool) {
        self.cells.for_each(|hash, key, cell| {
            let tier = self.tier_of_stored(hash);
            let terms = tier.limits.terms();
            let limits = terms.limits();
            let Ok(words) = cell.read() else { return };
            let words = words.unwrap_or_else(|| tier.full(&terms, now));
            if !keep(key, limits.available(&terms.inward(&words), limits.elapsed(now))) {
                let full = || tier.full(&terms, now);
                let _ = cell.update(full, |_| Some((full(), ())));
            }
        });
    }

    #[cold]
    fn add<Q>(&self, hash: u64, key: &Q, now: Time) -> Result<(), NoRoom>
    where
        Q: ToOwned<Owned = K> + ?Sized,
    {
        self.look_at(LOOKED_AT, now);
        // ORDERING: Relaxed, both. A count, which only has to be exact. Dies as a load and a store:
        // loom-tests/keys.rs, `two_keys_in_a_room_for_one_are_not_both_added`.
        let counted = self.count.fetch_update(Relaxed, Relaxed, |count| (count < self.most).then_some(count + 1));
        counted.map_err(|_| NoRoom)?;
        if self.cells.insert(hash, key.to_owned(), Cell::unborn()) {
            self.turns.push(hash);
        } else {
            self.uncount();
        }
        Ok(())
    }

    fn look_at(&self, keys: usize, now: Time) {
        for _ in 0..keys {
            let Some(hash) = self.turns.pop() else { return };
            let tier = self.tier_of_stored(hash);
            match self.cells.look(hash, |cell| Self::close_full(tier, cell, now), Cell::is_closed) {
                Looked::Kept => self.turns.push(hash),
                Looked::Closed { removed: true } => self.uncount(),
                Looked::Closed { removed: false } | Looked::Gone => {}
            }
        }
    }

    fn close_full(tier: &Tier<N>, cell: &CellOf<N>, now: Time) -> bool {
        let unused = match tier.limits.first() {
            Some(first) => first.unused(now),
            None => tier.limits.terms().unused(now),
        };
        cell.close(|spent| {
            let full = (0..N).all(|i| !is_later(spent[i], unused[i]));
            if full {
                // Before the cell is closed: who makes the key anew reads it in `full`.
                tier.evicted.note(spent);
            }
            full
        })
    }

    /// Takes a closed cell out of the way, if whoever closed it has not done so yet.
    #[cold]
    fn remove_closed<Q>(&self, hash: u64, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        if self.cells.remove_if(hash, key, Cell::is_closed) {
            self.uncount();
        }
    }

    fn uncount(&self) {
        // ORDERING: Relaxed. As in `add`. Dies without it: loom-tests/keys.rs, `a_removed_key_makes_room_once`.
        self.count.fetch_sub(1, Relaxed);
    }
}
