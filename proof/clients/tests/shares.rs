//! 50 tasks with one client under `ThrottleLayer`, against each kind of server once, all at the
//! same time. The limit of each is halved and doubled.
//!
//! What is refused is asserted by the demand of the kind, twice that where the limit has to be
//! found: a phase here is short, and holds few searches. A machine that is loaded makes a client
//! slower, and that refuses nothing. What is used is asserted loosely, and only if this process ran
//! when it should have. The long form, `clients run`, has the demand itself.

use std::time::Duration;

use clients::Outcome;
use clients::load::client::{Adapt, ClientKind};
use clients::load::plan::Plan;
use clients::measure::report::Report;
use clients::server::kind::{Kind, Says};
use tokio::task::JoinSet;

const RATE: u64 = 60;
const BURST: Duration = Duration::from_secs(1);
/// Of the time, more of which this process lost if it proves nothing of use.
const STALLED: f64 = 0.05;

/// The seconds of a phase: a limit that is only refused takes longer to find.
fn seconds(kind: Kind) -> u64 {
    if says_its_limit(kind) { 12 } else { 32 }
}

fn says_its_limit(kind: Kind) -> bool {
    matches!(kind.says, Says::Rate | Says::Budget)
}

#[tokio::main]
async fn reports() -> Outcome<Vec<(Kind, Report)>> {
    let mut runs = JoinSet::new();
    for kind in Kind::all() {
        let latency = if kind.has_latency() { Duration::from_millis(10) } else { Duration::ZERO };
        let (client, adapt) = (ClientKind::Layer, Adapt::default());
        let plan = Plan { kind, client, adapt, rate: RATE, burst: BURST, latency, seconds: seconds(kind) };
        runs.spawn(async move { plan.run().await.map(|report| (kind, report)) });
    }
    let mut reports = Vec::new();
    println!("\n{}", Report::HEAD);
    while let Some(report) = runs.join_next().await {
        let (kind, report) = report??;
        println!("{report}");
        reports.push((kind, report));
    }
    Ok(reports)
}

/// Fixed windows that say nothing refuse all from where they are used up until they end: some 3 to
/// 6 % of the requests, where the demand is 2 %. See the readme.
const OF_SILENT_WINDOWS: f64 = 0.1;

#[test]
fn what_servers_grant_is_used_and_hardly_exceeded() -> Outcome<()> {
    let reports = reports()?;
    assert_eq!(reports.iter().filter(|(kind, _)| says_its_limit(*kind)).count(), 24);
    assert_eq!(reports.len(), 38);
    for (kind, report) in reports {
        let settled = report.settled();
        let (least_used, times) = if says_its_limit(kind) { (0.85, 1.0) } else { (0.7, 2.0) };
        let is_silent = report.name.starts_with("window-bare");
        let most = if is_silent { OF_SILENT_WINDOWS } else { times * report.demand.refused };
        assert!(settled.refused_share() <= most, "{settled:?} of {report}");
        assert!(settled.granted > 0, "{report}");
        assert!(report.stalled > STALLED || settled.used() >= least_used, "{settled:?} of {report}");
    }
    Ok(())
}
