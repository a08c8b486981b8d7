//! Owns on which reading of the clock a verb decides: on the rough one, if there is one, and on the
//! precise one if that refuses. Never decides by itself.
//!
//! A rough reading is stale at worst, so what it grants refilled before. A clock without one reads
//! once, and nothing of this is left of it.

use crate::bucket::verbs;
use crate::decision::granted::Granted;
use crate::decision::refused::Refused;
use crate::state::store::Stored;
use last::{set_refused, was_refused};

#[inline(always)]
pub(crate) fn try_take<const N: usize>(bucket: &impl Stored<N>, amounts: [u64; N]) -> Result<Granted<N>, Refused<N>> {
    let Some(rough) = bucket.rough() else {
        return verbs::try_take(bucket.store(), bucket.now(), amounts);
    };
    // After a refusal the next one is likely, and a rough reading in vain.
    if !was_refused() {
        match verbs::try_take(bucket.store(), rough, amounts) {
            Err(Refused::NotYet(_)) => {}
            // No later reading changes the other refusals.
            decided => return decided,
        }
    }
    let decided = verbs::try_take(bucket.store(), bucket.now(), amounts);
    set_refused(decided.is_err());
    decided
}

pub(crate) fn admit<const N: usize>(bucket: &impl Stored<N>, amounts: [u64; N]) -> Result<Granted<N>, Refused<N>> {
    if let Some(rough) = bucket.rough() {
        match verbs::admit(bucket.store(), rough, amounts) {
            Err(Refused::NotYet(_)) => {}
            decided => return decided,
        }
    }
    verbs::admit(bucket.store(), bucket.now(), amounts)
}

/// The rough reading decides only where it grants all: more may have refilled by now.
#[inline(always)]
pub(crate) fn take_items<const N: usize>(bucket: &impl Stored<N>, max: u64, per_item: [u64; N]) -> u64 {
    if let Some(rough) = bucket.rough() {
        if verbs::takes_all_items(bucket.store(), rough, max, per_item) {
            return max;
        }
    }
    verbs::take_items(bucket.store(), bucket.now(), max, per_item)
}

/// Whether the precise reading refused the last take of this thread, of whichever bucket.
#[cfg(feature = "std")]
mod last {
    use core::cell::Cell;

    std::thread_local! {
        static REFUSED: Cell<bool> = const { Cell::new(false) };
    }

    #[inline(always)]
    pub(super) fn was_refused() -> bool {
        REFUSED.get()
    }

    #[inline(always)]
    pub(super) fn set_refused(refused: bool) {
        REFUSED.set(refused);
    }
}

/// Without threads that can be told apart, each take reads both.
#[cfg(not(feature = "std"))]
mod last {
    pub(super) fn was_refused() -> bool {
        false
    }

    pub(super) fn set_refused(_: bool) {}
}
