//! Owns the wall clock of a server that tests step. Never touches the machine's.
//!
//! `libfaketime` does not do: with the allocator of Debian's servers it calls itself before either
//! is ready. So thirty lines of C are compiled, by the linker driver that Rust needs too.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

use crate::{Outcome, kind};

const SOURCE: &str = include_str!("clock.c");
const FILE: &str = "clock-step";

/// Shows a command the stepped clock, whose step lies in this folder.
pub(crate) fn prepare(command: &mut Command, folder: &Path) -> Outcome<()> {
    step(folder, 0)?;
    command.env("LD_PRELOAD", library()?).env("CLOCK_STEP_FILE", folder.join(FILE));
    Ok(())
}

/// Moves the clock to so many seconds from the machine's, at once.
pub(crate) fn step(folder: &Path, seconds: i64) -> Outcome<()> {
    // Written in place: the server has mapped the file.
    let mut file = File::options().write(true).create(true).truncate(false).open(folder.join(FILE))?;
    Ok(file.write_all(&seconds.to_ne_bytes())?)
}

/// The compiled library.
fn library() -> Outcome<PathBuf> {
    let folder = kind::debian().folder().to_owned();
    fs::create_dir_all(&folder)?;
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    let alone = File::create(folder.join("lock"))?;
    flock(&alone, FlockOperation::LockExclusive)?;
    if !library.is_file() || fs::read_to_string(&source).ok().as_deref() != Some(SOURCE) {
        fs::write(&source, SOURCE)?;
        let status = Command::new("cc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(&source).status();
        if !status.map_err(|error| format!("cc: {error}"))?.success() {
            fs::remove_file(&source)?;
            return Err("cc cannot compile clock.c".into());
        }
    }
    Ok(library)
}
