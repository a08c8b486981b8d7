//! Owns a reservation's place behind those who wait, and the wait for it. Never gives it up by
//! itself.

use core::future::poll_fn;
use core::pin::pin;
use core::task::{Poll, Waker};
use std::sync::Arc;

use crate::clock::time::Time;
use crate::decision::refused::Refused;
use crate::decision::revision::Revision;
use crate::sync::Parker;
use crate::wait::holder::LineHolder;
use crate::wait::line::entry::{Aim, Ask, Ticket};
use crate::wait::line::standing::Standing;
use crate::wait::nap::Nap;
use crate::wait::timer::Timer;

/// The place of a reservation that was made behind others.
pub(crate) struct Place<'a, const N: usize> {
    bucket: LineHolder<'a, N>,
    ticket: Ticket,
    amounts: [u64; N],
}

impl<'a, const N: usize> Place<'a, N> {
    /// Takes a place at the end of the line; `None` if nobody is there any more, and the tokens
    /// were taken at once.
    pub(crate) fn new(
        bucket: LineHolder<'a, N>,
        now: Time,
        amounts: [u64; N],
        deadline: Time,
    ) -> Result<Option<Self>, Refused<N>> {
        let ask = Ask { amounts, deadline, aim: Aim::Reserve };
        let standing = bucket.queue().enter(now, &ask, bucket.wait_bounds(), None);
        match standing {
            Standing::Refused(refused) => Err(refused),
            Standing::Sleeps { ticket, .. } | Standing::Firm(ticket, _) => Ok(Some(Self { bucket, ticket, amounts })),
            Standing::Served(_) | Standing::Gone => Ok(None),
        }
    }

    /// When it is ready: an estimate until it is served, and [`Time::MAX`] if it never is.
    pub(crate) fn ready_at(&self) -> Time {
        let now = self.bucket.now();
        match self.bucket.queue().stands(self.ticket) {
            Standing::Sleeps { at, .. } if at <= now => self.come(now, None).map_or(Time::MAX, |(at, _)| at),
            Standing::Sleeps { at, .. } | Standing::Firm(_, at) => at,
            _ => Time::MAX,
        }
    }

    /// When it is ready, once that is certain. Never blocks.
    pub(crate) fn known_ready_at(&self) -> Option<Time> {
        self.bucket.queue().ready_at(self.ticket)
    }

    /// Lets the tokens be used. Never blocks.
    pub(crate) fn keep(&self) {
        self.bucket.queue().keep(self.bucket.now(), self.ticket);
    }

    /// Gives the tokens back. Never blocks.
    pub(crate) fn leave(&self) {
        self.bucket.queue().leave(self.bucket.now(), self.ticket);
    }

    /// Comes, and says when it is ready, and whether that is certain.
    fn come(&self, now: Time, waker: Option<&Waker>) -> Result<(Time, bool), Refused<N>> {
        let ask = Ask { amounts: self.amounts, deadline: Time::MAX, aim: Aim::Reserve };
        match self.bucket.queue().visit(now, &ask, self.ticket, waker) {
            Standing::Firm(_, at) => Ok((at, true)),
            Standing::Sleeps { at, .. } => Ok((at, false)),
            Standing::Refused(refused) => Err(refused),
            // The line was closed; or no debt of so many tokens can be kept under new limits.
            Standing::Gone | Standing::Served(_) => {
                let (Revision { limits, .. }, spent) = self.bucket.read();
                let (units, elapsed) = (limits.units(&self.amounts)?, limits.elapsed(now));
                match limits.owe(&spent, elapsed, &units, &limits.furthest_debts()) {
                    Some(_) => Err(Refused::Closed),
                    None => Err(limits.would_wait(&spent, elapsed, &units).behind(limits.ahead_of(now)).into()),
                }
            }
        }
    }

    /// Sleeps on this thread until it is ready.
    pub(crate) fn wait(&self) -> Result<(), Refused<N>> {
        let (parker, mut nap) = (Arc::new(Parker::new()), Nap::new());
        let waker = Waker::from(Arc::clone(&parker));
        loop {
            let now = self.bucket.now();
            let (at, certain) = self.come(now, Some(&waker))?;
            match nap.next(now, at) {
                Some(sleep) => parker.sleep(sleep),
                None if certain => return Ok(()),
                None => {}
            }
        }
    }

    /// Sleeps on `timer` until it is ready.
    pub(crate) async fn wait_on<T: Timer>(&self, timer: T) -> Result<(), Refused<N>> {
        let mut nap = Nap::new();
        loop {
            let now = self.bucket.now();
            let (at, certain) = poll_fn(|context| Poll::Ready(self.come(now, Some(context.waker())))).await?;
            let Some(sleep) = nap.next(now, at) else {
                if certain {
                    return Ok(());
                }
                continue;
            };
            let mut sleep = pin!(timer.sleep(sleep));
            poll_fn(|context| {
                let slept = sleep.as_mut().poll(context).is_ready();
                let now = self.bucket.now();
                let moved = match self.come(now, Some(context.waker())) {
                    Ok((again, certain)) => again != at || certain && again <= now,
                    Err(_) => true,
                };
                if slept || moved { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }
}
