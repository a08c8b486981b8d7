//! Owns the name of the compiler in the command. Never anything else of the build.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc).arg("--version").output().ok().and_then(|said| String::from_utf8(said.stdout).ok());
    let version = said.unwrap_or_default();
    let version = if version.starts_with("rustc ") { version.trim() } else { "rustc of unknown version" };
    println!("cargo::rustc-env=TOLLGATE_RUSTC={version}");
}
