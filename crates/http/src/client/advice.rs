//! Owns what a response says of limits, in all: whether it refused, the wait, and what is left.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};

use crate::answer::headers::{Headers, OLD_TRIPLE, X_RATE_LIMIT, X_RATE_LIMIT_APART};
use crate::client::allowance::Allowance;
use crate::client::{grpc, reading, times};

/// Which fields a wait was read from.
///
/// ```
/// use std::time::SystemTime;
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use tollgate_http::client::{Advice, Source};
///
/// let mut fields = HeaderMap::new();
/// fields.insert("retry-after", HeaderValue::from(3));
/// fields.insert("x-ratelimit-reset", HeaderValue::from(60));
/// let advice = Advice::of(StatusCode::TOO_MANY_REQUESTS, &fields, SystemTime::now()).unwrap();
/// assert_eq!(advice.source(), Some(Source::RetryAfter));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Source {
    /// `Retry-After`.
    RetryAfter,
    /// `RateLimit`, of any draft.
    RateLimit,
    /// `RateLimit-Reset`.
    OldTriple,
    /// `X-RateLimit-Reset` or `X-Rate-Limit-Reset`.
    XRateLimit,
    /// `RetryInfo` in `grpc-status-details-bin`, or `grpc-retry-pushback-ms`.
    Grpc,
}

/// What a response says of limits: whether it is a refusal, how long to wait, and what is left.
///
/// A response is a refusal if its status is
///
/// * 429;
/// * any other of 4xx or 5xx, with `Retry-After`;
/// * 403, with nothing left, as GitHub refuses.
///
/// So is a gRPC response that has only trailers, if its `grpc-status` is
///
/// * 8, `RESOURCE_EXHAUSTED`;
/// * 14, `UNAVAILABLE`, and it says when to come back.
///
/// The wait is
///
/// * of a refusal: that of `Retry-After`; in gRPC, of `RetryInfo` or else of
///   `grpc-retry-pushback-ms`. Without it, or if it is 0, the longest reset of a policy with
///   nothing left; if all have something left, the longest reset;
/// * of any other response: the longest reset of a policy with nothing left.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use tollgate_http::client::Advice;
///
/// let mut fields = HeaderMap::new();
/// fields.insert("ratelimit", HeaderValue::from_static(r#""day";r=900;t=800, "min";r=0;t=7"#));
/// let advice = Advice::of(StatusCode::OK, &fields, SystemTime::now()).unwrap();
/// assert!(!advice.is_refusal());
/// assert_eq!(advice.wait(), Some(Duration::from_secs(7)));
/// assert_eq!(advice.pause(Duration::from_secs(5)), Some(Duration::from_secs(5)));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Advice {
    refusal: bool,
    is_final: bool,
    wait: Option<(Duration, Source)>,
    allowances: Vec<Allowance>,
}

impl Advice {
    /// The longest pause that a client should accept unless it knows better: 10 minutes.
    pub const MAX_PAUSE: Duration = Duration::from_secs(600);

    /// Reads all generations of fields; `None` if a response says nothing of limits.
    ///
    /// `now` is a reading of the client's wall clock. It matters only if there is no `Date`.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use http::{HeaderMap, HeaderValue, StatusCode};
    /// use tollgate_http::client::Advice;
    ///
    /// let mut fields = HeaderMap::new();
    /// let now = SystemTime::UNIX_EPOCH; // the client's clock is far off
    /// assert_eq!(Advice::of(StatusCode::OK, &fields, now), None);
    /// fields.insert("date", HeaderValue::from_static("Tue, 15 Nov 1994 08:12:31 GMT"));
    /// fields.insert("retry-after", HeaderValue::from_static("Tue, 15 Nov 1994 08:13:01 GMT"));
    /// let advice = Advice::of(StatusCode::SERVICE_UNAVAILABLE, &fields, now).unwrap();
    /// assert_eq!(advice.wait(), Some(Duration::from_secs(30)));
    /// ```
    pub fn of(status: StatusCode, fields: &HeaderMap, now: SystemTime) -> Option<Self> {
        Headers::ALL.read(status, fields, now)
    }

