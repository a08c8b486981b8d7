//! Owns `tollgate replay`: who would have been limited, from a log. Never a limit of its own.
//!
//! * `source`: the bytes of a log, line by line
//! * `field`: how arguments name a part of a line; the client
//! * `format`, `stamp`: what a line says, and when
//! * `log`: the requests in order
//! * `verdicts`: the replay
//! * `chart`, `report`, `memory`: what is shown of it

mod chart;
pub mod field;
pub mod format;
mod log;
mod memory;
mod report;
mod source;
mod stamp;
mod verdicts;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use tollgate::{Limit, Rate};

use crate::argument;
use crate::command::LIMITS_AND_STATUS;
use crate::completions::print;
use crate::draw::look::Look;
use crate::draw::span::ascii;
use crate::draw::svg;
use crate::error::Error;
use crate::replay::field::Field;
use crate::replay::format::{Format, Wanted};
use crate::replay::log::{Log, Reading};
use crate::replay::report::Report;
use crate::replay::verdicts::Limits;

/// Rows of the drawing in the terminal.
const ROWS: usize = 10;

/// The width of the SVG in the columns of a terminal, which decides how many bars it has.
const WIDE: usize = 200;

/// The arguments of `tollgate replay`.
#[derive(clap::Args, Debug)]
#[command(after_help = LIMITS_AND_STATUS, after_long_help = NOTES)]
pub struct Args {
    /// The log, plain or compressed by gzip; - reads the standard input.
    #[arg(value_name = "LOG")]
    pub log: PathBuf,
    /// A limit of each client, in requests; several are streams of one bucket.
    #[arg(long = "limit", value_name = "LIMIT", value_parser = argument::limit, required_unless_present = "bytes")]
    pub limits: Vec<Limit>,
    /// A limit of each client, in bytes of the size in each line.
    #[arg(long, value_name = "LIMIT", value_parser = argument::limit)]
    pub bytes: Option<Limit>,
    /// What names the client: `ip`, the number of a column, a field of the combined log, or a key.
    ///
    /// `ip` is the first address in a line, or what a known key of JSON has; IPv6 addresses of one
    /// /64 are one client. The fields of the combined log are user, request, method, path, status,
    /// bytes, referer and user-agent. A key of JSON may have points: request.headers.host.
    #[arg(long, value_name = "FIELD", default_value = "ip", value_parser = Field::key)]
    pub key: Field,
    /// The form of the lines; without it, the first lines tell.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Where the size stands: a column, a field of the combined log, or a key.
    #[arg(long, value_name = "FIELD", value_parser = Field::other, requires = "bytes")]
    pub size: Option<Field>,
    /// Where the time stands: a column, or the first of two, or a key.
    #[arg(long, value_name = "FIELD", value_parser = Field::other)]
    pub time: Option<Field>,
    /// How fast the lines come if none has a time.
    #[arg(long, value_name = "RATE", default_value = "100/s", value_parser = pace)]
    pub pace: Rate,
    /// The most clients that have a bucket at a time; memory follows those that do.
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_keys: u32,
    /// How many refused clients to list.
    #[arg(long, value_name = "N", default_value = "10")]
    pub top: usize,
    /// Writes the drawing to this file, too, as SVG.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Draws with ASCII characters only.
    #[arg(long)]
    pub ascii: bool,
}

const NOTES: &str = "\
Times are those of the common log, of RFC 3339, or numbers since 1970; without a zone they are in UTC. Requests are \
sorted by time. Times of many logs are whole seconds: a capacity below one second of the rate then refuses requests \
that were evenly spaced. A line without the key, or without what else is asked for, is skipped and counted.

All buckets begin with the first request of the log. One that begins `empty` has filled since, when its client comes.

A request larger than the capacity of --bytes is refused always. How a limit is written stands in `tollgate --help`.";

/// Reads how fast lines come.
fn pace(text: &str) -> Result<Rate, String> {
    // The same notation, and the same messages.
    let limit = argument::limit(&format!("{text} capacity 1"))?;
    if limit.rate.tokens() == 0 { Err("a pace is above 0".into()) } else { Ok(limit.rate) }
}

/// Replays the log and prints the report.
///
/// # Errors
///
/// [`Error::Argument`] for what lines of the log's form do not have. [`Error::Failed`] if the log
/// cannot be read, or no line of it replayed.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let text = replay(args, Look::of_stdout(args.ascii))?;
    print(text.as_bytes())
}

fn replay(args: &Args, look: Look) -> Result<String, Error> {
    let limits = Limits { requests: args.limits.clone(), bytes: args.bytes };
    if limits.all().len() > verdicts::MOST {
        let last = limits.all()[verdicts::MOST];
        return Err(Error::argument(format_args!("--limit \"{last}\""), "a client has at most 8 limits"));
    }
    let (key, size, time) = (args.key.clone(), args.size.clone(), args.time.clone());
    let wanted = Wanted { key, size, time, sized: args.bytes.is_some() };
    let log = Log::read(&args.log, &Reading { format: args.format, wanted, pace: args.pace })?;
    let max_keys = args.max_keys as usize;
    let broken =
        |error: tollgate::limit::LimitError| Error::argument(format_args!("--limit \"{}\"", error.limit), error.rule);
    let verdicts = limits.decide(&log, max_keys).map_err(broken)?;
    if let Some(file) = &args.svg {
        let bars = chart::bars(&log, &verdicts, Look { width: WIDE, ..look });
        let drawing = svg::bars(&bars).map_err(|error| io::Error::other(error.to_string()));
        let written = drawing.and_then(|drawing| fs::write(file, drawing));
        written.map_err(|error| Error::failed(format_args!("cannot write --svg {file:?}"), error))?;
    }
    let bars = chart::bars(&log, &verdicts, look).write(ROWS, look);
    let report = Report { log: &log, limits: &limits, max_keys, verdicts: &verdicts, pace: args.pace };
    let text = format!("{}\n{bars}\n{}", report.summary(), report.table(args.top, look.width));
    Ok(if look.ascii { ascii(&text) } else { text })
}
