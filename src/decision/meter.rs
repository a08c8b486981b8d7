//! Owns the arithmetic of one stream: what `spent` means and how a verb changes it. Pure; never an
//! atomic, never a clock.
//!
//! The whole state of a stream is one counter, `spent`, in units: what was debited, and what was
//! forfeited because the bucket was full. What accrued is a [`Refill`]; the level is the
//! difference, cut off at the capacity:
//!
//! ```text
//! accrued(t) = refill(t)                a bucket that begins full has spent = -capacity at t = 0, an empty one 0
//! level(t)   = min(accrued(t) - spent, capacity)         negative: debt, or a `now` older than the last take
//! take(n)    : granted iff n <= level(t);     spent -> accrued(t) - level(t) + n
//! ```
//!
//! Both counters wrap; they are compared by their signed difference.

use core::num::NonZeroU64;
use core::time::Duration;

use crate::decision::refill::Refill;

/// One limit, made ready for decisions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Meter {
    pub(crate) refill: Refill,
    /// Units that a token is worth; 0 where the stream is unlimited.
    pub(super) unit: u64,
    /// `capacity * unit`; below 2^62. 1 where the stream is unlimited.
    pub(super) ceiling: u64,
    pub(super) capacity: NonZeroU64,
    /// How far a decision may be off, in nanoseconds: 0 where the rate is exact, else what a unit
    /// is worth, rounded up.
    pub(super) precision: u16,
    /// Whether the limits that it is one of are paused. It is here because here there is room for
    /// it: a word and its limit are one line.
    pub(super) paused: bool,
}

/// A stream in words; any will do.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) whole: u64,
    pub(crate) part: u64,
    pub(crate) unit: u64,
    pub(crate) ceiling: u64,
    pub(crate) capacity: u64,
    pub(crate) precision: u16,
    pub(crate) paused: bool,
}

impl Meter {
    /// Amounts stay below this, so that a level and an amount add up within an `i64`.
    pub(super) const MOST_UNITS: u128 = 1 << 62;
    pub(super) const NINETY_DAYS: u64 = 90 * 24 * 3600 * 1_000_000_000;

    pub(crate) const fn parts(&self) -> Parts {
        let (whole, part) = self.refill.parts();
        let Self { unit, ceiling, precision, paused, .. } = *self;
        Parts { whole, part, unit, ceiling, capacity: self.capacity(), precision, paused }
    }

    /// The stream that these are the parts of; nothing of use, but no panic either, for parts of
    /// several.
    #[inline]
    pub(crate) const fn of_parts(parts: Parts) -> Self {
        let Parts { whole, part, unit, ceiling, capacity, precision, paused } = parts;
        let capacity = match NonZeroU64::new(capacity) {
            Some(capacity) => capacity,
            None => NonZeroU64::MIN,
        };
        Self { refill: Refill::of_parts(whole, part), unit, ceiling, capacity, precision, paused }
    }

    pub(crate) const fn paused(self, paused: bool) -> Self {
        Self { paused, ..self }
    }

    pub(crate) const fn is_paused(&self) -> bool {
        self.paused
    }

    #[inline]
    pub(crate) const fn capacity(&self) -> u64 {
        self.capacity.get()
    }

    pub(crate) const fn precision(&self) -> u64 {
        self.precision as u64
    }

    pub(crate) const fn unit(&self) -> u64 {
        self.unit
    }

    /// The capacity in units.
    pub(crate) const fn ceiling(&self) -> u64 {
        self.ceiling
    }

    /// How long after a change the signed difference still tells a full bucket from one in debt.
    pub(crate) const fn idle_limit(&self) -> Duration {
        // From wherever the line was when it was rounded down, it may gain one unit more than
        // from 0.
        let rounding = !self.refill.is_exact() as u64;
        self.refill.time_for(i64::MAX as u64 - self.ceiling - rounding)
    }

    /// Units there to be taken after `elapsed` nanoseconds; negative in debt, never above the
    /// ceiling.
    #[inline]
    pub(super) const fn level(&self, spent: u64, elapsed: u64) -> i64 {
        let level = self.refill.at(elapsed).wrapping_sub(spent) as i64;
        if level > self.ceiling as i64 { self.ceiling as i64 } else { level }
    }

