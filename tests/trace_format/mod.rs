//! Owns the reading of recorded decisions, in the format of `tests/traces/README.md`; never replays
//! one.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tollgate::clock::Time;
use tollgate::{Limit, Rate};

pub(crate) const NANO: Duration = Duration::from_nanos(1);

/// The recordings in a directory, at any depth, plain or compressed, sorted.
///
/// `Err` if there are none, or if the directory or one below it cannot be read.
pub(crate) fn find(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    collect(directory, &mut found)?;
    if found.is_empty() {
        return Err(format!("{}: no recording, that is no *.jsonl or *.jsonl.gz, at any depth", directory.display()));
    }
    found.sort();
    Ok(found)
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let unreadable = |error| format!("{}: cannot be read as a directory: {error}", directory.display());
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if is_plain(&path) || is_compressed(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_plain(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jsonl")
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
        && path.file_stem().is_some_and(|stem| is_plain(stem.as_ref()))
}

/// All lines of a file, decompressed.
pub(crate) fn text(path: &Path) -> Result<String, String> {
    let unreadable = |error| format!("{}: cannot be read: {error}", path.display());
    let mut source: Box<dyn Read> = Box::new(File::open(path).map_err(unreadable)?);
    if is_compressed(path) {
        source = Box::new(MultiGzDecoder::new(source));
    }
    let mut text = String::new();
    source.read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// One file: its header, and its operations as lines, whose fields depend on the model.
pub(crate) struct Recording {
    /// Where it came from, for messages.
    pub(crate) file: String,
    pub(crate) header: Header,
    lines: Vec<String>,
}

/// The header; what no replay needs is left out.
#[derive(Deserialize)]
pub(crate) struct Header {
    format: String,
    time_unit: String,
    ops: usize,
    pub(crate) model: String,
    /// Present in recordings of a known defect, which are not to be agreed with.
    pub(crate) quirk: Option<IgnoredAny>,
    /// The instant at which the limiter was created.
    pub(crate) t0: u64,
    pub(crate) streams: Vec<Stream>,
    pub(crate) initial_full: bool,
    /// How exact the recorded levels are, for each stream, in tokens.
    pub(crate) avail_tol: Vec<f64>,
    #[serde(default)]
    pub(crate) clock_regresses: bool,
    #[serde(default)]
    pub(crate) wait_tol_ns: u64,
    #[serde(default)]
    pub(crate) over_capacity_waits: bool,
    /// In model `leaky`, numerator and denominator.
    pub(crate) min_factor: Option<[u64; 2]>,
    pub(crate) max_factor: Option<[u64; 2]>,
    /// In model `limiter`, which is replayed where there are queues.
    #[cfg(feature = "std")]
    #[serde(flatten)]
    pub(crate) ticks: Option<Ticks>,
}

#[cfg(feature = "std")]
#[derive(Deserialize)]
pub(crate) struct Ticks {
    pub(crate) drain_interval_ns: u64,
    pub(crate) expiration_ns: u64,
    pub(crate) end: u64,
}

#[derive(Deserialize)]
pub(crate) struct Stream {
    /// Numerator and denominator, in tokens per second.
    pub(crate) rate: [u64; 2],
    pub(crate) capacity: u64,
}

impl Recording {
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        Self::parse(&path.display().to_string(), &text(path)?)
    }

    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, String> {
        let mut lines = text.lines().map(String::from);
        let first = lines.next().ok_or_else(|| format!("{file}: is empty"))?;
        let header: Header = parse_line(file, 1, &first)?;
        let lines: Vec<_> = lines.collect();
        if (header.format.as_str(), header.time_unit.as_str()) != ("bucket-trace/1", "ns") {
            return Err(format!("{file}:1: format {:?} in {:?} is not known", header.format, header.time_unit));
        }
        if header.ops != lines.len() {
            return Err(format!("{file}:1: the header says {} operations, {} follow it", header.ops, lines.len()));
        }
        if header.avail_tol.len() != header.streams.len() {
            return Err(format!("{file}:1: {} streams, {} tolerances", header.streams.len(), header.avail_tol.len()));
        }
        Ok(Self { file: file.into(), header, lines })
    }

    /// The limits, and how the recorded levels are compared.
    pub(crate) fn limits<const N: usize>(&self) -> Result<([Limit; N], [Measure; N]), String> {
        let Self { file, header, .. } = self;
        let mut limits = [Limit::per_second(1); N];
        let mut measures = Vec::new();
        for (i, stream) in header.streams.iter().enumerate() {
            let invalid = |error: &dyn fmt::Display| format!("{file}:1: stream {i}: {error}");
            let [num, den] = stream.rate;
            if num == 0 {
                return Err(invalid(&"a rate of 0 is not compared"));
            }
            let rate = Rate::new(num, Duration::from_secs(den)).map_err(|error| invalid(&error))?;
            let full = Limit::new(rate, stream.capacity);
            limits[i] = if header.initial_full { full } else { full.empty() };
            let precision = limits[i].precision().map_err(|error| invalid(&error))?;
            let scale = Scale::new(stream.rate);
            let tolerance = (header.avail_tol[i] * scale.token as f64).ceil() as i128;
            measures.push(Measure { scale, tolerance, slop: precision.min(NANO) });
        }
        let measures = of_each(&measures).ok_or_else(|| format!("{file}:1: not {N} streams"))?;
        Ok((limits, measures))
    }

    /// The operations, each with the number of its line.
    pub(crate) fn operations<T: DeserializeOwned>(&self) -> Result<Vec<(usize, T)>, String> {
        let numbered = self.lines.iter().zip(2..);
        numbered.map(|(line, number)| Ok((number, parse_line(&self.file, number, line)?))).collect()
    }
}

fn parse_line<T: DeserializeOwned>(file: &str, number: usize, line: &str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| format!("{file}:{number}: malformed: {error}; the line is {line:?}"))
}

/// The whole numbers in which levels of a stream are compared: a token is `token` of them, a
/// nanosecond accrues `nano`.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) token: i128,
    pub(crate) nano: i128,
}

