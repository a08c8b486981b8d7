//! Owns what a payer holds of one limit: the bytes that are paid and have not passed. Never passes
//! a byte.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::boxed::Box;
use std::io;

use crate::io::purse::{Purse, Unpaid};
use crate::io::sizes::Sizes;

/// How many payments it makes by the same sizes: limits may change.
const LOOK_AGAIN: u32 = 64;

/// One limit of a payer.
pub(crate) struct Account {
    purse: Pin<Box<dyn Purse + Send>>,
    /// Bytes that are paid and have not passed.
    pub(crate) paid: u64,
    pub(crate) sizes: Sizes,
    chosen: Option<u64>,
    /// Payments since the limits were looked at.
    payments: u32,
    /// Whether a sleep of [`poll_idle`](Self::poll_idle) is in progress.
    sleeps: bool,
    /// Whether bytes passed since it began.
    passed: bool,
}

impl Account {
    pub(crate) fn new(mut purse: Pin<Box<dyn Purse + Send>>, chosen: Option<u64>) -> Self {
        let sizes = purse.as_mut().look(chosen);
        Self { purse, paid: 0, sizes, chosen, payments: 0, sleeps: false, passed: false }
    }

    pub(crate) fn choose(&mut self, chunk: u64) {
        self.chosen = Some(chunk);
        self.look();
    }

    pub(crate) fn expire_after(&mut self, after: Duration) {
        self.purse.as_mut().expire_after(after);
    }

    fn look(&mut self) {
        self.payments = 0;
        self.sizes = self.purse.as_mut().look(self.chosen);
    }

    /// Pays for up to `want` bytes without a wait, and says whether any are paid.
    fn pay_now(&mut self, want: u64) -> io::Result<bool> {
        self.payments += 1;
        if self.payments > LOOK_AGAIN {
            self.look();
        }
        loop {
            let want = want.min(self.sizes.piece);
            if self.paid >= want {
                return Ok(true);
            }
            match self.purse.as_mut().take(want - self.paid) {
                Ok(bytes) => self.paid += bytes,
                // What is paid passes first, whatever the bucket says to more.
                Err(_) if self.paid > 0 => {}
                Err(Unpaid::NotYet(wait)) => {
                    self.look();
                    self.sizes.wait = wait.clamp(1, self.sizes.piece);
                    return Ok(false);
                }
                Err(Unpaid::Never(bytes, error)) => self.shrink(bytes, error)?,
                Err(Unpaid::Refused(error)) => return Err(error),
            }
            if self.paid > 0 {
                return Ok(true);
            }
        }
    }

    /// Looks at the limits again, as so many bytes are above the capacity. One byte that is will
    /// never pass.
    fn shrink(&mut self, refused: u64, error: io::Error) -> io::Result<()> {
        self.look();
        if refused <= 1 {
            return Err(error);
        }
        // The limits may have grown meanwhile, and shrink again: each refusal still asks for less.
        self.sizes.piece = self.sizes.piece.min(refused / 2);
        Ok(())
    }

    /// How many bytes a wait is for.
    ///
    /// By default it is the same for all buffers, so that callers get equal shares, and soon. Who
    /// chose a chunk has asked for longer waits.
    fn awaited(&self, want: u64) -> u64 {
        let want = if self.chosen.is_some() { want } else { 0 };
        want.max(self.sizes.wait).min(self.sizes.piece)
    }

    /// Pays for up to `want` bytes, at least one, on this thread.
    #[inline]
    pub(crate) fn pay(&mut self, want: u64) -> io::Result<()> {
        if self.paid < want { self.pay_more(want) } else { Ok(()) }
    }

    #[cold]
    fn pay_more(&mut self, want: u64) -> io::Result<()> {
        while !self.pay_now(want)? {
            let awaited = self.awaited(want);
            match self.purse.as_mut().wait(awaited) {
                Ok(()) => self.paid += awaited,
                Err(Unpaid::NotYet(_)) => {}
                Err(Unpaid::Never(bytes, error)) => self.shrink(bytes, error)?,
                Err(Unpaid::Refused(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// The same in a task.
    #[inline]
    pub(crate) fn poll_pay(&mut self, context: &mut Context<'_>, want: u64) -> Poll<io::Result<()>> {
        if self.paid < want { self.poll_pay_more(context, want) } else { Poll::Ready(Ok(())) }
    }

    #[cold]
    fn poll_pay_more(&mut self, context: &mut Context<'_>, want: u64) -> Poll<io::Result<()>> {
        while self.purse.waits() || !self.pay_now(want)? {
            let awaited = self.awaited(want);
            match ready!(self.purse.as_mut().poll_wait(context, awaited)) {
                Ok(bytes) => self.paid += bytes,
                Err(Unpaid::NotYet(_)) => {}
                Err(Unpaid::Never(bytes, error)) => self.shrink(bytes, error)?,
                Err(Unpaid::Refused(error)) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Counts bytes that passed.
    #[inline]
    pub(crate) fn pass(&mut self, bytes: u64) {
        self.paid = self.paid.saturating_sub(bytes);
        self.passed = true;
    }

    /// Gives back what is held once nothing has passed for so long. The task is woken for it.
    pub(crate) fn poll_idle(&mut self, context: &mut Context<'_>, expiry: Duration) {
        while self.paid > 0 {
            if !core::mem::replace(&mut self.sleeps, true) {
                self.passed = false;
            }
            if self.purse.as_mut().poll_sleep(context, expiry).is_pending() {
                return;
            }
            self.sleeps = false;
            if !self.passed {
                self.give_back();
            }
        }
    }

    /// Gives back what is held, unless it waits for more: it keeps its place in the line.
    pub(crate) fn rest(&mut self) {
        if !self.purse.waits() {
            self.give_back();
        }
    }

    pub(crate) fn give_back(&mut self) {
        let paid = core::mem::take(&mut self.paid);
        self.sleeps = false;
        self.purse.as_mut().give_back(paid);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.give_back();
    }
}