    /// Returns whether the response is a refusal because of a limit.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use http::{HeaderMap, StatusCode};
    /// use tollgate_http::client::Advice;
    ///
    /// let status = StatusCode::TOO_MANY_REQUESTS;
    /// let advice = Advice::of(status, &HeaderMap::new(), SystemTime::now()).unwrap();
    /// assert!(advice.is_refusal());
    /// assert_eq!(advice.wait(), None); // it does not say how long
    /// ```
    pub fn is_refusal(&self) -> bool {
        self.refusal
    }

    /// Returns whether the server asks not to send the request again: by a negative
    /// `grpc-retry-pushback-ms`.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use http::{HeaderMap, HeaderValue, StatusCode};
    /// use tollgate_http::client::Advice;
    ///
    /// let mut fields = HeaderMap::new();
    /// fields.insert("grpc-status", HeaderValue::from(8));
    /// fields.insert("grpc-retry-pushback-ms", HeaderValue::from(-1));
    /// let advice = Advice::of(StatusCode::OK, &fields, SystemTime::now()).unwrap();
    /// assert!(advice.is_refusal() && advice.is_final());
    /// ```
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    /// Returns how long to wait before the next request; `None` if the response does not say so.
    ///
    /// It counts from the receipt of the response. It may be very long: see [`pause`](Self::pause).
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use http::{HeaderMap, HeaderValue, StatusCode};
    /// use tollgate_http::client::Advice;
    ///
    /// let mut fields = HeaderMap::new();
    /// fields.insert("retry-after", HeaderValue::from(86_400));
    /// let advice = Advice::of(StatusCode::TOO_MANY_REQUESTS, &fields, SystemTime::now()).unwrap();
    /// assert_eq!(advice.wait(), Some(Duration::from_secs(86_400)));
    /// ```
    pub fn wait(&self) -> Option<Duration> {
        self.wait.map(|(wait, _)| wait)
    }

    /// Returns which fields the [wait](Self::wait) was read from.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use http::{HeaderMap, HeaderValue, StatusCode};
    /// use tollgate_http::client::{Advice, Source};
    ///
    /// let mut fields = HeaderMap::new();
    /// fields.insert("ratelimit", HeaderValue::from_static(r#""x";r=0;t=7"#));
    /// let advice = Advice::of(StatusCode::OK, &fields, SystemTime::now()).unwrap();
    /// assert_eq!(advice.source(), Some(Source::RateLimit));
    /// ```
    pub fn source(&self) -> Option<Source> {
        self.wait.map(|(_, source)| source)
    }

    /// Returns the [wait](Self::wait), but at most `longest`.
    ///
    /// A server, or who speaks in its name, can otherwise silence a client for good.
    /// [`MAX_PAUSE`](Self::MAX_PAUSE) is a sensible bound. Clients that were refused together come
    /// back together: add some random time.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use http::{HeaderMap, HeaderValue, StatusCode};
    /// use tollgate_http::client::Advice;
    ///
    /// let mut fields = HeaderMap::new();
    /// fields.insert("retry-after", HeaderValue::from(86_400));
    /// let advice = Advice::of(StatusCode::TOO_MANY_REQUESTS, &fields, SystemTime::now()).unwrap();
    /// assert_eq!(advice.pause(Advice::MAX_PAUSE), Some(Duration::from_secs(600)));
    /// ```
    pub fn pause(&self, longest: Duration) -> Option<Duration> {
        self.wait().map(|wait| wait.min(longest))
    }

