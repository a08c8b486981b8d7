//! Owns the stream whose items are paid before they come out. Never says what an item costs.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;

use crate::bucket::bucket::Bucket;
use crate::stream::refused_item::RefusedItem;
use crate::stream::toll::Toll;
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;

/// Throttles a stream: the methods of all streams.
pub trait ThrottleStream: Stream + Sized {
    /// Pays for each item before it comes out, and waits on tokio's timer. See
    /// [`throttled_on`](Self::throttled_on); the [module](crate::stream) has an example.
    #[cfg(feature = "tokio")]
    fn throttled<B, F, const N: usize>(
        self,
        bucket: Arc<B>,
        cost: F,
    ) -> ThrottledStream<Self, F, Toll<B, TokioTimer, N>>
    where
        B: Bucket<N>,
        F: FnMut(&Self::Item) -> B::Amounts,
    {
        self.throttled_on(bucket, cost, TokioTimer)
    }

    /// Pays for each item before it comes out, and waits on any timer.
    ///
    /// `cost` says what an item takes of the bucket. It is asked once for each.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use smol::stream::{self, StreamExt};
    /// use tollgate::stream::ThrottleStream;
    /// use tollgate::wait::timer_fn;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = Arc::new(TokenBucket::new(Limit::per_second(1000).capacity(1))?);
    /// let timer = timer_fn(smol::Timer::after);
    /// let mut paced = stream::iter([3, 4, 5]).throttled_on(bucket, |_| 1, timer);
    /// let mut seen = Vec::new();
    /// while let Some(item) = smol::block_on(paced.next()) {
    ///     seen.push(item?);
    /// }
    /// assert_eq!(seen, [3, 4, 5]); // 2 ms later
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn throttled_on<B, F, T, const N: usize>(
        self,
        bucket: Arc<B>,
        cost: F,
        timer: T,
    ) -> ThrottledStream<Self, F, Toll<B, T, N>>
    where
        B: Bucket<N>,
        F: FnMut(&Self::Item) -> B::Amounts,
        T: Timer + Clone,
    {
        ThrottledStream { inner: self, toll: Toll::new(bucket, timer), cost, item: None }
    }
}

impl<S: Stream> ThrottleStream for S {}

pin_project! {
    /// A stream whose items are paid before they come out. [`ThrottleStream`] makes one.
    ///
    /// An item that is short of tokens stays in here until it is paid. It comes out as it was, in
    /// its place. To drop a future that waits for the next item loses nothing.
    ///
    /// An item that a limit will not pay for comes out as a [`RefusedItem`], in its place, and the
    /// stream goes on. So comes an item that costs more than the capacity, and each item once the
    /// bucket is closed.
    ///
    /// `P` is what pays, a [`Toll`]. It may be moved if the inner stream may be.
    #[must_use = "a stream does nothing before it is polled"]
    pub struct ThrottledStream<S, F, P>
    where
        S: Stream,
    {
        #[pin]
        inner: S,
        toll: P,
        cost: F,
        // It stays here until it is paid.
        item: Option<S::Item>,
    }
}

impl<S: Stream, F, P> ThrottledStream<S, F, P> {
    /// Returns the inner stream.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner stream. Its items are not paid.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner stream, and the item that came out of it and is not paid.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use smol::future::FutureExt;
    /// use smol::stream::{self, StreamExt};
    /// use tollgate::stream::ThrottleStream;
    /// use tollgate::wait::timer_fn;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = Arc::new(TokenBucket::new(Limit::per_hour(1).empty())?);
    /// let timer = timer_fn(smol::Timer::after);
    /// let mut paced = stream::iter([3, 4]).throttled_on(bucket, |_| 1, timer);
    /// smol::block_on(async { paced.next().or(async { None }).await }); // gives up at once
    /// let (mut rest, item) = paced.into_inner();
    /// assert_eq!((item, smol::block_on(rest.next())), (Some(3), Some(4)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_inner(self) -> (S, Option<S::Item>) {
        (self.inner, self.item)
    }
}

impl<S, B, F, T, const N: usize> Stream for ThrottledStream<S, F, Toll<B, T, N>>
where
    S: Stream,
    B: Bucket<N>,
    F: FnMut(&S::Item) -> B::Amounts,
    T: Timer + Clone,
{
    type Item = Result<S::Item, RefusedItem<S::Item, N>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if this.item.is_none() {
            let Some(item) = ready!(this.inner.poll_next(context)) else { return Poll::Ready(None) };
            this.toll.set_cost((this.cost)(&item));
            *this.item = Some(item);
        }
        let paid = ready!(this.toll.poll_pay(context));
        Poll::Ready(this.item.take().map(|item| match paid {
            Ok(()) => Ok(item),
            Err(refused) => Err(RefusedItem { item, refused }),
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.inner.size_hint();
        let waiting = usize::from(self.item.is_some());
        (least.saturating_add(waiting), most.and_then(|most| most.checked_add(waiting)))
    }
}

impl<S, B, F, T, const N: usize> FusedStream for ThrottledStream<S, F, Toll<B, T, N>>
where
    S: FusedStream,
    B: Bucket<N>,
    F: FnMut(&S::Item) -> B::Amounts,
    T: Timer + Clone,
{
    fn is_terminated(&self) -> bool {
        self.item.is_none() && self.inner.is_terminated()
    }
}

impl<S: Stream, F, P> fmt::Debug for ThrottledStream<S, F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottledStream").field("waits", &self.item.is_some()).finish_non_exhaustive()
    }
}
