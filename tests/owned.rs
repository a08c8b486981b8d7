//! What the verbs of a bucket in an `Arc` give: it borrows nothing, lives in tasks and on threads,
//! and gives back what was not used.

#![cfg(feature = "std")]

mod by_hand;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use by_hand::{ByHand, Stop, drive, drop_elsewhere, millis, on_a_thread, poll, static_and_send};
use tollgate::adaptive::{Adaptive, Cubic};
use tollgate::bucket::SharedBucket;
use tollgate::clock::ManualClock;
use tollgate::limit::Ratio;
use tollgate::wait::{Estimate, Take, Timer};
use tollgate::{Bucket, Granted, LeakyBucket, Lease, Limit, MultiBucket, Refused, Reservation, TokenBucket};

/// 10 tokens a second, none there.
fn token() -> Arc<TokenBucket<ManualClock>> {
    Arc::new(TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new()).unwrap())
}

/// 10 and 100 a second, none there.
fn multi() -> Arc<MultiBucket<2, ManualClock>> {
    let limits = [Limit::per_second(10).empty(), Limit::per_second(100).empty()];
    Arc::new(MultiBucket::with_clock(limits, ManualClock::new()).unwrap())
}

/// 10 a second drain; it is full.
fn leaky() -> Arc<LeakyBucket<ManualClock>> {
    Arc::new(LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new()).unwrap())
}

