//! Owns the error for a limit that no bucket can keep. It never checks one.

use core::fmt;

use crate::decision::limit_rule::LimitRule;
use crate::limit::limit::Limit;

/// A limit that no bucket can keep, and the rule that it breaks.
///
/// ```
/// use tollgate::limit::LimitRule;
/// use tollgate::{Limit, MultiBucket};
///
/// let limits = [Limit::per_second(5), Limit::per_second(5).capacity(0)];
/// let error = MultiBucket::new(limits).unwrap_err();
/// assert_eq!((error.stream, error.rule), (1, LimitRule::ZeroCapacity));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitError {
    /// The stream that the limit was meant for; 0 if there is only one.
    pub stream: usize,
    /// The refused limit.
    pub limit: Limit,
    /// The rule that it breaks.
    pub rule: LimitRule,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, limit, rule } = self;
        write!(f, "stream {stream}, limit {limit}: {rule}")
    }
}

impl core::error::Error for LimitError {}
