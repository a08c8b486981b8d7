//! Owns the rate of a bucket that does not state it: what its resets say, and what is tried. Pure.

use std::time::Duration;

use tollgate::clock::Time;

use super::stated::Stated;

/// A rate is tried for at least so long.
const TRY: Duration = Duration::from_millis(50);
/// What a refusal leaves of the rate.
const REFUSED: f64 = 0.8;
/// What a try leaves while at least half of the capacity is left, and while less than a quarter is.
const MUCH_LEFT: f64 = 1.05;
const LITTLE_LEFT: f64 = 0.95;

/// The rates that agree with all responses, and when one was tried last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateSearch {
    least: f64,
    most: f64,
    tried: Time,
    /// Whether a request had to wait for the rate since then.
    is_short: bool,
}

impl RateSearch {
    pub(crate) const fn new(now: Time) -> Self {
        Self { least: 0.0, most: f64::MAX, tried: now, is_short: false }
    }

    /// Narrows the rates by the time in which the bucket is full, and returns one of them.
    pub(crate) fn narrow(&mut self, rate: f64, stated: &Stated) -> f64 {
        let Some((least, most)) = stated.rates() else { return rate };
        (self.least, self.most) = if self.least.max(least) <= self.most.min(most) {
            (self.least.max(least), self.most.min(most))
        } else {
            // The limit changed.
            (least, most)
        };
        rate.clamp(self.least, self.most)
    }

    /// Learns that a request has to wait for the rate.
    pub(crate) const fn short(&mut self) {
        self.is_short = true;
    }

    /// Returns a greater rate while much is left, and a lesser one while little is.
    ///
    /// It grows only if the rate kept a request waiting: one that is not used is not tried.
    pub(crate) fn next(
        &mut self,
        rate: f64,
        now: Time,
        round_trip: Duration,
        stated: &Stated,
        is_refused: bool,
    ) -> f64 {
        let Some(left) = stated.left.filter(|_| now.since(self.tried) >= round_trip.max(TRY)) else { return rate };
        self.tried = now;
        let was_short = std::mem::take(&mut self.is_short);
        let part = left as f64 / stated.capacity as f64;
        let factor = match part {
            _ if is_refused => REFUSED,
            0.5.. if was_short => MUCH_LEFT,
            ..0.25 => LITTLE_LEFT,
            _ => 1.0,
        };
        (rate * factor).clamp(self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use tollgate_http::client::Allowance;

    use super::*;

    fn stated(capacity: u64, left: u64, reset: u64) -> Stated {
        let mut allowance = Allowance::default();
        (allowance.quota, allowance.available) = (Some(capacity), Some(left));
        allowance.reset = Some(Duration::from_secs(reset));
        Stated::of(&allowance).unwrap()
    }

    fn at(millis: u64) -> Time {
        Time::ZERO.after(Duration::from_millis(millis))
    }

    #[test]
    fn resets_narrow_the_rate_to_that_of_the_bucket() {
        for rate in [1, 3, 10] {
            let (mut search, mut found) = (RateSearch::new(at(0)), 0.0);
            for left in (0..100).rev() {
                found = search.narrow(found, &stated(100, left, (100 - left).div_ceil(rate)));
            }
            assert!(found >= rate as f64 && found <= 1.1 * rate as f64, "{rate} {found}");
        }
    }

    #[test]
    fn a_limit_that_changed_begins_anew() {
        let mut search = RateSearch::new(at(0));
        assert_eq!(search.narrow(1.0, &stated(100, 0, 10)), 10.0);
        assert_eq!(search.narrow(10.0, &stated(100, 0, 20)), 100.0 / 17.0);
        assert_eq!(search.narrow(10.0, &stated(100, 0, 100)), 100.0 / 97.0);
    }

    #[test]
    fn a_rate_is_tried_for_a_round_trip_and_no_shorter() {
        let mut search = RateSearch::new(at(0));
        let trip = Duration::from_millis(100);
        let mut next = |millis, left| {
            search.short();
            search.next(100.0, at(millis), trip, &stated(10, left, 1), false)
        };
        assert_eq!(
            [next(99, 9), next(100, 9), next(150, 9), next(200, 3), next(300, 2)],
            [100.0, 105.0, 100.0, 100.0, 95.0]
        );
        assert_eq!(search.next(100.0, at(400), trip, &stated(10, 9, 1), true), 80.0);
    }

    #[test]
    fn a_rate_that_nobody_waits_for_does_not_grow() {
        let mut search = RateSearch::new(at(0));
        let trip = Duration::from_millis(1);
        let rates = [1, 2, 3].map(|i| search.next(100.0, at(i * 100), trip, &stated(10, 9, 1), false));
        assert_eq!(rates, [100.0; 3]);
        search.short();
        let rates = [4, 5].map(|i| search.next(100.0, at(i * 100), trip, &stated(10, 9, 1), false));
        assert_eq!(rates, [105.0, 100.0]);
    }
}
