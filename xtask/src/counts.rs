//! Owns the instructions that a decision takes: counted under callgrind, and held against those
//! that were accepted.
//!
//! They do not depend on who else uses the machine, so a change of a few percent can be seen where
//! a clock would not show it.

mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{fs, io};

use table::{Table, regressions};

use crate::step::root;

/// Two runs that differ in nothing but the number of calls: what the program does besides them
/// cancels out.
const CALLS: [u64; 2] = [10_000, 110_000];

const NO_VALGRIND: &str = "\
counts: cargo xtask counts needs valgrind, which has callgrind: apt-get install valgrind, or https://valgrind.org/downloads";

/// Counts, and says how that compares; with `--accept`, writes it down instead.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let accept = match words {
        [] => false,
        [option] if option == "--accept" => true,
        _ => {
            eprintln!("usage: cargo xtask counts [--accept]");
            return ExitCode::from(2);
        }
    };
    match count() {
        Ok(now) if accept => accepted(&now),
        Ok(now) => compared(&now),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn baseline() -> PathBuf {
    root().join("benches/counts.json")
}

fn accepted(now: &Table) -> ExitCode {
    match fs::write(baseline(), now.to_string()) {
        Ok(()) => {
            println!("{} cases written to {}", now.counts.len(), baseline().display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("counts: {}: {error}", baseline().display());
            ExitCode::FAILURE
        }
    }
}

fn compared(now: &Table) -> ExitCode {
    let text = fs::read_to_string(baseline()).map_err(|error| error.to_string());
    let before = match text.and_then(|text| text.parse::<Table>()) {
        Ok(before) => before,
        Err(error) => {
            eprintln!("counts: {}: {error}; cargo xtask counts --accept writes it", baseline().display());
            return ExitCode::FAILURE;
        }
    };
    println!("{:24} {:>10} {:>10} {:>9}", "instructions", "baseline", "now", "");
    for (case, count) in &now.counts {
        match before.counts.get(case) {
            Some(was) => println!("{case:24} {was:10.2} {count:10.2} {:+8.1} %", (count / was - 1.0) * 100.0),
            None => println!("{case:24} {:>10} {count:10.2}       new", "-"),
        }
    }
    for case in before.counts.keys().filter(|case| !now.counts.contains_key(*case)) {
        println!("{case:24} is in the baseline and is no longer counted");
    }
    let worse = regressions(&before, now);
    for (case, was, count) in &worse {
        println!("{case} takes {count:.2} instructions, and {was:.2} were accepted");
    }
    if !before.same_compiler(now) {
        println!(
            "the baseline is of {} for {}, and this is {} for {}:",
            before.rustc, before.target, now.rustc, now.target
        );
        println!(
            "another compiler generates other code, so this is no failure; cargo xtask counts --accept makes it the baseline"
        );
        return ExitCode::SUCCESS;
    }
    if worse.is_empty() {
        println!("no case takes more than {} % more than the baseline", table::TOLERANCE);
        return ExitCode::SUCCESS;
    }
    println!("if that is what it has to cost, cargo xtask counts --accept makes it the baseline");
    ExitCode::FAILURE
}

fn count() -> Result<Table, String> {
    let found = Command::new("valgrind").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        return Err(NO_VALGRIND.to_owned());
    }
    let version = output(Command::new("rustc").arg("-vV").current_dir(root()))?;
    let field = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("unknown").to_owned();
    let program = build()?;
    let cases = output(&mut Command::new(&program))?;
    let counts = cases.lines().map(|case| {
        eprintln!("counting {case}");
        let [few, many] = CALLS.map(|calls| instructions(&program, case, calls));
        Ok((case.to_owned(), table::per_call(few?, many?, CALLS[1] - CALLS[0])))
    });
    let counts = counts.collect::<Result<_, String>>()?;
    Ok(Table { rustc: field("release: "), target: field("host: "), counts })
}

/// The program, built. Where cargo has put it is among what it says.
///
/// It is one unit of code: divided, a case takes other instructions whenever another part of the
/// crate changes.
fn build() -> Result<PathBuf, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1").env("CARGO_INCREMENTAL", "0");
    let words = "build --release --package benches --bin counts --message-format json-render-diagnostics";
    cargo.args(words.split(' ')).current_dir(root()).stderr(std::process::Stdio::inherit());
    let said = output(&mut cargo)?;
    let path = said.lines().rev().find_map(|line| line.split_once(r#""executable":""#)?.1.split_once('"'));
    path.map(|(path, _)| PathBuf::from(path)).ok_or_else(|| "counts: cargo named no program".to_owned())
}

fn instructions(program: &Path, case: &str, calls: u64) -> Result<u64, String> {
    let file = program.with_file_name(format!("counts.{case}.callgrind"));
    let option = format!("--callgrind-out-file={}", file.display());
    output(Command::new("valgrind").args(["--tool=callgrind", &option]).arg(program).args([case, &calls.to_string()]))?;
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let _ = fs::remove_file(&file);
    table::total(&text).ok_or_else(|| format!("{}: callgrind has written no total", file.display()))
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(std::process::Stdio::null()).output();
    let output = output.map_err(|error: io::Error| format!("counts: {command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("counts: {command:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
