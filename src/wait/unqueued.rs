//! Owns what stands in for the line where there is no `std`: nobody waits in a line there.

use core::convert::Infallible;
use core::marker::PhantomData;

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::refused::Refused;
use crate::state::store::Store;
use crate::sync::const_fn;
use crate::wait::held::Held;
use crate::wait::timer::Timer;

/// Words alone.
#[derive(Debug)]
pub struct Queued<S, const N: usize> {
    pub(crate) words: S,
    held: Held<N>,
}

impl<S, const N: usize> Queued<S, N> {
    const_fn! {
        pub(crate) const fn new(words: S) -> Self {
            Self { words, held: Held::new() }
        }
    }

    pub(crate) fn held(&self) -> &Held<N> {
        &self.held
    }
}

impl<S: Store<N>, const N: usize> Store<N> for Queued<S, N> {
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

    fn held_tokens(&self) -> [u64; N] {
        self.held.tokens()
    }
}

/// A reservation's place behind others: there is none.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a, const N: usize>(Infallible, PhantomData<&'a ()>);

impl<const N: usize> Place<'_, N> {
    pub(crate) fn ready_at(&self) -> Time {
        match self.0 {}
    }

    pub(crate) fn known_ready_at(&self) -> Option<Time> {
        match self.0 {}
    }

    pub(crate) fn keep(&self) {
        match self.0 {}
    }

    pub(crate) fn leave(&self) {
        match self.0 {}
    }

    pub(crate) async fn wait_on<T: Timer>(&self, _: T) -> Result<(), Refused<N>> {
        match self.0 {}
    }
}
