//! Owns what a response says of one policy. Never reads text.

use std::time::Duration;

/// What a response says of one policy. What it does not say is `None`.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use tollgate_http::client::Advice;
///
/// let mut fields = HeaderMap::new();
/// let policy = HeaderValue::from_static(r#""upload";q=1000;qu="content-bytes";w=60"#);
/// fields.insert("ratelimit-policy", policy);
/// fields.insert("ratelimit", HeaderValue::from_static(r#""upload";r=300;t=18"#));
/// let advice = Advice::of(StatusCode::OK, &fields, SystemTime::now()).unwrap();
/// let [upload] = advice.allowances() else { panic!() };
/// assert_eq!(upload.name.as_deref(), Some("upload"));
/// assert_eq!((upload.available, upload.reset), (Some(300), Some(Duration::from_secs(18))));
/// assert_eq!((upload.quota, upload.window), (Some(1000), Some(Duration::from_secs(60))));
/// assert_eq!(upload.unit.as_deref(), Some("content-bytes"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Allowance {
    /// The name of the policy.
    pub name: Option<String>,
    /// What is left, in units of the policy: `r`, `a` or `remaining`.
    pub available: Option<u64>,
    /// The time in which that may be used, or until there is more: `t`, `w` or `reset`.
    pub reset: Option<Duration>,
    /// What one window allows, in units of the policy: `q`, `c` or `limit`.
    pub quota: Option<u64>,
    /// The window of the quota.
    pub window: Option<Duration>,
    /// The unit of the policy; `None` is requests.
    pub unit: Option<String>,
    /// The capacity where it is not the quota: `tollgate-burst`.
    pub burst: Option<u64>,
}

impl Allowance {
    /// Returns whether nothing is left.
    ///
    /// ```
    /// assert!(!tollgate_http::client::Allowance::default().is_exhausted());
    /// ```
    pub fn is_exhausted(&self) -> bool {
        self.available == Some(0)
    }
}
