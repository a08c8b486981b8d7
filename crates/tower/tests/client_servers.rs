//! Fifty tasks against servers of every kind, simulated on tokio's paused time.

mod simulated;

use std::time::Duration;

use simulated::{Kind, Setup, run};
use tollgate::Limit;
use tollgate::adaptive::Cubic;
use tollgate::limit::Ratio;
use tollgate_http::Reset;
use tollgate_tower::ThrottleLayer;

fn simulate(setup: Setup, settle: f64, layer: impl FnOnce() -> ThrottleLayer) -> simulated::Outcome {
    fastrand::seed(setup.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async { run(setup, layer(), settle).await })
}

fn show(setup: &Setup, outcome: &simulated::Outcome) {
    let simulated::Outcome { mut before, mut after, refused } = *outcome;
    // Fifty tasks send no more than this.
    let most = 50_000.0 / (setup.latency.0 + setup.latency.1 / 2.0).max(1.0) / setup.rate as f64;
    before.used /= most.min(1.0);
    after.used /= (most / setup.change).min(1.0);
    let Setup { kind, rate, capacity, latency, others, change, seed, .. } = setup;
    let kind = format!("{kind:?}").replace("Headers ", "");
    let kind = kind.chars().take(90).collect::<String>();
    println!(
        "{rate:5}/s C {capacity:5} {:4.1}+{:4.1} ms others {others:.1} x{change:.1} seed {seed} | used {:.3} refused {:.4} | after {:.3} {:.4} | all {refused:.4} | {kind}",
        latency.0, latency.1, before.used, before.refused, after.used, after.refused,
    );
}

/// Runs one server with two seeds, and compares the shares with what is demanded of them.
fn demand(setup: Setup, settle: f64, used: f64, refused: f64, layer: impl Fn() -> ThrottleLayer) {
    for seed in 1..=2 {
        let setup = Setup { seed, ..setup };
        let outcome = simulate(setup, settle, &layer);
        for shares in [outcome.before, outcome.after] {
            assert!(shares.used >= used && shares.refused <= refused, "{setup:?}: {outcome:?}");
        }
        assert!(outcome.refused <= 2.0 * refused, "{setup:?}: {outcome:?}");
    }
}

const fn setup(kind: Kind, rate: u64, capacity: u64, latency: (f64, f64), change: f64) -> Setup {
    Setup { kind, rate, capacity, latency, others: 0.0, change, seconds: 60, seed: 0 }
}

const LATENCIES: [(f64, f64); 2] = [(0.2, 0.1), (30.0, 20.0)];

#[test]
fn the_rate_that_a_server_states_is_used_and_hardly_ever_refused() {
    for latency in LATENCIES {
        for change in [0.5, 2.0] {
            for kind in [Kind::D11, Kind::OldWithWindow] {
                demand(setup(kind, 50, 50, latency, change), 10.0, 0.97, 0.005, ThrottleLayer::obedient);
            }
            demand(setup(Kind::D11, 40, 10, latency, change), 10.0, 0.97, 0.005, ThrottleLayer::obedient);
        }
    }
    demand(setup(Kind::D11, 20, 200, LATENCIES[1], 2.0), 10.0, 0.97, 0.005, ThrottleLayer::obedient);
}

#[test]
fn so_is_that_of_a_bucket_that_says_only_what_is_left_and_when_it_is_full() {
    for latency in LATENCIES {
        for change in [0.5, 2.0] {
            for kind in [Kind::OLD, Kind::X_EPOCH] {
                demand(setup(kind, 50, 50, latency, change), 10.0, 0.97, 0.005, ThrottleLayer::obedient);
            }
        }
    }
}

#[test]
fn so_is_that_of_a_small_bucket_although_round_trips_differ_by_half_of_what_it_holds() {
    for kind in [Kind::OLD, Kind::X_DELTA] {
        demand(setup(kind, 100, 20, (100.0, 100.0), 1.0), 10.0, 0.97, 0.005, ThrottleLayer::obedient);
    }
}

/// The shares are of whole windows.
#[test]
fn so_is_that_of_a_server_that_counts_by_windows() {
    for latency in LATENCIES {
        for change in [1.0, 0.5, 2.0] {
            for kind in [Kind::Window(5, Reset::Delta), Kind::Window(5, Reset::Epoch), Kind::IetfWindow(5)] {
                let setup = Setup { seconds: 80, ..setup(kind, 50, 50, latency, change) };
                demand(setup, 10.0, 0.97, 0.005, ThrottleLayer::obedient);
            }
        }
    }
}

