//! Futures and timers that the test moves: no runtime.
#![allow(dead_code, reason = "every suite uses a part of it")]

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tollgate::wait::Timer;

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Lets only through what borrows nothing.
pub(crate) fn static_and_send<T: Send + 'static>(owned: T) -> T {
    owned
}

/// Polls a future until it is ready.
pub(crate) fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        match poll(future.as_mut()) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::yield_now(),
        }
    }
}

/// Drives a future to its end on a thread that borrows nothing.
pub(crate) fn on_a_thread<F: Future<Output: Send + 'static> + Send + 'static>(future: F) -> F::Output {
    thread::spawn(|| drive(future)).join().unwrap()
}

/// A timer whose sleeps stop the thread that polls them.
#[derive(Clone, Copy)]
pub(crate) struct Stop;

pub(crate) struct Stopped(Duration);

impl Timer for Stop {
    type Sleep = Stopped;

    fn sleep(&self, duration: Duration) -> Stopped {
        Stopped(duration)
    }
}

impl Future for Stopped {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        thread::sleep(self.0);
        Poll::Ready(())
    }
}

/// Drops a value on another thread.
pub(crate) fn drop_elsewhere<T: Send + 'static>(owned: T) {
    thread::spawn(|| drop(owned)).join().unwrap();
}

pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A sleep that ends at the second poll: the test moves the clock between its polls.
pub(crate) struct Nap(bool);

impl Future for Nap {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct ByHand;

impl Timer for ByHand {
    type Sleep = Nap;

    fn sleep(&self, _: Duration) -> Nap {
        Nap(false)
    }
}
