//! The command `tollgate`. All of it is in the library of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    tollgate_cli::command::main()
}
