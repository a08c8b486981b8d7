//! Owns how the models are built: the switch, and a target folder of their own. `table` prints what
//! they are.

mod table;

use crate::step::Step;

/// The models, in release; `rest` goes to the test runner.
pub(crate) fn models(rest: &[String]) -> Step {
    under_loom("loom models", "test --release --package loom-tests")
        .args(rest)
        .judged_by(table::print)
        .so_that("no interleaving and no weak ordering breaks a guarantee")
}

/// Those of takes and changes once more, where no further slots can be linked.
pub(crate) fn models_without_alloc() -> Step {
    let tests = "--test conservation --test set_limits --test later_limits";
    under_loom(
        "loom models, without alloc",
        &format!("test --release --package loom-tests --no-default-features {tests}"),
    )
    .judged_by(table::print)
    .so_that("two places for limits are enough, and nothing waits for a third")
}

pub(crate) fn lints() -> Step {
    under_loom("clippy, loom models", "clippy --release --package loom-tests --all-targets -- -D warnings")
        .so_that("the face of loom is linted, too")
}

fn under_loom(name: &str, words: &str) -> Step {
    Step::cargo(name, words).env("RUSTFLAGS", "--cfg loom").env("CARGO_TARGET_DIR", "target/loom")
}
