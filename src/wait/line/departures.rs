//! Owns the tickets of those who left and found the lock of the line held: a stack through one seat
//! for each ticket. Never takes the lock.
//!
//! A seat belongs to one ticket, from the entry until its owner has left. So an owner is in the
//! stack at most once, and nobody else uses its seat. Seats are made by those who enter, under the
//! lock; who leaves allocates nothing.

use std::vec::Vec;

use crate::clock::time::Time;
use crate::sync::{Acquire, AtomicU32, AtomicU64, PublishOnce, Relaxed, Release};

/// Blocks of seats, each of twice the size of the one before it.
const BLOCKS: usize = 29;

/// Seats in the first block.
const FIRST: u32 = 4;

/// Those who left, the last one first, and the seats of all tickets.
#[derive(Debug)]
pub(crate) struct Departures {
    /// A parting, as a word; 0 if nobody left.
    last: AtomicU32,
    blocks: [PublishOnce<Vec<Seat>>; BLOCKS],
}

#[derive(Debug)]
struct Seat {
    /// Who left before, as a word; 0 if nobody did.
    before: AtomicU32,
    /// When the reservation of this seat is ready, in nanoseconds plus 1; 0 as long as it waits.
    ready: AtomicU64,
}

/// What becomes of an entry whose owner left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Parting {
    pub(crate) index: u32,
    /// Its tokens are used when they are ready.
    pub(crate) kept: bool,
}

impl Parting {
    fn word(self) -> u32 {
        self.index * 2 + u32::from(self.kept) + 1
    }

    fn of(word: u32) -> Option<Self> {
        let bits = word.checked_sub(1)?;
        Some(Self { index: bits / 2, kept: bits % 2 == 1 })
    }
}

impl Departures {
    /// So many tickets there can be.
    pub(crate) const MOST: u32 = u32::MAX / 4;

    pub(crate) fn new() -> Self {
        Self { last: AtomicU32::new(0), blocks: core::array::from_fn(|_| PublishOnce::new()) }
    }

    /// Makes a seat for a ticket that is given out; under the lock.
    pub(crate) fn seat(&self, index: u32) {
        let (block, _) = place(index);
        let free = || Seat { before: AtomicU32::new(0), ready: AtomicU64::new(0) };
        let seats = self.blocks[block].get_or_publish(|| (0..FIRST << block).map(|_| free()).collect());
        // ORDERING: Relaxed. Partner is the load in `ready_at`, by the owner of the ticket that
        // this thread gives out. Dies if it is not stored: tests/line_reservation.rs,
        // `a_reservation_in_a_used_seat_is_not_ready_by_that`.
        seats[place(index).1].ready.store(0, Relaxed);
    }

    fn at(&self, index: u32) -> &Seat {
        let (block, place) = place(index);
        &self.blocks[block].get().expect("made before the ticket was given out")[place]
    }

    /// Says when the reservation of a ticket is ready; under the lock.
    pub(crate) fn set_ready(&self, index: u32, at: Time) {
        // ORDERING: Relaxed. Partner is the load in `ready_at`: a value alone. Dies if it is not
        // stored: tests/line_reservation.rs,
        // `a_reservation_behind_others_is_used_if_it_is_dropped_after_its_instant`.
        self.at(index).ready.store(at.as_nanos().saturating_add(1), Relaxed);
    }

    /// When the reservation of a ticket is ready, if it does not wait any more.
    pub(crate) fn ready_at(&self, index: u32) -> Option<Time> {
        // ORDERING: Relaxed. Partner is the store in `set_ready`. If it is not seen yet, the
        // reservation waited a moment ago. Dies as 0: tests/line_reservation.rs,
        // `a_reservation_behind_others_is_used_if_it_is_dropped_after_its_instant`.
        self.at(index).ready.load(Relaxed).checked_sub(1).map(Time::from_nanos)
    }

    /// Leaves word that the owner of a ticket left. Who holds the lock next finds it.
    pub(crate) fn push(&self, parting: Parting) {
        let seat = self.at(parting.index);
        // ORDERING: Relaxed. Partner is the compare-exchange below, which checks the value. Nothing
        // dies if it is another: that costs a lap.
        let mut last = self.last.load(Relaxed);
        loop {
            // ORDERING: Relaxed. Partner is the load in `pop_all`; the compare-exchange below
            // publishes it. Dies if it is not stored: loom-tests/line.rs,
            // `two_who_leave_one_after_the_other_both_count`.
            seat.before.store(last, Relaxed);
            // ORDERING: success Release pairs with the Acquire in `pop_all`: who finds this parting
            // finds those before it. Failure Relaxed: its value is all that is kept of it. Dies as
            // Relaxed: loom-tests/line.rs, `two_who_leave_one_after_the_other_both_count`.
            match self.last.compare_exchange_weak(last, parting.word(), Release, Relaxed) {
                Ok(_) => return,
                Err(seen) => last = seen,
            }
        }
    }

    /// Takes all out; under the lock.
    pub(crate) fn pop_all(&self, mut each: impl FnMut(Parting)) {
        // ORDERING: Acquire pairs with the Release in `push`: the neighbours are those that were
        // stored before. Dies as Relaxed: loom-tests/line.rs,
        // `two_who_leave_one_after_the_other_both_count`.
        let mut word = self.last.swap(0, Acquire);
        while let Some(parting) = Parting::of(word) {
            // ORDERING: Relaxed. Partner is the store in `push`, which the swap above made visible.
            // Dies as 0: loom-tests/line.rs, `two_who_leave_one_after_the_other_both_count`.
            word = self.at(parting.index).before.load(Relaxed);
            each(parting);
        }
    }
}

/// The block of a seat, and its place there.
fn place(index: u32) -> (usize, usize) {
    let block = (index / FIRST + 1).ilog2();
    (block as usize, (index + FIRST - (FIRST << block)) as usize)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_index_has_a_seat_of_its_own_in_a_block_that_holds_it() {
        let mut places: Vec<_> = (0..1000).map(place).collect();
        assert!(places.iter().all(|(block, place)| *place < (FIRST as usize) << block));
        assert!(place(Departures::MOST).0 < BLOCKS);
        places.dedup();
        assert_eq!(places.len(), 1000);
        assert!(places.is_sorted());
    }

    #[test]
    fn the_last_who_left_comes_out_first_and_each_once() {
        let departures = Departures::new();
        let partings = [(0, false), (9, true), (3, false)].map(|(index, kept)| Parting { index, kept });
        partings.iter().for_each(|parting| departures.seat(parting.index));
        partings.iter().for_each(|parting| departures.push(*parting));
        let mut out = Vec::new();
        departures.pop_all(|parting| out.push(parting));
        departures.pop_all(|parting| out.push(parting));
        assert_eq!(out, [partings[2], partings[1], partings[0]]);
    }
}
