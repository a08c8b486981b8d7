//! Owns how a thread runs a future that sleeps: it parks until the sleep ends or it is woken. It
//! never reads a bucket's clock.

use core::cell::Cell;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::sync::Parker;
use crate::wait::timer::Timer;

/// The timer of one thread. It knows when the thread's sleep ends.
pub(crate) struct ParkTimer(Rc<Cell<Option<Instant>>>);

/// A sleep that tells the thread its end when it is polled.
pub(crate) struct ParkSleep {
    end: Option<Instant>,
    thread: Rc<Cell<Option<Instant>>>,
}

/// The longest time for which the thread parks, after which it looks again.
const LONGEST: Duration = Duration::from_secs(3600);

impl Timer for ParkTimer {
    type Sleep = ParkSleep;

    fn sleep(&self, duration: Duration) -> ParkSleep {
        ParkSleep { end: Instant::now().checked_add(duration), thread: Rc::clone(&self.0) }
    }
}

impl Future for ParkSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.end.is_some_and(|end| end <= Instant::now()) {
            return Poll::Ready(());
        }
        self.thread.set(self.end);
        Poll::Pending
    }
}

/// Runs on this thread the future that `make` makes with this thread's timer.
pub(crate) fn block_on<F: Future>(make: impl FnOnce(ParkTimer) -> F) -> F::Output {
    let end = Rc::new(Cell::new(None));
    let mut future = pin!(make(ParkTimer(Rc::clone(&end))));
    let parker = Arc::new(Parker::new());
    let waker = Waker::from(Arc::clone(&parker));
    loop {
        end.set(None);
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let left = end.get().map_or(LONGEST, |end| end.saturating_duration_since(Instant::now()));
        parker.sleep(left.min(LONGEST));
    }
}
