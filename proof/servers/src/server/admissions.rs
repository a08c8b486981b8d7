//! Owns what was admitted, when, and what became of the rest. Never judges it.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tollgate::Clock;
use tollgate_tower::Observer;

use super::watched_clock::WatchedClock;
use crate::Outcome;

thread_local! {
    /// The readings before and after the decision that this thread made last, until the handler
    /// takes them.
    static DECIDED: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
}

/// One request that reached the handler.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admission {
    /// A reading of the clock before the decision, in nanoseconds.
    pub decided: u64,
    /// A reading right after the decision, in nanoseconds.
    pub told: u64,
    /// The length of the body, in bytes.
    pub bytes: u64,
    /// Whose it is.
    pub client: String,
}

/// How many requests ended how.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Outcomes {
    pub granted: u64,
    pub waited: u64,
    pub refused: u64,
    pub no_room: u64,
    pub cancelled: u64,
}

impl Outcomes {
    /// Those that were admitted.
    pub fn admitted(&self) -> u64 {
        self.granted + self.waited
    }

    /// All that were decided.
    pub fn all(&self) -> u64 {
        self.admitted() + self.refused + self.no_room + self.cancelled
    }
}

/// What a server saw.
#[derive(Debug)]
pub(super) struct Admissions {
    clock: Arc<WatchedClock>,
    log: Mutex<Vec<Admission>>,
    outcomes: [AtomicU64; 5],
    /// Requests that reached the handler without a decision that this thread made.
    undecided: AtomicU64,
}

impl Admissions {
    pub(super) fn new(clock: Arc<WatchedClock>) -> Self {
        Self { clock, log: Mutex::default(), outcomes: Default::default(), undecided: AtomicU64::new(0) }
    }

    /// The handler has a request.
    pub(super) fn handled(&self, client: String, bytes: u64) {
        match DECIDED.take() {
            Some((decided, told)) => {
                let admission = Admission { decided, told, bytes, client };
                self.log.lock().unwrap_or_else(PoisonError::into_inner).push(admission);
            }
            None => _ = self.undecided.fetch_add(1, Relaxed),
        }
    }

    pub(super) fn undecided(&self) -> u64 {
        self.undecided.load(Relaxed)
    }

    pub(super) fn outcomes(&self) -> Outcomes {
        let [granted, waited, refused, no_room, cancelled] = self.outcomes.each_ref().map(|count| count.load(Relaxed));
        Outcomes { granted, waited, refused, no_room, cancelled }
    }

    /// A line for each admission.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for admission in &*self.log.lock().unwrap_or_else(PoisonError::into_inner) {
            writeln!(text, "{admission}").expect("a string takes all");
        }
        text
    }
}

impl Observer for Admissions {
    fn decided(&self, limit: &str, outcome: tollgate_tower::Outcome, _: Duration) {
        use tollgate_tower::Outcome::*;
        let index = match outcome {
            Granted => 0,
            Waited => 1,
            Refused => 2,
            NoRoom => 3,
            Cancelled => 4,
            other => unreachable!("{other:?}"),
        };
        // What ends at all limits is told once for each.
        if index == 2 || index == 3 || limit == "service" {
            self.outcomes[index].fetch_add(1, Relaxed);
        }
        // The first limit is told first.
        if index < 2 && limit == "client" {
            let told = self.clock.now().as_nanos();
            DECIDED.set(Some((WatchedClock::first().unwrap_or(told), told)));
        }
    }
}

impl fmt::Display for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.decided, self.told, self.bytes, self.client)
    }
}

impl FromStr for Admission {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(line: &str) -> Outcome<Self> {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().ok_or("an admission is three numbers and a client");
        Ok(Self {
            decided: word()?.parse()?,
            told: word()?.parse()?,
            bytes: word()?.parse()?,
            client: word()?.to_owned(),
        })
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { granted, waited, refused, no_room, cancelled } = self;
        write!(f, "{granted} {waited} {refused} {no_room} {cancelled}")
    }
}

impl FromStr for Outcomes {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(line: &str) -> Outcome<Self> {
        let counts = line.split_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let [granted, waited, refused, no_room, cancelled] = counts[..] else {
            return Err(format!("{line:?}: outcomes are five numbers").into());
        };
        Ok(Self { granted, waited, refused, no_room, cancelled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_again() {
        let admission = Admission { decided: 1, told: 2, bytes: 3, client: "2001:db8::/64".to_owned() };
        assert_eq!(admission.to_string().parse::<Admission>().unwrap(), admission);
        assert!("1 2 3".parse::<Admission>().is_err());
        let outcomes = Outcomes { granted: 1, waited: 2, refused: 3, no_room: 4, cancelled: 5 };
        assert_eq!(outcomes.to_string().parse::<Outcomes>().unwrap(), outcomes);
    }
}
