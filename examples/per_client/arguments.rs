//! Owns the command line. It never opens a file.

use std::error::Error;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};
use tollgate::limit::ParseError;
use tollgate::{Limit, Rate};

use crate::command::Usage;

pub(crate) const USAGE: Usage = Usage {
    about: "Replays an access log and lists the clients that a limit per client would have refused.",
    arguments: "[OPTIONS] FILE",
    options: "  FILE              the log, any file of lines; - reads standard input
  --limit LIMIT     the limit of each client [\"1/s capacity 20\"]
  --max-keys N      the most clients that have a bucket at any time; each costs memory while it is kept [10000]
  --field N         the number of the field that names the client, from 1 [1]
  --by-address      count the addresses of one site as one client: IPv6 by /64
  --pace RATE       the rate of the lines if the log has no times [100/s]
  --top N           how many refused clients to list [10]
",
    more: "
A LIMIT is a rate and an optional capacity: 10/s, 600/min, \"10/s capacity 50\".
The times of a log are those of the common log format: [10/Oct/2000:13:55:36 -0700].
They are whole seconds. A capacity below one second of the rate therefore refuses evenly spaced requests.
",
};

/// The checked arguments.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Arguments {
    pub(crate) path: PathBuf,
    pub(crate) limit: Limit,
    pub(crate) max_keys: usize,
    /// The number of the field, from 1.
    pub(crate) field: usize,
    pub(crate) by_address: bool,
    pub(crate) pace: Rate,
    pub(crate) top: usize,
}

impl Arguments {
    /// Reads the arguments; `None` for `--help`.
    pub(crate) fn parse(mut parser: Parser) -> Result<Option<Self>, Box<dyn Error>> {
        let mut path = None;
        let mut arguments = Self {
            path: PathBuf::new(),
            limit: Limit::per_second(1).capacity(20),
            max_keys: 10_000,
            field: 1,
            by_address: false,
            pace: Rate::per_second(100),
            top: 10,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("limit") => arguments.limit = limit(parser.value()?.string()?)?,
                Arg::Long("max-keys") => {
                    arguments.max_keys = count("--max-keys", parser.value()?.string()?, MOST_KEYS)?;
                }
                Arg::Long("field") => arguments.field = count("--field", parser.value()?.string()?, usize::MAX)?,
                Arg::Long("by-address") => arguments.by_address = true,
                Arg::Long("pace") => arguments.pace = pace(parser.value()?.string()?)?,
                Arg::Long("top") => arguments.top = count("--top", parser.value()?.string()?, usize::MAX)?,
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Value(value) if path.is_none() => path = Some(value.into()),
                other => return Err(other.unexpected().into()),
            }
        }
        arguments.path = path.ok_or("name a log file, or - for standard input")?;
        Ok(Some(arguments))
    }
}

/// The most keys that may be configured: more than a machine can keep.
const MOST_KEYS: usize = 1_000_000_000;

/// Parses a limit. The crate's errors quote the value, so none is added.
fn limit(value: String) -> Result<Limit, String> {
    let limit: Limit = value.parse().map_err(|error: ParseError| format!("--limit {error:#}"))?;
    limit.check().map_err(|error| format!("--limit {value:?}: {}", error.rule))?;
    Ok(limit)
}

fn pace(value: String) -> Result<Rate, String> {
    let rate: Rate = value.parse().map_err(|error: ParseError| format!("--pace {error:#}"))?;
    if rate.tokens() == 0 { Err(format!("--pace {value:?}: must be above 0")) } else { Ok(rate) }
}

fn count(option: &str, value: String, most: usize) -> Result<usize, String> {
    match value.parse() {
        Ok(count) if (1..=most).contains(&count) => Ok(count),
        _ if most == usize::MAX => Err(format!("{option} {value:?}: must be a whole number above 0")),
        _ => Err(format!("{option} {value:?}: must be a whole number from 1 to {most}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Option<Arguments>, String> {
        Arguments::parse(Parser::from_args(words)).map_err(|error| error.to_string())
    }

    #[test]
    fn options_say_what_they_say() {
        let words =
            ["-", "--limit=7/s capacity 9", "--max-keys", "5", "--field=3", "--by-address", "--pace=1/3s", "--top=2"];
        let given = parse(&words).unwrap().unwrap();
        let expected = Arguments {
            path: "-".into(),
            limit: Limit::per_second(7).capacity(9),
            max_keys: 5,
            field: 3,
            by_address: true,
            pace: "1/3s".parse().unwrap(),
            top: 2,
        };
        assert_eq!(given, expected);
        assert_eq!(parse(&["a.log"]).unwrap().unwrap().limit, Limit::per_second(1).capacity(20));
        assert_eq!(parse(&["a.log", "--help"]).unwrap(), None);
    }

    #[test]
    fn every_bad_argument_is_one_line_that_names_it() {
        for (words, named) in [
            (&[][..], "name a log file"),
            (&["a.log", "b.log"], "b.log"),
            (&["a.log", "--limit", "fast"], "--limit \"fast\""),
            (&["a.log", "--limit", "0/s"], "--limit \"0/s\": a capacity is"),
            (&["a.log", "--max-keys", "0"], "--max-keys \"0\": "),
            (&["a.log", "--max-keys", "1000000001"], "--max-keys \"1000000001\": "),
            (&["a.log", "--field", "0"], "--field \"0\": "),
            (&["a.log", "--pace", "0/s"], "--pace \"0/s\": "),
            (&["a.log", "--pace", "slow"], "--pace \"slow\""),
            (&["a.log", "--top", "-1"], "--top"),
            (&["a.log", "--fast"], "--fast"),
        ] {
            let error = parse(words).err().unwrap_or_else(|| panic!("{words:?} was accepted"));
            assert!(error.contains(named) && !error.contains('\n'), "{words:?}: {error}");
        }
    }
}
