//! Owns `tollgate pace`: lines and bytes that are passed on no faster than their limits. Never
//! changes a byte.
//!
//! | file | owns |
//! |---|---|
//! | [`args`] | the arguments |
//! | [`paced_limit`] | a limit with the burst of this job |
//! | [`delimiter`] | what ends a line |
//! | [`pacer`] | how much may go now, and how long to wait |
//! | [`mod@copy`] | the loop between input and output |
//! | [`meter`] | what was passed on, and what the copy waited for |
//! | [`progress`] | the line that shows it |
//! | [`recent`] | the time whose rates are shown |
//! | [`reporter`] | when that line is written |
//! | `signals` | which signals end a copy |
//! | [`input`], [`output`] | files and standard streams, with their names |

pub mod args;
pub mod copy;
pub mod delimiter;
pub mod input;
pub mod meter;
pub mod output;
pub mod paced_limit;
pub mod pacer;
pub mod progress;
pub mod recent;
pub mod reporter;
mod signals;

pub use args::Args;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use tollgate::Limit;
use tollgate::clock::InstantClock;

use crate::error::Error;
use crate::pace::copy::{CopyError, copy};
use crate::pace::input::Input;
use crate::pace::meter::Meter;
use crate::pace::output::Output;
use crate::pace::pacer::Pacer;
use crate::pace::progress::Progress;
use crate::pace::reporter::Reporter;

/// Copies the input to the output.
///
/// # Errors
///
/// [`Error::Argument`] for an output that is an input, [`Error::Failed`] for a file or a stream
/// that cannot be read or written.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let limits = [args.lines.unwrap_or(Limit::UNLIMITED), args.bytes.unwrap_or(Limit::UNLIMITED)];
    let mut input = Input::find(&args.files)?;
    let clock = InstantClock::new();
    let mut pacer = Pacer::new(limits, args.delimiter(), clock)
        .map_err(|error| Error::argument(["--lines", "--bytes"][error.stream], error))?;
    // It is emptied, so this comes after all that may be wrong.
    let mut output = Output::open(args.output.as_deref(), &input)?;
    let meter = Arc::new(Meter::new(clock));
    let progress = Progress::new(limits, args.size.or(input.size()), args.noun());
    let reporter = Reporter::start(args, Arc::clone(&meter), progress)?;
    let copied = copy(&mut input, &mut output, &mut pacer, &meter, thread::sleep);
    reporter.end();
    match copied {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(CopyError::Read(error)) => Err(Error::failed(format_args!("cannot read {}", input.name()), error)),
        Err(CopyError::Write(error)) => Err(Error::failed(format_args!("cannot write to {}", output.name()), error)),
    }
}
