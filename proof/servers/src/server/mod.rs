//! The servers: one route behind several limiters, and a desk that tells what happened.
//!
//! * `settings`: what the servers are told.
//! * `watched_clock`: a clock that remembers what it showed a thread.
//! * `admissions`: what was admitted, when, and what became of the rest.
//! * `audit`: whether that kept the bound, in every window.
//! * `limited`: the routes behind `tollgate-tower`.
//! * `peer`: the route behind `tower_governor`.
//! * `rpc`: a service of gRPC.
//! * `desk`: answers the tests' questions.
//! * `serve`: binds all of them, and serves until the standard input ends.

pub mod admissions;
pub mod audit;
mod desk;
mod limited;
mod peer;
mod rpc;
pub mod serve;
pub mod settings;
mod watched_clock;
