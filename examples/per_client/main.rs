//! Lists the clients that a limit per client would have refused.
//!
//! It replays an access log through `KeyedBuckets`, at the times in the log.
//!
//! Any file of lines will do. The client is one of the fields between white space, by default the
//! first, as in the common log format. The time of a line stands in that format's brackets. If no
//! line has a time, lines are spaced evenly.
//!
//! ```text
//! cargo run --release --features keys --example per_client -- access.log --limit "10/s capacity 50" --by-address
//! cargo run --release --features keys --example per_client -- /var/log/dpkg.log --field 5
//! zcat access.log.*.gz | cargo run --release --features keys --example per_client -- - --max-keys 1000000
//! ```
//!
//! `KeyedBuckets` drops the keys that are full again, so this program keeps the names of refused
//! clients. Memory follows the clients that are kept, whatever the bound.
//!
//! The log is in memory before the replay begins, and only the buckets grow during it. The printed
//! memory is that growth.

mod arguments;
#[path = "../common/command.rs"]
mod command;
mod log;
mod memory;
mod replay;
mod report;
mod stamp;

use std::error::Error;
use std::process::ExitCode;

use arguments::Arguments;
use log::Log;
use replay::Replay;

fn main() -> ExitCode {
    command::run(&arguments::USAGE, Arguments::parse, |arguments| run(&arguments).map(|report| command::print(&report)))
}

fn run(arguments: &Arguments) -> Result<String, Box<dyn Error>> {
    let text = log::read(&arguments.path)?;
    let log = Log::parse(&text, arguments)?;
    let replay = Replay::of(&log, arguments.limit, arguments.max_keys)?;
    Ok(report::report(arguments, &log, &replay))
}
