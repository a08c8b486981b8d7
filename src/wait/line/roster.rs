//! Owns the entries and their order: a slab, and one list through it for each stream. Never
//! decides who is served.
//!
//! An entry stands in the list of each stream that it uses. It is first if it heads all of them.
//! So to enter, to leave and to find the first takes the same time however long the line is.

extern crate alloc;
use alloc::vec::Vec;

use crate::clock::time::Time;
use crate::wait::line::departures::Departures;
use crate::wait::line::entry::{Ask, Contact, Entry, Link, Ticket};
use crate::wait::line::moment::NEVER;

/// No entry.
pub(crate) const NONE: u32 = u32::MAX;

/// The waiters on one stream.
#[derive(Clone, Copy, Debug)]
struct List {
    head: u32,
    tail: u32,
    /// The first entry that no call has passed yet.
    uncalled: u32,
    /// The last entry whose timer ever comes.
    last_timed: u32,
    /// The entry whose timer was set to come last of all, as long as it is there.
    latest: u32,
    /// Tokens that the entries ask for.
    /// Of a stream without a limit, one waiter may ask for all that a `u64` counts.
    tokens: u128,
}

impl List {
    const EMPTY: Self = Self { head: NONE, tail: NONE, uncalled: NONE, last_timed: NONE, latest: NONE, tokens: 0 };
}

#[derive(Debug)]
enum Slot<W, const N: usize> {
    /// With the next free one.
    Free(u32),
    Taken(Entry<W, N>),
}

#[derive(Debug)]
pub(crate) struct Roster<W, const N: usize> {
    slots: Vec<Slot<W, N>>,
    free: u32,
    lists: [List; N],
    /// Entries in the lists.
    len: usize,
    /// Slots that are taken: entries in the lists, and firm ones.
    taken: usize,
    turns: u64,
}

impl<W, const N: usize> Roster<W, N> {
    /// Slots that an empty roster may keep.
    const KEPT: usize = 16;

    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: NONE, lists: [List::EMPTY; N], len: 0, taken: 0, turns: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The entry of a ticket, if it is still there.
    pub(crate) fn find(&self, ticket: Ticket) -> Option<u32> {
        match self.slots.get(ticket.index as usize) {
            Some(Slot::Taken(entry)) if entry.turn as u32 == ticket.turn => Some(ticket.index),
            _ => None,
        }
    }

    /// The ticket of a slot; `None` if it is free.
    pub(crate) fn ticket_of(&self, index: u32) -> Option<Ticket> {
        match self.slots.get(index as usize) {
            Some(Slot::Taken(entry)) => Some(Ticket { index, turn: entry.turn as u32 }),
            _ => None,
        }
    }

    pub(crate) fn ticket(&self, index: u32) -> Ticket {
        Ticket { index, turn: self.get(index).turn as u32 }
    }

