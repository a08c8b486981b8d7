//! What the verbs of a bucket in an `Arc` give: it borrows nothing, lives in tasks and on threads,
//! and gives back what was not used.

#![cfg(feature = "std")]

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tollgate::adaptive::{Adaptive, Cubic};
use tollgate::bucket::SharedBucket;
use tollgate::clock::ManualClock;
use tollgate::limit::Ratio;
use tollgate::wait::{Estimate, Take, Timer};
use tollgate::{Bucket, Granted, LeakyBucket, Lease, Limit, MultiBucket, Refused, Reservation, TokenBucket};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What this test file is about.
fn static_and_send<T: Send + 'static>(owned: T) -> T {
    owned
}

/// Polls a future until it is ready.
fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        match poll(future.as_mut()) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::yield_now(),
        }
    }
}

/// Drives a future to its end on a thread that borrows nothing.
fn on_a_thread<F: Future<Output: Send + 'static> + Send + 'static>(future: F) -> F::Output {
    thread::spawn(|| drive(future)).join().unwrap()
}

/// A timer whose sleeps stop the thread that polls them.
#[derive(Clone, Copy)]
struct Stop;

struct Stopped(Duration);

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
fn drop_elsewhere<T: Send + 'static>(owned: T) {
    thread::spawn(|| drop(owned)).join().unwrap();
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A sleep that ends at the second poll: the test moves the clock between its polls.
struct Nap(bool);

impl Future for Nap {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[derive(Clone, Copy)]
struct ByHand;

impl Timer for ByHand {
    type Sleep = Nap;

    fn sleep(&self, _: Duration) -> Nap {
        Nap(false)
    }
}

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

/// Several reservations that are waited for together.
mod together {
    use super::*;

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
}

#[cfg(feature = "keys")]
mod keys {
    use super::*;
    use tollgate::KeyedBuckets;
    use tollgate::keyed::{KeyRefused, TierOf};

    type Clients = KeyedBuckets<String, 1, ManualClock>;

    fn clients(max_keys: usize) -> Clients {
        KeyedBuckets::with_clock(Limit::per_second(10), max_keys, ManualClock::new()).unwrap()
    }

    fn alice() -> String {
        "alice".to_owned()
    }

    /// The future outlives the view that it was made of.
    fn take<'a>(clients: &'a Clients, key: &'a str) -> impl Future<Output = Result<Granted, KeyRefused>> + Send + 'a {
        clients.bucket(key).take_on(3, ByHand)
    }

    fn look<'a>(clients: &'a Clients, key: &'a str) -> impl Future<Output = Result<(), Refused>> + Send + 'a {
        clients.bucket(key).until_available_on(3, ByHand)
    }

    #[test]
    fn the_future_of_a_key_is_returned_from_a_function() {
        let clients = clients(9);
        clients.try_take("alice", 10).unwrap();
        let (mut taking, mut looking) = (Box::pin(take(&clients, "alice")), Box::pin(look(&clients, "bob")));
        assert!(poll(taking.as_mut()).is_pending());
        assert_eq!(poll(looking.as_mut()), Poll::Ready(Ok(())));
        clients.clock().advance(millis(300));
        assert!(matches!(poll(taking.as_mut()), Poll::Ready(Ok(_))));
        assert_eq!(clients.available("alice"), 0);
        let all = ["bob", "carol"].map(|key| clients.bucket(key).take_on(1, ByHand));
        for taking in all {
            assert!(drive(taking).is_ok());
        }
    }

    #[cfg(feature = "tokio")]
    #[tokio::test]
    async fn every_future_of_an_owned_key_ends_in_a_task() {
        let clients: KeyedBuckets<String> = KeyedBuckets::new(Limit::per_second(1000).capacity(1), 9).unwrap();
        let clients = Arc::new(clients);
        for _ in 0..3 {
            tokio::spawn(Arc::clone(&clients).bucket_owned(alice()).take(1)).await.unwrap().unwrap();
        }
        let timeout = Duration::from_secs(9);
        let take = Arc::clone(&clients).bucket_owned(alice()).take_timeout(1, timeout);
        tokio::spawn(take).await.unwrap().unwrap();
    }

    #[test]
    fn every_future_of_an_owned_key_ends_on_a_thread() {
        let limits = [Limit::per_second(1000).capacity(1), Limit::per_second(1000)];
        let clients = Arc::new(KeyedBuckets::<u64, 2>::new(limits, 9).unwrap());
        for _ in 0..3 {
            on_a_thread(Arc::clone(&clients).bucket_owned(7).take_on([1, 2], Stop)).unwrap();
        }
        let again = Arc::clone(&clients).bucket_owned(7).take_timeout_on([1, 2], Duration::from_secs(9), Stop);
        on_a_thread(again).unwrap();
    }

