//! Puts one small fault at a time into a copy of the sources, and says which model notices.
//!
//! - `trial` tries faults and prints verdicts; it owns the format of the output.
//! - `faults` is the list, a file a room.
//! - `fault` says what a fault is, and puts it into the text of the sources.
//! - `sites` finds the atomic operations, and whether a fault touches them.
//! - `models` says which models there are.
//! - `copy` holds a copy of the sources, and builds and runs models in it.
//! - `judge` tries one fault in a copy.
//! - `kept` holds the verdicts of earlier runs, while what they depend on stands.
//! - `orderings` holds the comments at the sites against the list.
//! - `text` tells code from comments.

mod copy;
mod fault;
mod faults;
mod judge;
mod kept;
mod models;
mod orderings;
mod sites;
mod text;
mod trial;

pub use orderings::orderings;
pub use text::blanked;
pub use trial::run;
