//! Owns what several quotas say together: the status, the wait, and who speaks. Never text.

use std::cmp::{Ordering, Reverse};
use std::time::Duration;

use http::StatusCode;

use crate::answer::quota::Quota;
use crate::answer::refusal::Refusal;
use crate::answer::terms;
use crate::answer::unit::Unit;

/// Returns the status of a refusal; `None` if no policy refused.
///
/// | the quotas | status |
/// |---|---|
/// | content bytes that never fit | 413 |
/// | otherwise a pause, no room for a key, a closed bucket, a limit that is away | 503 |
/// | otherwise | 429 |
///
/// ```
/// use http::StatusCode;
/// use tollgate::Limit;
/// use tollgate_http::{Policy, Quota, Refusal, Unit, status};
///
/// let requests = Policy::new("requests", Limit::per_second(10))?;
/// let bytes = Policy::new("bytes", Limit::per_second(1000))?.unit(Unit::ContentBytes);
/// assert_eq!(status(&[Quota::granted(&requests, 1)]), None);
/// let short = Quota::refused(&requests, 0, Refusal::Unknown);
/// assert_eq!(status(&[short]), Some(StatusCode::TOO_MANY_REQUESTS));
/// let large = Quota::refused(&bytes, 900, Refusal::Never);
/// assert_eq!(status(&[short, large]), Some(StatusCode::PAYLOAD_TOO_LARGE));
/// # Ok::<(), tollgate_http::PolicyError>(())
/// ```
pub fn status(quotas: &[Quota<'_>]) -> Option<StatusCode> {
    let mut status = None;
    for (quota, refusal) in violated(quotas) {
        if refusal == Refusal::Never && *quota.policy().counts() == Unit::ContentBytes {
            return Some(StatusCode::PAYLOAD_TOO_LARGE);
        }
        if refusal.is_of_the_service() {
            status = Some(StatusCode::SERVICE_UNAVAILABLE);
        }
        status = status.or(Some(StatusCode::TOO_MANY_REQUESTS));
    }
    status
}

/// Returns the longest wait before an equal request, in whole seconds, rounded up, at least 1.
///
/// It is that of the policies that refused, and of those that a counted attempt left too little:
/// see [`Quota::again_in`]. It is `None` if no policy refused, if no wait helps, or if nobody knows
/// it. It is never before a `t` of the same response.
///
/// ```
/// use std::time::Duration;
/// use tollgate::Limit;
/// use tollgate_http::{Policy, Quota, Refusal, retry_after};
///
/// let policy = Policy::new("client", Limit::per_minute(40).capacity(1))?;
/// let wait = Refusal::Wait(Duration::from_millis(1500));
/// let quotas = [Quota::refused(&policy, 0, wait)];
/// assert_eq!(retry_after(&quotas), Some(2));
/// assert_eq!(retry_after(&[quotas[0], Quota::refused(&policy, 0, Refusal::Never)]), None);
/// # Ok::<(), tollgate_http::PolicyError>(())
/// ```
pub fn retry_after(quotas: &[Quota<'_>]) -> Option<u64> {
    wait(quotas).map(terms::whole_seconds)
}

/// Returns the longest wait before an equal request, exactly; `None` as `retry_after` does.
pub(crate) fn wait(quotas: &[Quota<'_>]) -> Option<Duration> {
    let longest = |longest: Duration, wait: Option<Duration>| Some(longest.max(wait?));
    is_refusal(quotas).then(|| quotas.iter().map(Quota::wait).try_fold(Duration::ZERO, longest))?
}

/// Returns the quotas that refused, and why.
pub(crate) fn violated<'q, 'a>(quotas: &'q [Quota<'a>]) -> impl Iterator<Item = (&'q Quota<'a>, Refusal)> {
    quotas.iter().filter_map(|quota| Some((quota, quota.refusal()?)))
}

/// Returns whether a policy refused.
pub(crate) fn is_refusal(quotas: &[Quota<'_>]) -> bool {
    violated(quotas).next().is_some()
}

/// Returns the quota that fields with a single value speak of; `None` if none has numbers.
///
/// Of those that refused it is the one with the longest wait, the first of several. A wait that
/// does not help, or that nobody knows, is the longest. If none refused, it is the one with the
/// smallest share of its capacity left.
pub(crate) fn speaker<'q, 'a>(quotas: &'q [Quota<'a>]) -> Option<&'q Quota<'a>> {
    let numbered = || quotas.iter().filter(|quota| quota.policy().terms().is_some() && quota.available().is_some());
    let wait = |quota: &&Quota<'_>| Reverse(quota.refusal().map(|refusal| refusal.wait().unwrap_or(Duration::MAX)));
    let refused = numbered().filter(|quota| quota.refusal().is_some()).min_by_key(wait);
    refused.or_else(|| numbered().min_by(|one, other| share(one, other)))
}

/// Compares the shares of their capacities that two quotas have left, exactly.
fn share(one: &Quota<'_>, other: &Quota<'_>) -> Ordering {
    let numbers = |quota: &Quota<'_>| {
        let capacity = quota.policy().limit().capacity;
        (u128::from(quota.available().unwrap_or(capacity)), u128::from(capacity))
    };
    let ((left, capacity), (others_left, others_capacity)) = (numbers(one), numbers(other));
    (left * others_capacity).cmp(&(others_left * capacity))
}
