//! Fleets of real processes behind a real engine, and the faults that befall them.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Duration;

use engines::Kind;
use fleet::faults::{self, Form};
use fleet::run::{self, Plan};
use fleet::worker::orders::{Load, Orders};
use fleet::{Outcome, worker};
use lexopt::prelude::*;
use tollgate::Rate;

const USAGE: &str = "\
usage: fleet run [OPTION...]       processes on one bucket at full load; checks their account, their bound, their shares
         --engine redis7|valkey8   [both]
         --processes N             [8]
         --seconds N               [30]
         --rate N/s                [1000000/s]
         --capacity N              [a second's tokens]
         --threads N               of each process [1]
         --load L                  hungry, paced-N for N takes a second, or in-turn-N for N tasks that wait [hungry]
       fleet throughput [--engine E] [--processes N] [--seconds N]
                                   decisions a second, leased beside strict, and what they cost the server
       fleet faults [--engine E] [--short] [--no-fence] [NAME...]
                                   one fault after the other, and a table; without the fence, where it must be missed
       fleet faults --list         their names
       fleet worker ...            one process of a fleet";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fleet: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<bool> {
    let mut words = lexopt::Parser::from_env();
    match words.next()? {
        Some(Value(command)) if command == "worker" => worker::work::work(&Orders::read(words)?).map(|()| true),
        Some(Value(command)) if command == "run" => load(words, run::run),
        Some(Value(command)) if command == "throughput" => load(words, |plan| run::throughput(plan, 1000.0)),
        Some(Value(command)) if command == "faults" => faults(words),
        _ => {
            println!("{USAGE}");
            Ok(true)
        }
    }
}

fn load(mut words: lexopt::Parser, run: fn(&Plan) -> Outcome<bool>) -> Outcome<bool> {
    let mut plan = Plan::of(std::env::current_exe()?);
    let mut kinds = Kind::ALL.to_vec();
    while let Some(word) = words.next()? {
        match word {
            Long("engine") => kinds = vec![kind(&mut words)?],
            Long("processes") => plan.processes = words.value()?.parse()?,
            Long("seconds") => plan.time = Duration::from_secs(words.value()?.parse()?),
            Long("rate") => {
                let rate: Rate = words.value()?.parse()?;
                plan.limit.rate = rate;
                plan.limit.capacity = ((rate.tokens() as f64 / rate.period().as_secs_f64()) as u64).max(1);
            }
            Long("capacity") => plan.limit.capacity = words.value()?.parse()?,
            Long("threads") => plan.threads = words.value()?.parse()?,
            Long("load") => plan.load = words.value()?.parse::<Load>()?,
            other => return Err(other.unexpected().into()),
        }
    }
    let mut is_good = true;
    for kind in kinds {
        is_good &= run(&Plan { kind, ..plan.clone() })?;
    }
    Ok(is_good)
}

fn faults(mut words: lexopt::Parser) -> Outcome<bool> {
    let (mut kinds, mut form, mut fenced, mut names) = (Kind::ALL.to_vec(), Form::Long, true, Vec::new());
    while let Some(word) = words.next()? {
        match word {
            Long("engine") => kinds = vec![kind(&mut words)?],
            Long("short") => form = Form::Short,
            Long("no-fence") => fenced = false,
            Long("list") => {
                faults::Fault::ALL.iter().for_each(|fault| println!("{fault}"));
                return Ok(true);
            }
            Value(name) => names.push(name.string()?.parse()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let program = std::env::current_exe()?;
    let mut is_good = true;
    for kind in kinds {
        is_good &= faults::run(&program, kind, form, fenced, &names)?;
    }
    Ok(is_good)
}

fn kind(words: &mut lexopt::Parser) -> Outcome<Kind> {
    let name = words.value()?.string()?;
    Ok(Kind::named(&name).ok_or_else(|| format!("no engine {name:?}; there are redis7 and valkey8"))?)
}
