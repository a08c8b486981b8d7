//! Owns how the fuzz targets are run: on the nightly compiler, from the seeds, for a stated time;
//! and what is to be done with what they find.

use std::process::{Command, ExitCode, Stdio};

use crate::step;

const TARGETS: [&str; 2] = ["parse", "operations"];
const SECONDS: u64 = 60;
/// Enough for some two hundred operations.
const LONGEST_INPUT: u32 = 600;

pub(crate) fn run(words: &[String]) -> ExitCode {
    let seconds = match words {
        [] => SECONDS,
        [flag, n] if flag == "--seconds" => match n.parse() {
            Ok(seconds @ 1..) => seconds,
            _ => return refuse(&format!("--seconds {n}: a whole number of seconds, at least 1")),
        },
        _ => return refuse("usage: cargo xtask fuzz [--seconds N]"),
    };
    // Through rustup: the `cargo` that runs this command is that of another toolchain.
    if !succeeds(nightly().args(["rustc", "--version"])) {
        return refuse("cargo xtask fuzz needs a nightly compiler: rustup toolchain install nightly --profile minimal");
    }
    if !succeeds(nightly().args(["cargo", "fuzz", "--version"])) {
        return refuse("cargo xtask fuzz needs cargo-fuzz: cargo install cargo-fuzz --locked");
    }
    let mut failed = Vec::new();
    for target in TARGETS {
        println!("\n==> {target}, for {seconds} s");
        if !fuzz(target, seconds) {
            failed.push(target);
        }
    }
    for target in &failed {
        println!(
            "{target} FAILED: its input is in fuzz/artifacts/{target}. `cargo +nightly fuzz tmin {target} FILE` makes it small."
        );
        println!(
            "Put it into fuzz/regressions/{target}, named for the property that it broke; fuzz/tests/replay.rs replays it from then on."
        );
    }
    println!("{} of {} targets passed", TARGETS.len() - failed.len(), TARGETS.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// New inputs are kept in `corpus`, which is not committed; the seeds are only read.
fn fuzz(target: &str, seconds: u64) -> bool {
    let folder = step::root().join("fuzz");
    let corpus = folder.join("corpus").join(target);
    if let Err(error) = std::fs::create_dir_all(&corpus) {
        println!("{}: {error}", corpus.display());
        return false;
    }
    let mut command = nightly();
    command.args(["cargo", "fuzz", "run", target]).arg(corpus).arg(folder.join("seeds").join(target));
    command.args(["--", &format!("-max_total_time={seconds}"), &format!("-max_len={LONGEST_INPUT}")]);
    command.args(["-print_final_stats=1", "-verbosity=1"]);
    command.current_dir(step::root());
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            println!("cannot be run: {error}");
            false
        }
    }
}

fn nightly() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly"]);
    // What the outer cargo has said of itself is not meant for the inner one.
    for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "CARGO_MANIFEST_DIR"] {
        command.env_remove(name);
    }
    command
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn refuse(what: &str) -> ExitCode {
    eprintln!("{what}");
    ExitCode::from(2)
}
