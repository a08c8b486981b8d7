//! Owns what can be observed of a layer. Never counts.

use std::sync::Arc;
use std::time::Duration;

/// What became of a request at one limit.
///
/// ```
/// assert_eq!(tollgate_tower::Outcome::NoRoom.as_str(), "no_room");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// All limits granted it at once.
    Granted,
    /// All limits granted it after a wait.
    Waited,
    /// This limit refused it.
    Refused,
    /// This limit has no room for another key.
    NoRoom,
    /// What holds this limit cannot be reached.
    Away,
    /// The client hung up while the request waited.
    Cancelled,
}

impl Outcome {
    /// Returns the outcome as metrics have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Waited => "waited",
            Self::Refused => "refused",
            Self::NoRoom => "no_room",
            Self::Away => "away",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a limit holds, whatever passes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Level<'a> {
    /// The keys that have a bucket.
    Keys(usize),
    /// The tokens that a stream of a shared limit owes.
    Debt {
        /// The stream: `requests`, `bytes`, or its unit's name.
        stream: &'a str,
        /// How many.
        tokens: u64,
    },
}

/// Sees what a layer decides. All methods do nothing unless they are written.
///
/// A key is never shown: there is no end to them. The unit type observes nothing, at no cost. To
/// observe twice, give a pair.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::Duration;
/// use tollgate_tower::{Observer, Outcome};
///
/// #[derive(Default)]
/// struct Refusals(AtomicU64);
///
/// impl Observer for Refusals {
///     fn decided(&self, _limit: &str, outcome: Outcome, _waited: Duration) {
///         if outcome == Outcome::Refused {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// let refusals = Refusals::default();
/// refusals.decided("client", Outcome::Refused, Duration::ZERO);
/// assert_eq!(refusals.0.into_inner(), 1);
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Whether anything is observed. Otherwise nothing is told, and nothing is measured for it.
    const OBSERVES: bool = true;

    /// A request was decided.
    ///
    /// A request that is granted, or that hangs up, is told once for each limit. One that is
    /// refused is told for each limit that refused it.
    fn decided(&self, limit: &str, outcome: Outcome, waited: Duration) {
        let _ = (limit, outcome, waited);
    }

    /// A request has used tokens of one stream: when it is over, corrected by its response.
    fn used(&self, limit: &str, stream: &str, tokens: u64) {
        let _ = (limit, stream, tokens);
    }

    /// A request did not say whose it is, as this limit has to know.
    fn keyless(&self, limit: &str) {
        let _ = limit;
    }

    /// A limit holds so much: told by [`report`](crate::TollgateLayer::report) alone.
    fn level(&self, limit: &str, level: Level<'_>) {
        let _ = (limit, level);
    }
}

impl Observer for () {
    const OBSERVES: bool = false;
}

impl<O: Observer> Observer for Arc<O> {
    const OBSERVES: bool = O::OBSERVES;

    fn decided(&self, limit: &str, outcome: Outcome, waited: Duration) {
        O::decided(self, limit, outcome, waited);
    }

    fn used(&self, limit: &str, stream: &str, tokens: u64) {
        O::used(self, limit, stream, tokens);
    }

    fn keyless(&self, limit: &str) {
        O::keyless(self, limit);
    }

    fn level(&self, limit: &str, level: Level<'_>) {
        O::level(self, limit, level);
    }
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    const OBSERVES: bool = A::OBSERVES || B::OBSERVES;

    fn decided(&self, limit: &str, outcome: Outcome, waited: Duration) {
        self.0.decided(limit, outcome, waited);
        self.1.decided(limit, outcome, waited);
    }

    fn used(&self, limit: &str, stream: &str, tokens: u64) {
        self.0.used(limit, stream, tokens);
        self.1.used(limit, stream, tokens);
    }

    fn keyless(&self, limit: &str) {
        self.0.keyless(limit);
        self.1.keyless(limit);
    }

    fn level(&self, limit: &str, level: Level<'_>) {
        self.0.level(limit, level);
        self.1.level(limit, level);
    }
}
