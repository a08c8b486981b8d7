//! `tollgate pace` in front of a real server: lines are URLs, and each is asked for as it comes.
//!
//! * `fetch`: the program behind `pace`.
//! * `run`: all of the pipeline, and what nginx logged of it.

pub mod fetch;
pub mod run;
