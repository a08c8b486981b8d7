//! Owns what the engine holds: its terms, what it is asked, and what it answers. Never what a
//! process holds.
//!
//! - `terms`: the limits of a fleet and their revision.
//! - `ask`: what one trip asks for and gives back.
//! - `answer`: what the engine says to it.
//! - `line`: the arithmetic of one stream.
//! - `lines`: the terms as the head has them.
//! - `state`: levels at an instant.
//! - `head`: what all processes of a partition agree on.
//! - `script`: the texts of the scripts, of `scripts/`.
//! - `reply`: what a script says.
//! - `malformed`: a text or a reply that nobody wrote.
//! - `seat`: what one process knows of a partition.
//! - `flow`: the calls that one goal takes.
//! - `master`: a process's place at the engine.

pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod flow;
pub(crate) mod head;
pub(crate) mod line;
pub(crate) mod lines;
pub(crate) mod malformed;
pub(crate) mod master;
pub(crate) mod reply;
pub(crate) mod script;
pub(crate) mod seat;
pub(crate) mod state;
pub(crate) mod terms;

#[cfg(test)]
mod tests;
