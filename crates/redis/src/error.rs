//! Owns what goes wrong between a process and its engine. Never a refusal: that is an answer.

use std::time::Duration;
use std::{fmt, io};

use tollgate::Limit;
use tollgate::limit::{LimitError, RateError};

use crate::master::malformed::Malformed;

/// Why a fleet could not be joined, or a call got no answer. Each says what to do.
///
/// ```
/// use tollgate_redis::{Engine, FleetError};
///
/// let error = Engine::open("memcached://cache").unwrap_err();
/// assert!(matches!(&error, FleetError::Address { address, .. } if address == "memcached://cache"));
/// assert!(error.to_string().starts_with("address memcached://cache: "));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FleetError {
    /// An address is not one of an engine.
    Address {
        /// The address, without its password.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file with the certificate authority cannot be used.
    Authority {
        /// The file.
        file: String,
        /// Why it cannot be used.
        why: String,
    },
    /// No connection could be made: nothing was sent.
    Unreachable {
        /// The address, without its password.
        address: String,
        /// What the system said.
        why: String,
    },
    /// The engine refused the user or the password.
    Password {
        /// The address, without its password.
        address: String,
        /// What the engine said.
        said: String,
    },
    /// The user may not run what the crate needs.
    Permission {
        /// What the engine said.
        said: String,
    },
    /// The engine has not told who it is, so a loss of its memory would not be noticed.
    NoIdentity,
    /// The engine evicts keys when its memory is full, and so would forget limits in use.
    Evicts {
        /// Its `maxmemory-policy`.
        policy: String,
    },
    /// The engine is too old to run the scripts.
    TooOld {
        /// Its version.
        version: String,
    },
    /// The server is a replica, which takes no writes: nothing was taken, and nothing given back.
    ReadOnly {
        /// The address, without its password.
        address: String,
    },
    /// The engine's memory is full, so it takes no writes: nothing was taken, and nothing given
    /// back.
    OutOfMemory {
        /// The address, without its password.
        address: String,
    },
    /// The engine answered with an error: nothing was taken, and nothing was given back.
    Engine {
        /// What the engine said.
        said: String,
    },
    /// The answer did not come in time, or the connection broke: the call may have been done.
    NoAnswer {
        /// The address, without its password.
        address: String,
        /// What the system said.
        why: String,
    },
    /// The engine holds, or said, what this version of the crate does not write.
    Malformed {
        /// What was read.
        what: &'static str,
        /// Its beginning.
        found: String,
    },
    /// Other processes have joined the fleet with other limits.
    LimitsDiffer {
        /// The limits of this process.
        ours: Vec<Limit>,
        /// The limits that the engine holds.
        theirs: Vec<Limit>,
    },
    /// Other processes have joined the fleet with another number of streams.
    StreamsDiffer {
        /// The streams of this process.
        ours: usize,
        /// The streams that the engine holds.
        theirs: usize,
    },
    /// Other processes have joined the fleet with other [debts](crate::Joining::debts).
    DebtsDiffer {
        /// The debts of this process, in tokens of each stream.
        ours: Vec<u64>,
        /// The debts that the engine holds.
        theirs: Vec<u64>,
    },
    /// There is such a fleet, so none can be created.
    Exists {
        /// The key of its head.
        key: String,
    },
    /// Others have changed what the engine holds again and again meanwhile.
    Contended {
        /// Calls that were made.
        calls: u32,
    },
    /// A fleet's name has braces, is empty, or is longer than 512 bytes.
    Name {
        /// The name.
        name: String,
    },
    /// A fleet has 1 to 16 streams.
    Streams {
        /// How many were asked for.
        streams: usize,
    },
    /// No bucket can keep a limit.
    Limit(LimitError),
    /// Capacity and debt of a limit have too many units.
    Units {
        /// The stream.
        stream: usize,
        /// Its limit.
        limit: Limit,
        /// Its debt, in tokens.
        debt: u64,
    },
    /// A local share is one of no processes.
    ShareOfNone,
    /// A local share has a rate that no bucket can keep.
    ShareRate(RateError),
    /// A term is too short or too long.
    Term(Duration),
    /// No thread could be started.
    Thread(String),
}

