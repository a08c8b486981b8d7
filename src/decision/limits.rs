//! Owns the decision over `N` streams at once: all or nothing. Pure; never an atomic, never a
//! clock.

use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::awaited::Awaited;
use crate::decision::meter::Meter;
use crate::decision::refused::{Never, NotYet, Refused};
use crate::decision::seen::Seen;
use crate::decision::wait_bounds::WaitBounds;

/// The limits of all streams of a bucket, and the instant that their lines are counted from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits<const N: usize> {
    pub(crate) origin: Time,
    pub(crate) streams: [Meter; N],
}

impl<const N: usize> Limits<N> {
    /// Nanoseconds since the origin; a reading from before it counts as the origin.
    #[inline]
    pub(crate) fn elapsed(&self, now: Time) -> u64 {
        now.nanos_since(self.origin)
    }

    /// The reading that many nanoseconds after the origin.
    pub(crate) fn at(&self, elapsed: u64) -> Time {
        self.origin.after(Duration::from_nanos(elapsed))
    }

    /// The same limits, counted from there, and paused or not.
    pub(crate) fn from(self, origin: Time, paused: bool) -> Self {
        Self { origin, streams: self.streams.map(|stream| stream.paused(paused)) }
    }

    /// The same limits, as they follow `old`.
    pub(crate) fn following(self, old: &Self) -> Self {
        let streams = core::array::from_fn(|i| self.streams[i].following(&old.streams[i]));
        Self { streams, ..self }
    }

    /// The words counted from now on, where the same limits were in force until `elapsed`.
    pub(crate) fn settled(&self, spent: &[u64; N], elapsed: u64, awaited: &Awaited<N>) -> [u64; N] {
        core::array::from_fn(|i| self.streams[i].settled(spent[i], elapsed, awaited.most(i, &self.streams[i])))
    }

