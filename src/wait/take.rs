//! Owns the futures that wait for tokens, on any timer. Never decides whose turn it is.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::clock::time::Time;
#[cfg(feature = "std")]
use crate::wait::line::turn::Turn;
use crate::wait::timer::Timer;
#[cfg(not(feature = "std"))]
use crate::wait::unqueued::Turn;

/// The future of [`take_on`](crate::Bucket::take_on) and its kin: waits for tokens on a timer, and
/// takes them.
///
/// It takes its place at its first poll. Dropped before it is ready, it gives the place up and has
/// taken nothing. `B` points to the bucket: a reference, or an `Arc` for
/// `take_owned_on` and its kin. So a service can keep the future in a field.
///
/// It is `Send` if the bucket is `Sync`, and the timer and its sleep are `Send`, in generic code,
/// too:
///
/// ```
/// use tollgate::wait::Timer;
/// use tollgate::{Bucket, Granted, Refused};
///
/// fn take_one<B: Bucket<Amounts = u64>>(
///     bucket: &B,
///     timer: impl Timer<Sleep: Send> + Send,
/// ) -> impl Future<Output = Result<Granted, Refused>> + Send {
///     bucket.take_on(1, timer)
/// }
/// ```
pub type Take<B, T, const N: usize = 1> = Wait<Turn<B, N>, T>;

/// The future of [`until_available_on`](crate::Bucket::until_available_on): waits until tokens
/// could be taken, and takes nothing. It is `Send` where a [`Take`] is.
pub type UntilAvailable<B, T, const N: usize = 1> = Wait<Look<Turn<B, N>>, T>;

/// Somebody who comes until it is served.
pub trait Waiter {
    type Served;
    type Refused;

    fn now(&self) -> Time;

    /// Comes, or comes again. `slept` says whether its sleep is over.
    fn come(&mut self, now: Time, waker: &Waker, slept: bool) -> Result<Come<Self::Served>, Self::Refused>;
}

/// How a caller that has come goes on.
#[derive(Debug)]
pub enum Come<G> {
    Served(G),
    /// It sleeps for so long from now on.
    Sleeps(Duration),
    /// It goes on sleeping.
    SleepsOn,
}

/// A caller that takes nothing when it is served.
#[derive(Debug)]
pub struct Look<W>(pub(crate) W);

impl<W: Waiter> Waiter for Look<W> {
    type Served = ();
    type Refused = W::Refused;

    fn now(&self) -> Time {
        self.0.now()
    }

    fn come(&mut self, now: Time, waker: &Waker, slept: bool) -> Result<Come<()>, W::Refused> {
        Ok(match self.0.come(now, waker, slept)? {
            Come::Served(_) => Come::Served(()),
            Come::Sleeps(sleep) => Come::Sleeps(sleep),
            Come::SleepsOn => Come::SleepsOn,
        })
    }
}

pin_project! {
    /// A wait in turn on a timer: [`Take`] or [`UntilAvailable`].
    #[must_use = "a future does nothing before it is polled"]
    pub struct Wait<W, T: Timer> {
        waiter: W,
        timer: T,
        #[pin]
        sleep: Option<T::Sleep>,
    }
}

impl<W: Waiter, T: Timer> Wait<W, T> {
    pub(crate) fn new(waiter: W, timer: T) -> Self {
        Self { waiter, timer, sleep: None }
    }
}

impl<W: Waiter, T: Timer> Future for Wait<W, T> {
    type Output = Result<W::Served, W::Refused>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut slept = match this.sleep.as_mut().as_pin_mut() {
            Some(sleep) => sleep.poll(context).is_ready(),
            None => true,
        };
        loop {
            let ended = match this.waiter.come(this.waiter.now(), context.waker(), slept) {
                Ok(Come::SleepsOn) => return Poll::Pending,
                Ok(Come::Sleeps(sleep)) => {
                    this.sleep.set(Some(this.timer.sleep(sleep)));
                    None
                }
                Ok(Come::Served(served)) => Some(Ok(served)),
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

impl<W, T: Timer> fmt::Debug for Wait<W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("sleeps", &self.sleep.is_some()).finish_non_exhaustive()
    }
}
