//! Owns the shards and their locks: how a key is found, decided on, added and dropped. What a verb
//! does to words is in `keyed_buckets_at.rs`.
//!
//! A decision on a known key holds the lock of its shard shared, if there is one stream, and swaps
//! the word. So decisions never wait for one another. Everything else holds it alone: adding,
//! removing, several streams, changes of limits.
//!
//! Order of locks: the mutex of changers, one shard, the overflow. A call that holds a shard only
//! tries others. The lock of a line comes before a shard: see `lines.rs`.

use core::hash::{BuildHasher, Hash};
use core::marker::PhantomData;
use core::ops::Deref;
use std::boxed::Box;
use std::sync::Arc;
use std::vec;

use hashbrown::Equivalent;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::keyed::alone::Alone;
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_refused::NoRoom;
use crate::keyed::lines::{Told, beside_line, is_lower};
use crate::keyed::overflow::Overflow;
use crate::keyed::room::Room;
use crate::keyed::shard::{Found, Settled, Shard, Sought, instant};
use crate::keyed::terms::Terms;
use crate::keyed::tier::Tag;
use crate::keyed::words::Words;
use crate::state::limits_changed::LimitsChanged;
use crate::sync::{AtomicU64, RwLock};

/// The time of a call, and the clock that it came from, if that may be read again.
#[derive(Debug)]
pub(crate) struct Reading<'c, C> {
    pub(crate) now: Time,
    pub(crate) clock: Option<&'c C>,
}

impl<C> Copy for Reading<'_, C> {}

impl<C> Clone for Reading<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: Clock> Reading<'_, C> {
    /// The time for a step that must not be decided on an old reading.
    pub(crate) fn again(self) -> Time {
        self.clock.map_or(self.now, |clock| self.now.max(clock.now()))
    }
}

/// Why a decision came to nothing.
pub(crate) enum Failed<E> {
    Refused(E),
    NoRoom(NoRoom),
}

/// A shard on a cache line of its own.
#[repr(align(128))]
pub(super) struct Lane<K, const N: usize, W, T>(pub(super) RwLock<Shard<K, N, W, T>>);

/// The shards of all keys.
pub(crate) struct Table<K, const N: usize, W, T, H> {
    pub(super) lanes: Box<[Lane<K, N, W, T>]>,
    /// How far a hash is shifted right to name a shard.
    pub(super) shift: u32,
    pub(crate) hasher: H,
    pub(crate) room: Room,
    /// How many keys are held apart, and how many may be.
    pub(crate) held: AtomicU64,
    pub(crate) max_held: u64,
    /// An instant before which no pause ends; 0 if unknown, or the turn of a scan.
    pub(crate) first_end: AtomicU64,
    /// Nanoseconds for which a key that may go is kept.
    pub(crate) keep: i64,
    pub(crate) overflow: Option<RwLock<Overflow<N, W>>>,
    pub(crate) changers: RwLock<()>,
    /// Wakes those who sleep when limits change.
    pub(crate) limits_changed: LimitsChanged,
    /// Keys held apart so far: their lineages.
    pub(crate) lineages: AtomicU64,
    pub(super) tag: PhantomData<T>,
}

/// The largest number of other shards that a call looks into for room.
pub(crate) const OTHERS: usize = 8;

/// How long a key that may go is kept, unless told otherwise.
const KEEP: i64 = 10_000_000_000;

/// How many shards there are for so many keys.
fn shards(max_keys: usize) -> usize {
    if cfg!(any(loom, tollgate_freeze)) { 2 } else { (max_keys / 256).next_power_of_two().clamp(256, 512) }
}