    /// Whether the bucket is paused until the origin: before it nothing is granted.
    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        self.streams[0].is_paused()
    }

    /// Nanoseconds from `now` to the end of a pause, `u64::MAX` if nobody knows when that is; 0 if
    /// there is none.
    ///
    /// Until then nothing accrues by itself: before the origin `elapsed` is 0.
    pub(crate) fn pause_left(&self, now: Time) -> u64 {
        match self.origin {
            _ if !self.is_paused() => 0,
            Time::MAX => u64::MAX,
            origin => origin.nanos_since(now),
        }
    }

    /// The same, and what is left to the beginning of these limits where there is no pause: whoever
    /// changed them may have had a clock that is ahead.
    pub(crate) fn ahead_of(&self, now: Time) -> u64 {
        self.pause_left(now).max(self.origin.nanos_since(now))
    }

    pub(crate) fn paused_at(&self, now: Time) -> bool {
        self.pause_left(now) > 0
    }

    pub(crate) fn capacities(&self) -> [u64; N] {
        self.streams.map(|stream| stream.capacity())
    }

    /// The words of a bucket that begins with so many tokens of each stream.
    pub(crate) const fn start(&self, tokens: [u64; N]) -> [u64; N] {
        let (mut start, mut i) = ([0; N], 0);
        while i < N {
            start[i] = self.streams[i].reset(0, tokens[i]);
            i += 1;
        }
        start
    }

    /// That no stream is asked for more than it can ever hold.
    #[inline]
    pub(crate) fn check(&self, amounts: &[u64; N]) -> Result<(), Never> {
        for (stream, (one, requested)) in self.streams.iter().zip(amounts).enumerate() {
            if *requested > one.capacity() {
                return Err(Never { stream, requested: *requested, capacity: one.capacity() });
            }
        }
        Ok(())
    }

    /// The words after taking `amounts` from all streams, or `None` if one of them has too little.
    #[inline]
    pub(crate) fn take(&self, spent: &[u64; N], elapsed: u64, amounts: &[u64; N]) -> Option<[u64; N]> {
        let mut next = *spent;
        for i in 0..N {
            next[i] = self.streams[i].take(spent[i], elapsed, amounts[i])?;
        }
        Some(next)
    }

    /// The words after taking as many whole items of `per_item` as fit, but no more than `most`,
    /// and how many; `None` if none fits.
    #[inline]
    pub(crate) fn take_items(
        &self,
        spent: &[u64; N],
        elapsed: u64,
        per_item: &[u64; N],
        most: u64,
    ) -> Option<([u64; N], u64)> {
        let fit = |i: usize, most| self.streams[i].fit(spent[i], elapsed, per_item[i], most);
        let items = (0..N).fold(most, |most, i| fit(i, most));
        if items == 0 {
            return None;
        }
        // Whatever fits is no more than the capacity, so the product cannot overflow, and the take
        // cannot fail.
        let next = self.take(spent, elapsed, &per_item.map(|each| each.wrapping_mul(items)))?;
        Some((next, items))
    }

    /// The words after taking from each stream what there is, at most `most` and at least `least`,
    /// which is no more than `most`; and what was taken. `None` if one of them has too little, or
    /// if no token is to be taken.
    pub(crate) fn take_between(
        &self,
        spent: &[u64; N],
        elapsed: u64,
        least: &[u64; N],
        most: &[u64; N],
    ) -> Option<([u64; N], [u64; N])> {
        let available = self.available(spent, elapsed);
        let taken: [u64; N] = core::array::from_fn(|i| available[i].min(most[i]));
        if (0..N).any(|i| taken[i] < least[i]) || taken == [0; N] {
            return None;
        }
        Some((self.take(spent, elapsed, &taken)?, taken))
    }

    /// The words after taking the longest prefix of `requests` that fits, and its length; `None` if
    /// no token is to be taken.
    ///
    /// What there is of each stream counts down, so there is no sum that could overflow.
    pub(crate) fn take_in_order(
        &self,
        spent: &[u64; N],
        elapsed: u64,
        requests: impl Iterator<Item = [u64; N]>,
    ) -> Option<([u64; N], usize)> {
        let available = self.available(spent, elapsed);
        let (mut left, mut fit) = (available, 0);
        for request in requests {
            if (0..N).any(|i| request[i] > left[i]) {
                break;
            }
            left = core::array::from_fn(|i| left[i] - request[i]);
            fit += 1;
        }
        if left == available {
            return None;
        }
        let next = self.take(spent, elapsed, &core::array::from_fn(|i| available[i] - left[i]))?;
        Some((next, fit))
    }

    /// The words after `amounts` came back, or `None` if that changes nothing.
    #[inline]
    pub(crate) fn put_back(&self, spent: &[u64; N], elapsed: u64, amounts: &[u64; N]) -> Option<[u64; N]> {
        let next = core::array::from_fn(|i| self.streams[i].put_back(spent[i], elapsed, amounts[i]));
        (next != *spent).then_some(next)
    }

    /// `amounts` in units, each below 2^62.
    pub(crate) fn units(&self, amounts: &[u64; N]) -> Result<[u64; N], Never> {
        let mut units = [0; N];
        for (stream, one) in self.streams.iter().enumerate() {
            let requested = amounts[stream];
            units[stream] = one.units(requested).ok_or(Never { stream, requested, capacity: one.most_tokens() })?;
        }
        Ok(units)
    }

    /// `amounts` in units, where what is too large counts as the largest that can be.
    #[cfg(feature = "std")]
    pub(crate) fn units_capped(&self, amounts: &[u64; N]) -> [u64; N] {
        core::array::from_fn(|i| self.streams[i].units_capped(amounts[i]))
    }

    /// The most units of each stream that may be owed at `now` within `bounds`; `None` if they
    /// begin later than anybody may wait: at the end of a pause, or at the reading of whoever
    /// changed them by a clock that is ahead.
    pub(crate) fn most_owed(&self, now: Time, bounds: &WaitBounds<N>) -> Option<[u64; N]> {
        let (elapsed, ahead) = (self.elapsed(now), self.ahead_of(now));
        if ahead == u64::MAX {
            return None;
        }
        let wait = u64::try_from(bounds.max_wait.as_nanos()).unwrap_or(u64::MAX).checked_sub(ahead)?;
        // As far as time goes, which is 584 years from the origin of the clock.
        let end_of_time = u64::MAX - self.origin.as_nanos().saturating_add(elapsed);
        let wait = wait.min(end_of_time);
        Some(core::array::from_fn(|i| {
            let stream = &self.streams[i];
            let most = stream.units(bounds.max_debt[i]).unwrap_or(u64::MAX).min(stream.furthest_debt());
            u64::try_from(stream.accrues_within(elapsed, wait)).unwrap_or(u64::MAX).min(most)
        }))
    }

    /// The most units of each stream that can be owed at all.
    pub(crate) fn furthest_debts(&self) -> [u64; N] {
        self.streams.map(|stream| stream.furthest_debt())
    }

    /// The words after taking `units` from all streams unconditionally; `None` if a stream would
    /// then owe more than `most`.
    pub(crate) fn owe(&self, spent: &[u64; N], elapsed: u64, units: &[u64; N], most: &[u64; N]) -> Option<[u64; N]> {
        let mut next = *spent;
        for i in 0..N {
            next[i] = self.streams[i].owe(spent[i], elapsed, units[i], most[i])?;
        }
        Some(next)
    }

    /// The words after `taken` tokens were replaced by `used`, or `None` if that leaves a debt too
    /// far to be kept. `waited` says of which streams somebody waits for tokens.
    pub(crate) fn settle(
        &self,
        spent: &[u64; N],
        elapsed: u64,
        taken: &[u64; N],
        used: &[u64; N],
        waited: impl Fn(usize) -> bool,
    ) -> Option<[u64; N]> {
        let mut next = *spent;
        for (i, stream) in self.streams.iter().enumerate() {
            next[i] = match used[i].checked_sub(taken[i]) {
                Some(shortage) => {
                    let (units, most) = (stream.units(shortage)?, stream.furthest_debt());
                    let owe = if waited(i) { Meter::owe_behind } else { Meter::owe };
                    owe(stream, spent[i], elapsed, units, most)?
                }
                None => stream.put_back(spent[i], elapsed, taken[i] - used[i]),
            };
        }
        Some(next)
    }

    /// What there would be to wait for if `units` were taken from these words.
    pub(crate) fn would_wait(&self, spent: &[u64; N], elapsed: u64, units: &[u64; N]) -> NotYet<N> {
        let streams = core::array::from_fn(|i| Seen::new(&self.streams[i], spent[i]));
        NotYet { pause: 0, elapsed, streams, units: *units }
    }

    /// What there would be to wait for by one who comes after those who wait for `ahead` tokens of
    /// each stream.
    #[cfg(feature = "std")]
    pub(crate) fn behind(&self, spent: &[u64; N], now: Time, amounts: &[u64; N], ahead: &[u64; N]) -> NotYet<N> {
        let sum = |i: usize| if amounts[i] == 0 { 0 } else { amounts[i].saturating_add(ahead[i]) };
        let units = self.units_capped(&core::array::from_fn(sum));
        self.would_wait(spent, self.elapsed(now), &units).behind(self.ahead_of(now))
    }

    /// Nanoseconds from `elapsed` until the lines of those streams that `units` were taken from
    /// have reached `ends`; `None` for never.
    pub(crate) fn wait_until(&self, ends: &[u64; N], units: &[u64; N], elapsed: u64) -> Option<u128> {
        let used = (0..N).filter(|i| units[*i] > 0);
        let wait = |i: usize| self.streams[i].refill.wait(elapsed, self.streams[i].remaining(ends[i], elapsed));
        used.map(wait).try_fold(0, |longest, wait| Some(wait?.max(longest)))
    }

    #[cfg(any(test, feature = "std"))]
    pub(crate) fn reset(&self, elapsed: u64, tokens: &[u64; N]) -> [u64; N] {
        core::array::from_fn(|i| self.streams[i].reset(elapsed, tokens[i]))
    }

    /// The words of a bucket that holds `tokens`, and owes what firm reservations hold so far as
    /// these words owe it.
    pub(crate) fn reset_owing(&self, spent: &[u64; N], elapsed: u64, tokens: &[u64; N], held: &[u64; N]) -> [u64; N] {
        core::array::from_fn(|i| self.streams[i].reset_owing(spent[i], elapsed, tokens[i], held[i]))
    }

    pub(crate) fn available(&self, spent: &[u64; N], elapsed: u64) -> [u64; N] {
        core::array::from_fn(|i| self.streams[i].available(spent[i], elapsed))
    }

    /// The same at a reading; nothing during a pause.
    #[inline]
    pub(crate) fn available_at(&self, spent: &[u64; N], now: Time) -> [u64; N] {
        if self.paused_at(now) { [0; N] } else { self.available(spent, self.elapsed(now)) }
    }

    /// Whole tokens that each stream owes.
    pub(crate) fn debts(&self, spent: &[u64; N], elapsed: u64) -> [u64; N] {
        core::array::from_fn(|i| self.streams[i].debt(spent[i], elapsed))
    }

    /// The words after taking `amounts`, or `None` if one has too little or any stream owes
    /// tokens.
    pub(crate) fn admit(&self, spent: &[u64; N], elapsed: u64, amounts: &[u64; N]) -> Option<[u64; N]> {
        if (0..N).any(|i| self.streams[i].level(spent[i], elapsed) < 0) {
            None
        } else {
            self.take(spent, elapsed, amounts)
        }
    }

    /// Why these words did not let `amounts` be admitted: a stream that owes is waited for, too.
    pub(crate) fn not_admitted(&self, spent: &[u64; N], elapsed: u64, amounts: &[u64; N], pause: u64) -> Refused<N> {
        let mut refused = self.refusal(spent, elapsed, amounts, pause);
        if let Refused::NotYet(refusal) = &mut refused {
            for i in 0..N {
                if amounts[i] == 0 && self.streams[i].level(spent[i], elapsed) < 0 {
                    // One unit of a level that is higher by one: until nothing is owed.
                    refusal.streams[i] = Seen::new(&self.streams[i], spent[i].wrapping_sub(1));
                    refusal.units[i] = 1;
                }
            }
        }
        refused
    }

    /// What is missing; for amounts that [`check`](Self::check) let pass.
    #[inline]
    pub(crate) fn not_yet(&self, spent: &[u64; N], elapsed: u64, amounts: &[u64; N]) -> NotYet<N> {
        let units = core::array::from_fn(|i| self.streams[i].in_units(amounts[i]));
        self.would_wait(spent, elapsed, &units)
    }

    /// Why these words did not let `amounts` be taken.
    #[inline]
    pub(crate) fn refusal(&self, spent: &[u64; N], elapsed: u64, amounts: &[u64; N], pause: u64) -> Refused<N> {
        // Not by `check`: the compiler would store one of the two refusals before it knows whether
        // somebody looks at it.
        match (0..N).find(|i| amounts[*i] > self.streams[*i].capacity()) {
            None => Refused::NotYet(self.not_yet(spent, elapsed, amounts).behind(pause)),
            Some(stream) => {
                let (requested, capacity) = (amounts[stream], self.streams[stream].capacity());
                Refused::Never(Never { stream, requested, capacity })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::meter::Parts;
    use crate::limit::limit::{Limit, limits_of};

    fn limits() -> Limits<2> {
        limits_of([Limit::per_second(10), Limit::per_second(1000)], Time::ZERO).unwrap()
    }

    /// Calls read limits that may be a mixture of two, and decide before they know.
    #[test]
    fn every_change_of_words_is_total_for_limits_that_are_a_mixture() {
        let words = [0, 1, 9, 1 << 30, 1 << 61, (1 << 62) - 1, 1 << 63, u64::MAX - 1, u64::MAX];
        let mut random = 1_u64;
        let mut word = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match random >> 59 {
                0..4 => random,
                _ => words[(random >> 32) as usize % words.len()],
            }
        };
        for _ in 0..200_000 {
            let [whole, part, unit, ceiling, capacity] = core::array::from_fn(|_| word());
            let meter = Meter::of_parts(Parts { whole, part, unit, ceiling, capacity, ..Parts::default() });
            let limits = Limits { origin: Time::from_nanos(word()), streams: [meter] };
            let ([a], [b], spent) = ([word()], [word()], [word()]);
            let elapsed = limits.elapsed(Time::from_nanos(word()));
            let _ = limits.take(&spent, elapsed, &[a]);
            let _ = limits.take_items(&spent, elapsed, &[a], b);
            let _ = limits.take_between(&spent, elapsed, &[a.min(b)], &[b]);
            let _ = limits.take_in_order(&spent, elapsed, [[a], [b]].into_iter());
            let _ = limits.put_back(&spent, elapsed, &[a]);
            let _ = limits.settle(&spent, elapsed, &[a], &[b], |_| a > b);
            let _ = limits.reset(elapsed, &[a]);
            let _ = limits.reset_owing(&spent, elapsed, &[a], &[b]);
            let _ = limits.pause_left(Time::from_nanos(word()));
            if let Ok(units) = limits.units(&[a]) {
                let _ = limits.owe(&spent, elapsed, &units, &limits.furthest_debts());
            }
        }
    }

    #[test]
    fn one_short_stream_leaves_all_words_as_they_were() {
        let limits = limits();
        let start = limits.reset(0, &limits.capacities());
        assert!(limits.take(&start, 0, &[10, 1000]).is_some());
        let drained = limits.take(&start, 0, &[10, 0]).unwrap();
        assert_eq!(drained[1], start[1]);
        assert_eq!(limits.take(&drained, 0, &[1, 1]), None);
        assert_eq!(limits.not_yet(&drained, 0, &[1, 1]).stream(), 0);
    }

    #[test]
    fn items_are_counted_by_the_scarcest_stream() {
        let limits = limits();
        let start = limits.reset(0, &limits.capacities());
        assert_eq!(limits.take_items(&start, 0, &[1, 300], 100).unwrap().1, 3);
        assert_eq!(limits.take_items(&start, 0, &[1, 1], 100).unwrap().1, 10);
        assert_eq!(limits.take_items(&start, 0, &[0, 0], u64::MAX), Some((start, u64::MAX)));
        assert_eq!(limits.take_items(&start, 0, &[11, 0], 100), None);
        assert_eq!(limits.take_items(&start, 0, &[u64::MAX, u64::MAX], u64::MAX), None);
    }

    #[test]
    fn what_is_taken_of_each_stream_is_between_the_least_and_the_most() {
        let limits = limits();
        let half = limits.take(&limits.reset(0, &limits.capacities()), 0, &[5, 500]).unwrap();
        for (least, most, taken) in [
            ([1, 1], [3, 3], [3, 3]),
            ([5, 0], [9, 1000], [5, 500]),
            ([0, 0], [9, 0], [5, 0]),
            ([0, 500], [0, 500], [0, 500]),
        ] {
            let next = limits.take(&half, 0, &taken).unwrap();
            assert_eq!(limits.take_between(&half, 0, &least, &most), Some((next, taken)), "{least:?} to {most:?}");
        }
        for (least, most) in
            [([6, 1], [10, 1]), ([1, 501], [1, u64::MAX]), ([0, 0], [0, 0]), ([u64::MAX; 2], [u64::MAX; 2])]
        {
            assert_eq!(limits.take_between(&half, 0, &least, &most), None, "{least:?} to {most:?}");
        }
        let drained = limits.take(&half, 0, &[5, 500]).unwrap();
        assert_eq!(limits.take_between(&drained, 0, &[0, 0], &[9, 9]), None);
    }

    #[test]
    fn a_batch_ends_at_the_first_request_that_does_not_fit() {
        let limits = limits();
        let start = limits.reset(0, &limits.capacities());
        let take = |requests: &[[u64; 2]]| limits.take_in_order(&start, 0, requests.iter().copied());
        for (requests, sum, fit) in [
            (&[[4, 0], [6, 1000]][..], [10, 1000], 2),
            (&[[4, 0], [7, 0], [1, 1]], [4, 0], 1),
            (&[[0, 0], [1, 1], [0, 0], [0, 1001], [1, 1]], [1, 1], 3),
            (&[[1, 0], [u64::MAX, 0]], [1, 0], 1),
            (&[[1, 1], [u64::MAX, u64::MAX], [1, 1]], [1, 1], 1),
        ] {
            assert_eq!(take(requests), Some((limits.take(&start, 0, &sum).unwrap(), fit)), "{requests:?}");
        }
        for nothing in [&[][..], &[[0, 0], [0, 0]], &[[11, 0], [1, 1]], &[[0, 0], [0, 1001]]] {
            assert_eq!(take(nothing), None, "{nothing:?}");
        }
    }
}
