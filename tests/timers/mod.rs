//! Timers for tests that poll by hand.
#![allow(dead_code, reason = "every suite uses a part of it")]

use std::future::{Future, Pending, pending};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tollgate::wait::Timer;

/// Sleeps that never end: whoever completes was woken, or polled by the test.
#[derive(Clone, Copy)]
pub(crate) struct Never;

impl Timer for Never {
    type Sleep = Pending<()>;

    fn sleep(&self, _: Duration) -> Pending<()> {
        pending()
    }
}

/// Sleeps that end when they are polled again.
#[derive(Clone, Copy)]
pub(crate) struct Again;

pub(crate) struct Once(bool);

impl Timer for Again {
    type Sleep = Once;

    fn sleep(&self, _: Duration) -> Once {
        Once(false)
    }
}

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}
