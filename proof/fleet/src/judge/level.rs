//! Owns what the engine holds of a bucket, read from its keys. Never asks for a token.

use engines::Server;
use tollgate::Limit;

use crate::Outcome;

/// What the engine holds of a bucket of one stream, all of it in units of 1 / `den` tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Level {
    /// The rate: units a microsecond of the server.
    num: i128,
    /// Units of a token.
    den: i128,
    /// The level as the head began, and when.
    began: (i128, i128),
    /// The level at the last write, and when.
    last: (i128, i128),
}

impl Level {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// That the keys are not there, or not of one epoch and one revision.
    pub fn read(server: &Server, name: &str) -> Outcome<Self> {
        let get = |key: String| server.cli(&["get", &key]);
        Self::parse(&get(format!("tollgate:{{{name}}}"))?, &get(format!("tollgate:{{{name}}}:s"))?)
    }

    /// Reads a head, `1 EPOCH SINCE FENCE|REVISION ARITHMETIC NUM DEN ...|LEVEL|...`, and a state,
    /// `EPOCH REVISION TIME|LEVEL`.
    fn parse(head: &str, state: &str) -> Outcome<Self> {
        let told = || format!("no head and state of a bucket: {head:?}, {state:?}");
        let mut parts = head.split('|');
        let mut words = || parts.next().map(|part| part.split(' ').collect::<Vec<_>>()).ok_or_else(told);
        let (began, terms, level) = (words()?, words()?, words()?);
        let (state, last) = state.split_once('|').ok_or_else(told)?;
        let state: Vec<&str> = state.split(' ').collect();
        let (&["1", epoch, since, _], &[revision, _, num, den, ..], &[level], &[of, state_revision, time]) =
            (&began[..], &terms[..], &level[..], &state[..])
        else {
            return Err(told().into());
        };
        if epoch != of || revision != state_revision {
            return Err(told().into());
        }
        let (num, den) = (num.parse()?, den.parse()?);
        Ok(Self { num, den, began: (level.parse()?, since.parse()?), last: (last.parse()?, time.parse()?) })
    }

    /// Returns by how many units the level differs from start + r * t - tokens, of a bucket that
    /// was never full.
    ///
    /// # Errors
    ///
    /// That it counts at another rate than the limit's.
    pub fn off_by(&self, limit: Limit, tokens: i128) -> Outcome<i128> {
        let period = limit.rate.period().as_nanos() as i128;
        if self.num * period != i128::from(limit.rate.tokens()) * self.den * 1000 {
            return Err(format!("{self:?} does not count at {}", limit.rate).into());
        }
        let accrued = self.num * (self.last.1 - self.began.1);
        Ok(self.last.0 - (self.began.0 + accrued - tokens * self.den))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_off_by_a_unit_is_told() -> Outcome<()> {
        let head = "1 3 1000 abc|7 native 1 1000 500 100 600000|-100000|";
        // 1000/s: a unit a microsecond. 9,000 µs after it began at -100 tokens, 2 were granted.
        for (level, off) in [(-93_000, 0), (-92_999, 1), (-93_001, -1)] {
            let read = Level::parse(head, &format!("3 7 10000|{level}"))?;
            assert_eq!(read.off_by(Limit::per_second(1000), 2)?, off);
            assert!(read.off_by(Limit::per_second(1001), 2).is_err());
        }
        for (head, state) in [(head, "2 7 10000|0"), (head, "3 6 10000|0"), (head, ""), ("", "3 7 10000|0")] {
            assert!(Level::parse(head, state).is_err(), "{head} {state}");
        }
        Ok(())
    }
}
