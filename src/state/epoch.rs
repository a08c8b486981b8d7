//! Owns the epoch: which slot is current, and how many versions were published. It never touches a
//! slot.

use core::fmt;

use crate::sync::{Acquire, AtomicU64, Relaxed, Release, const_fn, fence};

/// The word that makes a version current.
///
/// No value means "being written", as an odd value of a seqlock does: every value names a complete
/// version.
///
/// Two promises force the orderings:
///
/// * A thread that loads a stamp sees the whole version that it names: Release when publishing,
///   Acquire when loading.
/// * A thread that has read anything newer than that version learns of it: the fences in `validate`
///   and `Slot::write`.
pub(crate) struct Epoch(AtomicU64);

/// One value of the epoch.
///
/// | bits | field | meaning | when it wraps |
/// |---|---|---|---|
/// | 0..12 | `index` | the slot that holds the current version | never: there are at most 4096 slots |
/// | 12..64 | `sequence` | versions published since construction | after 2^52: 260 days at 200 million a second |
///
/// After a wrap, a thread that stopped for exactly 2^52 versions takes an old version for the
/// current one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp(u64);

const INDEX_BITS: u32 = 12;

impl Stamp {
    /// The number of slots that an index can name.
    pub(crate) const SLOTS: usize = 1 << INDEX_BITS;

    #[inline]
    pub(crate) const fn index(self) -> usize {
        (self.0 & (Self::SLOTS as u64 - 1)) as usize
    }

    #[inline]
    pub(crate) const fn sequence(self) -> u64 {
        self.0 >> INDEX_BITS
    }

    /// Returns the stamp of the next version, which lives in slot `index`.
    #[inline]
    const fn next(self, index: usize) -> Self {
        Self((self.sequence().wrapping_add(1) << INDEX_BITS) | index as u64)
    }
}

impl Epoch {
    const_fn! {
        /// Makes an epoch at version 0, in slot 0.
        pub(crate) const fn new() -> Self {
            Self(AtomicU64::new(0))
        }
    }

    #[inline]
    pub(crate) fn load(&self) -> Stamp {
        // ORDERING: Acquire pairs with the Release in `publish`. The version that the stamp names
        // is then visible, and so is the linked block that holds it. Dies as Relaxed:
        // loom-tests/snapshot.rs, `a_snapshot_is_never_torn`.
        Stamp(self.0.load(Acquire))
    }

    /// Returns whether `seen` is still current.
    ///
    /// If it is, the words read from its slot since are one version.
    #[inline]
    pub(crate) fn validate(&self, seen: Stamp) -> bool {
        // ORDERING: Acquire, after the loads of the slot. It pairs with the fence(Release) in
        // `Slot::write`. If one of those loads saw a newer version, the load below sees a newer
        // epoch. Dies without it: loom-tests/snapshot.rs,
        // `a_late_reader_sees_through_a_slot_that_is_used_again`.
        fence(Acquire);
        // ORDERING: Relaxed. The fence above orders it. The value is only compared; nothing is read
        // through it. Dies without the load: loom-tests/snapshot.rs,
        // `a_late_reader_sees_through_a_slot_that_is_used_again`.
        self.0.load(Relaxed) == seen.0
    }

    /// Makes the version in slot `index` current if `seen` still is.
    ///
    /// It is the linearization point of every change of state.
    ///
    /// | field | before | after |
    /// |---|---|---|
    /// | `sequence` | s | s + 1 |
    /// | `index` | the slot that `seen` names; the caller owns it afterwards | `index`; every thread reads it afterwards |
    #[inline]
    pub(crate) fn publish(&self, seen: Stamp, index: usize) -> bool {
        // ORDERING: success Release pairs with the Acquire in `load`. The version is written before
        // another thread can find it. Not AcqRel: the caller's own `load` was an Acquire, and
        // orders what the caller does to the old slot. Dies as Relaxed: loom-tests/snapshot.rs,
        // `a_snapshot_is_never_torn`. Failure Relaxed: the caller loads again.
        self.0.compare_exchange(seen.0, seen.next(index).0, Release, Relaxed).is_ok()
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ORDERING: Relaxed. Only `Debug` reads it: it has no partner. Nothing dies.
        Stamp(self.0.load(Relaxed)).fmt(f)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn publishing_counts_up_and_names_the_slot() {
        let epoch = Epoch::new();
        let first = epoch.load();
        assert_eq!((first.sequence(), first.index()), (0, 0));
        assert!(epoch.publish(first, 3));
        let second = epoch.load();
        assert_eq!((second.sequence(), second.index()), (1, 3));
        assert!(!epoch.validate(first) && epoch.validate(second));
        assert!(!epoch.publish(first, 2));
        assert_eq!(epoch.load(), second);
    }

    #[test]
    fn the_same_slot_under_another_sequence_is_another_stamp() {
        let stamp = Stamp(0);
        assert_ne!(stamp.next(1).next(0), stamp);
        assert_eq!(stamp.next(1).next(0).index(), 0);
    }

    #[test]
    fn the_sequence_wraps_without_touching_the_index() {
        let last = Stamp(u64::MAX);
        assert_eq!((last.sequence(), last.index()), ((1 << 52) - 1, 4095));
        assert_eq!((last.next(4095).sequence(), last.next(4095).index()), (0, 4095));
    }
}
