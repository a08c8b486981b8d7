//! Owns a shard that one call holds alone, and the count of the keys that it adds and drops. Never
//! decides which.

use core::mem::needs_drop;
use core::ops::Deref;
use std::vec::Vec;

use crate::clock::time::Time;
use crate::keyed::room::Room;
use crate::keyed::shard::{Entry, Shard};
use crate::keyed::tier::Tag;
use crate::keyed::words::Words;
use crate::sync::WriteGuard;

/// A shard that is held alone. It counts out the keys that are gone when it lets go, and drops them
/// after it has.
pub(crate) struct Alone<'t, K, const N: usize, W: Words<N>, T: Tag> {
    room: &'t Room,
    pub(crate) index: usize,
    /// Keys of this shard that are counted, and those that were claimed since.
    counted: usize,
    pub(super) claimed: usize,
    shard: WriteGuard<'t, Shard<K, N, W, T>>,
    /// Dropped after the lock, as it is declared after.
    pub(crate) gone: Vec<Entry<K, W, T>>,
}

impl<'t, K, const N: usize, W: Words<N>, T: Tag> Alone<'t, K, N, W, T> {
    pub(super) fn new(room: &'t Room, index: usize, shard: WriteGuard<'t, Shard<K, N, W, T>>) -> Self {
        Self { room, index, counted: shard.len(), claimed: 0, shard, gone: Vec::new() }
    }

    pub(crate) fn shard(&mut self) -> &mut Shard<K, N, W, T> {
        &mut self.shard
    }

    /// Drops the keys that could have gone for `keep` nanoseconds.
    pub(super) fn sweep(&mut self, now: Time, keep: i64) {
        let bound = self.shard.sweep(now, keep, &mut self.gone);
        // A reading far ahead may have raised it too far.
        self.room.lower(self.index, bound);
        self.room.raise(self.index, bound);
    }

    /// Drops a key that may go, but does not count it out: its place is the caller's. Whether there
    /// was one.
    pub(super) fn evict(&mut self, hash: u64, now: Time) -> bool {
        let (evicted, bound) = self.shard.evict(hash, now);
        // One that does not lie ahead says what the old one says, and its line is not written.
        if let Some(bound) = bound.filter(|bound| *bound > now.as_nanos()) {
            self.room.raise(self.index, bound);
        }
        let Some(entry) = evicted else { return false };
        self.counted -= 1;
        // What needs no drop is not collected, so nothing is allocated for it.
        if needs_drop::<K>() {
            self.gone.push(entry);
        }
        true
    }
}

impl<K, const N: usize, W: Words<N>, T: Tag> Deref for Alone<'_, K, N, W, T> {
    type Target = Shard<K, N, W, T>;

    fn deref(&self) -> &Self::Target {
        &self.shard
    }
}

impl<K, const N: usize, W: Words<N>, T: Tag> Drop for Alone<'_, K, N, W, T> {
    /// Also where a hash or a comparison panics: the count is that of the keys that are left.
    fn drop(&mut self) {
        self.room.release((self.counted + self.claimed).saturating_sub(self.shard.len()));
    }
}
