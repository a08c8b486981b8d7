//! A client finds the rate that a server bears, without knowing the server's limit.
//!
//! The server speaks HTTP over loopback and answers 429 above a hidden limit. The client's own
//! limit is more than twice as high. [`Cubic`] lowers the rate by a tenth or more when an answer is
//! 429, and raises it with time. Several threads share one bucket and wait on it in turn.
//!
//! Far over the limit, the server adds `Retry-After: 1`. The client then pauses its bucket for a
//! second, and no thread sends. This happens a few times at the beginning, and rarely later.
//!
//! ```text
//! cargo run --release --example adaptive_client [-- --seconds 30] [--plot FILE.svg]
//! ```
//!
//! With `--server ADDRESS --limit N`, it asks that server, which grants N requests a second. `cargo
//! xtask nginx` does so.
//!
//! All times are unpaused times. The program fails if the rate that the server granted is not
//! within 10 % of the hidden limit, on average over the last 10 s. The factor falls below 0.4
//! within a second. Then it drops by a tenth every few seconds. So after 20 s the beginning is long
//! over. A run of less than 20 s is not judged.

mod client;
#[path = "../common/command.rs"]
mod command;
mod plot;
mod server;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use lexopt::{Arg, Parser};
use tollgate::adaptive::{Adaptive, Cubic};
use tollgate::limit::Ratio;
use tollgate::{Limit, MultiBucket, TokenBucket};

use command::Usage;

/// The hidden limit of the program's own server, in requests a second.
const HIDDEN: u64 = 400;
/// The client's own limit, in requests a second.
const CONFIGURED: u64 = 1000;
/// How many requests the server refuses before it adds a `Retry-After`.
const PATIENCE: Limit = Limit::per_second(50).capacity(100);
const THREADS: usize = 8;

const JUDGED: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_secs(20);
const SAMPLE: Duration = Duration::from_millis(250);
const LOOK: Duration = Duration::from_millis(5);

/// What happened in the last quarter of a second, not counting pauses.
struct Sample {
    /// The unpaused time at its end.
    seconds: f64,
    /// The client's limit, and what the server granted and refused, each per second.
    allowed: f64,
    admitted: f64,
    refused: f64,
}

/// The number of answers of each kind.
#[derive(Default)]
struct Counts {
    admitted: AtomicU64,
    refused: AtomicU64,
    /// The refused requests with a `Retry-After`.
    put_off: AtomicU64,
}

type Client = Adaptive<MultiBucket<1>, Cubic>;

const USAGE: Usage = Usage {
    about: "A client finds the rate that a server bears, without knowing the server's limit.",
    arguments: "[OPTIONS]",
    options: "  --seconds S       how long it runs; a run of less than 20 s is not judged [30]
  --plot FILE       where the rates are plotted, as SVG [target/adaptive_client.svg]
  --server ADDRESS  another server, as 127.0.0.1:8080 [its own, on loopback]
  --limit N         the hidden limit, in requests a second [400]
  --capacity N      the capacity of the client's bucket [5]
",
    more: "",
};

fn main() -> ExitCode {
    command::run(&USAGE, Options::read, run)
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let hidden = options.limit;
    let burst = (hidden / 10).max(1);
    let begun = Instant::now();

    // A tenth less when refused, and back within 15 s. Refusals within 100 ms are one event.
    let bucket = MultiBucket::new([Limit::per_second(CONFIGURED).capacity(options.capacity)])?;
    let client = Adaptive::new(bucket, Cubic::new(Duration::from_secs(15), Ratio::percent(90)))?;

    let (counts, done, closed) = (Counts::default(), AtomicBool::new(false), AtomicBool::new(false));
    let own = match options.server {
        Some(_) => None,
        None => Some(tiny_http::Server::http("127.0.0.1:0").map_err(|error| error.to_string())?),
    };
    let own_address = own.as_ref().and_then(|own| own.server_addr().to_ip());
    let address = options.server.or(own_address).ok_or("the server listens on no IP address")?;
    let granted = TokenBucket::new(Limit::per_second(hidden).capacity(burst))?;
    let patience = TokenBucket::new(PATIENCE)?;
    let samples = thread::scope(|scope| {
        for server in own.iter().flat_map(|own| [own; THREADS]) {
            let (granted, patience, closed) = (&granted, &patience, &closed);
            scope.spawn(move || server::serve(server, granted, patience, closed));
        }
        let senders: Vec<_> =
            (0..THREADS).map(|_| scope.spawn(|| client::send(address, &client, &counts, &done))).collect();
        let samples = watch(&client, &counts, options.run_for);
        done.store(true, Relaxed);
        // The server still answers threads that ask.
        let ends: Vec<_> = senders.into_iter().map(|sender| sender.join().expect("it does not panic")).collect();
        closed.store(true, Relaxed);
        ends.into_iter().collect::<Result<(), _>>().map(|()| samples)
    })
    .map_err(|error| error.to_string())?;

    println!(
        "{THREADS} threads for {:?}: the client may send {CONFIGURED}/s, the server grants {hidden}/s",
        options.run_for
    );
    println!("{:>8}{:>16}{:>10}{:>10}", "second", "client's limit", "admitted", "refused");
    let by_the_second = samples.chunks(4).filter(|chunk| chunk.len() == 4);
    for second in by_the_second.enumerate().filter(|(i, _)| *i < 5 || i % 5 == 4).map(|(_, second)| second) {
        let mean = |of: fn(&Sample) -> f64| second.iter().map(of).sum::<f64>() / second.len() as f64;
        let end = second.last().map_or(0.0, |sample| sample.seconds);
        let columns = [mean(|sample| sample.allowed), mean(|sample| sample.admitted), mean(|sample| sample.refused)];
        println!("{end:>8.1}{:>16.0}{:>10.0}{:>10.0}", columns[0], columns[1], columns[2]);
    }
    let (refused, put_off) = (counts.refused.load(Relaxed), counts.put_off.load(Relaxed));
    println!("{refused} requests were refused, {put_off} of them with a Retry-After");
    let plotted = plot::draw(&options.plot, &samples, hidden);
    plotted.map_err(|error| format!("cannot plot to {}: {error}", options.plot.display()))?;
    println!("plotted in {}", options.plot.display());
    judge(&samples, options.run_for, hidden)?;
    // Even on a noisy machine a bucket never grants more. The 1 % is for skew between clocks.
    let (admitted, seconds) = (counts.admitted.load(Relaxed), begun.elapsed().as_secs_f64());
    let most = 1.01 * (hidden as f64 * seconds) + burst as f64;
    if admitted as f64 > most {
        return Err(format!("{admitted} requests were granted in {seconds:.1} s; the bound is {most:.0}").into());
    }
    Ok(())
}