#[test]
fn a_server_that_only_refuses_is_found_out_by_cubic() {
    let cubic = Cubic::new(Duration::from_secs(8), Ratio::percent(90));
    for (kind, capacity) in
        [(Kind::Silent(503, None), 10), (Kind::Silent(429, None), 50), (Kind::Silent(429, Some(1)), 50)]
    {
        for latency in LATENCIES {
            for change in [0.5, 2.0] {
                let setup = Setup { seconds: 120, ..setup(kind, 50, capacity, latency, change) };
                let layer = || ThrottleLayer::obedient().adapt(Limit::per_second(200).capacity(2), cubic).unwrap();
                demand(setup, 30.0, 0.90, 0.02, layer);
            }
        }
    }
}

#[test]
fn what_others_take_of_a_limit_is_left_to_them() {
    for latency in LATENCIES {
        let setup = Setup { others: 0.5, ..setup(Kind::D11, 50, 50, latency, 1.0) };
        demand(setup, 10.0, 0.9, 0.02, ThrottleLayer::obedient);
    }
}

#[test]
#[ignore = "prints a table"]
fn table() {
    let only: Option<String> = std::env::var("ONLY").ok();
    let stated = [Kind::D11, Kind::OldWithWindow, Kind::OLD, Kind::X_DELTA, Kind::X_EPOCH];
    let windows = [
        Kind::Window(10, Reset::Delta),
        Kind::Window(10, Reset::Epoch),
        Kind::Window(1, Reset::Delta),
        Kind::IetfWindow(10),
    ];
    let is_on = |name: &str| only.as_deref().is_none_or(|only| only.split(',').any(|part| part == name));
    let names = ["d11", "oldw", "old", "xd", "xe"];
    for (kind, name) in stated.iter().zip(names) {
        if !is_on(name) {
            continue;
        }
        for (rate, capacity) in [(5, 3), (5, 50), (50, 5), (100, 100), (1000, 10), (1000, 1000)] {
            for latency in [(0.2, 0.1), (10.0, 5.0), (60.0, 40.0)] {
                for change in [1.0, 0.5, 2.0] {
                    let setup =
                        Setup { kind: *kind, rate, capacity, latency, others: 0.0, change, seconds: 60, seed: 1 };
                    let outcome = simulate(setup, 10.0, ThrottleLayer::obedient);
                    show(&setup, &outcome);
                }
            }
        }
    }
    if is_on("win") {
        for kind in windows {
            for rate in [5, 100, 1000] {
                for latency in [(0.2, 0.1), (60.0, 40.0)] {
                    for change in [1.0, 0.5, 2.0] {
                        let setup =
                            Setup { kind, rate, capacity: rate, latency, others: 0.0, change, seconds: 100, seed: 1 };
                        show(&setup, &simulate(setup, 10.0, ThrottleLayer::obedient));
                    }
                }
            }
        }
    }
    if is_on("one") {
        let kind = Kind::Window(10, Reset::Delta);
        for (rate, latency, change) in [(5, (0.2, 0.1), 0.5), (100, (60.0, 40.0), 2.0)] {
            let setup = Setup { kind, rate, capacity: rate, latency, others: 0.0, change, seconds: 100, seed: 1 };
            show(&setup, &simulate(setup, 10.0, ThrottleLayer::obedient));
        }
    }
    if is_on("others") {
        for kind in [Kind::D11, Kind::X_DELTA, Kind::Window(10, Reset::Delta)] {
            for (rate, capacity) in [(50, 20), (1000, 100)] {
                for latency in [(0.2, 0.1), (60.0, 40.0)] {
                    let setup = Setup { kind, rate, capacity, latency, others: 0.5, change: 1.0, seconds: 60, seed: 1 };
                    show(&setup, &simulate(setup, 10.0, ThrottleLayer::obedient));
                }
            }
        }
    }
    if is_on("silent") {
        for kind in [Kind::Silent(503, None), Kind::Silent(429, None), Kind::Silent(429, Some(1))] {
            for (rate, capacity) in [(10, 5), (100, 10), (100, 100)] {
                for latency in [(0.2, 0.1), (60.0, 40.0)] {
                    for change in [0.5, 2.0] {
                        let setup = Setup { kind, rate, capacity, latency, others: 0.0, change, seconds: 120, seed: 1 };
                        let most = Limit::per_second(rate * 4).capacity(1);
                        let layer = || {
                            ThrottleLayer::obedient()
                                .adapt(most, Cubic::new(Duration::from_secs(8), Ratio::percent(90)))
                                .unwrap()
                        };
                        show(&setup, &simulate(setup, 30.0, layer));
                    }
                }
            }
        }
    }
}
