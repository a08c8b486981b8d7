//! Owns a fleet's limit for each key. Never decides: each key in use has a side of its own, as one
//! bucket has.
//!
//! - `fleet_keyed`: `FleetKeyed`; `connect`: what is started for it.
//! - `fleet_key`: `FleetKey`, the limit of one key; `gate`: its steps of a gate.
//! - `keys`: the keys in use, and how they come and go.

mod connect;
pub(crate) mod fleet_key;
pub(crate) mod fleet_keyed;
mod gate;
mod keys;
