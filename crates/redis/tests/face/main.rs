//! What processes see of a fleet's limits, on real engines.

mod away;
mod bucket;
mod cluster;
mod common;
mod gate;
mod keyed;
mod limits;
#[cfg(feature = "metrics")]
mod metrics;
mod promises;
mod promises_away;
mod promises_doors;
mod promises_keys;
mod promises_model;
mod single;
mod waiting;
