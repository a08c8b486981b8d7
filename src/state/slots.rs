//! Owns where slots live, and how a writer finds a free one. It never reads or writes their
//! contents.

use crate::state::claim::Claim;

use crate::sync::const_fn;
#[cfg(feature = "alloc")]
use crate::{state::epoch::Stamp, sync::PublishOnce};

/// A slot that can be claimed.
pub(crate) trait Claimable {
    /// Makes a slot without an owner; its contents mean nothing.
    #[cfg(feature = "alloc")]
    fn free() -> Self;

    fn claim(&self) -> &Claim;
}

/// The slots of a bucket: `S` inside it, and with `alloc` further blocks.
///
/// Each block has twice the size of the one before it. A block is linked when a writer first needs
/// it, and freed with the bucket.
///
/// A claim scans from the first slot, so under light load all writers stay on the first cache line.
/// Slots in use never exceed the simultaneous writers, plus the handles, plus the current slot.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Slots<T, const S: usize> {
    first: [T; S],
    #[cfg(feature = "alloc")]
    next: PublishOnce<grown::Block<T>>,
}

impl<T: Claimable, const S: usize> Slots<T, S> {
    /// The number of slots in the first linked block.
    #[cfg(feature = "alloc")]
    const GROWN: usize = if S == 0 { 1 } else { 2 * S };

    const_fn! {
        /// Makes slots that begin with these.
        pub(crate) const fn new(first: [T; S]) -> Self {
            Self {
                first,
                #[cfg(feature = "alloc")]
                next: PublishOnce::new(),
            }
        }
    }

    /// Claims a slot for the caller; `None` if all nameable slots are claimed.
    ///
    /// It takes no lock and never waits for another thread. It may allocate, before it claims.
    #[inline]
    pub(crate) fn claim(&self) -> Option<usize> {
        match &self.first[..] {
            [slot, ..] if slot.claim().try_claim() => Some(0),
            [_, slot, ..] if slot.claim().try_claim() => Some(1),
            _ => self.claim_further(),
        }
    }

    /// Claims a slot beyond the first two, between which a single writer alternates.
    #[cold]
    #[inline(never)]
    fn claim_further(&self) -> Option<usize> {
        match self.first.iter().skip(2).position(|slot| slot.claim().try_claim()) {
            Some(index) => Some(2 + index),
            None => self.claim_grown(),
        }
    }

    #[cold]
    #[inline(never)]
    #[cfg(feature = "alloc")]
    fn claim_grown(&self) -> Option<usize> {
        let (mut base, mut len, mut next) = (S, Self::GROWN, &self.next);
        while base < Stamp::SLOTS {
            let block = next.get_or_publish(|| grown::Block::new(len.min(Stamp::SLOTS - base)));
            if let Some(offset) = block.slots.iter().position(|slot| slot.claim().try_claim()) {
                return Some(base + offset);
            }
            (base, len, next) = (base + len, 2 * len, &block.next);
        }
        None
    }

    #[cold]
    #[cfg(not(feature = "alloc"))]
    fn claim_grown(&self) -> Option<usize> {
        None
    }

    /// Returns the slot of this index; `None` only for an index that no claim returned.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        match self.first.get(index) {
            Some(slot) => Some(slot),
            None => self.get_grown(index),
        }
    }

    /// The slots that are not in a linked block.
    #[inline]
    pub(crate) fn first(&self) -> &[T; S] {
        &self.first
    }

    #[cold]
    #[inline(never)]
    #[cfg(feature = "alloc")]
    fn get_grown(&self, index: usize) -> Option<&T> {
        let (mut base, mut len, mut block) = (S, Self::GROWN, self.next.get()?);
        while index >= base + len {
            (base, len, block) = (base + len, 2 * len, block.next.get()?);
        }
        block.slots.get(index - base)
    }

    #[cfg(not(feature = "alloc"))]
    fn get_grown(&self, _: usize) -> Option<&T> {
        None
    }

    /// Counts the claimed slots, of a bucket whose threads are stopped.
    #[cfg(tollgate_freeze)]
    pub(crate) fn claimed(&self) -> usize {
        let (mut claimed, mut next) = (count(&self.first), self.next.get());
        while let Some(block) = next {
            (claimed, next) = (claimed + count(&block.slots), block.next.get());
        }
        claimed
    }

    /// Releases a slot that the caller owns.
    #[inline]
    pub(crate) fn release(&self, index: usize) {
        if let Some(slot) = self.get(index) {
            slot.claim().release();
        }
    }
}

#[cfg(tollgate_freeze)]
fn count<T: Claimable>(slots: &[T]) -> usize {
    slots.iter().filter(|slot| slot.claim().is_claimed()).count()
}

#[cfg(feature = "alloc")]
mod grown {
    extern crate alloc;
    use alloc::boxed::Box;

    use super::Claimable;
    use crate::sync::PublishOnce;

    /// A block of further slots, complete before another thread can find it.
    #[derive(Debug)]
    pub(super) struct Block<T> {
        pub(super) slots: Box<[T]>,
        pub(super) next: PublishOnce<Self>,
    }

    impl<T: Claimable> Block<T> {
        pub(super) fn new(len: usize) -> Self {
            Self { slots: (0..len).map(|_| T::free()).collect(), next: PublishOnce::new() }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::state::words::{Slot, State};

    fn slots<const S: usize>() -> Slots<Slot<2>, S> {
        let mut first = crate::sync::filled![Slot::vacant(); S];
        first[0] = Slot::current(&State { limits: 0, spent: [0; 2] });
        Slots::new(first)
    }

    #[test]
    fn the_lowest_free_slot_is_claimed() {
        let slots = slots::<4>();
        assert_eq!([slots.claim(), slots.claim()], [Some(1), Some(2)]);
        slots.release(1);
        assert_eq!(slots.claim(), Some(1));
        assert_eq!(slots.claim(), Some(3));
    }

    #[test]
    #[cfg(feature = "alloc")]
    fn every_index_is_claimed_once_and_then_none() {
        let slots = slots::<3>();
        for index in 1..Stamp::SLOTS {
            assert!(slots.get(index).is_none_or(|slot| index < 3 || !core::ptr::eq(slot, slots.get(0).unwrap())));
            assert_eq!(slots.claim(), Some(index));
            assert!(slots.get(index).is_some());
        }
        assert_eq!(slots.claim(), None);
        slots.release(4000);
        assert_eq!(slots.claim(), Some(4000));
        let addresses: std::collections::HashSet<_> =
            (0..Stamp::SLOTS).map(|index| core::ptr::from_ref(slots.get(index).unwrap()).addr()).collect();
        assert_eq!(addresses.len(), Stamp::SLOTS);
    }

    #[test]
    #[cfg(feature = "alloc")]
    fn there_need_be_none_inside() {
        let slots = Slots::<Slot<2>, 0>::new([]);
        assert_eq!([(); 8].map(|()| slots.claim()), [0, 1, 2, 3, 4, 5, 6, 7].map(Some));
        slots.release(4);
        assert_eq!(slots.claim(), Some(4));
    }

    #[test]
    #[cfg(not(feature = "alloc"))]
    fn without_alloc_the_first_block_is_all() {
        let slots = slots::<2>();
        assert_eq!([slots.claim(), slots.claim()], [Some(1), None]);
    }
}
