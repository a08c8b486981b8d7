//! Owns what refusals cost beside the peer: in turn, in one run. It prints, and never judges.
//!
//! tower_governor 0.8 makes a clock for each refusal, which asks the processor what it is. In a
//! virtual machine that traps, and was more than half of what a refusal cost it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::Outcome;
use crate::clients::server::Server;
use crate::clients::{h2load, wrk};
use crate::server::settings::Settings;

/// The routes: client, bytes and service; the client's requests alone; tower_governor, which limits
/// those alone; and no limiter, which answers all with content.
const ROUTES: [&str; 4] = ["full", "alike", "peer", "bare"];

#[derive(Clone, Copy, Debug)]
struct Row {
    per_second: f64,
    median: Duration,
    percentile_99: Duration,
}

/// Runs all routes in turn, several times, by wrk and by h2load.
///
/// # Errors
///
/// What could not be run.
pub fn run(program: &Path, time: Duration, rounds: usize) -> Outcome<()> {
    let server = Server::start(program, &Settings::default())?;
    for tool in ["wrk", "h2load"] {
        let mut rows: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
        for round in 0..rounds {
            // Each round begins with another route.
            for turn in 0..ROUTES.len() {
                let route = ROUTES[(round + turn) % ROUTES.len()];
                rows.entry(route).or_default().push(row(tool, &server.url(route, 100), time)?);
            }
        }
        println!("beside: {tool}, {rounds} rounds of {time:?} a route, medians");
        println!("beside: route   requests/s   median us   99 % us   of the peer's requests/s");
        for route in ROUTES {
            let rows_of = |route: &str| rows[route].iter().copied();
            let ratio =
                median(rows_of(route).zip(rows_of("peer")).map(|(ours, theirs)| ours.per_second / theirs.per_second));
            println!(
                "beside: {route:6} {:11.0} {:11.0} {:9.0} {ratio:10.2}",
                median(rows_of(route).map(|row| row.per_second)),
                median(rows_of(route).map(|row| row.median.as_secs_f64() * 1e6)),
                median(rows_of(route).map(|row| row.percentile_99.as_secs_f64() * 1e6)),
            );
        }
    }
    Ok(())
}

fn row(tool: &str, url: &str, time: Duration) -> Outcome<Row> {
    if tool == "wrk" {
        let figures = wrk::fast(url, 16, time)?;
        let per_second = figures.requests as f64 / figures.time.as_secs_f64();
        return Ok(Row { per_second, median: figures.median, percentile_99: figures.percentile_99 });
    }
    let figures = h2load::run(url, "192.0.2.1", time)?;
    Ok(Row { per_second: figures.per_second(), median: figures.median, percentile_99: figures.percentile_99 })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
