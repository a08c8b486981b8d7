//! One case, run a given number of times, for `cargo xtask counts` to count instructions under
//! callgrind.
//!
//! `counts CASE CALLS`; without words, the names of the cases.

use std::process::ExitCode;

use benches::floors::Word;
use benches::locked::Locked;
use benches::ours::{Handles, One, OneOnFree, Several};
use benches::peers::{Free, Governor};
use benches::{Contestant, Limiter, run};

type Case = (&'static str, fn(u64) -> u64);

/// None of them reads a clock: how many instructions that takes is the system's affair.
const CASES: [Case; 14] = [
    ("floor", |calls| after_start(&Word::default(), calls)),
    ("one-granted", granted::<One>),
    ("one-refused", refused::<One>),
    ("one-free-granted", granted::<OneOnFree>),
    ("one-free-refused", refused::<OneOnFree>),
    ("two-self", granted::<Several<2>>),
    ("two-refused", refused::<Several<2>>),
    ("two-handle", granted::<Handles<2>>),
    ("four-handle", granted::<Handles<4>>),
    ("eight-self", granted::<Several<8>>),
    ("eight-handle", granted::<Handles<8>>),
    ("governor-free-granted", granted::<Governor<Free>>),
    ("governor-free-refused", refused::<Governor<Free>>),
    ("mutex", granted::<Locked>),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match &words[..] {
        [] => CASES.iter().for_each(|(name, _)| println!("{name}")),
        [name, calls] => {
            let case = CASES.iter().find(|case| case.0 == name);
            let (Some((_, case)), Ok(calls)) = (case, calls.parse()) else {
                eprintln!("counts: no case {name}, or {calls} is not a number");
                return ExitCode::from(2);
            };
            println!("{} of {calls} granted", case(calls));
        }
        _ => {
            eprintln!("usage: counts [CASE CALLS]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn granted<L: Limiter>(calls: u64) -> u64 {
    after_start(&L::granting(), calls)
}

fn refused<L: Limiter>(calls: u64) -> u64 {
    after_start(&L::holding(0), calls)
}

/// A first call does what only a first call does.
fn after_start<C: Contestant>(contestant: &C, calls: u64) -> u64 {
    run(contestant, 1);
    run(contestant, calls)
}
