//! The commands of the repository: `cargo xtask COMMAND`.

mod counts;
mod cross;
mod examples;
mod fuzz;
mod house;
mod loom;
mod measure;
mod nginx;
mod step;
mod test;
mod versus;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [--list] [WORD...]
          everything that fits in half an hour, or the steps whose name has one of these words; --list names them
  house   the rules of the house: layers of src, width of comments, length of files, what orderings say
  examples
          builds all examples, and checks that their help, their errors and their exit statuses are alike
  loom    the loom models alone, and a table of them; further words are passed on to the test runner
  killers [--fresh] [ID...]
          one small fault at a time in a copy of the sources, and which model notices; all of them, or those of these
          ids; a verdict is kept while what it depends on stands, unless --fresh is given
  fuzz [--seconds N]
          each fuzz target for N seconds, 60 unless told; needs cargo-fuzz and a nightly compiler, and says how to get them
  cross [--fetch] [MACHINE...]
          builds and tests for other machines, as far as what they need is there; --fetch gets that, from Debian
  counts [--accept]
          instructions of a decision, counted by callgrind, against those of benches/counts.json; --accept writes that file
  ratios [--quick] [--json FILE]
          what we cost in terms of peers and floors, beside what we want it to be; four minutes, or with --quick half of one
  changes [--quick]
          how much two takers get done while the limits change a thousand times a second
  keys [maps|throughput|memory|flood]
          what a bucket for every key costs: beside peers, in memory, under a flood of keys, and in other maps
  overload [--quick] [--rounds N] [sizes]
          how limiters serve callers that hang up, ten times as many as the rate; three minutes a round; or sizes alone
  nginx [--fetch | --retry-after SECONDS | --burst N]
          an adaptive client against a real nginx on loopback, which grants 100/s; about 40 s; --fetch gets nginx, from
          Debian
  versus COMMIT
          what a decision costs in terms of what it cost at an earlier commit, both in one process
  charts FILE
          draws benches/charts/*.svg from what ratios --json FILE has written";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((command, [option])) if command == "test" && option == "--list" => {
            test::steps().iter().for_each(|step| println!("{}", step.described()));
            ExitCode::SUCCESS
        }
        Some((command, words)) if command == "test" => {
            let steps: Vec<_> = test::steps().into_iter().filter(|step| step.is_named(words)).collect();
            if steps.is_empty() {
                eprintln!("test: no step is named by {words:?}; cargo xtask test --list names them");
                return ExitCode::from(2);
            }
            step::run(steps)
        }
        Some((command, rest)) if command == "loom" => step::run(vec![loom::models(rest)]),
        Some((command, rest)) if command == "cross" => cross::run(rest),
        Some((command, [])) if command == "house" => {
            if house::check() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Some((command, [])) if command == "examples" => examples::run(),
        Some((command, ids)) if command == "killers" => killers::run(&step::root(), ids),
        Some((command, rest)) if command == "fuzz" => fuzz::run(rest),
        Some((command, rest)) if command == "counts" => counts::run(rest),
        Some((command, rest)) if command == "ratios" => step::run_alone(measure::ratios(rest)),
        Some((command, rest)) if command == "changes" => step::run_alone(measure::changes(rest)),
        Some((command, rest)) if command == "keys" => step::run_alone(measure::keys(rest)),
        Some((command, rest)) if command == "overload" => step::run_alone(measure::overload(rest)),
        Some((command, rest)) if command == "nginx" => nginx::run(rest),
        Some((command, rest)) if command == "versus" => versus::run(rest),
        Some((command, rest)) if command == "charts" => step::run_alone(measure::charts(rest)),
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
