//! Owns why a key could not be held apart; never changes state.

use core::fmt;

use crate::limit::limit_error::LimitError;

/// Why one key could not be blocked, paused, or given limits of its own. Nothing was changed.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::keyed::HoldError;
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients = KeyedBuckets::<u64, 1, _>::with_clock(
///     Limit::per_second(2),
///     10,
///     ManualClock::new(),
/// )?
/// .with_max_held(1);
/// clients.block(&7)?;
/// let refused = clients.block(&8).unwrap_err();
/// assert_eq!(refused, HoldError::TooMany { most: 1 });
/// assert_eq!(
///     refused.to_string(),
///     "1 keys are blocked, paused or have limits of their own, the most there may be"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HoldError {
    /// As many keys are held apart as may be.
    TooMany {
        /// How many that is.
        most: usize,
    },
    /// The limits cannot be kept, or the key owes more than they can hold.
    Limit(LimitError),
}

impl From<LimitError> for HoldError {
    fn from(error: LimitError) -> Self {
        Self::Limit(error)
    }
}

impl fmt::Display for HoldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { most } => {
                write!(f, "{most} keys are blocked, paused or have limits of their own, the most there may be")
            }
            Self::Limit(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for HoldError {}
