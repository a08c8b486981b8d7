//! Owns the server: it serves what its own bucket grants, and answers 429 to the rest. It never
//! tells its limit. Far over the limit, it adds a `Retry-After`.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tiny_http::{Header, Response, Server};
use tollgate::TokenBucket;

/// The `Retry-After` for a client far over the limit, in whole seconds, as HTTP requires.
const RETRY_AFTER: &[u8] = b"1";

/// Answers requests until it is closed.
///
/// `patience` is how many requests it refuses without a `Retry-After`.
pub(crate) fn serve(server: &Server, hidden: &TokenBucket, patience: &TokenBucket, closed: &AtomicBool) {
    while !closed.load(Relaxed) {
        // An error concerns one connection. The client notices it.
        let Ok(Some(request)) = server.recv_timeout(Duration::from_millis(50)) else { continue };
        let status = if hidden.try_take(1).is_ok() { 200 } else { 429 };
        let mut response = Response::empty(status);
        if status == 429 && patience.try_take(1).is_err() {
            response.add_header(Header::from_bytes(b"Retry-After", RETRY_AFTER).expect("it is one"));
        }
        let _ = request.respond(response);
    }
}
