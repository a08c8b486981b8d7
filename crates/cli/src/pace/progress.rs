//! Owns what the line of progress and the summary say. Never writes them.

use std::time::Duration;

use tollgate::Limit;

use crate::figures;
use crate::pace::meter::{Phase, Reading};
use crate::pace::pacer::Stream;

/// What stays the same during a copy.
///
/// ```
/// use std::time::Duration;
/// use tollgate::Limit;
/// use tollgate_cli::pace::meter::Reading;
/// use tollgate_cli::pace::progress::Progress;
///
/// let limits = [Limit::per_second(1000), "1MiB/s".parse()?];
/// let progress = Progress::new(limits, Some(4 << 20), "lines");
/// let elapsed = Duration::from_secs(2);
/// let spent = [0, 1990, 0, 10].map(Duration::from_millis);
/// let reading = Reading { elapsed, lines: 2000, bytes: 1 << 20, spent };
/// assert_eq!(
///     progress.line(&reading, &reading, 120),
///     "1.00 MiB  512 KiB/s of 1MiB/s  2,000 lines  1.00 k/s of 1000/s  0:00:02  25%  ETA 0:00:06  \
///      limited by lines",
/// );
/// # Ok::<(), tollgate::limit::ParseError>(())
/// ```
#[derive(Debug)]
pub struct Progress {
    limits: [Limit; 2],
    size: Option<u64>,
    noun: &'static str,
}

impl Progress {
    /// Shows a copy of so many bytes, if that is known, of lines that are called `noun`.
    pub fn new(limits: [Limit; 2], size: Option<u64>, noun: &'static str) -> Self {
        Self { limits, size, noun }
    }

    /// Writes the line of progress: all up to `now`, and the rates and the wait of `recent`. It has
    /// fewer parts where the terminal is narrow, and never fills the last column.
    pub fn line(&self, now: &Reading, recent: &Reading, width: usize) -> String {
        // Each part with a rank: in a narrow line, those of the highest go first.
        let mut parts = vec![(0, figures::bytes(now.bytes as f64))];
        parts.push((1, format!("{}/s", figures::bytes(rate(recent.bytes, recent.elapsed)))));
        parts.extend(self.limit(1));
        parts.push((2, counted(now.lines, self.noun)));
        parts.push((3, format!("{}/s", figures::number(rate(recent.lines, recent.elapsed)))));
        parts.extend(self.limit(0));
        parts.push((0, figures::clock(now.elapsed)));
        if let Some(size) = self.size {
            parts.push((1, format!("{}%", (u128::from(now.bytes) * 100 / u128::from(size.max(1))).min(100))));
            parts.extend(left(size, now, recent).map(|left| (1, format!("ETA {}", figures::clock(left)))));
        }
        parts.extend(recent.busiest().map(|phase| (2, format!("limited by {}", self.name(phase)))));
        while join(&parts).len() >= width && parts.len() > 1 {
            let highest = parts.iter().map(|(rank, _)| *rank).max();
            if let Some(at) = parts.iter().rposition(|(rank, _)| Some(*rank) == highest) {
                parts.remove(at);
            }
        }
        let mut line = join(&parts);
        line.truncate(width.saturating_sub(1));
        line
    }

    /// Writes what was done in all.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Limit;
    /// use tollgate_cli::pace::meter::Reading;
    /// use tollgate_cli::pace::progress::Progress;
    ///
    /// let progress = Progress::new([Limit::UNLIMITED; 2], None, "records");
    /// let spent = [3, 0, 0, 1].map(Duration::from_secs);
    /// let reading = Reading { elapsed: Duration::from_secs(4), lines: 1, bytes: 2048, spent };
    /// assert_eq!(
    ///     progress.summary(&reading),
    ///     "2,048 bytes, 1 record in 4 s: 512 B/s, 0.25 records/s; limited by input for 75% of the time",
    /// );
    /// ```
    pub fn summary(&self, all: &Reading) -> String {
        let Reading { elapsed, lines, bytes, .. } = *all;
        let mut text = format!(
            "{}, {} in {}: {}/s, {} {}/s",
            counted(bytes, "bytes"),
            counted(lines, self.noun),
            figures::time(elapsed),
            figures::bytes(rate(bytes, elapsed)),
            figures::number(rate(lines, elapsed)),
            self.noun,
        );
        if let Some((phase, share)) = all.busiest().zip(all.share()) {
            text += &format!("; limited by {} for {share}% of the time", self.name(phase));
        }
        text
    }

