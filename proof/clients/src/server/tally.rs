//! Owns what a server answered, and when. Never judges it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// One answer of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// When it was decided, since 1970.
    pub at: Duration,
    pub granted: bool,
}

/// The answers of a server, in the order of its decisions.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Vec<Answer>>);

impl Tally {
    pub(crate) fn add(&self, granted: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Answer { at: since_1970(), granted });
    }

    pub(crate) fn answers(&self) -> Vec<Answer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns the time of the system, as servers in other processes count it.
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
