//! Owns how long a waiter sleeps before it looks at the clock again; pure.

use core::time::Duration;

use crate::clock::time::Time;

/// One waiter's sleeps.
///
/// Each lasts until the instant that is waited for, so a waiter is woken about once. It sleeps
/// again where the timer was early. If the clock has not moved at all meanwhile, sleeping that long
/// again and again would be a spin where little is left: then each sleep is at least twice as long
/// as the one before, up to a tenth of a second.
#[derive(Debug)]
pub(crate) struct Nap {
    seen: Option<Time>,
    least: Duration,
}

impl Nap {
    const FIRST: Duration = Duration::from_micros(100);
    const LONGEST: Duration = Duration::from_millis(100);

    pub(crate) const fn new() -> Self {
        Self { seen: None, least: Duration::ZERO }
    }

    /// How long to sleep at `now`; `None` if the instant has come.
    pub(crate) fn next(&mut self, now: Time, until: Time) -> Option<Duration> {
        let left = until.since(now);
        if left.is_zero() {
            return None;
        }
        self.least = match self.seen.replace(now) {
            Some(seen) if seen == now => (self.least * 2).clamp(Self::FIRST, Self::LONGEST),
            _ => Duration::ZERO,
        };
        Some(left.max(self.least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(micros: u64) -> Time {
        Time::from_nanos(1000 * micros)
    }

    #[test]
    fn a_nap_lasts_as_long_as_there_is_to_wait() {
        let mut nap = Nap::new();
        assert_eq!(nap.next(time(0), time(50)), Some(Duration::from_micros(50)));
        assert_eq!(nap.next(time(40), time(50)), Some(Duration::from_micros(10)));
        assert_eq!(nap.next(time(50), time(50)), None);
        assert_eq!(nap.next(time(60), time(50)), None);
    }

    #[test]
    fn on_a_clock_that_stands_still_naps_grow_and_do_not_spin() {
        let mut nap = Nap::new();
        let naps: [_; 12] = core::array::from_fn(|_| nap.next(time(0), time(1)).unwrap().as_micros());
        assert_eq!(naps, [1, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 100_000]);
        assert_eq!(nap.next(time(0), time(1)), Some(Nap::LONGEST));
    }
}
