//! Owns what is not as it should be with an engine that can be used. Never refuses it.

use std::fmt;

/// What is not as it should be with an engine. The limits hold as it says.
///
/// ```
/// use tollgate_redis::EngineWarning;
///
/// let warning = EngineWarning::Evicts { policy: "allkeys-lru".into() };
/// assert!(warning.to_string().starts_with("maxmemory-policy allkeys-lru: "));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EngineWarning {
    /// It evicts keys when its memory is full. An evicted limit may grant its capacity once more.
    Evicts {
        /// Its `maxmemory-policy`.
        policy: String,
    },
    /// Its user may not run INFO in scripts, so a promoted replica is not noticed.
    ///
    /// A fail-over may then grant again what the replica had not heard of: at most the capacity,
    /// and the rate times the lag.
    Unfenced {
        /// What the engine said.
        said: String,
    },
    /// It does not say whether it evicts keys: its user may not run INFO.
    Unchecked {
        /// What the engine said.
        said: String,
    },
}

impl fmt::Display for EngineWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evicts { policy } => {
                write!(f, "maxmemory-policy {policy}: evicted limits grant their capacity again: set noeviction")
            }
            Self::Unfenced { said } => {
                let cost = "a fail-over may grant the capacity and the lag's accrual again";
                write!(f, "{said}: {cost}: let the user run info")
            }
            Self::Unchecked { said } => {
                write!(f, "{said}: whether keys are evicted is not known: let the user run info")
            }
        }
    }
}
