//! Owns how a thread sleeps until it is woken.

use std::sync::Arc;
use std::task::Wake;
use std::time::Duration;

#[cfg(tollgate_shuttle)]
use shuttle::thread::{Thread, current, park_timeout};
#[cfg(not(any(loom, tollgate_shuttle)))]
use std::thread::{Thread, current, park_timeout};

/// The waker of a thread.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct Parker(Thread);

#[cfg(not(loom))]
impl Parker {
    /// Of this thread.
    pub(crate) fn new() -> Self {
        Self(current())
    }

    /// Sleeps until woken, or for so long; or by chance less.
    pub(crate) fn sleep(&self, most: Duration) {
        park_timeout(most);
    }
}

#[cfg(not(loom))]
impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Loom's threads have no time: who is not woken is a deadlock, which loom reports.
#[cfg(loom)]
#[derive(Debug)]
pub(crate) struct Parker(loom::sync::Notify);

#[cfg(loom)]
impl Parker {
    pub(crate) fn new() -> Self {
        Self(loom::sync::Notify::new())
    }

    pub(crate) fn sleep(&self, _: Duration) {
        self.0.wait();
    }
}

#[cfg(loom)]
impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}
