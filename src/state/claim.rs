//! Owns the claim: the flag by which a slot belongs to one writer. It never reads the slot's
//! contents.

use core::fmt;

use crate::sync::{Acquire, AtomicU32, Relaxed, Release, const_fn};

/// Whether a thread owns a slot.
///
/// | value | meaning |
/// |---|---|
/// | 0 | free: any thread may claim it |
/// | 1 | claimed: being written, held by a handle, or current |
///
/// The writer that replaces the current slot owns the old one, and releases it. A writer or handle
/// that leaves without publishing releases its slot.
pub(crate) struct Claim(AtomicU32);

const FREE: u32 = 0;
const CLAIMED: u32 = 1;

impl Claim {
    const_fn! {
        pub(crate) const fn free() -> Self {
            Self(AtomicU32::new(FREE))
        }
    }

    const_fn! {
        pub(crate) const fn claimed() -> Self {
            Self(AtomicU32::new(CLAIMED))
        }
    }

    /// Claims the slot and returns whether the caller owns it now.
    ///
    /// It never waits. A claim is lost only if another thread won it.
    #[inline]
    pub(crate) fn try_claim(&self) -> bool {
        // ORDERING: Relaxed. A hint that keeps the cache line shared while the slot is claimed.
        // Nothing dies without it: the compare_exchange below decides.
        if self.0.load(Relaxed) != FREE {
            return false;
        }
        // ORDERING: success Acquire pairs with the Release in `release`. The slot's replacement,
        // and its earlier reads and writes, happen before the new owner writes it. Dies as Relaxed:
        // loom-tests/snapshot.rs, `a_reader_sees_through_a_slot_that_is_used_again`. Failure
        // Relaxed: the caller does nothing with the slot.
        self.0.compare_exchange(FREE, CLAIMED, Acquire, Relaxed).is_ok()
    }

    /// Releases the slot. Only the owner of the claim may call it.
    #[inline]
    pub(crate) fn release(&self) {
        // ORDERING: Release pairs with the Acquire in `try_claim`. The next owner sees an epoch
        // that no longer names this slot. Dies as Relaxed: loom-tests/snapshot.rs,
        // `a_reader_sees_through_a_slot_that_is_used_again`. Dies without the store:
        // loom-tests/slots.rs, `a_slot_that_was_replaced_is_used_again`.
        self.0.store(FREE, Release);
    }
}

impl Claim {
    /// Whether a thread owned the slot a moment ago.
    pub(crate) fn is_claimed(&self) -> bool {
        // ORDERING: Relaxed. Only `Debug` and the audit of stopped threads ask: it has no partner.
        // Nothing dies.
        self.0.load(Relaxed) != FREE
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_claimed() { "claimed" } else { "free" })
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
