//! Clients that obey, against real servers: how much of a limit they use, and how much is refused.
//!
//! `server` owns the servers: nginx, axum behind `tollgate-tower`, and one that says its limit in
//! each generation of header fields. `load` owns the tasks and their clients. `measure` owns what
//! the servers counted, and what must hold of it. `pipeline` owns `tollgate pace` before nginx.

#![forbid(unsafe_code)]

pub mod load;
pub mod measure;
pub mod pipeline;
pub mod server;

/// What goes wrong is told, and ends the run.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
