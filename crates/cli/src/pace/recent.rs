//! Owns which readings count as recent. Never takes one.

use std::collections::VecDeque;
use std::time::Duration;

use crate::pace::meter::Reading;

/// The time whose rates are shown, and from which the time left is derived.
pub const RECENT: Duration = Duration::from_secs(5);

/// The readings of the last [`RECENT`], and the one before them.
///
/// ```
/// use std::time::Duration;
/// use tollgate_cli::pace::meter::Reading;
/// use tollgate_cli::pace::recent::Recent;
///
/// let reading = |seconds, bytes| Reading { elapsed: Duration::from_secs(seconds), bytes, ..Reading::default() };
/// let mut recent = Recent::default();
/// assert_eq!(recent.push(reading(3, 900)), reading(3, 900));
/// assert_eq!(recent.push(reading(6, 1000)), reading(6, 1000));
/// assert_eq!(recent.push(reading(8, 1001)), reading(5, 101)); // since 3 s
/// assert_eq!(recent.push(reading(60, 1001)), reading(52, 0)); // nothing nearer to 55 s
/// ```
#[derive(Clone, Debug)]
pub struct Recent(VecDeque<Reading>);

impl Default for Recent {
    /// Begins with nothing at the begin of the copy.
    fn default() -> Self {
        Self(VecDeque::from([Reading::default()]))
    }
}

impl Recent {
    /// Adds a reading, and returns what it counts since the last one that is [`RECENT`] old.
    pub fn push(&mut self, now: Reading) -> Reading {
        while self.0.get(1).is_some_and(|second| now.elapsed - second.elapsed >= RECENT) {
            self.0.pop_front();
        }
        let since = self.0.front().copied().unwrap_or_default();
        self.0.push_back(now);
        now.since(&since)
    }
}
