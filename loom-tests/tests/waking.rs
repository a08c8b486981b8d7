//! Sleepers wake when the limits change, in either order. A sleep never ends by itself here, so a
//! missed wake is a deadlock.
#![cfg(all(loom, feature = "keys"))]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::sync::Notify;
use loom_tests::thread;
use loom_tests::{limit, model, multi_bucket};
use tollgate::clock::ManualClock;
use tollgate::limit::Inherit;
use tollgate::wait::Timer;
use tollgate::{Limit, MultiBucket, Rate};

/// The waker of a task.
struct Alarm(Notify);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Runs a future on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let alarm = Arc::new(Alarm(Notify::new()));
    let waker = Waker::from(Arc::clone(&alarm));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => alarm.0.wait(),
        }
    }
}

/// A timer whose sleeps never end.
struct Never;

impl Timer for Never {
    type Sleep = std::future::Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        std::future::pending()
    }
}

const HOUR: Duration = Duration::from_secs(3600);

model! {
    /// A resume wakes a thread that waits for a reservation, however far it has fallen asleep.
    ///
    /// Two threads, one resume and one reservation of available tokens, which sleeps or finds the
    /// pause over; exhaustive. Fails if a waiter computes its sleep before it listens. Fails if a
    /// change notifies before it publishes the limits.
    a_thread_that_falls_asleep_beside_a_resume_is_woken, None, 10, [[2]], || {
        let bucket = multi_bucket::<1, 3>([3]);
        bucket.pause_for(HOUR);
        let waiter = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.reserve([1]).unwrap().wait().unwrap())
        };
        bucket.resume();
        waiter.join().unwrap();
        bucket.available()
    }
}

model! {
    /// A resume wakes a task that waits for a reservation, however far it has fallen asleep.
    ///
    /// Two threads, one resume and one reservation that sleeps or finds the pause over, as a future
    /// on a thread of its own; exhaustive. Fails if a resume wakes nobody, or a task looks before
    /// it listens.
    a_task_that_falls_asleep_beside_a_resume_is_woken, None, 10, [[2]], || {
        let bucket = multi_bucket::<1, 3>([3]);
        bucket.pause_for(HOUR);
        let waiter = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || block_on(bucket.reserve([1]).unwrap().wait_on(Never)).unwrap())
        };
        bucket.resume();
        waiter.join().unwrap();
        bucket.available()
    }
}

model! {
    /// A change that fills the bucket wakes a thread that waits for a reservation.
    ///
    /// Two threads, one change that fills the bucket, and one reservation; exhaustive. Fails if a
    /// change does not notify.
    who_waits_for_a_reservation_beside_a_change_is_woken, None, 10, [[2], [3]], || {
        let bucket = MultiBucket::<1, _, 3>::with_slots([Limit::new(Rate::new(1, HOUR).unwrap(), 3).empty()], ManualClock::new());
        let bucket = Arc::new(bucket.unwrap());
        let waiter = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.reserve([1]).unwrap().wait().unwrap())
        };
        bucket.set_limits_with([limit(3)], Inherit::Reset).unwrap();
        waiter.join().unwrap();
        bucket.available()
    }
}
