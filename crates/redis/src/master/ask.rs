//! Owns what one trip asks the engine for. Never how it is written.

/// What one trip asks for and gives back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ask<const N: usize> {
    /// Tokens of each stream without which nothing is granted.
    pub(crate) need: [u64; N],
    /// Tokens of each stream that are granted if there are so many: at least `need`.
    pub(crate) want: [u64; N],
    /// Tokens that come back. They are added before anything is granted, also if nothing is.
    pub(crate) back: [u64; N],
    /// Whether tokens may be granted ahead of their time.
    pub(crate) reserve: bool,
}
