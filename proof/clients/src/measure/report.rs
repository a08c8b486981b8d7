//! Owns the phases of a run, and the row of the table that they make.

use std::fmt;
use std::time::Duration;

use super::demand::Demand;
use super::phase::{Phase, Shares};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The server, its size, and the client.
    pub name: String,
    pub demand: Demand,
    /// From the start, after the limit was halved, and after it was doubled.
    pub phases: [Phase; 3],
    /// Requests that ended with neither a grant nor a refusal.
    pub failed: u64,
    /// The share of the time in which this process did not run when it should have.
    pub stalled: f64,
}

impl Report {
    /// The heads of the columns.
    pub const HEAD: &str = "\
server, requests/s, capacity, client                |  warm  used refused | x0.5  used refused | x2.0  used refused | in all used refused | failed stalled";

    /// Returns what must hold and does not.
    pub fn failures(&self) -> Vec<String> {
        let within = self.demand.within;
        let mut failures = Vec::new();
        for (phase, name) in self.phases.iter().zip(["from the start", "halved", "doubled"]) {
            let Some(ready) = phase.ready(self.demand) else {
                failures.push(format!("{name}: never within the demand"));
                continue;
            };
            if ready as u64 > within.as_secs() {
                failures.push(format!("{name}: after {ready} s, not {within:?}"));
            }
        }
        failures
    }

    /// Returns what was granted and refused in all, the start and the changes included.
    pub fn in_all(&self) -> Shares {
        let mut all = Shares::default();
        self.phases.iter().for_each(|phase| all.merge(phase.all()));
        all
    }

    /// Returns what was granted and refused once the client had found each limit, or after the time
    /// in which it must.
    pub fn settled(&self) -> Shares {
        let mut settled = Shares::default();
        for phase in &self.phases {
            let latest = Duration::as_secs(&self.demand.within) as usize;
            settled.merge(phase.rest(phase.ready(self.demand).unwrap_or(latest)));
        }
        settled
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:51} |", self.name)?;
        for phase in &self.phases {
            match phase.ready(self.demand) {
                Some(ready) => {
                    let rest = phase.rest(ready);
                    write!(f, " {ready:3} s {:.3} {:5.2} % |", rest.used(), 100.0 * rest.refused_share())?;
                }
                None => {
                    let all = phase.all();
                    write!(f, " never {:.3} {:5.2} % |", all.used(), 100.0 * all.refused_share())?;
                }
            }
        }
        let all = self.in_all();
        write!(
            f,
            "  {:9.3} {:5.2} % | {:6} {:5.1} %",
            all.used(),
            100.0 * all.refused_share(),
            self.failed,
            100.0 * self.stalled
        )?;
        if self.failures().is_empty() { write!(f, "  ok") } else { write!(f, "  FAILS") }
    }
}
