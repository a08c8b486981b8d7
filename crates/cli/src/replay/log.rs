//! Owns the log: which client asked when, and for how many bytes. Never touches a bucket.

use std::collections::HashMap;
use std::io;
use std::mem;
use std::path::Path;

use tollgate::Rate;
use tollgate::clock::Time;

use crate::error::Error;
use crate::replay::field::Client;
use crate::replay::format::{Entry, Format, Wanted};
use crate::replay::source::Lines;
use crate::replay::stamp;

/// Malformed lines that are kept to be shown.
const SHOWN: usize = 3;

/// What some programs write before the first line.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Lines by which the form of a log is told.
const LOOKED_AT: usize = 10;

/// The longest log, in nanoseconds: a hundred years.
const LONGEST: u64 = 100 * 365 * 86_400 * 1_000_000_000;

/// One line of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    /// The number of the client in [`Log::clients`].
    pub(crate) client: u32,
    /// The time since the first request.
    pub(crate) at: Time,
    pub(crate) size: u64,
}

/// A line that is no request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Malformed {
    /// From 1.
    pub(crate) number: u64,
    pub(crate) lack: String,
    pub(crate) line: String,
}

/// The requests in the order of their times. Those of one time are in the order of their lines.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) requests: Vec<Request>,
    /// All clients, in the order of their first lines.
    pub(crate) clients: Vec<Client>,
    pub(crate) format: Format,
    /// The time of the first request, in nanoseconds since 1970; `None` if no line has a time.
    pub(crate) first: Option<i64>,
    /// Lines that came after one with a later time, and by how much at most.
    pub(crate) late: u64,
    pub(crate) latest: u64,
    /// Lines that are no requests, and the first of them.
    pub(crate) malformed: u64,
    pub(crate) shown: Vec<Malformed>,
}

/// How a log is read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// `None`: told by the first lines.
    pub(crate) format: Option<Format>,
    pub(crate) wanted: Wanted,
    /// How fast the lines come if none has a time.
    pub(crate) pace: Rate,
}

impl Log {
    /// Reads the file. Empty lines are ignored.
    pub(crate) fn read(path: &Path, reading: &Reading) -> Result<Self, Error> {
        let failed = |error| Error::failed(format_args!("cannot read the log {path:?}"), error);
        let mut lines = Lines::open(path).map_err(failed)?;
        let mut first = Vec::new();
        while first.len() < LOOKED_AT {
            let Some(line) = lines.next().map_err(failed)? else { break };
            first.push(line.trim_start_matches(BYTE_ORDER_MARK).to_owned());
        }
        let form = reading.format.unwrap_or_else(|| Format::of_lines(&first));
        form.check(&reading.wanted)?;
        let (mut read, mut number) = (Unsorted::default(), 0);
        let mut add = |line: &str| {
            number += 1;
            match form.read(line, &reading.wanted) {
                _ if line.trim().is_empty() => {}
                Ok(entry) => read.add(entry, number, line),
                Err(lack) => read.malformed.add(number, lack, line),
            }
        };
        first.iter().for_each(|line| add(line));
        while let Some(line) = lines.next().map_err(failed)? {
            add(&line);
        }
        read.sorted(path, form, reading)
    }

    /// Returns the time from the first request to the last, in nanoseconds.
    pub(crate) fn span(&self) -> u64 {
        self.requests.last().map_or(0, |last| last.at.as_nanos())
    }
}

#[derive(Default)]
struct Skipped {
    count: u64,
    shown: Vec<Malformed>,
}

impl Skipped {
    fn add(&mut self, number: u64, lack: String, line: &str) {
        self.count += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(Malformed { number, lack, line: line.chars().take(200).collect() });
        }
    }
}

/// The requests as they stand in the file.
#[derive(Default)]
struct Unsorted {
    numbers: HashMap<Client, u32>,
    requests: Vec<(u32, Option<i64>, u64)>,
    malformed: Skipped,
    untimed: Skipped,
}

impl Unsorted {
    fn add(&mut self, entry: Entry, number: u64, line: &str) {
        let Entry { client, at, size } = entry;
        // The clients of a log that fits into memory are fewer than 2^32.
        let next = self.numbers.len() as u32;
        let client = *self.numbers.entry(client).or_insert(next);
        if at.is_none() {
            self.untimed.add(number, "no time".into(), line);
        }
        self.requests.push((client, at, size));
    }

