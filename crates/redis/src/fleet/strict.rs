//! Owns decisions that are made by the engine, one round trip each. Never holds a token.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::error::FleetError;
use crate::fleet::refused::FleetRefused;
use crate::master::answer::Verdict;
use crate::master::ask::Ask;
use crate::master::master::Master;
use tollgate::Never;

/// Decisions of the engine, one round trip each:
/// [`FleetBucket::strict`](crate::FleetBucket::strict).
///
/// Nothing is held, so the bound is `C + r * (w + e) + P`. It is for few, dear calls.
pub struct Strict<'a, const N: usize> {
    master: Master<N>,
    fleet: PhantomData<&'a ()>,
}

impl<const N: usize> Strict<'_, N> {
    pub(crate) fn new(master: Master<N>) -> Self {
        Self { master, fleet: PhantomData }
    }

    /// Takes from the engine, from all streams or from none.
    ///
    /// # Errors
    ///
    /// [`StrictError::Refused`] if the engine refuses. [`StrictError::Failed`] if it does not
    /// answer: then the tokens may have been taken.
    pub async fn try_take(mut self, amounts: [u64; N]) -> Result<(), StrictError> {
        let ask = Ask { need: amounts, want: amounts, back: [0; N], reserve: false };
        let answer = self.master.ask(&ask).await.map_err(|error| StrictError::Failed(error.into_error()))?;
        let refused = match answer.verdict {
            Verdict::Granted { .. } => return Ok(()),
            Verdict::NotYet { stream, wait } => FleetRefused::NotYet { stream, wait },
            Verdict::Never { stream, capacity } => {
                FleetRefused::Never(Never { stream, requested: amounts[stream], capacity })
            }
        };
        Err(StrictError::Refused(refused))
    }
}

impl<const N: usize> fmt::Debug for Strict<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strict").field("master", &self.master).finish()
    }
}

/// Why a strict call took nothing, or nobody knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StrictError {
    /// The engine refused: nothing was taken.
    Refused(FleetRefused),
    /// The engine did not answer. Unless the request was not sent, the tokens may have been taken.
    Failed(FleetError),
}

impl StrictError {
    /// Returns when an equal call is granted, if nobody else takes; `None` if no wait helps, or
    /// nobody knows.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused(refused) => refused.wait(),
            Self::Failed(_) => None,
        }
    }
}

impl fmt::Display for StrictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StrictError {}
