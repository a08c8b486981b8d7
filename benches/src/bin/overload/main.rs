//! Measures limiters under overload, with callers that hang up.
//!
//! Far more callers come than are served, and each waits as long as its patience lasts. Real
//! tasks wait, on tokio and on smol. All limiters run in one process, one after the other.
//!
//! `cargo xtask overload [--quick] [--rounds N] [sizes]`

mod case;
mod contestants;
mod figures;
mod probe;
mod run;
mod runtimes;
mod sizes;
mod stopwatch;
mod watch;

use std::process::ExitCode;

use case::Case;
use contestants::{Fifo, LeakyBucket, Tollgate};
use figures::Figures;
use lexopt::{Arg, Parser, ValueExt};
use run::run;
use runtimes::{Smol, Tokio};

struct Options {
    rounds: u32,
    quick: bool,
    sizes_only: bool,
}

fn options() -> Result<Options, lexopt::Error> {
    let (mut parser, mut options) = (Parser::from_env(), Options { rounds: 1, quick: false, sizes_only: false });
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("quick") => options.quick = true,
            Arg::Long("rounds") => options.rounds = parser.value()?.parse()?,
            Arg::Value(word) if word == "sizes" => options.sizes_only = true,
            other => return Err(other.unexpected()),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}\nusage: overload [--quick] [--rounds N] [sizes]");
            return ExitCode::from(2);
        }
    };
    sizes::print();
    if options.sizes_only {
        return ExitCode::SUCCESS;
    }
    let mut faults = Vec::new();
    let mut show = |figures: Figures| {
        println!("{figures}");
        faults.extend(figures.faults());
    };
    for case in Case::ALL.map(|case| if options.quick { case.quick() } else { case }) {
        println!("\n{case}\n\n{}", Figures::HEAD);
        for _ in 0..options.rounds {
            show(run::<Tokio, Tollgate>(&case));
            show(run::<Tokio, LeakyBucket>(&case));
            show(run::<Tokio, Fifo>(&case));
            show(run::<Smol, Tollgate>(&case));
            show(run::<Smol, LeakyBucket>(&case));
            show(run::<Smol, Fifo>(&case));
        }
    }
    println!("{}", figures::LEGEND);
    faults.iter().for_each(|fault| println!("FAULT: {fault}"));
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
