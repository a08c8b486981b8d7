//! Owns how long a pause is: what was asked for, some random time, and a cap. Pure.

use std::time::Duration;

/// The random time is at most a tenth of the pause, and at most so long.
const MOST: Duration = Duration::from_secs(5);

/// Returns a pause of at least `wait`, but at most `longest`, with a share of the random time.
///
/// The share is within 0 and 1. Clients that pause for the longest time end apart, too.
pub(crate) fn pause(wait: Duration, longest: Duration, share: f64) -> Duration {
    let wait = wait.min(longest);
    let span = (wait / 10).min(MOST);
    wait.min(longest - span) + span.mul_f64(share.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_pause_is_never_shorter_than_what_was_asked_for_but_for_the_cap() {
        for share in [0.0, 0.3, 1.0] {
            for seconds in [0, 1, 7, 90, 540] {
                let wait = SECOND * seconds;
                let paused = pause(wait, SECOND * 600, share);
                assert!(paused >= wait && paused <= wait + (wait / 10).min(MOST), "{wait:?} {paused:?}");
            }
        }
    }

    #[test]
    fn no_pause_exceeds_the_cap_and_those_at_the_cap_end_apart() {
        for share in [0.0, 0.3, 1.0] {
            assert!(pause(Duration::MAX, SECOND * 600, share) <= SECOND * 600);
        }
        let ends = [0.0, 0.5, 1.0].map(|share| pause(SECOND * 599, SECOND * 600, share));
        assert!(ends[0] < ends[1] && ends[1] < ends[2], "{ends:?}");
        assert_eq!(pause(SECOND, Duration::ZERO, 1.0), Duration::ZERO);
    }
}
