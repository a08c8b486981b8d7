//! Owns the word of one stream, and the loop that changes it by one compare-and-swap. Never does
//! arithmetic on it.

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::revision::Revision;
use crate::limit::limit::{Limit, limits_of, starts_of};
use crate::limit::limit_error::LimitError;
use crate::state::store::{Change, Revised, Store};
#[cfg(feature = "std")]
use crate::sync::Release;
use crate::sync::{Acquire, AtomicU64, Relaxed, const_fn};

/// The word of one stream, and its limits for good, on one line of the cache.
///
/// Why `Relaxed` is enough for takers: the word is the whole state, so there is no second place
/// whose writes would have to be seen with it. That a grant orders no other memory is in the docs.
/// Only who puts tokens back must also see who waits for them.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Word {
    /// Units spent, modulo 2^64; see `decision/meter.rs`.
    spent: AtomicU64,
    limits: Limits<1>,
}

impl Word {
    pub(crate) fn new(limit: Limit, origin: Time) -> Result<Self, LimitError> {
        Ok(Self::of(limits_of([limit], origin)?, limit))
    }

    const_fn! {
        /// The word of a new bucket with these limits, configured as this.
        pub(crate) const fn of(limits: Limits<1>, configured: Limit) -> Self {
            let [start] = limits.start(starts_of(&[configured]));
            Self { spent: AtomicU64::new(start), limits }
        }
    }

    /// The one loop: works out what `spent` becomes, and swaps it in if nobody else was faster.
    /// `Err` with what was read, and nothing written, if `change` says that nothing is to be done.
    #[inline]
    pub(crate) fn update<R>(&self, change: impl Fn(u64) -> Option<([u64; 1], R)>) -> Result<R, u64> {
        // ORDERING: Relaxed. The word is the whole state. A stale value makes the compare-exchange
        // below fail, or the refusal was true at some moment of the call. Dies if it is not read:
        // loom-tests/conservation.rs, `a_put_back_racing_a_take_is_counted_once`.
        let mut spent = self.spent.load(Relaxed);
        loop {
            let Some(([next], answer)) = change(spent) else { return Err(spent) };
            // ORDERING: success Acquire pairs with the Release in `touch`: who puts tokens back
            // sees that somebody waits. A take needs no more than Relaxed: a grant orders no other
            // memory (see `TokenBucket`, "Memory ordering"). Failure Relaxed: its value is all that
            // is kept of it. Dies as Relaxed: loom-tests/line.rs,
            // `a_put_back_beside_an_entry_wakes_it`.
            match self.spent.compare_exchange_weak(spent, next, Acquire, Relaxed) {
                Ok(_) => return Ok(answer),
                Err(seen) => spent = seen,
            }
        }
    }
}

impl Store<1> for Word {
    #[inline(always)]
    fn update<R, E>(
        &self,
        _: impl Fn(&Limits<1>) -> u64,
        change: impl Fn(&Limits<1>, &[u64; 1]) -> Option<([u64; 1], R)>,
        refuse: impl Fn(&Limits<1>, &[u64; 1], u64) -> E,
    ) -> Result<R, E> {
        // A copy: what is read before the loop need not be read again in it.
        let limits = self.limits;
        self.update(|spent| change(&limits, &[spent])).map_err(|spent| refuse(&limits, &[spent], 0))
    }

    #[inline(always)]
    fn read<V>(&self, look: impl Fn(&Limits<1>, &[u64; 1]) -> V) -> V {
        // ORDERING: Relaxed. Partner is the compare-exchange in `update`; a picture that may be
        // outdated at once, and orders nothing. Dies as the word at construction:
        // loom-tests/conservation.rs, `the_last_token_goes_to_exactly_one_thread`.
        look(&self.limits, &[self.spent.load(Relaxed)])
    }
}

impl Revised<1> for Word {
    #[cfg(feature = "std")]
    fn touch(&self, _: Time) {
        // ORDERING: Release. Partner is the Acquire of the compare-exchange in `update`: whoever
        // puts tokens back later sees that somebody waits. If it was earlier, then the words that
        // are read next are those that it left. Dies as Relaxed: loom-tests/line.rs,
        // `a_put_back_beside_an_entry_wakes_it`.
        self.spent.fetch_add(0, Release);
    }

    fn read_revised(&self) -> (Revision<1>, [u64; 1]) {
        (Revision::first(self.limits), Store::read(self, |_, spent| *spent))
    }

    fn update_revised(&self, change: &Change<'_, 1>) -> Result<(), (Revision<1>, [u64; 1])> {
        let revision = Revision::first(self.limits);
        let changed = self.update(|spent| change(&revision, &[spent]).map(|next| (next, ())));
        changed.map_err(|spent| (revision, [spent]))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_word_and_its_limit_share_a_line() {
        assert_eq!(size_of::<Word>(), 64);
    }
}