    /// `spent` after taking `n` tokens, or `None` if they are not there. An amount of 0 is neither
    /// checked nor written.
    #[inline]
    pub(crate) const fn take(&self, spent: u64, elapsed: u64, n: u64) -> Option<u64> {
        if n == 0 {
            return Some(spent);
        }
        let level = self.level(spent, elapsed);
        // The capacity is compared before the multiplication, which therefore cannot overflow.
        if n > self.capacity() {
            return None;
        }
        let need = n.wrapping_mul(self.unit) as i64;
        if need > level {
            return None;
        }
        Some(self.refill.at(elapsed).wrapping_sub(level.wrapping_sub(need) as u64))
    }

    /// `n` tokens, at most the capacity, in units.
    #[inline]
    pub(crate) const fn in_units(&self, n: u64) -> u64 {
        n.wrapping_mul(self.unit)
    }

    /// How many whole items of `each` tokens are there, but no more than `most`. An item of 0
    /// tokens always fits.
    #[inline]
    pub(crate) const fn fit(&self, spent: u64, elapsed: u64, each: u64, most: u64) -> u64 {
        if each == 0 {
            return most;
        }
        let level = self.level(spent, elapsed);
        if each > self.capacity() || level <= 0 {
            return 0;
        }
        // Of a limit that is a mixture of two, the unit may be 0.
        match (level as u64).checked_div(each.wrapping_mul(self.unit)) {
            Some(fit) if fit < most => fit,
            _ => most,
        }
    }

    /// `spent` after `n` tokens came back: never higher than before, and never below what makes the
    /// bucket full. A debt larger than the capacity is given back whole.
    #[inline]
    pub(crate) const fn put_back(&self, spent: u64, elapsed: u64, n: u64) -> u64 {
        // What saturates is more than can be missing.
        self.give_back(spent, elapsed, n.saturating_mul(self.unit))
    }

    /// The same for any number of units.
    #[inline]
    const fn give_back(&self, spent: u64, elapsed: u64, units: u64) -> u64 {
        let level = self.refill.at(elapsed).wrapping_sub(spent) as i64;
        let ceiling = self.ceiling as i64;
        if units == 0 || level >= ceiling {
            return spent;
        }
        // From 1 to 2^62 + 2^63.
        let missing = ceiling.wrapping_sub(level) as u64;
        spent.wrapping_sub(if units < missing { units } else { missing })
    }

    /// `spent` after `units`, below 2^62, were taken unconditionally; `None` for a debt of more
    /// than `most`.
    pub(crate) const fn owe(&self, spent: u64, elapsed: u64, units: u64, most: u64) -> Option<u64> {
        if units == 0 {
            return Some(spent);
        }
        // Saturating: a `now` that is very old may see a level of nearly -2^63.
        let left = self.level(spent, elapsed).saturating_sub(units as i64);
        if left < -(most as i64) {
            return None;
        }
        Some(self.refill.at(elapsed).wrapping_sub(left as u64))
    }

    /// The same while somebody waits: what lies above the capacity is theirs, and is not forgotten.
    pub(crate) const fn owe_behind(&self, spent: u64, elapsed: u64, units: u64, most: u64) -> Option<u64> {
        let owed = spent.wrapping_add(units).wrapping_sub(self.refill.at(elapsed)) as i64;
        if units > 0 && owed > most as i64 { None } else { Some(spent.wrapping_add(units)) }
    }

    /// `n` tokens in units, if that is below 2^62.
    pub(crate) const fn units(&self, n: u64) -> Option<u64> {
        match n.checked_mul(self.unit) {
            Some(units) if (units as u128) < Self::MOST_UNITS => Some(units),
            _ => None,
        }
    }

    /// The most tokens that are below 2^62 in units.
    pub(crate) const fn most_tokens(&self) -> u64 {
        match ((Self::MOST_UNITS - 1) as u64).checked_div(self.unit) {
            Some(most) => most,
            // Of a limit that is a mixture of two.
            None => u64::MAX,
        }
    }

    /// `n` tokens in units; the most that can be counted if that is too large.
    pub(crate) const fn units_capped(&self, n: u64) -> u64 {
        match self.units(n) {
            Some(units) => units,
            None => (Self::MOST_UNITS - 1) as u64,
        }
    }

    /// The most units that may ever be owed: below 2^62, and so few that even then a `now` from 90
    /// days ago is known to be old.
    pub(crate) const fn furthest_debt(&self) -> u64 {
        let room = (i64::MAX as u128).saturating_sub(self.refill.at_wide(Self::NINETY_DAYS) + 1);
        if room < Self::MOST_UNITS { room as u64 } else { Self::MOST_UNITS as u64 - 1 }
    }

