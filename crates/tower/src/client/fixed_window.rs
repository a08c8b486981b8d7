//! Owns a policy that counts by windows: what is left of this one, and when it ends. Pure.

use std::time::Duration;

use tollgate::clock::Time;

/// While nothing is known of a new window, one request goes out in this time.
const UNKNOWN: Duration = Duration::from_secs(1);

/// Resets are corrected by at most so much.
const LATEST: Duration = Duration::from_secs(2);

/// What is known of the window that a server counts in.
///
/// What is left falls within a window. So of two responses in one window, the one with less left
/// is newer. A response to a request that was sent after that news, and that has more left, tells
/// of another window.
#[derive(Clone, Debug)]
pub(crate) struct FixedWindow {
    quota: u64,
    /// What is left; `None` between two windows.
    left: Option<u64>,
    /// When that was learned, or when the window before ended.
    since: Time,
    /// The latest instant at which this window ends.
    end: Option<Time>,
    /// The earliest instant of the next request, while few are left.
    next: Time,
    interval: Duration,
    /// By how much resets are said too late.
    late: Duration,
}

impl FixedWindow {
    pub(crate) const fn new(quota: u64) -> Self {
        let (since, next) = (Time::ZERO, Time::ZERO);
        Self { quota, left: None, since, end: None, next, interval: Duration::ZERO, late: Duration::ZERO }
    }

    pub(crate) const fn set_quota(&mut self, quota: u64) {
        self.quota = quota;
    }

    /// Returns when a request may be sent: now, or later.
    ///
    /// All that are under way are counted as not yet answered for. The upper half of a window is
    /// free, and the lower one is spread over the time that is left.
    pub(crate) fn may_send(&mut self, now: Time, under_way: u64) -> Result<(), Time> {
        if self.end.is_some_and(|end| now >= end) {
            (self.left, self.end, self.since) = (None, None, now);
        }
        let free = match self.left {
            // Nothing is known of the next window: the pace stays.
            None => return if now >= self.next { Ok(()) } else { Err(self.next) },
            Some(left) => left.saturating_sub(under_way),
        };
        if free == 0 {
            return Err(self.end.unwrap_or(now.after(UNKNOWN)));
        }
        if self.is_low(free) && now < self.next { Err(self.next) } else { Ok(()) }
    }

    const fn is_low(&self, free: u64) -> bool {
        free < self.quota.div_ceil(2)
    }

    pub(crate) fn sent(&mut self, now: Time, under_way: u64) {
        match (self.left, self.end) {
            (Some(left), Some(end)) => {
                let free = left.saturating_sub(under_way).max(1);
                self.interval = if self.is_low(free) { end.since(now).div_f64(free as f64) } else { Duration::ZERO };
                self.next = now.after(self.interval);
            }
            (None, _) => self.next = now.after(if self.interval.is_zero() { UNKNOWN } else { self.interval }),
            (Some(_), None) => {}
        }
    }

    /// Learns what a response says, to a request that was sent at `sent_at`.
    pub(crate) fn observe(&mut self, now: Time, sent_at: Time, left: u64, reset: Option<Duration>, is_refused: bool) {
        if is_refused {
            self.late = Duration::ZERO;
        }
        let is_newer = sent_at >= self.since;
        if let (Some(known), Some(end), true) = (self.left, self.end, is_newer) {
            if left > known && now < end {
                // Another window began, earlier than was said.
                self.late = (self.late + end.since(now)).min(LATEST);
            }
        }
        // Who truncates says 0 and means more.
        let reset = reset.map(|reset| if left == 0 { reset.max(UNKNOWN) } else { reset });
        let end = reset.map(|reset| now.after(reset.saturating_sub(self.late)));
        let same_window = match self.left {
            None if is_newer => false,
            Some(known) if left > known && is_newer => false,
            Some(known) if left <= known => !is_newer || end <= self.end.map(|end| end.after(2 * UNKNOWN)),
            _ => return,
        };
        self.left = Some(left);
        self.since = now;
        self.end = match (self.end, end) {
            (Some(known), Some(end)) if same_window => Some(known.min(end)),
            (known, end) => end.or(known),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::ZERO.after(Duration::from_millis(millis))
    }

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    fn window(left: u64, reset: u64) -> FixedWindow {
        let mut window = FixedWindow::new(10);
        window.observe(at(100), at(0), left, seconds(reset), false);
        window
    }

    #[test]
    fn the_upper_half_is_free_and_the_lower_one_is_spread() {
        let mut window = window(9, 5);
        assert_eq!(window.may_send(at(100), 0), Ok(()));
        window.sent(at(100), 0);
        assert_eq!(window.may_send(at(100), 4), Ok(()));
        // Of 9, 5 are under way: 4 for 5 s.
        window.sent(at(100), 5);
        assert_eq!(window.may_send(at(100), 6), Err(at(1350)));
        assert_eq!(window.may_send(at(1350), 6), Ok(()));
    }

    #[test]
    fn those_under_way_count_as_used() {
        let mut window = window(3, 5);
        assert_eq!(window.may_send(at(100), 2), Ok(()));
        assert_eq!(window.may_send(at(100), 3), Err(at(5100)));
        assert_eq!(window.may_send(at(5099), 3), Err(at(5100)));
    }

    #[test]
    fn a_late_response_of_the_same_window_frees_nothing() {
        let mut window = window(5, 5);
        window.observe(at(150), at(10), 2, seconds(5), false);
        window.observe(at(160), at(5), 4, seconds(5), false);
        assert_eq!(window.may_send(at(160), 2), Err(at(5100)));
        // This one was sent after the news of 2.
        window.observe(at(300), at(150), 9, seconds(5), false);
        assert_eq!(window.may_send(at(300), 2), Ok(()));
    }

    #[test]
    fn after_the_end_the_pace_stays_until_a_response_tells() {
        let mut window = window(4, 4);
        window.sent(at(100), 0);
        assert_eq!(window.may_send(at(4100), 1), Ok(()));
        window.sent(at(4100), 1);
        assert_eq!(window.may_send(at(4100), 2), Err(at(5100)));
        window.observe(at(4200), at(4100), 9, seconds(4), false);
        assert_eq!(window.may_send(at(4200), 2), Ok(()));
    }

    #[test]
    fn who_says_0_seconds_with_nothing_left_means_more() {
        assert_eq!(window(0, 0).may_send(at(100), 0), Err(at(1100)));
    }

    #[test]
    fn resets_that_are_said_too_late_are_corrected_until_a_refusal() {
        let mut window = window(4, 4);
        window.observe(at(3300), at(3200), 9, seconds(4), false); // 0.8 s before 4.1
        assert_eq!(window.end, Some(at(6500)));
        window.observe(at(6600), at(6550), 0, seconds(1), true);
        assert_eq!(window.late, Duration::ZERO);
    }

    #[test]
    fn a_window_whose_end_is_said_a_little_later_is_the_same_and_ends_as_before() {
        let mut window = window(5, 5);
        // Resets are rounded up.
        window.observe(at(600), at(200), 4, seconds(5), false);
        assert_eq!(window.end, Some(at(5100)));
        window.observe(at(700), at(600), 3, seconds(9), false);
        assert_eq!(window.end, Some(at(9700)));
    }

    #[test]
    fn a_window_that_ends_far_too_early_corrects_later_ones_by_little() {
        let mut window = window(4, 3600);
        window.observe(at(3300), at(3200), 9, seconds(3600), false);
        assert_eq!(window.end, Some(at(3300).after(Duration::from_secs(3600) - LATEST)));
    }
}
