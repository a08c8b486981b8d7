//! Measures copies that are paced by bytes: what they cost where no limit binds, and how much of
//! the rate they use where one does.
//!
//! `cargo run --release -p benches --bin copies -- [OPTIONS]`

mod binding;
mod memory;
mod overhead;
mod peers;

use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
Measures copies that are paced by bytes.

Usage: copies [--bytes N] [--seconds N] [--only overhead|binding|peers]

  --bytes N       bytes of each copy that no limit binds [10000000000]
  --seconds N     seconds of each copy that one does [10]
  --only PART     one part of: overhead, binding, peers
  -h, --help      print this help
";

struct Arguments {
    bytes: u64,
    seconds: u64,
    only: Option<String>,
}

fn main() -> ExitCode {
    let Arguments { bytes, seconds, only } = match read() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("copies: {error}");
            return ExitCode::from(2);
        }
    };
    let runs = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if runs("overhead") {
        overhead::run(bytes);
    }
    if runs("binding") {
        binding::run(seconds);
    }
    if runs("peers") {
        peers::run(seconds);
    }
    ExitCode::SUCCESS
}

fn read() -> Result<Option<Arguments>, lexopt::Error> {
    let mut arguments = Arguments { bytes: 10_000_000_000, seconds: 10, only: None };
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("bytes") => arguments.bytes = parser.value()?.parse()?,
            Arg::Long("seconds") => arguments.seconds = parser.value()?.parse()?,
            Arg::Long("only") => {
                let part = parser.value()?.string()?;
                if !["overhead", "binding", "peers"].contains(&&*part) {
                    return Err(format!("--only {part:?}: it is none of overhead, binding and peers").into());
                }
                arguments.only = Some(part);
            }
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(arguments))
}
