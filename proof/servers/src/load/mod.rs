//! Load at many times the limit.
//!
//! * `bound`: what is admitted of it keeps the bound, in every window.
//! * `beside`: what refusals cost, beside `tower_governor`.

pub mod beside;
pub mod bound;

use std::path::Path;
use std::time::Duration;

use crate::Outcome;

/// Runs both for so long each, and prints what came of it.
///
/// # Errors
///
/// What broke the bound, and what could not be run.
pub fn run(program: &Path, time: Duration) -> Outcome<()> {
    bound::refusing(program, time)?;
    bound::refusing_over_http2(program, time)?;
    bound::waiting(program, time)?;
    bound::bytes(program, time)?;
    let round = Duration::from_secs((time.as_secs() / 15).max(1));
    beside::run(program, round, if time < Duration::from_secs(10) { 3 } else { 5 })
}