    /// The most units that may be owed at `elapsed` if they must be there `wait` nanoseconds later;
    /// the sum must not overflow.
    pub(crate) const fn accrues_within(&self, elapsed: u64, wait: u64) -> u128 {
        self.refill.at_wide(elapsed + wait) - self.refill.at_wide(elapsed)
    }

    /// Units by which the line, at `elapsed`, has not reached `end`.
    pub(crate) const fn remaining(&self, end: u64, elapsed: u64) -> u64 {
        let remaining = end.wrapping_sub(self.refill.at(elapsed)) as i64;
        if remaining > 0 { remaining as u64 } else { 0 }
    }

    /// `spent` for a bucket that holds `tokens`, or its capacity if that is less.
    pub(crate) const fn reset(&self, elapsed: u64, tokens: u64) -> u64 {
        self.refill.at(elapsed).wrapping_sub(self.units_held(tokens))
    }

    /// The same while firm reservations hold `held` tokens: what of it `spent` owes stays owed.
    pub(crate) const fn reset_owing(&self, spent: u64, elapsed: u64, tokens: u64, held: u64) -> u64 {
        let (owed, held) = (self.remaining(spent, elapsed), self.units_capped(held));
        self.reset(elapsed, tokens).wrapping_add(if owed < held { owed } else { held })
    }

    /// The level of a bucket that holds `tokens`, or its capacity if that is less, in units.
    pub(super) const fn units_held(&self, tokens: u64) -> u64 {
        if tokens < self.capacity() && !self.is_unlimited() { tokens.wrapping_mul(self.unit) } else { self.ceiling }
    }

    /// The units that may have accrued unused when a waiter uses an amount of `units`: what a full
    /// bucket holds, or the amount if that is more, and what accrues while it is `late` by so many
    /// nanoseconds. It may be later by one more, because instants are rounded up.
    pub(crate) fn ceiling_for(&self, units: i128, late: u64) -> i128 {
        let gained = self.refill.at_wide(late.saturating_add(1)).saturating_add(u128::from(!self.refill.is_exact()));
        i128::from(self.ceiling).max(units) + gained.min(1 << 60) as i128
    }

    /// Tokens that accrued by `elapsed`, in 2^-64, rounded down; modulo 2^128.
    pub(crate) const fn tokens_at(&self, elapsed: u64) -> u128 {
        self.tokens(self.refill.at_wide(elapsed))
    }

    /// The same for the time, `elapsed` or later, at which the line reaches `end`.
    pub(crate) const fn tokens_until(&self, end: u64, elapsed: u64) -> u128 {
        self.tokens(self.refill.at_wide(elapsed) + self.remaining(end, elapsed) as u128)
    }

    /// Units in tokens, in 2^-64, rounded down; 0 where the stream is unlimited.
    pub(super) const fn tokens(&self, units: u128) -> u128 {
        if self.is_unlimited() {
            return 0;
        }
        let unit = self.unit as u128;
        ((units / unit) << 64) + ((units % unit) << 64) / unit
    }

    /// Nanoseconds from the beginning of the line until it reaches what is so many 2^-64 of a token
    /// ahead; 0 for what lies behind, `None` for never.
    pub(crate) const fn wait_from_start(&self, ahead: u128) -> Option<u128> {
        self.refill.wait_from_start(self.units_of(ahead))
    }

    /// So many 2^-64 of a token in units, rounded up; 0 for what lies behind.
    ///
    /// As positions are rounded, what is above a whole unit by less than 2^-16 of one is that unit:
    /// a place that falls on a unit stays on it.
    const fn units_of(&self, ahead: u128) -> u128 {
        if (ahead as i128) <= 0 {
            return 0;
        }
        let of_part = (ahead as u64) as u128 * self.unit as u128;
        let more = (of_part as u64 > 1 << 48) as u128;
        // Below 2^63 times 2^62.
        (ahead >> 64) * self.unit as u128 + (of_part >> 64) + more
    }

    /// Units by which the bucket is not full of tokens, what is owed included, and how many it
    /// holds; the first is below 2^64, the second below 2^62.
    pub(crate) const fn taken(&self, spent: u64, elapsed: u64) -> (u64, u64) {
        // From 0 to 2^62 + 2^63.
        (self.ceiling.wrapping_sub(self.level(spent, elapsed) as u64), self.ceiling)
    }

    /// The same in whole tokens, rounded up.
    pub(crate) const fn taken_tokens(&self, spent: u64, elapsed: u64) -> u64 {
        self.whole_tokens(self.taken(spent, elapsed).0)
    }

