//! Owns the memory of a clock that may step back, and the offset that makes up for it. The rule is
//! in `step_rule.rs`.

use core::time::Duration;

use crate::clock::clock::Clock;
use crate::clock::step_rule::{Lines, Verdict, judge};
use crate::clock::time::Time;
use crate::sync::{Acquire, AtomicU64, Relaxed, Release, const_fn};

/// A clock that goes on after the clock inside it stepped back for good.
///
/// A bucket refuses while a reading is older than what was spent. So a clock that is set back by an
/// hour refuses everybody for an hour. This wrapper shows the newest time instead, and then goes on
/// from there.
///
/// # When a step is believed
///
/// A reading is behind if it is older than the newest time by more than the patience. The step is
/// believed if the readings stay behind until they themselves have advanced by the patience. One
/// reading that is not behind ends the doubt. The patience is 1 s unless
/// [`with_patience`](Self::with_patience) sets it.
///
/// A step back stops the time shown until the clock has made up for the step, or until the step is
/// believed: for twice the patience at most. Once it is believed, time goes on as if the clock had
/// continued from the newest time at the first reading that was behind. What is lost is the time
/// between the last reading before the step and the first one after it.
///
/// # What it may mint
///
/// The time shown advances by no more than the clock inside goes forward, steps forward included. A
/// step back alone mints nothing. If a step back by `s` is believed and the clock later steps
/// forward again by `s`, those `s` count as time that passed: `rate * s` tokens, and never more
/// than the capacity, since a full bucket gains nothing. For clocks that differ between threads by
/// `s`, more than the patience, that holds for each time that a step is believed. So choose a
/// patience above the skew.
///
/// A thread that read the clock before a step and goes on after it adds nothing to this.
///
/// # Which clock needs it
///
/// Take it for a clock that can step back for good: a wall clock, a counter of 32 bits, a counter
/// that starts anew when a snapshot of the machine is restored. The clocks of this crate need it
/// only where the machine breaks their promise. [`Monotonic`](crate::clock::Monotonic) never goes
/// back at all, but after a step back it stands until the clock has made up for all of it. This
/// clock may go back by less than a thousandth of the patience. `Monotonic<Recovering<C>>` does
/// both.
///
/// It has no [rough](Clock::rough) reading, whatever the clock inside: one from before a step back
/// would be ahead of the time shown after it.
///
/// A reading costs three loads of one shared line. About once in a thousandth of the patience a
/// thread also does an atomic read-modify-write on it.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::{ManualClock, Recovering, Time};
/// use tollgate::{Limit, TokenBucket};
///
/// let clock = ManualClock::starting_at(Time::from_nanos(7_200_000_000_000));
/// let bucket = TokenBucket::with_clock(Limit::per_second(10), Recovering::new(&clock))?;
/// assert!(bucket.try_take(9).is_ok());
/// clock.set(Time::from_nanos(3_600_000_000_000)); // back by an hour
/// assert!(bucket.try_take(1).is_ok()); // what there was is there
/// assert!(bucket.try_take(1).is_err());
/// clock.advance(Duration::from_secs(1)); // believed
/// assert_eq!(bucket.available(), 10);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
///
/// A clock that counts milliseconds in 32 bits starts at 0 every 49.7 days:
///
/// ```
/// use std::time::Duration;
/// use tollgate::Clock;
/// use tollgate::clock::{ManualClock, Recovering, Time};
///
/// let ticks = ManualClock::starting_at(Time::from_nanos(u32::MAX as u64 * 1_000_000));
/// let clock = Recovering::new(&ticks).with_patience(Duration::from_millis(10));
/// let before = clock.now();
/// ticks.set(Time::ZERO);
/// clock.now();
/// ticks.advance(Duration::from_millis(10));
/// assert_eq!(clock.now().since(before), Duration::from_millis(10));
/// ```
//
// Why these orderings: a reading of the clock may only be shown on a line that began with an
// earlier reading, and may only be held against a time that an earlier reading showed. So all three
// words are loaded, with Acquire, before the clock is read; and all that is stored, with Release,
// stems from a reading that was made before. By induction no time shown is more than what the clock
// went forward up to its reading, in whatever order the threads run.
#[derive(Debug)]
pub struct Recovering<C> {
    clock: C,
    patience: u64,
    newest: AtomicU64,
    ahead: AtomicU64,
    next: AtomicU64,
}

