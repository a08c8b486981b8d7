//! Whom would a limit for each client have refused? Replays an access log through `KeyedBuckets`,
//! at the times that the log says.
//!
//! Any file of lines will do: the client is one of the fields that white space separates, the first
//! unless told otherwise, as in the common log format. A line happens at the time that it has in
//! that format's brackets; where no line has one, lines are spaced evenly.
//!
//! ```text
//! cargo run --release --features keys --example per_client -- access.log --limit "10/s capacity 50" --by-address
//! cargo run --release --features keys --example per_client -- /var/log/dpkg.log --field 5
//! zcat access.log.*.gz | cargo run --release --features keys --example per_client -- - --max-keys 1000000
//! ```
//!
//! The buckets keep only the clients that are not full, so the replay keeps the names of those that
//! were refused. The log is in memory before the replay begins, and nothing but the buckets grows
//! during it: that growth is the memory that is printed.

mod arguments;
mod log;
mod memory;
mod replay;
mod report;
mod stamp;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use arguments::Arguments;
use log::Log;
use replay::Replay;

fn main() -> ExitCode {
    let text = match Arguments::from_env() {
        Ok(Some(arguments)) => run(&arguments),
        Ok(None) => Ok(arguments::USAGE.into()),
        Err(error) => Err(error),
    };
    match text.map(|text| io::stdout().write_all(text.as_bytes())) {
        Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("per_client: cannot write to stdout: {error}");
            ExitCode::from(1)
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("per_client: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<String, Box<dyn Error>> {
    let text = log::read(&arguments.path)?;
    let log = Log::parse(&text, arguments)?;
    let replay = Replay::of(&log, arguments.limit, arguments.max_keys)?;
    Ok(report::report(arguments, &log, &replay))
}