impl<K, const N: usize, W: Words<N>, T: Tag, H: BuildHasher> Table<K, N, W, T, H> {
    pub(crate) fn new(terms: Arc<[Terms<N>]>, max_keys: usize, hasher: H) -> Self {
        let shards = shards(max_keys);
        let lane = |_| Lane(RwLock::new(Shard::new(Arc::clone(&terms))));
        Self {
            lanes: (0..shards).map(lane).collect(),
            shift: u64::BITS - shards.trailing_zeros(),
            hasher,
            room: Room::new(max_keys, shards),
            held: AtomicU64::new(0),
            max_held: max_keys as u64,
            first_end: AtomicU64::new(0),
            keep: KEEP,
            overflow: None,
            changers: RwLock::new(()),
            limits_changed: LimitsChanged::new(),
            lineages: AtomicU64::new(0),
            tag: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }

    #[inline]
    pub(crate) fn sought<'q, Q: Hash + ?Sized>(&self, key: &'q Q, tier: usize) -> Sought<'q, Q, T> {
        Sought { key, hash: self.hash(key), tag: T::of(tier) }
    }

    /// The shard of a hash. The factor spreads hashes whose upper bits are poor.
    #[inline]
    fn index(&self, hash: u64) -> usize {
        (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    /// The terms of all tiers before any change.
    pub(crate) fn first_terms(&self) -> Arc<[Terms<N>]> {
        Arc::clone(&self.shared(0).terms)
    }

    pub(crate) fn shards(&self) -> usize {
        self.lanes.len()
    }

    /// The shard, beside others who read it.
    #[inline]
    pub(crate) fn shared(&self, index: usize) -> impl Deref<Target = Shard<K, N, W, T>> {
        self.lanes[index].0.read()
    }

    pub(crate) fn alone(&self, index: usize) -> Alone<'_, K, N, W, T> {
        Alone::new(&self.room, index, self.lanes[index].0.write())
    }

    pub(crate) fn try_alone(&self, index: usize) -> Option<Alone<'_, K, N, W, T>> {
        Some(Alone::new(&self.room, index, self.lanes[index].0.try_write()?))
    }

    /// The shard of a hash, alone.
    pub(crate) fn alone_with(&self, hash: u64) -> Alone<'_, K, N, W, T> {
        self.alone(self.index(hash))
    }

    /// The shard of a hash, beside others who read it.
    pub(crate) fn shared_with(&self, hash: u64) -> impl Deref<Target = Shard<K, N, W, T>> {
        self.shared(self.index(hash))
    }

    /// Looks at the words of a key, or at those of one never seen.
    pub(crate) fn read<Q, R>(&self, key: &Q, tier: usize, now: Time, look: impl FnOnce(&Terms<N>, &[u64; N]) -> R) -> R
    where
        Q: Hash + Equivalent<K> + ?Sized,
        K: Hash,
    {
        self.read_behind(key, tier, now, &[0; N], look)
    }

    /// The same for one who comes to take `takes`: behind those who wait for the key.
    pub(crate) fn read_behind<Q, R>(
        &self,
        key: &Q,
        tier: usize,
        now: Time,
        takes: &[u64; N],
        look: impl FnOnce(&Terms<N>, &[u64; N]) -> R,
    ) -> R
    where
        Q: Hash + Equivalent<K> + ?Sized,
        K: Hash,
    {
        let sought = self.sought(key, tier);
        let shard = self.shared_with(sought.hash);
        match shard.find(sought, now) {
            Found::Known(terms, words) => look(terms, &words.load()),
            Found::Waited(terms, words, line) => {
                let words = words.load();
                look(terms, &line.behind(terms, now, &words, takes).unwrap_or(words))
            }
            Found::Absent(terms) => match &self.overflow {
                Some(overflow) if self.room.hopeless_until(now.as_nanos()).is_some() => {
                    let overflow = overflow.read();
                    look(&overflow.terms[tier], &overflow.words[tier].load())
                }
                _ => look(terms, &terms.unseen(now)),
            },
            Found::Unsettled => {
                drop(shard);
                let mut alone = self.alone_with(sought.hash);
                let Some(Settled { terms, words, line, moved }) = self.settle(&mut alone, sought, now) else {
                    let terms = alone.terms(sought.tag);
                    return look(terms, &terms.unseen(now));
                };
                let words = words.load();
                let behind = line.and_then(|line| line.behind(terms, now, &words, takes));
                let looked = look(terms, &behind.unwrap_or(words));
                let line = line.filter(|_| moved).map(Arc::clone);
                drop(alone);
                if let Some(line) = line {
                    self.tell(Told::Limited(vec![line]), now);
                }
                looked
            }
        }
    }

    /// Changes the words of a key, known or new, to what `change` makes of them, or says with
    /// `refuse` why it made nothing. `change` may run many times.
    ///
    /// Where somebody waits for the key, one who comes to take `takes` is kept out; `[0; N]` is for
    /// what keeps nobody waiting. A key without room shares the overflow, if there is one.
    #[inline]
    pub(crate) fn update<Q, R, E>(
        &self,
        key: &Q,
        tier: usize,
        reading: Reading<'_, impl Clock>,
        takes: &[u64; N],
        change: impl Fn(&Terms<N>, Time, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Terms<N>, Time, &[u64; N]) -> E,
    ) -> Result<R, Failed<E>>
    where
        Q: KeyForm<K> + ?Sized,
        K: Hash,
    {
        match (self.update_own(key, tier, reading, takes, &change, &refuse), &self.overflow) {
            (Err(Failed::NoRoom(_)), Some(overflow)) => {
                Overflow::update(overflow, tier, reading.now, change, refuse).map_err(Failed::Refused)
            }
            (changed, _) => changed,
        }
    }

    /// The same, never from the overflow.
    #[inline]
    pub(crate) fn update_own<Q, R, E>(
        &self,
        key: &Q,
        tier: usize,
        reading: Reading<'_, impl Clock>,
        takes: &[u64; N],
        change: impl Fn(&Terms<N>, Time, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Terms<N>, Time, &[u64; N]) -> E,
    ) -> Result<R, Failed<E>>
    where
        Q: KeyForm<K> + ?Sized,
        K: Hash,
    {
        let (sought, now) = (self.sought(key, tier), reading.now);
        let absent = |terms: &Terms<N>| self.absent(terms, now, &change, &refuse);
        match self.known(sought, reading, takes, &change, &refuse, absent) {
            Ok(changed) => changed.map_err(Failed::Refused),
            Err(Some(failed)) => failed,
            Err(None) => self.add(sought, reading, takes, &change, &refuse),
        }
    }

    /// Changes the words of a key, if it is known.
    #[inline]
    pub(crate) fn update_known<Q>(
        &self,
        key: &Q,
        tier: usize,
        reading: Reading<'_, impl Clock>,
        change: impl Fn(&Terms<N>, Time, &[u64; N]) -> Option<[u64; N]>,
    ) where
        Q: Hash + Equivalent<K> + ?Sized,
        K: Hash,
    {
        let change = |terms: &Terms<N>, now, spent: &[u64; N]| Some((change(terms, now, spent)?, ()));
        let _ = self.known(self.sought(key, tier), reading, &[0; N], &change, &|_, _, _| (), |_| ());
    }

    /// What is said of an absent key at once, without its shard alone: what is refused anyway, or
    /// changes nothing, or is part of a hopeless flood.
    #[cold]
    #[inline(never)]
    fn absent<R, E>(
        &self,
        terms: &Terms<N>,
        now: Time,
        change: &impl Fn(&Terms<N>, Time, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: &impl Fn(&Terms<N>, Time, &[u64; N]) -> E,
    ) -> Option<Result<R, Failed<E>>> {
        let unseen = terms.unseen(now);
        match change(terms, now, &unseen) {
            None => Some(Err(Failed::Refused(refuse(terms, now, &unseen)))),
            Some((next, answer)) if next == unseen => Some(Ok(answer)),
            Some(_) if self.room.hopeless_until(now.as_nanos()).is_some() => {
                Some(Err(Failed::NoRoom(self.no_room(now))))
            }
            Some(_) => None,
        }
    }

    /// Changes the words of a key that is known; else fails with what is said of an absent key.
    #[inline]
    fn known<Q, R, E, A>(
        &self,
        sought: Sought<'_, Q, T>,
        reading: Reading<'_, impl Clock>,
        takes: &[u64; N],
        change: &impl Fn(&Terms<N>, Time, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: &impl Fn(&Terms<N>, Time, &[u64; N]) -> E,
        absent: impl Fn(&Terms<N>) -> A,
    ) -> Result<Result<R, E>, A>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        K: Hash,
    {
        let now = reading.now;
        if W::SHARED {
            let index = self.index(sought.hash);
            let shard = self.shared(index);
            match shard.find(sought, now) {
                Found::Known(terms, words) => {
                    return Ok(match words.swap(|seen| change(terms, now, seen)) {
                        Ok((seen, next, answer)) => {
                            self.note(index, terms, &next, &seen, now);
                            Ok(answer)
                        }
                        Err(seen) => Err(refuse(terms, now, &seen)),
                    });
                }
                Found::Waited(terms, words, line) => {
                    let (changed, line) = beside_line(terms, words, line, now, takes, change, refuse);
                    drop(shard);
                    if let Some(line) = line {
                        self.tell(Told::Eased(line), reading.again());
                    }
                    return Ok(changed);
                }
                Found::Absent(terms) => return Err(absent(terms)),
                Found::Unsettled => {}
            }
        }
        self.known_alone(sought, reading, takes, change, refuse, absent)
    }

    #[inline(never)]
    fn known_alone<Q, R, E, A>(
        &self,
        sought: Sought<'_, Q, T>,
        reading: Reading<'_, impl Clock>,
        takes: &[u64; N],
        change: &impl Fn(&Terms<N>, Time, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: &impl Fn(&Terms<N>, Time, &[u64; N]) -> E,
        absent: impl Fn(&Terms<N>) -> A,
    ) -> Result<Result<R, E>, A>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        K: Hash,
    {
        let mut alone = self.alone_with(sought.hash);
        let (index, now) = (alone.index, reading.now);
        if alone.apart.is_some() {
            return match self.settle(&mut alone, sought, now) {
                Some(settled) => {
                    let (changed, told) = self.change_apart(index, settled, now, takes, change, refuse);
                    drop(alone);
                    if let Some(told) = told {
                        self.tell(told, reading.again());
                    }
                    Ok(changed)
                }
                None => Err(absent(alone.terms(sought.tag))),
            };
        }
        match alone.shard().settle_plain(sought, now) {
            Some(settled) => {
                self.note_move(index, &settled, now);
                Ok(self.change_alone(index, settled.terms, settled.words, now, change, refuse))
            }
            None => Err(absent(alone.terms(sought.tag))),
        }
    }

    /// Lowers the bound of the shard if words went back, so that their key may go earlier.
    #[inline]
    fn note(&self, index: usize, terms: &Terms<N>, next: &[u64; N], seen: &[u64; N], now: Time) {
        if is_lower(next, seen) {
            self.lower(index, terms, next, now);
        }
    }

    /// Lowers the bound of the shard if a key moved to another tier, where it may go earlier.
    ///
    /// One that is waited for does not go.
    #[inline]
    pub(super) fn note_move(&self, index: usize, settled: &Settled<'_, N, W>, now: Time) {
        if settled.moved && settled.line.is_none() {
            self.lower(index, settled.terms, &settled.words.load(), now);
        }
    }

    /// Says when a key with these words may go.
    #[cold]
    #[inline(never)]
    pub(super) fn lower(&self, index: usize, terms: &Terms<N>, words: &[u64; N], now: Time) {
        self.room.lower(index, instant(now, terms.forgotten_in(words, now)));
    }

    pub(super) fn change_alone<R, E>(
        &self,
        index: usize,
        terms: &Terms<N>,
        words: &mut W,
        now: Time,
        change: &impl Fn(&Terms<N>, Time, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: &impl Fn(&Terms<N>, Time, &[u64; N]) -> E,
    ) -> Result<R, E> {
        let seen = words.load();
        let Some((next, answer)) = change(terms, now, &seen) else { return Err(refuse(terms, now, &seen)) };
        words.store(next);
        self.note(index, terms, &next, &seen, now);
        Ok(answer)
    }

    /// The same for a key that others may wait for. Says what those are to be told.
    #[cold]
    #[inline(never)]
    pub(super) fn change_apart<R, E>(
        &self,
        index: usize,
        settled: Settled<'_, N, W>,
        now: Time,
        takes: &[u64; N],
        change: &impl Fn(&Terms<N>, Time, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: &impl Fn(&Terms<N>, Time, &[u64; N]) -> E,
    ) -> (Result<R, E>, Option<Told<N>>) {
        let Settled { terms, words, line, moved } = settled;
        let Some(line) = line else { return (self.change_alone(index, terms, words, now, change, refuse), None) };
        let seen = words.load();
        let told = moved.then(|| Told::Limited(vec![Arc::clone(line)]));
        if let Some(behind) = line.behind(terms, now, &seen, takes) {
            return (Err(refuse(terms, now, &behind)), told);
        }
        let changed = self.change_alone(index, terms, words, now, change, refuse);
        let eased = || is_lower(&words.load(), &seen).then(|| Told::Eased(Arc::clone(line)));
        (changed, told.or_else(eased))
    }
}