    fn sorted(mut self, path: &Path, format: Format, reading: &Reading) -> Result<Log, Error> {
        let failed = |why: String| Error::failed(format_args!("log {path:?}"), io::Error::other(why));
        if self.requests.is_empty() {
            let Some(first) = self.malformed.shown.first() else { return Err(failed("it has no line".into())) };
            let first = &first.lack;
            return Err(failed(format!(
                "no line can be replayed with --key {}; the first: {first}",
                reading.wanted.key
            )));
        }
        let timed = self.requests.iter().any(|(_, at, _)| at.is_some());
        if let (false, Some(field)) = (timed, &reading.wanted.time) {
            return Err(failed(format!("no line that can be replayed has a time in --time {field}")));
        }
        if timed {
            self.malformed.count += self.untimed.count;
            self.malformed.shown.append(&mut self.untimed.shown);
            self.malformed.shown.sort_by_key(|shown| shown.number);
            self.malformed.shown.truncate(SHOWN);
        }
        let (mut late, mut latest) = (0, 0);
        let mut newest = i64::MIN;
        for at in self.requests.iter().filter_map(|(_, at, _)| *at) {
            if at < newest {
                (late, latest) = (late + 1, newest.abs_diff(at).max(latest));
            }
            newest = newest.max(at);
        }
        let first = self.requests.iter().filter_map(|(_, at, _)| *at).min();
        if let Some(first) = first.filter(|first| newest.abs_diff(*first) > LONGEST) {
            let [first, last] = [first, newest].map(stamp::written);
            return Err(failed(format!("its times span more than 100 years, from {first} to {last}")));
        }
        let mut requests: Vec<Request> = match first {
            Some(first) => {
                let timed = |(client, at, size): (u32, Option<i64>, u64)| {
                    Some(Request { client, at: Time::from_nanos(at?.abs_diff(first)), size })
                };
                // In the place of the others, which are needed no more.
                mem::take(&mut self.requests).into_iter().filter_map(timed).collect()
            }
            None => {
                let spaced = |(i, (client, _, size)): (usize, (u32, _, u64))| {
                    let nanos = i as u128 * reading.pace.period().as_nanos() / u128::from(reading.pace.tokens());
                    let at = Time::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX).min(LONGEST));
                    Request { client, at, size }
                };
                mem::take(&mut self.requests).into_iter().enumerate().map(spaced).collect()
            }
        };
        requests.sort_by_key(|request| request.at);
        let mut clients: Vec<_> = self.numbers.into_iter().collect();
        clients.sort_unstable_by_key(|(_, number)| *number);
        let clients = clients.into_iter().map(|(client, _)| client).collect();
        let Skipped { count: malformed, shown } = self.malformed;
        Ok(Log { requests, clients, format, first, late, latest, malformed, shown })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::replay::field::Field;

    pub(crate) fn reading(key: &str) -> Reading {
        let wanted = Wanted { key: Field::key(key).unwrap(), size: None, time: None, sized: false };
        Reading { format: None, wanted, pace: "100/s".parse().unwrap() }
    }

    /// Reads a text as the file that the name of a test names.
    pub(crate) fn read(name: &str, text: &str, reading: &Reading) -> Result<Log, Error> {
        let path = std::env::temp_dir().join(format!("tollgate-replay-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let log = Log::read(&path, reading);
        std::fs::remove_file(&path).unwrap();
        log
    }

    fn seen(log: &Log) -> Vec<(String, f64)> {
        let seen = |request: &Request| {
            let client = log.clients[request.client as usize].to_string();
            (client, request.at.as_nanos() as f64 / 1e9)
        };
        log.requests.iter().map(seen).collect()
    }

    fn is(log: &Log, expected: &[(&str, f64)]) {
        let expected: Vec<_> = expected.iter().map(|(client, at)| (client.to_string(), *at)).collect();
        assert_eq!(seen(log), expected);
    }

    #[test]
    fn requests_are_sorted_by_time_and_what_was_out_of_order_is_counted() {
        let text = "\
192.0.2.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif HTTP/1.0\" 200 2326
192.0.2.2 - - [10/Oct/2000:20:55:38 +0000] \"GET / HTTP/1.0\" 200 1

192.0.2.1 - - [10/Oct/2000:13:55:37 -0700] \"GET / HTTP/1.0\" 200 1
192.0.2.3 no time
192.0.2.4 - - [10/Oct/2000:13:55:33 -0700] \"GET / HTTP/1.0\" 200 1
192.0.2.1 - - [10/Oct/2000:13:56:33 -0700] \"GET / HTTP/1.0\" 200 1\r
";
        let log = read("sorted", text, &reading("ip")).unwrap();
        let times =
            [("192.0.2.4", 0.0), ("192.0.2.1", 3.0), ("192.0.2.1", 4.0), ("192.0.2.2", 5.0), ("192.0.2.1", 60.0)];
        is(&log, &times);
        assert_eq!((log.late, log.latest), (2, 5_000_000_000));
        assert_eq!((log.first, log.format), (Some(971_211_333_000_000_000), Format::Combined));
        let shown = Malformed { number: 5, lack: "no time".into(), line: "192.0.2.3 no time".into() };
        assert_eq!((log.malformed, &log.shown[..]), (1, &[shown][..]));
    }

    #[test]
    fn the_latest_line_is_not_the_last_one_that_was_late() {
        let log =
            read("latest", "2000-01-01 00:00:30 a\n2000-01-01 00:00:00 b\n2000-01-01 00:00:29 c\n", &reading("3"));
        let log = log.unwrap();
        assert_eq!((log.late, log.latest), (2, 30_000_000_000));
    }

    #[test]
    fn requests_of_one_time_keep_the_order_of_their_lines() {
        let line = |client: u64, second: u64| format!("2000-10-10T20:55:{second:02}Z {client}\n");
        let text: String = (0..600).map(|i| line(i, 59 - i / 10)).collect();
        let log = read("stable", &text, &reading("2")).unwrap();
        let order: Vec<u64> = seen(&log).iter().map(|(client, _)| client.parse().unwrap()).collect();
        let expected: Vec<u64> = (0..60).rev().flat_map(|ten| (0..10).map(move |i| 10 * ten + i)).collect();
        assert_eq!(order, expected);
    }

    #[test]
    fn lines_without_times_are_spaced_evenly() {
        let paced = Reading { pace: "2/3s".parse().unwrap(), ..reading("2") };
        let log = read("paced", "a x\nb\n\nb y\nc z", &paced).unwrap();
        is(&log, &[("x", 0.0), ("y", 1.5), ("z", 3.0)]);
        assert_eq!((log.first, log.malformed, log.late), (None, 1, 0));
        assert_eq!((log.shown[0].number, &*log.shown[0].lack), (2, "no field 2"));
    }

    #[test]
    fn the_first_malformed_lines_are_shown_and_all_are_counted() {
        let text: String = (1..=9).map(|i| format!("{{\"ip\": \"192.0.2.1\", \"time\": {i}00}}\nx{i}\n")).collect();
        let text = format!("x0\n{text}");
        let log = read("malformed", &text, &reading("ip")).unwrap();
        assert_eq!((log.requests.len(), log.malformed), (9, 10));
        assert_eq!(log.shown.iter().map(|shown| shown.number).collect::<Vec<_>>(), [1, 3, 5]);
        assert_eq!((&*log.shown[0].lack, &*log.shown[0].line), ("it is no JSON", "x0"));
    }

    #[test]
    fn a_log_without_a_request_says_why() {
        let text = |result: Result<Log, Error>| result.unwrap_err().to_string();
        let error = text(read("none", "a b\nc d\n", &reading("3")));
        assert!(error.ends_with("no line can be replayed with --key 3; the first: no field 3"), "{error}");
        assert!(text(read("empty", "\n\n", &reading("ip"))).ends_with("it has no line"));
        let error = text(read("far", "1800-01-01T00:00:00Z a\n2000-01-01T00:00:00Z a\n", &reading("2")));
        let why = "its times span more than 100 years, from 1800-01-01T00:00:00Z to 2000-01-01T00:00:00Z";
        assert!(error.ends_with(why), "{error}");
        let error = read("columns", "{}", &reading("3")).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error}");
    }
}
