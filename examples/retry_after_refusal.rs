//! Compares two callers: one retries after the wait of its refusal, one waits in line.
//!
//! Both keep the limit. The wait of a refusal is exact if no other caller takes tokens. Here all
//! threads take, so most threads that wake together find that another was faster. They are refused
//! again, in no particular order. A thread that waits in line sleeps once, and is served first
//! come, first served.
//!
//! So retry if the caller has other work meanwhile, or must decide anew. Otherwise wait.
//!
//! ```text
//! cargo run --release --example retry_after_refusal
//! ```

#[path = "common/command.rs"]
mod command;

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use tollgate::{Clock, Limit, Refused, TokenBucket};

use command::Usage;

const THREADS: usize = 8;
const TAKES: u64 = 50;

/// The refusals and the longest call of one thread.
#[derive(Clone, Copy, Default)]
struct Seen {
    refusals: u64,
    longest: Duration,
}

const USAGE: Usage =
    Usage::plain("Compares two callers: one retries after the wait of its refusal, one waits in line.");

fn main() -> ExitCode {
    command::run(&USAGE, command::no_arguments, |()| compare())
}

fn compare() -> Result<(), Box<dyn std::error::Error>> {
    println!("{THREADS} threads, {TAKES} tokens each, 400/s");
    run("retry after the refusal's wait", |bucket| {
        let mut refusals = 0;
        loop {
            match bucket.try_take(1) {
                Ok(_) => return Ok(refusals),
                Err(Refused::NotYet(refusal)) => {
                    refusals += 1;
                    thread::sleep(refusal.wait().unwrap());
                }
                Err(never) => return Err(never),
            }
        }
    })?;
    let refusals = run("take_blocking", |bucket| bucket.take_blocking(1).map(|_| 0))?;
    assert_eq!(refusals, 0);
    Ok(())
}

/// Lets all threads take all their tokens by `take`, which returns its number of refusals.
fn run(
    name: &str,
    take: impl Fn(&TokenBucket) -> Result<u64, Refused> + Sync,
) -> Result<u64, Box<dyn std::error::Error>> {
    let limit = Limit::per_second(400).capacity(10);
    let bucket = TokenBucket::new(limit)?;
    let clock = bucket.clock();
    let start = clock.now();
    let one = || -> Result<Seen, Refused> {
        let mut seen = Seen::default();
        for _ in 0..TAKES {
            let called = clock.now();
            seen.refusals += take(&bucket)?;
            seen.longest = seen.longest.max(clock.now().since(called));
        }
        Ok(seen)
    };
    let seen = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(one));
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect::<Result<Vec<_>, _>>()
    })?;

    let took = clock.now().since(start);
    let granted = THREADS as u64 * TAKES;
    let refusals = seen.iter().map(|seen| seen.refusals).sum();
    let longest = seen.iter().map(|seen| seen.longest).max().unwrap_or_default();
    // The bucket is a moment older than `start`, but it began full.
    assert!(granted as f64 <= limit.capacity as f64 + 400.0 * took.as_secs_f64(), "{granted} in {took:?}");
    println!("  {name:<31} {refusals:>5} refusals, longest call {:>4} ms, {took:.2?} in all", longest.as_millis());
    Ok(refusals)
}
