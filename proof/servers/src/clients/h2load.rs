//! Owns load over HTTP/2 by h2load, and its figures. Never judges them.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use super::tools;
use crate::Outcome;

/// What h2load saw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Figures {
    pub time: Duration,
    /// Responses of 200, of 429, and of another status.
    pub ok: u64,
    pub limited: u64,
    pub other: u64,
    /// How long refusals took: the median, and the 99th percentile.
    pub median: Duration,
    pub percentile_99: Duration,
}

impl Figures {
    /// Returns the responses a second.
    pub fn per_second(&self) -> f64 {
        (self.ok + self.limited + self.other) as f64 / self.time.as_secs_f64()
    }
}

/// Asks for one client as fast as it can, over 4 connections of 8 streams.
///
/// # Errors
///
/// If there is no h2load, or a request failed.
pub fn run(url: &str, client: &str, time: Duration) -> Outcome<Figures> {
    let folder = tools::folder();
    fs::create_dir_all(&folder)?;
    let log = folder.join(format!("h2load-{}-{client}.log", std::process::id()));
    let _ = fs::remove_file(&log);
    let mut command = tools::command("h2load")?;
    command.args(["--threads=1", "--clients=4", "--max-concurrent-streams=8", "--no-tls-proto=h2c"]);
    command.arg(format!("--duration={}", time.as_secs().max(1))).arg(format!("--log-file={}", log.display()));
    command.args(["--header", &format!("x-forwarded-for: {client}"), url]);
    let output = command.stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let requests = text.lines().find(|line| line.starts_with("requests: ")).unwrap_or_default();
    if !output.status.success() || !requests.contains(" 0 errored, 0 timeout") {
        return Err(format!("h2load: {}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    let figures = read(&fs::read_to_string(&log)?, time)?;
    fs::remove_file(&log)?;
    Ok(figures)
}

/// Each line of the log: the start in microseconds, the status, and how long it took.
fn read(log: &str, time: Duration) -> Outcome<Figures> {
    let (mut ok, mut other) = (0, 0);
    let mut refusals = Vec::new();
    for line in log.lines() {
        let mut words = line.split_whitespace();
        let (Some(_), Some(status), Some(micros)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("h2load: the log says {line:?}").into());
        };
        match status {
            "200" => ok += 1,
            "429" => refusals.push(micros.parse::<u64>()?),
            _ => other += 1,
        }
    }
    refusals.sort_unstable();
    let at = |hundredths: usize| {
        let micros = refusals.get(refusals.len().saturating_sub(1) * hundredths / 100);
        Duration::from_micros(micros.copied().unwrap_or_default())
    };
    let limited = refusals.len() as u64;
    Ok(Figures { time, ok, limited, other, median: at(50), percentile_99: at(99) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_counted_and_only_refusals_are_timed() {
        let figures =
            read("1\t200\t900\n2\t429\t3\n3\t429\t1\n4\t503\t7\n5\t429\t2\n", Duration::from_secs(2)).unwrap();
        assert_eq!((figures.ok, figures.limited, figures.other), (1, 3, 1));
        assert_eq!(figures.median, Duration::from_micros(2));
        assert!((figures.per_second() - 2.5).abs() < 1e-9);
        assert!(read("1\t200", Duration::from_secs(2)).is_err());
    }
}
