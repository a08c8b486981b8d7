//! Owns what is settled by a response. Never settles.

use http::StatusCode;

/// What of a request's cost its response settles.
///
/// ```
/// assert_eq!(tollgate_tower::Settle::default(), tollgate_tower::Settle::Nothing);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Settle {
    /// Nothing: what a request took is what it cost.
    #[default]
    Nothing,
    /// The streams of [`Unit::ContentBytes`](tollgate_http::Unit::ContentBytes), to the bytes of
    /// the response's body that were sent.
    ///
    /// What a request took of them is an estimate, of at least 1. While the body is sent, what
    /// exceeds the estimate is charged, and may leave a debt, which refuses the client's next
    /// requests. When the body ends, or the client hangs up, what was not sent comes back. A
    /// response without content settles to 0: to `HEAD`, 204, 205 and 304.
    ResponseBody,
}

/// What becomes of a request that does not say whose it is.
///
/// ```
/// use http::StatusCode;
/// let default = tollgate_tower::Keyless::Refuse(StatusCode::INTERNAL_SERVER_ERROR);
/// assert_eq!(tollgate_tower::Keyless::default(), default);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Keyless {
    /// It is refused with this status, and problem details that name the limit. With 500, as is the
    /// default, for a server that forgets to say who its peers are.
    Refuse(StatusCode),
    /// It passes, and counts at no limit.
    Admit,
}

impl Default for Keyless {
    fn default() -> Self {
        Self::Refuse(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
