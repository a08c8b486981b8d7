//! Measures how far the clocks that cost less lag behind the precise ones.
//!
//! The figures in the docs of `CoarseClock` and `RecentClock` come from this program.
//!
//! `cargo run --release --features coarse-clock --example clock_lag`

#[path = "common/command.rs"]
mod command;

use std::hint::spin_loop;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use tollgate::Clock;
#[cfg(any(target_os = "linux", target_os = "android"))]
use tollgate::clock::{CoarseClock, UptimeClock};
use tollgate::clock::{Tiered, Upkeep, UpkeepError};

use command::Usage;

const TIME: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_millis(1);

const USAGE: Usage = Usage::plain("Measures how far the clocks that cost less lag behind the precise ones, in 20 s.");

fn main() -> ExitCode {
    command::run(&USAGE, command::no_arguments, |()| measure())
}

fn measure() -> Result<(), UpkeepError> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    println!("a tick of CoarseClock: {:?}", CoarseClock::tick());
    let upkeep = Upkeep::start(INTERVAL)?;
    println!("the interval of the upkeep: {INTERVAL:?}");
    worst("this thread alone");
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while !is_over.load(Relaxed) {
                    spin_loop();
                }
            });
        }
        worst(&format!("beside {cores} threads that never sleep"));
        is_over.store(true, Relaxed);
    });
    drop(upkeep);
    Ok(())
}

/// Prints the worst lags of a while.
///
/// Each precise reading is made before the coarse one. So a pause between the two makes a lag look
/// smaller, and never larger.
fn worst(load: &str) {
    let (tsc, started) = (Tiered::tsc(), Instant::now());
    let mut recent = Duration::ZERO;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let mut coarse = Duration::ZERO;
    while started.elapsed() < TIME {
        for _ in 0..1000 {
            let now = tsc.now();
            if let Some(rough) = tsc.rough() {
                recent = recent.max(now.since(rough));
            }
            #[cfg(any(target_os = "linux", target_os = "android"))]
            {
                let now = UptimeClock::new().now();
                coarse = coarse.max(now.since(CoarseClock::new().now()));
            }
        }
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    println!("{load}: worst lag of CoarseClock {coarse:?}");
    println!("{load}: worst lag of RecentClock {recent:?}");
}