impl Scale {
    /// For a rate of `num / den` tokens per second, neither of them 0.
    pub(crate) fn new([num, den]: [u64; 2]) -> Self {
        Self { token: i128::from(den) * 1_000_000_000, nano: i128::from(num) }
    }

    pub(crate) fn tokens(self, tokens: u64) -> i128 {
        i128::from(tokens) * self.token
    }

    /// A recorded level, to the nearest; exact in `dyadic` files.
    pub(crate) fn level(self, tokens: f64) -> i128 {
        tokens.trunc() as i128 * self.token + (tokens.fract() * self.token as f64).round() as i128
    }

    /// The nanoseconds, rounded up, in which `missing` accrue.
    pub(crate) fn wait(self, missing: i128) -> u128 {
        u128::try_from(missing).unwrap_or(0).div_ceil(self.nano.unsigned_abs())
    }
}

/// A file of model `take`.
pub(crate) struct Take<const N: usize> {
    pub(crate) file: String,
    pub(crate) t0: Time,
    pub(crate) limits: [Limit; N],
    pub(crate) measures: [Measure; N],
    pub(crate) clock_regresses: bool,
    pub(crate) rows: Vec<Row<N>>,
}

/// How the recorded levels of a stream compare with a bucket's.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    pub(crate) scale: Scale,
    /// How exact the recording is.
    pub(crate) tolerance: i128,
    /// By how much time a decision may be off: nothing where the arithmetic is exact.
    pub(crate) slop: Duration,
}

impl Measure {
    /// How exact a comparison with a recorded level can be.
    pub(crate) fn uncertainty(&self) -> i128 {
        self.tolerance + self.scale.nano * self.slop.as_nanos() as i128
    }
}

/// One operation: a query, or a take if there is something `asked`.
pub(crate) struct Row<const N: usize> {
    pub(crate) line: usize,
    pub(crate) t: Time,
    pub(crate) asked: Option<Asked<N>>,
    pub(crate) available: [f64; N],
}

#[derive(Clone, Copy)]
pub(crate) struct Asked<const N: usize> {
    pub(crate) amounts: [u64; N],
    pub(crate) ok: bool,
    pub(crate) slack: Option<f64>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Operation {
    TryTake { t: u64, amounts: Vec<u64>, ok: bool, available: Vec<f64>, slack: Option<f64> },
    Available { t: u64, available: Vec<f64> },
}

impl<const N: usize> Take<N> {
    pub(crate) fn read(recording: &Recording) -> Result<Self, String> {
        let Recording { file, header, .. } = recording;
        let (limits, measures) = recording.limits()?;
        let operations = recording.operations()?.into_iter();
        let rows = operations.map(|(line, operation)| {
            Row::new(line, operation)
                .ok_or_else(|| format!("{file}:{line}: malformed: not one value for each of {N} streams"))
        });
        let (t0, clock_regresses) = (Time::from_nanos(header.t0), header.clock_regresses);
        let take =
            Self { file: file.clone(), t0, limits, measures, clock_regresses, rows: rows.collect::<Result<_, _>>()? };
        if take.rows.is_sorted_by_key(|row| row.t) == clock_regresses {
            return Err(format!("{file}:1: clock_regresses is {clock_regresses}, and the times say otherwise"));
        }
        Ok(take)
    }
}

impl<const N: usize> Row<N> {
    fn new(line: usize, operation: Operation) -> Option<Self> {
        let (t, asked, available) = match operation {
            Operation::Available { t, available } => (t, None, available),
            Operation::TryTake { t, amounts, ok, available, slack } => {
                (t, Some(Asked { amounts: of_each(&amounts)?, ok, slack }), available)
            }
        };
        Some(Self { line, t: Time::from_nanos(t), asked, available: of_each(&available)? })
    }
}

fn of_each<T: Copy, const N: usize>(values: &[T]) -> Option<[T; N]> {
    values.try_into().ok()
}