impl FleetError {
    pub(crate) fn thread(error: &io::Error) -> Self {
        Self::Thread(error.to_string())
    }
}

impl From<Malformed> for FleetError {
    fn from(Malformed { what, found }: Malformed) -> Self {
        Self::Malformed { what, found }
    }
}

impl fmt::Display for FleetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { address, why } => write!(f, "address {address}: {why}: write redis://host:port"),
            Self::Authority { file, why } => write!(f, "authority {file}: {why}: name a file of PEM certificates"),
            Self::Unreachable { address, why } => {
                write!(f, "{address}: no connection: {why}: check the address, and that the engine runs")
            }
            Self::Password { address, said } => {
                write!(f, "{address}: {said}: check the user and the password")
            }
            Self::Permission { said } => {
                write!(f, "{said}: let the user run eval, evalsha, get, set, del and time on keys tollgate:*")
            }
            Self::NoIdentity => f.write_str(
                "the engine's INFO has no master_replid: use Redis 7, Valkey 8 or later, or forbid the user INFO and \
                 do without a fence",
            ),
            Self::Evicts { policy } => {
                let rule = "an engine of limits evicts nothing";
                write!(f, "maxmemory-policy {policy}: {rule}: set noeviction, or have it only warned of")
            }
            Self::TooOld { version } => write!(f, "engine {version}: scripts need Redis 7 or Valkey 8"),
            Self::ReadOnly { address } => write!(f, "{address}: a replica takes no writes: name its master, too"),
            Self::OutOfMemory { address } => {
                write!(f, "{address}: its memory is full, so it takes no writes: raise maxmemory, or store less")
            }
            Self::Engine { said } => write!(f, "the engine refused: {said}"),
            Self::NoAnswer { address, why } => write!(f, "{address}: no answer: {why}: the call may have been done"),
            Self::Malformed { what, found } => {
                write!(f, "{what} {found}: not written by this version: check who else writes tollgate:*")
            }
            Self::LimitsDiffer { ours, theirs } => {
                write!(f, "limits {}: the fleet has {}: ", Limits(ours), Limits(theirs))?;
                f.write_str("give all processes the same, or change them by set_limits")
            }
            Self::StreamsDiffer { ours, theirs } => {
                write!(f, "{ours} streams: the fleet has {theirs}: give all processes the same, or another name")
            }
            Self::DebtsDiffer { ours, theirs } => {
                write!(f, "debts {ours:?}: the fleet has {theirs:?}: give all processes the same")
            }
            Self::Exists { key } => write!(f, "{key}: there is such a fleet: join it"),
            Self::Contended { calls } => write!(f, "{calls} calls: others changed the limits each time: try again"),
            Self::Name { name } => write!(f, "name {name:?}: a name has 1 to 512 bytes and no braces"),
            Self::Streams { streams } => write!(f, "{streams} streams: a fleet has 1 to 16"),
            Self::Limit(error) => error.fmt(f),
            Self::Units { stream, limit, debt } => {
                let rule = "capacity and debt are below 2^127 units of the rate";
                write!(f, "stream {stream}, limit {limit}, debt {debt}: {rule}")
            }
            Self::ShareOfNone => f.write_str("a share of 0 processes: a share is one of at least 1"),
            Self::ShareRate(error) => write!(f, "a local share: {error}"),
            Self::Term(term) => write!(f, "term {term:?}: a term is 100 ms to 60 s"),
            Self::Thread(why) => write!(f, "no thread for the engine: {why}"),
        }
    }
}

impl std::error::Error for FleetError {}

/// Limits with commas between.
struct Limits<'a>(&'a [Limit]);

