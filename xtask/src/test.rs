//! Owns the list of everything that is checked before a change lands.

use crate::loom;
use crate::step::Step;

pub(crate) fn steps() -> Vec<Step> {
    let mut steps = vec![
        Step::cargo("format", "fmt --all --check"),
        Step::cargo("clippy, all features", "clippy --workspace --all-targets --all-features -- -D warnings"),
        Step::cargo("clippy, no features", "clippy --package tollgate --no-default-features --lib -- -D warnings"),
        loom::lints(),
        Step::cargo("docs", "doc --package tollgate --no-deps --all-features --document-private-items")
            .env("RUSTDOCFLAGS", "-D warnings"),
        Step::cargo("tests and doc-tests, all features", "test --package tollgate --all-features"),
    ];
    // Without `quanta`, without `std`, without `alloc`: each is another default clock, or another
    // end of the slots.
    for features in ["std", "alloc", ""] {
        steps.push(Step::cargo(
            format!("tests, only features [{features}]"),
            &format!("test --package tollgate --no-default-features --features={features} --lib --tests"),
        ));
    }
    steps.extend([
        Step::cargo("rules of the house", "run --package xtask -- house"),
        Step::cargo("tests of the commands", "test --package xtask --package killers"),
        Step::cargo("no_std build", "build --package tollgate --no-default-features --release"),
        Step::cargo("examples", "test --package tollgate --examples --release"),
        Step::cargo("example producers, two seconds", "run --release --example producers -- --seconds 2"),
        Step::cargo("example adaptive_client, three seconds", "run --release --example adaptive_client -- --seconds 3"),
        // Any file of lines.
        Step::cargo("example per_client", "run --release --features keys --example per_client -- Cargo.lock"),
        Step::cargo("example retry_after_refusal", "run --release --example retry_after_refusal"),
        Step::cargo("example throttled_copy", "run --release --example throttled_copy"),
        Step::cargo("example backpressure", "run --release --features tokio --example backpressure"),
        Step::cargo("example waiters, two seconds", "run --release --features tokio --example waiters -- --seconds 2"),
        loom::models(&[]),
        Step::cargo("frozen threads", "test --release --package freeze-points --package freeze-tests"),
        Step::cargo("histories", "test --release --package history-tests"),
        Step::cargo("soak, three seconds", "run --release --package history-tests --bin soak -- --seconds 3"),
        Step::cargo("lessons from peers", "test --package lessons"),
        // Checked before anything is timed; that the timing itself compiles, clippy has said.
        Step::cargo("benches, the answers", "test --release --package benches"),
        // On a stable compiler: the seeds, and what fuzzing has found.
        Step::cargo("fuzz targets, replayed", "test --manifest-path fuzz/Cargo.toml --no-default-features"),
    ]);
    steps
}