    #[test]
    fn a_future_of_an_owned_key_dropped_midway_has_taken_nothing() {
        let clients = Arc::new(clients(9));
        clients.try_take("alice", 10).unwrap();
        let mut take = Box::pin(Arc::clone(&clients).bucket_owned(alice()).take_on(3, ByHand));
        assert!(poll(take.as_mut()).is_pending());
        assert_eq!(clients.wait_for("alice", 1), Ok(Some(millis(400))));
        drop_elsewhere(take);
        assert_eq!(clients.wait_for("alice", 1), Ok(Some(millis(100))));
        assert_eq!(Arc::strong_count(&clients), 1);
        let mut late = pin!(Arc::clone(&clients).bucket_owned(alice()).take_timeout_on(3, millis(300), ByHand));
        clients.clock().advance(millis(1));
        clients.reset("alice", 0).unwrap();
        assert!(matches!(poll(late.as_mut()), Poll::Ready(Err(_))), "the timeout counts from the call");
    }

    #[test]
    fn an_owned_reservation_of_a_key_is_given_back_or_used() {
        let clients = Arc::new(clients(9));
        clients.try_take("alice", 10).unwrap();
        let owned = Arc::clone(&clients).bucket_owned(alice());
        let place: Reservation<'static> = static_and_send(owned.clone().reserve(3).unwrap());
        assert_eq!(place.remaining(), Some(millis(300)));
        drop_elsewhere(place);
        assert_eq!(clients.wait_for("alice", 1), Ok(Some(millis(100))));
        let refused = owned.clone().reserve_within(3, millis(299)).unwrap_err();
        assert_eq!(refused.wait(), Some(millis(300)));
        let mut place = owned.reserve_within(3, millis(300)).unwrap();
        clients.clock().advance(millis(300));
        assert_eq!(place.wait(), Ok(()));
        drop_elsewhere(place);
        assert_eq!((clients.available("alice"), Arc::strong_count(&clients)), (0, 1));
    }

    #[test]
    fn an_owned_estimate_of_a_key_settles_or_is_given_back() {
        let clients = Arc::new(clients(9));
        let estimate: Estimate<'static> =
            static_and_send(Arc::clone(&clients).bucket_owned(alice()).estimate(7).unwrap());
        assert_eq!(clients.available("alice"), 3);
        thread::spawn(|| estimate.settle([4])).join().unwrap().unwrap();
        assert_eq!(clients.available("alice"), 6);
        drop_elsewhere(Arc::clone(&clients).bucket_owned(alice()).estimate(6).unwrap());
        assert_eq!((clients.available("alice"), Arc::strong_count(&clients)), (6, 1));
        assert!(Arc::clone(&clients).bucket_owned(alice()).estimate(7).is_err());
    }

    #[test]
    fn what_a_key_without_room_owns_goes_back_to_the_overflow() {
        let full = Arc::new(clients(1));
        full.try_take("bob", 1).unwrap();
        let refused = Arc::clone(&full).bucket_owned(alice()).reserve(1).unwrap_err();
        assert!(matches!(refused, KeyRefused::NoRoom(_)), "{refused:?}");

        let shared = Arc::new(clients(1).with_shared_overflow());
        shared.try_take("bob", 1).unwrap();
        let estimate = Arc::clone(&shared).bucket_owned(alice()).estimate(7).unwrap();
        assert_eq!((shared.available("bob"), shared.available("carol")), (9, 3));
        estimate.settle([5]).unwrap();
        assert_eq!((shared.available("bob"), shared.available("carol")), (9, 5));
        drop_elsewhere(Arc::clone(&shared).bucket_owned(alice()).reserve(6).unwrap());
        assert_eq!((shared.available("bob"), shared.available("carol")), (9, 5));
    }

    #[test]
    fn an_owned_key_is_of_its_tier() {
        struct ByName;
        impl TierOf<str> for ByName {
            fn tier_of(&self, key: &str) -> usize {
                usize::from(key.starts_with("paid:"))
            }
        }
        impl TierOf<String> for ByName {
            fn tier_of(&self, key: &String) -> usize {
                self.tier_of(key.as_str())
            }
        }
        let clients = Arc::new(clients(9).with_tiers([Limit::per_second(500)], ByName).unwrap());
        Arc::clone(&clients).bucket_owned("paid:bob".to_owned()).reserve(300).unwrap().commit();
        assert!(Arc::clone(&clients).bucket_owned(alice()).reserve(300).is_err());
        assert_eq!(clients.available("paid:bob"), 200);
    }
}
