//! What the measuring itself must show: limits that really change, a client that knows the limit
//! and is within every demand, and one that obeys nothing and is within none.

use std::time::Duration;

use clients::Outcome;
use clients::load::client::{Adapt, ClientKind};
use clients::load::plan::Plan;
use clients::measure::report::Report;
use tokio::task::JoinSet;

const KINDS: [&str; 6] =
    ["nginx-429", "nginx-503-retry", "nginx-429-delay", "tower-all", "bucket-draft8", "window-x-epoch"];

/// All at once: they wait most of the time.
#[tokio::main]
async fn reports(client: ClientKind) -> Outcome<Vec<Report>> {
    let mut runs = JoinSet::new();
    for name in KINDS {
        let (burst, latency) = (Duration::from_millis(500), Duration::ZERO);
        let plan = Plan { kind: name.parse()?, client, adapt: Adapt::default(), rate: 100, burst, latency, seconds: 7 };
        runs.spawn(plan.run());
    }
    let mut reports = Vec::new();
    println!("{}", Report::HEAD);
    while let Some(report) = runs.join_next().await {
        let report = report??;
        println!("{report}");
        reports.push(report);
    }
    Ok(reports)
}

/// The limit is at the server: 50 tasks that obey nothing get it, whole and no more.
///
/// Of fixed windows a phase holds parts, so only the others are exact. On a slow machine the tasks
/// still ask more often than 100 times a second.
#[test]
fn a_client_that_obeys_nothing_is_refused_and_shows_the_limits_that_change() -> Outcome<()> {
    for report in reports(ClientKind::None)? {
        assert!(!report.failures().is_empty(), "{report}");
        assert!(report.in_all().refused_share() > 0.2, "{report}");
        if report.name.starts_with("window") {
            continue;
        }
        // After the first phase no burst is left; nginx changes as soon as its new worker runs.
        for phase in &report.phases[1..] {
            let granted = phase.rest(2).used();
            // A limit that did not change would be used twice, or by half.
            assert!((0.6..=1.4).contains(&granted), "{granted:.3} of {}/s: {report}", phase.rate);
        }
    }
    Ok(())
}

/// The refusals are what is asserted: a machine that is loaded makes a client slower, never faster.
/// What is used of a limit is asserted loosely, and only if this process ran.
#[test]
fn a_client_that_knows_the_limit_is_not_refused_and_uses_it() -> Outcome<()> {
    for report in reports(ClientKind::Bucket)? {
        // A window that is halved when it is used up refuses until it ends.
        if !report.name.starts_with("window") {
            assert!(report.in_all().refused_share() <= 0.01, "{report}");
        }
        assert!(report.stalled > 0.1 || report.in_all().used() > 0.8, "{report}");
    }
    Ok(())
}
