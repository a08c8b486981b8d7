//! Owns the keys of a `KeyedBuckets`: when one is added, when one may go, and how many there are. What a verb does to the words of a key is in `limits.rs`.
//!
//! # Eviction
//!
//! A key whose bucket is full again is as good as one never seen. Whoever adds a key first looks at [`LOOKED_AT`] cells, those after the ones that were looked
//! at last, and closes those that are full: no thread does it, nothing waits for it, and no call does more than that, but where a group has no cell left.
//!
//! # Why no two words of a cell are the same
//!
//! A thread may read a word, stand still, and go on when the cell is another key's; its compare-and-swap must then fail. A word stands for a position on the line.
//! Every key begins at or after [`full_since`](Keys::full_since), the newest position at which a key that was evicted had become full, less the capacity, and something is taken at
//! once; so whatever the key before it ended with is behind it, and whatever that had ever had, if only what takes was used. What gives
//! tokens back goes back on the line, by a capacity at most where nothing is owed: such a key goes only when it has been full for as long as it takes to fill,
//! and where something was owed ([`owed_until`](Keys::owed_until)), when that would have been full.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::marker::PhantomData;
use std::boxed::Box;

use crate::cell::{Cell, Changed};
use crate::group::{CELLS, Full, Group, Owned};
use crate::limits::Limits;
use crate::streams::{Shape, Streams};
use crate::sync::{AtomicU64, PublishOnce, Relaxed};

/// How many cells are looked at for every key that is added, or that there is no room for.
const LOOKED_AT: u64 = if cfg!(loom) { 1 } else { 8 };

/// How many keys there are in a group where there are as many as there may be, on average: so few that a group hardly ever overflows. 74 of 124 cells; that
/// 125 come together is once in 10^7, by the distribution of Poisson.
const KEYS: usize = if cfg!(loom) { 9 } else { 74 };

/// There is no room for another key.
#[derive(Debug)]
pub(crate) struct NoRoom;

type CellOf<const N: usize> = <[u64; N] as Shape<N>>::Cell;

pub(crate) struct Keys<K, const N: usize, H>
where
    [u64; N]: Streams<N>,
{
    pub(crate) limits: Limits<N>,
    /// Each is made when the first key comes to it.
    groups: Box<[PublishOnce<Group<CellOf<N>>>]>,
    most: u64,
    /// How many keys there are, or are about to be: counted before a key is put in, and after it was closed.
    count: AtomicU64,
    /// The next cell to be looked at, counted through all groups, again and again.
    next: AtomicU64,
    /// The newest instant at which a key that was evicted had become full, in nanoseconds since the origin; 0 for none.
    ///
    /// A key that is made anew was full at that instant, not before: else a thread whose clock is behind would find a full bucket earlier than the evicted one
    /// would have been. With it, eviction never adds a token, whatever clocks the threads read.
    full_since: AtomicU64,
    /// The newest instant at which a key would have become full that owed something when tokens were given back to it.
    owed_until: AtomicU64,
    overflow: Option<CellOf<N>>,
    hasher: H,
    key: PhantomData<fn(&K)>,
}

