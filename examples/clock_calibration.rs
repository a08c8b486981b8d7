//! Measures what the default clock costs to start, and how far it drifts.
//!
//! The figures in the docs of `TscClock` come from this program.
//!
//! `cargo run --release --example clock_calibration`

#[path = "common/command.rs"]
mod command;

use std::convert::Infallible;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tollgate::Clock;
use tollgate::clock::{InstantClock, TscClock};

use command::Usage;

const READINGS: u32 = 1_000_000;

const USAGE: Usage = Usage::plain("Measures what the default clock costs to start, and how far it drifts in 10 s.");

fn main() -> ExitCode {
    command::run(&USAGE, command::no_arguments, |()| measure())
}

fn measure() -> Result<(), Infallible> {
    let started = Instant::now();
    let tsc = TscClock::new();
    println!("first TscClock of the process: {:?}", started.elapsed());
    let started = Instant::now();
    black_box(TscClock::new());
    println!("a further one: {:?}", started.elapsed());

    println!("a reading of TscClock: {:.1} ns", nanos_per_reading(&tsc));
    println!("a reading of InstantClock: {:.1} ns", nanos_per_reading(&InstantClock::new()));

    let (from, started) = (tsc.now(), Instant::now());
    std::thread::sleep(Duration::from_secs(10));
    let (counted, passed) = (tsc.now().since(from).as_secs_f64(), started.elapsed().as_secs_f64());
    println!("drift against Instant over {passed:.1} s: {:+.1} parts per million", (counted / passed - 1.0) * 1e6);
    Ok(())
}

fn nanos_per_reading(clock: &impl Clock) -> f64 {
    let started = Instant::now();
    for _ in 0..READINGS {
        black_box(clock.now());
    }
    started.elapsed().as_nanos() as f64 / f64::from(READINGS)
}
