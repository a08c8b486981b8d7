//! Several reservations that are waited for together: none is lost.

#![cfg(feature = "std")]

mod by_hand;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use by_hand::{ByHand, drive, drop_elsewhere, millis, poll, static_and_send};
use tollgate::clock::ManualClock;
use tollgate::{Limit, Refused, Reservation, TokenBucket};

/// 10 tokens a second, none there.
fn token() -> Arc<TokenBucket<ManualClock>> {
    Arc::new(TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new()).unwrap())
}

/// Two buckets, and what waits for a reservation of each: 300 ms, and 600.
#[allow(clippy::type_complexity)]
fn two() -> ([Arc<TokenBucket<ManualClock>>; 2], [Reservation<'static>; 2]) {
    let buckets = [token(), token()];
    let places = [(0, 3), (1, 6)].map(|(i, n)| Arc::clone(&buckets[i]).reserve_owned(n).unwrap());
    (buckets, places)
}

fn advance(buckets: &[Arc<TokenBucket<ManualClock>>; 2], time: Duration) {
    for bucket in buckets {
        bucket.clock().advance(time);
    }
}

/// Waits for both at once, as `try_join` of the runtimes does.
async fn all(places: &[Reservation<'static>; 2]) -> Result<(), Refused> {
    let [first, second] = places;
    let (mut first, mut second) = (pin!(first.until_ready_on(ByHand)), pin!(second.until_ready_on(ByHand)));
    let mut ready = [false; 2];
    poll_fn(|context| {
        if !ready[0] && first.as_mut().poll(context)?.is_ready() {
            ready[0] = true;
        }
        if !ready[1] && second.as_mut().poll(context)?.is_ready() {
            ready[1] = true;
        }
        if ready == [true; 2] { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}

#[test]
fn a_join_given_up_midway_loses_nothing() {
    let (buckets, places) = two();
    let mut join = Box::pin(all(&places));
    assert!(poll(join.as_mut()).is_pending());
    advance(&buckets, millis(400));
    assert!(poll(join.as_mut()).is_pending());
    drop(join);
    // The first is ready, and unused.
    assert_eq!(places[0].remaining(), Some(Duration::ZERO));
    for place in places {
        place.cancel();
    }
    assert_eq!(buckets.map(|bucket| bucket.available()), [4, 4]);
}

#[test]
fn a_task_that_is_dropped_midway_loses_nothing_if_its_reservations_say_so() {
    let (buckets, places) = two();
    let places = places.map(Reservation::cancel_on_drop);
    let mut task = Box::pin(static_and_send(async move {
        all(&places).await?;
        for place in places {
            place.commit();
        }
        Ok::<_, Refused>(())
    }));
    assert!(poll(task.as_mut()).is_pending());
    advance(&buckets, millis(400));
    assert!(poll(task.as_mut()).is_pending());
    drop_elsewhere(task);
    assert_eq!(buckets.map(|bucket| bucket.available()), [4, 4]);
}

#[test]
fn a_join_that_completes_leaves_all_to_be_committed() {
    let (buckets, places) = two();
    let mut join = Box::pin(all(&places));
    assert!(poll(join.as_mut()).is_pending());
    advance(&buckets, millis(600));
    assert_eq!(poll(join.as_mut()), Poll::Ready(Ok(())));
    drop(join);
    assert_eq!(buckets.each_ref().map(|bucket| bucket.available()), [3, 0]);
    for place in places {
        place.commit();
    }
    assert_eq!(buckets.map(|bucket| bucket.available()), [3, 0]);
}

#[test]
fn a_ready_reservation_is_unused_until_it_is_waited_for() {
    let bucket = token();
    bucket.clock().advance(Duration::from_secs(1));
    let place = Arc::clone(&bucket).reserve_owned(3).unwrap().cancel_on_drop();
    assert_eq!(place.until_ready(), Ok(()));
    assert_eq!(drive(place.until_ready_on(ByHand)), Ok(()));
    drop(place);
    assert_eq!(bucket.available(), 10);
    let mut place = Arc::clone(&bucket).reserve_owned(3).unwrap().cancel_on_drop();
    assert_eq!(place.wait(), Ok(()));
    drop(place);
    assert_eq!(bucket.available(), 7);
    let mut place = Arc::clone(&bucket).reserve_owned(3).unwrap().cancel_on_drop();
    assert_eq!(drive(place.wait_on(ByHand)), Ok(()));
    drop(place);
    assert_eq!(bucket.available(), 4);
    // Without a word it counts as used after its instant, waited for or not.
    let place = Arc::clone(&bucket).reserve_owned(3).unwrap();
    assert_eq!(place.until_ready(), Ok(()));
    drop(place);
    assert_eq!(bucket.available(), 1);
}

#[test]
fn a_reservation_behind_others_is_ready_and_unused_too() {
    let bucket = token();
    let mut first = Box::pin(Arc::clone(&bucket).take_owned_on(1, ByHand));
    assert!(poll(first.as_mut()).is_pending());
    let place = Arc::clone(&bucket).reserve_owned(3).unwrap().cancel_on_drop();
    let mut ready = Box::pin(place.until_ready_on(ByHand));
    assert!(poll(ready.as_mut()).is_pending());
    bucket.clock().advance(millis(100));
    assert!(matches!(poll(first.as_mut()), Poll::Ready(Ok(_))));
    bucket.clock().advance(millis(300));
    assert_eq!(poll(ready.as_mut()), Poll::Ready(Ok(())));
    drop(ready);
    drop_elsewhere(place);
    assert_eq!(bucket.available(), 3);
}
