//! The bodies of the fuzz targets, as plain functions over bytes: a failure is a panic that says
//! what went wrong.
//!
//! `cargo xtask fuzz --seconds N` runs them under libFuzzer. `tests/replay.rs` replays the seeds
//! and every input that once failed, on any compiler. An input that fails goes into
//! `regressions/TARGET/`, named for the property that it broke.

mod bytes;
mod exact;
mod operations;
mod parse;

pub use operations::operations;
pub use parse::parse;
