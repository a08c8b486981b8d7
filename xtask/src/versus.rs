//! Owns the comparison with an earlier commit: what a decision costs in terms of what it cost then,
//! both in one process.
//!
//! `git` lays the earlier sources beside a program of two dependencies, which are the same crate at
//! two times. The program is `versus/program.rs`.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::{fs, io};

use crate::step::{self, Step};

const PROGRAM: &str = include_str!("versus/program.rs");

/// `rest` is the commit, and nothing else.
pub(crate) fn run(rest: &[String]) -> ExitCode {
    let [commit] = rest else {
        eprintln!("usage: cargo xtask versus COMMIT");
        return ExitCode::from(2);
    };
    let folder = step::root().join("target/versus");
    match laid_out(&folder, commit) {
        Ok(()) => {
            let manifest = folder.join("Cargo.toml").display().to_string();
            let target = folder.join("target").display().to_string();
            let words = format!("run --quiet --release --manifest-path {manifest} --target-dir {target}");
            step::run_alone(Step::cargo("versus", &words))
        }
        Err(error) => {
            eprintln!("versus: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the program, and the sources of that commit beside it.
fn laid_out(folder: &Path, commit: &str) -> io::Result<()> {
    let (now, then) = (step::root(), folder.join("then"));
    fs::create_dir_all(folder.join("src"))?;
    let _ = fs::remove_dir_all(&then);
    fs::create_dir_all(&then)?;
    let archive = folder.join("then.tar");
    let git = ["archive", "--output", &archive.display().to_string(), commit].map(str::to_owned);
    succeed(Command::new("git").args(git).current_dir(&now))?;
    succeed(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&then))?;
    // Two packages of one name and version cannot be told apart.
    let old = fs::read_to_string(then.join("Cargo.toml"))?;
    let lines = old.lines().map(|line| if line.starts_with("version = ") { "version = \"0.0.0\"" } else { line });
    fs::write(then.join("Cargo.toml"), lines.collect::<Vec<_>>().join("\n"))?;
    fs::write(folder.join("src/main.rs"), PROGRAM)?;
    let manifest = format!(
        "[workspace]\nexclude = [\"then\"]\n\n[package]\nname = \"versus\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         now = {{ path = {:?}, package = \"tollgate\" }}\nthen = {{ path = {:?}, package = \"tollgate\" }}\n",
        now.display(),
        then.display(),
    );
    fs::write(folder.join("Cargo.toml"), manifest)
}

fn succeed(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{command:?}: {status}"))) }
}
