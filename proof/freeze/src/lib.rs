//! Owns the experiments that stop threads of the real crate before any atomic operation of any
//! verb, and audit the others. They never measure time.
//!
//! `proof/freeze/tollgate` compiles the crate from its own sources, on atomics with a point before
//! each operation. A thread reports when it stands. A call waits for another thread if it has made
//! too many operations in vain.

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
