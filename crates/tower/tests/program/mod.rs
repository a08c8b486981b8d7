//! Builds an example, for tests that run it as a program.
//!
//! Cargo builds examples for all tests together, and not for those of one file. A test would then
//! see the program of yesterday.

use std::process::Command;
use std::sync::OnceLock;

/// The program of an example as its source says now.
pub(crate) fn example(name: &'static str) -> Command {
    static BUILT: OnceLock<()> = OnceLock::new();
    // target/PROFILE/deps/TEST
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--package", "tollgate-tower", "--all-features", "--example", name]);
        let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).arg("--target-dir").arg(target).status();
        assert!(status.unwrap().success(), "the example {name} does not build");
    });
    Command::new(target.join("debug/examples").join(name))
}
