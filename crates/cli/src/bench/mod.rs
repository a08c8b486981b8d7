//! Owns `tollgate bench`: the nanoseconds of a decision on this machine. Never judges them.
//!
//! * `contestant`: each kind of bucket, as it is asked; the window
//! * `kind`: the list of them
//! * `rounds`: the order of the windows, and the median
//! * `machine`, `report`: what is said of it

mod contestant;
mod kind;
mod machine;
mod report;
mod rounds;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use crate::argument;
use crate::bench::kind::{KINDS, Kind};
use crate::bench::machine::Machine;
use crate::bench::report::Report;
use crate::bench::rounds::{Case, Figure, Plan, threads_up_to};
use crate::completions::print;
use crate::error::Error;
use crate::terminal;

/// The most threads: a bucket has slots for more, and no machine has the cores.
const MOST: usize = 1024;

/// The arguments of `tollgate bench`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The numbers of threads, such as 1,2,8; without them, powers of two up to all cores.
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = threads)]
    pub threads: Vec<usize>,
    /// How long it takes in all, about.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = argument::time)]
    pub time: Duration,
    /// Measures only the kinds whose names contain this text.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub only: String,
    /// Prints one JSON object instead of tables.
    #[arg(long)]
    pub json: bool,
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=MOST).contains(&count) => Ok(count),
        _ => Err(format!("threads are a whole number from 1 to {MOST}")),
    }
}

/// Checks the answers of every kind, measures it, and prints the figures.
///
/// # Errors
///
/// [`Error::Argument`] if no kind has the name. [`Error::Failed`] if a kind answers wrongly.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let machine = Machine::this();
    let mut threads = if args.threads.is_empty() { threads_up_to(machine.cores) } else { args.threads.clone() };
    threads.sort_unstable();
    threads.dedup();
    let only = args.only.to_lowercase();
    let chosen: Vec<usize> = (0..KINDS.len()).filter(|i| KINDS[*i].name.to_lowercase().contains(&only)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        let rule = format!("it is part of one of these names: {}", names.join("; "));
        return Err(Error::argument(format_args!("--only {:?}", args.only), rule));
    }
    let (plan, figures) = measured(&KINDS, &chosen, &threads, args.time)?;
    let report = Report { machine: &machine, plan, threads: &threads, figures: &figures };
    let text = if args.json { report.json() } else { report.text(terminal::stdout_width()) };
    print(text.as_bytes())
}

/// Checks the answers of the chosen kinds, and then measures them.
fn measured(kinds: &[Kind], chosen: &[usize], threads: &[usize], time: Duration) -> Result<(Plan, Vec<Figure>), Error> {
    let wrong = |kind: usize, why: String| {
        Error::failed(format_args!("{} answers wrongly", kinds[kind].name), io::Error::other(why))
    };
    let mut cases = Vec::new();
    for kind in chosen {
        (kinds[*kind].check)().map_err(|why| wrong(*kind, why))?;
        for granted in [true, false] {
            cases.extend(threads.iter().map(|threads| Case { kind: *kind, granted, threads: *threads }));
        }
    }
    let plan = Plan::of(time, cases.len());
    let measure = |case: Case, window| (kinds[case.kind].measure)(case.granted, case.threads, window);
    let figures = plan
        .measure(&cases, measure)
        .map_err(|case| wrong(case.kind, format!("with {} threads, granted: {}", case.threads, case.granted)))?;
    Ok((plan, figures))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::contestant::Done;

    #[test]
    fn a_kind_that_answers_wrongly_is_not_timed() {
        let liar = Kind {
            name: "liar",
            streams: 1,
            check: || Err("it granted 2 calls where it had 1".into()),
            measure: |_, _, _| panic!("it is not to be timed"),
        };
        let error = measured(&[liar], &[0], &[1], Duration::from_millis(1)).unwrap_err();
        assert_eq!(error.to_string(), "liar answers wrongly: it granted 2 calls where it had 1");
        assert!(matches!(error, Error::Failed { .. }));
    }

    #[test]
    fn a_kind_that_answers_wrongly_in_a_window_has_no_figure() {
        let done = |_, threads, _| Done { nanos: 1.0, calls: 10, granted: if threads == 2 { 9 } else { 10 } };
        let late = Kind { name: "late", streams: 1, check: || Ok(()), measure: done };
        let error = measured(&[late], &[0], &[2], Duration::from_millis(1)).unwrap_err();
        assert_eq!(error.to_string(), "late answers wrongly: with 2 threads, granted: true");
    }
}
