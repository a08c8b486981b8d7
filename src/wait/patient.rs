//! Owns the wait of those who go on where nobody knows for how long: at a rate of 0, or in a pause
//! without an end. Never decides whose turn it is.

extern crate alloc;

use alloc::sync::Arc;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::decision::refused::Refused;
use crate::wait::take::Take;
use crate::wait::timer::Timer;
use crate::wait::waits::{self, Waits};

/// After how long it is asked again where nobody knows the wait.
pub(crate) const AGAIN: Duration = Duration::from_millis(100);

/// The wait for a bucket of `N` streams.
pub(crate) type PatientTake<B, T, const N: usize> = Patient<Take<Arc<B>, T, N>, <T as Timer>::Sleep>;

pin_project! {
    /// A place for a wait in turn, which takes. Where nobody knows the wait, it asks again and
    /// again.
    ///
    /// Dropped in between, it has taken nothing.
    #[derive(Debug)]
    pub struct Patient<F, S> {
        #[pin]
        take: Option<F>,
        #[pin]
        sleep: Option<S>,
    }
}

impl<F, S> Patient<F, S> {
    pub(crate) const fn new() -> Self {
        Self { take: None, sleep: None }
    }

    /// Whether a wait is in progress.
    pub(crate) const fn waits(&self) -> bool {
        self.take.is_some() || self.sleep.is_some()
    }

    /// Ends the wait. It has taken nothing.
    #[cfg(feature = "io")]
    pub(crate) fn leave(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.take.set(None);
        this.sleep.set(None);
    }
}

impl<B: Waits<N>, T: Timer + Clone, const N: usize> Patient<Take<Arc<B>, T, N>, T::Sleep> {
    /// Begins a wait for these amounts, or goes on with the one in progress.
    pub(crate) fn poll_take(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        (bucket, amounts, timer): (&Arc<B>, [u64; N], &T),
    ) -> Poll<Result<(), Refused<N>>> {
        let mut this = self.project();
        loop {
            if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
                let _ = ready!(sleep.poll(context));
                this.sleep.set(None);
            }
            if this.take.is_none() {
                this.take.set(Some(waits::take(Arc::clone(bucket), amounts, Duration::MAX, timer.clone())));
            }
            let Some(take) = this.take.as_mut().as_pin_mut() else { continue };
            let taken = ready!(take.poll(context));
            this.take.set(None);
            match taken {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(refused) if is_unknown(&refused) => this.sleep.set(Some(timer.sleep(AGAIN))),
                Err(refused) => return Poll::Ready(Err(refused)),
            }
        }
    }
}

/// Whether nobody knows when the tokens come.
pub(crate) fn is_unknown<const N: usize>(refused: &Refused<N>) -> bool {
    matches!(refused, Refused::NotYet(not_yet) if not_yet.wait().is_none())
}
