//! Owns what stands in for the line where there is no `std`: nobody waits in a line there.

use crate::decision::limits::Limits;
use crate::state::store::Store;

/// No line.
#[derive(Debug)]
pub struct Line<const N: usize>;

impl<const N: usize> Line<N> {
    pub(crate) const fn new() -> Self {
        Self
    }
}

/// Words alone.
#[derive(Debug)]
pub struct Queued<S, L> {
    pub(crate) words: S,
    pub(crate) line: L,
}

impl<S: Store<N>, L, const N: usize> Store<N> for Queued<S, L> {
    #[inline(always)]
    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        self.words.update(pause, change, refuse)
    }

    #[inline(always)]
    fn read<V>(&self, look: impl Fn(&Limits<N>, &[u64; N]) -> V) -> V {
        self.words.read(look)
    }
}
