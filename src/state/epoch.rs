//! Owns the epoch: which slot is current, and how many versions there have been; never touches a
//! slot.

use core::fmt;

use crate::sync::{Acquire, AtomicU64, Relaxed, Release, fence};

/// The word that makes a version current. There is no odd value that means "being written": every
/// value names a complete version.
///
/// What it promises forces the orderings: whoever loads a stamp sees the whole version that it
/// names (Release on publishing, Acquire on loading), and whoever has read anything newer than that
/// version learns of it (the fences in `validate` and `Slot::write`).
pub(crate) struct Epoch(AtomicU64);

/// One value of the epoch.
///
/// | bits | field | meaning | when it wraps |
/// |---|---|---|---|
/// | 0..12 | `index` | the slot that holds the current version | never: there are at most 4096 slots |
/// | 12..64 | `sequence` | versions published since construction | after 2^52, 260 days at 200 million a second; a thread that stood still for exactly that long could take an old version for the current one |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp(u64);

const INDEX_BITS: u32 = 12;

impl Stamp {
    /// How many slots an index can name.
    pub(crate) const SLOTS: usize = 1 << INDEX_BITS;

    #[inline]
    pub(crate) const fn index(self) -> usize {
        (self.0 & (Self::SLOTS as u64 - 1)) as usize
    }

    #[inline]
    pub(crate) const fn sequence(self) -> u64 {
        self.0 >> INDEX_BITS
    }

    /// The next version, which lives in slot `index`.
    #[inline]
    const fn next(self, index: usize) -> Self {
        Self((self.sequence().wrapping_add(1) << INDEX_BITS) | index as u64)
    }
}

impl Epoch {
    /// Version 0, in slot 0.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    pub(crate) fn load(&self) -> Stamp {
        // ORDERING: Acquire pairs with the Release in `publish`: the version that the stamp names
        // is there to be read, and so is a grown block that it lives in. Dies without it:
        // loom-tests/snapshot.rs, `a_snapshot_is_never_torn`.
        Stamp(self.0.load(Acquire))
    }

    /// Whether `seen` is still current, so that what was read from its slot since is one version.
    #[inline]
    pub(crate) fn validate(&self, seen: Stamp) -> bool {
        // ORDERING: Acquire, after the loads of the slot; pairs with the fence(Release) in
        // `Slot::write`: if one of them saw a newer version, the load below sees a newer epoch.
        // Dies without it: loom-tests/snapshot.rs,
        // `a_late_reader_sees_through_a_slot_that_is_used_again`.
        fence(Acquire);
        // ORDERING: Relaxed. The fence above orders it; it is compared and nothing is read through
        // it. Dies without it: loom-tests/snapshot.rs,
        // `a_late_reader_sees_through_a_slot_that_is_used_again`.
        self.0.load(Relaxed) == seen.0
    }

    /// Makes the version in slot `index` current if `seen` still is. The linearization point of
    /// everything that changes state.
    ///
    /// | field | before | after |
    /// |---|---|---|
    /// | `sequence` | s | s + 1 |
    /// | `index` | the slot that `seen` names, from now on the caller's | `index`, from now on everybody's |
    #[inline]
    pub(crate) fn publish(&self, seen: Stamp, index: usize) -> bool {
        // ORDERING: success Release pairs with the Acquire in `load`: the version is written before
        // it can be found. Not AcqRel: what the caller does next to the old slot is ordered after
        // its own `load`, which was an Acquire. Dies without it: loom-tests/snapshot.rs,
        // `a_snapshot_is_never_torn`. Failure Relaxed: the caller loads again.
        self.0.compare_exchange(seen.0, seen.next(index).0, Release, Relaxed).is_ok()
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ORDERING: Relaxed. A picture for people: no partner, and no model could die.
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
