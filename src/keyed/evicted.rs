//! Owns what the keys that were removed had spent; never which keys they were.

use crate::sync::{AtomicU64, Relaxed};

/// The most that a key of a tier had spent when it was removed, in each stream, as a word.
///
/// A key that is made anew has spent no less: else a thread whose clock is behind, or that has not
/// seen a change of the limits yet, would find a fuller bucket than the removed one would have
/// been. With it, eviction never adds a token, whatever clocks the threads read and whatever the
/// limits were.
///
/// Words wrap, so one that looks further ahead than clocks can differ ([`FURTHEST`]) is one that
/// was passed long ago.
///
/// `Relaxed` for all of it: it is written before the cell is closed, by the Release there, and read
/// by those who saw the cell vacant, or with another key in it (the Acquires in `Word::load` and in
/// `Group::is_there`). Anybody else reads it only to refuse, or to look.
pub(crate) struct Evicted<const N: usize>([AtomicU64; N]);

/// 22 days at the fastest rate that there is, 73 years at 1000/s. What has not been written for
/// seven times as long is taken for one that is ahead.
const FURTHEST: u64 = 1 << 61;

impl<const N: usize> Evicted<N> {
    /// None yet, where these are the words of an unused key: all words are behind it.
    pub(crate) fn new(unused: [u64; N]) -> Self {
        Self(unused.map(|word| AtomicU64::new(word.wrapping_sub(1))))
    }

    /// The least that is noted of a key that is full, where this is the word of an unused one: so
    /// that a key that was idle for ages is not taken for one that is ahead.
    pub(crate) const fn oldest(unused: u64) -> u64 {
        unused.wrapping_sub(FURTHEST / 2)
    }

    /// A key that had spent this is about to be removed.
    pub(crate) fn note(&self, spent: &[u64; N]) {
        for (word, spent) in self.0.iter().zip(spent) {
            // ORDERING: Relaxed, both. Before the cell is closed, by the Release there; partner:
            // `least`. Dies without it: loom-tests/keys.rs,
            // `a_key_made_anew_knows_since_when_it_was_full`.
            let _ = word.fetch_update(Relaxed, Relaxed, |seen| (!is_ahead(seen, *spent)).then_some(*spent));
        }
    }

    /// The words of a key that is made anew, where these are those of an unused one.
    pub(crate) fn least(&self, unused: [u64; N]) -> [u64; N] {
        core::array::from_fn(|i| {
            // ORDERING: Relaxed. Partner: `note`, behind the closing of the cell.
            // Dies as nothing: loom-tests/keys.rs, `a_key_made_anew_knows_since_when_it_was_full`.
            let evicted = self.0[i].load(Relaxed);
            if is_ahead(evicted, unused[i]) { evicted } else { unused[i] }
        })
    }

    /// These words, each at least a unit behind the most that was spent.
    pub(crate) fn behind(&self, words: &[u64; N]) -> [u64; N] {
        core::array::from_fn(|i| {
            // ORDERING: Relaxed. Partner: `note`, for the last key that the cell had, by the
            // Acquire that its words were read with. Dies without it: src/keyed/evicted.rs,
            // `the_most_that_was_spent_is_kept`.
            let evicted = self.0[i].load(Relaxed);
            if is_ahead(evicted, words[i]) { evicted.wrapping_add(1) } else { words[i] }
        })
    }
}

/// Whether `evicted` is no less than `spent`, and by no more than clocks can differ.
const fn is_ahead(evicted: u64, spent: u64) -> bool {
    evicted.wrapping_sub(spent) <= FURTHEST
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_most_that_was_spent_is_kept() {
        let evicted = Evicted::new([0, 0]);
        evicted.note(&[5, 9]);
        evicted.note(&[7, 3]);
        assert_eq!(evicted.least([6, 6]), [7, 9]);
        assert_eq!(evicted.least([8, 10]), [8, 10]);
        assert_eq!(evicted.behind(&[7, 10]), [8, 10]);
    }

    #[test]
    fn what_was_passed_long_ago_is_not_ahead() {
        let evicted = Evicted::new([0]);
        evicted.note(&[5]);
        for passed in [1, FURTHEST, 1 << 63, (1 << 63) + FURTHEST] {
            assert_eq!(evicted.least([5 + passed]), [5 + passed]);
        }
        evicted.note(&[5 + (1 << 63) + 1]);
        assert_eq!(evicted.least([(1 << 63) + 1]), [(1 << 63) + 6]);
        assert_eq!(evicted.least([0]), [0]);
    }
}
