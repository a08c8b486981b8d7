//! Streams and sinks that pay for each item: in order, each once, within the bound, and no item is
//! lost.
#![cfg(all(feature = "stream", feature = "tokio"))]

mod common;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use common::{Random, audit};
use futures_core::Stream;
use futures_core::stream::FusedStream;
use futures_util::{Sink, SinkExt, StreamExt, stream};
use tokio::time::{Instant, timeout};
use tollgate::clock::TokioClock;
use tollgate::stream::{SinkError, ThrottleSink, ThrottleStream};
use tollgate::{Limit, MultiBucket, Refused, TokenBucket};

const MS: Duration = Duration::from_millis(1);

fn bucket(limit: Limit) -> Arc<TokenBucket<TokioClock>> {
    let bucket = TokenBucket::with_clock(limit, TokioClock::new()).unwrap();
    Arc::new(bucket.with_grace(Duration::ZERO))
}

/// Gives items up to an end, some at once and some later, at random.
struct Flaky {
    next: u64,
    end: u64,
    random: Random,
}

impl Stream for Flaky {
    type Item = u64;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<u64>> {
        if self.random.below(3) == 0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.next == self.end {
            return Poll::Ready(None);
        }
        self.next += 1;
        Poll::Ready(Some(self.next - 1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.end - self.next) as usize;
        (left, Some(left))
    }
}

/// Takes items, some at once and some later, at random. Says which it got.
#[derive(Clone)]
struct Slow(Arc<Mutex<(Vec<u64>, Random, u64)>>);

impl Slow {
    fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new((Vec::new(), Random(seed), 0))))
    }

    fn got(&self) -> Vec<u64> {
        self.0.lock().unwrap().0.clone()
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.0.lock().unwrap().1.below(3) == 0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl Sink<u64> for Slow {
    type Error = Infallible;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        let polled = self.poll(context);
        self.0.lock().unwrap().2 += u64::from(polled.is_ready());
        polled
    }

    fn start_send(self: Pin<&mut Self>, item: u64) -> Result<(), Infallible> {
        let mut inner = self.0.lock().unwrap();
        assert!(inner.2 > 0, "it was not ready");
        inner.2 = 0;
        inner.0.push(item);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.poll(context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.poll(context)
    }
}

#[tokio::test(start_paused = true)]
async fn items_come_out_in_order_once_each_and_within_the_bound_of_the_bucket() {
    for seed in 0..50 {
        let mut random = Random(seed);
        let limit = Limit::per_second(100 + random.below(1000)).capacity(20 + random.below(100));
        let bucket = bucket(limit);
        let cost = |item: &u64| item % 21;
        let mut paced = Flaky { next: 0, end: 300, random: Random(seed) }.throttled(Arc::clone(&bucket), cost);
        let (start, mut grants) = (Instant::now(), Vec::new());
        let mut expected = 0;
        loop {
            // A future that is dropped after a random time loses nothing.
            let Ok(next) = timeout(random.below(20) as u32 * MS, paced.next()).await else { continue };
            let Some(item) = next else { break };
            assert_eq!(item.unwrap(), expected, "seed {seed}");
            grants.push((start.elapsed().as_nanos() as u64, cost(&expected)));
            expected += 1;
            // Nothing is held: the bucket lacks what came out.
        }
        assert_eq!(expected, 300, "seed {seed}");
        audit(limit, &mut grants).unwrap();
        // At full speed but for the sleeps of whole milliseconds, which a waiter takes longer.
        let sum: u64 = grants.iter().map(|(_, cost)| cost).sum();
        let least = sum.saturating_sub(limit.capacity) as f64 / limit.rate.tokens() as f64;
        assert!(start.elapsed().as_secs_f64() <= 1.5 * least + 1.0, "seed {seed}: {:?}, {least}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_cost_of_several_streams_is_paid_from_all_at_once() {
    let limits = [Limit::per_second(10).capacity(1), Limit::per_second(1000)];
    let bucket = Arc::new(MultiBucket::with_clock(limits, TokioClock::new()).unwrap());
    let mut paced = stream::iter([100, 200, 300]).throttled(Arc::clone(&bucket), |bytes| [1, *bytes]);
    let start = Instant::now();
    let mut times = Vec::new();
    while let Some(item) = paced.next().await {
        item.unwrap();
        times.push(start.elapsed());
    }
    assert_eq!(times, [Duration::ZERO, 100 * MS, 200 * MS]);
    assert_eq!(bucket.available(), [0, 600]);
}

#[tokio::test(start_paused = true)]
async fn an_item_above_the_capacity_comes_out_as_an_error_in_its_place() {
    let bucket = bucket(Limit::per_second(10));
    let mut paced = stream::iter([3, 11, 4]).throttled(Arc::clone(&bucket), |cost| *cost);
    assert_eq!(paced.next().await, Some(Ok(3)));
    let refused = paced.next().await.unwrap().unwrap_err();
    assert_eq!(refused.item, 11);
    assert!(matches!(refused.refused, Refused::Never(never) if never.requested == 11 && never.capacity == 10));
    assert_eq!((paced.next().await, paced.next().await), (Some(Ok(4)), None));
    assert_eq!(bucket.available(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_close_gives_out_each_item_with_its_error() {
    let bucket = bucket(Limit::per_second(10));
    let mut paced = stream::iter([10, 5, 6]).throttled(Arc::clone(&bucket), |cost| *cost);
    assert_eq!(paced.next().await, Some(Ok(10)));
    let closing = async {
        tokio::time::sleep(10 * MS).await;
        bucket.close();
    };
    let (next, ()) = tokio::join!(paced.next(), closing);
    let refused = next.unwrap().unwrap_err();
    assert_eq!((refused.item, refused.refused), (5, Refused::Closed));
    assert_eq!(refused.to_string(), Refused::<1>::Closed.to_string());
    assert_eq!(paced.next().await.unwrap().unwrap_err().item, 6);
    assert_eq!(paced.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn items_wait_through_a_rate_of_0() {
    let limit = Limit::per_second(0).capacity(10).empty();
    let bucket = Arc::new(MultiBucket::with_clock([limit], TokioClock::new()).unwrap());
    let mut paced = stream::iter([1, 2]).throttled(Arc::clone(&bucket), |cost| [*cost]);
    assert!(timeout(Duration::from_secs(3600), paced.next()).await.is_err());
    bucket.set_limit(Limit::per_second(1000)).unwrap();
    assert!(timeout(110 * MS, paced.next()).await.is_ok());
}

/// What waits counts in the hint, is no end, and is given back with the stream.
#[tokio::test(start_paused = true)]
async fn an_item_that_waits_is_still_part_of_the_stream() {
    let bucket = bucket(Limit::per_second(1).capacity(1).empty());
    let inner = stream::iter([7, 8]).fuse();
    let mut paced = inner.throttled(Arc::clone(&bucket), |_| 1);
    assert_eq!(paced.size_hint(), (2, Some(2)));
    assert!(timeout(MS, paced.next()).await.is_err());
    assert_eq!((paced.size_hint(), paced.is_terminated()), ((2, Some(2)), false));
    assert_eq!(paced.next().await, Some(Ok(7)));
    assert!(timeout(MS, paced.next()).await.is_err());
    let (mut inner, item) = paced.into_inner();
    assert_eq!((inner.next().await, item), (None, Some(8)));
    // It left the line, and took nothing.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bucket.available(), 1);
    let mut ended = stream::iter([0; 0]).fuse().throttled(bucket, |_| 1);
    assert_eq!((ended.next().await, ended.is_terminated()), (None, true));
}

/// The narrow limit first: what waits for the wider one has paid.
#[tokio::test(start_paused = true)]
async fn two_limits_are_two_throttles() {
    let narrow = bucket(Limit::per_second(10).capacity(1));
    let wide = bucket(Limit::per_second(5).capacity(1));
    let items = stream::iter(0..10).throttled(Arc::clone(&narrow), |_| 1);
    let mut paced = items.throttled(wide, |_| 1);
    let start = Instant::now();
    for item in 0..10 {
        assert_eq!(paced.next().await.unwrap().unwrap().unwrap(), item);
    }
    assert_eq!(start.elapsed(), 1800 * MS);
}

#[tokio::test(start_paused = true)]
async fn items_go_in_in_order_once_each_wherever_a_send_is_dropped() {
    for seed in 0..50 {
        let mut random = Random(seed);
        let limit = Limit::per_second(100 + random.below(1000)).capacity(20 + random.below(100));
        let (bucket, inner) = (bucket(limit), Slow::new(seed));
        let cost = |item: &u64| item % 21;
        let mut paced = inner.clone().throttled_sink(Arc::clone(&bucket), cost);
        let mut items: VecDeque<u64> = (0..200).collect();
        let mut accepted = 0;
        while let Some(item) = items.pop_front() {
            // A feed that is dropped before it accepted the item gives it back by that: it is ours.
            match timeout(random.below(20) as u32 * MS, paced.feed(item)).await {
                Ok(fed) => {
                    fed.unwrap();
                    accepted += 1;
                }
                Err(_) => items.push_front(item),
            }
            assert!(inner.got().len() as u64 + 1 >= accepted, "seed {seed}: one waits at most");
            if random.below(4) == 0 {
                let _ = timeout(random.below(9) as u32 * MS, paced.flush()).await;
            }
        }
        assert_eq!(accepted, 200);
        if seed % 2 == 0 {
            paced.close().await.unwrap();
            assert_eq!(inner.got(), (0..200).collect::<Vec<_>>(), "seed {seed}");
        } else {
            let (_, item) = paced.into_inner();
            assert_eq!(inner.got().into_iter().chain(item).collect::<Vec<_>>(), (0..200).collect::<Vec<_>>());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_into_a_sink_is_paid_and_nothing_else() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let (bucket, inner) = (bucket(Limit::per_second(0).capacity(2000)), Slow::new(seed));
        let cost = |item: &u64| item % 21;
        let mut paced = inner.clone().throttled_sink(Arc::clone(&bucket), cost);
        for item in 0..100 {
            paced.feed(item).await.unwrap();
            if random.below(4) == 0 {
                let _ = timeout(Duration::ZERO, paced.flush()).await;
            }
            let paid: u64 = inner.got().iter().map(cost).sum();
            assert_eq!(bucket.available(), 2000 - paid, "seed {seed}");
        }
    }
}

/// Until the inner sink is ready, nothing is taken.
#[tokio::test(start_paused = true)]
async fn a_sink_that_is_not_ready_holds_no_tokens() {
    let bucket = bucket(Limit::per_second(0).capacity(10));
    let mut paced = Room(vec![0], 1).throttled_sink(Arc::clone(&bucket), |_| 4);
    paced.feed(1).await.unwrap();
    assert!(timeout(MS, paced.flush()).await.is_err());
    assert_eq!(bucket.available(), 10);
}

/// A sink with room for so many items, and nobody who takes them.
struct Room(Vec<u64>, usize);

impl Sink<u64> for Room {
    type Error = Infallible;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.0.len() < self.1 { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn start_send(mut self: Pin<&mut Self>, item: u64) -> Result<(), Infallible> {
        self.0.push(item);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_not_paid_for_comes_back_and_the_sink_goes_on() {
    let bucket = bucket(Limit::per_second(10));
    let mut paced = Vec::new().throttled_sink(Arc::clone(&bucket), |cost: &u64| *cost);
    paced.send(10).await.unwrap();
    let Err(SinkError::Refused(refused)) = paced.feed(11).await else { panic!("it never fits") };
    assert_eq!(refused.item, 11);
    assert!(matches!(refused.refused, Refused::Never(_)));
    paced.send(2).await.unwrap();
    paced.feed(3).await.unwrap();
    bucket.close();
    let Err(SinkError::Refused(refused)) = paced.flush().await else { panic!("it is closed") };
    assert_eq!((refused.item, refused.refused), (3, Refused::Closed));
    assert_eq!(paced.into_inner(), (vec![10, 2], None));
}

#[tokio::test(start_paused = true)]
async fn an_item_above_the_capacity_is_refused_as_it_is_sent() {
    let mut paced = Vec::new().throttled_sink(bucket(Limit::per_second(10)), |cost: &u64| *cost);
    let Err(SinkError::Refused(refused)) = paced.feed(11).await else { panic!("it never fits") };
    assert_eq!(refused.item, 11);
    assert_eq!(paced.into_inner(), (vec![], None));
}

/// A stream that has ended still has the item that waits.
#[tokio::test(start_paused = true)]
async fn a_stream_is_not_terminated_while_its_last_item_waits() {
    let ends = stream::once(std::future::ready(7));
    let mut paced = ends.throttled(bucket(Limit::per_second(10).empty()), |_| 1);
    assert!(timeout(MS, paced.next()).await.is_err());
    assert!(!paced.is_terminated());
    assert_eq!(paced.next().await, Some(Ok(7)));
    assert!(paced.is_terminated());
}

/// `feed` does not wait for its item to be paid: the next call says that it was not.
#[tokio::test(start_paused = true)]
async fn the_error_of_an_item_that_is_fed_comes_with_the_next() {
    let bucket = bucket(Limit::per_second(10).empty());
    let mut paced = Vec::new().throttled_sink(Arc::clone(&bucket), |_: &u64| 1);
    paced.feed(1).await.unwrap();
    bucket.close();
    let Err(SinkError::Refused(refused)) = paced.feed(2).await else { panic!("it is closed") };
    assert_eq!((refused.item, refused.refused), (1, Refused::Closed));
    assert_eq!(paced.into_inner(), (vec![], None));
}

#[tokio::test(start_paused = true)]
#[should_panic = "an item was sent before the sink was ready"]
async fn an_item_sent_before_the_sink_is_ready_panics() {
    let bucket = bucket(Limit::per_second(10).empty());
    let mut paced = Vec::new().throttled_sink(bucket, |_: &u64| 1);
    Pin::new(&mut paced).start_send(1).unwrap();
    let _ = Pin::new(&mut paced).start_send(2);
}

#[tokio::test(start_paused = true)]
async fn streams_of_one_bucket_take_turns() {
    let bucket = bucket(Limit::per_second(1000).capacity(100));
    let counts: Vec<_> = (0..8)
        .map(|i| {
            let count = Arc::new(Mutex::new(0_u64));
            let mut paced = stream::repeat(()).throttled(Arc::clone(&bucket), move |()| 1 + i);
            let counted = Arc::clone(&count);
            tokio::spawn(async move {
                while let Some(Ok(())) = paced.next().await {
                    *counted.lock().unwrap() += 1;
                }
            });
            count
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(100)).await;
    let counts: Vec<u64> = counts.iter().map(|count| *count.lock().unwrap()).collect();
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(most - least <= 1 + 100, "in turn, whatever they cost: {counts:?}");
}
