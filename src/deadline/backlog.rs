//! Owns the waiting items, and the rule by which they leave. Pure: it never touches a clock or a
//! lock.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::clock::time::Time;
use crate::deadline::drained::{Drained, Oversized};
use crate::deadline::entry::Entry;
use crate::decision::refused::Refused;
use crate::state::snapshot::Snapshot;

/// A time, and the number of the item in order of arrival. No two items have equal places.
type Place = (Time, u64);

/// The waiting items, ordered by deadline and by expiry.
pub(crate) struct Backlog<T, const N: usize> {
    by_deadline: BTreeMap<Place, Entry<T, N>>,
    /// The deadline of each item, by its expiry.
    by_expiry: BTreeMap<Place, Time>,
    /// The number of items that ever came. Of two items with equal deadlines, the later one has the
    /// larger number.
    arrivals: u64,
    /// Since when the items wait for company. `None` if no item waits.
    since: Option<Since>,
}

/// Since when items wait for company.
#[derive(Clone, Copy)]
enum Since {
    /// The first push after the queue was empty.
    Push(Time),
    /// The last drain, in which tokens were short.
    Shortage(Time),
}

/// When a batch is worth draining.
#[derive(Clone, Copy)]
pub(crate) struct Batching {
    /// The most items of a batch.
    pub(crate) max: usize,
    /// How long items wait for company.
    pub(crate) linger: Duration,
}

