//! The commands of the repository: `cargo xtask COMMAND`.

mod loom;
mod step;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test    everything: format, lints, docs, tests over the features, no_std, examples, loom models
  loom    the loom models alone; further words are passed on to the test runner";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((command, [])) if command == "test" => step::run(test::steps()),
        Some((command, rest)) if command == "loom" => step::run(vec![loom::models(rest)]),
        Some((command, [])) if matches!(command.as_str(), "help" | "-h" | "--help") => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
