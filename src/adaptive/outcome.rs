//! Owns what became of one request. It never acts on it.

use core::time::Duration;

/// What became of a request.
///
/// [`Adaptive::observe`](crate::adaptive::Adaptive::observe) takes one for each answer.
///
/// | the server | outcome |
/// |---|---|
/// | does the work | `Granted` |
/// | answers 429, or 503 for overload | `Refused`, with the `Retry-After` of the answer |
/// | does not answer, or fails for another reason | `Failed` |
///
/// ```
/// use std::time::Duration;
/// use tollgate::adaptive::Outcome;
///
/// fn outcome(status: u16, retry_after: Option<u64>) -> Outcome {
///     match status {
///         429 | 503 => Outcome::Refused { retry_after: retry_after.map(Duration::from_secs) },
///         500..=599 => Outcome::Failed,
///         _ => Outcome::Granted,
///     }
/// }
/// let refused = Outcome::Refused { retry_after: Some(Duration::from_secs(5)) };
/// assert_eq!(outcome(429, Some(5)), refused);
/// assert_eq!(outcome(502, None), Outcome::Failed);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The server did the work.
    Granted,
    /// The server refused the request, because there were too many.
    Refused {
        /// How long the server asks the client to wait. `None` if it does not say.
        retry_after: Option<Duration>,
    },
    /// The request failed in a way that says nothing about the server's limit.
    Failed,
}
