//! Owns what is known of a refusal, and the responses to it. Never decides.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode, request};
use tollgate_http::{PROBLEM_JSON, Quota};

/// A request that was refused, and what each limit said.
///
/// [`on_refused`](crate::TollgateLayer::on_refused) has an example.
#[derive(Clone, Copy, Debug)]
pub struct RefusedRequest<'a> {
    request: &'a request::Parts,
    quotas: &'a [Quota<'a>],
}

impl<'a> RefusedRequest<'a> {
    pub(crate) const fn new(request: &'a request::Parts, quotas: &'a [Quota<'a>]) -> Self {
        Self { request, quotas }
    }

    /// Returns the head of the request.
    pub const fn request(&self) -> &'a request::Parts {
        self.request
    }

    /// Returns what each stream of each limit said, narrow to wide, those that granted included.
    pub const fn quotas(&self) -> &'a [Quota<'a>] {
        self.quotas
    }

    /// Returns the status: see [`tollgate_http::status`].
    pub fn status(&self) -> StatusCode {
        tollgate_http::status(self.quotas).unwrap_or(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Returns the longest wait in whole seconds: see [`tollgate_http::retry_after`].
    pub fn retry_after(&self) -> Option<u64> {
        tollgate_http::retry_after(self.quotas)
    }

    /// Returns the usual response: the status, and problem details that name the limits.
    pub fn response(&self) -> Response<Bytes> {
        match tollgate_http::problem(self.quotas) {
            Some((status, body)) => problem(status, body),
            None => with_status(self.status(), Bytes::new()),
        }
    }

    /// Returns the usual response of a gRPC service: see [`tollgate_http::grpc`].
    pub fn grpc(&self) -> Response<Bytes> {
        tollgate_http::grpc(self.quotas).unwrap_or_default().map(|()| Bytes::new())
    }
}

/// The response to a request whose key a limit lacks.
pub(crate) fn keyless(status: StatusCode, limit: &str) -> Response<Bytes> {
    let title = status.canonical_reason().unwrap_or("The request has no key");
    // The name of a limit is printable ASCII.
    let limit = limit.replace('\\', "\\\\").replace('"', "\\\"");
    let detail = format!("the request does not say whose it is, as the limit {limit} has to know");
    let status_number = status.as_u16();
    let body = format!(r#"{{"type":"about:blank","title":"{title}","status":{status_number},"detail":"{detail}"}}"#);
    problem(status, body)
}

/// The same for gRPC, with the code that its clients map the status to. A fault of the server, 500,
/// is `INTERNAL`.
pub(crate) fn keyless_grpc(status: StatusCode, limit: &str) -> Response<Bytes> {
    let code = match status.as_u16() {
        400 | 500 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    };
    let mut response = Response::new(Bytes::new());
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    fields.insert("grpc-status", HeaderValue::from(code));
    let message =
        format!("the request does not say whose it is, as the limit {} has to know", limit.replace('%', "%25"));
    if let Ok(message) = HeaderValue::try_from(message) {
        fields.insert("grpc-message", message);
    }
    response
}

fn problem(status: StatusCode, body: String) -> Response<Bytes> {
    let mut response = with_status(status, body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response
}

fn with_status(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
