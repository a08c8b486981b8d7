//! Owns the arguments of `tollgate pace`. Never opens what they name.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, ValueEnum};
use tollgate::Limit;

use crate::argument;
use crate::pace::delimiter::{LINE_FEED, delimiter};
use crate::pace::paced_limit::paced_limit;

/// Copies FILE, or the standard input, to the standard output, no faster than the limits.
#[derive(clap::Args, Debug)]
#[command(group = ArgGroup::new("limits").required(true).multiple(true).args(["lines", "bytes"]))]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// Limits lines, such as 1000/s.
    ///
    /// A line counts when its first byte goes out. So the last line counts, with or without an end,
    /// and a line that is longer than any buffer goes on at the limit of the bytes.
    #[arg(short, long, value_name = "LIMIT", value_parser = paced_limit)]
    pub lines: Option<Limit>,

    /// Limits bytes, such as 1MiB/s.
    #[arg(short, long, value_name = "LIMIT", value_parser = paced_limit)]
    pub bytes: Option<Limit>,

    /// Reads these files, one after another; - is the standard input.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Writes to this file, which is emptied first, and not to the standard output, which is -.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Lines end with a zero byte, as those of `find -print0`.
    #[arg(short = '0', long, conflicts_with = "delimiter")]
    pub null: bool,

    /// Lines end with this byte: a character of ASCII, or \n, \r, \t, \0, \\ or \xHH.
    #[arg(short, long, value_name = "BYTE", value_parser = delimiter)]
    pub delimiter: Option<u8>,

    /// The size of the input, for the share done and the time left; that of files is known.
    #[arg(short, long, value_name = "SIZE", value_parser = argument::bytes)]
    pub size: Option<u64>,

    /// Shows nothing but errors: no progress, and no summary.
    #[arg(short, long, conflicts_with = "progress")]
    pub quiet: bool,

    /// Shows a line of progress on the standard error.
    ///
    /// `auto` shows it if the standard error is a terminal and the output is none.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub progress: When,

    /// How often the line of progress is renewed; at least 10ms.
    #[arg(short, long, value_name = "TIME", default_value = "500ms", value_parser = interval)]
    pub interval: Duration,
}

/// Reads a time that leaves the processor something else to do.
fn interval(text: &str) -> Result<Duration, String> {
    let time = argument::time(text)?;
    if time < Duration::from_millis(10) { Err("an interval is at least 10ms".to_owned()) } else { Ok(time) }
}

/// When progress is shown.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// If the standard error is a terminal and the output is none.
    Auto,
    /// Always; a new line each time if the standard error is no terminal.
    Always,
    /// Never, but a summary when a signal ends it.
    Never,
}

const AFTER_HELP: &str = "\
Limits: a limit is a rate, then optionally `capacity` (or `burst`) and an amount, then optionally `full`, `empty` or \
`starting with` and an amount: --lines '1000/s capacity 50 empty'. In any window of time, at most the capacity plus \
what refills in that window goes out. Without a capacity, it is here what refills in 100 ms: 100 lines for \
1000/s; at least 2, or 1 below 2/s. A bucket begins full, so the first line does not wait, unless it is `empty`. A larger capacity makes up for \
longer stalls of input or output. One that refills in less than 10 ms may lose rate, as processes wake late.

What has come and is allowed goes out within 1 ms, also a part of a line. While something waits, nothing more is read.

Progress: the last words say what most of the last 5 seconds went to: waiting for the limit of lines or of bytes, \
reading the input, or writing the output.

Exit status: 0 when the input has ended, or the reader of the output has closed it. 1 if something could not be read \
or written. 2 if an argument is wrong; nothing was done then. SIGINT and SIGTERM end it as they end any process, after \
a summary on the standard error: a shell counts 130 and 143.";

impl Args {
    /// Returns the byte that ends a line.
    pub fn delimiter(&self) -> u8 {
        if self.null { 0 } else { self.delimiter.unwrap_or(LINE_FEED) }
    }

    /// Returns what lines are called.
    pub fn noun(&self) -> &'static str {
        if self.delimiter() == LINE_FEED { "lines" } else { "records" }
    }
}