    /// Tokens that are owed, rounded up.
    #[cfg(feature = "keys")]
    pub(crate) const fn owed_tokens(&self, spent: u64, elapsed: u64) -> u64 {
        self.whole_tokens(self.remaining(spent, elapsed))
    }

    /// Units in whole tokens, rounded up; 0 where the stream is unlimited.
    const fn whole_tokens(&self, units: u64) -> u64 {
        if self.is_unlimited() { 0 } else { units.div_ceil(self.unit) }
    }

    /// The most tokens that may ever be owed.
    #[cfg(feature = "keys")]
    pub(crate) const fn most_owed_tokens(&self) -> u64 {
        if self.is_unlimited() { u64::MAX } else { self.furthest_debt() / self.unit }
    }

    /// Whole tokens that are owed, rounded up; 0 without a debt.
    pub(crate) const fn debt(&self, spent: u64, elapsed: u64) -> u64 {
        match self.level(spent, elapsed) {
            0.. => 0,
            level => level.unsigned_abs().div_ceil(self.unit),
        }
    }

    /// Whole tokens there to be taken; 0 in debt.
    #[inline]
    pub(crate) const fn available(&self, spent: u64, elapsed: u64) -> u64 {
        self.fit(spent, elapsed, 1, self.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::seen::Seen;
    use crate::limit::limit::Limit;
    use crate::limit::rate::Rate;

    fn stream(rate: Rate, capacity: u64) -> Meter {
        Limit::new(rate, capacity).meter().unwrap()
    }

    #[test]
    fn taking_moves_spent_from_where_the_full_bucket_stands() {
        let stream = stream(Rate::per_second(1_000_000_000), 10);
        // elapsed  spent before  take   spent after
        //       0           -10      4           -6
        //     100            -6      4           94    (90 was forfeited by then)
        let first = stream.take(stream.reset(0, u64::MAX), 0, 4).unwrap();
        assert_eq!(first as i64, -6);
        assert_eq!(stream.take(first, 100, 4), Some(94));
        assert_eq!(stream.take(94, 100, 7), None);
        assert_eq!(Seen::new(&stream, 94).missing(100, 7 * stream.unit), 1);
        assert_eq!(stream.put_back(94, 100, 3), 91);
        assert_eq!(stream.put_back(94, 100, u64::MAX), 90);
        assert_eq!(stream.put_back(5, 100, 3), 5);
    }

    #[test]
    fn every_function_is_total_for_a_torn_word() {
        for limit in [Limit::per_second(1), Limit::per_second(1 << 36), Limit::per_day(3).capacity(1 << 26)] {
            let stream = limit.meter().unwrap();
            for spent in [0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 62] {
                for elapsed in [0, 1, u64::MAX, 1 << 63] {
                    let n = stream.capacity();
                    let _ = stream.take(spent, elapsed, n);
                    let _ = Seen::new(&stream, spent).missing(elapsed, stream.in_units(n));
                    let _ = stream.fit(spent, elapsed, n, u64::MAX);
                    let _ = stream.put_back(spent, elapsed, u64::MAX);
                    let _ = stream.available(spent, elapsed);
                    for units in [0, 1, stream.ceiling, stream.furthest_debt(), (1 << 62) - 1] {
                        let _ = Seen::new(&stream, spent).missing(elapsed, units);
                        let _ = stream.give_back(spent, elapsed, units);
                        let _ = stream.owe(spent, elapsed, units, stream.furthest_debt());
                        let _ = stream.remaining(spent, elapsed);
                    }
                    let _ = stream.accrues_within(elapsed, u64::MAX - elapsed);
                }
            }
        }
    }

    /// One of each kind: exact and not, slow, fast, the fastest, and none.
    fn kinds() -> impl Iterator<Item = Meter> {
        let fastest = (i64::MAX as u64 - 2) / (90 * 24 * 3600);
        let rates = [1000, 7, 333, 1 << 20, 64 << 30, fastest, 0].map(Rate::per_second);
        rates.into_iter().chain([Rate::per_day(11)]).map(|rate| stream(rate, 1))
    }

    #[test]
    fn a_debt_is_paid_off_by_time_and_not_before() {
        let stream = stream(Rate::per_second(1_000_000_000), 10);
        // elapsed  spent before  owe  at most   spent after
        //       0           -10   14        4             4
        //       0             4    1        5             5
        //     100             5   12        2           102    (85 was forfeited by then)
        let first = stream.owe(stream.reset(0, u64::MAX), 0, 14, 4).unwrap();
        assert_eq!(first, 4);
        assert_eq!(stream.owe(stream.reset(0, u64::MAX), 0, 14, 3), None);
        assert_eq!(stream.owe(4, 0, 1, 5), Some(5));
        assert_eq!(stream.owe(5, 100, 12, 2), Some(102));
        assert_eq!((stream.take(5, 4, 1), stream.take(5, 5, 1), stream.take(5, 6, 1)), (None, None, Some(6)));
        assert_eq!([4, 5, 6].map(|elapsed| stream.remaining(5, elapsed)), [1, 0, 0]);
        assert_eq!(Seen::new(&stream, 5).missing(3, 4), 6);
    }

    #[test]
    fn nothing_is_owed_for_nothing() {
        for stream in kinds() {
            for spent in [0, 1, u64::MAX, 1 << 63] {
                assert_eq!(stream.owe(spent, 7, 0, 0), Some(spent));
                assert_eq!(stream.give_back(spent, 7, 0), spent);
                assert_eq!(Seen::new(&stream, spent).missing(7, 0), 0);
            }
        }
    }

    #[test]
    fn what_is_owed_and_given_back_leaves_spent_as_it_was() {
        for stream in kinds() {
            for (elapsed, units) in [(0, 1), (0, stream.furthest_debt()), (1 << 62, 1), (1 << 62, 12_345)] {
                let empty = stream.reset(elapsed, 0);
                let owed = stream.owe(empty, elapsed, units, stream.furthest_debt()).unwrap();
                assert_eq!(stream.give_back(owed, elapsed, units), empty, "{stream:?} {units}");
                assert_eq!(stream.remaining(owed, elapsed), units);
            }
        }
    }

    #[test]
    fn a_debt_larger_than_the_capacity_is_given_back_whole_and_fills_no_further() {
        let stream = stream(Rate::per_second(1_000_000_000), 10);
        let owed = stream.owe(stream.reset(0, u64::MAX), 0, 100, 1000).unwrap();
        assert_eq!(stream.give_back(owed, 0, 100), stream.reset(0, u64::MAX));
        assert_eq!(stream.give_back(owed, 50, 100), 40, "full at 50");
        assert_eq!(stream.give_back(owed, 0, 101), stream.reset(0, u64::MAX));
    }

    #[test]
    fn a_now_that_is_ninety_days_old_is_granted_nothing_while_the_furthest_debt_is_owed() {
        let old = 1_000_000;
        let now = old + Meter::NINETY_DAYS;
        for stream in kinds() {
            let most = stream.furthest_debt();
            let spent = stream.owe(stream.reset(now, 0), now, most, most).unwrap();
            assert_eq!(stream.owe(spent, now, 1, most), None, "{stream:?}");
            for elapsed in [now, now - 1, old + 1, old] {
                assert_eq!(stream.take(spent, elapsed, 1), None, "{stream:?} at {elapsed}");
                assert_eq!(stream.fit(spent, elapsed, 1, u64::MAX), 0, "{stream:?} at {elapsed}");
                for units in [1, most] {
                    assert_eq!(stream.owe(spent, elapsed, units, most), None, "{stream:?} at {elapsed}");
                }
                let owed = most + (stream.refill.at(now) - stream.refill.at(elapsed));
                assert_eq!(Seen::new(&stream, spent).missing(elapsed, 1), owed + 1, "{stream:?} at {elapsed}");
            }
        }
    }

    #[test]
    fn units_are_refused_from_2_to_the_62() {
        for stream in kinds() {
            let most = stream.most_tokens();
            assert_eq!(stream.units(most), Some(most * stream.unit));
            assert_eq!((stream.units(most + 1), stream.units(u64::MAX)), (None, None), "{stream:?}");
        }
    }

    #[test]
    fn what_accrues_within_a_wait_is_there_after_it_and_not_before() {
        for stream in kinds() {
            for (elapsed, wait) in [(0, 0), (0, 1), (12_345, 678), (1 << 62, 1 << 40), (1 << 63, (1 << 63) - 1)] {
                let most = stream.accrues_within(elapsed, wait);
                let refill = |elapsed| stream.refill.at_wide(elapsed) - stream.refill.at_wide(0);
                assert_eq!(most, refill(elapsed + wait) - refill(elapsed), "{stream:?}");
                if let Some(units) = u64::try_from(most).ok().filter(|units| (1..1 << 62).contains(units)) {
                    assert!(stream.refill.wait(elapsed, units).unwrap() <= wait.into(), "{stream:?}");
                    assert!(stream.refill.wait(elapsed, units + 1).unwrap() > wait.into(), "{stream:?}");
                }
            }
        }
    }
}