impl<T, const N: usize> Backlog<T, N> {
    pub(crate) const fn new() -> Self {
        Self { by_deadline: BTreeMap::new(), by_expiry: BTreeMap::new(), arrivals: 0, since: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_deadline.len()
    }

    /// Adds an item that was pushed at `pushed`.
    pub(crate) fn push(&mut self, entry: Entry<T, N>, pushed: Time) {
        self.since.get_or_insert(Since::Push(pushed));
        self.by_expiry.insert((entry.expires, self.arrivals), entry.deadline);
        self.by_deadline.insert((entry.deadline, self.arrivals), entry);
        self.arrivals += 1;
    }

    /// Takes out the expired items, then those that `admit` grants, `max` items at the most.
    ///
    /// It asks from the smallest deadline on, and stops at the first item that must wait.
    pub(crate) fn drain<R>(
        &mut self,
        now: Time,
        max: usize,
        mut admit: impl FnMut([u64; N]) -> Result<R, Refused<N>>,
    ) -> Drained<T> {
        let mut drained = Drained::nothing();
        while drained.count() < max && self.next_expiry().is_some_and(|expires| expires <= now) {
            let Some(((_, arrival), deadline)) = self.by_expiry.pop_first() else { break };
            drained.expired.extend(self.by_deadline.remove(&(deadline, arrival)).map(|entry| entry.item));
        }
        while let Some(first) = self.by_deadline.first_entry() {
            if drained.count() == max {
                drained.next = Some(now);
                return drained;
            }
            let answer = admit(first.get().amounts);
            if let Err(refused @ (Refused::NotYet(_) | Refused::Closed)) = answer {
                drained.next = refused.wait().map(|wait| now.after(wait));
                break;
            }
            let ((_, arrival), Entry { item, expires, .. }) = first.remove_entry();
            self.by_expiry.remove(&(expires, arrival));
            match answer {
                Err(Refused::Never(never)) => drained.never.push(Oversized { item, never }),
                _ => drained.admitted.push(item),
            }
        }
        drained.next = drained.next.into_iter().chain(self.next_expiry()).min();
        self.since = (self.len() > 0).then_some(Since::Shortage(now));
        drained
    }

    /// Returns the first item's deadline and amounts.
    pub(crate) fn first(&self) -> Option<(Time, [u64; N])> {
        self.by_deadline.first_key_value().map(|(&(deadline, _), entry)| (deadline, entry.amounts))
    }

    pub(crate) fn next_expiry(&self) -> Option<Time> {
        self.by_expiry.first_key_value().map(|(&(expires, _), _)| expires)
    }

    /// Returns when to drain a batch of this bucket; `None` if no item waits.
    pub(crate) fn due(&self, now: Time, batching: Batching, bucket: &Snapshot<N>) -> Option<Time> {
        let (deadline, amounts) = self.first()?;
        let fits = fits(now, amounts, bucket);
        let alone = match self.since? {
            Since::Push(since) => since.after(batching.linger).min(deadline),
            // A deadline that had passed then has brought its item into a batch already. If it
            // did so again, each token would be a batch of its own.
            Since::Shortage(since) if deadline <= since => since.after(batching.linger),
            Since::Shortage(since) => since.after(batching.linger).min(deadline),
        };
        let worth = if alone <= fits { fits } else { fits.max(alone.min(self.full(now, batching.max, bucket))) };
        self.next_expiry().into_iter().chain([worth]).min()
    }

    /// Returns when the bucket can grant a batch that is full.
    ///
    /// It has `max` items, or as many as the capacity can grant at once. It is the end of time if
    /// fewer wait.
    fn full(&self, now: Time, max: usize, bucket: &Snapshot<N>) -> Time {
        let capacities = bucket.configured.map(|limit| limit.capacity);
        let mut batch = [0; N];
        let mut is_full = self.len() >= max;
        for entry in self.by_deadline.values().take(max) {
            let more: [u64; N] = core::array::from_fn(|i| u64::saturating_add(batch[i], entry.amounts[i]));
            is_full |= (0..N).any(|i| more[i] >= capacities[i]);
            if (0..N).any(|i| more[i] > capacities[i]) {
                break;
            }
            batch = more;
        }
        if is_full { fits(now, batch, bucket) } else { Time::MAX }
    }
}

/// Returns when the bucket can grant these amounts, or `now` if it never can.
///
/// An item that can never be granted leaves in its turn.
pub(crate) fn fits<const N: usize>(now: Time, amounts: [u64; N], bucket: &Snapshot<N>) -> Time {
    bucket.wait_for(amounts).map_or(now, |wait| wait.map_or(Time::MAX, |wait| now.after(wait)))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::bucket::multi::MultiBucket;
    use crate::clock::manual::ManualClock;
    use crate::limit::limit::Limit;

    fn time(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    fn bucket(limit: Limit) -> MultiBucket<1, ManualClock> {
        MultiBucket::with_clock([limit], ManualClock::new()).unwrap()
    }

    /// This happens if the capacity is lowered while items wait.
    #[test]
    fn what_can_no_longer_fit_is_given_back_in_its_turn_and_blocks_nobody() {
        let mut backlog = Backlog::new();
        for (item, amount) in [(1, 5), (2, 4), (3, 5), (4, 7), (5, 1)] {
            backlog.push(Entry::new(item, [amount]).deadline(time(item)), Time::ZERO);
        }
        let bucket = bucket(Limit::per_second(1).capacity(4));
        let drained = backlog.drain(Time::ZERO, 100, |amounts| bucket.at(Time::ZERO).try_take(amounts));
        assert_eq!(drained.admitted, [2]);
        let never: Vec<_> =
            drained.never.into_iter().map(|given_back| (given_back.item, given_back.never.requested)).collect();
        assert_eq!(never, [(1, 5), (3, 5), (4, 7)]);
        assert_eq!((backlog.len(), drained.next), (1, Some(time(1_000_000_000))));
    }

    #[test]
    fn both_orders_hold_the_items_that_wait_and_no_others() {
        let mut backlog = Backlog::new();
        for item in 0..1000 {
            backlog.push(Entry::new(item, [1]).deadline(time(5)).expires(time(item % 7)), Time::ZERO);
            let drained = backlog.drain(time(3), 1, |_| Ok(()));
            assert_eq!(drained.count(), 1);
            assert_eq!((backlog.by_deadline.len(), backlog.by_expiry.len()), (0, 0));
        }
    }

    /// The bucket grants ten a second. Each row: amounts, deadline, linger, the most of a batch,
    /// and when it is due, in tenths of a second.
    #[test]
    fn a_batch_is_due_when_it_is_full_or_urgent_or_has_lingered_and_its_first_item_fits() {
        const END: u64 = 1 << 30;
        let rows: [(&[u64], u64, u64, usize, u64); 11] = [
            (&[1], END, 3, 9, 3),        // lingers
            (&[4], END, 3, 9, 4),        // lingers, and then waits for its tokens
            (&[1], 2, 3, 9, 2),          // the deadline ends its linger
            (&[4], 2, 3, 9, 4),          // the deadline mints nothing
            (&[1, 1], END, 30, 2, 2),    // full by number
            (&[1, 1, 9], END, 30, 2, 2), // no more than the batch is waited for
            (&[6, 4], END, 30, 9, 10),   // full by capacity, to the last token
            (&[6, 5], END, 30, 9, 6),    // full by capacity
            (&[1, 1], END, 1, 2, 1),     // full, but lingered before all of it fits
            (&[0, 0], END, 30, 2, 0),    // for nothing
            (&[11, 1], END, 30, 9, 0),   // gives back what can never fit
        ];
        for (amounts, deadline, linger, max, due) in rows {
            let mut backlog = Backlog::new();
            for &amount in amounts {
                backlog.push(Entry::new((), [amount]).deadline(time(deadline * 100_000_000)), Time::ZERO);
            }
            let batching = Batching { max, linger: Duration::from_millis(100 * linger) };
            let snapshot = bucket(Limit::per_second(10).empty()).snapshot();
            let here = backlog.due(Time::ZERO, batching, &snapshot);
            assert_eq!(here, Some(time(due * 100_000_000)), "{amounts:?}, {deadline}, {linger}, {max}");
            assert_eq!(Backlog::<(), 1>::new().due(Time::ZERO, batching, &snapshot), None);
        }
    }

    #[test]
    fn linger_counts_from_the_first_push_and_from_the_last_batch_that_left_something() {
        let mut backlog = Backlog::new();
        let batching = Batching { max: 100, linger: Duration::from_nanos(50) };
        let bucket = bucket(Limit::per_second(1_000_000_000).capacity(1));
        let due = |backlog: &Backlog<u64, 1>| backlog.due(time(0), batching, &bucket.at(time(1000)).snapshot());
        let grant = |admitted: u64| {
            let mut left = admitted;
            move |_| {
                left = left.checked_sub(1).ok_or(Refused::Closed)?;
                Ok(())
            }
        };
        for pushed in [10, 20] {
            backlog.push(Entry::new(pushed, [0]), time(pushed));
        }
        assert_eq!(due(&backlog), Some(time(60)));
        // Stopped at its maximum: the second has not been asked for, and its linger goes on.
        assert_eq!(backlog.drain(time(30), 1, grant(9)).count(), 1);
        assert_eq!(due(&backlog), Some(time(60)));
        // Tokens were short for it.
        assert_eq!(backlog.drain(time(40), 1, grant(0)).count(), 0);
        assert_eq!(due(&backlog), Some(time(90)));
        // None is left, so the next push begins anew.
        assert_eq!(backlog.drain(time(50), 9, grant(9)).count(), 1);
        backlog.push(Entry::new(0, [0]), time(70));
        assert_eq!(due(&backlog), Some(time(120)));
    }
}
