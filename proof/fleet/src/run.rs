//! Owns a fleet at full load, and what must hold of it. Never a fault.

use std::path::PathBuf;
use std::time::Duration;

use engines::{Kind, Options, Server};
use tollgate::Limit;

use crate::judge::bins::Bins;
use crate::judge::bound::Bound;
use crate::judge::diary;
use crate::judge::level::Level;
use crate::member::{Member, Said};
use crate::worker::orders::{Load, Orders};
use crate::{Outcome, now_ms};

/// Until a fleet has found its pace.
const WARM: Duration = Duration::from_secs(1);
const NAME: &str = "orders";

/// A fleet, and its load.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The binary of this package.
    pub program: PathBuf,
    pub kind: Kind,
    pub processes: usize,
    pub threads: usize,
    pub time: Duration,
    pub limit: Limit,
    pub term: Duration,
    pub load: Load,
}

impl Plan {
    /// Eight processes for 30 s at a million tokens a second.
    pub fn of(program: PathBuf) -> Self {
        Self {
            program,
            kind: Kind::Redis7,
            processes: 8,
            threads: 1,
            time: Duration::from_secs(30),
            limit: Limit::per_second(1_000_000).capacity(1_000_000),
            term: Duration::from_secs(1),
            load: Load::Hungry,
        }
    }

    fn orders(&self, server: &Server, folder: &std::path::Path, member: usize) -> Orders {
        Orders {
            urls: vec![server.url()],
            authority: None,
            name: NAME.into(),
            limit: self.limit,
            term: self.term,
            threads: self.threads,
            load: self.load,
            creates: false,
            folder: folder.to_owned(),
            member,
        }
    }

    fn members(&self, server: &Server, folder: &std::path::Path) -> Outcome<Vec<Member>> {
        let start = |number| {
            let mut member = Member::start(&self.program, &self.orders(server, folder, number))?;
            // The first takes while the others start: the bucket is never full, and loses nothing.
            member.go()?;
            Ok(member)
        };
        (0..self.processes).map(start).collect()
    }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What each member said as the window began, as it ended, and once it had closed.
    pub said: [Vec<Said>; 3],
    /// Its uses, by member.
    pub uses: Vec<Bins>,
    pub returned: Bins,
    /// The milliseconds that are judged.
    pub window: (u64, u64),
    /// What the server's processor did meanwhile.
    pub server: Duration,
    /// What the engine held once all members had closed; `None` if it had filled up by then.
    pub level: Option<Level>,
}

impl Report {
    /// By how much a number of all members grew in the window.
    fn counted(&self, name: &str) -> Outcome<i128> {
        let sum = |said: &[Said]| said.iter().map(|said| said.number(name)).sum::<Outcome<i128>>();
        Ok(sum(&self.said[1])? - sum(&self.said[0])?)
    }
}

/// Runs the plan, prints what came of it, and says whether all holds.
///
/// # Errors
///
/// What could not be run.
pub fn run(plan: &Plan) -> Outcome<bool> {
    let report = measured(plan)?;
    let failures = judge(plan, &report)?;
    failures.iter().for_each(|failure| println!("  FAILED: {failure}"));
    Ok(failures.is_empty())
}

/// Runs the plan.
///
/// # Errors
///
/// What could not be run.
pub fn measured(plan: &Plan) -> Outcome<Report> {
    let server = Server::start(plan.kind, Options::default())?;
    let folder = tempfile::tempdir()?;
    let mut members = plan.members(&server, folder.path())?;
    std::thread::sleep(WARM);
    let before = server.cpu_time()?;
    let began = members.iter_mut().map(Member::figures).collect::<Outcome<Vec<_>>>()?;
    let begun = now_ms();
    std::thread::sleep(plan.time);
    let ended = now_ms();
    let at_end = members.iter_mut().map(Member::figures).collect::<Outcome<Vec<_>>>()?;
    members.iter_mut().try_for_each(Member::halt)?;
    let server_time = server.cpu_time()? - before;
    let said = members.iter_mut().map(Member::close).collect::<Outcome<Vec<_>>>()?;
    let uses =
        (0..plan.processes).map(|i| diary::read(folder.path(), &format!("uses-{i}-"))).collect::<Outcome<_>>()?;
    let returned = diary::read(folder.path(), "returned-")?;
    Ok(Report {
        said: [began, at_end, said],
        uses,
        returned,
        window: (begun, ended),
        server: server_time,
        level: Level::read(&server, NAME).ok(),
    })
}

/// Lets a fleet rest after a second of load, and says whether it gives back what it holds within a
/// term and then makes no more trips.
///
/// # Errors
///
/// What could not be run.
pub fn rest(plan: &Plan) -> Outcome<bool> {
    let server = Server::start(plan.kind, Options::default())?;
    let folder = tempfile::tempdir()?;
    let mut members = plan.members(&server, folder.path())?;
    std::thread::sleep(WARM);
    members.iter_mut().try_for_each(Member::halt)?;
    std::thread::sleep(plan.term + plan.term / 2);
    let mut is_good = true;
    let rested = members.iter_mut().map(Member::figures).collect::<Outcome<Vec<_>>>()?;
    std::thread::sleep(plan.term);
    for (member, rested) in members.iter_mut().zip(rested) {
        let later = member.figures()?;
        is_good &= rested.number("held")? == 0 && later.number("trips")? == rested.number("trips")?;
        println!("{}: at rest, process {} holds {}", plan.kind, member.number(), rested.number("held")?);
    }
    Ok(is_good)
}

