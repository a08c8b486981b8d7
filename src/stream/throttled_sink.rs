//! Owns the sink whose items are paid before they go in. Never says what an item costs.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use futures_sink::Sink;
use pin_project_lite::pin_project;

use crate::bucket::bucket::Bucket;
use crate::stream::refused_item::{RefusedItem, SinkError};
use crate::stream::toll::Toll;
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;

/// Throttles a sink of items `I`: the methods of all sinks.
pub trait ThrottleSink<I>: Sink<I> + Sized {
    /// Pays for each item before it goes in, and waits on tokio's timer. See
    /// [`throttled_sink_on`](Self::throttled_sink_on).
    #[cfg(feature = "tokio")]
    fn throttled_sink<B, F, const N: usize>(
        self,
        bucket: Arc<B>,
        cost: F,
    ) -> ThrottledSink<Self, I, F, Toll<B, TokioTimer, N>>
    where
        B: Bucket<N>,
        F: FnMut(&I) -> B::Amounts,
    {
        self.throttled_sink_on(bucket, cost, TokioTimer)
    }

    /// Pays for each item before it goes in, and waits on any timer.
    ///
    /// `cost` says what an item takes of the bucket. It is asked once for each.
    ///
    /// ```
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::sync::Arc;
    ///     use futures_util::SinkExt;
    ///     use tollgate::stream::ThrottleSink;
    ///     use tollgate::wait::TokioTimer;
    ///     use tollgate::{Limit, TokenBucket};
    ///
    ///     let bucket = Arc::new(TokenBucket::new(Limit::per_second(1000).capacity(2))?);
    ///     let sink = Vec::<u64>::new(); // any sink: a channel, say
    ///     let mut paced = sink.throttled_sink_on(bucket, |cost| *cost, TokioTimer);
    ///     for cost in [2, 1, 2] {
    ///         paced.send(cost).await?; // 3 ms in all
    ///     }
    ///     assert!(paced.send(3).await.is_err()); // more than the capacity: it comes back
    ///     assert_eq!(paced.into_inner().0, [2, 1, 2]);
    ///     Ok(())
    /// }
    /// ```
    fn throttled_sink_on<B, F, T, const N: usize>(
        self,
        bucket: Arc<B>,
        cost: F,
        timer: T,
    ) -> ThrottledSink<Self, I, F, Toll<B, T, N>>
    where
        B: Bucket<N>,
        F: FnMut(&I) -> B::Amounts,
        T: Timer + Clone,
    {
        ThrottledSink { inner: self, toll: Toll::new(bucket, timer), cost, item: None }
    }
}

impl<I, S: Sink<I>> ThrottleSink<I> for S {}

pin_project! {
    /// A sink whose items are paid before they go in. [`ThrottleSink`] makes one.
    ///
    /// One item at a time stays in here until it is paid. It goes in when the sink is polled next
    /// to be ready, to flush or to close: a flush that is complete has sent it. An item is paid
    /// once the inner sink is ready, so a sink that is not ready holds no tokens.
    ///
    /// # Errors
    ///
    /// [`SinkError::Refused`] gives an item back that a limit will not pay for. Sending it says so
    /// at once if it costs more than the capacity. The sink goes on with the next item.
    ///
    /// The item in an error may be the one before: that of `feed` or `send_all` is told when the
    /// next is sent, and that next one is dropped. With `send`, the error is of the item sent.
    ///
    /// # Panics
    ///
    /// An item that is sent before the sink was ready panics.
    ///
    /// `P` is what pays, a [`Toll`]. The sink may be moved if the inner one may be.
    #[must_use = "a sink does nothing before it is polled"]
    pub struct ThrottledSink<S, I, F, P> {
        #[pin]
        inner: S,
        toll: P,
        cost: F,
        // It stays here until it is paid.
        item: Option<I>,
    }
}

impl<S, I, F, P> ThrottledSink<S, I, F, P> {
    /// Returns the inner sink.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner sink. What is sent to it directly is not paid.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner sink, and the item that is not paid and did not go in.
    pub fn into_inner(self) -> (S, Option<I>) {
        (self.inner, self.item)
    }
}

impl<S, I, B, F, T, const N: usize> ThrottledSink<S, I, F, Toll<B, T, N>>
where
    S: Sink<I>,
    B: Bucket<N>,
    T: Timer + Clone,
{
    /// Sends the item that waits, if there is one.
    fn poll_send(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SinkError<S::Error, I, N>>> {
        let mut this = self.project();
        if this.item.is_none() {
            return Poll::Ready(Ok(()));
        }
        ready!(this.inner.as_mut().poll_ready(context)).map_err(SinkError::Sink)?;
        let paid = ready!(this.toll.poll_pay(context));
        let Some(item) = this.item.take() else { return Poll::Ready(Ok(())) };
        Poll::Ready(match paid {
            Ok(()) => this.inner.start_send(item).map_err(SinkError::Sink),
            Err(refused) => Err(SinkError::Refused(RefusedItem { item, refused })),
        })
    }
}

impl<S, I, B, F, T, const N: usize> Sink<I> for ThrottledSink<S, I, F, Toll<B, T, N>>
where
    S: Sink<I>,
    B: Bucket<N>,
    F: FnMut(&I) -> B::Amounts,
    T: Timer + Clone,
{
    type Error = SinkError<S::Error, I, N>;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.poll_send(context)
    }

    fn start_send(self: Pin<&mut Self>, item: I) -> Result<(), Self::Error> {
        let this = self.project();
        assert!(this.item.is_none(), "an item was sent before the sink was ready");
        let cost = (this.cost)(&item);
        if let Err(never) = this.toll.check(cost) {
            return Err(SinkError::Refused(RefusedItem { item, refused: never.into() }));
        }
        this.toll.set_cost(cost);
        *this.item = Some(item);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        ready!(self.as_mut().poll_send(context))?;
        self.project().inner.poll_flush(context).map_err(SinkError::Sink)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        ready!(self.as_mut().poll_send(context))?;
        self.project().inner.poll_close(context).map_err(SinkError::Sink)
    }
}

impl<S, I, F, P> fmt::Debug for ThrottledSink<S, I, F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottledSink").field("waits", &self.item.is_some()).finish_non_exhaustive()
    }
}
