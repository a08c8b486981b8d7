//! Copies a file at a fixed rate, and compares it with `pv -L` if `pv` is installed.
//!
//! The disk may be slow or fast: the rate is the bucket's. If a write oversleeps, tokens accrue
//! meanwhile, up to the capacity. The next writes make up for it.
//!
//! ```text
//! cargo run --release --features io --example throttled_copy [-- RATE [FROM TO]]
//! ```
//!
//! `RATE` is 4MiB/s by default. Without files the program copies 6 MiB of generated data.

#[path = "common/command.rs"]
mod command;

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lexopt::{Arg, Parser, ValueExt};
use tollgate::io::{Payer, ThrottledWrite};
use tollgate::limit::ParseError;
use tollgate::{Limit, Rate, TokenBucket};

use command::Usage;

/// What may accrue while a write oversleeps.
const CAPACITY: u64 = 64 << 10;

const USAGE: Usage = Usage {
    about: "Copies a file at a fixed rate, and compares it with `pv -L` if `pv` is installed.",
    arguments: "[RATE [FROM TO]]",
    options: "  RATE              bytes in a time, such as 500kB/s [4MiB/s]
  FROM TO           the file, and its copy [6 MiB of generated data]
",
    more: "",
};

struct Arguments {
    rate: Rate,
    files: Option<(PathBuf, PathBuf)>,
}

fn main() -> ExitCode {
    command::run(&USAGE, read, copy_files)
}

fn read(mut parser: Parser) -> Result<Option<Arguments>, lexopt::Error> {
    let mut words = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(word) if words.len() < 3 => words.push(word),
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    let mut words = words.into_iter();
    let text = words.next().map_or(Ok("4MiB/s".to_owned()), ValueExt::string)?;
    let rate = text.parse().map_err(|error: ParseError| format!("RATE {error:#}"))?;
    let files = match (words.next(), words.next()) {
        (Some(from), Some(to)) => Some((from.into(), to.into())),
        (Some(from), None) => return Err(format!("FROM {from:?}: name the copy, too").into()),
        _ => None,
    };
    Ok(Some(Arguments { rate, files }))
}

fn copy_files(Arguments { rate, files }: Arguments) -> Result<(), Box<dyn Error>> {
    if let Some((from, to)) = files {
        return run(rate, &from, &to, None);
    }
    let folder = Folder::new()?;
    let from = folder.0.join("from");
    let data: Vec<u8> = (0..6 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    command::named("cannot write", &from, fs::write(&from, data))?;
    run(rate, &from, &folder.0.join("to"), Some(&folder.0.join("pv")))
}

/// Copies, checks and prints the rates; copies to `by_pv` a second time, by pv.
fn run(rate: Rate, from: &Path, to: &Path, by_pv: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let limit = Limit::new(rate, CAPACITY).empty();
    let source = command::named("cannot open", from, File::open(from))?;
    let (bytes, took) = copy(limit, source, command::named("cannot write", to, File::create(to))?)?;
    let line = rate.tokens() as f64 * took.as_secs_f64() / rate.period().as_secs_f64();
    // The bucket began empty, so at most what accrued was written.
    assert!(bytes as f64 <= line, "{bytes} bytes, and the line stood at {line}");
    assert!(fs::read(from)? == fs::read(to)?, "the copy differs");
    println!("{bytes} bytes at {rate}");
    say("throttled_copy", bytes, took);

    let Some(to) = by_pv else { return Ok(()) };
    match pv(rate, from, to)? {
        Some(took) => say("pv -q -L", bytes, took),
        None => println!("  pv is not on the PATH: nothing to compare with"),
    }
    Ok(())
}

/// Copies as fast as the limit lets it.
fn copy(limit: Limit, mut from: File, to: File) -> Result<(u64, Duration), Box<dyn Error>> {
    let start = Instant::now();
    let bucket = Arc::new(TokenBucket::new(limit)?);
    let mut to = ThrottledWrite::new(to, Payer::blocking().and(bucket, 1));
    let bytes = io::copy(&mut from, &mut to)?;
    Ok((bytes, start.elapsed()))
}

/// Measures how long pv takes; `None` without pv.
fn pv(rate: Rate, from: &Path, to: &Path) -> Result<Option<Duration>, Box<dyn Error>> {
    let per_second = u128::from(rate.tokens()) * 1_000_000_000 / rate.period().as_nanos();
    let mut command = Command::new("pv");
    command.args(["-q", "-L", &per_second.to_string()]).arg(from).stdout(Stdio::from(File::create(to)?));
    let start = Instant::now();
    match command.status() {
        Ok(status) if status.success() => Ok(Some(start.elapsed())),
        Ok(status) => Err(format!("pv ended with {status}").into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn say(name: &str, bytes: u64, took: Duration) {
    let rate = bytes as f64 / took.as_secs_f64();
    println!("  {name:<14} {:>9.4} MiB/s in {took:.3?}", rate / f64::from(1 << 20));
}

/// A folder of this process, removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("tollgate-copy-{}", process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
