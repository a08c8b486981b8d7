//! Owns the times that a holder goes by. Never measures one.

use std::time::Duration;

/// The times that a holder goes by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Settings {
    /// For how long a grant may be used, from before it was asked for.
    pub(crate) term: Duration,
    /// How often the holder looks at what is used.
    pub(crate) look: Duration,
    /// How long the engine may be silent until it counts as away.
    pub(crate) patience: Duration,
}

impl Settings {
    /// The settings of a term: it looks every 25 ms, or more often in a very short term.
    pub(crate) fn of_term(term: Duration) -> Self {
        Self { term, look: (term / 10).min(Duration::from_millis(25)), patience: term / 4 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::of_term(Duration::from_secs(1))
    }
}
