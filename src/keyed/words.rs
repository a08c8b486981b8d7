//! Owns the `spent` words of a key in memory; never decides what they become.

use crate::sync::{AtomicU64, Relaxed};

/// The words of a key: one for each stream.
pub trait Words<const N: usize>: Send + Sync + 'static {
    /// Whether threads change the words beside one another. Else their lock is held alone.
    const SHARED: bool;

    fn new(words: [u64; N]) -> Self;

    /// The words as they are. Of several streams they are of one version, as a thread that changes
    /// them holds the lock of their shard alone.
    fn load(&self) -> [u64; N];

    /// Replaces the words. The caller holds the lock of their shard alone.
    fn store(&mut self, words: [u64; N]);

    /// Swaps the words for what `change` makes of them, beside other threads that do. Fails with
    /// the words that it made nothing of, or that are plain.
    fn swap<R>(&self, change: impl Fn(&[u64; N]) -> Option<([u64; N], R)>)
    -> Result<([u64; N], [u64; N], R), [u64; N]>;
}

impl Words<1> for AtomicU64 {
    const SHARED: bool = true;

    fn new([word]: [u64; 1]) -> Self {
        Self::new(word)
    }

    #[inline]
    fn load(&self) -> [u64; 1] {
        // ORDERING: Relaxed. The word is the whole state of its key, and the compare-and-swap in
        // `swap` checks it again. Dies if it is not read:
        // loom-tests/keys.rs, `two_takes_of_one_key_are_both_counted`.
        [self.load(Relaxed)]
    }

    fn store(&mut self, [word]: [u64; 1]) {
        // ORDERING: Relaxed. The lock of the shard is held alone, and its release publishes this.
        // Dies without it: loom-tests/keys.rs,
        // `a_take_beside_a_change_is_decided_on_one_of_the_limits`.
        (*self).store(word, Relaxed);
    }

    #[inline]
    fn swap<R>(
        &self,
        change: impl Fn(&[u64; 1]) -> Option<([u64; 1], R)>,
    ) -> Result<([u64; 1], [u64; 1], R), [u64; 1]> {
        let mut seen = Words::load(self);
        loop {
            let Some((next, answer)) = change(&seen) else { return Err(seen) };
            // ORDERING: Relaxed, both. A grant orders no other memory; a failure is worked out
            // anew. Dies as a load and a store: loom-tests/keys.rs,
            // `two_takes_of_one_key_are_both_counted`.
            match self.compare_exchange_weak(seen[0], next[0], Relaxed, Relaxed) {
                Ok(_) => return Ok((seen, next, answer)),
                Err(newer) => seen = [newer],
            }
        }
    }
}

macro_rules! plain {
    ($($n:literal)*) => {$(
        impl Words<$n> for [u64; $n] {
            const SHARED: bool = false;

            fn new(words: Self) -> Self {
                words
            }

            #[inline]
            fn load(&self) -> Self {
                *self
            }

            fn store(&mut self, words: Self) {
                *self = words;
            }

            fn swap<R>(
                &self,
                _: impl Fn(&Self) -> Option<(Self, R)>,
            ) -> Result<(Self, Self, R), Self> {
                Err(*self)
            }
        }
    )*};
}

plain!(2 3 4 5 6 7 8);
