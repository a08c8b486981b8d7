//! Owns a call without an answer, and whether it may have been done. Never sends it again.

use crate::error::FleetError;

/// A call that got no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CallError {
    /// Whether the engine has certainly not done it.
    pub(crate) is_unsent: bool,
    pub(crate) error: FleetError,
}

impl CallError {
    pub(crate) fn unsent(error: FleetError) -> Self {
        Self { is_unsent: true, error }
    }

    pub(crate) fn lost(error: FleetError) -> Self {
        Self { is_unsent: false, error }
    }
}
