//! Owns the list of faults, a file a room. Each fault is small, and names the model that must
//! notice it, or the reason why nobody can.

mod adaptive;
mod bucket;
mod clock;
mod deadline;
mod decision;
mod gate;
mod keyed;
mod keyed_line;
mod lease;
mod line;
mod state;
mod striped;
mod wait;

use crate::fault::Fault;

/// `state` first: it holds the fault that takes the longest.
const ROOMS: [&[Fault]; 13] = [
    state::FAULTS,
    clock::FAULTS,
    decision::FAULTS,
    wait::FAULTS,
    line::FAULTS,
    lease::FAULTS,
    striped::FAULTS,
    bucket::FAULTS,
    keyed::FAULTS,
    keyed_line::FAULTS,
    adaptive::FAULTS,
    deadline::FAULTS,
    gate::FAULTS,
];

pub(crate) fn all() -> impl Iterator<Item = &'static Fault> {
    ROOMS.into_iter().flatten()
}
