//! Owns one order of slots, as a skip list. Pure: it never touches an atomic or a clock, and never
//! searches for a slot that leaves.
//!
//! A heap or a tree would pay a logarithm for each slot that leaves. A skip list pays it once, when
//! a slot comes. When the slot leaves, only its own links change: 4/3 of them on average.

use std::vec::Vec;

/// The key that orders slots. No two slots have equal keys.
pub(crate) type Key = (crate::clock::time::Time, u64);

/// The number of levels. Each level holds a quarter of the one below it, so 16 suffice for 4^16
/// slots.
const HEIGHT: usize = 16;

/// The node that begins and ends every level: each is a ring.
const HEAD: usize = 0;

#[derive(Clone, Copy)]
struct Link {
    prev: usize,
    next: usize,
}

struct Node {
    key: Key,
    /// A link for each level of the node, the lowest first.
    ///
    /// It is empty if the slot is not in the list.
    tower: Vec<Link>,
}

/// Slots in the order of their keys.
pub(crate) struct SkipList {
    /// The head, then the node of each slot.
    nodes: Vec<Node>,
    random: u64,
    /// Nodes looked at and links changed.
    #[cfg(test)]
    pub(crate) steps: core::cell::Cell<u64>,
}

impl SkipList {
    pub(crate) fn new() -> Self {
        let head = Node {
            key: (crate::clock::time::Time::ZERO, 0),
            tower: [Link { prev: HEAD, next: HEAD }; HEIGHT].to_vec(),
        };
        Self {
            nodes: Vec::from([head]),
            random: 1,
            #[cfg(test)]
            steps: core::cell::Cell::new(0),
        }
    }

    /// Inserts a slot that is not in the list.
    ///
    /// The slot was removed before, or it is the next new one.
    pub(crate) fn insert(&mut self, slot: usize, key: Key) {
        let new = slot + 1;
        if new == self.nodes.len() {
            self.nodes.push(Node { key, tower: Vec::new() });
        }
        self.nodes[new].key = key;
        let height = self.height();
        self.nodes[new].tower.resize(height, Link { prev: HEAD, next: HEAD });
        let mut prev = HEAD;
        for level in (0..HEIGHT).rev() {
            let mut next = self.nodes[prev].tower[level].next;
            while next != HEAD && self.nodes[next].key < key {
                self.step();
                prev = next;
                next = self.nodes[prev].tower[level].next;
            }
            self.step();
            if level < height {
                self.nodes[new].tower[level] = Link { prev, next };
                self.nodes[prev].tower[level].next = new;
                self.nodes[next].tower[level].prev = new;
            }
        }
    }

    pub(crate) fn remove(&mut self, slot: usize) {
        for level in 0..self.nodes[slot + 1].tower.len() {
            let Link { prev, next } = self.nodes[slot + 1].tower[level];
            self.nodes[prev].tower[level].next = next;
            self.nodes[next].tower[level].prev = prev;
            self.step();
        }
        self.nodes[slot + 1].tower.clear();
    }

    /// Returns the slot with the smallest key.
    pub(crate) fn first(&self) -> Option<(usize, Key)> {
        self.step();
        match self.nodes[HEAD].tower[0].next {
            HEAD => None,
            first => Some((first - 1, self.nodes[first].key)),
        }
    }

    /// Draws the number of levels of a new node, by xorshift.
    ///
    /// Each further level has a chance of a quarter.
    fn height(&mut self) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        // The low bits of xorshift are weaker, so they are left out.
        let zeros = (self.random >> 20).trailing_zeros() as usize;
        (1 + zeros / 2).min(HEIGHT)
    }

    #[inline(always)]
    fn step(&self) {
        #[cfg(test)]
        self.steps.set(self.steps.get() + 1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::clock::time::Time;

    fn key(i: u64) -> Key {
        // Scattered instants, many of them equal.
        (Time::from_nanos(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50), i)
    }

    #[test]
    fn the_first_is_the_smallest_whatever_came_and_went() {
        let (mut list, mut naive) = (SkipList::new(), BTreeSet::new());
        let mut vacant: Vec<usize> = Vec::new();
        let mut slots = 0;
        for i in 0..20_000 {
            if i % 5 < 3 {
                let slot = vacant.pop().unwrap_or_else(|| {
                    slots += 1;
                    slots - 1
                });
                list.insert(slot, key(i));
                naive.insert((key(i), slot));
            } else {
                // The first, or one from the middle.
                let from = if i % 5 == 3 { key(0) } else { key(i) };
                if let Some(&(key, slot)) = naive.range((from, 0)..).next() {
                    naive.remove(&(key, slot));
                    list.remove(slot);
                    vacant.push(slot);
                }
            }
            assert_eq!(list.first(), naive.first().map(|&(key, slot)| (slot, key)), "{i}");
        }
        while let Some((slot, _)) = list.first() {
            assert_eq!(naive.pop_first().map(|(_, slot)| slot), Some(slot));
            list.remove(slot);
        }
        assert!(naive.is_empty());
    }

    #[test]
    fn coming_costs_a_logarithm_and_leaving_does_not_depend_on_how_many_there_are() {
        for bits in [10, 13, 16] {
            let mut list = SkipList::new();
            let n = 1 << bits;
            for i in 0..n {
                list.insert(i, key(i as u64));
            }
            let coming = list.steps.replace(0) / n as u64;
            assert!(coming <= HEIGHT as u64 + 2 * bits, "{coming} steps for each of {n}");
            // Half of the slots leave in order of slot, the others in order of key.
            for i in 0..n / 2 {
                list.remove(i);
            }
            while let Some((slot, _)) = list.first() {
                list.remove(slot);
            }
            let leaving = list.steps.get() as f64 / n as f64;
            assert!(leaving < 2.0, "{leaving} steps for each of {n}");
        }
    }
}
