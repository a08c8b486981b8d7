//! Makes a `reqwest` client keep to limits: its own, and those that servers state.
//!
//! It is [`ThrottleLayer`] as middleware of [`reqwest_middleware`]. What is configured and what is
//! guaranteed stands there.
//!
//! ```text
//! cargo add tollgate tollgate-tower tollgate-reqwest reqwest-middleware
//! ```
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use reqwest_middleware::ClientBuilder;
//! use tollgate::{Limit, TokenBucket};
//! use tollgate_reqwest::ThrottleMiddleware;
//! use tollgate_tower::ThrottleLayer;
//!
//! let own = Arc::new(TokenBucket::new(Limit::per_second(20))?);
//! let throttle = ThrottleLayer::new(own).wait_at_most(Duration::from_secs(30)).retries(2);
//! let client = ClientBuilder::new(reqwest::Client::new())
//!     .with(ThrottleMiddleware::new(throttle))
//!     .build();
//! # let _ = client;
//! # Ok::<(), tollgate::limit::LimitError>(())
//! ```
//!
//! # What it does not do
//!
//! * It does not see redirects: `reqwest` follows them as a part of one request.
//! * It does not count what middleware inside of it sends again. Such middleware belongs outside
//!   of it: then each try waits, and counts.
//! * A request whose body is a stream is sent once.
//!
//! # Minimum Rust version
//!
//! 1.85. The foreign types in this crate's interface are those of `reqwest` 0.13,
//! `reqwest-middleware` 0.5 and `http` 1, beside those of `tollgate-tower`.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

use std::fmt;

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};
use tollgate_tower::ThrottleLayer;

/// Waits before each request of a client, and learns from each response.
///
/// A request that would wait too long fails with an error of a middleware. It holds a
/// [`ThrottleError`](tollgate_tower::ThrottleError):
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use reqwest_middleware::{ClientBuilder, Error};
/// use tollgate::{Limit, TokenBucket};
/// use tollgate_reqwest::ThrottleMiddleware;
/// use tollgate_tower::{ThrottleError, ThrottleLayer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let own = Arc::new(TokenBucket::new(Limit::per_hour(1).empty())?);
/// let throttle = ThrottleLayer::new(own).wait_at_most(Duration::from_secs(1));
/// let client = ClientBuilder::new(reqwest::Client::new())
///     .with(ThrottleMiddleware::new(throttle))
///     .build();
/// let Err(Error::Middleware(error)) = client.get("http://127.0.0.1:9/").send().await else {
///     panic!("the limit grants nothing within a second")
/// };
/// let refused = error.downcast_ref::<ThrottleError>();
/// assert!(matches!(refused, Some(ThrottleError::OwnLimit { wait: Some(_) })));
/// # Ok(())
/// # }
/// ```
pub struct ThrottleMiddleware<R = ()> {
    layer: ThrottleLayer<R>,
}

impl<R> ThrottleMiddleware<R> {
    /// Waits as this layer does, and retries as often.
    ///
    /// All clients that have clones of one layer share what is known of servers.
    pub const fn new(layer: ThrottleLayer<R>) -> Self {
        Self { layer }
    }
}

/// Returns the head of a request, as the layer sees it.
fn head(request: &Request) -> Result<http::request::Parts> {
    let mut head = http::Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.url().as_str().parse().map_err(Error::middleware::<http::uri::InvalidUri>)?;
    *head.headers_mut() = request.headers().clone();
    Ok(head.into_parts().0)
}

#[async_trait::async_trait]
impl<R: Send + Sync + 'static> Middleware for ThrottleMiddleware<R> {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let mut pass = self.layer.admit(&head(&request)?).await.map_err(Error::middleware)?;
        loop {
            let copy = if pass.retries_left() > 0 { request.try_clone() } else { None };
            let response = next.clone().run(request, extensions).await?;
            let advice = pass.heard(response.status(), response.headers());
            let Some(copy) = copy.filter(|_| pass.may_retry(response.status(), advice.as_ref())) else {
                return Ok(response);
            };
            drop(response);
            request = copy;
            pass.again().await.map_err(Error::middleware)?;
        }
    }
}

impl<R> fmt::Debug for ThrottleMiddleware<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleMiddleware").field("layer", &self.layer).finish()
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