#[test]
fn every_future_of_an_arc_ends_on_a_thread() {
    let fast = Limit::per_second(1000).empty();
    let bucket = Arc::new(TokenBucket::new(fast).unwrap());
    on_a_thread(Arc::clone(&bucket).take_owned_on(2, Stop)).unwrap();
    on_a_thread(Arc::clone(&bucket).take_timeout_owned_on(2, Duration::from_secs(9), Stop)).unwrap();
    let late = on_a_thread(Arc::clone(&bucket).take_timeout_owned_on(500, millis(1), Stop));
    assert!(matches!(late, Err(Refused::NotYet(_))), "{late:?}");

    let bucket = Arc::new(MultiBucket::new([fast, fast]).unwrap());
    on_a_thread(Arc::clone(&bucket).take_owned_on([2, 1], Stop)).unwrap();
    on_a_thread(Arc::clone(&bucket).take_timeout_owned_on([1, 2], Duration::from_secs(9), Stop)).unwrap();

    let bucket = Arc::new(LeakyBucket::full(Limit::per_second(1000)).unwrap());
    on_a_thread(Arc::clone(&bucket).add_owned_on(2, Stop)).unwrap();
    on_a_thread(Arc::clone(&bucket).add_timeout_owned_on(2, Duration::from_secs(9), Stop)).unwrap();

    let policy = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
    let client = Adaptive::new(Arc::new(MultiBucket::new([fast]).unwrap()), policy).unwrap();
    on_a_thread(Arc::clone(client.bucket()).take_owned_on([2], Stop)).unwrap();
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn every_future_of_an_arc_ends_in_a_task() {
    let fast = Limit::per_second(1000).empty();
    let bucket = Arc::new(TokenBucket::new(fast).unwrap());
    tokio::spawn(Arc::clone(&bucket).take_owned(2)).await.unwrap().unwrap();
    tokio::spawn(Arc::clone(&bucket).take_timeout_owned(2, Duration::from_secs(9))).await.unwrap().unwrap();
    assert!(tokio::spawn(Arc::clone(&bucket).take_timeout_owned(500, millis(1))).await.unwrap().is_err());

    let bucket = Arc::new(MultiBucket::new([fast, fast]).unwrap());
    tokio::spawn(Arc::clone(&bucket).take_owned([2, 1])).await.unwrap().unwrap();
    tokio::spawn(Arc::clone(&bucket).take_timeout_owned([1, 2], Duration::from_secs(9))).await.unwrap().unwrap();

    let bucket = Arc::new(LeakyBucket::full(Limit::per_second(1000)).unwrap());
    tokio::spawn(Arc::clone(&bucket).add_owned(2)).await.unwrap().unwrap();
    tokio::spawn(Arc::clone(&bucket).add_timeout_owned(2, Duration::from_secs(9))).await.unwrap().unwrap();

    let bucket = Arc::new(TokenBucket::new(fast).unwrap());
    let mut place = Arc::clone(&bucket).reserve_owned(2).unwrap();
    let waited = tokio::spawn(async move {
        place.until_ready_on(tollgate::wait::TokioTimer).await?;
        place.wait_on(tollgate::wait::TokioTimer).await
    });
    waited.await.unwrap().unwrap();
}

#[test]
fn a_future_dropped_midway_has_taken_nothing_and_its_share_is_gone() {
    let bucket = token();
    let mut take: Pin<Box<Take<Arc<TokenBucket<_>>, ByHand>>> = Box::pin(Arc::clone(&bucket).take_owned_on(3, ByHand));
    assert!(poll(take.as_mut()).is_pending());
    assert!(bucket.try_take(1).is_err(), "it waits in the line");
    drop_elsewhere(take);
    assert_eq!(Arc::strong_count(&bucket), 1);
    bucket.clock().advance(millis(500));
    assert_eq!(bucket.available(), 5);
    assert!(bucket.try_take(5).is_ok());

    let bucket = leaky();
    let mut add = Box::pin(Arc::clone(&bucket).add_owned_on(3, ByHand));
    assert!(poll(add.as_mut()).is_pending());
    drop_elsewhere(add);
    bucket.clock().advance(millis(500));
    assert_eq!((bucket.level(), Arc::strong_count(&bucket)), (5, 1));
}

#[test]
fn a_future_driven_by_hand_takes_at_its_instant_and_never_before() {
    let bucket = multi();
    let mut take = pin!(Arc::clone(&bucket).take_owned_on([3, 3], ByHand));
    assert!(poll(take.as_mut()).is_pending());
    bucket.clock().advance(millis(299));
    assert!(poll(take.as_mut()).is_pending());
    bucket.clock().advance(millis(1));
    assert!(matches!(poll(take.as_mut()), Poll::Ready(Ok(_))));
    assert_eq!(bucket.available(), [0, 27]);
}

#[test]
fn the_timeout_of_a_future_counts_from_the_call() {
    let bucket = token();
    let mut take = pin!(Arc::clone(&bucket).take_timeout_owned_on(3, millis(300), ByHand));
    bucket.clock().advance(millis(100));
    bucket.reset(0);
    // 300 ms from here, and 200 are left.
    assert!(matches!(poll(take.as_mut()), Poll::Ready(Err(Refused::NotYet(_)))));
}

#[test]
fn an_owned_reservation_is_given_back_before_its_instant_and_used_after_it() {
    let bucket = token();
    let place: Reservation<'static> = static_and_send(Arc::clone(&bucket).reserve_owned(3).unwrap());
    assert_eq!(bucket.wait_for(1).unwrap(), Some(millis(400)));
    drop_elsewhere(place);
    assert_eq!((bucket.wait_for(1).unwrap(), Arc::strong_count(&bucket)), (Some(millis(100)), 1));

    let place = Arc::clone(&bucket).reserve_within_owned(3, millis(300)).unwrap();
    assert!(Arc::clone(&bucket).reserve_within_owned(3, millis(599)).is_err());
    bucket.clock().advance(millis(300));
    drop_elsewhere(place);
    assert_eq!((bucket.available(), Arc::strong_count(&bucket)), (0, 1));

    let bucket = multi();
    let place: Reservation<'static, 2> = static_and_send(Arc::clone(&bucket).reserve_owned([1, 30]).unwrap());
    assert_eq!(place.remaining(), Some(millis(300)));
    drop_elsewhere(place);
    bucket.clock().advance(millis(100));
    assert_eq!(bucket.available(), [1, 10]);
    Arc::clone(&bucket).reserve_within_owned([1, 10], Duration::ZERO).unwrap().commit();
    assert_eq!((bucket.available(), Arc::strong_count(&bucket)), ([0, 0], 1));

    let bucket = leaky();
    let place: Reservation<'static> = static_and_send(Arc::clone(&bucket).reserve_owned(3).unwrap());
    assert!(Arc::clone(&bucket).reserve_within_owned(3, millis(599)).is_err());
    assert_eq!(bucket.level(), 13);
    drop_elsewhere(place);
    assert_eq!((bucket.level(), Arc::strong_count(&bucket)), (10, 1));
}

#[test]
fn an_owned_reservation_keeps_its_place_behind_those_who_wait() {
    let bucket = leaky();
    let mut first = Box::pin(Arc::clone(&bucket).add_owned_on(2, ByHand));
    assert!(poll(first.as_mut()).is_pending());
    let place = static_and_send(Arc::clone(&bucket).reserve_owned(3).unwrap());
    assert_eq!(place.remaining(), Some(millis(500)));
    // The bucket goes only with the last share of it.
    let (watch, clock) = (Arc::downgrade(&bucket), Arc::clone(&bucket));
    drop(bucket);
    drop_elsewhere(first);
    clock.clock().advance(millis(300));
    drop(clock);
    assert!(watch.upgrade().is_some());
    let (mut place, waited) = thread::spawn(move || {
        let mut place = place;
        let waited = place.wait();
        (place, waited)
    })
    .join()
    .unwrap();
    assert_eq!((waited, place.remaining()), (Ok(()), Some(Duration::ZERO)));
    assert_eq!(drive(place.wait_on(ByHand)), Ok(()));
    drop(place);
    assert!(watch.upgrade().is_none());
}

#[test]
fn an_owned_estimate_settles_anywhere_and_is_given_back_if_it_does_not() {
    let bucket = token();
    bucket.clock().advance(Duration::from_secs(1));
    let estimate: Estimate<'static> = static_and_send(Arc::clone(&bucket).estimate_owned(7).unwrap());
    assert_eq!(bucket.available(), 3);
    assert!(Arc::clone(&bucket).estimate_owned(4).is_err());
    thread::spawn(|| estimate.settle([5])).join().unwrap().unwrap();
    assert_eq!(bucket.available(), 5);
    drop_elsewhere(Arc::clone(&bucket).estimate_owned(5).unwrap());
    assert_eq!((bucket.available(), Arc::strong_count(&bucket)), (5, 1));

    let bucket = multi();
    bucket.clock().advance(Duration::from_secs(1));
    let estimate: Estimate<'static, 2> = static_and_send(Arc::clone(&bucket).estimate_owned([1, 64]).unwrap());
    thread::spawn(|| estimate.settle([1, 150])).join().unwrap().unwrap();
    assert_eq!(bucket.available(), [9, 0]);
    drop_elsewhere(Arc::clone(&bucket).estimate_owned([4, 0]).unwrap().keep_on_drop());
    assert_eq!((bucket.available(), Arc::strong_count(&bucket)), ([5, 0], 1));
    // A reservation becomes one, and keeps its share.
    let place = Arc::clone(&bucket).reserve_owned([1, 0]).unwrap();
    drop_elsewhere(place.into_estimate());
    assert_eq!((bucket.available(), Arc::strong_count(&bucket)), ([5, 0], 1));
}

#[test]
fn an_owned_lease_spends_on_a_thread_and_gives_back_what_is_left() {
    let bucket = token();
    bucket.clock().advance(Duration::from_secs(1));
    let mut lease: Lease<Arc<TokenBucket<_>>> = static_and_send(Arc::clone(&bucket).lease_owned(4));
    thread::spawn(move || {
        for _ in 0..3 {
            lease.try_take(1).unwrap();
        }
        assert_eq!(lease.held(), 0);
        lease.try_take(1).unwrap();
        assert!(lease.held() > 0);
    })
    .join()
    .unwrap();
    assert_eq!((bucket.available(), Arc::strong_count(&bucket)), (6, 1));

    let bucket = multi();
    bucket.clock().advance(Duration::from_secs(1));
    let mut lease: Lease<Arc<MultiBucket<2, _>>, 2> = static_and_send(Arc::clone(&bucket).lease_owned([4, 0]));
    thread::spawn(move || lease.try_take([1, 20])).join().unwrap().unwrap();
    assert_eq!((bucket.available(), Arc::strong_count(&bucket)), ([9, 80], 1));
}

/// Code that takes any bucket, by reference or in an `Arc`.
mod generic {
    use super::*;

    pub(super) fn take<B: Bucket<Amounts = u64>>(
        bucket: &B,
        timer: impl Timer<Sleep: Send> + Send,
    ) -> impl Future<Output = Result<Granted, Refused>> + Send {
        bucket.take_on(3, timer)
    }

    pub(super) fn look<const N: usize, B: Bucket<N, Amounts = [u64; N]>>(
        bucket: &B,
        timer: impl Timer<Sleep: Send> + Send,
    ) -> impl Future<Output = Result<(), Refused<N>>> + Send {
        bucket.until_available_on([3; N], timer)
    }

    pub(super) fn take_owned<const N: usize, B: Bucket<N> + Send + 'static>(
        bucket: &Arc<B>,
        amounts: B::Amounts,
    ) -> Take<Arc<B>, ByHand, N> {
        static_and_send(SharedBucket::take_owned_on(Arc::clone(bucket), amounts, ByHand))
    }

    pub(super) fn reserve<const N: usize, B: Bucket<N> + Send + 'static>(
        bucket: &Arc<B>,
        amounts: B::Amounts,
    ) -> Result<Reservation<'static, N>, Refused<N>> {
        SharedBucket::reserve_owned(Arc::clone(bucket), amounts)
    }
}

#[test]
fn generic_code_gets_futures_that_are_send() {
    let (one, two) = (token(), multi());
    let (mut take, mut look) = (pin!(generic::take(&*one, ByHand)), pin!(generic::look(&*two, ByHand)));
    assert!(poll(take.as_mut()).is_pending() && poll(look.as_mut()).is_pending());
    one.clock().advance(millis(300));
    two.clock().advance(millis(300));
    assert!(matches!(poll(take.as_mut()), Poll::Ready(Ok(_))));
    assert_eq!(poll(look.as_mut()), Poll::Ready(Ok(())));
    assert_eq!((one.available(), two.available()), (0, [3, 30]));
    assert!(matches!(poll(pin!(generic::take_owned(&two, [3, 0]))), Poll::Ready(Ok(_))));
    drop(generic::reserve(&one, 3).unwrap());
    assert_eq!(one.wait_for(1), Ok(Some(millis(100))));
}
