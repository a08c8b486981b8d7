//! Owns `tollgate completions`. Never knows an argument: it reads them from the definition.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::command::Command;
use crate::error::Error;

/// The arguments of `tollgate completions`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the script.
///
/// # Errors
///
/// [`Error::Failed`] if it cannot be printed.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Command::command(), "tollgate", &mut script);
    print(&script)
}

/// Writes to the standard output. A closed pipe is no error.
pub(crate) fn print(text: &[u8]) -> Result<ExitCode, Error> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::failed("cannot write to the standard output", error))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