impl<K, const N: usize, H: BuildHasher> Keys<K, N, H>
where
    [u64; N]: Streams<N>,
{
    pub(crate) fn new(limits: Limits<N>, most: usize, hasher: H) -> Self {
        let groups = most.div_ceil(KEYS).max(1);
        Self {
            limits,
            groups: (0..groups).map(|_| PublishOnce::new()).collect(),
            most: most as u64,
            count: AtomicU64::new(0),
            next: AtomicU64::new(0),
            full_since: AtomicU64::new(0),
            owed_until: AtomicU64::new(0),
            overflow: None,
            hasher,
            key: PhantomData,
        }
    }

    /// From now on those that there is no room for share a bucket.
    pub(crate) fn share_overflow(&mut self) {
        let cell = CellOf::<N>::vacant();
        if cell.try_claim() {
            cell.claimed().into_iter().for_each(|claimed| cell.open(claimed));
        }
        self.overflow = Some(cell);
    }

    /// Changes the words of a key in one step; a key that was never seen is added only if that changes them.
    #[inline]
    pub(crate) fn change<Q, R>(
        &self,
        key: &Q,
        elapsed: u64,
        change: impl Fn(&[u64; N]) -> Option<([u64; N], R)>,
    ) -> Result<Changed<R, N>, NoRoom>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        loop {
            let look =
                |cell: &CellOf<N>, owned: Owned<'_>| cell.update(|| owned.still(), || self.full(elapsed), &change);
            if let Some(changed) = self.group(hash).and_then(|group| group.find(hash, look)) {
                return Ok(changed);
            }
            let full = self.full(elapsed);
            if change(&full).is_none() {
                return Ok(Err(full));
            }
            if let Err(no_room) = self.add(hash, elapsed) {
                let overflow = self.overflow.as_ref().ok_or(no_room)?;
                return overflow.update(|| true, || full, &change).map_err(|_| NoRoom);
            }
        }
    }

    /// Gives tokens back to a key that is there; one that is not, or is about to go, is full, and stays so.
    pub(crate) fn give_back<Q>(&self, key: &Q, elapsed: u64, change: impl Fn(&[u64; N]) -> Option<[u64; N]>)
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let look = |cell: &CellOf<N>, owned: Owned<'_>| {
            let change = |spent: &[u64; N]| {
                let next = change(spent)?;
                self.note_what_is_owed(spent, elapsed);
                owned.give_back();
                Some((self.after_the_evicted(next), ()))
            };
            cell.update(|| owned.still(), || self.full(elapsed), change)
        };
        let _ = self.group(hash).and_then(|group| group.find(hash, look));
    }

    /// The words of a key.
    pub(crate) fn read<Q>(&self, key: &Q, elapsed: u64) -> [u64; N]
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let look = |cell: &CellOf<N>, owned: Owned<'_>| cell.read(|| owned.still());
        let words = match (self.group(hash).and_then(|group| group.find(hash, look)), &self.overflow) {
            (Some(words), _) => words,
            (None, Some(overflow)) if self.len() >= self.most => overflow.read(|| true).unwrap_or(None),
            (None, _) => None,
        };
        words.unwrap_or_else(|| self.full(elapsed))
    }

    pub(crate) fn len(&self) -> u64 {
        // ORDERING: Relaxed. A number to look at; orders nothing.
        self.count.load(Relaxed)
    }

    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    /// Looks at every cell, and closes those that are full.
    pub(crate) fn shrink(&self, elapsed: u64) {
        self.groups.iter().filter_map(PublishOnce::get).for_each(|group| self.shrink_group(group, elapsed));
    }

    fn shrink_group(&self, group: &Group<CellOf<N>>, elapsed: u64) {
        (0..CELLS).for_each(|index| self.close_full(group, index, elapsed));
    }

    fn place(&self, hash: u64) -> &PublishOnce<Group<CellOf<N>>> {
        &self.groups[((u128::from(hash) * self.groups.len() as u128) >> 64) as usize]
    }

    #[inline]
    fn group(&self, hash: u64) -> Option<&Group<CellOf<N>>> {
        self.place(hash).get()
    }

    /// The words of a bucket that is full, and was no earlier than any that was evicted.
    fn full(&self, elapsed: u64) -> [u64; N] {
        // ORDERING: Relaxed. Who gives a cell its words found it put in by one who saw the last cell of the key vacant, or another's (the Acquires in `Word::load` and
        // in `Group::is_there`). So this is no older than the last eviction of the key. Anybody else reads it only to refuse, or to look.
        let since = self.full_since.load(Relaxed);
        self.limits.reset(elapsed.max(since), &self.limits.capacities())
    }

    #[cold]
    fn add(&self, hash: u64, elapsed: u64) -> Result<(), NoRoom> {
        self.look_at_some(elapsed);
        // ORDERING: Relaxed, both. A count, which only has to be exact. Dies as a load and a store:
        // loom-tests/keys.rs, `two_keys_in_a_room_for_one_are_not_both_added`.
        let counted = self.count.fetch_update(Relaxed, Relaxed, |count| (count < self.most).then_some(count + 1));
        counted.map_err(|_| NoRoom)?;
        let group = self.place(hash).get_or_publish(Group::new);
        let put_in = group.put_in(hash).or_else(|Full| {
            self.shrink_group(group, elapsed);
            group.put_in(hash)
        });
        if !matches!(put_in, Ok(true)) {
            self.uncount();
        }
        put_in.map(|_| ()).map_err(|Full| NoRoom)
    }

    fn look_at_some(&self, elapsed: u64) {
        let cells = (self.groups.len() * CELLS) as u64;
        // ORDERING: Relaxed. Whose turn it is; any will do, and no two threads get the same.
        let first = self.next.fetch_add(LOOKED_AT, Relaxed);
        for cell in first..first + LOOKED_AT {
            let cell = (cell % cells) as usize;
            if let Some(group) = self.groups[cell / CELLS].get() {
                self.close_full(group, cell % CELLS, elapsed);
            }
        }
    }

    fn close_full(&self, group: &Group<CellOf<N>>, index: usize, elapsed: u64) {
        let closed = group.close(index, |spent: &[u64; N], given_back| {
            let behind = if given_back { self.limits.later_by_a_capacity(spent) } else { *spent };
            // ORDERING: Relaxed. As the words that were given back to, by the Acquire in `Word::load`.
            let full = self.limits.available(&behind, elapsed) == self.limits.capacities()
                && (!given_back || self.owed_until.load(Relaxed) <= elapsed);
            if full {
                // ORDERING: Relaxed. Before the cell is closed, by the Release there; who makes the key anew reads it in `full`.
                // Dies without it: loom-tests/keys.rs, `a_key_made_anew_knows_since_when_it_was_full`.
                self.full_since.fetch_max(self.when_full(&behind, elapsed), Relaxed);
            }
            full
        });
        if closed {
            self.uncount();
        }
    }

    /// When words that are full at `elapsed` became so: that or `full_since`, or a day ago, whatever is later. All three are safe; the arithmetic looks back 90 days.
    fn when_full(&self, spent: &[u64; N], elapsed: u64) -> u64 {
        const DAY: u64 = 24 * 3600 * 1_000_000_000;
        // ORDERING: Relaxed. Any value that it has had will do, as what is worked out is its maximum with this.
        let since = self.full_since.load(Relaxed).max(elapsed.saturating_sub(DAY));
        let wait = self.limits.not_yet(spent, since, &self.limits.capacities()).wait();
        since.saturating_add(wait.as_nanos() as u64)
    }

    /// Tokens are given back to words that owe something: nobody may begin before those would have been full.
    fn note_what_is_owed(&self, spent: &[u64; N], elapsed: u64) {
        if self.limits.owes(spent, elapsed) {
            let wait = self.limits.not_yet(spent, elapsed, &self.limits.capacities()).wait();
            // ORDERING: Relaxed. Before the words are lowered, by the compare-and-swap that does it, which follows the fence in `Owned::give_back`.
            self.owed_until.fetch_max(elapsed.saturating_add(wait.as_nanos() as u64), Relaxed);
        }
    }

    /// The words, or what is just behind those of any key that was evicted.
    fn after_the_evicted(&self, words: [u64; N]) -> [u64; N] {
        // ORDERING: Relaxed. As in `full`: not before the last eviction from this cell.
        match self.full_since.load(Relaxed) {
            0 => words,
            since => self.limits.behind(&words, &self.limits.reset(since, &self.limits.capacities())),
        }
    }

    fn uncount(&self) {
        // ORDERING: Relaxed. As in `add`. Dies without it: loom-tests/keys.rs, `a_removed_key_makes_room_once`.
        self.count.fetch_sub(1, Relaxed);
    }
}
