//! Owns the report at the end, as a table and as JSON of equal numbers. It never changes a verdict.

use std::fmt;
use std::time::Duration;

use indicatif::HumanCount;
use serde::Serialize;
use tollgate::Limit;

use crate::STREAMS;
use crate::audit::{Audit, Bound, Event};
use crate::input::Input;
use crate::producer::Tally;
use crate::progress::per_second;

/// Says what an excess means, to those who see one for the first time.
const EXCESS: &str = "\
the excess        compares the fullest window of the run with what the limit allows in it. At the decisions it is
                  never above 0 while the bound is kept. At the sink a little above 0 is normal: the network delays
                  some records, and they arrive together with later ones.
";

/// All results of a run.
pub(crate) struct Run {
    pub(crate) limits: [Limit; 2],
    pub(crate) threads: usize,
    /// The address of another sink than our own.
    pub(crate) to: Option<String>,
    /// The time from the start until the producers stopped, at most until the deadline.
    pub(crate) elapsed: Duration,
    pub(crate) input: Input,
    pub(crate) bounds: [Bound; 2],
    pub(crate) tally: Tally,
    /// The arrivals at our own sink.
    pub(crate) received: Option<Vec<Event>>,
    pub(crate) failures: Vec<String>,
}

/// The numbers, under their names in the JSON object.
///
/// The first four concern records, or both streams.
#[derive(Serialize)]
pub(crate) struct Report {
    admitted: u64,
    /// `null` for another sink than our own.
    sink_received: Option<u64>,
    /// The share of the stream with the larger share.
    share_of_limit: f64,
    /// The violations at the decisions, of both streams.
    bound_violations: u64,
    admitted_bytes: u64,
    sink_received_bytes: Option<u64>,
    binding_stream: &'static str,
    seconds: f64,
    threads: usize,
    /// `null` for our own sink.
    to: Option<String>,
    input_files: usize,
    input_records: usize,
    streams: Streams,
    skipped: Skipped,
    decisions: u64,
    decisions_per_second: f64,
    p50_ns: u64,
    p99_ns: u64,
    failures: Vec<String>,
}

#[derive(Serialize)]
struct Streams {
    records: Stream,
    bytes: Stream,
}

#[derive(Serialize)]
struct Stream {
    #[serde(skip)]
    name: &'static str,
    limit: String,
    offered: u64,
    admitted: u64,
    /// The number of decisions that this stream refused.
    refused: u64,
    sink_received: Option<u64>,
    per_second: f64,
    /// `admitted / (tokens at the start + rate * elapsed)`.
    ///
    /// The burst counts on both sides, so the share never exceeds 1.
    share_of_limit: f64,
    /// The worst excess in tokens; negative is headroom.
    worst_excess: Option<f64>,
    bound_violations: u64,
    worst_excess_at_sink: Option<f64>,
    bound_violations_at_sink: Option<u64>,
}

/// Records above the capacity, counted in every round.
#[derive(Serialize)]
struct Skipped {
    records: u64,
    largest: Option<u64>,
}

impl Report {
    pub(crate) fn new(run: Run) -> Self {
        let Run { limits, threads, to, elapsed, input, bounds, mut tally, mut received, failures } = run;
        tally.grants.sort_unstable_by_key(|grant| grant.nanos);
        if let Some(arrivals) = &mut received {
            arrivals.sort_unstable_by_key(|arrival| arrival.nanos);
        }
        let total = |events: &[Event], stream: usize| events.iter().map(|event| event.amounts[stream]).sum::<u64>();
        let seconds = elapsed.as_secs_f64();
        let stream = |stream: usize| {
            let limit = limits[stream];
            let admitted = total(&tally.grants, stream);
            let at_start = limit.start();
            let accrued = at_start as f64 + per_second(limit) * seconds;
            let audit = bounds[stream].audit(&tally.grants, stream);
            let at_sink: Option<Audit> = received.as_ref().map(|arrivals| bounds[stream].audit(arrivals, stream));
            Stream {
                name: STREAMS[stream],
                limit: limit.to_string(),
                offered: tally.offered[stream],
                admitted,
                refused: tally.refused[stream],
                sink_received: received.as_ref().map(|arrivals| total(arrivals, stream)),
                per_second: ratio(admitted as f64, seconds),
                share_of_limit: ratio(admitted as f64, accrued),
                worst_excess: audit.worst_tokens(),
                bound_violations: audit.violations,
                worst_excess_at_sink: at_sink.and_then(|audit| audit.worst_tokens()),
                bound_violations_at_sink: at_sink.map(|audit| audit.violations),
            }
        };
        let (records, bytes) = (stream(0), stream(1));
        let binding = usize::from(bytes.share_of_limit > records.share_of_limit);
        let decisions = tally.latency.len();
        Self {
            admitted: records.admitted,
            sink_received: records.sink_received,
            share_of_limit: records.share_of_limit.max(bytes.share_of_limit),
            bound_violations: records.bound_violations + bytes.bound_violations,
            admitted_bytes: bytes.admitted,
            sink_received_bytes: bytes.sink_received,
            binding_stream: STREAMS[binding],
            seconds,
            threads,
            to,
            input_files: input.files(),
            input_records: input.len(),
            streams: Streams { records, bytes },
            skipped: Skipped { records: tally.skipped, largest: (tally.skipped > 0).then_some(tally.largest_skipped) },
            decisions,
            decisions_per_second: ratio(decisions as f64, seconds),
            p50_ns: tally.latency.value_at_quantile(0.50),
            p99_ns: tally.latency.value_at_quantile(0.99),
            failures,
        }
    }

