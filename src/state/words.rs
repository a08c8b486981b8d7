//! Owns one complete version of a bucket's state. It never decides which version is current.

use crate::state::claim::Claim;
use crate::state::slots::Claimable;
use crate::sync::{AtomicU32, AtomicU64, Relaxed, Release, const_fn, fence, filled};

/// The contents of a slot as plain numbers.
///
/// They are the `spent` word of every stream, and the index of the limits that those words are
/// counted in.
///
/// Until the epoch is validated it may be torn: a mixture of two versions. Only total functions may
/// see it: no division, no unchecked shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct State<const N: usize> {
    pub(crate) limits: u32,
    pub(crate) spent: [u64; N],
}

/// One version of the state in memory, `8 + 8 N` bytes.
///
/// | bytes | field | unit | meaning of 0 |
/// |---|---|---|---|
/// | 0..4 | `claim` | flag | free |
/// | 4..8 | `limits` | name of a version of the limits: see `limits_name.rs` | the limits given at construction |
/// | 8.. | `spent` | units of stream i, modulo 2^64 | nothing spent: the level is what accrued |
///
/// Why `Relaxed` for the two data fields: a reader learns from the epoch, not from the data,
/// whether it has read one version. The fences in `write` and in `Epoch::validate` make sure that
/// it learns it.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Slot<const N: usize> {
    claim: Claim,
    limits: AtomicU32,
    spent: [AtomicU64; N],
}

impl<const N: usize> Claimable for Slot<N> {
    #[cfg(feature = "alloc")]
    fn free() -> Self {
        Self::vacant()
    }

    #[inline]
    fn claim(&self) -> &Claim {
        &self.claim
    }
}

impl<const N: usize> Slot<N> {
    const_fn! {
        /// Makes a slot without an owner; its contents mean nothing.
        pub(crate) const fn vacant() -> Self {
            Self { claim: Claim::free(), limits: AtomicU32::new(0), spent: filled![AtomicU64::new(0); N] }
        }
    }

    const_fn! {
        /// Makes the first version of a new bucket, claimed as the current one.
        pub(crate) const fn current(state: &State<N>) -> Self {
            let mut spent = filled![AtomicU64::new(0); N];
            let mut i = 0;
            while i < N {
                spent[i] = AtomicU64::new(state.spent[i]);
                i += 1;
            }
            Self { claim: Claim::claimed(), limits: AtomicU32::new(state.limits), spent }
        }
    }

    /// Reads without owning; torn unless the epoch is validated afterwards.
    #[inline]
    pub(crate) fn read(&self) -> State<N> {
        // ORDERING: Relaxed, both. Partners are the stores in `write`. The Acquire of the epoch's
        // load puts these loads after it. The fence in `Epoch::validate` puts them before the
        // validation. Dies without that fence: loom-tests/snapshot.rs,
        // `a_late_reader_sees_through_a_slot_that_is_used_again`. Dies with one word for all:
        // loom-tests/opposite.rs, `one_of_two_is_granted_where_one_fits`. Dies without the load of
        // `limits`: loom-tests/set_limits.rs, `a_change_beside_a_take_comes_before_or_after_it`.
        State { limits: self.limits.load(Relaxed), spent: core::array::from_fn(|i| self.spent[i].load(Relaxed)) }
    }

    /// Writes a version before the epoch names it. Only the owner of the claim may call it.
    #[inline]
    pub(crate) fn write(&self, state: &State<N>) {
        // ORDERING: Release, before the stores. It pairs with the fence(Acquire) in
        // `Epoch::validate`. A late reader of this slot that sees any store below also sees a newer
        // epoch, and retries. Dies without it: loom-tests/snapshot.rs,
        // `a_late_reader_sees_through_a_slot_that_is_used_again`.
        fence(Release);
        // ORDERING: Relaxed, both. Partners are the loads in `read`; the Release in
        // `Epoch::publish` publishes them. Dies without the words: loom-tests/snapshot.rs,
        // `a_snapshot_is_never_torn`. Dies without `limits`: loom-tests/set_limits.rs,
        // `a_change_beside_a_take_comes_before_or_after_it`.
        self.limits.store(state.limits, Relaxed);
        for (word, spent) in self.spent.iter().zip(state.spent) {
            word.store(spent, Relaxed);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_version_comes_out_as_it_went_in() {
        let first = State { limits: 0, spent: [1, 2, 3] };
        let slot = Slot::current(&first);
        assert_eq!(slot.read(), first);
        assert!(!slot.claim.try_claim());
        let second = State { limits: 7, spent: [u64::MAX, 0, 5] };
        slot.write(&second);
        assert_eq!(slot.read(), second);
    }

    #[test]
    fn a_slot_is_packed_to_eight_bytes_and_a_word_for_each_stream() {
        assert_eq!(size_of::<Slot<1>>(), 16);
        assert_eq!(size_of::<Slot<2>>(), 24);
        assert_eq!(size_of::<Slot<8>>(), 72);
    }
}
