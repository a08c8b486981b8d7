//! Gets the engines that the tests need, and says which they are.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use engines::Kind;

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for kind in Kind::ALL {
        match kind.told() {
            Ok(line) => println!("{line}"),
            Err(error) => {
                eprintln!("engines: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
