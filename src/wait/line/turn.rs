//! Owns one caller's wait in the line: of a task, or of a thread. Never decides whose turn it is.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use core::time::Duration;
use std::sync::Arc;

use pin_project_lite::pin_project;

use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::refused::Refused;
use crate::sync::Parker;
use crate::wait::cancel::Cancel;
use crate::wait::line::entry::{Aim, Ask, Ticket};
use crate::wait::line::standing::Standing;
use crate::wait::nap::Still;
use crate::wait::timer::Timer;
use crate::wait::waits::Queueing;

/// A place in the line, given up on drop.
pub(crate) struct Turn<'a, const N: usize> {
    bucket: &'a dyn Queueing<N>,
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

/// How a caller that has come goes on.
enum Come<const N: usize> {
    Served(Granted<N>),
    /// It sleeps for so long from now on.
    Sleeps(Duration),
    /// It goes on sleeping.
    SleepsOn,
}

impl<'a, const N: usize> Turn<'a, N> {
    /// The timeout counts from `now`.
    pub(crate) fn new(bucket: &'a dyn Queueing<N>, now: Time, amounts: [u64; N], timeout: Duration, aim: Aim) -> Self {
        let deadline = now.after(timeout);
        Self { bucket, amounts, deadline, ticket: NOWHERE, still: Still::new(), aim }
    }

    /// Enters the line, or comes again. `slept` says whether its sleep is over.
    fn come(&mut self, now: Time, waker: &Waker, slept: bool) -> Result<Come<N>, Refused<N>> {
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

    fn enter(&self, now: Time, ask: Ask<N>, waker: &Waker) -> Result<Standing<N>, Refused<N>> {
        let bounds = self.bucket.wait_bounds();
        self.bucket.revision().limits.check(&ask.amounts)?;
        let ask = Ask { deadline: ask.deadline.min(now.after(bounds.max_wait)), ..ask };
        Ok(self.bucket.queue().enter(now, &ask, bounds, Some(waker)))
    }
}

impl<const N: usize> Drop for Turn<'_, N> {
    fn drop(&mut self) {
        if self.ticket != NOWHERE {
            self.bucket.queue().leave(self.bucket.now(), self.ticket);
        }
    }
}

/// Waits for a turn on this thread, unless it is cancelled.
pub(crate) fn wait_blocking<const N: usize>(
    bucket: &dyn Queueing<N>,
    amounts: [u64; N],
    timeout: Duration,
    aim: Aim,
    cancel: Option<&Cancel>,
) -> Result<Granted<N>, Refused<N>> {
    let mut now = bucket.now();
    let mut turn = Turn::new(bucket, now, amounts, timeout, aim);
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
        match turn.come(now, &waker, true) {
            Ok(Come::Sleeps(sleep)) => parker.sleep(sleep),
            Ok(Come::SleepsOn) => {}
            Ok(Come::Served(granted)) => break Ok(granted),
            Err(refused) => break Err(refused),
        }
        now = bucket.now();
    };
    if let Some(cancel) = cancel {
        cancel.leave(&waker);
    }
    answer
}

/// Waits for a turn on `timer`. The timeout counts from this call.
pub(crate) fn wait<const N: usize, T: Timer>(
    bucket: &dyn Queueing<N>,
    amounts: [u64; N],
    timeout: Duration,
    aim: Aim,
    timer: T,
) -> Wait<Turn<'_, N>, T> {
    Wait { turn: Turn::new(bucket, bucket.now(), amounts, timeout, aim), timer, sleep: None }
}

pin_project! {
    /// A wait for a turn on a timer. It enters the line at the first poll.
    pub(crate) struct Wait<W, T: Timer> {
        turn: W,
        timer: T,
        #[pin]
        sleep: Option<T::Sleep>,
    }
}

impl<const N: usize, T: Timer> Future for Wait<Turn<'_, N>, T> {
    type Output = Result<Granted<N>, Refused<N>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut slept = match this.sleep.as_mut().as_pin_mut() {
            Some(sleep) => sleep.poll(context).is_ready(),
            None => true,
        };
        loop {
            let ended = match this.turn.come(this.turn.bucket.now(), context.waker(), slept) {
                Ok(Come::SleepsOn) => return Poll::Pending,
                Ok(Come::Sleeps(sleep)) => {
                    this.sleep.set(Some(this.timer.sleep(sleep)));
                    None
                }
                Ok(Come::Served(granted)) => Some(Ok(granted)),
                Err(refused) => Some(Err(refused)),
            };
            if let Some(ended) = ended {
                this.sleep.set(None);
                return Poll::Ready(ended);
            }
            if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
                ready!(sleep.poll(context));
            }
            slept = true;
        }
    }
}
