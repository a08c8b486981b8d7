//! Owns the limits of a fleet as all its processes agree on them. Never a level.

use tollgate::Limit;

/// The limits of a fleet, and which of their changes it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Terms<const N: usize> {
    /// Counts the changes.
    pub(crate) revision: u64,
    pub(crate) limits: [Limit; N],
    /// How far reservations may go below zero, in tokens.
    pub(crate) debts: [u64; N],
}
