//! Puts one small fault at a time into a copy of the sources, and says which model notices.
//!
//! - `trial` tries faults and prints verdicts; it owns the format of the output.
//! - `faults` is the list, a file a room.
//! - `fault` says what a fault is, and puts it into the text of the sources.
//! - `sites` finds the atomic operations, and whether a fault touches them.
//! - `copy` holds a copy of the sources, and builds and runs models in it.

mod copy;
mod fault;
mod faults;
mod sites;
mod trial;

pub use trial::run;
