//! Owns whether a policy was seen to refill so often that it counts by no windows. Pure.

use std::time::Duration;

use tollgate::clock::Time;

/// No window is shorter than a second, less what round trips differ.
const SHORTEST: Duration = Duration::from_millis(800);

/// When a policy refilled, as its responses show.
///
/// A request that was sent after a response had come was counted after that. So if no less is left
/// after it, there was a refill between the two. Two refills within less than a window are those of
/// a bucket.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Refills {
    /// What was left, and when that was learned.
    known: Option<(u64, Time)>,
    last: Option<Time>,
    is_bucket: bool,
}

impl Refills {
    /// More that is left is then no refill.
    pub(crate) const fn limit_changed(&mut self) {
        (self.known, self.last) = (None, None);
    }

    /// Learns what is left after a request that was sent at `sent_at`. Returns whether the policy
    /// is known to be a bucket.
    pub(crate) fn observe(&mut self, now: Time, sent_at: Time, left: u64) -> bool {
        if let Some((known, since)) = self.known {
            if sent_at < since {
                return self.is_bucket;
            }
            if left >= known {
                self.is_bucket |= self.last.is_some_and(|last| now.since(last) < SHORTEST);
                self.last = Some(now);
            }
        }
        self.known = Some((left, now));
        self.is_bucket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_bucket(responses: &[(u64, u64, u64)]) -> bool {
        let at = |millis| Time::ZERO.after(Duration::from_millis(millis));
        let mut refills = Refills::default();
        responses.iter().any(|&(sent_at, now, left)| refills.observe(at(now), at(sent_at), left))
    }

    #[test]
    fn two_refills_within_a_second_are_those_of_a_bucket() {
        assert!(is_bucket(&[(0, 10, 1), (50, 60, 1), (100, 110, 1)]));
        assert!(!is_bucket(&[(0, 10, 1), (50, 60, 1), (900, 910, 1)]));
    }

    #[test]
    fn a_window_that_ends_refills_once() {
        assert!(!is_bucket(&[(0, 10, 2), (50, 60, 1), (100, 110, 9), (150, 160, 8), (200, 210, 7)]));
    }

    #[test]
    fn a_limit_that_is_raised_is_no_refill() {
        let at = |millis| Time::ZERO.after(Duration::from_millis(millis));
        let mut refills = Refills::default();
        for (sent_at, now, left) in [(0, 10, 1), (50, 60, 9)] {
            assert!(!refills.observe(at(now), at(sent_at), left));
        }
        refills.limit_changed();
        assert!(!refills.observe(at(110), at(100), 19));
    }

    #[test]
    fn responses_out_of_turn_show_no_refill() {
        assert!(!is_bucket(&[(0, 50, 5), (10, 60, 7), (20, 70, 9), (60, 90, 4), (61, 91, 6)]));
    }
}
