//! The command `tollgate`: rate limits on the command line.
//!
//! ```text
//! cargo install tollgate-cli
//! tollgate pace --lines 1000/s --bytes 1MiB/s < in > out
//! ```
//!
//! This library holds the parts of the command, so that tests reach them. Its interface is the
//! command line; the items here may change in any release.
//!
//! | module | owns |
//! |---|---|
//! | [`command`] | the arguments of all jobs, and the exit status |
//! | [`pace`] | `tollgate pace`: lines and bytes, passed on at a limit |
//! | [`plan`] | `tollgate plan`: what limits admit over time |
//! | [`replay`] | `tollgate replay`: who would have been limited, from a log |
//! | [`bench`](mod@bench) | `tollgate bench`: the nanoseconds of a decision |
//! | [`completions`] | `tollgate completions`: a script for a shell |
//! | [`man`] | `tollgate man`: the manual pages |
//! | [`error`] | why a job was not done |
//! | [`argument`] | limits, sizes and times, as arguments |
//! | [`figures`] | numbers for people |
//! | [`terminal`] | what the standard error and the standard output are |

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod argument;
pub mod bench;
pub mod command;
pub mod completions;
mod draw;
pub mod error;
pub mod figures;
pub mod man;
pub mod pace;
pub mod plan;
pub mod replay;
pub mod terminal;
