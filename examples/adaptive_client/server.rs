//! Owns the server: it admits what its own bucket grants, and answers 429 to the rest; with a
//! `Retry-After`, where that is too much for it, too.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tiny_http::{Header, Response, Server};
use tollgate::TokenBucket;

use crate::Counts;

/// What it tells those to wait who are far over the limit, in whole seconds, as HTTP has it.
const RETRY_AFTER: &[u8] = b"1";

/// Answers requests until it is closed. `patience` is how many it refuses without a `Retry-After`.
pub(crate) fn serve(
    server: &Server,
    hidden: &TokenBucket,
    patience: &TokenBucket,
    counts: &Counts,
    closed: &AtomicBool,
) {
    while !closed.load(Relaxed) {
        // An error is of one connection, which the client will miss.
        let Ok(Some(request)) = server.recv_timeout(Duration::from_millis(50)) else { continue };
        let (status, count) = match hidden.try_take(1) {
            Ok(()) => (200, &counts.admitted),
            Err(_) => (429, &counts.refused),
        };
        count.fetch_add(1, Relaxed);
        let mut response = Response::empty(status);
        if status == 429 && patience.try_take(1).is_err() {
            response.add_header(Header::from_bytes(b"Retry-After", RETRY_AFTER).expect("it is one"));
            counts.put_off.fetch_add(1, Relaxed);
        }
        let _ = request.respond(response);
    }
}
