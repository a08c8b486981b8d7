//! Owns the bodies of the fuzz targets, as functions over bytes. They never return a failure: they
//! panic and say what went wrong.
//!
//! `cargo xtask fuzz --seconds N` runs them under libFuzzer. `tests/replay.rs` replays the seeds
//! and every input that once failed, on any compiler. A failing input goes into
//! `regressions/TARGET/`, named for the property that it broke.

mod bytes;
mod exact;
mod operations;
mod parse;

pub use operations::operations;
pub use parse::parse;
