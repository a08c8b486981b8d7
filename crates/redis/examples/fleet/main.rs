//! Several processes share one limit, and each one's share is drawn over time.
//!
//! The program starts itself a few times. Each process takes one token after the other, in turn,
//! from one [`FleetBucket`](tollgate_redis::FleetBucket). In the middle third of the run the first
//! one rests: the others get its share, and it gets its share again when it comes back.
//!
//! ```text
//! cargo run --release --package tollgate-redis --example fleet [-- --seconds 10] [--processes 4]
//! ```
//!
//! The engine is a `redis-server` or `valkey-server` that it starts itself, or one that runs:
//! `--engine redis://127.0.0.1:6379`.
//!
//! It fails if all processes together took more than the bound allows.

#[path = "../../../../examples/common/command.rs"]
mod command;
mod display;
mod engine;
mod member;
mod plot;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use lexopt::{Arg, Parser};
use tollgate::{Limit, Rate};

use command::Usage;
use display::Display;
use engine::Engine;
use member::Member;

/// For how long a lease may be used.
const TERM: Duration = Duration::from_secs(1);
/// How often the shares are read.
const SAMPLE: Duration = Duration::from_millis(250);

const USAGE: Usage = Usage {
    about: "Several processes share one limit, and each one's share is drawn over time.",
    arguments: "[OPTIONS]",
    options: "  --processes N     how many share the limit, from 2 to 16 [4]
  --seconds S       how long they do [9]
  --rate RATE       the limit [1000/s]
  --engine URL      an engine that runs, as redis://127.0.0.1:6379 [one that it starts itself]
  --server PATH     the server that it starts [redis-server or valkey-server, of the search path]
  --plot FILE       where the shares are plotted, as SVG [target/fleet.svg]
",
    more: "",
};

/// What a process is told.
struct Options {
    processes: usize,
    run_for: Duration,
    limit: Limit,
    engine: Option<String>,
    server: Option<PathBuf>,
    plot: PathBuf,
    /// The name of the limit and the number of this process, if it is one of the fleet.
    member: Option<(String, usize)>,
}

/// What all processes had taken at one time.
struct Sample {
    seconds: f64,
    taken: Vec<u64>,
}

fn main() -> ExitCode {
    command::run(&USAGE, Options::read, |options| match &options.member {
        Some((name, number)) => member::take(&options, name, *number),
        None => run(&options),
    })
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let own = match &options.engine {
        Some(_) => None,
        None => Some(Engine::start(options.server.as_deref())?),
    };
    let url = options.engine.clone().or_else(|| own.as_ref().map(Engine::url)).ok_or("no engine")?;
    let name = format!("tollgate-example-{}", std::process::id());
    let members = (0..options.processes)
        .map(|number| Member::start(options, &url, &name, number))
        .collect::<Result<Vec<_>, _>>()?;

    println!("{} processes, one limit: {}", options.processes, options.limit.rate);
    let display = Display::new(options.limit.rate);
    let begun = Instant::now();
    members.iter().try_for_each(Member::go)?;
    let mut samples = vec![Sample { seconds: 0.0, taken: vec![0; options.processes] }];
    while begun.elapsed() < options.run_for {
        thread::sleep(SAMPLE);
        let taken = members.iter().map(Member::taken).collect::<Result<_, _>>()?;
        samples.push(Sample { seconds: begun.elapsed().as_secs_f64(), taken });
        display.show(&samples);
    }
    let taken = members.into_iter().map(Member::end).collect::<Result<Vec<u64>, _>>()?;
    let elapsed = begun.elapsed();
    for (number, taken) in taken.iter().enumerate() {
        println!("process {number} took {taken}");
    }
    plot::draw(&options.plot, &samples, options.limit.rate)
        .map_err(|error| format!("cannot plot to {}: {error}", options.plot.display()))?;
    println!("plotted in {}", options.plot.display());

    let sum: u64 = taken.iter().sum();
    let rate = options.limit.rate.tokens() as f64 / options.limit.rate.period().as_secs_f64();
    let most = options.limit.capacity as f64 + rate * (elapsed + TERM).as_secs_f64();
    if sum as f64 > most {
        return Err(format!("{sum} tokens were taken in {elapsed:.1?}; the bound is {most:.0}").into());
    }
    println!("all took {sum} in {elapsed:.1?}: {:.1} % of the rate", 100.0 * sum as f64 / rate / elapsed.as_secs_f64());
    Ok(())
}

impl Options {
    fn read(mut words: Parser) -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self {
            processes: 4,
            run_for: Duration::from_secs(9),
            limit: Limit::per_second(1000),
            engine: None,
            server: None,
            plot: PathBuf::from("target/fleet.svg"),
            member: None,
        };
        let (mut name, mut rate) = (None, Rate::per_second(1000));
        while let Some(word) = words.next()? {
            match word {
                Arg::Long("processes") => {
                    options.processes = command::value("--processes", &mut words)?;
                    if !(2..=16).contains(&options.processes) {
                        return Err(format!("--processes \"{}\": from 2 to 16", options.processes).into());
                    }
                }
                Arg::Long("seconds") => options.run_for = command::seconds("--seconds", &mut words)?,
                Arg::Long("rate") => rate = command::value("--rate", &mut words)?,
                Arg::Long("engine") => options.engine = Some(command::value("--engine", &mut words)?),
                Arg::Long("server") => options.server = Some(words.value()?.into()),
                Arg::Long("plot") => options.plot = words.value()?.into(),
                // What it says to those that it starts.
                Arg::Long("member-of") => name = Some(command::value("--member-of", &mut words)?),
                Arg::Long("member") => {
                    options.member = Some((name.take().unwrap_or_default(), command::value("--member", &mut words)?));
                }
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        // The burst of a tenth of a second, and of one token at least.
        let burst = rate.tokens() as f64 / rate.period().as_secs_f64() / 10.0;
        options.limit = Limit::new(rate, (burst as u64).max(1));
        Ok(Some(options))
    }
}
