//! Owns the tests of what a process holds. Never used outside of them.
//!
//! - `random`: seeded random numbers.
//! - `engine`: an exact engine, with the faults that engines have.
//! - `audit`: the bounds, over every window.
//! - `process`: a process of the fleet, with its load.
//! - `world`: processes, an engine and a network, in virtual time.

mod audit;
mod engine;
mod guarantees;
mod life;
mod process;
mod random;
mod rules;
mod scarcity;
mod sharing;
mod world;
