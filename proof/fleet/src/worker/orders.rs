//! Owns what a worker is told to do, as words of a command line. Never does it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lexopt::prelude::*;
use tollgate::{Limit, Rate};

use crate::Outcome;

/// How a worker takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Load {
    /// As much as it gets, each take noted by the millisecond. Refused, it sleeps for a moment.
    Hungry,
    /// So many takes a second, each noted.
    Paced(u64),
    /// Waits in turn, on so many tasks, each take noted.
    InTurn(u64),
    /// As fast as it can; only counted.
    Counted,
    /// One round trip after the other; only counted.
    Strict,
}

/// What a worker is told to do.
#[derive(Clone, PartialEq, Debug)]
pub struct Orders {
    /// The addresses of the engine: one, or those of a cluster.
    pub urls: Vec<String>,
    /// Who vouches for a server behind TLS.
    pub authority: Option<PathBuf>,
    pub name: String,
    pub limit: Limit,
    pub term: Duration,
    pub threads: usize,
    pub load: Load,
    /// Begins with a full bucket, if there is none.
    pub creates: bool,
    /// Where it writes its diaries.
    pub folder: PathBuf,
    /// Its number.
    pub member: usize,
}

impl Orders {
    /// Returns the words of the command line.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut say = |option: &str, value: String| words.extend([format!("--{option}"), value]);
        self.urls.iter().for_each(|url| say("url", url.clone()));
        if let Some(authority) = &self.authority {
            say("authority", authority.display().to_string());
        }
        say("name", self.name.clone());
        say("tokens", self.limit.rate.tokens().to_string());
        say("period-ns", self.limit.rate.period().as_nanos().to_string());
        say("capacity", self.limit.capacity.to_string());
        say("term-ms", self.term.as_millis().to_string());
        say("threads", self.threads.to_string());
        say("load", self.load.to_string());
        say("folder", self.folder.display().to_string());
        say("member", self.member.to_string());
        if self.creates {
            words.push("--creates".into());
        }
        words
    }

    /// Reads the words.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn read(mut words: lexopt::Parser) -> Outcome<Self> {
        let (mut tokens, mut period, mut capacity) = (1000, Duration::from_secs(1), 1000);
        let mut orders = Self {
            urls: Vec::new(),
            authority: None,
            name: "orders".into(),
            limit: Limit::per_second(1000),
            term: Duration::from_secs(1),
            threads: 1,
            load: Load::Hungry,
            creates: false,
            folder: std::env::temp_dir(),
            member: 0,
        };
        while let Some(word) = words.next()? {
            match word {
                Long("url") => orders.urls.push(words.value()?.string()?),
                Long("authority") => orders.authority = Some(words.value()?.into()),
                Long("name") => orders.name = words.value()?.string()?,
                Long("tokens") => tokens = words.value()?.parse()?,
                Long("period-ns") => period = Duration::from_nanos(words.value()?.parse()?),
                Long("capacity") => capacity = words.value()?.parse()?,
                Long("term-ms") => orders.term = Duration::from_millis(words.value()?.parse()?),
                Long("threads") => orders.threads = words.value()?.parse()?,
                Long("load") => orders.load = words.value()?.parse()?,
                Long("folder") => orders.folder = words.value()?.into(),
                Long("member") => orders.member = words.value()?.parse()?,
                Long("creates") => orders.creates = true,
                other => return Err(other.unexpected().into()),
            }
        }
        orders.limit = Limit::new(Rate::new(tokens, period)?, capacity);
        Ok(orders)
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hungry => f.write_str("hungry"),
            Self::Paced(rate) => write!(f, "paced-{rate}"),
            Self::InTurn(tasks) => write!(f, "in-turn-{tasks}"),
            Self::Counted => f.write_str("counted"),
            Self::Strict => f.write_str("strict"),
        }
    }
}

impl FromStr for Load {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbered = |beginning: &str| text.strip_prefix(beginning)?.parse().ok();
        let load = match text {
            "hungry" => Some(Self::Hungry),
            "counted" => Some(Self::Counted),
            "strict" => Some(Self::Strict),
            _ => numbered("paced-").map(Self::Paced).or_else(|| numbered("in-turn-").map(Self::InTurn)),
        };
        load.ok_or_else(|| format!("no load {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_reads_what_it_was_told() -> Outcome<()> {
        for load in [Load::Hungry, Load::Paced(50), Load::InTurn(3), Load::Counted, Load::Strict] {
            let orders = Orders {
                urls: vec!["redis://127.0.0.1:1/".into(), "redis://127.0.0.1:2/".into()],
                authority: Some("a.pem".into()),
                name: "n".into(),
                limit: Limit::new(Rate::new(7, Duration::from_millis(30))?, 9),
                term: Duration::from_millis(1500),
                threads: 3,
                load,
                creates: load == Load::Hungry,
                folder: "somewhere".into(),
                member: 4,
            };
            assert_eq!(Orders::read(lexopt::Parser::from_args(orders.words()))?, orders);
        }
        assert!(Orders::read(lexopt::Parser::from_args(["--load", "paced-"])).is_err());
        Ok(())
    }
}
