//! Owns one caller's wait in the line: of a task, or of a thread. Never decides whose turn it is.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::sync::Arc;

use crate::clock::time::Time;
use crate::decision::refused::Refused;
use crate::sync::Parker;
use crate::wait::line::entry::{Ask, Ticket};
use crate::wait::line::queue::Standing;
use crate::wait::timer::Timer;
use crate::wait::waits::Queueing;

/// A place in the line, given up on drop.
struct Turn<'a, const N: usize> {
    bucket: &'a dyn Queueing<N>,
    ask: Ask<N>,
    ticket: Option<Ticket>,
}

impl<'a, const N: usize> Turn<'a, N> {
    fn new(bucket: &'a dyn Queueing<N>, amounts: [u64; N], deadline: Time) -> Self {
        Self { bucket, ask: Ask { amounts, deadline, reserved: false }, ticket: None }
    }

    /// Enters the line, or comes again; `None` if served, else when to come.
    fn come(&mut self, now: Time, waker: &Waker) -> Result<Option<Time>, Refused<N>> {
        let queue = self.bucket.queue();
        let mut standing = match self.ticket {
            Some(ticket) => queue.visit(now, &self.ask, ticket, Some(waker)),
            None => self.enter(now, waker)?,
        };
        if let Standing::Gone = standing {
            self.ticket = None;
            standing = self.enter(now, waker)?;
        }
        self.ticket = None;
        match standing {
            Standing::Sleeps(ticket, at) => {
                self.ticket = Some(ticket);
                Ok(Some(at))
            }
            Standing::Refused(refused) => Err(refused),
            // Only reservations become firm.
            Standing::Served | Standing::Firm(..) => Ok(None),
            // It was called and removed within this very call: it enters anew at once.
            Standing::Gone => Ok(Some(now)),
        }
    }

    fn enter(&self, now: Time, waker: &Waker) -> Result<Standing<N>, Refused<N>> {
        let bounds = self.bucket.wait_bounds();
        self.bucket.revision().limits.check(&self.ask.amounts)?;
        let deadline = self.ask.deadline.min(now.after(bounds.max_wait));
        let ask = Ask { deadline, ..self.ask };
        Ok(self.bucket.queue().enter(now, &ask, bounds, Some(waker)))
    }
}

impl<const N: usize> Drop for Turn<'_, N> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.bucket.queue().leave(self.bucket.now(), ticket);
        }
    }
}

/// How long to sleep until then. On a clock that stands still it doubles, up to a tenth of a
/// second.
fn nap(stuck: &mut u8, seen: &mut Time, now: Time, at: Time) -> Duration {
    *stuck = if *seen == now { (*stuck + 1).min(11) } else { 0 };
    *seen = now;
    let least = if *stuck == 0 { Duration::ZERO } else { Duration::from_micros(50 << *stuck) };
    at.since(now).max(least.min(Duration::from_millis(100)))
}

/// Waits in the line on `timer`; enters it at the first poll.
pub(crate) fn take<'a, const N: usize, T: Timer>(
    bucket: &'a dyn Queueing<N>,
    amounts: [u64; N],
    timeout: Duration,
    timer: T,
) -> impl Future<Output = Result<(), Refused<N>>> + use<'a, N, T> {
    let mut turn = Turn::new(bucket, amounts, bucket.now().after(timeout));
    async move {
        if turn.ask.amounts == [0; N] {
            return Ok(());
        }
        let (mut stuck, mut seen) = (0, Time::MAX);
        let mut next = poll_fn(|context| Poll::Ready(turn.come(turn.bucket.now(), context.waker()))).await?;
        while let Some(at) = next {
            let mut sleep = pin!(timer.sleep(nap(&mut stuck, &mut seen, turn.bucket.now(), at)));
            next = poll_fn(|context| {
                let slept = sleep.as_mut().poll(context).is_ready();
                match turn.come(turn.bucket.now(), context.waker()) {
                    Ok(Some(again)) if again == at && !slept => Poll::Pending,
                    next => Poll::Ready(next),
                }
            })
            .await?;
        }
        Ok(())
    }
}

/// Waits in the line on this thread.
pub(crate) fn take_blocking<const N: usize>(
    bucket: &dyn Queueing<N>,
    amounts: [u64; N],
    timeout: Duration,
) -> Result<(), Refused<N>> {
    if amounts == [0; N] {
        return Ok(());
    }
    let mut now = bucket.now();
    let mut turn = Turn::new(bucket, amounts, now.after(timeout));
    let parker = Arc::new(Parker::new());
    let waker = Waker::from(Arc::clone(&parker));
    let (mut stuck, mut seen) = (0, Time::MAX);
    while let Some(at) = turn.come(now, &waker)? {
        parker.sleep(nap(&mut stuck, &mut seen, now, at));
        now = bucket.now();
    }
    Ok(())
}
