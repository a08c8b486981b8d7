//! Owns which header fields a response has, and their values. Never a decision.

use std::time::SystemTime;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::answer::policy::parameter_into;
use crate::answer::quota::Quota;
use crate::answer::terms::MOST;
use crate::answer::verdict;

pub(crate) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The limit, what remains, and the reset, each in a field of its own.
pub(crate) const OLD_TRIPLE: [HeaderName; 3] = [
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
];
pub(crate) const X_RATE_LIMIT: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];
/// The same as some services write it. It is read and never written.
pub(crate) const X_RATE_LIMIT_APART: [HeaderName; 3] = [
    HeaderName::from_static("x-rate-limit-limit"),
    HeaderName::from_static("x-rate-limit-remaining"),
    HeaderName::from_static("x-rate-limit-reset"),
];

/// A draft of the IETF's header fields for rate limits.
///
/// The fields change their names from draft to draft; a service says which it means.
///
/// ```
/// use tollgate_http::{Draft, Headers};
/// assert_eq!(Headers::ietf(Draft::D11), Headers::DEFAULT);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Draft {
    /// draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy` with `q`, `qu`, `w`, and
    /// `RateLimit` with `r`, the available quota, and `t`, the window in which it is the rate.
    D11,
}

/// How `X-RateLimit-Reset` says when all is available again.
///
/// ```
/// use tollgate_http::{Headers, Reset};
/// assert_ne!(Headers::none().x_ratelimit(Reset::Delta), Headers::none().x_ratelimit(Reset::Epoch));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Reset {
    /// In seconds from now, as Envoy does.
    Delta,
    /// In seconds since 1970, as GitHub does.
    Epoch,
}

/// Which generations of header fields are written, and which are read.
///
/// | generation | fields |
/// |---|---|
/// | IETF | `RateLimit-Policy` and `RateLimit`, for all policies |
/// | old triple | `RateLimit-Limit`, `-Remaining`, `-Reset`, for one policy |
/// | `X-RateLimit` | `X-RateLimit-Limit`, `-Remaining`, `-Reset`, for one policy |
/// | `Retry-After` | on a refusal, for all policies that refused |
///
/// The fields for one policy speak of the one that refused with the longest wait. If none refused,
/// they speak of the one with the smallest share of its capacity left. The limit is the capacity,
/// and the reset is when all is available again.
///
/// ```
/// use std::time::SystemTime;
/// use http::{HeaderMap, StatusCode};
/// use tollgate::Limit;
/// use tollgate_http::{Headers, Policy, Quota, Reset};
///
/// let policy = Policy::new("client", Limit::per_second(10).capacity(100))?;
/// let mut fields = HeaderMap::new();
/// let headers = Headers::DEFAULT.x_ratelimit(Reset::Delta);
/// let quotas = [Quota::granted(&policy, 50)];
/// headers.write(&quotas, StatusCode::OK, SystemTime::now(), &mut fields);
/// assert_eq!(fields["ratelimit-policy"], r#""client";q=100;w=10"#);
/// assert_eq!(fields["ratelimit"], r#""client";r=50;t=5"#);
/// assert_eq!(fields["x-ratelimit-limit"], "100");
/// assert_eq!(fields["x-ratelimit-remaining"], "50");
/// assert_eq!(fields["x-ratelimit-reset"], "5");
/// assert_eq!(fields.len(), 5);
/// # Ok::<(), tollgate_http::PolicyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Headers {
    pub(crate) ietf: Option<Draft>,
    pub(crate) old_triple: bool,
    pub(crate) x_ratelimit: Option<Reset>,
    pub(crate) retry_after: bool,
}

impl Headers {
    /// Writes the newest draft that this crate knows, and `Retry-After`.
    pub const DEFAULT: Self = Self::ietf(Draft::D11);

    /// Writes every generation; `X-RateLimit-Reset` is a delta.
    pub const ALL: Self = Self::DEFAULT.old_triple().x_ratelimit(Reset::Delta);

    /// Writes a draft of the IETF's fields, and `Retry-After`.
    ///
    /// ```
    /// use tollgate_http::{Draft, Headers};
    /// assert_eq!(Headers::ietf(Draft::D11).retry_after(false), Headers::none().draft(Draft::D11));
    /// ```
    pub const fn ietf(draft: Draft) -> Self {
        Self { retry_after: true, ..Self::none().draft(draft) }
    }

    /// Writes nothing.
    ///
    /// ```
    /// use tollgate_http::Headers;
    /// assert_ne!(Headers::none().retry_after(true), Headers::none());
    /// ```
    pub const fn none() -> Self {
        Self { ietf: None, old_triple: false, x_ratelimit: None, retry_after: false }
    }

    /// Adds a draft of the IETF's fields.
    ///
    /// ```
    /// use tollgate_http::{Draft, Headers};
    /// assert_eq!(Headers::none().draft(Draft::D11).retry_after(true), Headers::DEFAULT);
    /// ```
    #[must_use]
    pub const fn draft(self, draft: Draft) -> Self {
        Self { ietf: Some(draft), ..self }
    }

    /// Adds the old triple: `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`.
    ///
    /// ```
    /// use tollgate_http::Headers;
    /// assert_ne!(Headers::DEFAULT.old_triple(), Headers::DEFAULT);
    /// ```
    #[must_use]
    pub const fn old_triple(self) -> Self {
        Self { old_triple: true, ..self }
    }

