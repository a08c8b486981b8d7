//! Owns how a state names the limits that its words are counted in. Never reads those.
//!
//! | name | limits |
//! |---|---|
//! | 0 | the first, that the bucket is built with |
//! | 1, 2 | in slot 0 or 1 of the revisions, not paused |
//! | 4 and more | bits 2 to 30: 1 more than the slot; bit 31: whether they are paused until their origin |
//!
//! So nearly every decision knows its limits by the test of one bit, and need not look for a pause.

pub(crate) const FIRST: u32 = 0;

const PAUSED: u32 = 1 << 31;

/// The name of the revision in a slot.
pub(crate) const fn of(slot: usize, paused: bool) -> u32 {
    match (slot, paused) {
        (0, false) => 1,
        (1, false) => 2,
        (_, false) => (slot as u32 + 1) << 2,
        (_, true) => (slot as u32 + 1) << 2 | PAUSED,
    }
}

/// Whether it is that of slot 0, not paused.
#[inline(always)]
pub(crate) const fn is_one(name: u32) -> bool {
    name & 1 != 0
}

/// Whether it is that of slot 1, not paused.
#[inline(always)]
pub(crate) const fn is_two(name: u32) -> bool {
    name & 2 != 0
}

/// The slot of a revision; `None` for the first limits, which have none.
pub(crate) const fn slot(name: u32) -> Option<usize> {
    match name {
        _ if is_one(name) => Some(0),
        _ if is_two(name) => Some(1),
        _ => ((name & !PAUSED) as usize >> 2).checked_sub(1),
    }
}

pub(crate) const fn is_paused(name: u32) -> bool {
    name & PAUSED != 0
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_slot_and_the_pause() {
        assert_eq!((slot(FIRST), is_paused(FIRST)), (None, false));
        for index in [0, 1, 2, 3, 4, 17, 4095] {
            for paused in [false, true] {
                let name = of(index, paused);
                assert_eq!((slot(name), is_paused(name)), (Some(index), paused));
                assert_eq!((is_one(name), is_two(name)), (index == 0 && !paused, index == 1 && !paused));
            }
        }
    }
}