/// Prints the figures, and returns what does not hold.
fn judge(plan: &Plan, report: &Report) -> Outcome<Vec<String>> {
    let mut failures = Vec::new();
    let mut must = |holds: bool, what: String| {
        println!("  {what}");
        if !holds {
            failures.push(what);
        }
    };
    let seconds = (report.window.1 - report.window.0) as f64 / 1000.0;
    println!(
        "{}: {} processes, {seconds:.1} s, {} and a capacity of {}",
        plan.kind, plan.processes, plan.limit.rate, plan.limit.capacity
    );

    let (mut granted, mut used, mut returned, mut lost, mut held) = (0, 0, 0, 0, 0);
    for (said, uses) in report.said[2].iter().zip(&report.uses) {
        let number = |name| said.number(name);
        let parts = [number("used")?, number("returned")?, number("lost")?, number("held")?];
        let taken = [number("taken")?, i128::from(uses.sum())];
        if number("granted")? != parts.iter().sum() || taken != [parts[0]; 2] {
            must(false, format!("the account of a process: {said:?}, and {taken:?} tokens were taken"));
        }
        granted += number("granted")?;
        used += parts[0];
        returned += parts[1];
        lost += parts[2];
        held += parts[3];
    }
    let account = format!("granted {granted} = used {used} + returned {returned} + lost {lost} + held {held}");
    must(granted == used + returned + lost + held && lost == 0 && held == 0, format!("account: {account}"));
    let off = report.level.ok_or("the engine holds no level")?.off_by(plan.limit, granted - returned)?;
    // A bucket of less than a second is full before a fleet has found its pace, and forfeits.
    let a_second = plan.limit.rate.tokens() as f64 / plan.limit.rate.period().as_secs_f64();
    let may_forfeit = (plan.limit.capacity as f64) < a_second;
    let level = format!("the engine's level is start + r * t - granted + returned, less {} units forfeited", -off);
    must(off == 0 || may_forfeit && off < 0, level);

    let mut all = Bins::default();
    report.uses.iter().for_each(|uses| all.merge(uses));
    let threads = (plan.processes * plan.threads) as u64;
    let fullest = Bound::new(plan.limit, plan.term).with_threads(threads).fullest(&all, &report.returned);
    let window = fullest.window.1.saturating_sub(fullest.window.0);
    let room =
        format!("bound B: the fullest window, of {window} ms, has room for {} tokens; slack {threads}", -fullest.over);
    must(fullest.over <= 0, room);

    let (from, to) = report.window;
    let of_rate = all.between(from, to) as f64 / (a_second * (to - from) as f64 / 1000.0);
    must(of_rate >= 0.99, format!("use: {:.2} % of r * t", 100.0 * of_rate));
    let shares: Vec<u64> = report.uses.iter().map(|uses| uses.between(from, to)).collect();
    let (least, most) = (shares.iter().min().copied().unwrap_or(0), shares.iter().max().copied().unwrap_or(0));
    let ratio = most as f64 / least.max(1) as f64;
    must(ratio <= 1.5, format!("shares: from {least} to {most}, {ratio:.2} times"));
    let trips = report.counted("trips")? as f64 / plan.processes as f64 / seconds;
    must(trips <= 20.0 + 3.0 / seconds, format!("trips: {trips:.1} a second and process"));
    let cpu = report.server.as_secs_f64() * 1e6;
    println!(
        "  decisions: {:.0} a second; the server's processor: {:.3} µs a grant, {:.1} µs a trip, {:.1} % of it busy",
        report.counted("decided")? as f64 / seconds,
        cpu / all.between(from, to).max(1) as f64,
        cpu / report.counted("trips")?.max(1) as f64,
        100.0 * report.server.as_secs_f64() / seconds
    );
    Ok(failures)
}

/// Compares decisions from what is held with round trips, prints the figures, and says whether the
/// former are at least so many times as many.
///
/// # Errors
///
/// What could not be run.
pub fn throughput(plan: &Plan, least: f64) -> Outcome<bool> {
    let limit = Limit::per_second(1_000_000_000).capacity(100_000_000);
    let time = plan.time.min(Duration::from_secs(10));
    let mut rates = Vec::new();
    println!("{}: a limit of {}, {:.0} s each", plan.kind, limit.rate, time.as_secs_f64());
    for (name, load, processes) in [("strict, one process", Load::Strict, 1), ("leased", Load::Counted, plan.processes)]
    {
        let report = measured(&Plan { limit, load, processes, time, ..plan.clone() })?;
        let seconds = (report.window.1 - report.window.0) as f64 / 1000.0;
        let taken = report.counted("taken")? as f64;
        let cpu = report.server.as_secs_f64() * 1e6 / taken.max(1.0);
        println!(
            "  {name}: {processes} processes, {:.0} grants a second, {cpu:.4} µs of the server's processor each",
            taken / seconds
        );
        rates.push(taken / seconds);
    }
    let times = rates[1] / rates[0].max(1.0);
    println!("  leased / strict: {times:.0}");
    Ok(times >= least)
}
