//! Owns one caller's place in the line, and its wait on a thread. Never decides whose turn it is.

use core::fmt;
use core::ops::Deref;
use core::task::Waker;
use core::time::Duration;
use std::sync::Arc;

use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::refused::Refused;
use crate::state::store::Waitable;
use crate::sync::Parker;
use crate::wait::cancel::Cancel;
use crate::wait::line::entry::{Aim, Ask, Ticket};
use crate::wait::line::standing::Standing;
use crate::wait::nap::Still;
use crate::wait::take::{Come, Waiter};
use crate::wait::waits::Waits;

/// A place in the line, given up on drop.
pub struct Turn<B, const N: usize>
where
    B: Deref<Target: Waits<N> + Sized>,
{
    bucket: B,
    /// All 0 once the caller was served: nothing is left to wait for.
    amounts: [u64; N],
    deadline: Time,
    /// [`NOWHERE`] without a place.
    ticket: Ticket,
    still: Still,
    aim: Aim,
}

/// The ticket of nobody.
const NOWHERE: Ticket = Ticket { index: u32::MAX, turn: 0 };

impl<B: Deref<Target: Waits<N> + Sized>, const N: usize> Turn<B, N> {
    /// The timeout counts from `now`.
    pub(crate) fn new(bucket: B, now: Time, amounts: [u64; N], timeout: Duration, aim: Aim) -> Self {
        let deadline = now.after(timeout);
        Self { bucket, amounts, deadline, ticket: NOWHERE, still: Still::new(), aim }
    }

    /// Waits on this thread from `now` on, unless it is cancelled.
    pub(crate) fn wait_blocking(mut self, mut now: Time, cancel: Option<&Cancel>) -> Result<Granted<N>, Refused<N>> {
        let parker = Arc::new(Parker::new());
        let waker = Waker::from(Arc::clone(&parker));
        if let Some(cancel) = cancel {
            cancel.enter(&waker);
        }
        let answer = loop {
            if cancel.is_some_and(Cancel::is_cancelled) {
                break Err(Refused::Cancelled);
            }
            // Whoever wakes a thread, it does not know how long it slept.
            match self.come(now, &waker, true) {
                Ok(Come::Sleeps(sleep)) => parker.sleep(sleep),
                Ok(Come::SleepsOn) => {}
                Ok(Come::Served(granted)) => break Ok(granted),
                Err(refused) => break Err(refused),
            }
            now = self.bucket.now();
        };
        if let Some(cancel) = cancel {
            cancel.leave(&waker);
        }
        answer
    }

    fn enter(&self, now: Time, ask: Ask<N>, waker: &Waker) -> Result<Standing<N>, Refused<N>> {
        let bounds = self.bucket.wait_bounds();
        self.bucket.revision().limits.check(&ask.amounts)?;
        let ask = Ask { deadline: ask.deadline.min(now.after(bounds.max_wait)), ..ask };
        Ok(self.bucket.queue().enter(now, &ask, bounds, Some(waker)))
    }
}

impl<B: Deref<Target: Waits<N> + Sized>, const N: usize> Waiter for Turn<B, N> {
    type Served = Granted<N>;
    type Refused = Refused<N>;

    fn now(&self) -> Time {
        self.bucket.now()
    }

    /// Enters the line, or comes again. `slept` says whether its sleep is over.
    fn come(&mut self, now: Time, waker: &Waker, slept: bool) -> Result<Come<Granted<N>>, Refused<N>> {
        if self.amounts == [0; N] {
            return Ok(Come::Served(self.bucket.take_nothing()));
        }
        let ask = Ask { amounts: self.amounts, deadline: self.deadline, aim: self.aim };
        let ticket = core::mem::replace(&mut self.ticket, NOWHERE);
        let mut standing = Standing::Gone;
        if ticket != NOWHERE {
            standing = self.bucket.queue().visit(now, &ask, ticket, Some(waker));
        }
        if let Standing::Gone = standing {
            standing = self.enter(now, ask, waker)?;
        }
        match standing {
            Standing::Sleeps { ticket, at, anew, still } => {
                self.ticket = ticket;
                if !anew && !slept {
                    return Ok(Come::SleepsOn);
                }
                // Only a sleep that ended says that the clock stands still.
                Ok(Come::Sleeps(self.still.sleep(at.since(now), still && slept && !anew)))
            }
            Standing::Refused(refused) => Err(refused),
            Standing::Served(granted) => {
                self.amounts = [0; N];
                Ok(Come::Served(granted))
            }
            // It was called and removed within this very call: it enters anew at once. Only
            // reservations become firm.
            Standing::Gone | Standing::Firm(..) => Ok(Come::Sleeps(Duration::ZERO)),
        }
    }
}

impl<B: Deref<Target: Waits<N> + Sized>, const N: usize> Drop for Turn<B, N> {
    fn drop(&mut self) {
        if self.ticket != NOWHERE {
            self.bucket.queue().leave(self.bucket.now(), self.ticket);
        }
    }
}

impl<B: Deref<Target: Waits<N> + Sized>, const N: usize> fmt::Debug for Turn<B, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("amounts", &self.amounts).field("aim", &self.aim).finish_non_exhaustive()
    }
}

/// Waits for a turn on this thread, unless it is cancelled.
pub(crate) fn wait_blocking<const N: usize>(
    bucket: &impl Waits<N>,
    amounts: [u64; N],
    timeout: Duration,
    aim: Aim,
    cancel: Option<&Cancel>,
) -> Result<Granted<N>, Refused<N>> {
    let now = bucket.now();
    Turn::new(bucket, now, amounts, timeout, aim).wait_blocking(now, cancel)
}
