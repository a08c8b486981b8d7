//! The servers, each with a limit that can be changed while it runs.
//!
//! * `kind`: the kinds of servers, by name.
//! * `running`: `Running`, a server of any kind.
//! * `nginx`: a real nginx with `limit_req`; `process`: what ends with this process.
//! * `layered`: axum behind `TollgateLayer`.
//! * `own`: axum with a limiter of its own; `limiter`: a bucket, or fixed windows.
//! * `form`: the generations of header fields that it can speak.
//! * `tally`: what was granted and refused, and when; `served`: an axum service that keeps one.

pub mod form;
pub mod kind;
pub mod layered;
pub mod limiter;
pub mod nginx;
pub mod own;
pub(crate) mod process;
pub mod running;
pub(crate) mod served;
pub mod tally;
