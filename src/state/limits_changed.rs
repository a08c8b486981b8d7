//! Owns how those who sleep learn that the limits have changed; never knows what they wait for, and
//! takers never look at it.
//!
//! A sleeper listens first, then works out how long to sleep, and then sleeps. Whoever changes the
//! limits publishes them first and then rings. So whichever is first, the sleeper has seen the new
//! limits or is woken: between listening and ringing there is one order for all threads, which the
//! list of listeners makes sure of (by a fence that is sequentially consistent on both sides, in
//! `event_listener`).

#[cfg(feature = "std")]
use {
    crate::sync::{Event, Listener, listen},
    core::{future::Future, future::poll_fn, pin::Pin, pin::pin, task::Poll},
    std::time::Duration,
};

/// What sleepers listen to. Without `std` it is mute, and a sleep lasts as long as it was going to.
#[derive(Debug)]
pub struct LimitsChanged {
    #[cfg(feature = "std")]
    event: Event,
}

impl LimitsChanged {
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(feature = "std")]
            event: Event::new(),
        }
    }

    /// Wakes all who listen. Where nobody does, it is a fence and a load.
    pub(crate) fn notify(&self) {
        #[cfg(feature = "std")]
        self.event.notify(usize::MAX);
    }

    /// Sleeps for as long as `left` says, or until it rings; `false` if `left` says that nothing is
    /// left.
    #[cfg(feature = "std")]
    pub(crate) fn sleep<E>(&self, left: impl FnOnce() -> Result<Option<Duration>, E>) -> Result<bool, E> {
        listen!(&self.event => listener);
        let Some(sleep) = left()? else { return Ok(false) };
        let _ = listener.wait_timeout(sleep);
        Ok(true)
    }

    /// What a task listens to, before it works out how long to sleep.
    #[cfg(feature = "std")]
    pub(crate) fn event(&self) -> &Event {
        &self.event
    }
}

/// Sleeps until it rings or the sleep is over.
#[cfg(feature = "std")]
pub(crate) async fn notified_or(mut notified: impl Future<Output = ()> + Unpin, sleep: impl Future<Output = ()>) {
    let mut sleep = pin!(sleep);
    poll_fn(|context| {
        let woken = Pin::new(&mut notified).poll(context).is_ready();
        if woken || sleep.as_mut().poll(context).is_ready() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