    /// Returns whether the run is good.
    ///
    /// The bound held, every send succeeded, and our own sink received what was granted.
    pub(crate) fn is_good(&self) -> bool {
        self.bound_violations == 0 && self.failures.is_empty() && self.arrived() != Some(false)
    }

    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    fn arrived(&self) -> Option<bool> {
        let (records, bytes) = (self.sink_received?, self.sink_received_bytes?);
        Some((records, bytes) == (self.admitted, self.admitted_bytes))
    }

    pub(crate) fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("numbers and strings");
        text.push('\n');
        text
    }

    pub(crate) fn table(&self) -> String {
        let Self { threads, seconds, input_files, input_records, p50_ns, p99_ns, .. } = self;
        let to = self.to.as_deref().unwrap_or("a sink on loopback");
        let mut rows = Rows { streams: &self.streams, rows: Vec::new() };
        rows.add("", "", |stream| stream.name.into());
        rows.add("limit", "", |stream| stream.limit.clone());
        rows.add("offered", "each record once, however often the producer asked", |stream| count(stream.offered));
        rows.add("admitted", "", |stream| count(stream.admitted));
        rows.add("refused", "decisions, by the stream with the longest wait", |stream| count(stream.refused));
        rows.add("sink received", self.comparison(), |stream| stream.sink_received.map_or("-".into(), count));
        rows.add("per second", "", |stream| format!("{:.1}", stream.per_second));
        rows.add("share_of_limit", "admitted / (tokens at the start + rate * time)", |stream| {
            format!("{:.4}", stream.share_of_limit)
        });
        rows.add("worst excess", "the fullest window: tokens over the bound; below 0 is under it", |stream| {
            tokens(stream.worst_excess)
        });
        rows.add("  at the sink", "as they arrived: what was delayed comes together, so it may be above 0", |stream| {
            tokens(stream.worst_excess_at_sink)
        });
        rows.add("bound_violations", "decisions at which a window over the bound ends", |stream| {
            count(stream.bound_violations)
        });
        rows.add("  at the sink", "made fuller by delays on the way; they do not count", |stream| {
            stream.bound_violations_at_sink.map_or("-".into(), count)
        });

        let mut text = format!(
            "{threads} producers for {seconds:.3} s, to {to}; files of input: {input_files}, lines: {input_records}\n\n{rows}\n"
        );
        let mut line = |name: &str, rest: String| text.push_str(&format!("{name:<18}{rest}\n"));
        let rate = self.decisions_per_second.round() as u64;
        line("decisions", format!("{}, {} per second", count(self.decisions), count(rate)));
        line("a decision", format!("p50 {p50_ns} ns, p99 {p99_ns} ns, including its reading of the clock"));
        if let Skipped { records, largest: Some(largest) } = self.skipped {
            let largest = count(largest);
            line(
                "skipped",
                format!("{} times a record over the byte capacity, the largest {largest} bytes", count(records)),
            );
        }
        line(
            "binding stream",
            format!("{}, share_of_limit {:.4}{}", self.binding_stream, self.share_of_limit, self.slack()),
        );
        text.push_str(EXCESS);
        let mut line = |name: &str, rest: String| text.push_str(&format!("{name:<18}{rest}\n"));
        line("the bound", if self.bound_violations == 0 { "kept" } else { "BROKEN" }.into());
        text
    }

    fn comparison(&self) -> &'static str {
        match self.arrived() {
            None => "not known: the sink is another program",
            Some(true) => "exactly what was granted",
            Some(false) => "NOT what was granted",
        }
    }

    /// Says why the share is low, if no stream was ever short of tokens.
    fn slack(&self) -> &'static str {
        match (self.streams.records.refused + self.streams.bytes.refused, self.admitted) {
            (0, 0) => "; nothing fitted the capacity",
            (0, _) => "; nothing was refused: producers and sink were slower than the limits",
            _ => "",
        }
    }
}

/// Returns `part / whole`; 0 for a `whole` of 0.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// Formats an excess so that a small one keeps its sign and its size.
fn tokens(excess: Option<f64>) -> String {
    match excess {
        None => "-".into(),
        Some(tokens) if tokens != 0.0 && tokens.abs() < 0.001 => format!("{tokens:+.1e}"),
        Some(tokens) => format!("{tokens:+.3}"),
    }
}

/// The rows of a table: a name, a cell for each stream, a remark.
struct Rows<'a> {
    streams: &'a Streams,
    rows: Vec<(&'static str, [String; 2], &'static str)>,
}

impl Rows<'_> {
    fn add(&mut self, name: &'static str, remark: &'static str, cell: impl Fn(&Stream) -> String) {
        self.rows.push((name, [cell(&self.streams.records), cell(&self.streams.bytes)], remark));
    }
}

impl fmt::Display for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [left, right] = [0, 1].map(|stream| self.rows.iter().map(|row| row.1[stream].len()).max().unwrap_or(0));
        for (name, [records, bytes], remark) in &self.rows {
            let line = format!("{name:<18}{records:>left$}  {bytes:>right$}  {remark}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