    /// Adds `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`.
    ///
    /// ```
    /// use tollgate_http::{Headers, Reset};
    /// assert_eq!(Headers::DEFAULT.old_triple().x_ratelimit(Reset::Delta), Headers::ALL);
    /// ```
    #[must_use]
    pub const fn x_ratelimit(self, reset: Reset) -> Self {
        Self { x_ratelimit: Some(reset), ..self }
    }

    /// Sets whether a refusal has `Retry-After`.
    ///
    /// ```
    /// use tollgate_http::Headers;
    /// assert_ne!(Headers::DEFAULT.retry_after(false), Headers::DEFAULT);
    /// ```
    #[must_use]
    pub const fn retry_after(self, written: bool) -> Self {
        Self { retry_after: written, ..self }
    }

    /// Writes the fields of a response.
    ///
    /// * A response with a status of 1xx or 3xx gets none.
    /// * A policy without a limit is not mentioned.
    /// * In a refusal, `t` is the time to wait. Only policies have it that refused, or that have
    ///   too little [for the next request](Quota::again_in). Otherwise `t` is the window in which
    ///   `r` is the rate.
    /// * Fields that are there stay. `RateLimit-Policy` and `RateLimit` are lists and get a further
    ///   line. A triple of which a field is there is not written, nor a second `Retry-After`.
    /// * No field names a client.
    ///
    /// `now` matters for [`Reset::Epoch`] only.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use http::{HeaderMap, StatusCode};
    /// use tollgate_http::{Headers, Policy, Quota, Refusal};
    ///
    /// let policy = Policy::new("client", tollgate::Limit::per_minute(25))?;
    /// let refusal = Refusal::Wait(Duration::from_millis(2400));
    /// let (status, now) = (StatusCode::TOO_MANY_REQUESTS, SystemTime::now());
    /// let mut fields = HeaderMap::new();
    /// Headers::DEFAULT.write(&[Quota::refused(&policy, 0, refusal)], status, now, &mut fields);
    /// assert_eq!(fields["retry-after"], "3");
    /// assert_eq!(fields["ratelimit"], r#""client";r=0;t=3"#);
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn write(self, quotas: &[Quota<'_>], status: StatusCode, now: SystemTime, fields: &mut HeaderMap) {
        if status.is_informational() || status.is_redirection() {
            return;
        }
        if let Some(Draft::D11) = self.ietf {
            write_ietf(quotas, fields);
        }
        if let Some(triple) = Triple::of(quotas) {
            if self.old_triple {
                triple.write(OLD_TRIPLE, triple.reset, fields);
            }
            if let Some(reset) = self.x_ratelimit {
                let reset = match reset {
                    Reset::Delta => triple.reset,
                    Reset::Epoch => triple.reset.map(|reset| epoch(now, reset)),
                };
                triple.write(X_RATE_LIMIT, reset, fields);
            }
        }
        if self.retry_after && !fields.contains_key(RETRY_AFTER) {
            if let Some(seconds) = verdict::retry_after(quotas) {
                fields.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
        }
    }
}

impl Default for Headers {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The bytes that most items need: more are allocated, if they need more.
const ITEM: usize = 64;

fn write_ietf(quotas: &[Quota<'_>], fields: &mut HeaderMap) {
    let refused = verdict::is_refusal(quotas);
    let mut policies = String::with_capacity(ITEM * quotas.len());
    let mut items = String::with_capacity(ITEM * quotas.len());
    for quota in quotas {
        quota.policy().write_into(&mut policies);
        let Some((r, window)) = quota.effective() else { continue };
        let t = if refused { quota.retry_after() } else { window };
        let separator = if items.is_empty() { "" } else { ", " };
        items.push_str(separator);
        items.push_str(quota.policy().quoted_name());
        parameter_into(&mut items, "r", r);
        if let Some(t) = t {
            parameter_into(&mut items, "t", t);
        }
    }
    for (name, text) in [(POLICY, policies), (RATE_LIMIT, items)] {
        // Names are printable ASCII, so no value is refused.
        if let (false, Ok(value)) = (text.is_empty(), HeaderValue::try_from(text)) {
            fields.append(name, value);
        }
    }
}

/// The numbers of one policy, for fields with a single value.
struct Triple {
    limit: u64,
    remaining: u64,
    /// Seconds from now; `None` if nobody knows.
    reset: Option<u64>,
}

impl Triple {
    /// Of the quota that speaks for all.
    fn of(quotas: &[Quota<'_>]) -> Option<Self> {
        let quota = verdict::speaker(quotas)?;
        let terms = quota.policy().terms()?;
        let remaining = quota.available()?.min(terms.capacity);
        Some(Self { limit: terms.capacity, remaining, reset: quota.full_after() })
    }

    fn write(&self, names: [HeaderName; 3], reset: Option<u64>, fields: &mut HeaderMap) {
        if names.iter().any(|name| fields.contains_key(name)) {
            return;
        }
        let values = [Some(self.limit), Some(self.remaining), reset];
        for (name, value) in names.into_iter().zip(values) {
            if let Some(value) = value {
                fields.insert(name, HeaderValue::from(value));
            }
        }
    }
}

/// Returns the second since 1970 that is not before `now` and so many seconds.
fn epoch(now: SystemTime, seconds: u64) -> u64 {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let rounded = now.as_secs().saturating_add((now.subsec_nanos() > 0).into());
    rounded.saturating_add(seconds).min(MOST)
}
