//! Owns tokens by the millisecond. Never judges them.

use std::collections::BTreeMap;

/// Tokens by the millisecond since boot in which they were used, or given back.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bins(BTreeMap<u64, u64>);

impl Bins {
    /// Adds tokens to a millisecond.
    pub fn add(&mut self, ms: u64, tokens: u64) {
        *self.0.entry(ms).or_default() += tokens;
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(&ms, &tokens)| self.add(ms, tokens));
    }

    /// Returns the tokens of all milliseconds from `from` to before `to`.
    pub fn between(&self, from: u64, to: u64) -> u64 {
        if from >= to { 0 } else { self.0.range(from..to).map(|(_, tokens)| tokens).sum() }
    }

    /// Returns all tokens.
    pub fn sum(&self) -> u64 {
        self.0.values().sum()
    }

    /// Returns the first millisecond at or after `from` that has tokens.
    pub fn first_from(&self, from: u64) -> Option<u64> {
        self.0.range(from..).find(|(_, tokens)| **tokens > 0).map(|(&ms, _)| ms)
    }

    /// Returns the first and the last millisecond that has tokens.
    pub fn span(&self) -> Option<(u64, u64)> {
        let first = *self.0.keys().next()?;
        Some((first, *self.0.keys().next_back()?))
    }
}

impl FromIterator<(u64, u64)> for Bins {
    fn from_iter<I: IntoIterator<Item = (u64, u64)>>(items: I) -> Self {
        let mut bins = Self::default();
        items.into_iter().for_each(|(ms, tokens)| bins.add(ms, tokens));
        bins
    }
}
