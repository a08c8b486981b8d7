//! Owns how an example begins and ends: its help, its error on one line, and its exit status. It
//! never knows what an example does.
//!
//! | exit status | meaning |
//! |---|---|
//! | 0 | it did what it says, or printed its help |
//! | 1 | it could not |
//! | 2 | an argument is wrong; nothing was done |

#![allow(dead_code, reason = "each example uses a part of it")]

use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{ExitCode, Termination};
use std::str::FromStr;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

/// The name of the example.
const NAME: &str = env!("CARGO_CRATE_NAME");

/// What `--help` prints, but for what all examples have in common.
pub(crate) struct Usage {
    /// What the example does, in a sentence.
    pub(crate) about: &'static str,
    /// The arguments in short: `[OPTIONS] FILE`.
    pub(crate) arguments: &'static str,
    /// A line for each argument but `--help`.
    pub(crate) options: &'static str,
    /// What else there is to know, with an empty line before it.
    pub(crate) more: &'static str,
}

impl Usage {
    /// An example without arguments.
    pub(crate) const fn plain(about: &'static str) -> Self {
        Self { about, arguments: "", options: "", more: "" }
    }

    fn text(&self) -> String {
        let Self { about, arguments, options, more } = self;
        let usage = format!("Usage: {NAME} {arguments}");
        let mut text = format!("{about}\n\n{}\n\n{options}", usage.trim_end());
        let _ = writeln!(text, "  -h, --help        print this help\n{more}");
        let _ = writeln!(text, "Exit status: 0 if all is well, 1 if it could not do it, 2 if an argument is wrong.");
        text
    }
}

/// Reads the arguments, and runs the example with them; `read` returns `None` for `--help`.
pub(crate) fn run<A, R: Display, T: Termination, E: Display>(
    usage: &Usage,
    read: impl FnOnce(Parser) -> Result<Option<A>, R>,
    run: impl FnOnce(A) -> Result<T, E>,
) -> ExitCode {
    match read(Parser::from_env()) {
        Ok(None) => print(&usage.text()),
        Ok(Some(arguments)) => match run(arguments) {
            Ok(done) => done.report(),
            Err(error) => fail(error, 1),
        },
        Err(error) => fail(format!("{error}; --help lists the arguments"), 2),
    }
}

/// Reads no argument but `--help`.
pub(crate) fn no_arguments(mut parser: Parser) -> Result<Option<()>, lexopt::Error> {
    match parser.next()? {
        None => Ok(Some(())),
        Some(Arg::Long("help") | Arg::Short('h')) => Ok(None),
        Some(other) => Err(other.unexpected()),
    }
}

/// Reads the value of an option. The error names both.
pub(crate) fn value<T: FromStr<Err: Display>>(option: &str, parser: &mut Parser) -> Result<T, lexopt::Error> {
    let text = parser.value()?.string()?;
    text.parse().map_err(|error| format!("{option} {text:?}: {error:#}").into())
}

/// Reads a number of seconds, with or without decimals.
pub(crate) fn seconds(option: &str, parser: &mut Parser) -> Result<Duration, lexopt::Error> {
    let seconds: f64 = value(option, parser)?;
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("{option} \"{seconds}\": {error}").into())
}

/// Names the file in the error.
pub(crate) fn named<T>(what: &str, file: &Path, done: io::Result<T>) -> Result<T, String> {
    done.map_err(|error| format!("{what} {}: {error}", file.display()))
}

/// Prints to stdout. A closed pipe is no error.
pub(crate) fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(format!("cannot write to stdout: {error}"), 1),
        _ => ExitCode::SUCCESS,
    }
}

/// Prints the error on one line of stderr.
fn fail(error: impl Display, status: u8) -> ExitCode {
    let line: String = error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    eprintln!("{NAME}: {line}");
    ExitCode::from(status)
}
