//! Owns what became of every token. Never moves one.

/// What became of the tokens of each stream, to the token:
/// granted = used + returned + lost + held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Account<const N: usize> {
    /// What answers of the engine granted.
    pub(crate) granted: [u64; N],
    /// What takers used, less what they put back. Below zero if they put back more.
    pub(crate) used: [i64; N],
    /// What an answered trip gave back to the engine.
    pub(crate) returned: [u64; N],
    /// What expired under another epoch, and what a trip without an answer gave back.
    pub(crate) lost: [u64; N],
    /// What is in the pool, less what is owed, and what is on its way into it or out of it.
    pub(crate) held: [i64; N],
    /// The trips that were begun.
    pub(crate) trips: u64,
}