impl fmt::Display for Limits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, limit) in self.0.iter().enumerate() {
            write!(f, "{}{limit}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tollgate::Rate;

    use super::*;

    #[test]
    fn each_error_names_what_is_wrong_and_says_what_to_do() -> Result<(), Box<dyn std::error::Error>> {
        let (address, why, said) = (|| "a:1".to_owned(), || "w".to_owned(), || "S s".to_owned());
        let limit = Limit::per_second(10);
        let none = Limit::per_second(1).capacity(0).check().expect_err("no capacity");
        let rate = Rate::new(0, Duration::from_secs(1)).err();
        assert!(none.to_string().starts_with("stream 0, limit 1/s capacity 0: "), "{none}");
        let table = [
            (FleetError::Address { address: address(), why: why() }, "address a:1: w: write redis://host:port"),
            (FleetError::Authority { file: "f".into(), why: why() }, "authority f: w: name a file of PEM certificates"),
            (
                FleetError::Unreachable { address: address(), why: why() },
                "a:1: no connection: w: check the address, and that the engine runs",
            ),
            (FleetError::Password { address: address(), said: said() }, "a:1: S s: check the user and the password"),
            (
                FleetError::Permission { said: said() },
                "S s: let the user run eval, evalsha, get, set, del and time on keys tollgate:*",
            ),
            (
                FleetError::NoIdentity,
                "the engine's INFO has no master_replid: use Redis 7, Valkey 8 or later, or forbid the user INFO and \
                 do without a fence",
            ),
            (
                FleetError::Evicts { policy: "p".into() },
                "maxmemory-policy p: an engine of limits evicts nothing: set noeviction, or have it only warned of",
            ),
            (FleetError::TooOld { version: "6.2".into() }, "engine 6.2: scripts need Redis 7 or Valkey 8"),
            (FleetError::ReadOnly { address: address() }, "a:1: a replica takes no writes: name its master, too"),
            (
                FleetError::OutOfMemory { address: address() },
                "a:1: its memory is full, so it takes no writes: raise maxmemory, or store less",
            ),
            (FleetError::Engine { said: said() }, "the engine refused: S s"),
            (FleetError::NoAnswer { address: address(), why: why() }, "a:1: no answer: w: the call may have been done"),
            (
                FleetError::Malformed { what: "head", found: "x".into() },
                "head x: not written by this version: check who else writes tollgate:*",
            ),
            (
                FleetError::LimitsDiffer { ours: vec![limit, limit], theirs: vec![limit.capacity(2)] },
                "limits 10/s capacity 10, 10/s capacity 10: the fleet has 10/s capacity 2: give all processes the \
                 same, or change them by set_limits",
            ),
            (FleetError::Exists { key: "k".into() }, "k: there is such a fleet: join it"),
            (FleetError::Contended { calls: 24 }, "24 calls: others changed the limits each time: try again"),
            (FleetError::Name { name: "{".into() }, "name \"{\": a name has 1 to 512 bytes and no braces"),
            (FleetError::Streams { streams: 17 }, "17 streams: a fleet has 1 to 16"),
            (FleetError::Limit(none), &*none.to_string()),
            (
                FleetError::Units { stream: 1, limit, debt: 5 },
                "stream 1, limit 10/s capacity 10, debt 5: capacity and debt are below 2^127 units of the rate",
            ),
            (FleetError::ShareOfNone, "a share of 0 processes: a share is one of at least 1"),
            (FleetError::Term(Duration::from_millis(99)), "term 99ms: a term is 100 ms to 60 s"),
            (FleetError::Thread(why()), "no thread for the engine: w"),
        ];
        for (error, text) in table {
            assert_eq!(error.to_string(), text);
        }
        if let Some(rate) = rate {
            assert_eq!(FleetError::ShareRate(rate).to_string(), format!("a local share: {rate}"));
        }
        Ok(())
    }
}
