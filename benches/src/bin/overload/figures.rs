//! Owns the figures of a run, and how they are printed. It never measures.

use std::fmt;

use crate::case::{CAPACITY, Case, GRACE};
use crate::contestants::{Contestant, Rest, Tollgate};
use crate::probe::Stalls;
use crate::watch::Served;

const SECOND: i128 = 1_000_000_000;

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) runtime: &'static str,
    pub(crate) limiter: &'static str,
    pub(crate) case: Case,
    pub(crate) served: Vec<Served>,
    /// Of all callers.
    pub(crate) polls: u64,
    pub(crate) stalls: Stalls,
    /// Callers in the line when the last one came.
    pub(crate) waiting: u64,
    /// Callers that were neither served nor gone when their patience was long over.
    pub(crate) stuck: u64,
    pub(crate) rest: Rest,
}

pub(crate) const LEGEND: &str = "
served: while callers came, of those who were served at all.
of r*t: served, as a share of what accrued meanwhile; less stalls: of what accrued in time.
stalls: the share of the time that sleeps of 1 ms took beyond 11 ms; in a thread, in a task.
in 1 s: the most that went on in a window of a second.
over C + r*w: tokens beyond it in the worst window, by the decisions and by when callers went on;
    over C + r*(w + J): the same with J = 10 ms. Below 0: it was never reached.
polls: of all callers, for each who was served; one who hangs up is polled then, too. wakes: of one
    who was served: its polls after the first; in brackets, those before its own timer came.
out of turn: callers served before one who had entered earlier and was polled in time, within 10 ms
    of its timer and its wakes; in brackets, before anyone.
left: callers in the line when the last one came; then those whose wait never ended. rest: tokens
    and whether the line is empty, when all callers have gone.";

impl Figures {
    /// Says what must never be, however busy the machine is.
    ///
    /// Decisions of a bucket are within the bound, whatever stands still.
    pub(crate) fn faults(&self) -> Vec<String> {
        let name = format!("{} on {}", self.limiter, self.runtime);
        let mut faults = Vec::new();
        // Instants are whole nanoseconds.
        let most = self.grace() + 1e-9 * self.case.rate as f64;
        let decided = self.excess(|served| served.decided);
        if self.is_ours() && decided > most + 1e-9 {
            faults.push(format!("{name}: {decided} tokens beyond C + r*w, and {most} are allowed"));
        }
        if self.is_ours() && (self.stuck > 0 || !self.rest.is_empty || self.rest.tokens != CAPACITY) {
            faults.push(format!("{name}: {} wait for ever, {:?} is left", self.stuck, self.rest));
        }
        faults
    }

    fn is_ours(&self) -> bool {
        self.limiter == Tollgate::NAME
    }

    /// Returns the tokens that accrue in the grace.
    fn grace(&self) -> f64 {
        self.case.rate as f64 * GRACE.as_secs_f64()
    }

    pub(crate) const HEAD: &str = "\
| runtime | limiter | served | of r*t | stalls | less stalls | in 1 s | over C + r*w | over C + r*(w + J) | polls | wakes \
                                   | out of turn | left | rest |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

    fn rate(&self) -> i128 {
        self.case.rate.into()
    }

    /// Returns the most that went on in a second.
    fn most_in_a_second(&self) -> usize {
        let mut uses: Vec<_> = self.served.iter().map(|served| served.served[1]).collect();
        uses.sort_unstable();
        let mut from = 0;
        let most = uses.iter().enumerate().map(|(to, at)| {
            while at - uses[from] >= SECOND as u64 {
                from += 1;
            }
            to - from + 1
        });
        most.max().unwrap_or(0)
    }

    /// Returns the tokens beyond `C + r * w` in the worst window. It ends at a use, and begins at
    /// the one where the uses before, less what accrued, were fewest.
    fn excess(&self, at: impl Fn(&Served) -> u64) -> f64 {
        let mut uses: Vec<_> = self.served.iter().map(at).collect();
        uses.sort_unstable();
        let (mut least, mut worst) = (i128::MAX, i128::MIN);
        for (before, at) in (0..).zip(uses) {
            let beyond = before * SECOND - self.rate() * i128::from(at);
            least = least.min(beyond);
            worst = worst.max(beyond + SECOND - least);
        }
        (worst - i128::from(CAPACITY) * SECOND) as f64 / SECOND as f64
    }

