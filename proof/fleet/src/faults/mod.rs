//! Faults of engines and of processes, one after the other.
//!
//! * `fault`: each of them, and what is expected of it.
//! * `stage`: the servers, the relays and the fleet that a fault befalls.
//! * `strike`: how each fault comes about, and when it is over.
//! * `verdict`: what came of it.

mod fault;
mod stage;
mod strike;
mod verdict;

use std::path::Path;

use engines::Kind;

pub use fault::{Fault, Form};
pub use verdict::Verdict;

use crate::Outcome;

/// Lets faults befall a fleet, prints a table, and says whether all came out as expected.
///
/// Without a fence, only those that it is for are tried; there the bound must be seen to break.
///
/// # Errors
///
/// What could not be run.
pub fn run(program: &Path, kind: Kind, form: Form, fenced: bool, faults: &[Fault]) -> Outcome<bool> {
    let chosen =
        |fault: &&Fault| (faults.is_empty() || faults.contains(fault)) && (fenced || fault.breaks_without_fence());
    println!("{}", verdict::head(kind, fenced));
    let mut is_good = true;
    for fault in Fault::ALL.iter().filter(chosen) {
        let verdict = one(program, kind, form, fenced, *fault)?;
        println!("{}", verdict.row());
        is_good &= verdict.is_as_expected();
    }
    Ok(is_good)
}

/// Lets one fault befall a fleet.
///
/// # Errors
///
/// What could not be run.
pub fn one(program: &Path, kind: Kind, form: Form, fenced: bool, fault: Fault) -> Outcome<Verdict> {
    let told = |error| format!("{kind}: {fault}: {error}");
    let mut stage = stage::Stage::set(program, kind, fenced, fault).map_err(told)?;
    verdict::of(&mut stage, form, fault, fenced).map_err(|error| told(error).into())
}