/// Samples the rates until the unpaused time is over, or ten times as much has passed in all.
fn watch(client: &Client, counts: &Counts, run_for: Duration) -> Vec<Sample> {
    let (start, mut samples) = (Instant::now(), Vec::new());
    let (mut looked, mut unpaused, mut at, mut before) = (start, Duration::ZERO, 0.0, [0, 0]);
    while unpaused < run_for && start.elapsed() < 10 * run_for {
        let paused = client.bucket().pause_left().unwrap_or(Duration::MAX);
        thread::sleep(paused.clamp(LOOK, SAMPLE));
        let since = looked.elapsed();
        looked += since;
        unpaused += since.saturating_sub(paused);
        let seconds = unpaused.as_secs_f64();
        if seconds - at < SAMPLE.as_secs_f64() {
            continue;
        }
        let now = [counts.admitted.load(Relaxed), counts.refused.load(Relaxed)];
        let rate = client.bucket().limit().rate;
        let per_second = |i: usize| (now[i] - before[i]) as f64 / (seconds - at);
        let allowed = rate.tokens() as f64 / rate.period().as_secs_f64();
        samples.push(Sample { seconds, allowed, admitted: per_second(0), refused: per_second(1) });
        (at, before) = (seconds, now);
    }
    samples
}

fn judge(samples: &[Sample], run_for: Duration, hidden: u64) -> Result<(), Box<dyn Error>> {
    let end = samples.last().ok_or("the run was too short for a sample")?.seconds;
    let from = samples.partition_point(|sample| sample.seconds < end - JUDGED.as_secs_f64());
    let (mut admitted, mut refused, mut time, mut last) =
        (0.0, 0.0, 0.0, from.checked_sub(1).map_or(0.0, |i| samples[i].seconds));
    for sample in &samples[from..] {
        let width = sample.seconds - last;
        (admitted, refused, time) =
            (admitted + sample.admitted * width, refused + sample.refused * width, time + width);
        last = sample.seconds;
    }
    let (mean, share) = (admitted / time, 100.0 * refused / (admitted + refused));
    let off = 100.0 * (mean / hidden as f64 - 1.0);
    println!(
        "last {time:.1} s: {mean:.1}/s admitted on average, {off:+.1} % of the hidden limit; {share:.1} % of the requests refused"
    );
    if run_for < SHORTEST {
        println!("the rate of a run of less than {SHORTEST:?} is not judged");
    } else if off.abs() > 10.0 {
        return Err(format!("it did not converge: {mean:.1}/s is not within 10 % of {hidden}/s").into());
    } else {
        println!("converged: within 10 %");
    }
    Ok(())
}

struct Options {
    run_for: Duration,
    plot: PathBuf,
    /// The program's own server, if `None`.
    server: Option<SocketAddr>,
    /// The hidden limit, in requests a second.
    limit: u64,
    /// The capacity of the client's bucket: less than the server's burst.
    capacity: u64,
}

impl Options {
    fn read(mut parser: Parser) -> Result<Option<Self>, lexopt::Error> {
        let plot = "target/adaptive_client.svg".into();
        let mut options = Self { run_for: Duration::from_secs(30), plot, server: None, limit: HIDDEN, capacity: 5 };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("seconds") => options.run_for = command::seconds("--seconds", &mut parser)?,
                Arg::Long("server") => options.server = Some(command::value("--server", &mut parser)?),
                Arg::Long("limit") => options.limit = command::value("--limit", &mut parser)?,
                Arg::Long("capacity") => options.capacity = command::value("--capacity", &mut parser)?,
                Arg::Long("plot") => options.plot = parser.value()?.into(),
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }
}
