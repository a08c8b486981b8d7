//! Owns one copy of the sources: what is in it, and how a model is built and run in it; never
//! touches the original.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::fault::Sources;

/// A workspace of the crate and its models, with a target folder of its own.
pub(crate) struct Copy {
    folder: PathBuf,
}

/// What came of running a model, or all models of a file.
pub(crate) enum Outcome {
    Passed,
    /// The models that failed, and the first words of why.
    Failed {
        models: Vec<String>,
        why: String,
    },
    NotBuilt(String),
    TimedOut,
    /// It ended, but not by the report of a model.
    Broken(String),
}

/// A build of the crate and one file of models takes a second; the first one builds loom as well.
const BUILD_LIMIT: Duration = Duration::from_secs(600);

impl Copy {
    /// Copies what the models need from the repository to `folder`; what is built there is kept.
    pub(crate) fn new(repository: &Path, folder: PathBuf, sources: &Sources) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        for part in ["src", "loom-tests", "tests"] {
            let _ = fs::remove_dir_all(folder.join(part));
            copy_folder(&repository.join(part), &folder.join(part))?;
        }
        for file in ["Cargo.lock", "README.md"] {
            let _ = fs::copy(repository.join(file), folder.join(file));
        }
        fs::write(folder.join("Cargo.toml"), manifest(repository)?)?;
        let copy = Self { folder };
        copy.write(sources)?;
        // All builds are offline, so that no fault waits for a registry. Where there is none now,
        // the first build says what is missing.
        let (_, _) = copy.wait(copy.fetch(), BUILD_LIMIT)?;
        Ok(copy)
    }

    fn fetch(&self) -> Command {
        let mut command = cargo();
        command.args(["fetch", "--quiet"]).current_dir(&self.folder);
        command
    }

    /// Writes files of `src/`.
    pub(crate) fn write(&self, sources: &Sources) -> io::Result<()> {
        for (name, text) in sources {
            let path = self.folder.join("src").join(name);
            fs::create_dir_all(path.parent().expect("below src"))?;
            fs::write(path, text)?;
        }
        Ok(())
    }

    /// Builds a file of models, or with `lib` or `tests/file` tests of the crate, and runs it: all
    /// of it, or one model.
    pub(crate) fn run(&self, file: &str, model: Option<&str>, limit: Duration) -> io::Result<Outcome> {
        let (status, output) = self.wait(self.build(file), BUILD_LIMIT)?;
        match status {
            Some(status) if status.success() => {}
            Some(_) => return Ok(Outcome::NotBuilt(line_with(&output, "error"))),
            None => return Ok(Outcome::TimedOut),
        }
        let Some(program) = program(&output) else {
            return Ok(Outcome::Broken(format!("no program: {}", line_with(&output, "Executable"))));
        };
        // Without cargo in between, which would look anew whether all is built.
        let mut command = Command::new(self.folder.join(program));
        match model {
            Some(name) => command.args(["--exact", name]),
            None => command.arg("--test-threads=1"),
        };
        command.current_dir(if is_of_the_crate(file) { self.folder.clone() } else { self.folder.join("loom-tests") });
        let (status, output) = self.wait(command, limit)?;
        Ok(match status {
            None => Outcome::TimedOut,
            Some(_) if output.contains("running 0 tests") => Outcome::Broken(format!("no model {model:?} in {file}")),
            Some(status) if status.success() => Outcome::Passed,
            Some(status) => match (failed_models(&output), model) {
                // A thread that unwinds from a deadlock gives back what it holds, which loom does
                // not let it: it panics again, and there is no list.
                (models, Some(name)) if models.is_empty() && output.contains("\ndeadlock; threads = ") => {
                    Outcome::Failed { models: vec![name.to_owned()], why: why(&output) }
                }
                (models, _) if models.is_empty() => {
                    Outcome::Broken(format!("{status}: {}", line_with(&output, "panicked")))
                }
                (models, _) => Outcome::Failed { models, why: why(&output) },
            },
        })
    }

    /// The command that builds a file, but does not run it.
    ///
    /// The crate and its models are hardly optimised: that takes a part of the time. A model then
    /// runs a little longer, since most of its time is spent in loom, which is optimised. Without
    /// any, the frames of a take that grows do not fit loom's stacks of 32 KiB.
    fn build(&self, file: &str) -> Command {
        let mut command = cargo();
        if is_of_the_crate(file) {
            command.args("test --no-run --offline --package tollgate --no-default-features".split(' '));
            command.arg(format!("--features={}", features(file)));
            command.args(file.strip_prefix("tests/").map_or(vec!["--lib"], |file| vec!["--test", file]));
            command.env_remove("RUSTFLAGS").env("CARGO_TARGET_DIR", "target/crate");
        } else {
            command.args("test --no-run --offline --release --package loom-tests --test".split(' ')).arg(file);
            command.env("RUSTFLAGS", "--cfg loom").env("CARGO_TARGET_DIR", "target/loom");
        }
        command.env("CARGO_BUILD_JOBS", "1").env("CARGO_TERM_COLOR", "never").current_dir(&self.folder);
        command
    }

    /// The status is `None` if it took longer than `limit`; then it is ended.
    ///
    /// The command stays in the process group of this one, so that Ctrl-C ends it, too.
    fn wait(&self, mut command: Command, limit: Duration) -> io::Result<(Option<ExitStatus>, String)> {
        let log = self.folder.join("log");
        let out = File::create(&log)?;
        command.env("RUST_BACKTRACE", "0").env_remove("LOOM_MAX_PREEMPTIONS");
        command.stdout(out.try_clone()?).stderr(out);
        let mut child = command.spawn()?;
        let started = Instant::now();
        let status = loop {
            match child.try_wait()? {
                Some(status) => break Some(status),
                None if started.elapsed() < limit => std::thread::sleep(Duration::from_millis(10)),
                None => {
                    child.kill()?;
                    child.wait()?;
                    break None;
                }
            }
        };
        Ok((status, String::from_utf8_lossy(&fs::read(log)?).into_owned()))
    }
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Whether a file holds tests of the crate, and not models.
fn is_of_the_crate(file: &str) -> bool {
    file == "lib" || file.starts_with("tests/")
}

