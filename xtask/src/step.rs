//! Owns a step: a command with a name, its time, and the summary at the end.

use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// One command that must succeed.
pub(crate) struct Step {
    name: String,
    /// What it is for, in a line.
    purpose: &'static str,
    command: Command,
    /// Reads what the command has printed, and says whether that is right.
    judge: Option<fn(&str) -> bool>,
}

impl Step {
    pub(crate) fn cargo(name: impl Into<String>, words: &str) -> Self {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(words.split_whitespace()).current_dir(root());
        Self { name: name.into(), purpose: "", command, judge: None }
    }

    /// Says what the step is for.
    pub(crate) fn so_that(mut self, purpose: &'static str) -> Self {
        self.purpose = purpose;
        self
    }

    /// Whether the name of the step contains one of these words; without words, every step does.
    pub(crate) fn is_named(&self, words: &[String]) -> bool {
        words.is_empty() || words.iter().any(|word| self.name.contains(word.as_str()))
    }

    /// The name, and what the step is for.
    pub(crate) fn described(&self) -> String {
        format!("{:36} {}", self.name, self.purpose)
    }

    /// Has `judge` read what the command has printed; the step fails if it answers no.
    pub(crate) fn judged_by(mut self, judge: fn(&str) -> bool) -> Self {
        self.judge = Some(judge);
        self
    }

    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    pub(crate) fn args(mut self, words: &[String]) -> Self {
        self.command.args(words);
        self
    }

    /// Says what it runs, runs it, and whether it succeeded.
    fn run(&mut self) -> bool {
        println!("\n==> {}: {}", self.name, shown(&self.command));
        if !self.purpose.is_empty() {
            println!("    so that {}", self.purpose);
        }
        let ended = match self.judge {
            None => self.command.status().map(|status| status.success()),
            Some(judge) => self.echoed().map(|(success, printed)| judge(&printed) && success),
        };
        ended.unwrap_or_else(|error| {
            println!("cannot be run: {error}");
            false
        })
    }

    /// Runs the command, and keeps what it prints as well as printing it.
    fn echoed(&mut self) -> io::Result<(bool, String)> {
        let mut child = self.command.stdout(Stdio::piped()).spawn()?;
        let mut printed = String::new();
        for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
            let line = line?;
            println!("{line}");
            printed.push_str(&line);
            printed.push('\n');
        }
        Ok((child.wait()?.success(), printed))
    }
}

/// Runs one step and adds nothing to what it prints.
pub(crate) fn run_alone(mut step: Step) -> ExitCode {
    match step.command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error}", shown(&step.command));
            ExitCode::FAILURE
        }
    }
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| ".".into(), PathBuf::from)
}

/// Runs all steps, also after one that failed, and sums up.
pub(crate) fn run(steps: Vec<Step>) -> ExitCode {
    let started = Instant::now();
    let mut results: Vec<(String, bool, Duration)> = Vec::new();
    for mut step in steps {
        let started = Instant::now();
        let passed = step.run();
        println!("<== {}: {} in {:.1?}", step.name, if passed { "passed" } else { "FAILED" }, started.elapsed());
        results.push((step.name, passed, started.elapsed()));
    }
    println!("\nsummary");
    for (name, passed, time) in &results {
        println!("  {}  {:7.1} s  {name}", if *passed { "passed" } else { "FAILED" }, time.as_secs_f64());
    }
    let failed = results.iter().filter(|(_, passed, _)| !passed).count();
    println!("{} steps passed, {failed} failed, in {:.1} s", results.len() - failed, started.elapsed().as_secs_f64());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn shown(command: &Command) -> String {
    let environment = command.get_envs().filter_map(|(key, value)| Some((key, value?)));
    let mut words: Vec<String> =
        environment.map(|(key, value)| format!("{}='{}'", key.to_string_lossy(), value.to_string_lossy())).collect();
    words.push("cargo".to_owned());
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_chosen_by_a_part_of_its_name() {
        let step = Step::cargo("loom models", "test").so_that("orderings are proved");
        let named = |words: &[&str]| step.is_named(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert!(named(&[]) && named(&["loom"]) && named(&["fuzz", "models"]));
        assert!(!named(&["fuzz"]) && !named(&["loom models, all"]));
        assert!(step.described().starts_with("loom models ") && step.described().ends_with("orderings are proved"));
    }
}
