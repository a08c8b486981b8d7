//! Soaks buckets of several kinds and rates, and audits every window against the bound.
//!
//! `soak [--seconds 5] [--threads 16]`
//!
//! Use more threads than cores, so that the system stops threads between reading the clock and
//! using the reading, and inside calls. The buckets share the seconds. The program prints a line
//! for each stream, and ends with 1 if a window exceeds the bound.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use history_tests::soak::{Plan, Record, Way, multi_bucket, token_bucket};
use history_tests::windows::{Bound, audit};
use tollgate::Limit;

struct Arguments {
    seconds: f64,
    threads: usize,
}

fn arguments() -> Result<Arguments, lexopt::Error> {
    use lexopt::prelude::*;
    let mut arguments = Arguments { seconds: 5.0, threads: 16 };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seconds") => arguments.seconds = parser.value()?.parse()?,
            Long("threads") => arguments.threads = parser.value()?.parse()?,
            other => return Err(other.unexpected()),
        }
    }
    if !(arguments.seconds > 0.0 && arguments.seconds < 1e6) || arguments.threads == 0 {
        return Err("--seconds and --threads must be positive".into());
    }
    Ok(arguments)
}

fn limit(rate: &str, capacity: u64) -> Limit {
    rate.parse::<Limit>().expect("a rate of this program").capacity(capacity)
}

type Soak = Box<dyn Fn(usize, Duration) -> Vec<(Limit, Record)>>;

fn one(limit: Limit, most: u64, put_back: u64) -> (&'static str, Soak) {
    let plan = Plan { limits: [limit], most: [most], put_back };
    ("TokenBucket", Box::new(move |threads, time| with_limits(plan, token_bucket(plan, threads, time))))
}

fn two(name: &'static str, way: Way, limits: [Limit; 2], most: [u64; 2], put_back: u64) -> (&'static str, Soak) {
    let plan = Plan { limits, most, put_back };
    (name, Box::new(move |threads, time| with_limits(plan, multi_bucket(plan, way, threads, time))))
}

fn with_limits<const N: usize>(plan: Plan<N>, records: [Record; N]) -> Vec<(Limit, Record)> {
    plan.limits.into_iter().zip(records).collect()
}

/// Lists the soaks: exact, rounded, slow and inexhaustible rates, small and large bursts.
fn soaks() -> Vec<(&'static str, Soak)> {
    let two_exact = [limit("100000/s", 100), limit("125MB/s", 100_000)];
    let two_rounded = [limit("333333/s", 50), limit("64MiB/s", 20_000)];
    let two_tight = [limit("1000/s", 1), limit("999.9/s", 3)];
    vec![
        one(limit("1000/s", 5), 1, 0),
        one(limit("1000000/s", 100), 3, 0),
        one(limit("999983/s", 1000), 7, 0),
        one(limit("12500000000/s", 1_000_000), 50_000, 0),
        one(limit("1MiB/s", 100), 3, 4),
        two("MultiBucket<2>", Way::Shared, two_exact, [1, 2500], 0),
        two("MultiBucket<2>", Way::Shared, two_tight, [1, 1], 0),
        two("MultiBucket<2>", Way::Shared, two_rounded, [1, 400], 4),
        two("Handle<2>", Way::Handles, two_exact, [2, 900], 0),
        two("Handle<2>", Way::Handles, two_rounded, [1, 400], 0),
        two("Handle<2>", Way::Handles, two_exact, [1, 2500], 8),
    ]
}

/// Prints the verdict, and returns whether the bound held.
fn judge(name: &str, limit: Limit, mut record: Record) -> bool {
    let rate = limit.rate;
    let bound = Bound {
        num: rate.tokens(),
        den: rate.period().as_nanos().try_into().expect("a period of this program"),
        capacity: limit.capacity,
        precision: limit.precision().expect("a limit in range").as_nanos() as u64,
    };
    let place = format!("{name} {rate} capacity {}", bound.capacity);
    let back = record.put_backs.len();
    let grants = record.grants.len();
    match audit(bound, &mut record.grants, &mut record.put_backs) {
        Some(verdict) => {
            let excess = verdict.excess as f64 / bound.den as f64;
            let kept = if verdict.excess <= 0 { "kept" } else { "EXCEEDED" };
            let windows = verdict.windows;
            println!(
                "soak: {place}: {kept}; grants {grants}, put back {back}, windows {windows}, worst excess {excess:.6} tokens"
            );
            verdict.excess <= 0
        }
        None => {
            println!("soak: {place}: granted NOTHING");
            false
        }
    }
}

fn main() -> ExitCode {
    let Arguments { seconds, threads } = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("soak: {error}\nusage: soak [--seconds 5] [--threads 16]");
            return ExitCode::from(2);
        }
    };
    let started = Instant::now();
    let soaks = soaks();
    let time = Duration::from_secs_f64(seconds / soaks.len() as f64);
    let mut kept = true;
    for (name, soak) in soaks {
        for (limit, record) in soak(threads, time) {
            kept &= judge(name, limit, record);
        }
    }
    println!(
        "soak: {threads} threads, {:.1} s, every window {}",
        started.elapsed().as_secs_f64(),
        if kept { "within the bound" } else { "NOT within the bound" }
    );
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
