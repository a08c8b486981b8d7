//! The example `fleet` does what it says, on an engine that runs and on one that it starts.

use std::path::PathBuf;
use std::process::Command;

use engines::{Kind, Options, Outcome, Server};

/// The example, which `cargo test` builds beside this test.
fn example() -> Outcome<Command> {
    let test = std::env::current_exe()?;
    let profile = test.ancestors().nth(2).ok_or("no folder")?;
    let example = profile.join("examples/fleet");
    let told = format!(
        "{}: cargo test --package tollgate-redis builds it, with one test alone it does not",
        example.display()
    );
    if example.is_file() { Ok(Command::new(example)) } else { Err(told.into()) }
}

/// Runs it, and checks what it prints and plots.
fn run(mut command: Command, processes: usize) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let plot: PathBuf = folder.path().join("fleet.svg");
    command.args(["--seconds", "3", "--processes", &processes.to_string(), "--plot"]).arg(&plot);
    let output = command.output()?;
    let [text, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "{text}{errors}");
    let took: Vec<u64> =
        text.lines().filter_map(|line| line.strip_prefix("process ")?.split_once(" took ")?.1.parse().ok()).collect();
    assert_eq!(took.len(), processes, "{text}");
    assert!(took.iter().all(|taken| *taken > 0), "{text}");
    // At most the bound, and at least half of the rate.
    assert!((1500..=4300).contains(&took.iter().sum::<u64>()), "{text}");
    let plotted = std::fs::read_to_string(&plot)?;
    assert!(plotted.starts_with("<svg") && plotted.contains("process 0") && plotted.contains("the limit"));
    Ok(())
}

#[test]
fn it_draws_the_shares_on_an_engine_that_runs() -> Outcome<()> {
    let server = Server::start(Kind::Valkey8, Options::default())?;
    let mut command = example()?;
    command.args(["--engine", &server.url()]);
    run(command, 3)
}

#[test]
fn it_draws_the_shares_on_an_engine_that_it_starts() -> Outcome<()> {
    let server = Kind::Redis7.server()?;
    let mut command = example()?;
    command.arg("--server").arg(server.get_program());
    command.envs(server.get_envs().filter_map(|(key, value)| Some((key, value?))));
    run(command, 2)
}
