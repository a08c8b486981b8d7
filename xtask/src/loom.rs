//! Owns how the models are built: the switch, and a target folder of their own.

use crate::step::Step;

/// The models, in release; `rest` goes to the test runner.
pub(crate) fn models(rest: &[String]) -> Step {
    under_loom("loom models", "test --release --package loom-tests")
        .args(rest)
        .so_that("no interleaving and no weak ordering breaks a guarantee")
}

pub(crate) fn lints() -> Step {
    under_loom("clippy, loom models", "clippy --release --package loom-tests --all-targets -- -D warnings")
        .so_that("the face of loom is linted, too")
}

fn under_loom(name: &str, words: &str) -> Step {
    Step::cargo(name, words).env("RUSTFLAGS", "--cfg loom").env("CARGO_TARGET_DIR", "target/loom")
}
