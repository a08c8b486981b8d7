//! Measures what a bucket for every key costs.
//!
//! It compares maps and peers, and measures memory and a flood of keys.
//!
//! `cargo xtask keys [clients|maps|throughput|memory|flood]`; it runs all without a
//! name.

mod clients;
mod contestants;
mod draws;
mod flood;
mod maps;
mod memory;
mod throughput;

use std::process::{Command, ExitCode};

const USAGE: &str = "usage: keys [clients|maps|throughput|memory|flood]";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => ["clients", "throughput", "memory", "flood", "maps"].iter().for_each(|question| apart(&[question])),
        ["maps"] => maps::all(),
        ["maps", name, keys] => maps::one(name, keys.parse().expect("a number of keys")),
        ["clients"] => clients::all(),
        ["throughput"] => throughput::all(),
        ["memory"] => memory::all(),
        ["memory", name, kind, keys] => memory::one(name, kind, keys.parse().expect("a number of keys")),
        ["flood"] => flood::all(),
        ["flood", rate] => flood::one(rate.parse().expect("tokens a second")),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Runs this program again with these words, so that a measurement begins with fresh memory.
fn apart(words: &[&str]) {
    let this = std::env::current_exe().expect("a program");
    assert!(Command::new(this).args(words).status().expect("runs").success(), "{words:?} failed");
}

/// Returns the bytes of memory that this process has written.
///
/// The pages of its program and of its libraries are left out: they come in as it runs, and are no
/// memory of keys.
fn resident() -> u64 {
    let sums = std::fs::read_to_string("/proc/self/smaps_rollup").expect("Linux");
    let anonymous = sums.lines().find_map(|line| line.strip_prefix("Anonymous:")).expect("a sum");
    anonymous.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}
