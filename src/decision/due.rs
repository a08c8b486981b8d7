//! Owns when a debt is paid, whatever becomes of the limits. Pure; never an atomic, never a clock.

use crate::clock::time::Time;
use crate::decision::revision::Revision;

/// The instant of a debt, and what it takes to work it out anew once the limits have changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Due<const N: usize> {
    /// Under the limits that it was made under.
    ready_at: Time,
    /// Which those are.
    revision: u64,
    /// Where on the line of all tokens of each stream it ends.
    places: [u128; N],
}

impl<const N: usize> Due<N> {
    /// Of a debt that ends at these words, made at `now` and paid at `ready_at`.
    pub(crate) fn new(revision: &Revision<N>, ends: &[u64; N], now: Time, ready_at: Time) -> Self {
        Self { ready_at, revision: revision.number, places: revision.places(ends, now) }
    }

    /// When it is paid under this revision, for a debt of these amounts.
    pub(crate) fn at(&self, revision: &Revision<N>, amounts: &[u64; N]) -> Time {
        if revision.number == self.revision || *amounts == [0; N] {
            return self.ready_at;
        }
        revision.ready_at(self.revision, self.ready_at, &self.places, amounts)
    }

    /// Of tokens that were there at `now`.
    #[cfg(feature = "std")]
    pub(crate) fn now(revision: &Revision<N>, now: Time) -> Self {
        let ends = revision.limits.reset(revision.limits.elapsed(now), &[0; N]);
        Self::new(revision, &ends, now, now)
    }
}
