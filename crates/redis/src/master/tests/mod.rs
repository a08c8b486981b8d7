//! Owns the tests of the scripts on real engines. Never a script's own arithmetic.
//!
//! - `lane`: one fleet on an engine beside its exact model.
//! - `dice`: random limits, needs and steps of the clock.
//! - `lanes`: many fleets at once, one call each in a round trip.
//! - `differential`: the scripts and the model agree.
//! - `faults`: scripts with a fault in them are noticed.
//! - `cost`: what a decision costs the engine.
//! - `strange`: engines that are not as they should be, and texts that nobody wrote.
//! - `places`: joining, trips and changes, by one process and by several.

#[path = "../../../tests/common/master.rs"]
mod model;

mod cost;
mod dice;
mod differential;
mod faults;
mod lane;
mod lanes;
mod places;
mod strange;
