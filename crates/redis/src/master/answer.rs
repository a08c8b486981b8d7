//! Owns what the engine answers to a trip. Never decides.

use std::time::Duration;

use super::terms::Terms;

/// What the engine answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Answer<const N: usize> {
    /// Grows whenever what the engine held may have been lost.
    pub(crate) epoch: u64,
    /// The terms that the answer is counted in.
    pub(crate) terms: Terms<N>,
    pub(crate) verdict: Verdict<N>,
    /// Whole tokens of each stream that the engine has left; below zero they are owed.
    pub(crate) level: [i64; N],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict<const N: usize> {
    /// Granted. It may be used once `after` has passed since the answer came.
    Granted { tokens: [u64; N], after: Duration },
    /// Refused: an equal ask is granted after `wait`, if nobody else asks.
    NotYet { stream: usize, wait: Duration },
    /// Refused: no wait helps, the stream's capacity is less than what is needed.
    Never { stream: usize, capacity: u64 },
}