/// The features that a file of tests of the crate needs.
fn features(file: &str) -> &'static str {
    match file {
        "tests/coarse_clock" | "tests/recent_clock" => "keys,coarse-clock,quanta",
        _ => "keys",
    }
}

/// What cargo says that it has built: `Executable tests/keys.rs (target/loom/release/deps/keys-0)`.
fn program(output: &str) -> Option<&str> {
    let line = output.lines().find(|line| line.trim_start().starts_with("Executable "))?;
    line.trim_end().strip_suffix(')')?.rsplit_once('(').map(|(_, program)| program)
}

/// The names in the list below the last `failures:`.
fn failed_models(output: &str) -> Vec<String> {
    let list = output.rsplit_once("\nfailures:\n").map_or("", |(_, list)| list);
    list.lines().map_while(|line| line.strip_prefix("    ")).map(str::to_owned).collect()
}

/// What the first panic said; of two sets of outcomes, the one that was reached.
fn why(output: &str) -> String {
    let mut lines = output.lines().skip_while(|line| !line.contains("panicked at")).skip(1).map(str::trim);
    let message = lines.next().unwrap_or_default();
    if message.starts_with("Model exceeded maximum number of branches") {
        return "it takes more steps than an execution may have".to_owned();
    }
    let reached = lines.next().and_then(|line| line.strip_prefix("left: "));
    let why = reached.map_or_else(|| message.to_owned(), |reached| format!("reached {reached}"));
    if why.chars().count() > 100 { why.chars().take(97).chain("...".chars()).collect() } else { why }
}

fn line_with(output: &str, word: &str) -> String {
    output.lines().find(|line| line.contains(word)).unwrap_or("no word of why").to_owned()
}

/// The profile of the models: see `Copy::build`.
const PROFILE: &str = "
[profile.release]
opt-level = 1
incremental = true

[profile.release.package.\"*\"]
opt-level = 3
";

/// The manifest of a copy.
pub(crate) fn manifest(repository: &Path) -> io::Result<String> {
    let manifest = fs::read_to_string(repository.join("Cargo.toml"))?;
    Ok(small_manifest(&manifest) + PROFILE)
}

/// The manifest of the repository without the packages, targets, profiles and dependencies that are
/// not needed here.
fn small_manifest(manifest: &str) -> String {
    let mut small = String::new();
    let (mut dropped, mut development, mut members) = (false, false, false);
    for line in manifest.lines() {
        if line.starts_with('[') {
            dropped = line.starts_with("[[") || line.starts_with("[profile.");
            development = line.contains("dev-dependencies");
        }
        members |= line.starts_with("members");
        let needed = !development || line.starts_with('[') || line.starts_with("proptest");
        if !dropped && !members && needed {
            small.push_str(line);
            small.push('\n');
        }
        if members && line.ends_with(']') {
            members = false;
            small.push_str("members = [\"loom-tests\"]\n");
        }
    }
    small
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if !entry.file_type()?.is_dir() {
            fs::copy(from, to)?;
        } else if entry.file_name() != "traces" {
            copy_folder(&from, &to)?;
        }
    }
    Ok(())
}
