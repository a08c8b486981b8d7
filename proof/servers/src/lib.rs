//! Real servers behind `tollgate-tower` and its peer, and what starts real clients and proxies
//! against them.
//!
//! `server` owns the servers, which the binary runs in a process of its own. `clients` owns the
//! tools that talk to it. `load` owns the comparison under load.

#![forbid(unsafe_code)]

pub mod clients;
pub mod load;
pub mod server;

/// What goes wrong is told, and ends the run.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
