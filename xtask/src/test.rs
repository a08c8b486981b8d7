//! Owns the list of everything that is checked before a change lands.

use crate::loom;
use crate::step::Step;

pub(crate) fn steps() -> Vec<Step> {
    let mut steps = vec![
        Step::cargo("format", "fmt --all --check").so_that("a diff shows changes, and no layout"),
        Step::cargo("clippy, all features", "clippy --workspace --all-targets --all-features -- -D warnings")
            .so_that("no lint fires in any package"),
        Step::cargo("clippy, no features", "clippy --package tollgate --no-default-features --lib -- -D warnings")
            .so_that("the crate compiles without std and alloc, without a lint"),
        loom::lints(),
        Step::cargo("docs", "doc --package tollgate --no-deps --all-features --document-private-items")
            .env("RUSTDOCFLAGS", "-D warnings")
            .so_that("every link of the docs leads somewhere, private ones too"),
        Step::cargo("tests and doc-tests, all features", "test --package tollgate --all-features")
            .so_that("each guarantee of the docs holds, and each example runs"),
    ];
    // Without `quanta`, without `std`, without `alloc`: each is another default clock, or another
    // end of the slots.
    for features in ["std", "alloc", ""] {
        steps.push(
            Step::cargo(
                format!("tests, only features [{features}]"),
                &format!("test --package tollgate --no-default-features --features={features} --lib --tests"),
            )
            .so_that("guarantees hold with another default clock, and another end of the slots"),
        );
    }
    steps.extend([
        Step::cargo("rules of the house", "run --package xtask -- house")
            .so_that("imports go down, comments fit, files are short, orderings say what dies"),
        Step::cargo("tests of the commands", "test --package xtask --package killers")
            .so_that("the commands work, and every planted fault fits the sources"),
        Step::cargo("no_std build", "build --package tollgate --no-default-features --release")
            .so_that("the release build needs no std"),
        Step::cargo("examples", "test --package tollgate --examples --release")
            .so_that("the tests inside the examples pass"),
        Step::cargo("examples, help and errors", "run --package xtask -- examples")
            .so_that("all examples explain themselves, and say alike what went wrong"),
        Step::cargo("example producers, two seconds", "run --release --example producers -- --seconds 2")
            .so_that("the main job runs and its audit passes"),
        Step::cargo("example adaptive_client, three seconds", "run --release --example adaptive_client -- --seconds 3")
            .so_that("a client finds the limit of a real HTTP server"),
        // Any file of lines.
        Step::cargo(
            "command replay",
            "run --release --package tollgate-cli -- replay --limit 1/s --key 1 Cargo.lock --ascii",
        )
        .so_that("a log is replayed against a limit for each client"),
        Step::cargo("example retry_after_refusal", "run --release --example retry_after_refusal")
            .so_that("a refused caller comes back at the stated time"),
        Step::cargo("example throttled_copy", "run --release --features io --example throttled_copy")
            .so_that("a copy keeps to its bytes a second"),
        Step::cargo("example backpressure", "run --release --features tokio --example backpressure")
            .so_that("an asynchronous producer keeps its deadlines"),
        Step::cargo("example waiters, two seconds", "run --release --features tokio --example waiters -- --seconds 2")
            .so_that("10,000 waiters are served in turn"),
        loom::models(&[]),
        loom::models_without_alloc(),
        Step::cargo("frozen threads", "test --release --package freeze-points --package freeze-tests")
            .so_that("a thread stopped before any atomic operation stops no other"),
        Step::cargo("histories", "test --release --package history-tests")
            .so_that("real and random schedules are linearizable"),
        Step::cargo("soak, three seconds", "run --release --package history-tests --bin soak -- --seconds 3")
            .so_that("the bound holds in every window on oversubscribed threads"),
        Step::cargo("lessons from peers", "test --package lessons").so_that("faults that peers have are not here"),
        Step::cargo("tests of http, all features", "test --package tollgate-http --all-features")
            .so_that("header fields say what is so, and addresses cannot be spoofed"),
        Step::cargo("tests of tower, all features", "test --package tollgate-tower --all-features")
            .so_that("each guarantee of the layer holds, and each example runs"),
        Step::cargo("tests of reqwest, all features", "test --package tollgate-reqwest --all-features")
            .so_that("a client of reqwest keeps to limits as one of tower does"),
        Step::cargo("tests of the command", "test --package tollgate-cli")
            .so_that("the command copies every byte, draws what buckets grant, and says what is wrong"),
        Step::cargo(
            "docs of the crates around the core",
            "doc --package tollgate-http --package tollgate-tower --package tollgate-reqwest --package tollgate-redis --package tollgate-cli --lib --no-deps --all-features --document-private-items",
        )
        .env("RUSTDOCFLAGS", "-D warnings")
        .so_that("every link of their docs leads somewhere, private ones too"),
        Step::cargo("tools of servers", "run --release --package servers -- tools")
            .so_that("wrk, h2load, nginx, haproxy and curl are there, or come from Debian"),
        Step::cargo("servers, real clients", "test --release --package servers -- --nocapture --test-threads=1")
            .so_that("real clients, proxies and load meet the layer, and the bound holds"),
        Step::cargo("tools of clients", "run --release --package clients -- tools")
            .so_that("nginx is there, or comes from Debian"),
        Step::cargo("clients, real servers", "test --release --package clients -- --nocapture --test-threads=1")
            .so_that("clients use what nginx, axum and old services grant, and are hardly refused"),
        Step::cargo("engines of redis", "run --package engines")
            .so_that("Redis 7 and Valkey 8 are there, or come from Debian"),
        Step::cargo("engines, started and killed", "test --package engines")
            .so_that("servers of tests can be killed, stopped, cut off and failed over, and leave nothing behind"),
        Step::cargo("tests of redis, all features", "test --package tollgate-redis --all-features")
            .so_that("scripts agree with exact fractions on both engines, and each guarantee of a fleet holds"),
        Step::cargo("fleets and faults", "test --release --package fleet -- --nocapture --test-threads=1")
            .so_that("real processes on both engines keep the bound through every fault, and break it without the fence"),
        // Checked before anything is timed; that the timing itself compiles, clippy has said.
        Step::cargo("benches, the answers", "test --release --package benches")
            .so_that("what is timed gives the right answers"),
        // On a stable compiler: the seeds, and what fuzzing has found.
        Step::cargo("fuzz targets, replayed", "test --manifest-path fuzz/Cargo.toml --no-default-features")
            .so_that("what fuzzing found stays mended"),
    ]);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_says_what_it_is_for() {
        for step in steps() {
            assert!(step.described().len() > 40, "{}", step.described());
        }
    }
}
