//! Owns the server: it admits what its own bucket grants, and answers 429 to the rest. It sends no `Retry-After`.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tiny_http::{Response, Server};
use tollgate::TokenBucket;

use crate::Counts;

/// Answers requests until it is closed.
pub(crate) fn serve(server: &Server, hidden: &TokenBucket, counts: &Counts, closed: &AtomicBool) {
    while !closed.load(Relaxed) {
        // An error is of one connection, which the client will miss.
        let Ok(Some(request)) = server.recv_timeout(Duration::from_millis(50)) else { continue };
        let (status, count) = match hidden.try_take(1) {
            Ok(()) => (200, &counts.admitted),
            Err(_) => (429, &counts.refused),
        };
        count.fetch_add(1, Relaxed);
        let _ = request.respond(Response::empty(status));
    }
}
