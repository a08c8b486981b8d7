//! Owns the loads: how many callers come, for how long, and how patient they are.

use std::fmt;
use std::time::Duration;

use tollgate::Limit;

/// How late a waiter may come without a loss: the default grace of a bucket.
pub(crate) const GRACE: Duration = Duration::from_millis(10);

/// The capacity of every limiter.
pub(crate) const CAPACITY: u64 = 1;

/// One load on one limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Tokens a second.
    pub(crate) rate: u64,
    /// Callers a second, for one token each.
    pub(crate) callers: u64,
    /// The longest patience; it is uniform from 0.
    pub(crate) patience: Duration,
    /// For so long callers come.
    pub(crate) span: Duration,
}

impl Case {
    pub(crate) const ALL: [Self; 2] = [
        Self { rate: 100, callers: 1000, patience: Duration::from_secs(4), span: Duration::from_secs(15) },
        Self { rate: 1000, callers: 4000, patience: Duration::from_secs(1), span: Duration::from_secs(6) },
    ];

    /// Shortens the case: the line then fills for most of it.
    pub(crate) fn quick(self) -> Self {
        Self { patience: self.patience / 4, span: self.span / 5, ..self }
    }

    /// The limit; the bucket begins empty.
    pub(crate) fn limit(&self) -> Limit {
        Limit::per_second(self.rate).capacity(CAPACITY).empty()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, callers, patience, span } = self;
        write!(f, "{rate}/s, capacity {CAPACITY}, {callers} callers a second for {span:?}, patience 0 to {patience:?}")
    }
}
