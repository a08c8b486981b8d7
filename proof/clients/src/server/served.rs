//! Owns an axum service on a free port of loopback, its tally, and the way there and back. Never a
//! limit.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::tally::Tally;
use crate::Outcome;

/// A service that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) tally: Arc<Tally>,
    task: JoinHandle<()>,
}

impl Served {
    /// Serves a router whose limit is inside of it, and counts what it answers.
    ///
    /// A request and its response are on their way for half of the latency each.
    pub(crate) async fn start(router: Router, latency: Duration) -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let tally = Arc::new(Tally::default());
        let counted = Arc::clone(&tally);
        let router = router.layer(from_fn(move |request: Request, next: Next| {
            let tally = Arc::clone(&counted);
            async move {
                let response = next.run(request).await;
                // gRPC refuses with a status of its own, in a response of 200.
                let refused = is_refusal(response.status()) || response.headers().contains_key("grpc-status");
                tally.add(!refused);
                response
            }
        }));
        let router = if latency.is_zero() {
            router
        } else {
            router.layer(from_fn(move |request: Request, next: Next| async move {
                tokio::time::sleep(latency / 2).await;
                let response = next.run(request).await;
                tokio::time::sleep(latency / 2).await;
                response
            }))
        };
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("clients: a server ended: {error}");
            }
        });
        Ok(Self { address, tally, task })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns whether a status refuses for a rate.
pub(crate) fn is_refusal(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE
}
