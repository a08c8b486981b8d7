//! Owns the command line. It never opens a file or a connection.

use std::error::Error;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};
use tollgate::Limit;
use tollgate::limit::ParseError;

use crate::command::Usage;

pub(crate) const USAGE: Usage = Usage {
    about: "Producers share one limit of records and bytes, and send what the bucket grants to a sink.",
    arguments: "[OPTIONS]",
    options: "  --records LIMIT   limit of records [1000/s]
  --bytes LIMIT     limit of bytes, newlines included [1MiB/s]
  --threads N       number of producers, 1 to 1000 [8]
  --seconds S       how long they run, with or without decimals [10]
  --input PATH      a file whose lines are the records; repeatable [files of this repository]
  --to ADDR         the sink, host:port; it must accept a connection for each producer [a counting sink on loopback]
  --json            print one JSON object instead of the table
",
    more: "
A LIMIT is a rate, an optional capacity and an optional start: 5000/s, 10MiB/s, \"1MiB/s capacity 2MiB empty\".
The default capacity is the tokens of one period of the rate.
It could not do it if the bound was broken, a send failed, or the sink on loopback received something else
than was granted.
",
};

/// The checked arguments.
pub(crate) struct Arguments {
    pub(crate) limits: [Limit; 2],
    pub(crate) threads: usize,
    pub(crate) seconds: Duration,
    /// The input files; if empty, the files of this repository.
    pub(crate) input: Vec<PathBuf>,
    pub(crate) to: Option<Peer>,
    pub(crate) json: bool,
}

/// A sink elsewhere: its name on the command line, and the addresses of that name.
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) addresses: Vec<SocketAddr>,
}

/// An option, its value, and the rule that the value breaks.
#[derive(Debug)]
pub(crate) struct BadValue {
    pub(crate) option: &'static str,
    pub(crate) value: String,
    pub(crate) rule: String,
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", self.option, self.value, self.rule)
    }
}

impl Error for BadValue {}

const MOST_THREADS: usize = 1000;
const MOST_SECONDS: Duration = Duration::from_secs(24 * 3600);

impl Arguments {
    /// Reads the arguments; `None` for `--help`.
    pub(crate) fn parse(mut parser: Parser) -> Result<Option<Self>, Box<dyn Error>> {
        let mut arguments = Self {
            limits: [Limit::per_second(1000), "1MiB/s".parse()?],
            threads: 8,
            seconds: Duration::from_secs(10),
            input: Vec::new(),
            to: None,
            json: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("records") => arguments.limits[0] = limit("--records", parser.value()?.string()?)?,
                Arg::Long("bytes") => arguments.limits[1] = limit("--bytes", parser.value()?.string()?)?,
                Arg::Long("threads") => arguments.threads = threads(parser.value()?.string()?)?,
                Arg::Long("seconds") => arguments.seconds = seconds(parser.value()?.string()?)?,
                Arg::Long("input") => arguments.input.push(parser.value()?.into()),
                Arg::Long("to") => arguments.to = Some(peer(parser.value()?.string()?)?),
                Arg::Long("json") => arguments.json = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(arguments))
    }
}

/// Parses a limit. The crate's errors quote the value, so none is added.
fn limit(option: &str, value: String) -> Result<Limit, String> {
    let limit: Limit = value.parse().map_err(|error: ParseError| format!("{option} {error:#}"))?;
    limit.check().map_err(|error| format!("{option} {value:?}: {}", error.rule))?;
    Ok(limit)
}

fn threads(value: String) -> Result<usize, BadValue> {
    match value.parse() {
        Ok(threads @ 1..=MOST_THREADS) => Ok(threads),
        _ => Err(BadValue {
            option: "--threads",
            value,
            rule: format!("must be a whole number from 1 to {MOST_THREADS}"),
        }),
    }
}

fn seconds(value: String) -> Result<Duration, BadValue> {
    match value.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(seconds)) if !seconds.is_zero() && seconds <= MOST_SECONDS => Ok(seconds),
        _ => {
            let rule = format!("must be a number above 0, at most {}", MOST_SECONDS.as_secs());
            Err(BadValue { option: "--seconds", value, rule })
        }
    }
}

fn peer(name: String) -> Result<Peer, BadValue> {
    match name.to_socket_addrs().map(Vec::from_iter) {
        Ok(addresses) if !addresses.is_empty() => Ok(Peer { name, addresses }),
        Ok(_) => Err(BadValue { option: "--to", value: name, rule: "the name has no address".into() }),
        Err(error) => {
            let rule = format!("must be host:port, as in 127.0.0.1:9000 ({error})");
            Err(BadValue { option: "--to", value: name, rule })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Option<Arguments>, String> {
        Arguments::parse(Parser::from_args(words)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_limit_is_a_rate_with_or_without_a_capacity() {
        let given = parse(&["--records", "5000/s", "--bytes=1MiB/s capacity 2MiB empty"]).unwrap().unwrap();
        assert_eq!(given.limits[0], Limit::per_second(5000));
        assert_eq!(given.limits[1], Limit::per_second(1 << 20).capacity(2 << 20).empty());
    }

    #[test]
    fn every_bad_argument_is_one_line_that_names_it() {
        for (words, named) in [
            (&["--records", "fast"][..], "--records \"fast\": "),
            (&["--records", "0/s"], "--records \"0/s\": a capacity is"),
            (&["--bytes", "1TiB/ns"], "--bytes \"1TiB/ns\": a rate is"),
            (&["--bytes", "1MiB/s capacity"], "--bytes \"1MiB/s capacity\": "),
            (&["--threads", "0"], "--threads \"0\": "),
            (&["--threads", "1001"], "--threads \"1001\": "),
            (&["--seconds", "0"], "--seconds \"0\": "),
            (&["--seconds", "1e-12"], "--seconds \"1e-12\": "),
            (&["--seconds", "NaN"], "--seconds \"NaN\": "),
            (&["--seconds", "-1"], "--seconds \"-1\": "),
            (&["--to", "nowhere"], "--to \"nowhere\": "),
            (&["--to"], "--to"),
            (&["--fast"], "--fast"),
            (&["fast"], "fast"),
        ] {
            let error = parse(words).err().unwrap_or_else(|| panic!("{words:?} was accepted"));
            assert!(error.contains(named) && !error.contains('\n'), "{words:?}: {error}");
        }
    }
}
