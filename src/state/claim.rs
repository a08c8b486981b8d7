//! Owns the claim: the flag by which a slot belongs to one writer; never looks at what is in the
//! slot.

use core::fmt;

use crate::sync::{Acquire, AtomicU32, Relaxed, Release};

/// Whether somebody may write a slot.
///
/// | value | meaning |
/// |---|---|
/// | 0 | free: any thread may claim it |
/// | 1 | claimed: being written, checked out by a handle, or the current one that readers are directed to |
///
/// A slot is released by whoever replaced it as the current one, or by the writer or handle that
/// leaves without having published it.
pub(crate) struct Claim(AtomicU32);

const FREE: u32 = 0;
const CLAIMED: u32 = 1;

impl Claim {
    pub(crate) fn free() -> Self {
        Self(AtomicU32::new(FREE))
    }

    pub(crate) fn claimed() -> Self {
        Self(AtomicU32::new(CLAIMED))
    }

    /// Whether the slot is now the caller's. It never waits; a claim that is lost has been won by
    /// somebody else.
    #[inline]
    pub(crate) fn try_claim(&self) -> bool {
        // ORDERING: Relaxed. Only a hint, which keeps the line shared while the slot is taken; the
        // compare_exchange decides, so no model dies without it.
        if self.0.load(Relaxed) != FREE {
            return false;
        }
        // ORDERING: success Acquire pairs with the Release in `release`: that the slot was
        // replaced, and all that was read and written in it before, happens before it is written
        // again. Failure Relaxed: nothing is done with it. Dies without it: loom-tests/snapshot.rs,
        // `a_reader_sees_through_a_slot_that_is_used_again`.
        self.0.compare_exchange(FREE, CLAIMED, Acquire, Relaxed).is_ok()
    }

    /// Gives the slot back. Only whoever owns the claim may.
    #[inline]
    pub(crate) fn release(&self) {
        // ORDERING: Release pairs with the Acquire in `try_claim`: the next owner sees the epoch
        // that no longer names this slot. Dies as Relaxed: loom-tests/snapshot.rs,
        // `a_reader_sees_through_a_slot_that_is_used_again`; without it: loom-tests/slots.rs,
        // `a_slot_that_was_replaced_is_used_again`.
        self.0.store(FREE, Release);
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ORDERING: Relaxed. A picture for people: no partner, and no model could die.
        f.write_str(if self.0.load(Relaxed) == FREE { "free" } else { "claimed" })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_granted_once_until_it_is_released() {
        let claim = Claim::free();
        assert!(claim.try_claim());
        assert!(!claim.try_claim());
        claim.release();
        assert!(claim.try_claim());
        assert!(!Claim::claimed().try_claim());
    }
}
