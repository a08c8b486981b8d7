//! Limits the rates of tower services: per client and in total, requests and bytes.
//!
//! A layer asks a gate of limits before each request. It is granted by all of them, or by none.
//! What is refused gets a status, header fields that clients can obey, and problem details. The
//! decisions are [`tollgate`]'s: exact, and without a lock but that of a key's shard.
//!
//! ```text
//! cargo add tollgate tollgate-tower tollgate-http
//! ```
//!
//! ```
//! use std::net::SocketAddr;
//! use std::sync::Arc;
//!
//! use axum::extract::ConnectInfo;
//! use axum::{Router, routing::get};
//! use http::Method;
//! use tollgate::{KeyedBuckets, Limit, TokenBucket};
//! use tollgate_http::address::{Forwarding, Proxies};
//! use tollgate_tower::{ClientIp, Gate, PerKey, Settle, Shared, TollgateLayer};
//!
//! // Each client 100 requests a minute and 1 MiB a second; all of them 1000 requests a second.
//! let limits = [Limit::per_minute(100), "1MiB/s".parse()?];
//! let clients = Arc::new(KeyedBuckets::new(limits, 100_000)?);
//! let all = Arc::new(TokenBucket::new(Limit::per_second(1000))?);
//! let proxies = Proxies::trusting(Forwarding::XForwardedFor, ["10.0.0.0/8"])?;
//! let by_ip = ClientIp::from_extension(|peer: &ConnectInfo<SocketAddr>| peer.0.ip());
//! let by_ip = by_ip.behind(proxies);
//!
//! let gate = Gate::new()
//!     .limit(PerKey::new("client", clients).key(by_ip))
//!     .limit(Shared::new("service", all));
//! let layer = TollgateLayer::new(gate)
//!     .settle(Settle::ResponseBody)
//!     .exempt_method(Method::OPTIONS)
//!     .exempt_path("/health");
//! let router: Router = Router::new().route("/", get(|| async { "hello" })).layer(layer);
//! # let _ = router;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which item for which job
//!
//! | job | item |
//! |---|---|
//! | a limit for each client | [`PerKey`], and a [`RequestKey`] such as [`ClientIp`] |
//! | a limit that all share | [`Shared`] |
//! | several limits, narrow to wide; to wait in turn | [`Gate`] |
//! | ask before each request | [`TollgateLayer`], which makes a [`Tollgate`] |
//! | charge the bytes of responses | [`Settle::ResponseBody`] |
//! | count only some responses, as failed logins | [`PerKey::by_response`] |
//! | answer refusals in another way | [`TollgateLayer::on_refused`], [`RefusedRequest`] |
//! | gRPC | [`TollgateLayer::grpc`] |
//! | count and tell | [`Observer`]; `MetricsObserver`, `TracingObserver` |
//! | a client that obeys its own limits and those of servers | [`ThrottleLayer`], [`Throttle`] |
//! | the same in middleware that is not tower's | [`ThrottleLayer::admit`], [`Pass`] |
//!
//! A layer and its services share the limits by `Arc`; so do layers over the same buckets. Limits
//! change while they are in use: by the buckets' `set_limits`, or all at once by
//! `tollgate_http::config`.
//!
//! # What it guarantees
//!
//! * In every window, what is granted keeps [the bound of the gate](tollgate::Gate#the-bound).
//! * A refusal is answered at once, whether the inner service is ready or not. Nothing else is
//!   done for it.
//! * A client that is alone on its limit, and never sends more than the last `r` within the last
//!   `t` that it was told, is never refused.
//! * A request that waits holds no place of the inner service. One that hangs up leaves its place,
//!   and gives back what it held; only an [attempt](PerKey::charge) that counts stays counted.
//! * With [`Settle::ResponseBody`], a response costs the bytes of its body that were sent, however
//!   it ends.
//! * Headers that a client can write name it only behind a trusted proxy.
//!
//! # Clients
//!
//! A [`ThrottleLayer`] stands around a client. It waits in turn before each request: at limits of
//! the client's own, and until the server would grant it.
//!
//! * `Retry-After` and all generations of rate limit fields are obeyed, and their like in gRPC.
//!   A pause has some random time, and a [cap](ThrottleLayer::max_pause).
//! * A policy that states what is left is followed: requests go out as its server would grant them.
//! * A server that only refuses is found out by a [policy](ThrottleLayer::adapt) of adaptation.
//! * A refused request may be [sent again](ThrottleLayer::retries). It counts once at own limits.
//! * A request that is dropped while it waits leaves its place, and gives back what it took.
//!
//! Outside of it, `tower::retry` makes each try a request of its own: each counts, and each waits.
//! Inside of it, tries are not seen, and wait for no pause.
//!
//! # Where it stands
//!
//! Outside of what costs more than a decision: authentication that asks a database, handlers.
//! Inside of what makes the key: an extension that holds the user. Compression outside of it
//! changes what is sent: it counts the bytes that pass through it.
//!
//! # What it does not do
//!
//! It never changes a request. It does not pace the bytes of a body: it charges them. It does not
//! count the bytes of request bodies, but a [cost](PerKey::cost) can, by `Content-Length`. Waiting
//! needs tokio's timer.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `metrics` | `MetricsObserver`, through the facade `metrics` |
//! | `tracing` | `TracingObserver`, through `tracing` |
//! | `config` | limits from a file: see `tollgate_http::config` |
//!
//! # Minimum Rust version
//!
//! 1.85. The foreign types in this crate's interface are those of `http` 1, `http-body` 1, `bytes`
//! 1, `tower-layer` 0.3 and `tower-service` 0.3.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod client;
mod gate;
mod observe;
mod service;

pub use client::copies::{Copies, CopiesBy, CopyBody};
pub use client::layer::ThrottleLayer;
pub use client::own_limits::OwnLimits;
pub use client::pass::Pass;
pub use client::service::{Throttle, ThrottleFuture};
pub use client::throttle_error::ThrottleError;
pub use client::throttle_observer::ThrottleObserver;
pub use gate::chain::GateList;
pub use gate::client_ip::ClientIp;
pub use gate::gate::Gate;
pub use gate::limit::RequestLimit;
pub use gate::per_key::PerKey;
pub use gate::request_key::RequestKey;
pub use gate::shared::Shared;
#[cfg(feature = "metrics")]
pub use observe::metrics_observer::MetricsObserver;
pub use observe::observer::{Level, Observer, Outcome};
#[cfg(feature = "tracing")]
pub use observe::tracing_observer::TracingObserver;
pub use service::body::TollgateBody;
pub use service::future::ResponseFuture;
pub use service::layer::TollgateLayer;
pub use service::refused_request::RefusedRequest;
pub use service::service::Tollgate;
pub use service::settle::{Keyless, Settle};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
