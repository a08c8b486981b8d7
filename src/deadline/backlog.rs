//! Owns the waiting items, and the rule by which they leave. Pure: it never touches a clock or a
//! lock.

use std::vec::Vec;

use crate::clock::time::Time;
use crate::deadline::drained::{Drained, Oversized};
use crate::deadline::skip_list::SkipList;
use crate::decision::refused::Refused;

/// A waiting item, with its amounts, its deadline and its expiry.
pub(crate) struct Entry<T, const N: usize> {
    pub(crate) item: T,
    pub(crate) amounts: [u64; N],
    pub(crate) deadline: Time,
    pub(crate) expires: Time,
}

/// The waiting items in slots, ordered by deadline and by expiry.
pub(crate) struct Backlog<T, const N: usize> {
    slots: Vec<Option<Entry<T, N>>>,
    vacant: Vec<usize>,
    by_deadline: SkipList,
    by_expiry: SkipList,
    /// The number of items that ever came. Of two items with equal deadlines, the later one has the
    /// larger number.
    arrivals: u64,
}

impl<T, const N: usize> Backlog<T, N> {
    pub(crate) fn new() -> Self {
        let (by_deadline, by_expiry) = (SkipList::new(), SkipList::new());
        Self { slots: Vec::new(), vacant: Vec::new(), by_deadline, by_expiry, arrivals: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    pub(crate) fn push(&mut self, entry: Entry<T, N>) {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.by_deadline.insert(slot, (entry.deadline, self.arrivals));
        self.by_expiry.insert(slot, (entry.expires, self.arrivals));
        self.arrivals += 1;
        self.slots[slot] = Some(entry);
    }

    /// Takes out the expired items, then those that `admit` grants.
    ///
    /// It asks from the smallest deadline on, and stops at the first item that must wait.
    pub(crate) fn drain(&mut self, now: Time, mut admit: impl FnMut([u64; N]) -> Result<(), Refused<N>>) -> Drained<T> {
        let mut drained = Drained::nothing();
        while let Some((slot, (expires, _))) = self.by_expiry.first() {
            if expires > now {
                break;
            }
            drained.expired.extend(self.remove(slot).map(|entry| entry.item));
        }
        let mut head_fits = None;
        while let Some((slot, _)) = self.by_deadline.first() {
            let Some(Entry { amounts, .. }) = self.slots[slot] else { break };
            let answer = admit(amounts);
            if let Err(Refused::NotYet(refusal)) = answer {
                head_fits = Some(now.after(refusal.wait()));
                break;
            }
            let Some(Entry { item, .. }) = self.remove(slot) else { break };
            match answer {
                Err(Refused::Never(never)) => drained.never.push(Oversized { item, never }),
                _ => drained.admitted.push(item),
            }
        }
        let next_expiry = self.by_expiry.first().map(|(_, (expires, _))| expires);
        drained.next = head_fits.into_iter().chain(next_expiry).min();
        drained
    }

    fn remove(&mut self, slot: usize) -> Option<Entry<T, N>> {
        self.by_deadline.remove(slot);
        self.by_expiry.remove(slot);
        self.vacant.push(slot);
        self.slots[slot].take()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::bucket::multi::MultiBucket;
    use crate::clock::manual::ManualClock;
    use crate::limit::limit::Limit;

    fn time(i: u64) -> Time {
        Time::from_nanos(i)
    }

    /// Makes `n` items: every second one expires within 100 ns, the others never.
    fn filled(n: u64) -> Backlog<u64, 1> {
        let mut backlog = Backlog::new();
        for i in 0..n {
            let expires = if i % 2 == 0 { time(1 + i * 100 / n) } else { Time::MAX };
            backlog.push(Entry { item: i, amounts: [1], deadline: time(i.wrapping_mul(7919) % n), expires });
        }
        backlog
    }

    fn steps<T, const N: usize>(backlog: &Backlog<T, N>) -> u64 {
        backlog.by_deadline.steps.get() + backlog.by_expiry.steps.get()
    }

    /// So a drain is in O(admitted + log n), and does not even use the logarithm.
    #[test]
    fn what_a_drain_costs_is_a_constant_for_each_that_leaves_and_nothing_for_those_that_stay() {
        for n in [1 << 10, 1 << 13, 1 << 16] {
            for admitted in [0, 1, 100, 400] {
                let mut backlog = filled(n);
                let limit = Limit::per_second(1).capacity(1000);
                let bucket = MultiBucket::with_clock([limit], ManualClock::new()).unwrap();
                bucket.try_take([1000 - admitted]).unwrap();
                let before = steps(&backlog);
                let drained = backlog.drain(Time::ZERO, |amounts| bucket.at(Time::ZERO).try_take(amounts));
                let cost = steps(&backlog) - before;
                assert_eq!((drained.admitted.len() as u64, drained.expired.len()), (admitted, 0));
                assert!(cost <= 4 + 6 * admitted, "{cost} steps for {admitted} of {n}");
            }
        }
    }

    #[test]
    fn what_expires_costs_a_constant_each_too() {
        for n in [1 << 10, 1 << 16] {
            let mut backlog = filled(n);
            let before = steps(&backlog);
            let bucket = MultiBucket::with_clock([Limit::per_second(1).empty()], ManualClock::new()).unwrap();
            let drained = backlog.drain(time(10), |amounts| bucket.at(Time::ZERO).try_take(amounts));
            let (cost, expired) = (steps(&backlog) - before, drained.expired.len() as u64);
            assert!(expired > n / 25 && drained.admitted.is_empty());
            assert!(cost <= 4 + 6 * expired, "{cost} steps for {expired} of {n}");
        }
    }

    /// This happens if the capacity is lowered while items wait.
    #[test]
    fn what_can_no_longer_fit_is_given_back_in_its_turn_and_blocks_nobody() {
        let mut backlog = filled(0);
        for (item, amount) in [(1, 5), (2, 4), (3, 5), (4, 7), (5, 1)] {
            backlog.push(Entry { item, amounts: [amount], deadline: time(item), expires: Time::MAX });
        }
        let bucket = MultiBucket::with_clock([Limit::per_second(1).capacity(4)], ManualClock::new()).unwrap();
        let drained = backlog.drain(Time::ZERO, |amounts| bucket.at(Time::ZERO).try_take(amounts));
        assert_eq!(drained.admitted, [2]);
        let never: Vec<_> =
            drained.never.into_iter().map(|given_back| (given_back.item, given_back.never.requested)).collect();
        assert_eq!(never, [(1, 5), (3, 5), (4, 7)]);
        assert_eq!((backlog.len(), drained.next), (1, Some(time(1_000_000_000))));
    }

    #[test]
    fn a_slot_that_was_left_is_used_again() {
        let mut backlog = filled(0);
        for i in 0..1000 {
            backlog.push(Entry { item: i, amounts: [1], deadline: time(5), expires: time(9) });
            assert_eq!(backlog.drain(time(0), |_| Ok(())).admitted, [i]);
        }
        assert_eq!((backlog.slots.len(), backlog.len()), (1, 0));
    }
}
