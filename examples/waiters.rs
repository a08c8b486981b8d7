//! Measures what ten thousand waiting tasks cost, and how late each is woken.
//!
//! All tasks come together and take one token each. The last one waits for as long as the program
//! runs. Only the runtime's timer lists the tasks: the queue is the debt of the bucket.
//!
//! ```text
//! cargo run --release --features tokio --example waiters [-- --seconds 5]
//! ```

#[path = "common/command.rs"]
mod command;

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hdrhistogram::Histogram;
use lexopt::{Arg, Parser};
use tokio::task::JoinSet;
use tollgate::clock::Time;
use tollgate::wait::{Timer, TokioTimer};
use tollgate::{Clock, Limit, Rate, TokenBucket};

use command::Usage;

const WAITERS: u64 = 10_000;

/// tokio's timer, with the number of tasks that came and of sleeps.
#[derive(Clone, Default)]
struct Counting {
    came: Arc<AtomicU64>,
    sleeps: Arc<AtomicU64>,
}

impl Timer for Counting {
    type Sleep = tokio::time::Sleep;

    fn sleep(&self, duration: Duration) -> tokio::time::Sleep {
        self.sleeps.fetch_add(1, Relaxed);
        TokioTimer.sleep(duration)
    }
}

const USAGE: Usage = Usage {
    about: "Measures what ten thousand waiting tasks cost, and how late each is woken.",
    arguments: "[OPTIONS]",
    options: "  --seconds S       the time in which all are served [5]\n",
    more: "",
};

fn main() -> ExitCode {
    command::run(&USAGE, read, measure)
}

#[tokio::main]
async fn measure(seconds: Duration) -> Result<(), Box<dyn Error>> {
    let limit = Limit::from(Rate::new(WAITERS, seconds)?).empty();
    // One token for each waiter in that time. The first token accrues after 1/10,000 of it.
    let bucket = Arc::new(TokenBucket::new(limit)?);
    let start = bucket.clock().now();
    let timer = Counting::default();
    let future = size_of_val(&bucket.take(1));

    let before = resident();
    let mut tasks = JoinSet::new();
    for _ in 0..WAITERS {
        tasks.spawn(wait(bucket.clone(), timer.clone()));
    }
    // By then nearly all tasks sleep.
    while timer.came.load(Relaxed) < WAITERS {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let resident = before.zip(resident()).map(|(before, now)| now.saturating_sub(before) / WAITERS);

    let mut wakes = Vec::new();
    while let Some(wake) = tasks.join_next().await {
        wakes.push(wake?);
    }
    let took = bucket.clock().now().since(start);
    report(limit, start, took, &mut wakes)?;
    println!("timer sleeps          {} for {WAITERS} waiters", timer.sleeps.load(Relaxed));
    println!("a future that waits   {future} bytes, of which tokio's sleep is {}", size_of::<tokio::time::Sleep>());
    match resident {
        Some(bytes) => println!("resident memory       {bytes} bytes for each waiter, its task included"),
        None => println!("resident memory       not known on this system"),
    }
    black_box(bucket);
    Ok(())
}

struct Wake {
    promised: Time,
    woken: Time,
}

/// Waits like `bucket.take_on(1, timer)`, and keeps the promised instant.
async fn wait(bucket: Arc<TokenBucket>, timer: Counting) -> Wake {
    let mut place = bucket.reserve(1).expect("the queue has no bounds");
    let promised = place.ready_at().expect("the rate is not 0");
    timer.came.fetch_add(1, Relaxed);
    place.wait_on(timer).await.expect("the bucket stays open");
    Wake { promised, woken: bucket.clock().now() }
}

fn report(limit: Limit, start: Time, took: Duration, wakes: &mut [Wake]) -> Result<(), Box<dyn Error>> {
    let mut lateness = Histogram::<u64>::new(3)?;
    wakes.sort_unstable_by_key(|wake| wake.woken);
    for (wake, number) in wakes.iter().zip(1..) {
        assert!(wake.woken >= wake.promised, "woken early: {:?} before {:?}", wake.woken, wake.promised);
        // The n-th task wakes when n tokens have accrued. They count from the bucket's
        // construction, just before `start`.
        assert!(number <= line(limit, wake.woken.since(start)) + 1, "{number} tokens used too early");
        lateness.record(wake.woken.since(wake.promised).as_nanos() as u64)?;
    }
    let late = |quantile| Duration::from_nanos(lateness.value_at_quantile(quantile));
    println!("{WAITERS} waiters at {}: {took:.3?}", limit.rate);
    println!("tokens granted        {} of {} accrued", wakes.len(), line(limit, took));
    println!("woken after the time  p50 {:.2?}, p99 {:.2?}, max {:.2?}", late(0.5), late(0.99), late(1.0));
    Ok(())
}

/// Returns the whole tokens that accrue in this time.
fn line(limit: Limit, elapsed: Duration) -> u128 {
    u128::from(limit.rate.tokens()) * elapsed.as_nanos() / limit.rate.period().as_nanos()
}

/// Returns the resident bytes of this process, if Linux tells.
fn resident() -> Option<u64> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let kib = rollup.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    Some(1024 * kib.trim().strip_suffix(" kB")?.parse::<u64>().ok()?)
}

fn read(mut parser: Parser) -> Result<Option<Duration>, lexopt::Error> {
    let mut seconds = Duration::from_secs(5);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("seconds") => seconds = command::seconds("--seconds", &mut parser)?,
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(seconds))
}
