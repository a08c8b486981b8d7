//! Owns why one policy refused, and for how long. Never decides.

use std::time::Duration;

use crate::answer::terms;

/// Why one policy refused.
///
/// | refusal | status | a wait |
/// |---|---|---|
/// | `Wait` | 429 | that long |
/// | `Never` | 413 for content bytes, otherwise 429 | does not help |
/// | `Unknown` | 429 | nobody knows |
/// | `Paused`, `NoRoom`, `Away` | 503 | that long, or nobody knows |
/// | `Closed`, `Cancelled` | 503 | does not help |
///
/// ```
/// use std::time::Duration;
/// use tollgate_http::Refusal;
///
/// let wait = Duration::from_millis(1500);
/// assert_eq!(Refusal::Wait(wait).wait(), Some(wait));
/// assert_eq!(Refusal::Never.wait(), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// Tokens are short for so long.
    Wait(Duration),
    /// The request is above the capacity: no wait helps.
    Never,
    /// Tokens are short, and nobody knows for how long: the rate is 0.
    Unknown,
    /// The bucket is paused; `None` if nobody knows for how long.
    Paused(Option<Duration>),
    /// The key is new and has no room; the least wait that is known.
    NoRoom(Option<Duration>),
    /// What holds the limit cannot be reached; the time until it is tried again, if that is known.
    Away(Option<Duration>),
    /// The bucket was closed for good.
    Closed,
    /// The service let the caller go before its turn came.
    Cancelled,
}

impl Refusal {
    /// Returns the wait after which an equal request may be granted; `None` if no wait helps, or
    /// nobody knows.
    ///
    /// ```
    /// assert_eq!(tollgate_http::Refusal::Paused(None).wait(), None);
    /// ```
    pub fn wait(&self) -> Option<Duration> {
        match *self {
            Self::Wait(wait) => Some(wait),
            Self::Paused(wait) | Self::NoRoom(wait) | Self::Away(wait) => wait,
            Self::Never | Self::Unknown | Self::Closed | Self::Cancelled => None,
        }
    }

    /// Returns the wait in whole seconds, rounded up, at least 1: for `Retry-After`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate_http::Refusal;
    ///
    /// assert_eq!(Refusal::Wait(Duration::from_millis(1500)).retry_after(), Some(2));
    /// assert_eq!(Refusal::Wait(Duration::ZERO).retry_after(), Some(1));
    /// assert_eq!(Refusal::Never.retry_after(), None);
    /// ```
    pub fn retry_after(&self) -> Option<u64> {
        self.wait().map(terms::whole_seconds)
    }

    /// Returns whether the service lacks capacity, rather than the client quota.
    pub(crate) fn is_of_the_service(&self) -> bool {
        matches!(self, Self::Paused(_) | Self::NoRoom(_) | Self::Away(_) | Self::Closed | Self::Cancelled)
    }
}
