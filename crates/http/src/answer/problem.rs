//! Owns the body of a refusal, as problem details. Never a header field.

use http::StatusCode;

use crate::answer::quota::Quota;
use crate::answer::refusal::Refusal;
use crate::answer::verdict::{status, violated};

/// The content type of [`problem`]: `application/problem+json`.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Returns the status and the body of a refusal; `None` if no policy refused.
///
/// The body is of the type [`PROBLEM_JSON`]. `violated-policies` are the names of all policies that
/// refused. The status is that of [`status`]; it is a member of the body, too.
///
/// | the quotas | type |
/// |---|---|
/// | a closed bucket, or a caller that was let go | none: the status says all |
/// | otherwise a pause, no room for a key, or a limit that is away | `…#temporary-reduced-capacity` |
/// | otherwise | `…#quota-exceeded` |
///
/// Content bytes that never fit are 413, and of the last type.
///
/// ```
/// use http::StatusCode;
/// use tollgate_http::{Policy, Quota, Refusal, problem};
///
/// let policy = Policy::new("daily", tollgate::Limit::per_day(1000))?;
/// let (status, body) = problem(&[Quota::refused(&policy, 0, Refusal::Unknown)]).unwrap();
/// assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
/// assert!(body.ends_with(r#","violated-policies":["daily"]}"#));
/// # Ok::<(), tollgate_http::PolicyError>(())
/// ```
pub fn problem(quotas: &[Quota<'_>]) -> Option<(StatusCode, String)> {
    let status = status(quotas)?;
    let over = |refusal| matches!(refusal, Refusal::Closed | Refusal::Cancelled);
    // JSON is written by hand: a few constants, a number, and names that are printable ASCII.
    let (kind, title) = if status != StatusCode::SERVICE_UNAVAILABLE {
        ("https://iana.org/assignments/http-problem-types#quota-exceeded", "The request exceeds a quota")
    } else if violated(quotas).any(|(_, refusal)| over(refusal)) {
        ("about:blank", "Service Unavailable")
    } else {
        (
            "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
            "The service has less capacity for a time",
        )
    };
    let number = status.as_u16();
    let mut body = format!(r#"{{"type":"{kind}","title":"{title}","status":{number},"violated-policies":["#);
    for (i, (quota, _)) in violated(quotas).enumerate() {
        body.push_str(if i == 0 { "" } else { "," });
        body.push_str(quota.policy().quoted_name());
    }
    body.push_str("]}");
    Some((status, body))
}
