//! The long form: all kinds of servers, and the pipeline.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clients::Outcome;
use clients::load::client::{Adapt, ClientKind};
use clients::load::plan::Plan;
use clients::measure::report::Report;
use clients::pipeline::fetch::fetch;
use clients::pipeline::run::{Pipeline, tollgate};
use clients::server::kind::{Kind, Says};
use clients::server::nginx;
use lexopt::prelude::*;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const USAGE: &str = "\
usage: clients run [OPTION...] [KIND...]  50 tasks against each kind of server whose name begins so; all, unless told
         --client NAME      none, bucket, layer, retry or reqwest [layer]
         --recovery N       seconds until the layer is back after a refusal, if the server says no rate [8]
         --decrease N       the percent of its rate that a refusal leaves [90]
         --seconds N        of each of three phases [20; 60 where the server says only 429]
         --rates N,...      requests a second [20,100,1000]
         --bursts MS,...    capacities, in milliseconds of the rate [100,1000,10000]
         --latencies MS,... [0,40]
         --jobs N           runs at once [4]
         --by-second        prints each second of a run that fails
       clients pipeline [OPTION...]       `tollgate pace --lines LIMIT < urls | clients fetch`, before an nginx
         --rate N           what nginx grants, in requests a second [100]
         --burst N          its burst [half a second's requests]
         --pace LIMIT       what pace is told: at most the rate, and a burst that nginx grants [N/s]
         --seconds N        [10]
       clients fetch        asks for each URL of its input as it comes
       clients kinds        the names of all kinds
       clients tools        gets nginx, from Debian";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("clients: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Outcome<bool> {
    let mut words = lexopt::Parser::from_env();
    match words.next()? {
        Some(Value(command)) if command == "run" => Options::read(words)?.run(),
        Some(Value(command)) if command == "pipeline" => pipeline(words),
        Some(Value(command)) if command == "fetch" => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let fetched = runtime.block_on(fetch(std::io::stdin()))?;
            println!("{fetched}");
            // A refusal is an answer.
            Ok(fetched.failed == 0)
        }
        Some(Value(command)) if command == "kinds" => {
            Kind::all().iter().for_each(|kind| println!("{:18} says {}", kind.name, kind.says));
            Ok(true)
        }
        Some(Value(command)) if command == "tools" => {
            let debian = nginx::debian();
            match debian.program("nginx") {
                Some(program) => println!("{}", program.display()),
                None => debian.fetch(["nginx".to_owned()])?,
            }
            Ok(true)
        }
        _ => {
            println!("{USAGE}");
            Ok(true)
        }
    }
}

/// Runs the pipeline, and says whether nginx granted all.
fn pipeline(mut words: lexopt::Parser) -> Outcome<bool> {
    let (mut rate, mut burst, mut pace, mut seconds) = (100, None, None, 10);
    while let Some(word) = words.next()? {
        match word {
            Long("rate") => rate = at_least(1, words.value()?.parse()?, "--rate")?,
            Long("burst") => burst = Some(words.value()?.parse()?),
            Long("pace") => pace = Some(words.value()?.string()?),
            Long("seconds") => seconds = at_least(1, words.value()?.parse()?, "--seconds")?,
            other => return Err(other.unexpected().into()),
        }
    }
    let pipeline = Pipeline {
        tollgate: tollgate()?,
        program: std::env::current_exe()?,
        rate,
        burst: burst.unwrap_or(rate / 2),
        pace: pace.unwrap_or_else(|| format!("{rate}/s")),
        lines: rate * seconds,
    };
    println!(
        "{} lines | tollgate pace --lines {:?} | clients fetch, before nginx: {rate}r/s burst={}; load {}",
        pipeline.lines,
        pipeline.pace,
        pipeline.burst,
        load()
    );
    let logged = pipeline.run()?;
    println!(
        "nginx logged {} granted, {} refused, in {:.2} s: {:.3} of its rate",
        logged.granted,
        logged.refused,
        logged.time.as_secs_f64(),
        logged.granted as f64 / (rate as f64 * logged.time.as_secs_f64())
    );
    Ok(logged.refused == 0 && logged.granted == pipeline.lines)
}

struct Options {
    kinds: Vec<Kind>,
    client: ClientKind,
    adapt: Adapt,
    seconds: Option<u64>,
    rates: Vec<u64>,
    bursts: Vec<u64>,
    latencies: Vec<u64>,
    jobs: usize,
    by_second: bool,
}

