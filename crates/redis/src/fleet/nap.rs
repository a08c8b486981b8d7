//! Owns a wait with an end. Never decides.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Waits for `future` until `nap` is over; `None` if that was too short.
pub(crate) async fn within<F: Future>(nap: impl Future, future: F) -> Option<F::Output> {
    let (mut future, mut nap) = (pin!(future), pin!(nap));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => nap.as_mut().poll(context).map(|_| None),
    })
    .await
}
