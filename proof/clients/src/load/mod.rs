//! Tasks that share a client, and the run of one server.
//!
//! * `client`: the kinds of clients.
//! * `plan`: `Plan`, a run: its server, its client, its phases.
//! * `pulse`: how much of the time this process did not run.

pub mod client;
pub mod plan;
pub(crate) mod pulse;