    /// An entry that is known to be there.
    pub(crate) fn get(&self, index: u32) -> &Entry<W, N> {
        match &self.slots[index as usize] {
            Slot::Taken(entry) => entry,
            Slot::Free(_) => unreachable!("the lists hold taken slots only"),
        }
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> &mut Entry<W, N> {
        match &mut self.slots[index as usize] {
            Slot::Taken(entry) => entry,
            Slot::Free(_) => unreachable!("the lists hold taken slots only"),
        }
    }

    pub(crate) fn head(&self, i: usize) -> Option<u32> {
        some(self.lists[i].head)
    }

    pub(crate) fn tail(&self, i: usize) -> Option<u32> {
        some(self.lists[i].tail)
    }

    pub(crate) fn behind(&self, i: usize, index: u32) -> Option<u32> {
        some(self.get(index).links[i].behind)
    }

    /// Tokens that the waiters of a stream ask for, as far as a `u64` counts.
    pub(crate) fn tokens(&self, i: usize) -> u64 {
        u64::try_from(self.lists[i].tokens).unwrap_or(u64::MAX)
    }

    /// Whether no earlier entry shares a stream with this one.
    pub(crate) fn is_first(&self, index: u32) -> bool {
        let entry = self.get(index);
        (0..N).all(|i| !entry.uses(i) || entry.links[i].before == NONE)
    }

    /// All entries that have a slot.
    pub(crate) fn all(&mut self) -> impl Iterator<Item = (u32, &mut Entry<W, N>)> {
        (0..).zip(&mut self.slots).filter_map(|(index, slot)| match slot {
            Slot::Taken(entry) => Some((index, entry)),
            Slot::Free(_) => None,
        })
    }

    /// Adds an entry behind all others. `None` if there is no room for its index.
    pub(crate) fn push(&mut self, ask: Ask<N>, words: [u64; N], at: Time, waker: Option<W>) -> Option<u32> {
        let index = if self.free == NONE { u32::try_from(self.slots.len()).ok()? } else { self.free };
        if index >= Departures::MOST {
            return None;
        }
        let links = core::array::from_fn(|i| Link { before: self.lists[i].tail, behind: NONE });
        let entry = Entry {
            ask,
            turn: self.turns,
            words,
            at,
            out: at,
            timer: NEVER,
            told: NEVER,
            came: None,
            contact: Contact::Quiet,
            kept: false,
            links,
            waker,
            due: None,
        };
        self.turns += 1;
        for i in (0..N).filter(|i| entry.uses(*i)) {
            let tail = core::mem::replace(&mut self.lists[i].tail, index);
            match some(tail) {
                Some(tail) => self.get_mut(tail).links[i].behind = index,
                None => self.lists[i].head = index,
            }
            let list = &mut self.lists[i];
            list.uncalled = if list.uncalled == NONE { index } else { list.uncalled };
            list.tokens += u128::from(entry.ask.amounts[i]);
        }
        match self.slots.get_mut(index as usize) {
            Some(slot) => {
                if let Slot::Free(next) = core::mem::replace(slot, Slot::Taken(entry)) {
                    self.free = next;
                }
            }
            None => self.slots.push(Slot::Taken(entry)),
        }
        (self.len, self.taken) = (self.len + 1, self.taken + 1);
        Some(index)
    }

    /// Takes an entry out of the lists; it keeps its slot.
    pub(crate) fn unlink(&mut self, index: u32) {
        for i in 0..N {
            let entry = self.get(index);
            if !entry.uses(i) {
                continue;
            }
            let (Link { before, behind }, amount) = (entry.links[i], entry.ask.amounts[i]);
            if self.lists[i].last_timed == index {
                self.lists[i].last_timed = self.timed_before(i, before);
            }
            if self.lists[i].latest == index {
                self.lists[i].latest = NONE;
            }
            match some(before) {
                Some(before) => self.get_mut(before).links[i].behind = behind,
                None => self.lists[i].head = behind,
            }
            match some(behind) {
                Some(behind) => self.get_mut(behind).links[i].before = before,
                None => self.lists[i].tail = before,
            }
            let list = &mut self.lists[i];
            list.uncalled = if list.uncalled == index { behind } else { list.uncalled };
            list.tokens -= u128::from(amount);
            if list.head == NONE {
                *list = List::EMPTY;
            }
        }
        self.len -= 1;
    }

    /// Frees the slot of an entry that is in no list.
    pub(crate) fn free(&mut self, index: u32) -> Option<W> {
        let slot = core::mem::replace(&mut self.slots[index as usize], Slot::Free(self.free));
        self.free = index;
        self.taken -= 1;
        if self.taken == 0 && self.slots.len() > Self::KEPT {
            // A long line is over: its memory goes back. Turns go on, so old tickets find nothing.
            (self.slots, self.free) = (Vec::new(), NONE);
        }
        match slot {
            Slot::Taken(entry) => entry.waker,
            Slot::Free(_) => None,
        }
    }

    /// Sets when the waiter of an entry comes by itself.
    pub(crate) fn set_timer(&mut self, index: u32, timer: Time) {
        let entry = self.get_mut(index);
        entry.timer = timer;
        let (turn, before) = (entry.turn, entry.links.map(|link| link.before));
        for (i, before) in before.into_iter().enumerate() {
            if !self.get(index).uses(i) {
                continue;
            }
            if timer < NEVER && some(self.lists[i].latest).is_none_or(|latest| self.get(latest).timer <= timer) {
                self.lists[i].latest = index;
            }
            let last = self.lists[i].last_timed;
            if timer == NEVER {
                if last == index {
                    self.lists[i].last_timed = self.timed_before(i, before);
                }
            } else if some(last).is_none_or(|last| self.get(last).turn < turn) {
                self.lists[i].last_timed = index;
            }
        }
    }

    /// The last entry whose timer ever comes, from this one backwards.
    fn timed_before(&self, i: usize, mut index: u32) -> u32 {
        while let Some(entry) = some(index).map(|index| self.get(index)) {
            if entry.timer < NEVER {
                break;
            }
            index = entry.links[i].before;
        }
        index
    }

    /// The last timer that ever comes on a stream; `None` if there is none.
    pub(crate) fn last_timer(&self, i: usize) -> Option<Time> {
        let List { head, last_timed, latest, .. } = self.lists[i];
        let timers =
            [head, last_timed, latest].into_iter().filter_map(|index| some(index).map(|index| self.get(index).timer));
        timers.filter(|timer| *timer < NEVER).max()
    }

    /// A walk over all entries, in the order of arrival.
    pub(crate) fn walk(&self) -> Walk<N> {
        Walk { next: self.lists.map(|list| list.head) }
    }

    /// A walk over the entries that no call has passed yet.
    pub(crate) fn walk_uncalled(&self) -> Walk<N> {
        Walk { next: self.lists.map(|list| list.uncalled) }
    }

    /// Notes that a call has passed an entry.
    pub(crate) fn pass(&mut self, index: u32) {
        for i in 0..N {
            if self.lists[i].uncalled == index {
                self.lists[i].uncalled = self.get(index).links[i].behind;
            }
        }
    }
}

/// Where a walk through several lists stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<const N: usize> {
    next: [u32; N],
}

impl<const N: usize> Walk<N> {
    /// The next entry in the order of arrival.
    pub(crate) fn peek<W>(&self, roster: &Roster<W, N>) -> Option<u32> {
        self.next.iter().filter_map(|index| some(*index)).min_by_key(|index| roster.get(*index).turn)
    }

    /// Goes past an entry that `peek` gave.
    pub(crate) fn step<W>(&mut self, roster: &Roster<W, N>, index: u32) {
        for i in 0..N {
            if self.next[i] == index {
                self.next[i] = roster.get(index).links[i].behind;
            }
        }
    }

    /// Goes past an entry, and past all that share a stream with it.
    pub(crate) fn stop<W>(&mut self, roster: &Roster<W, N>, index: u32) {
        let entry = roster.get(index);
        for i in (0..N).filter(|i| entry.uses(*i)) {
            self.next[i] = NONE;
        }
    }
}

fn some(index: u32) -> Option<u32> {
    (index != NONE).then_some(index)
}
