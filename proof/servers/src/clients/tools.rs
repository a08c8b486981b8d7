//! Owns where the tools are: on this machine, or unpacked from Debian. Never runs them for long.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use debian::Debian;

use crate::Outcome;

/// Programs, and the packages of Debian that hold each of them and its libraries.
const TOOLS: [(&str, &[&str]); 5] = [
    ("wrk", &["wrk", "libluajit-5.1-2", "libssl3"]),
    ("h2load", &["nghttp2-client", "libnghttp2-14", "libev4", "libjemalloc2", "libssl3"]),
    ("nginx", &["nginx", "libpcre2-8-0", "libcrypt1", "libssl3"]),
    (
        "haproxy",
        &[
            "haproxy",
            "liblua5.3-0",
            "libopentracing-c-wrapper0",
            "libopentracing1",
            "libpcre2-8-0",
            "libcrypt1",
            "libssl3",
        ],
    ),
    // One that lacks is rare, and its libraries are many.
    ("curl", &["curl"]),
];

static FETCHES: Mutex<()> = Mutex::new(());

/// Returns a command of a tool, which is fetched if this machine lacks it.
///
/// # Errors
///
/// What to do, if it can neither be found nor fetched.
pub fn command(tool: &str) -> Outcome<Command> {
    let program = program(tool)?;
    Ok(debian().command(&program))
}

/// Gets all tools that this machine lacks.
///
/// # Errors
///
/// As [`command`].
pub fn fetch() -> Outcome<()> {
    for (tool, _) in TOOLS {
        println!("{tool}: {}", program(tool)?.display());
    }
    Ok(())
}

/// Returns an allocator that gives back what is freed, for `LD_PRELOAD`: jemalloc.
///
/// # Errors
///
/// As [`command`].
pub fn allocator() -> Outcome<PathBuf> {
    const LIBRARY: &str = "libjemalloc.so.2";
    const PACKAGE: &str = "libjemalloc2";
    let debian = debian();
    let _alone = FETCHES.lock().unwrap_or_else(PoisonError::into_inner);
    let found = || {
        let folders = debian.libraries();
        let usual = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
        let folders = folders.split(':').chain([&*usual, "/usr/lib64", "/usr/lib"]);
        folders.map(|folder| Path::new(folder).join(LIBRARY)).find(|library| library.is_file())
    };
    if let Some(library) = found() {
        return Ok(library);
    }
    let fetched = debian.fetch([PACKAGE.to_owned()]).err();
    found().ok_or_else(|| {
        let why = fetched.unwrap_or_else(|| format!("{PACKAGE} does not hold it"));
        format!("there is no {LIBRARY}, and it cannot be fetched: {why}. Install the package {PACKAGE}").into()
    })
}

/// A folder for what the tools write.
pub fn folder() -> PathBuf {
    debian().folder().to_owned()
}

fn debian() -> Debian {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    Debian::new("servers-tools", architecture)
}

fn program(tool: &str) -> Outcome<PathBuf> {
    let debian = debian();
    let _alone = FETCHES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(program) = debian.program(tool).filter(|program| starts(debian.command(program))) {
        return Ok(program);
    }
    let packages = TOOLS.iter().find(|(name, _)| *name == tool).map_or(&[][..], |(_, packages)| packages);
    let fetched = debian.fetch(packages.iter().map(|package| (*package).to_owned()));
    match debian.program(tool) {
        Some(program) if starts(debian.command(&program)) => Ok(program),
        _ => {
            let why = fetched.err().unwrap_or_else(|| "what was unpacked does not start".to_owned());
            Err(format!(
                "there is no {tool}, and it cannot be fetched: {why}. Install the package {}, or let this machine \
                 reach deb.debian.org and run: cargo run --package servers -- tools",
                packages.first().unwrap_or(&tool)
            )
            .into())
        }
    }
}

/// Whether a program finds its libraries. The tools agree on no option that says the version.
fn starts(mut command: Command) -> bool {
    command.arg("-v").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.arg("--version").status().is_ok_and(|status| status.code() != Some(127))
}
