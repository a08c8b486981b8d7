//! Measures the promised figures: our cost in terms of peers and floors.
//!
//! All cases take turns in one process.
//!
//! `cargo xtask ratios [--quick] [--json FILE]`

mod cases;
mod figures;
mod machine;
mod report;
mod rounds;
mod spread;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;

use crate::rounds::Rounds;

/// How long to measure. The calibration before and the tails after it take some more seconds.
const FULL: Plan = Plan { rounds: Duration::from_secs(150), tails: Duration::from_secs(2) };
const QUICK: Plan = Plan { rounds: Duration::from_secs(8), tails: Duration::from_millis(200) };

#[derive(Clone, Copy)]
struct Plan {
    rounds: Duration,
    /// The time for each case whose single calls are timed.
    tails: Duration,
}

const USAGE: &str = "\
usage: ratios [--quick] [--json FILE]

  --quick      ten seconds, to see that it works; the figures are no more than a hint
  --json FILE  also writes the lines of figures to FILE";

fn main() -> ExitCode {
    match arguments().and_then(|(plan, json)| measure(plan, json)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ratios: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<(Plan, Option<PathBuf>), lexopt::Error> {
    let (mut plan, mut json) = (FULL, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("quick") => plan = QUICK,
            Long("json") => json = Some(parser.value()?.into()),
            other => return Err(other.unexpected()),
        }
    }
    Ok((plan, json))
}

/// Measures and reports. A missed target is a result, not an error.
fn measure(plan: Plan, json: Option<PathBuf>) -> Result<(), lexopt::Error> {
    // Opened before the measurement, so that a bad file name fails within a second.
    let mut file = json.map(std::fs::File::create).transpose().map_err(|error| error.to_string())?;
    let machine = machine::machine();
    report::print_machine(&machine);
    let cases = cases::all();
    let rounds = Rounds::measure(&cases, plan.rounds);
    let figures = figures::all(&cases, &rounds, plan.tails);
    report::print_distances(&rounds);
    report::print_table(&figures);
    let lines = report::lines(&machine, &figures);
    print!("\n{lines}");
    if let Some(file) = &mut file {
        file.write_all(lines.as_bytes()).map_err(|error| error.to_string())?;
    }
    Ok(())
}
