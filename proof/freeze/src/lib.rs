//! Stops threads of the real crate for good, before any atomic operation of any verb, and audits
//! what the others get done meanwhile.
//!
//! The crate is compiled from its own sources by `proof/freeze/tollgate`, on atomics with a point
//! before each operation. Nothing here is timed: a thread says when it stands, and whether a call
//! waits for another thread is a matter of how many operations it has made in vain.

mod audit;
mod frozen;
mod keyed;
mod locked;
mod random;
mod subject;
mod subjects;
mod workers;

pub use audit::{At, each_point, say, together};
pub use frozen::{Doomed, Frozen};
pub use keyed::Keyed;
pub use locked::Locked;
pub use subject::{CAPACITY, Effect, START, Subject, Verb};
pub use subjects::{Clocks, Multi, Paused, Word};
