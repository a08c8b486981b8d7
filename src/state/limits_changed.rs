//! Owns how sleepers learn that the limits have changed. It never knows what they wait for, and
//! takers never touch it.
//!
//! A sleeper listens, then computes how long to sleep, and then sleeps. A thread that changes the
//! limits publishes them, and then notifies. So the sleeper has seen the new limits, or is woken.
//! For this, listening and notifying need one order for all threads. `event_listener` gives it, by
//! a sequentially consistent fence on both sides.

use crate::sync::const_fn;
#[cfg(feature = "std")]
use {
    crate::sync::{Event, Listener, listen},
    core::{future::Future, future::poll_fn, pin::Pin, pin::pin, task::Poll},
    std::time::Duration,
};

/// The event that sleepers listen to. Without `std` it never wakes a sleeper early.
#[derive(Debug)]
pub struct LimitsChanged {
    #[cfg(feature = "std")]
    event: Event,
}

impl LimitsChanged {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self {
                #[cfg(feature = "std")]
                event: Event::new(),
            }
        }
    }

    /// Wakes all listeners. Without a listener it costs a fence and a load.
    pub(crate) fn notify(&self) {
        #[cfg(feature = "std")]
        self.event.notify(usize::MAX);
    }

    /// Wakes all listeners when what this returns is dropped, also where a waker panics before.
    #[cfg(feature = "keys")]
    pub(crate) fn notify_last(&self) -> impl Drop {
        struct Last<'e>(&'e LimitsChanged);

        impl Drop for Last<'_> {
            fn drop(&mut self) {
                self.0.notify();
            }
        }

        Last(self)
    }

    /// Sleeps for the time that `left` returns, or until notified; `false` for no time.
    #[cfg(feature = "std")]
    pub(crate) fn sleep<E>(&self, left: impl FnOnce() -> Result<Option<Duration>, E>) -> Result<bool, E> {
        listen!(&self.event => listener);
        let Some(sleep) = left()? else { return Ok(false) };
        let _ = listener.wait_timeout(sleep);
        Ok(true)
    }

    /// Returns the event that a task listens to before it computes how long to sleep.
    #[cfg(feature = "std")]
    pub(crate) fn event(&self) -> &Event {
        &self.event
    }
}

/// Sleeps until notified, or until the sleep ends.
#[cfg(feature = "std")]
pub(crate) async fn notified_or(mut notified: impl Future<Output = ()> + Unpin, sleep: impl Future) {
    let mut sleep = pin!(sleep);
    poll_fn(|context| {
        let woken = Pin::new(&mut notified).poll(context).is_ready();
        if woken || sleep.as_mut().poll(context).is_ready() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
