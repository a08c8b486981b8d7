//! Real engines for tests: Redis 7 and Valkey 8, started on loopback, killed, stopped and cut off.
//!
//! * [`Kind`]: which engine, and where its programs are.
//! * [`Options`]: how a server is started.
//! * [`Server`]: one server, until it is dropped.
//! * [`Cluster`]: three masters and a replica.
//!
//! All of it ends with the process that started it, however that ends.

#![forbid(unsafe_code)]

mod certificates;
mod clock;
mod cluster;
mod kind;
mod options;
mod process;
mod server;

pub use cluster::Cluster;
pub use kind::Kind;
pub use options::Options;
pub use server::Server;

/// What goes wrong is told, and ends the run.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
