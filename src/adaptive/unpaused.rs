//! Owns the time that stands still in a pause. Pure: it never touches an atomic or a clock.

use crate::clock::time::Time;

/// How much of the time lay in pauses.
///
/// At `now`, the unpaused time is `max(now, until) - paused`. So it stands still until `until`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unpaused {
    /// The length of all pauses up to `until`, in nanoseconds.
    paused: u64,
    /// The end of the latest pause.
    until: Time,
}

impl Unpaused {
    pub(crate) const NEVER_PAUSED: Self = Self { paused: 0, until: Time::ZERO };

    /// Returns the unpaused time at `now`.
    pub(crate) fn at(&self, now: Time) -> Time {
        Time::from_nanos(now.max(self.until).as_nanos().saturating_sub(self.paused))
    }

    /// Whether a pause lasts beyond `now`.
    pub(crate) fn is_paused(&self, now: Time) -> bool {
        now < self.until
    }

    pub(crate) const fn until(&self) -> Time {
        self.until
    }

    /// Adds a pause that began at `now` and ends at `end`. Never shortens a pause.
    pub(crate) fn pause(self, now: Time, end: Time) -> Self {
        let begin = now.max(self.until);
        if end <= begin {
            return self;
        }
        Self { paused: self.paused.saturating_add(end.nanos_since(begin)), until: end }
    }

    /// Adds a pause that others made, and that ends at `end`.
    ///
    /// Nobody saw it begin. So it counts from `counted` on, the unpaused time last counted.
    pub(crate) fn pause_since(self, counted: Time, end: Time) -> Self {
        self.pause(Time::from_nanos(counted.as_nanos().saturating_add(self.paused)), end)
    }

    /// Ends the pause at `end`, or at `now` if that is later.
    pub(crate) fn end(self, now: Time, end: Time) -> Self {
        let end = end.max(now);
        if end >= self.until {
            return self;
        }
        Self { paused: self.paused.saturating_sub(self.until.nanos_since(end)), until: end }
    }

    pub(crate) const fn words(self) -> [u64; 2] {
        [self.paused, self.until.as_nanos()]
    }

    pub(crate) const fn of_words([paused, until]: [u64; 2]) -> Self {
        Self { paused, until: Time::from_nanos(until) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn t(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    #[test]
    fn time_stands_still_in_a_pause() {
        let unpaused = Unpaused::NEVER_PAUSED.pause(t(10), t(30));
        assert_eq!([9, 10, 29, 30, 31].map(|now| unpaused.at(t(now))), [t(10), t(10), t(10), t(10), t(11)]);
        assert_eq!([9, 29, 30].map(|now| unpaused.is_paused(t(now))), [true, true, false]);
    }

    #[test]
    fn pauses_that_overlap_count_once() {
        let unpaused = Unpaused::NEVER_PAUSED.pause(t(10), t(30));
        assert_eq!(unpaused.pause(t(20), t(25)), unpaused);
        assert_eq!(unpaused.pause(t(20), t(40)), Unpaused::NEVER_PAUSED.pause(t(10), t(40)));
        assert_eq!(unpaused.pause(t(35), t(40)).at(t(50)), t(25));
    }

    #[test]
    fn a_pause_that_ends_early_counts_as_long_as_it_lasted() {
        let endless = Unpaused::NEVER_PAUSED.pause(t(10), Time::MAX);
        assert_eq!(endless.at(t(1000)), t(10));
        assert_eq!(endless.end(t(30), Time::ZERO), Unpaused::NEVER_PAUSED.pause(t(10), t(30)));
        assert_eq!(endless.end(t(20), t(30)), Unpaused::NEVER_PAUSED.pause(t(10), t(30)));
        assert_eq!(endless.end(t(20), Time::MAX), endless);
    }

    #[test]
    fn a_pause_that_nobody_saw_begin_counts_from_the_last_step() {
        let unpaused = Unpaused::NEVER_PAUSED.pause(t(10), t(30)).pause_since(t(15), t(100));
        assert_eq!(unpaused.at(t(100)), t(15));
        assert_eq!(unpaused.at(t(101)), t(16));
    }
}
