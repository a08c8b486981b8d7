//! Owns the keys of a `KeyedBuckets`: when one is added, when one may go, and how many there are. What a verb does to the words of a key is in `limits.rs`.
//!
//! # Eviction
//!
//! A key whose bucket is full again is as good as one never seen. Every key that is added has its turn once in a queue, in the order of their coming. Whoever
//! adds a key first looks at [`LOOKED_AT`] keys, those whose turn it is: one that is full is closed and removed, any other goes to the end. So the queue is
//! walked four times as fast as it grows, no call does more than four looks, and nothing is scanned. A turn is 8 bytes, the hash of the key.
//!
//! A turn is in the queue or in the hands of whoever looks at it, and it goes when its key is closed. So no key has two.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use std::borrow::ToOwned;

use crossbeam_queue::SegQueue;

use crate::cell::{Cell, Changed};
use crate::limits::Limits;
use crate::map::{Looked, Map};
use crate::streams::{Shape, Streams};
use crate::sync::{AtomicU64, Relaxed};

/// How many keys are looked at for every key that is added, or that there is no room for.
pub(crate) const LOOKED_AT: usize = 4;

/// There is no room for another key.
pub(crate) struct NoRoom;

type CellOf<const N: usize> = <[u64; N] as Shape<N>>::Cell;

pub(crate) struct Keys<K, const N: usize, H>
where
    [u64; N]: Streams<N>,
{
    pub(crate) limits: Limits<N>,
    cells: Map<K, CellOf<N>>,
    turns: SegQueue<u64>,
    most: u64,
    /// How many keys there are, or are about to be: counted before a key is put in, and after it was taken out.
    count: AtomicU64,
    /// The newest instant at which a key that was evicted had become full, in nanoseconds since the origin.
    ///
    /// A key that is made anew was full at that instant, not before: else a thread whose clock is behind would find a full bucket earlier than the evicted one
    /// would have been. With it, eviction never adds a token, whatever clocks the threads read.
    full_since: AtomicU64,
    overflow: Option<CellOf<N>>,
    hasher: H,
}

impl<K: Eq, const N: usize, H: BuildHasher> Keys<K, N, H>
where
    [u64; N]: Streams<N>,
{
    pub(crate) fn new(limits: Limits<N>, most: usize, hasher: H) -> Self {
        Self {
            limits,
            cells: Map::new(),
            turns: SegQueue::new(),
            most: most as u64,
            count: AtomicU64::new(0),
            full_since: AtomicU64::new(0),
            overflow: None,
            hasher,
        }
    }

    /// From now on those that there is no room for share a bucket.
    pub(crate) fn share_overflow(&mut self) {
        self.overflow = Some(Cell::unborn());
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
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        loop {
            match self.cells.get(hash, key, |cell| cell.update(|| self.full(elapsed), &change)) {
                Some(Ok(changed)) => return Ok(changed),
                Some(Err(_)) => self.remove_closed(hash, key),
                None => {
                    let full = self.full(elapsed);
                    if change(&full).is_none() {
                        return Ok(Err(full));
                    }
                    if let Err(no_room) = self.add(hash, key, elapsed) {
                        let overflow = self.overflow.as_ref().ok_or(no_room)?;
                        return overflow.update(|| full, &change).map_err(|_| NoRoom);
                    }
                }
            }
        }
    }

    /// The same for a key that is there; one that is not, or is about to go, is full, and stays so.
    pub(crate) fn change_known<Q>(&self, key: &Q, elapsed: u64, change: impl Fn(&[u64; N]) -> Option<([u64; N], ())>)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let _ = self.cells.get(self.hasher.hash_one(key), key, |cell| cell.update(|| self.full(elapsed), change));
    }

    /// The words of a key.
    pub(crate) fn read<Q>(&self, key: &Q, elapsed: u64) -> [u64; N]
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let words = match (self.cells.get(self.hasher.hash_one(key), key, Cell::read), &self.overflow) {
            (Some(words), _) => words,
            (None, Some(overflow)) if self.len() >= self.most => overflow.read(),
            (None, _) => Ok(None),
        };
        // A cell that is closed was full, and one that is not born will be.
        words.ok().flatten().unwrap_or_else(|| self.full(elapsed))
    }

    pub(crate) fn len(&self) -> u64 {
        // ORDERING: Relaxed. A number to look at; orders nothing.
        self.count.load(Relaxed)
    }

    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    /// Looks at as many keys as there are, and removes those that are full.
    pub(crate) fn shrink(&self, elapsed: u64) {
        self.look_at(self.turns.len(), elapsed);
    }

    /// The words of a bucket that is full, and was no earlier than any that was evicted.
    fn full(&self, elapsed: u64) -> [u64; N] {
        // ORDERING: Relaxed. Who gives a new cell its words found it in the map, where it was put by one who saw the last one of the key closed (see
        // `cell::closed`) or gone. So this is no older than the last eviction of the key. Anybody else reads it only to refuse, or to look.
        let since = self.full_since.load(Relaxed);
        self.limits.reset(elapsed.max(since), &self.limits.capacities())
    }

    #[cold]
    fn add<Q>(&self, hash: u64, key: &Q, elapsed: u64) -> Result<(), NoRoom>
    where
        Q: ToOwned<Owned = K> + ?Sized,
    {
        self.look_at(LOOKED_AT, elapsed);
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

    fn look_at(&self, keys: usize, elapsed: u64) {
        for _ in 0..keys {
            let Some(hash) = self.turns.pop() else { return };
            match self.cells.look(hash, |cell| self.close_full(cell, elapsed), Cell::is_closed) {
                Looked::Kept => self.turns.push(hash),
                Looked::Closed { removed: true } => self.uncount(),
                Looked::Closed { removed: false } | Looked::Gone => {}
            }
        }
    }

    fn close_full(&self, cell: &CellOf<N>, elapsed: u64) -> bool {
        cell.close(|spent| {
            let full = self.limits.available(spent, elapsed) == self.limits.capacities();
            if full {
                // ORDERING: Relaxed. Before the cell is closed, by the Release there; who makes the key anew reads it in `full`.
                // Dies without it: loom-tests/keys.rs, `a_key_made_anew_knows_since_when_it_was_full`.
                self.full_since.fetch_max(self.when_full(spent, elapsed), Relaxed);
            }
            full
        })
    }

    /// When words that are full at `elapsed` became so: that or `full_since`, or a day ago, whatever is later. All three are safe; the arithmetic looks back 90 days.
    fn when_full(&self, spent: &[u64; N], elapsed: u64) -> u64 {
        const DAY: u64 = 24 * 3600 * 1_000_000_000;
        // ORDERING: Relaxed. Any value that it has had will do, as what is worked out is its maximum with this.
        let since = self.full_since.load(Relaxed).max(elapsed.saturating_sub(DAY));
        let wait = self.limits.not_yet(spent, since, &self.limits.capacities()).wait();
        since.saturating_add(wait.as_nanos() as u64)
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
