//! Owns a refusal in the terms of gRPC. Never a body, and never a field of HTTP's own.

use std::fmt::Write;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response};

use crate::answer::quota::Quota;
use crate::answer::refusal::Refusal;
use crate::answer::verdict::{violated, wait};

const RESOURCE_EXHAUSTED: u32 = 8;
const UNAVAILABLE: u32 = 14;

/// Returns a refusal as a gRPC response that has only trailers; `None` if no policy refused.
///
/// It goes out with an empty body. Its HTTP status is 200, as gRPC asks for.
///
/// | field | value |
/// |---|---|
/// | `content-type` | `application/grpc` |
/// | `grpc-status` | 8, `RESOURCE_EXHAUSTED`; in a pause, and for a closed bucket, 14, `UNAVAILABLE` |
/// | `grpc-message` | which policies refused |
/// | `grpc-status-details-bin` | `QuotaFailure`: the policies; `RetryInfo`: the exact wait |
/// | `grpc-retry-pushback-ms` | the wait in ms, rounded up; -1 if the request never fits |
///
/// A wait that nobody knows has neither `RetryInfo` nor `grpc-retry-pushback-ms`.
///
/// ```
/// use std::time::Duration;
/// use tollgate_http::{Policy, Quota, Refusal, grpc};
///
/// let policy = Policy::new("client", tollgate::Limit::per_second(10))?;
/// let wait = Refusal::Wait(Duration::from_micros(1500));
/// let response = grpc(&[Quota::refused(&policy, 0, wait)]).unwrap();
/// assert_eq!(response.headers()["grpc-status"], "8");
/// assert_eq!(response.headers()["grpc-retry-pushback-ms"], "2");
/// assert!(grpc(&[Quota::granted(&policy, 3)]).is_none());
/// # Ok::<(), tollgate_http::PolicyError>(())
/// ```
pub fn grpc(quotas: &[Quota<'_>]) -> Option<Response<()>> {
    let names = violated(quotas).map(|(quota, _)| quota.policy().name()).collect::<Vec<_>>();
    if names.is_empty() {
        return None;
    }
    let unavailable =
        |refusal| matches!(refusal, Refusal::Paused(_) | Refusal::Away(_) | Refusal::Closed | Refusal::Cancelled);
    let any = |which: fn(Refusal) -> bool| violated(quotas).any(|(_, refusal)| which(refusal));
    let code = if any(unavailable) && !any(is_never) { UNAVAILABLE } else { RESOURCE_EXHAUSTED };
    let message = format!("refused by {}", names.join(", "));
    // A wait is never nothing: the client was refused.
    let wait = wait(quotas).map(|wait| wait.max(Duration::from_nanos(1)));
    let pushback = match wait {
        Some(wait) => {
            let millis = wait.as_nanos().div_ceil(1_000_000);
            Some(i32::try_from(millis).unwrap_or(i32::MAX))
        }
        None => any(is_never).then_some(-1),
    };
    let details = STANDARD_NO_PAD.encode(status_details(code, &message, quotas, wait));

    let mut response = Response::new(());
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    fields.insert(HeaderName::from_static("grpc-status"), HeaderValue::from(code));
    // Both are printable ASCII, so neither is refused.
    let texts = [("grpc-message", percent_encoded(&message)), ("grpc-status-details-bin", details)];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::try_from(text) {
            fields.insert(HeaderName::from_static(name), value);
        }
    }
    if let Some(pushback) = pushback {
        fields.insert(HeaderName::from_static("grpc-retry-pushback-ms"), HeaderValue::from(pushback));
    }
    Some(response)
}

fn is_never(refusal: Refusal) -> bool {
    refusal == Refusal::Never
}

/// Escapes what a gRPC message must not hold: a per cent sign, and all but printable ASCII.
fn percent_encoded(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b'%' | 0..b' ' | 0x7f.. => write!(text, "%{byte:02X}").expect("a string takes all"),
            plain => text.push(plain.into()),
        }
    }
    text
}

/// Encodes `google.rpc.Status`: code, message, and details.
fn status_details(code: u32, message: &str, quotas: &[Quota<'_>], wait: Option<Duration>) -> Vec<u8> {
    let mut status = Vec::new();
    put_number(&mut status, 1, code.into());
    put_bytes(&mut status, 2, message.as_bytes());
    if let Some(wait) = wait {
        // The longest duration of protobuf is 10,000 years.
        let wait = wait.min(Duration::from_secs(315_576_000_000));
        let mut delay = Vec::new();
        put_number(&mut delay, 1, wait.as_secs());
        put_number(&mut delay, 2, wait.subsec_nanos().into());
        let mut info = Vec::new();
        put_bytes(&mut info, 1, &delay);
        put_detail(&mut status, "type.googleapis.com/google.rpc.RetryInfo", &info);
    }
    let mut failure = Vec::new();
    for (quota, refusal) in violated(quotas) {
        let mut violation = Vec::new();
        put_bytes(&mut violation, 1, quota.policy().name().as_bytes());
        put_bytes(&mut violation, 2, description(refusal).as_bytes());
        put_bytes(&mut failure, 1, &violation);
    }
    put_detail(&mut status, "type.googleapis.com/google.rpc.QuotaFailure", &failure);
    status
}

fn description(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Wait(_) | Refusal::Unknown => "the quota is exhausted",
        Refusal::Never => "the request is above the capacity",
        Refusal::Paused(_) => "the service is paused",
        Refusal::NoRoom(_) => "there is no room for another client",
        Refusal::Away(_) => "what holds the quota cannot be reached",
        Refusal::Closed | Refusal::Cancelled => "the service is closing",
    }
}

/// Adds a detail: `google.protobuf.Any` of a type and its encoded value.
fn put_detail(status: &mut Vec<u8>, kind: &str, value: &[u8]) {
    let mut any = Vec::new();
    put_bytes(&mut any, 1, kind.as_bytes());
    put_bytes(&mut any, 2, value);
    put_bytes(status, 3, &any);
}

/// Adds a field that holds a number; 0 is the default and is left out.
fn put_number(message: &mut Vec<u8>, field: u8, number: u64) {
    if number > 0 {
        message.push(field << 3);
        put_varint(message, number);
    }
}

/// Adds a field that holds bytes, text, or a message.
fn put_bytes(message: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    message.push(field << 3 | 2);
    put_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

/// Adds a number, seven bits a byte, the lowest first.
fn put_varint(message: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        message.push(number as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}