impl Options {
    fn read(mut words: lexopt::Parser) -> Outcome<Self> {
        let mut options = Self {
            kinds: Vec::new(),
            client: ClientKind::Layer,
            adapt: Adapt::default(),
            seconds: None,
            rates: vec![20, 100, 1000],
            bursts: vec![100, 1000, 10_000],
            latencies: vec![0, 40],
            jobs: 4,
            by_second: false,
        };
        while let Some(word) = words.next()? {
            match word {
                Long("client") => options.client = words.value()?.string()?.parse()?,
                Long("recovery") => options.adapt.recovery = Duration::from_secs(words.value()?.parse()?),
                Long("decrease") => options.adapt.decrease = words.value()?.parse()?,
                Long("seconds") => options.seconds = Some(at_least(5, words.value()?.parse()?, "--seconds")?),
                Long("rates") => options.rates = numbers(&words.value()?.string()?, 2, "--rates")?,
                Long("bursts") => options.bursts = numbers(&words.value()?.string()?, 1, "--bursts")?,
                Long("latencies") => options.latencies = numbers(&words.value()?.string()?, 0, "--latencies")?,
                Long("jobs") => options.jobs = at_least(1, words.value()?.parse()?, "--jobs")? as usize,
                Long("by-second") => options.by_second = true,
                Value(name) => options.kinds.extend(Kind::beginning(&name.string()?)?),
                other => return Err(other.unexpected().into()),
            }
        }
        if options.kinds.is_empty() {
            options.kinds = Kind::all();
        }
        Ok(options)
    }

    /// All sizes of all kinds.
    fn plans(&self) -> Vec<Plan> {
        let mut plans = Vec::new();
        for &kind in &self.kinds {
            let says_rate = matches!(kind.says, Says::Rate | Says::Budget);
            let seconds = self.seconds.unwrap_or(if says_rate { 20 } else { 60 });
            let bursts = if kind.has_burst() { &self.bursts[..] } else { &self.bursts[..1] };
            let latencies = if kind.has_latency() { &self.latencies[..] } else { &[0] };
            for &rate in &self.rates {
                for &burst in bursts {
                    for &latency in latencies {
                        let (burst, latency) = (Duration::from_millis(burst), Duration::from_millis(latency));
                        plans.push(Plan {
                            kind,
                            client: self.client,
                            adapt: self.adapt,
                            rate,
                            burst,
                            latency,
                            seconds,
                        });
                    }
                }
            }
        }
        plans
    }

    fn run(&self) -> Outcome<bool> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.run_all())
    }

    async fn run_all(&self) -> Outcome<bool> {
        let plans = self.plans();
        let longest = plans.iter().map(|plan| 3 * plan.seconds).max().unwrap_or_default();
        let time = longest.max(plans.iter().map(|plan| 3 * plan.seconds).sum::<u64>() / self.jobs as u64);
        println!("{} runs, {} at once: {} s; load {}", plans.len(), self.jobs, time, load());
        println!("{}", Report::HEAD);
        let places = Arc::new(Semaphore::new(self.jobs));
        let mut runs = JoinSet::new();
        let mut is_good = true;
        for plan in plans {
            // The runs begin in their order.
            let place = Arc::clone(&places).acquire_owned().await?;
            while let Some(run) = runs.try_join_next() {
                is_good &= self.print(run?);
            }
            runs.spawn(async move {
                let _place = place;
                (plan.name(), plan.run().await)
            });
        }
        while let Some(run) = runs.join_next().await {
            is_good &= self.print(run?);
        }
        println!("load {}", load());
        Ok(is_good)
    }

    /// Prints a row, and says whether all holds. A run that failed does not end the others.
    fn print(&self, (name, report): (String, Outcome<Report>)) -> bool {
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                println!("{name} | FAILS: {error}");
                return false;
            }
        };
        println!("{report}");
        let failures = report.failures();
        failures.iter().for_each(|failure| println!("    {failure}"));
        if self.by_second && !failures.is_empty() {
            report.phases.iter().for_each(|phase| println!("    {}/s: {}", phase.rate, phase.text()));
        }
        failures.is_empty()
    }
}

/// Numbers with commas between them.
fn numbers(text: &str, least: u64, option: &str) -> Outcome<Vec<u64>> {
    let number =
        |word: &str| at_least(least, word.parse().map_err(|error| format!("{option} {word}: {error}"))?, option);
    text.split(',').map(number).collect()
}

fn at_least(least: u64, number: u64, option: &str) -> Outcome<u64> {
    if number < least { Err(format!("{option} {number}: at least {least}").into()) } else { Ok(number) }
}

/// The load of this machine.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
