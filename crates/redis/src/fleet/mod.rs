//! Owns the limit of a fleet as a process uses it. Never the engine's arithmetic, and never what
//! is fetched next.
//!
//! - `fleet_bucket`: `FleetBucket`, the verbs.
//! - `joining`: how a process joins; `connect`: what is started for it.
//! - `local`: what the verbs decide on; the line of those who wait.
//! - `driver`: the loop between `local` and the engine; `nap`: a wait with an end.
//! - `away`: what decides while the engine is away.
//! - `strict`: decisions by round trip.
//! - `gate`: the steps of a gate.
//! - `report`: the names of metrics.
//! - `refused`: why a call was refused; `figures`, `watch`: what can be seen.

pub(crate) mod away;
pub(crate) mod connect;
pub(crate) mod driver;
pub(crate) mod figures;
pub(crate) mod fleet_bucket;
pub(crate) mod gate;
pub(crate) mod joining;
pub(crate) mod local;
pub(crate) mod nap;
pub(crate) mod refused;
#[cfg(feature = "metrics")]
mod report;
pub(crate) mod strict;
pub(crate) mod watch;
