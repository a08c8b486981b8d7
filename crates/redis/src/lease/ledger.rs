//! Owns the chunks in the pool, by their deadlines. Never decides what becomes of what expired.

use std::collections::VecDeque;

use tollgate::clock::Time;

use super::chunk::Chunk;
use super::pool::Pool;

/// The chunks in the pool, the one that expires first in front.
///
/// Takers do not say which chunk they take from. Tokens are spent in the order of the deadlines: of
/// the first chunk is left what the level has above all later ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ledger<const N: usize> {
    chunks: VecDeque<Chunk<N>>,
    /// All that was ever filled into the pool.
    filled: [u64; N],
    /// All that was ever drained from it.
    drained: [u64; N],
    /// The epoch of the chunk that left last.
    last_epoch: u64,
}

impl<const N: usize> Ledger<N> {
    pub(super) fn new() -> Self {
        Self { chunks: VecDeque::new(), filled: [0; N], drained: [0; N], last_epoch: 0 }
    }

    /// Fills a chunk into the pool.
    pub(super) fn fill(&mut self, pool: &Pool<N>, chunk: Chunk<N>) {
        let at = self.chunks.partition_point(|other| other.deadline <= chunk.deadline);
        self.chunks.insert(at, chunk);
        pool.bucket().put_back(chunk.tokens);
        self.filled = plus(self.filled, chunk.tokens);
    }

    /// Drains what expired at `now`, and calls `expired` with it and its epoch.
    ///
    /// Without a chunk that is in force, all that is in the pool counts as expired: somebody put it
    /// back late.
    pub(super) fn expire(&mut self, pool: &Pool<N>, now: Time, mut expired: impl FnMut([u64; N], u64)) {
        while let Some(first) = self.chunks.front().filter(|first| first.deadline <= now) {
            self.last_epoch = first.epoch;
            self.chunks.pop_front();
            expired(self.drain_above_chunks(pool), self.last_epoch);
        }
        if self.chunks.is_empty() {
            expired(self.drain_above_chunks(pool), self.last_epoch);
        }
    }

    /// Drains all, and calls `drained` with what each chunk had left.
    pub(super) fn empty(&mut self, pool: &Pool<N>, drained: impl FnMut([u64; N], u64)) {
        self.expire(pool, Time::MAX, drained);
    }

    /// Forgets chunks of which nothing is left, but for the last one.
    pub(super) fn trim(&mut self, level: [i64; N]) {
        while self.chunks.len() > 1 && self.above_chunks_but(level, 1) == [0; N] {
            self.last_epoch = self.chunks.pop_front().map_or(self.last_epoch, |chunk| chunk.epoch);
        }
    }

    /// When the first chunk expires.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.chunks.front().map(|first| first.deadline)
    }

    /// What takers have used, less what they put back.
    pub(super) fn used(&self, level: [i64; N]) -> [i64; N] {
        std::array::from_fn(|i| self.filled[i] as i64 - self.drained[i] as i64 - level[i])
    }

    fn drain_above_chunks(&mut self, pool: &Pool<N>) -> [u64; N] {
        let drained = pool.drain(self.above_chunks_but(pool.level(), 0));
        self.drained = plus(self.drained, drained);
        drained
    }

    /// What the level has above all chunks but the first `skipped`.
    fn above_chunks_but(&self, level: [i64; N], skipped: usize) -> [u64; N] {
        std::array::from_fn(|i| {
            let later: u64 = self.chunks.iter().skip(skipped).map(|chunk| chunk.tokens[i]).sum();
            level[i].saturating_sub_unsigned(later).max(0) as u64
        })
    }
}

/// The sum of each stream.
pub(super) fn plus<const N: usize>(a: [u64; N], b: [u64; N]) -> [u64; N] {
    std::array::from_fn(|i| a[i].saturating_add(b[i]))
}
