//! Owns where slots live and how one more is found; never reads or writes what is in them.

use crate::slot::{Slot, State};

#[cfg(feature = "alloc")]
use crate::{epoch::Stamp, sync::PublishOnce};

/// The slots of a bucket: the first `S` inside it, and with `alloc` further blocks, each twice the size of the one before it, linked
/// where they are first needed and freed with the bucket.
///
/// A slot is claimed by scanning from the first, so under light load all writers stay on the first line, and no more slots are ever
/// in use than there are writers at once, handles, and the one that is current.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Slots<const N: usize, const S: usize> {
    first: [Slot<N>; S],
    #[cfg(feature = "alloc")]
    next: PublishOnce<grown::Block<N>>,
}

impl<const N: usize, const S: usize> Slots<N, S> {
    /// Slot 0 is current and holds `state`; the others are free.
    pub(crate) fn new(state: &State<N>) -> Self {
        Self {
            first: core::array::from_fn(|i| if i == 0 { Slot::current(state) } else { Slot::free() }),
            #[cfg(feature = "alloc")]
            next: PublishOnce::new(),
        }
    }

    /// Claims a slot for the caller; `None` if every slot that an index can name is claimed.
    ///
    /// It takes no lock and waits for nobody. It may allocate, before it claims.
    #[inline]
    pub(crate) fn claim(&self) -> Option<usize> {
        match &self.first[..] {
            [slot, ..] if slot.claim.try_claim() => Some(0),
            [_, slot, ..] if slot.claim.try_claim() => Some(1),
            _ => self.claim_further(),
        }
    }

    /// The same beyond the two slots that take turns as long as nobody else is there.
    #[cold]
    #[inline(never)]
    fn claim_further(&self) -> Option<usize> {
        match self.first.iter().skip(2).position(|slot| slot.claim.try_claim()) {
            Some(index) => Some(2 + index),
            None => self.claim_grown(),
        }
    }

    #[cold]
    #[inline(never)]
    #[cfg(feature = "alloc")]
    fn claim_grown(&self) -> Option<usize> {
        let (mut base, mut len, mut next) = (S, 2 * S, &self.next);
        while base < Stamp::SLOTS {
            let block = next.get_or_publish(|| grown::Block::new(len.min(Stamp::SLOTS - base)));
            if let Some(offset) = block.slots.iter().position(|slot| slot.claim.try_claim()) {
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

    /// The slot of this index. `None` only for an index that no claim has returned.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&Slot<N>> {
        match self.first.get(index) {
            Some(slot) => Some(slot),
            None => self.get_grown(index),
        }
    }

    #[cold]
    #[inline(never)]
    #[cfg(feature = "alloc")]
    fn get_grown(&self, index: usize) -> Option<&Slot<N>> {
        let (mut base, mut len, mut block) = (S, 2 * S, self.next.get()?);
        while index >= base + len {
            (base, len, block) = (base + len, 2 * len, block.next.get()?);
        }
        block.slots.get(index - base)
    }

    #[cfg(not(feature = "alloc"))]
    fn get_grown(&self, _: usize) -> Option<&Slot<N>> {
        None
    }

    /// Gives back a slot that the caller owns.
    #[inline]
    pub(crate) fn release(&self, index: usize) {
        if let Some(slot) = self.get(index) {
            slot.claim.release();
        }
    }
}

#[cfg(feature = "alloc")]
mod grown {
    extern crate alloc;
    use alloc::boxed::Box;

    use crate::slot::Slot;
    use crate::sync::PublishOnce;

    /// A block of further slots, complete before anybody can find it.
    #[derive(Debug)]
    pub(super) struct Block<const N: usize> {
        pub(super) slots: Box<[Slot<N>]>,
        pub(super) next: PublishOnce<Self>,
    }

    impl<const N: usize> Block<N> {
        pub(super) fn new(len: usize) -> Self {
            Self { slots: (0..len).map(|_| Slot::free()).collect(), next: PublishOnce::new() }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn slots<const S: usize>() -> Slots<2, S> {
        Slots::new(&State { limits: 0, spent: [0; 2] })
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
    #[cfg(not(feature = "alloc"))]
    fn without_alloc_the_first_block_is_all() {
        let slots = slots::<2>();
        assert_eq!([slots.claim(), slots.claim()], [Some(1), None]);
    }
}
