//! Owns why a request was not sent. Never decides it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Says why a request was not sent.
///
/// A service returns it as a boxed error: find it by `downcast_ref`.
///
/// ```
/// use std::time::Duration;
/// use tollgate_tower::ThrottleError;
///
/// let error = ThrottleError::Paused { left: Duration::from_secs(30) };
/// assert_eq!(error.to_string(), "the server asked for a pause, which lasts another 30s");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ThrottleError {
    /// The client's own limits cannot grant the request in time.
    OwnLimit {
        /// How long it would have to wait; `None` if nobody knows.
        wait: Option<Duration>,
    },
    /// The request takes more of an own limit than that ever grants.
    Never,
    /// The server asked for a pause that ends too late.
    Paused {
        /// How long the pause still lasts.
        left: Duration,
    },
    /// The line before the server is too long, or the server too slow.
    InLine {
        /// How long the request stood in it.
        waited: Duration,
    },
    /// An own limit does not know whose the request is.
    Keyless {
        /// The name of the limit.
        limit: String,
    },
}

impl fmt::Display for ThrottleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnLimit { wait: Some(wait) } => write!(f, "the client's limit would grant it in {wait:?}, too late"),
            Self::OwnLimit { wait: None } => f.write_str("the client's limit does not grant it in time"),
            Self::Never => f.write_str("the request is above the capacity of the client's limit"),
            Self::Paused { left } => write!(f, "the server asked for a pause, which lasts another {left:?}"),
            Self::InLine { waited } => write!(f, "the request waited {waited:?} in line for the server"),
            Self::Keyless { limit } => write!(f, "the limit {limit:?} does not know whose the request is"),
        }
    }
}

impl Error for ThrottleError {}