    /// Counts those who were served before somebody who had entered earlier, and whom `counts`
    /// lets count. What happened at one time is in any order.
    fn out_of_turn(&self, counts: impl Fn(&Served) -> bool) -> usize {
        let mut earlier: Vec<_> = self.served.iter().filter(|served| counts(served)).collect();
        earlier.sort_unstable_by_key(|served| served.entered[1]);
        let mut all: Vec<_> = self.served.iter().collect();
        all.sort_unstable_by_key(|served| served.entered[0]);
        let (mut earlier, mut last_served) = (earlier.into_iter().peekable(), 0);
        let overtakes = all.into_iter().filter(|served| {
            while let Some(other) = earlier.next_if(|other| other.entered[1] < served.entered[0]) {
                last_served = last_served.max(other.served[0]);
            }
            last_served > served.served[1]
        });
        overtakes.count()
    }
}

/// Rounds to hundredths, without a negative 0.
fn rounded(tokens: f64) -> f64 {
    (100.0 * tokens).round() / 100.0 + 0.0
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = self.case.span.as_nanos() as u64;
        let in_span = self.served.iter().filter(|served| served.decided <= span).count();
        let share = in_span as f64 * 1e9 / (self.case.rate as f64 * span as f64);
        let all = self.served.len().max(1) as f64;
        let wakes: u64 = self.served.iter().map(|served| served.polls - 1).sum();
        let told: u64 = self.served.iter().map(|served| served.told).sum();
        let [decided, went_on] = [self.excess(|served| served.decided), self.excess(|served| served.served[1])];
        let grace = self.grace();
        let in_time = |served: &Served| served.late <= GRACE.as_nanos() as u64;
        let Stalls { thread, task } = self.stalls;
        write!(f, "| {} | {} | {in_span} of {} ", self.runtime, self.limiter, self.served.len())?;
        write!(f, "| {share:.3} | {:.1} %, {:.1} % ", 100.0 * thread, 100.0 * task)?;
        write!(f, "| {:.3}, {:.3} ", share / (1.0 - thread), share / (1.0 - task))?;
        write!(f, "| {} | {decided:.2}, {went_on:.2} ", self.most_in_a_second())?;
        write!(f, "| {:.2}, {:.2} ", rounded(decided - grace), rounded(went_on - grace))?;
        write!(f, "| {:.2} | {:.2} ({:.2}) ", self.polls as f64 / all, wakes as f64 / all, told as f64 / all)?;
        write!(f, "| {} ({}) ", self.out_of_turn(in_time), self.out_of_turn(|_| true))?;
        write!(f, "| {}, {} ", self.waiting, self.stuck)?;
        write!(f, "| {}, {} |", self.rest.tokens, if self.rest.is_empty { "empty" } else { "NOT EMPTY" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Callers at 100/s that entered and were served at these milliseconds, by their decisions.
    fn figures(callers: &[(u64, u64)]) -> Figures {
        let served = callers.iter().map(|&(entered, served)| {
            let [entered, served] = [entered, served].map(|at| [1_000_000 * at; 2]);
            Served { entered, served, decided: served[0], polls: 2, told: 0, late: 0 }
        });
        Figures {
            runtime: "none",
            limiter: Tollgate::NAME,
            case: Case::ALL[0],
            served: served.collect(),
            polls: 0,
            stalls: Stalls { thread: 0.0, task: 0.0 },
            waiting: 0,
            stuck: 0,
            rest: Rest { tokens: 1, is_empty: true },
        }
    }

    #[test]
    fn the_worst_window_is_found() {
        // Three within 5 ms, where one and a half may be used.
        let figures = figures(&[(0, 10), (0, 100), (0, 105), (0, 105), (0, 200)]);
        assert_eq!(figures.excess(|served| served.decided), 1.5);
        assert_eq!((figures.most_in_a_second(), figures.faults().len()), (5, 1));
    }

    #[test]
    fn who_is_served_at_the_rate_is_within_the_bound() {
        let figures = figures(&[(0, 10), (0, 20), (0, 29), (0, 40)]);
        assert!((figures.excess(|served| served.decided) - 0.1).abs() < 1e-9);
        assert!(figures.faults().is_empty());
    }

    #[test]
    fn who_overtakes_is_counted_once() {
        let figures = figures(&[(1, 50), (2, 60), (3, 40), (3, 55)]);
        // The third overtakes both before it, the fourth the second.
        assert_eq!(figures.out_of_turn(|_| true), 2);
        assert_eq!(figures.out_of_turn(|served| served.entered[0] != 2_000_000), 1);
    }
}
