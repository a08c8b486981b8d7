//! Owns the command line: which jobs there are, and the exit status. Never does a job itself.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::error::Error;
use crate::{bench, completions, man, pace, plan, replay};

/// Rate limits on the command line.
#[derive(Parser, Debug)]
#[command(name = "tollgate", version, propagate_version = true, after_help = LIMITS_AND_STATUS)]
pub struct Command {
    /// What to do.
    #[command(subcommand)]
    pub job: Job,
}

/// What all jobs have in common, below their help.
pub const LIMITS_AND_STATUS: &str = "\
A limit is a rate, such as 1000/s, 5/min, 1/3s or 1MiB/s, then optionally `capacity` (or `burst`) and an amount, \
then optionally `full`, `empty` or `starting with` and an amount: '1000/s capacity 50 empty'. \
No limit is `unlimited`.

Exit status: 0 if it was done, 1 if it could not be done, 2 if an argument is wrong and nothing was done.";

/// One thing that the command does.
#[derive(Subcommand, Debug)]
pub enum Job {
    /// Copies lines and bytes no faster than their limits.
    Pace(pace::Args),
    /// Draws what limits admit over time, and lists what follows from them.
    Plan(plan::Args),
    /// Says who would have been limited, from an access log.
    Replay(replay::Args),
    /// Measures a decision of each kind of bucket on this machine.
    Bench(bench::Args),
    /// Prints a script that completes the arguments of this command in a shell.
    Completions(completions::Args),
    /// Prints the manual page, or writes the pages of all jobs into a folder.
    Man(man::Args),
}

impl Job {
    /// Does the job.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] before anything is done, [`Error::Failed`] later.
    pub fn run(&self) -> Result<ExitCode, Error> {
        match self {
            Self::Pace(args) => pace::run(args),
            Self::Plan(args) => plan::run(args),
            Self::Replay(args) => replay::run(args),
            Self::Bench(args) => bench::run(args),
            Self::Completions(args) => completions::run(args),
            Self::Man(args) => man::run(args),
        }
    }
}

/// Reads the arguments of the process, does the job, and says how it ended.
pub fn main() -> ExitCode {
    let mut definition = Command::command();
    let matches = definition.try_get_matches_from_mut(env::args_os());
    let read = matches.and_then(|matches| Ok((Command::from_arg_matches(&matches)?, matches)));
    let (command, matches) = match read {
        Ok(read) => read,
        Err(said) => return say(&said),
    };
    match command.job.run() {
        Ok(status) => status,
        Err(error @ Error::Argument { .. }) => {
            // As clap says what is wrong with an argument that it read itself.
            let job = matches.subcommand_name().and_then(|name| definition.find_subcommand_mut(name));
            say(&job.unwrap_or(&mut Command::command()).error(ErrorKind::ValueValidation, error))
        }
        Err(error) => failed(&error),
    }
}

/// Says what clap has to say: help, the version, or which argument is wrong.
fn say(said: &clap::Error) -> ExitCode {
    match said.print() {
        // Nobody is left to tell that the standard error is closed.
        Err(error) if !said.use_stderr() && error.kind() != io::ErrorKind::BrokenPipe => {
            failed(&Error::failed("cannot write to the standard output", error))
        }
        _ => ExitCode::from(said.exit_code() as u8),
    }
}

/// Says why the job was not done, if the standard error takes it.
fn failed(error: &Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "tollgate: {error}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_consistent() {
        Command::command().debug_assert();
    }
}
