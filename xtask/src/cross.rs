//! Owns the run on other machines: an old compiler, other processors, bare ones; what was found is
//! run, of the rest is said what it lacks.

mod machine;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use debian::Debian;
use machine::{MACHINES, Machine};

use crate::step::root;

const ARCHITECTURES: &str = "amd64,i386,armhf,armel,s390x";

/// `--fetch` gets what is missing; without it, the machines are run. All of them, or those of these
/// names.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let (options, names): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.starts_with('-'));
    if let Some(unknown) = names.iter().find(|name| MACHINES.iter().all(|machine| machine.name != **name)) {
        eprintln!("cross: no machine {unknown}; there are {}", MACHINES.map(|machine| machine.name).join(", "));
        return ExitCode::from(2);
    }
    let chosen = MACHINES.iter().filter(|machine| names.is_empty() || names.iter().any(|name| *name == machine.name));
    let debian = Debian::new("cross", ARCHITECTURES);
    match options[..] {
        [] => run_all(&debian, &chosen.collect::<Vec<_>>()),
        [option] if option == "--fetch" => match debian.fetch(chosen.flat_map(Machine::packages)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("cross: {error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("cross: {} is not an option; there is --fetch", options[0]);
            ExitCode::from(2)
        }
    }
}

/// What became of one command on one machine.
struct Row {
    name: String,
    passed: bool,
    tests: Tests,
    time: Duration,
}

#[derive(Clone, Copy, Default)]
struct Tests {
    passed: u64,
    failed: u64,
}

fn run_all(debian: &Debian, chosen: &[&Machine]) -> ExitCode {
    let started = Instant::now();
    let mut rows: Vec<Row> = Vec::new();
    let mut lacking: Vec<String> = Vec::new();
    for machine in chosen {
        let lacks = debian.lacks(machine.packages());
        if lacks.is_empty() {
            rows.extend(machine.jobs.iter().map(|job| run_job(debian, machine, job)));
        } else {
            lacking.push(format!("{} lacks: {}; run cargo xtask cross --fetch", machine.name, lacks.join(" ")));
        }
    }
    println!("\nsummary");
    for machine in chosen {
        println!("  {}: {}, {}", machine.name, machine.triple, machine.shows);
    }
    for Row { name, passed, tests, time } in &rows {
        let verdict = if *passed { "passed" } else { "FAILED" };
        println!(
            "  {verdict}  {:4} tests  {:2} failed  {:6.1} s  {name}",
            tests.passed,
            tests.failed,
            time.as_secs_f64()
        );
    }
    lacking.iter().for_each(|lack| println!("  not run  {lack}"));
    let failed = rows.iter().filter(|row| !row.passed).count();
    let (passed, time) = (rows.len() - failed, started.elapsed().as_secs_f64());
    println!("{passed} commands passed, {failed} failed, {} machines not run, in {time:.0} s", lacking.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_job(debian: &Debian, machine: &Machine, job: &str) -> Row {
    let started = Instant::now();
    let name = format!("{}: cargo {job}", machine.name);
    println!("\n==> {name}");
    let (passed, tests) = counted(machine.command(debian, job).current_dir(root())).unwrap_or_else(|error| {
        println!("cannot be run: {error}");
        (false, Tests::default())
    });
    println!("<== {name}: {} in {:.1?}", if passed { "passed" } else { "FAILED" }, started.elapsed());
    Row { name, passed, tests, time: started.elapsed() }
}

/// Whether the command succeeded, and the sum of what the test harnesses reported; everything is
/// passed on as it comes.
fn counted(command: &mut Command) -> std::io::Result<(bool, Tests)> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut tests = Tests::default();
    // Bytes, since a program under test may print any.
    for line in BufReader::new(child.stdout.take().expect("piped")).split(b'\n') {
        let line = line?;
        let (passed, failed) = results(&String::from_utf8_lossy(&line)).unwrap_or_default();
        tests = Tests { passed: tests.passed + passed, failed: tests.failed + failed };
        std::io::stdout().write_all(&[&line, &b"\n"[..]].concat())?;
    }
    Ok((child.wait()?.success(), tests))
}

/// `test result: ok. 25 passed; 1 failed; ...`
fn results(line: &str) -> Option<(u64, u64)> {
    let (passed, rest) = line.strip_prefix("test result: ")?.split_once(". ")?.1.split_once(" passed; ")?;
    Some((passed.parse().ok()?, rest.split_once(" failed")?.0.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_a_harness_is_counted_and_nothing_else_is() {
        assert_eq!(results("test result: FAILED. 25 passed; 1 failed; 0 ignored; 0 measured"), Some((25, 1)));
        assert_eq!(results("test result::tests::ok ... ok"), None);
    }

    #[test]
    fn machines_have_names_of_their_own() {
        for (i, machine) in MACHINES.iter().enumerate() {
            assert!(MACHINES[..i].iter().all(|other| other.name != machine.name), "{}", machine.name);
        }
    }
}
