//! Owns how long a waiter sleeps before it looks at the clock again; pure.

use core::time::Duration;

use crate::clock::time::Time;

/// One waiter's sleeps.
///
/// Each lasts until the instant that is waited for, so a waiter is woken about once. It sleeps
/// again where the timer was early.
#[derive(Debug)]
pub(crate) struct Nap {
    seen: Option<Time>,
    still: Still,
}

impl Nap {
    pub(crate) const fn new() -> Self {
        Self { seen: None, still: Still::new() }
    }

    /// How long to sleep at `now`; `None` if the instant has come.
    pub(crate) fn next(&mut self, now: Time, until: Time) -> Option<Duration> {
        let left = until.since(now);
        if left.is_zero() {
            return None;
        }
        let still = self.seen.replace(now) == Some(now);
        Some(self.still.sleep(left, still))
    }
}

/// How often in a row a sleeper woke and found the clock as it was.
///
/// To sleep again and again until the instant would be a spin where little is left. So each such
/// sleep is at least twice as long as the one before, up to a tenth of a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Still(u8);

impl Still {
    const FIRST: Duration = Duration::from_micros(100);
    const LONGEST: Duration = Duration::from_millis(100);

    pub(crate) const fn new() -> Self {
        Self(0)
    }

    /// How long to sleep if so much is `left`, and the clock stands `still` or not.
    pub(crate) fn sleep(&mut self, left: Duration, still: bool) -> Duration {
        self.0 = if still { (self.0 + 1).min(11) } else { 0 };
        match self.0.checked_sub(1) {
            Some(doublings) => left.max((Self::FIRST * (1 << doublings)).min(Self::LONGEST)),
            None => left,
        }
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
        assert_eq!(nap.next(time(0), time(1)), Some(Still::LONGEST));
    }
}
