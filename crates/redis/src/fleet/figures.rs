//! Owns the figures of a fleet's limit in one process. Never counts.

use std::time::Duration;

/// What became of every token in this process, and how the engine stands:
/// [`FleetBucket::figures`](crate::FleetBucket::figures).
///
/// Of each stream, to the token: `granted = used + returned + lost + held`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FleetFigures<const N: usize> {
    /// Tokens that the engine granted.
    pub granted: [u64; N],
    /// Tokens that were taken, less those that were put back; negative if more was put back.
    pub used: [i64; N],
    /// Tokens that the engine got back.
    pub returned: [u64; N],
    /// Tokens that nobody gets back: their way back failed, or the engine has lost them itself.
    pub lost: [u64; N],
    /// Tokens that are held, or on their way; negative if they are owed.
    pub held: [i64; N],
    /// Round trips.
    pub trips: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// Grows whenever what the engine held may have been lost.
    pub epoch: u64,
    /// Counts the changes of the limits.
    pub revision: u64,
    /// For how long the engine has been away; zero if it answers.
    pub away: Duration,
}
