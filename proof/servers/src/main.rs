//! The servers, and the long form of the load.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use servers::server::serve::serve;
use servers::server::settings::{OPTIONS, Settings};
use servers::{Outcome, clients, load};

const USAGE: &str = "\
usage: servers serve [OPTION...]   serves on loopback until the standard input ends
       servers load [--seconds N]  load by wrk and h2load for N seconds each, 30 unless told, beside tower_governor
       servers tools               gets wrk, h2load, nginx, haproxy and curl, from Debian";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("servers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let mut words = lexopt::Parser::from_env();
    match words.next()? {
        Some(Value(command)) if command == "serve" => serve(&Settings::read(words)?),
        Some(Value(command)) if command == "load" => {
            let mut seconds = 30;
            while let Some(word) = words.next()? {
                match word {
                    Long("seconds") => seconds = words.value()?.parse()?,
                    other => return Err(other.unexpected().into()),
                }
            }
            load::run(&std::env::current_exe()?, Duration::from_secs(seconds))
        }
        Some(Value(command)) if command == "tools" => clients::tools::fetch(),
        _ => {
            println!("{USAGE}\n\noptions of serve:\n{OPTIONS}");
            Ok(())
        }
    }
}