impl<C: Clock> Recovering<C> {
    const_fn! {
        /// Wraps `clock`, with a patience of 1 s.
        ///
        /// ```
        /// use std::time::Duration;
        /// use tollgate::clock::{ManualClock, Recovering};
        ///
        /// static CLOCK: Recovering<ManualClock> = Recovering::new(ManualClock::new());
        /// assert_eq!(CLOCK.patience(), Duration::from_secs(1));
        /// ```
        pub const fn new(clock: C) -> Self {
            let [newest, ahead, next] = [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)];
            Self { clock, patience: 1_000_000_000, newest, ahead, next }
        }
    }

    /// Sets by how much, and for how long, readings are behind before a step back is believed.
    ///
    /// With a patience above 584 years no step is ever believed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Recovering};
    ///
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(Recovering::new(ManualClock::new()).with_patience(minute).patience(), minute);
    /// ```
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Time::ZERO.after(patience).as_nanos();
        self
    }

    /// Returns the patience.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Recovering};
    /// assert_eq!(Recovering::new(ManualClock::new()).patience(), Duration::from_secs(1));
    /// ```
    pub const fn patience(&self) -> Duration {
        Duration::from_nanos(self.patience)
    }

    /// Returns the wrapped clock.
    ///
    /// ```
    /// use tollgate::Clock;
    /// use tollgate::clock::{ManualClock, Recovering, Time};
    ///
    /// let clock = Recovering::new(ManualClock::new());
    /// clock.clock().set(Time::from_nanos(7));
    /// assert_eq!(clock.now(), Time::from_nanos(7));
    /// ```
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// Notes a time that is shown, if it is new enough to be worth it.
    #[inline]
    fn note(&self, newest: u64, shown: u64) -> u64 {
        if shown - newest > self.patience / 1024 {
            // ORDERING: Release pairs with the Acquire in `now`: who sees this time reads the clock
            // later than this thread did. Dies as Relaxed: loom-tests/time.rs,
            // `a_clock_that_goes_on_is_believed`. Dies as a store: loom-tests/time.rs,
            // `a_step_back_shows_the_newest_time`.
            self.newest.fetch_max(shown, Release);
        }
        shown
    }
}

impl<C: Clock + Default> Default for Recovering<C> {
    fn default() -> Self {
        Self::new(C::default())
    }
}

impl<C: Clock> Clock for Recovering<C> {
    #[inline]
    fn now(&self) -> Time {
        // ORDERING: Acquire pairs with the Release in `note`: the reading below is not older than
        // the one behind this time. Dies as Relaxed: loom-tests/time.rs,
        // `a_clock_that_goes_on_is_believed`.
        let newest = self.newest.load(Acquire);
        // ORDERING: Acquire pairs with the Release of the compare-exchange below: the reading below
        // is made after the step that this line makes up for. Dies as Relaxed: loom-tests/time.rs,
        // `a_reading_from_before_a_step_back_is_not_shown_on_the_line_after_it`.
        let ahead = self.ahead.load(Acquire);
        // ORDERING: Acquire pairs with the Release of the store below: the reading below is not
        // older than the one that this line begins with. Dies as Relaxed: loom-tests/time.rs,
        // `a_reading_from_before_a_second_step_back_is_not_shown_on_the_line_after_it`.
        let next = self.next.load(Acquire);
        let read = self.clock.now().as_nanos();
        Time::from_nanos(match judge(Lines { newest, ahead, next }, read, self.patience) {
            Verdict::Runs(shown) => {
                if next != 0 {
                    // ORDERING: Relaxed. Partner is the load above. No line is none at any time.
                    // Dies if it is not stored: src/clock/recovering.rs,
                    // `a_doubt_is_forgotten_when_it_is_over`.
                    self.next.store(0, Relaxed);
                }
                self.note(newest, shown)
            }
            Verdict::Doubts(line) => {
                // ORDERING: Release pairs with the Acquire above: who goes by this line reads the
                // clock after this thread did. Dies as Relaxed: loom-tests/time.rs,
                // `a_reading_from_before_a_second_step_back_is_not_shown_on_the_line_after_it`.
                self.next.store(line, Release);
                newest
            }
            Verdict::Waits => newest,
            Verdict::Believes(shown) => {
                // ORDERING: success Release pairs with the Acquire above: who adds this offset
                // reads the clock after the step. Dies as Relaxed: loom-tests/time.rs,
                // `a_reading_from_before_a_step_back_is_not_shown_on_the_line_after_it`. Failure
                // Relaxed: another line is in force, and the newest time is right on any.
                match self.ahead.compare_exchange(ahead, next, Release, Relaxed) {
                    Ok(_) => self.note(newest, shown),
                    Err(_) => newest,
                }
            }
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::clock::manual::ManualClock;

    const MILLISECOND: u64 = 1_000_000;

    fn shown(clock: &Recovering<ManualClock>, millis: u64) -> u64 {
        clock.clock().set(Time::from_nanos(millis * MILLISECOND));
        clock.now().as_nanos() / MILLISECOND
    }

    #[test]
    fn a_doubt_is_forgotten_when_it_is_over() {
        let clock = Recovering::new(ManualClock::new());
        assert_eq!([100_000, 10_000, 100_000].map(|millis| shown(&clock, millis)), [100_000; 3]);
        // A smaller step back would be believed at once on the line of the first one.
        assert_eq!([50_000, 50_999, 51_000].map(|millis| shown(&clock, millis)), [100_000, 100_000, 101_000]);
    }

    #[test]
    fn it_goes_back_by_less_than_a_thousandth_of_the_patience() {
        let clock = Recovering::new(ManualClock::new());
        let newest = clock.clock().advance(Duration::from_micros(976));
        assert_eq!(clock.now(), newest);
        clock.clock().set(Time::ZERO);
        assert_eq!(clock.now(), Time::ZERO, "not noted");
        let newest = clock.clock().advance(Duration::from_micros(977));
        assert_eq!(clock.now(), newest);
        clock.clock().set(Time::ZERO);
        assert_eq!(clock.now(), newest, "noted");
    }
}