    fn limit(&self, stream: usize) -> Option<(u8, String)> {
        let limit = self.limits[stream];
        (!limit.is_unlimited()).then(|| (4, format!("of {}", limit.rate)))
    }

    fn name(&self, phase: Phase) -> &'static str {
        match phase {
            Phase::Input => "input",
            Phase::Limit(Stream::Lines) => self.noun,
            Phase::Limit(Stream::Bytes) => "bytes",
            Phase::Output => "output",
        }
    }
}

/// A count and its noun, which has no `s` for 1.
fn counted(number: u64, noun: &str) -> String {
    format!("{} {}", figures::count(number), if number == 1 { &noun[..noun.len() - 1] } else { noun })
}

/// The parts with two spaces between them, and one before what belongs to the part before it.
fn join(parts: &[(u8, String)]) -> String {
    let mut line = String::new();
    for (_, part) in parts {
        if !line.is_empty() {
            line += if part.starts_with("of ") { " " } else { "  " };
        }
        line += part;
    }
    line
}

fn rate(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

/// The time left at the recent rate; `None` if nothing was written recently.
fn left(size: u64, now: &Reading, recent: &Reading) -> Option<Duration> {
    let seconds = size.saturating_sub(now.bytes) as f64 / rate(recent.bytes, recent.elapsed);
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(lines: u64, bytes: u64, seconds: u64) -> Reading {
        let spent = [0, 0, seconds, 0].map(Duration::from_secs);
        Reading { elapsed: Duration::from_secs(seconds), lines, bytes, spent }
    }

    #[test]
    fn a_line_fits_every_width_and_keeps_what_was_passed_on() {
        let limits = [Limit::per_second(1000), Limit::per_second(1 << 20)];
        let progress = Progress::new(limits, Some(1 << 40), "lines");
        let now = reading(123_456_789, 12 << 30, 90_061);
        for width in 0..200 {
            let line = progress.line(&now, &now, width);
            assert!(line.len() < width.max(1), "{width}: {line:?}");
            assert!(line.is_ascii() && (width < 25 || line.starts_with("12.0 GiB  ")), "{width}: {line:?}");
        }
        assert_eq!(progress.line(&now, &now, 30), "12.0 GiB  1d 1:01:01");
        let all = progress.line(&now, &now, 200);
        assert!(all.contains("of 1000/s") && all.ends_with("limited by bytes"), "{all}");
    }

    #[test]
    fn the_time_left_follows_the_recent_rate() {
        let progress = Progress::new([Limit::UNLIMITED; 2], Some(1000), "lines");
        let line = progress.line(&reading(0, 400, 100), &reading(0, 100, 1), 200);
        assert!(line.contains("40%  ETA 0:00:06"), "{line}");
        let line = progress.line(&reading(0, 400, 100), &reading(0, 0, 5), 200);
        assert!(line.contains("40%  limited"), "nothing went, so nobody knows: {line}");
        let line = progress.line(&reading(0, 5000, 100), &reading(0, 100, 1), 200);
        assert!(line.contains("100%  ETA 0:00:00"), "the input has grown: {line}");
    }

    #[test]
    fn nothing_in_no_time_is_no_number_that_is_none() {
        let progress = Progress::new([Limit::UNLIMITED; 2], Some(0), "lines");
        let none = Reading::default();
        let line = progress.line(&none, &none, 200);
        assert_eq!(line, "0 B  0 B/s  0 lines  0/s  0:00:00  0%");
        assert_eq!(progress.summary(&none), "0 bytes, 0 lines in 0 s: 0 B/s, 0 lines/s");
    }
}
