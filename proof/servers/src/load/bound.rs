//! Owns the check of what servers admit under load. Never times them.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::Duration;

use tollgate::Limit;

use crate::Outcome;
use crate::clients::server::Server;
use crate::clients::{h2load, wrk};
use crate::server::admissions::Admission;
use crate::server::audit::Audit;
use crate::server::settings::Settings;

const CONNECTIONS: u64 = 32;
const CLIENTS: u64 = 8;
const BYTES: u64 = 100;

/// Eight clients by wrk, at many times what each and all may.
///
/// # Errors
///
/// What broke the bound, or was answered by another status, or came short.
pub fn refusing(program: &Path, time: Duration) -> Outcome<()> {
    by_wrk(program, time, Settings::default(), "wrk")
}

/// As [`refusing`], with requests that wait in turn for up to 200 ms.
///
/// # Errors
///
/// As [`refusing`].
pub fn waiting(program: &Path, time: Duration) -> Outcome<()> {
    let settings = Settings { wait: Duration::from_millis(200), ..Settings::default() };
    by_wrk(program, time, settings, "wrk, waiting in turn")
}

fn by_wrk(program: &Path, time: Duration, settings: Settings, name: &str) -> Outcome<()> {
    let server = Server::start(program, &settings)?;
    // Those that wait keep their connections; ten times the rate of attempts needs many.
    let connections = if settings.wait.is_zero() { CONNECTIONS } else { 1000 };
    let figures = wrk::counting(&server.url("full", BYTES), connections, time, CLIENTS, BYTES)?;
    let counts = figures.counts.ok_or("wrk counted nothing")?;
    let admissions = server.admissions()?;
    let admitted = admissions.len() as u64;
    // What was on its way when wrk stopped, it does not count.
    let seen = counts.ok <= admitted && admitted <= counts.ok + connections;
    if !seen || counts.other + counts.short + figures.failed > 0 {
        return Err(format!("{name}: {admitted} were admitted: {figures:?}").into());
    }
    let outcomes = server.outcomes()?;
    if outcomes.admitted() != admitted || outcomes.no_room > 0 {
        return Err(format!("{name}: {admitted} reached the handler of {outcomes:?}").into());
    }
    report(name, &settings, &admissions, counts.ok + counts.limited, figures.time)
}

/// Four clients by h2load at once.
///
/// # Errors
///
/// As [`refusing`].
pub fn refusing_over_http2(program: &Path, time: Duration) -> Outcome<()> {
    let settings = Settings::default();
    let server = Server::start(program, &settings)?;
    let url = server.url("full", BYTES);
    let figures: Vec<h2load::Figures> = thread::scope(|scope| {
        let run = |client| {
            let url = &url;
            scope.spawn(move || h2load::run(url, &format!("192.0.2.{client}"), time))
        };
        let runs: Vec<_> = (1..=4).map(run).collect();
        runs.into_iter().map(|run| run.join().map_err(|_| "h2load panicked")?).collect::<Outcome<_>>()
    })?;
    let sum = |count: fn(&h2load::Figures) -> u64| figures.iter().map(count).sum::<u64>();
    let admissions = server.admissions()?;
    let (ok, admitted) = (sum(|figures| figures.ok), admissions.len() as u64);
    if sum(|figures| figures.other) > 0 || ok > admitted || admitted > ok + 4 * 4 * 8 {
        return Err(format!("h2load: {admitted} were admitted: {figures:?}").into());
    }
    report("h2load", &settings, &admissions, ok + sum(|figures| figures.limited), time)
}

/// One client whose bytes bind, and not its requests.
///
/// # Errors
///
/// If more bytes were sent than the limit, what it began with, and one body for each connection.
pub fn bytes(program: &Path, time: Duration) -> Outcome<()> {
    const BODY: u64 = 10_000;
    let limit = Limit::per_second(200_000).capacity(50_000);
    let plenty = Limit::per_second(1_000_000);
    let settings = Settings { client: plenty, service: plenty, client_bytes: limit, ..Settings::default() };
    let server = Server::start(program, &settings)?;
    let figures = wrk::counting(&server.url("full", BODY), CONNECTIONS, time, 1, BODY)?;
    let counts = figures.counts.ok_or("wrk counted nothing")?;
    let admissions = server.admissions()?;
    let sent: u64 = admissions.iter().map(|admission| admission.bytes).sum();
    let first = admissions.iter().map(|admission| admission.decided).min().unwrap_or_default();
    let last = admissions.iter().map(|admission| admission.decided).max().unwrap_or_default();
    let window = Duration::from_nanos(last - first) + limit.precision()?;
    let most = limit.capacity + 200_000 * window.as_nanos() as u64 / 1_000_000_000 + CONNECTIONS * BODY;
    println!(
        "load: wrk, bytes: {sent} bytes admitted of {} offered; the limit gives {} in {:.1} s, and {} connections may \
         overdraw by a body each: at most {most}",
        counts.limited * BODY + sent,
        most - CONNECTIONS * BODY,
        window.as_secs_f64(),
        CONNECTIONS
    );
    let ends_well = counts.other + counts.short + figures.failed == 0;
    if sent > most || !ends_well || counts.limited < 10 * counts.ok {
        return Err(format!("bytes: {sent} were sent, at most {most}: {figures:?}").into());
    }
    Ok(())
}

/// Checks all limits, and prints what was admitted beside what they allow.
fn report(name: &str, settings: &Settings, admissions: &[Admission], attempts: u64, time: Duration) -> Outcome<()> {
    let wait = settings.wait.as_nanos() as u64;
    let longest = admissions.iter().map(|admission| admission.told - admission.decided).max().unwrap_or_default();
    let readings = |admission: &Admission| (admission.decided, admission.told);
    let mut audits = vec![("service", Audit::of(settings.service, admissions.iter().map(readings))?)];
    let mut clients: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for admission in admissions {
        // What waits at the service was granted by the client's limit before.
        let (before, after) = readings(admission);
        clients.entry(&admission.client).or_default().push((before.saturating_sub(wait), after));
    }
    for (client, admissions) in clients {
        audits.push((client, Audit::of(settings.client, admissions)?));
    }
    let allowed = settings.service.capacity as f64
        + settings.service.rate.tokens() as f64 * time.as_secs_f64() / settings.service.rate.period().as_secs_f64();
    println!(
        "load: {name}: {attempts} attempts in {:.1} s, {:.0} times what the service gives; admitted {}, {:.1} % of it; \
         the readings around a decision were at most {:.3} ms apart",
        time.as_secs_f64(),
        attempts as f64 / allowed,
        admissions.len(),
        100.0 * admissions.len() as f64 / allowed,
        longest as f64 / 1e6
    );
    for (limit, audit) in &audits {
        let spare = -audit.worst_thousandths as f64 / 1000.0;
        println!("load: {name}: {limit}: {} requests, the fullest window has room for {spare:.3}", audit.requests);
    }
    if let Some((limit, audit)) = audits.iter().find(|(_, audit)| !audit.holds()) {
        return Err(format!("{name}: {limit} breaks the bound: {audit:?}").into());
    }
    if settings.wait.is_zero() && (attempts as f64) < 10.0 * allowed {
        return Err(format!("{name}: only {attempts} attempts, not ten times {allowed:.0}").into());
    }
    Ok(())
}
