//! Owns one set of terms in memory; never decides which is current.

use crate::keyed::terms::{Place, Terms};
use crate::limit::limit::Limit;
use crate::state::claim::Claim;
use crate::state::revision_slot::RevisionSlot;
use crate::state::slots::Claimable;
use crate::sync::{AtomicU64, Relaxed};

/// A revision, and where it begins on the line of each stream.
///
/// | words | field | unit |
/// |---|---|---|
/// | | `revision` | see [`RevisionSlot`] |
/// | 4 for each stream | `places`: the upper and the lower half of `accrued`, `idle`, and `widest` | 2^-64 of a unit, units, units |
///
/// Why `Relaxed` for all of them: as in [`RevisionSlot`], with the epoch of the tier in place of
/// that of a bucket.
#[derive(Debug)]
pub(crate) struct TermsSlot<const N: usize> {
    revision: RevisionSlot<N>,
    places: [[AtomicU64; 4]; N],
}

impl<const N: usize> Claimable for TermsSlot<N> {
    fn free() -> Self {
        let places = core::array::from_fn(|_| core::array::from_fn(|_| AtomicU64::new(0)));
        Self { revision: RevisionSlot::free(), places }
    }

    fn claim(&self) -> &Claim {
        self.revision.claim()
    }
}

impl<const N: usize> TermsSlot<N> {
    /// Writes terms that the epoch does not name yet. Only the owner of the claim may.
    pub(crate) fn write(&self, terms: &Terms<N>, configured: &[Limit; N]) {
        // First, as it begins with the fence that all stores are behind.
        self.revision.write(&terms.revision, configured);
        for (words, Place { accrued, idle, widest }) in self.places.iter().zip(terms.places) {
            for (word, value) in words.iter().zip([(accrued >> 64) as u64, accrued as u64, idle, widest]) {
                // ORDERING: Relaxed. Behind the fence in `RevisionSlot::write`, and published by
                // the Release in `Epoch::publish`. Dies without it: loom-tests/key_limits.rs,
                // `a_take_beside_a_change_is_decided_on_one_of_the_limits`.
                word.store(value, Relaxed);
            }
        }
    }

    /// Reads without owning: a mixture unless the epoch is validated afterwards.
    pub(crate) fn terms(&self) -> Terms<N> {
        let places = core::array::from_fn(|i| {
            // ORDERING: Relaxed. After the epoch's load by its Acquire, and before the validation
            // by the fence in `Epoch::validate`. Dies without it: loom-tests/key_limits.rs,
            // `a_take_beside_a_change_is_decided_on_one_of_the_limits`.
            let [high, low, idle, widest] = [0, 1, 2, 3].map(|word: usize| self.places[i][word].load(Relaxed));
            Place { accrued: u128::from(high) << 64 | u128::from(low), idle, widest }
        });
        Terms { revision: self.revision.revision(), places }
    }

    /// The limits as they were configured; as [`terms`](Self::terms).
    pub(crate) fn configured(&self) -> [Limit; N] {
        self.revision.configured()
    }
}
