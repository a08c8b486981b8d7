//! Owns the reading of the recent time, which an upkeep thread writes. It never writes it:
//! `Upkeep` does.

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::clock::tsc::TscClock;
use crate::clock::upkeep::RECENT;

/// The time-stamp counter as an upkeep thread read it last: one load, and no counter.
///
/// [`Upkeep::start`](crate::clock::Upkeep::start) starts that thread, and its value stops it. All
/// clocks of a process show the reading of the one thread that it may have.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::{RecentClock, Upkeep};
/// use tollgate::{Limit, TokenBucket};
///
/// let _upkeep = Upkeep::start(Duration::from_millis(1))?; // until it is dropped
/// let bucket = TokenBucket::with_clock(Limit::per_second(1000), RecentClock::new())?;
/// assert!(bucket.try_take(1).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What it shows
///
/// | upkeep | what it shows |
/// |---|---|
/// | runs | the thread's last reading |
/// | has not run since this clock was made | what [`TscClock`] does, at its cost |
/// | has stopped | its last reading: the time stands still |
///
/// While the time stands still, nothing refills: a bucket grants what it has, and then refuses. It
/// mints nothing, then or when an upkeep starts again. The origin is that of the [`TscClock`] that
/// it was [made of](TscClock::recent), and it never shows more than that clock does. As with two
/// cores, a reading of the counter that overlaps with this one may come out some nanoseconds older.
///
/// # How far it lags
///
/// By up to `d`: the interval of the upkeep, the lateness of timers, and the time for which the
/// thread waits for a core. Nothing bounds the last of these on a busy machine.
///
/// | interval | worst lag in 10 s | with both cores busy |
/// |---|---|---|
/// | 1 ms | 11 and 17 ms | 17 and 18 ms |
///
/// Source: the example `clock_lag`, two runs on a virtual machine with two cores of an Intel
/// Xeon, November 2026.
///
/// In real time [the bound](crate::clock#a-clock-that-lags) grows by what refills in `d`, and a
/// bucket that fills up within `d` loses throughput. [`Tiered`](crate::clock::Tiered) does not lose
/// any.
#[derive(Clone, Debug)]
pub struct RecentClock {
    precise: TscClock,
    /// The origin by what the upkeep writes, 1 ns late. Both are rounded down, so their difference
    /// may be 1 ns more than what the precise clock shows. A reading must not be ahead of that.
    origin: u64,
}

impl RecentClock {
    /// Makes a clock whose origin is now. It starts no thread.
    ///
    /// The first clock of a process that reads the counter blocks, as [`TscClock::new`] does.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Clock;
    /// use tollgate::clock::{RecentClock, Time};
    /// assert!(RecentClock::new().now().since(Time::ZERO) < Duration::from_secs(60));
    /// ```
    pub fn new() -> Self {
        Self::of(TscClock::new())
    }

    pub(crate) fn of(precise: TscClock) -> Self {
        let origin = precise.since_boot(precise.origin) + 1;
        Self { precise, origin }
    }

    /// The upkeep's last reading; `None` if it made none since the origin.
    #[inline]
    pub(crate) fn recent(&self) -> Option<Time> {
        RECENT.get().checked_sub(self.origin).map(Time::from_nanos)
    }
}

impl Default for RecentClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for RecentClock {
    #[inline]
    fn now(&self) -> Time {
        self.recent().unwrap_or_else(|| self.precise.now())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_never_ahead_of_the_counter_that_it_was_made_of() {
        let TscClock { counter, origin } = TscClock::new();
        for begin in (origin..).step_by(997).take(200) {
            let precise = TscClock { counter: counter.clone(), origin: begin };
            let recent = precise.recent();
            for later in (begin + 1..).step_by(104_729).take(200) {
                let shown = precise.since_boot(later).saturating_sub(recent.origin);
                let now = precise.at(later).since(Time::ZERO).as_nanos() as u64;
                assert!(shown <= now && now <= shown + 2, "{shown} of {now} ns, {begin} to {later}");
            }
        }
    }
}
