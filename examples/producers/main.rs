//! Many producers share one bucket of two streams, records and bytes, as for a Kinesis shard.
//!
//! Each producer holds a [`Handle`](tollgate::bucket::Handle) and goes through the records (lines)
//! of real files. It asks the bucket for one record and its bytes in one decision, and sends
//! granted records over TCP to a sink. At the end the program checks every decision and every
//! arrival against the bound that the crate promises.
//!
//! ```text
//! cargo run --release --example producers
//! cargo run --release --example producers -- --records 5000/s --bytes 10MiB/s --threads 16 --seconds 5 --json
//! cargo test --example producers      # the audit against its definition
//! ```

mod arguments;
mod audit;
#[path = "../common/command.rs"]
mod command;
mod input;
mod producer;
mod progress;
mod report;
mod sink;

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use tollgate::clock::DefaultClock;
use tollgate::{Clock, MultiBucket};

use arguments::Arguments;
use audit::Bound;
use input::Input;
use producer::{Producer, Tally};
use progress::{Admitted, Display};
use report::{Report, Run};
use sink::{Connections, Sink};

/// The names of the bucket's streams, in order.
const STREAMS: [&str; 2] = ["records", "bytes"];

fn main() -> ExitCode {
    command::run(&arguments::USAGE, Arguments::parse, |arguments| {
        let report = run(&arguments)?;
        let printed = command::print(&if arguments.json { report.json() } else { report.table() });
        for failure in report.failures() {
            eprintln!("producers: {failure}");
        }
        Ok::<_, Box<dyn Error>>(if report.is_good() { printed } else { ExitCode::from(1) })
    })
}

/// Runs the producers.
///
/// Nothing was sent after an error.
fn run(arguments: &Arguments) -> Result<Report, Box<dyn Error>> {
    let input = Input::read(&arguments.input)?;
    let bounds = [Bound::of(arguments.limits[0])?, Bound::of(arguments.limits[1])?];
    let (connections, sink) = match &arguments.to {
        Some(peer) => (Connections::to(peer, arguments.threads)?, None),
        None => Sink::open(arguments.threads).map(|(connections, sink)| (connections, Some(sink)))?,
    };
    let admitted: Vec<Admitted> = (0..arguments.threads).map(|_| Admitted::default()).collect();

    // The clock is read before the bucket is made, so at most rate * seconds accrues until the
    // deadline.
    let clock = DefaultClock::default();
    let start = clock.now();
    let deadline = start.after(arguments.seconds);
    let bucket = MultiBucket::with_clock(arguments.limits, clock)?;
    let expected = bounds[0].most_in(arguments.seconds) / arguments.threads as u64;

    let mut tally = Tally::default();
    let mut failures = Vec::new();
    let stopped = thread::scope(|scope| {
        let (running, stop) = mpsc::channel::<()>();
        let display = Display::new(arguments.limits, &bucket, &admitted);
        if !arguments.json && display.is_visible() {
            scope.spawn(move || display.run(&stop));
        }
        let mut producers = Vec::new();
        for (number, wire) in connections.into_iter().enumerate() {
            let producer = Producer {
                bucket: &bucket,
                input: &input,
                first: input.len() * number / arguments.threads,
                wire,
                deadline,
                admitted: &admitted[number],
            };
            let work = move || {
                let mut tally = Tally::expecting(expected);
                let end = producer.run(&mut tally);
                (tally, end)
            };
            match thread::Builder::new().spawn_scoped(scope, work) {
                Ok(producer) => producers.push(producer),
                Err(error) => failures.push(format!("producer {number} could not be started: {error}")),
            }
        }
        for (number, producer) in producers.into_iter().enumerate() {
            let (part, end) = producer.join().expect("a producer reports its errors");
            tally.add(part);
            if let Err(error) = end {
                failures.push(format!("producer {number} stopped: {error}"));
            }
        }
        drop(running);
        bucket.clock().now().min(deadline)
    });

    let received = sink.map(|sink| sink.close(&mut failures));
    Ok(Report::new(Run {
        limits: arguments.limits,
        threads: arguments.threads,
        to: arguments.to.as_ref().map(|peer| peer.name.clone()),
        elapsed: stopped.since(start),
        input,
        bounds,
        tally,
        received,
        failures,
    }))
}
