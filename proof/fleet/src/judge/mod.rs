//! What is said of a run, from what its processes wrote down.
//!
//! * `bins`: tokens by the millisecond.
//! * `diary`: the files that a process writes as it goes, so that a killed one has told all.
//! * `bound`: bound B, in every window.
//! * `level`: what the engine holds.

pub mod bins;
pub mod bound;
pub mod diary;
pub mod level;
