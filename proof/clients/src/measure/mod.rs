//! What a server counted of a run, and what must hold of it.
//!
//! * `demand`: `Demand`, what must hold of a kind of server.
//! * `phase`: `Phase`, the time under one limit, by seconds.
//! * `report`: `Report`, the phases of a run, as a row of the table.

pub mod demand;
pub mod phase;
pub mod report;
