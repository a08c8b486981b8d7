//! One token bucket for a fleet of processes, behind Redis or Valkey.
//!
//! The engine holds the tokens, exactly. Each process leases a chunk and decides on what it holds,
//! so most decisions cost no round trip. The bound holds through crashes, restarts and fail-overs
//! of the engine. It belongs to [`tollgate`].
//!
//! ```text
//! cargo add tollgate tollgate-redis
//! ```
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use tollgate::Limit;
//! use tollgate_redis::{Away, Engine, FleetBucket, FleetKeyed};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::open("redis://127.0.0.1:6379")?;
//!
//! // All processes together: 1000 orders and 50 MiB a second. A new limit begins empty.
//! let orders = FleetBucket::join(&engine, "orders", [Limit::per_second(1000), "50MiB/s".parse()?])
//!     .when_away(Away::Refuse)
//!     .connect()
//!     .await?;
//! orders.take([1, 4096]).await?; // in turn
//!
//! // Each client 10 requests a second, whichever process it reaches.
//! let clients = FleetKeyed::<String, 1>::join(&engine, "clients", [Limit::per_second(10)])
//!     .when_away(Away::LocalShare { of: 8 })
//!     .connect()
//!     .await?;
//! let answer = match clients.key("alice").take_timeout([1], Duration::from_millis(50)).await {
//!     Ok(()) => (200, None),
//!     Err(refused) => (429, refused.wait()),
//! };
//! # let _ = answer;
//! # Ok(())
//! # }
//! ```
//!
//! # Which item for which job
//!
//! | job | item |
//! |---|---|
//! | one limit for all processes | [`FleetBucket`] |
//! | a limit for each client, whichever process it reaches | [`FleetKeyed`] |
//! | decide by round trip, for few and dear calls | [`FleetBucket::strict`] |
//! | beside limits of this process, all or none | [`tollgate::Gate`] takes them all |
//! | in front of an HTTP or gRPC service | `TollgateLayer` of `tollgate-tower`, with `wait_at_most` |
//! | a server, a cluster, TLS, passwords | [`Engine`] |
//! | what decides while the engine is away | [`Away`] |
//! | have a new limit begin full | [`Joining::create`], said once, by hand |
//! | change the limits of the whole fleet | [`FleetBucket::set_limits`] |
//! | see what becomes of each token of a bucket | [`FleetBucket::figures`], [`FleetObserver`] |
//!
//! # What it guarantees
//!
//! * **The bound.** Over all processes, in every window:
//!   [`FleetBucket`](FleetBucket#the-bound) says it.
//! * **The account.** In each process and in sum, to the token: what was granted is used, given
//!   back, lost or held.
//! * **The rate.** While callers want more than the rate, at least 99 % of it is used, and
//!   processes get about equal shares.
//! * **Few trips.** A process makes at most 20 round trips a second for a bucket, whatever its
//!   load. One that is idle holds nothing and makes none.
//! * **A lease ends.** A process that was stopped or suspended does not use what has expired: terms
//!   are counted by a clock that counts while the system is suspended.
//! * **A loss costs once.** When the engine has lost its memory, or another server has taken over,
//!   all levels begin anew at their lowest. At most the burst is lost, once; the rate is there
//!   again within a second.
//!
//! # What it does not do
//!
//! * **A split brain.** Two servers that both believe to be the master each grant: at most the rate
//!   once more for as long as both do. The settings `min-replicas-to-write` and
//!   `min-replicas-max-lag` of the engine end that time. No client can.
//! * **A clock of the engine that steps forward** is believed: it grants at most what accrues in
//!   the step, and never more than the capacity. One that steps back grants nothing twice.
//! * **Evictions.** An engine whose `maxmemory-policy` evicts keys forgets limits in use. It is
//!   refused, unless [`Engine::evictions`] says to warn.
//! * **A server that hides its identity.** Where a user may not call INFO in a script, a fail-over
//!   is not noticed: its bound is `C + r * lag` once more. [`Engine::warnings`] says so.
//! * **Order between processes** is that in which the engine is asked. An amount that is large
//!   beside the rate of 100 ms may wait while other processes are served small ones.
//! * A call that may have been done is never sent again. So a lost reply loses a chunk once; it
//!   never mints one.
//!
//! # Engines
//!
//! Redis 7 and Valkey 8, alone, with replicas, or as a cluster. Each test runs on both. Scripts are
//! sent by EVALSHA; nothing is to be installed. Keys begin with `tollgate:`.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `tls` (default) | addresses that begin with `rediss://` |
//! | `metrics` | `FleetFigures::report`, through the facade `metrics` |
//!
//! No type of another crate stands in this crate's interface, but those of [`tollgate`].
//!
//! # Minimum Rust version
//!
//! 1.85.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod engine;
mod error;
mod fleet;
mod keyed;
mod lease;
mod master;

pub use engine::{Engine, EngineWarning, Evictions};
pub use error::FleetError;
pub use fleet::away::Away;
pub use fleet::figures::FleetFigures;
pub use fleet::fleet_bucket::FleetBucket;
pub use fleet::joining::{Joining, Keys, OneBucket, Undecided};
pub use fleet::refused::FleetRefused;
pub use fleet::strict::{Strict, StrictError};
pub use fleet::watch::{FleetEvent, FleetObserver};
pub use keyed::fleet_key::FleetKey;
pub use keyed::fleet_keyed::FleetKeyed;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
