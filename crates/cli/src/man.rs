//! Owns `tollgate man`. Never knows an argument: it reads them from the definition.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_mangen::Man;

use crate::command::Command;
use crate::completions::print;
use crate::error::Error;

/// The arguments of `tollgate man`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Writes tollgate.1 and a page for each job, such as tollgate-pace.1, into this folder.
    ///
    /// Without it, the page of the command goes to the standard output.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Prints the page, or writes all pages.
///
/// # Errors
///
/// [`Error::Failed`] if they cannot be written.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    // `help` is another way to print what the pages say.
    let command = Command::command().disable_help_subcommand(true);
    match &args.folder {
        Some(folder) => clap_mangen::generate_to(command, folder)
            .map(|()| ExitCode::SUCCESS)
            .map_err(|error| Error::failed(format_args!("cannot write a manual page into {folder:?}"), error)),
        None => {
            let mut page = Vec::new();
            let written = Man::new(command).render(&mut page);
            written.map_err(|error| Error::failed("cannot make the manual page", error))?;
            print(&page)
        }
    }
}
