//! Owns the log: which client asked, and when. It never touches a bucket.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;

use tollgate::Rate;
use tollgate::clock::Time;
use tollgate::keyed::IpKey;

use crate::arguments::Arguments;
use crate::stamp;

/// The largest log in bytes. The program keeps it in memory.
const MOST_BYTES: u64 = 4 << 30;

/// The identity of one client.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Client<'a> {
    Address(IpKey),
    Name(&'a str),
}

impl<'a> Client<'a> {
    pub(crate) fn of(field: &'a str, by_address: bool) -> Self {
        match field.parse::<IpAddr>() {
            Ok(address) if by_address => Self::Address(address.into()),
            _ => Self::Name(field),
        }
    }
}

/// One line of the log.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) client: Client<'a>,
    /// The client's name in the line.
    pub(crate) field: &'a str,
    /// The time since the first line.
    pub(crate) at: Time,
}

/// The lines with the field, in order. No time is before that of an earlier line.
pub(crate) struct Log<'a> {
    pub(crate) requests: Vec<Request<'a>>,
    /// The number of lines without the field.
    pub(crate) skipped: usize,
    /// Whether the times come from the log.
    pub(crate) timed: bool,
}

/// Reads a file, or standard input, and replaces invalid UTF-8.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let bad = |rule: &dyn std::fmt::Display| format!("{}: {rule}", path.display());
    let mut bytes = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => io::stdin().lock().take(MOST_BYTES).read_to_end(&mut bytes),
        false => File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)),
    };
    let length = read.map_err(|error| bad(&format_args!("cannot read the log: {error}")))?;
    if length as u64 >= MOST_BYTES {
        return Err(bad(&format_args!("the log must be less than {MOST_BYTES} bytes: the program keeps it in memory")));
    }
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

impl<'a> Log<'a> {
    pub(crate) fn parse(text: &'a str, arguments: &Arguments) -> Result<Self, String> {
        let mut log = Self { requests: Vec::new(), skipped: 0, timed: false };
        // Times count from the first one in the log.
        let mut first = None;
        let mut at = Time::ZERO;
        for line in text.lines() {
            let Some(field) = line.split_whitespace().nth(arguments.field - 1) else {
                log.skipped += 1;
                continue;
            };
            if let Some(seconds) = stamp::seconds(line) {
                let since = seconds - *first.get_or_insert(seconds);
                let nanos = u64::try_from(since).unwrap_or(0).saturating_mul(1_000_000_000);
                at = at.max(Time::from_nanos(nanos));
            }
            log.requests.push(Request { client: Client::of(field, arguments.by_address), field, at });
        }
        log.timed = first.is_some();
        if log.requests.is_empty() {
            return Err(format!("{}: no line has a field {}", arguments.path.display(), arguments.field));
        }
        if !log.timed {
            log.space(arguments.pace);
        }
        Ok(log)
    }

    fn space(&mut self, pace: Rate) {
        for (i, request) in self.requests.iter_mut().enumerate() {
            let nanos = i as u128 * pace.period().as_nanos() / u128::from(pace.tokens());
            request.at = Time::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments::parse(lexopt::Parser::from_args(words)).unwrap().unwrap()
    }

    fn seconds(log: &Log<'_>) -> Vec<f64> {
        log.requests.iter().map(|request| request.at.since(Time::ZERO).as_secs_f64()).collect()
    }

    #[test]
    fn lines_of_the_common_log_format_are_requests_at_their_times() {
        let text = "\
192.0.2.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif HTTP/1.0\" 200 2326
192.0.2.2 - - [10/Oct/2000:20:55:38 +0000] \"GET / HTTP/1.0\" 200 1

192.0.2.1 - - [10/Oct/2000:13:55:37 -0700] \"GET / HTTP/1.0\" 200 1
192.0.2.3 no time
192.0.2.1 - - [10/Oct/2000:13:56:36 -0700] \"GET / HTTP/1.0\" 200 1\r
";
        let log = Log::parse(text, &arguments(&["-"])).unwrap();
        let fields: Vec<_> = log.requests.iter().map(|request| request.field).collect();
        assert_eq!(fields, ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3", "192.0.2.1"]);
        assert_eq!(seconds(&log), [0.0, 2.0, 2.0, 2.0, 60.0]);
        assert_eq!((log.skipped, log.timed), (1, true));
    }

    #[test]
    fn lines_without_times_are_spaced_evenly() {
        let log = Log::parse("a x\nb y\n\nc z", &arguments(&["-", "--field", "2", "--pace", "2/3s"])).unwrap();
        assert_eq!(log.requests[2].client, Client::Name("z"));
        assert_eq!(seconds(&log), [0.0, 1.5, 3.0]);
        assert_eq!((log.skipped, log.timed), (1, false));
        assert_eq!(log.requests[2].at.since(log.requests[1].at), Duration::from_millis(1500));
    }

    #[test]
    fn addresses_of_one_site_are_one_client_if_asked_for() {
        let (one, other) = ("2001:db8::1", "2001:db8::2");
        assert_eq!(Client::of(one, true), Client::of(other, true));
        assert_ne!(Client::of(one, false), Client::of(other, false));
        assert_eq!(Client::of("192.0.2.1", true), Client::of("::ffff:192.0.2.1", true));
        assert_eq!(Client::of("alice", true), Client::Name("alice"));
    }

    #[test]
    fn a_log_without_the_field_is_refused() {
        let error = Log::parse("a b\nc d\n", &arguments(&["a.log", "--field", "3"])).err().unwrap();
        assert_eq!(error, "a.log: no line has a field 3");
        assert!(Log::parse("", &arguments(&["-"])).is_err());
    }
}
