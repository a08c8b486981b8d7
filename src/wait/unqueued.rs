//! Owns what stands in for the line where there is no `std`: nobody waits in a line there.

use core::convert::Infallible;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use core::task::Waker;
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::due::Due;
use crate::decision::granted::Granted;
use crate::decision::limits::Limits;
use crate::decision::refused::Refused;
use crate::state::store::{Store, Waitable};
use crate::sync::const_fn;
use crate::wait::held::Held;
use crate::wait::nap::Nap;
use crate::wait::readiness::until_looking_again;
use crate::wait::reservation::{give_back, take_ahead};
use crate::wait::take::{Come, Waiter};
use crate::wait::timer::Timer;
use crate::wait::waits::Waits;

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

/// What a waiter wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Aim {
    Take,
    /// It takes nothing.
    Look,
}

/// One caller's wait. It takes at its first poll, and gives back if it is dropped too early.
pub struct Turn<B: Deref<Target: Waits<N> + Sized>, const N: usize> {
    bucket: B,
    /// All 0 once the caller was served.
    amounts: [u64; N],
    deadline: Time,
    /// When the tokens were taken, and when they may be used.
    taken: Option<(Time, Due<N>)>,
    nap: Nap,
    aim: Aim,
}

impl<B: Deref<Target: Waits<N> + Sized>, const N: usize> Turn<B, N> {
    /// The timeout counts from `now`.
    pub(crate) fn new(bucket: B, now: Time, amounts: [u64; N], timeout: Duration, aim: Aim) -> Self {
        Self { bucket, amounts, deadline: now.after(timeout), taken: None, nap: Nap::new(), aim }
    }

    fn sleep(&mut self, now: Time) -> Result<Option<Duration>, Refused<N>> {
        if self.amounts == [0; N] {
            return Ok(None);
        }
        if self.aim == Aim::Look {
            return until_looking_again(&*self.bucket, &self.amounts, &mut self.nap);
        }
        let due = match self.taken {
            Some((_, due)) => due,
            None => take_ahead(&*self.bucket, now, self.amounts, self.deadline.since(now), false)?,
        };
        self.taken.get_or_insert((now, due));
        Ok(self.nap.next(now, due.at(&self.bucket.revision(), &self.amounts)))
    }
}

impl<B: Deref<Target: Waits<N> + Sized>, const N: usize> Waiter for Turn<B, N> {
    type Served = Granted<N>;
    type Refused = Refused<N>;

    fn now(&self) -> Time {
        self.bucket.now()
    }

    /// Comes once its sleep is over: nothing else wakes it.
    fn come(&mut self, now: Time, _: &Waker, slept: bool) -> Result<Come<Granted<N>>, Refused<N>> {
        if !slept {
            return Ok(Come::SleepsOn);
        }
        if let Some(sleep) = self.sleep(now)? {
            return Ok(Come::Sleeps(sleep));
        }
        if self.taken.is_some() {
            self.bucket.let_go(&self.amounts);
        }
        self.amounts = [0; N];
        Ok(Come::Served(self.bucket.take_nothing()))
    }
}

impl<B: Deref<Target: Waits<N> + Sized>, const N: usize> Drop for Turn<B, N> {
    fn drop(&mut self) {
        let Some((taken_at, due)) = self.taken else { return };
        if self.amounts == [0; N] {
            return;
        }
        // After its instant they count as used, as those of a reservation do.
        if due.at(&self.bucket.revision(), &self.amounts) > self.bucket.now() {
            give_back(&*self.bucket, taken_at, &self.amounts);
        }
        self.bucket.let_go(&self.amounts);
    }
}

impl<B: Deref<Target: Waits<N> + Sized>, const N: usize> fmt::Debug for Turn<B, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("amounts", &self.amounts).field("aim", &self.aim).finish_non_exhaustive()
    }
}