    /// Returns what the response says of each policy, of the newest generation that it has.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use http::{HeaderMap, HeaderValue, StatusCode};
    /// use tollgate_http::client::Advice;
    ///
    /// let mut fields = HeaderMap::new();
    /// fields.insert("x-ratelimit-remaining", HeaderValue::from(59));
    /// let advice = Advice::of(StatusCode::OK, &fields, SystemTime::now()).unwrap();
    /// assert_eq!(advice.allowances()[0].available, Some(59));
    /// ```
    pub fn allowances(&self) -> &[Allowance] {
        &self.allowances
    }
}

impl Headers {
    /// Reads these generations of fields, and no other; `None` if a response says nothing in them.
    ///
    /// [`Advice::of`] reads them all. `RateLimit` is read in the form of any draft, and resets as
    /// deltas and as epochs.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use http::{HeaderMap, HeaderValue, StatusCode};
    /// use tollgate_http::Headers;
    ///
    /// let mut fields = HeaderMap::new();
    /// fields.insert("x-ratelimit-remaining", HeaderValue::from(0));
    /// assert_eq!(Headers::DEFAULT.read(StatusCode::OK, &fields, SystemTime::now()), None);
    /// assert!(Headers::ALL.read(StatusCode::OK, &fields, SystemTime::now()).is_some());
    /// ```
    pub fn read(self, status: StatusCode, fields: &HeaderMap, now: SystemTime) -> Option<Advice> {
        if times::is_cached(fields) {
            return None;
        }
        let made_at = times::made_at(fields, now);
        let retry_after = if self.retry_after { times::retry_after(fields, made_at) } else { None };
        let x_ratelimit = |names| self.x_ratelimit.and_then(|_| reading::triple(fields, names, made_at));
        let generations = [
            (Source::RateLimit, self.ietf.and_then(|_| reading::ietf(fields))),
            (Source::OldTriple, self.old_triple.then(|| reading::triple(fields, &OLD_TRIPLE, made_at)).flatten()),
            (Source::XRateLimit, x_ratelimit(&X_RATE_LIMIT)),
            (Source::XRateLimit, x_ratelimit(&X_RATE_LIMIT_APART)),
            (Source::RateLimit, self.ietf.and_then(|_| reading::policies_alone(fields))),
        ];
        let read = || generations.iter().filter_map(|(source, read)| Some((*source, read.as_deref()?)));

        let exhausted = || read().next().is_some_and(|(_, allowances)| allowances.iter().any(Allowance::is_exhausted));
        let asked_to_wait = retry_after.is_some() && (status.is_client_error() || status.is_server_error());
        let in_grpc = grpc::refusal(fields);
        let refusal = status == StatusCode::TOO_MANY_REQUESTS
            || asked_to_wait
            || status == StatusCode::FORBIDDEN && exhausted()
            || in_grpc.is_some();

        let told_in_grpc = in_grpc.and_then(|refusal| refusal.wait).filter(|_| self.retry_after);
        let told = retry_after
            .filter(|_| refusal)
            .map(|wait| (wait, Source::RetryAfter))
            .or(told_in_grpc.map(|wait| (wait, Source::Grpc)));
        let is_final = in_grpc.is_some_and(|refusal| refusal.is_final);
        let reset = || read().find_map(|(source, allowances)| Some((longest_reset(allowances, refusal)?, source)));
        // A server that truncates its waits says 0 and means more.
        let wait = told.filter(|(wait, _)| !wait.is_zero()).or_else(reset).or(told);
        let allowances = read().next().map(|(_, allowances)| allowances.to_vec()).unwrap_or_default();
        (refusal || wait.is_some() || !allowances.is_empty()).then_some(Advice { refusal, is_final, wait, allowances })
    }
}

/// Returns the longest reset of those with nothing left; of a refusal, otherwise of all.
fn longest_reset(allowances: &[Allowance], refusal: bool) -> Option<Duration> {
    let exhausted = allowances.iter().filter(|allowance| allowance.is_exhausted());
    let longest = exhausted.filter_map(|allowance| allowance.reset).max();
    let of_all = || allowances.iter().filter_map(|allowance| allowance.reset).max();
    longest.or_else(|| if refusal { of_all() } else { None })
}
