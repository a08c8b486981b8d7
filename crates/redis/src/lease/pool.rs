//! Owns the tokens that takers take from, and the instant when some of them expire. Never decides
//! what becomes of expired ones.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use tollgate::clock::Time;
use tollgate::{Limit, MultiBucket};

use super::still::Still;

/// What one process holds: a bucket that nothing refills but grants.
#[derive(Debug)]
pub(crate) struct Pool<const N: usize> {
    bucket: MultiBucket<N, Still>,
    /// When the first of what is held expires, in nanoseconds; 0 if nothing is held.
    ///
    /// The holder writes it under its lock: after it drained what expired, and before it fills in
    /// what is new. So a taker that sees a later instant must also see the pool drained: its take
    /// is a read-modify-write of the bucket's word, which reads the newest value, and the edge from
    /// the holder's store to the taker's load orders the drain before it. Relaxed on both sides
    /// would let the store pass the drain on a weak machine. A taker that sees an earlier instant
    /// only goes the cold way for nothing.
    expires: AtomicU64,
}

impl<const N: usize> Pool<N> {
    /// The most tokens that a pool can hold of a stream.
    pub(crate) const CAPACITY: u64 = (1 << 61) - 1;

    /// Makes a pool that holds nothing.
    pub(crate) fn new() -> Self {
        let limit = Limit::per_second(0).capacity(Self::CAPACITY).empty();
        let bucket = MultiBucket::with_clock([limit; N], Still).expect("a rate of 0 can be kept");
        Self { bucket, expires: AtomicU64::new(0) }
    }

    /// Returns the bucket: takes, put-backs, charges and debts are its verbs.
    #[inline(always)]
    pub(crate) fn bucket(&self) -> &MultiBucket<N, Still> {
        &self.bucket
    }

    /// Tells whether nothing that is held has expired at `now`, a time read before this call.
    ///
    /// If it is false, a taker locks the holder and lets it expire what it holds first.
    #[inline(always)]
    pub(crate) fn is_fresh(&self, now: Time) -> bool {
        // ORDERING: Acquire pairs with the Release in `set_expires`: what the holder drained before
        // it moved the instant is drained for the take that follows.
        now.as_nanos() < self.expires.load(Acquire)
    }

    /// Moves the instant when the first of what is held expires; `None` if nothing is held.
    pub(super) fn set_expires(&self, at: Option<Time>) {
        // ORDERING: Release pairs with the Acquire in `is_fresh`: the drain before this store
        // happens before any take of a taker that sees it.
        self.expires.store(at.map_or(0, Time::as_nanos), Release);
    }

    /// Returns the tokens of each stream, all of one instant; below zero they are owed.
    pub(crate) fn level(&self) -> [i64; N] {
        let snapshot = self.bucket.snapshot();
        let (available, debt) = (snapshot.available(), snapshot.debt());
        std::array::from_fn(|i| available[i] as i64 - debt[i] as i64)
    }

    /// Takes up to these amounts out of it, each stream by itself, and returns what it took.
    pub(super) fn drain(&self, most: [u64; N]) -> [u64; N] {
        std::array::from_fn(|i| match most[i] {
            0 => 0,
            most => self.bucket.take_items(most, std::array::from_fn(|j| u64::from(i == j))),
        })
    }
}
