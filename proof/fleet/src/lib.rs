//! Fleets of real processes on one bucket, behind real engines, and the faults that befall them.
//!
//! * `worker`: what one process of the fleet does.
//! * `member`: a worker in a process of its own.
//! * `relay`: a port between workers and a server, which can be pointed at another one.
//! * `judge`: reads what was used when, and checks the bound in every window.
//! * `run`: eight processes at full load.
//! * `faults`: one fault after the other, and a table.

#![forbid(unsafe_code)]

pub mod faults;
pub mod judge;
pub mod member;
pub mod relay;
pub mod run;
pub mod worker;

/// What goes wrong is told, and ends the run.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Milliseconds since the machine's boot, suspended time included. All processes read the same.
pub fn now_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}
