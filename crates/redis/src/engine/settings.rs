//! Owns how an engine is talked to. Never talks.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What to do if the engine evicts keys when its memory is full.
///
/// An evicted limit counts as full after a while, whatever was taken from it.
///
/// ```
/// use tollgate_redis::Evictions;
///
/// assert_eq!(Evictions::default(), Evictions::Refuse);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Evictions {
    /// Does not join.
    #[default]
    Refuse,
    /// Joins, and [warns](crate::Engine::warnings).
    Warn,
}

/// How an engine is talked to.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) authority: Option<PathBuf>,
    pub(super) connect_within: Duration,
    pub(super) answer_within: Duration,
    pub(super) evictions: Evictions,
    /// By how much the engine's clock may step back and be waited for.
    pub(super) tolerance: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            user: None,
            password: None,
            authority: None,
            connect_within: Duration::from_secs(1),
            answer_within: Duration::from_millis(500),
            evictions: Evictions::Refuse,
            tolerance: Duration::from_secs(2),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No password.
        f.debug_struct("Settings")
            .field("user", &self.user)
            .field("authority", &self.authority)
            .field("connect_within", &self.connect_within)
            .field("answer_within", &self.answer_within)
            .field("evictions", &self.evictions)
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}
