//! Owns how one thread that waits is let go by another. Never touches a bucket.

use core::fmt;
use core::mem;
use core::task::Waker;

use crate::sync::Lock;
use crate::wait::line::wakers::{Wakers, Woken};

/// Lets threads go that wait on it: see
/// [`Bucket::take_blocking_unless`](crate::Bucket::take_blocking_unless).
///
/// Any number of threads may wait on one, each on any bucket. Once cancelled, it stays so. A task
/// needs none: its wait ends when its future is dropped. [`close`](crate::Bucket::close) lets all
/// go who wait on a bucket.
///
/// ```
/// use std::thread;
/// use std::time::Duration;
/// use tollgate::wait::Cancel;
/// use tollgate::{Limit, Refused, TokenBucket};
///
/// let bucket = TokenBucket::new(Limit::per_hour(1).empty())?;
/// let stop = Cancel::new();
/// thread::scope(|scope| {
///     let worker = scope.spawn(|| bucket.take_blocking_unless(1, Duration::MAX, &stop));
///     stop.cancel();
///     assert_eq!(worker.join().unwrap(), Err(Refused::Cancelled));
/// });
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub struct Cancel {
    /// Those who wait; `None` once it is cancelled.
    waiting: Lock<Option<Wakers>>,
}

impl Cancel {
    /// Makes one that is not cancelled.
    pub fn new() -> Self {
        Self { waiting: Lock::new(Some(Wakers::default())) }
    }

    /// Lets all threads go that wait on it, and those that come later.
    pub fn cancel(&self) {
        let waiting = mem::take(&mut *self.waiting.lock());
        drop(waiting.map(Woken));
    }

    /// Returns whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.waiting.lock().is_none()
    }

    /// Wakes this waiter if it is cancelled, also if it was already.
    pub(crate) fn enter(&self, waker: &Waker) {
        match &mut *self.waiting.lock() {
            Some(waiting) => waiting.push(waker.clone()),
            None => waker.wake_by_ref(),
        }
    }

    /// Forgets this waiter.
    pub(crate) fn leave(&self, waker: &Waker) {
        if let Some(waiting) = &mut *self.waiting.lock() {
            waiting.remove(waker);
        }
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("is_cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}
