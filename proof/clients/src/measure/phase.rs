//! Owns what a server counted under one limit, second by second. Never judges more than a second
//! to begin with.

use std::time::Duration;

use super::demand::Demand;
use crate::server::limiter::WINDOW;
use crate::server::tally::Answer;

/// The seconds that must be good after the first good one.
pub const GOOD: usize = WINDOW.as_secs() as usize;

/// The time under one limit, of whole seconds.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Requests a second that the server grants.
    pub rate: u64,
    /// What was granted and refused in each second.
    seconds: Vec<[u64; 2]>,
}

/// What was granted and refused of a part of a phase.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct Shares {
    pub granted: u64,
    pub refused: u64,
    /// What the limit gave in that time.
    pub given: u64,
}

impl Shares {
    /// Returns the share of the limit that was used. It is above 1 while a full bucket empties.
    pub fn used(&self) -> f64 {
        self.granted as f64 / self.given.max(1) as f64
    }

    /// Returns the share of the requests that was refused.
    pub fn refused_share(&self) -> f64 {
        self.refused as f64 / (self.granted + self.refused).max(1) as f64
    }

    /// Adds those of another part.
    pub fn merge(&mut self, other: Self) {
        self.granted += other.granted;
        self.refused += other.refused;
        self.given += other.given;
    }
}

impl Phase {
    /// Counts the answers from a time on, for so many seconds.
    pub fn new(rate: u64, begun: Duration, seconds: u64, answers: &[Answer]) -> Self {
        let mut counts = vec![[0; 2]; seconds as usize];
        for answer in answers {
            let Some(since) = answer.at.checked_sub(begun) else { continue };
            if let Some(count) = counts.get_mut(since.as_secs() as usize) {
                count[usize::from(!answer.granted)] += 1;
            }
        }
        Self { rate, seconds: counts }
    }

    /// Returns the first second from which on the next five are within the demand, and all of the
    /// rest is.
    pub fn ready(&self, demand: Demand) -> Option<usize> {
        let is_good = |shares: Shares| {
            // One request may stand on the other side of the end.
            let used = (shares.granted + 1) as f64 >= demand.used * shares.given as f64;
            used && shares.refused_share() <= demand.refused
        };
        let seconds = 0..(self.seconds.len() + 1).saturating_sub(GOOD);
        seconds.into_iter().find(|&first| is_good(self.shares(first, first + GOOD)) && is_good(self.rest(first)))
    }

    /// Returns what was granted and refused from one second up to another.
    pub fn shares(&self, from: usize, to: usize) -> Shares {
        let seconds = &self.seconds[from.min(self.seconds.len())..to.min(self.seconds.len())];
        Shares {
            granted: seconds.iter().map(|[granted, _]| granted).sum(),
            refused: seconds.iter().map(|[_, refused]| refused).sum(),
            given: self.rate * seconds.len() as u64,
        }
    }

    /// Returns what was granted and refused in all of it.
    pub fn all(&self) -> Shares {
        self.shares(0, self.seconds.len())
    }

    /// Returns what was granted and refused from a second on, in as many whole five seconds as
    /// there are until the end.
    ///
    /// A client of fixed windows may use each as it begins. So a time that holds parts of windows
    /// would hold too many beginnings, or too few.
    pub fn rest(&self, second: usize) -> Shares {
        let seconds = self.seconds.len().saturating_sub(second) / GOOD * GOOD;
        self.shares(self.seconds.len() - seconds, self.seconds.len())
    }

    /// Returns a line for each second.
    pub fn text(&self) -> String {
        self.seconds.iter().map(|[granted, refused]| format!("{granted}+{refused} ")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::kind::Says;

    const BEGUN: Duration = Duration::from_secs(1_700_000_000);

    fn phase(seconds: &[[u64; 2]]) -> Phase {
        let mut answers = Vec::new();
        for (second, counts) in seconds.iter().enumerate() {
            for (granted, count) in [(true, counts[0]), (false, counts[1])] {
                let at = |i| BEGUN + Duration::from_secs(second as u64) + Duration::from_millis(900 * i / count);
                answers.extend((0..count).map(|i| Answer { at: at(i), granted }));
            }
        }
        answers.push(Answer { at: BEGUN - Duration::from_nanos(1), granted: true });
        answers.push(Answer { at: BEGUN + Duration::from_secs(seconds.len() as u64), granted: true });
        Phase::new(100, BEGUN, seconds.len() as u64, &answers)
    }

    #[test]
    fn answers_are_counted_in_their_second() {
        let counted = phase(&[[3, 1], [0, 0], [5, 2]]);
        assert_eq!(counted.seconds, [[3, 1], [0, 0], [5, 2]]);
        assert_eq!(counted.all(), Shares { granted: 8, refused: 3, given: 300 });
        assert_eq!(counted.all().used(), 8.0 / 300.0);
        assert_eq!(counted.all().refused_share(), 3.0 / 11.0);
    }

    #[test]
    fn the_rest_is_whole_windows_up_to_the_end() {
        // Each window of 5 s is used as it begins, at seconds 1, 6 and 11.
        let seconds: Vec<_> = (0..13).map(|i| [if i % 5 == 1 { 500 } else { 0 }, i]).collect();
        for second in 0..=8 {
            let rest = phase(&seconds).rest(second);
            assert_eq!(rest.used(), 1.0, "from {second}");
            assert_eq!(rest.refused, if second <= 3 { (3..13).sum::<u64>() } else { (8..13).sum() });
        }
        assert_eq!(phase(&seconds).rest(9), Shares::default());
    }

    #[test]
    fn ready_is_the_first_second_of_five_good_ones() {
        let strict = Demand::of(Says::Rate);
        let (good, bad, refused) = ([98, 0], [60, 0], [100, 9]);
        assert_eq!(phase(&[good; 5]).ready(strict), Some(0));
        assert_eq!(phase(&[good; 4]).ready(strict), None);
        assert_eq!(phase(&[good, good, bad, good, good, good, good, good]).ready(strict), Some(3));
        assert_eq!(phase(&[refused, good, good, good, good, good]).ready(strict), Some(1));
        // Good at once, but not for good.
        let relapse = [&[good; 6][..], &[refused; 2], &[good; 5]].concat();
        assert_eq!(phase(&relapse).ready(strict), Some(8));
        // 480 of 500, and one that may stand beyond the end.
        assert_eq!(phase(&[[96, 0]; 5]).ready(strict), None);
        assert_eq!(phase(&[[96, 0]; 5]).ready(Demand::of(Says::Wait)), Some(0));
    }
}
