//! Reservations that are made behind others who wait.

#![cfg(feature = "std")]

mod timers;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use timers::Never;
use tollgate::clock::ManualClock;
use tollgate::{Clock, Limit, MultiBucket, Refused, TokenBucket};

fn empty() -> TokenBucket<ManualClock> {
    TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new()).unwrap()
}

fn poll<F: Future>(wait: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    wait.poll(&mut Context::from_waker(Waker::noop()))
}

const TENTH: Duration = Duration::from_millis(100);

#[test]
fn a_reservation_behind_others_is_used_if_it_is_dropped_after_its_instant() {
    let bucket = empty();
    let mut first = pin!(bucket.take_on(1, Never));
    assert!(poll(first.as_mut()).is_pending());
    let place = bucket.reserve(2).unwrap();
    bucket.clock().advance(TENTH);
    assert!(poll(first.as_mut()).is_ready());
    bucket.clock().advance(3 * TENTH);
    drop(place);
    assert_eq!(bucket.available(), 1, "three have accrued, and two were used");
}

#[test]
fn a_reservation_behind_others_gives_back_if_it_is_dropped_before_its_instant() {
    let bucket = empty();
    let mut first = pin!(bucket.take_on(1, Never));
    assert!(poll(first.as_mut()).is_pending());
    let waiting = bucket.reserve(2).unwrap();
    drop(waiting);
    let firm = bucket.reserve(2).unwrap();
    bucket.clock().advance(TENTH);
    assert!(poll(first.as_mut()).is_ready());
    bucket.clock().advance(TENTH);
    drop(firm);
    assert_eq!(bucket.available(), 1);
}

#[test]
fn a_reservation_in_a_used_seat_is_not_ready_by_that() {
    let bucket = empty();
    let mut first = pin!(bucket.take_on(1, Never));
    assert!(poll(first.as_mut()).is_pending());
    let place = bucket.reserve(2).unwrap();
    bucket.clock().advance(TENTH);
    assert!(poll(first.as_mut()).is_ready());
    bucket.clock().advance(2 * TENTH);
    drop(place);
    // The line is empty again. One who leaves frees the seat that the reservation had.
    let mut leaver = Box::pin(bucket.take_on(1, Never));
    let mut first = pin!(bucket.take_on(1, Never));
    assert!(poll(leaver.as_mut()).is_pending() && poll(first.as_mut()).is_pending());
    drop(leaver);
    drop(bucket.reserve(2).unwrap());
    bucket.clock().advance(TENTH);
    assert!(poll(first.as_mut()).is_ready());
    bucket.clock().advance(2 * TENTH);
    assert_eq!(bucket.available(), 2, "it was dropped in time");
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Woken {
    fn times(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

/// One who waits for a token, at ten a second.
macro_rules! behind_another {
    ($bucket:ident, $first:ident) => {
        let limits = [Limit::per_second(10).empty()];
        let $bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
        let mut $first = pin!($bucket.take_on([1], Never));
        assert!(poll($first.as_mut()).is_pending());
    };
}

#[test]
fn a_change_moves_reservations_made_behind_others_as_it_moves_all() {
    let moved = |change: fn(&MultiBucket<1, ManualClock>)| {
        behind_another!(bucket, first);
        let behind = bucket.reserve([2]).unwrap();
        bucket.clock().advance(TENTH);
        assert!(poll(first.as_mut()).is_ready());
        // It is a debt now, as is one that is made where nobody waits.
        let alone = bucket.reserve([2]).unwrap();
        assert_eq!((behind.remaining(), alone.remaining()), (Some(2 * TENTH), Some(4 * TENTH)));
        bucket.clock().advance(TENTH);
        change(&bucket);
        (behind.remaining(), alone.remaining())
    };
    assert_eq!(
        moved(|bucket| bucket.set_limit(Limit::per_second(5).capacity(10)).unwrap()),
        (Some(2 * TENTH), Some(6 * TENTH))
    );
    assert_eq!(moved(|bucket| bucket.pause_for(5 * TENTH)), (Some(6 * TENTH), Some(8 * TENTH)));
    let to_and_back = |bucket: &MultiBucket<1, ManualClock>| {
        bucket.set_limit(Limit::new(tollgate::Rate::per_second(0), 10)).unwrap();
        bucket.clock().advance(3 * TENTH);
        bucket.set_limit(Limit::per_second(20).capacity(10)).unwrap();
    };
    assert_eq!(moved(to_and_back), (Some(TENTH / 2), Some(3 * TENTH / 2)));
}

#[test]
fn a_reservation_that_a_change_makes_later_is_given_back_if_it_is_dropped_before_that() {
    behind_another!(bucket, first);
    let behind = bucket.reserve([2]).unwrap();
    bucket.clock().advance(TENTH);
    assert!(poll(first.as_mut()).is_ready());
    bucket.pause_for(5 * TENTH);
    bucket.clock().advance(3 * TENTH);
    // Its instant of old has come.
    drop(behind);
    bucket.resume();
    assert_eq!(bucket.available(), [0]);
    bucket.clock().advance(TENTH);
    assert_eq!(bucket.available(), [1], "nothing is owed");
}

#[test]
fn a_reservation_behind_others_is_waited_for_and_is_then_used() {
    behind_another!(bucket, first);
    let mut place = bucket.reserve([2]).unwrap();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    {
        let mut wait = pin!(place.wait_on(Never));
        assert!(wait.as_mut().poll(&mut context).is_pending());
        bucket.clock().advance(TENTH);
        assert!(poll(first.as_mut()).is_ready());
        assert_eq!(woken.times(), 1, "its turn has come");
        assert!(wait.as_mut().poll(&mut context).is_pending());
        bucket.set_limit(Limit::per_second(1000).capacity(10)).unwrap();
        assert_eq!(woken.times(), 2, "its instant is earlier now");
        assert!(wait.as_mut().poll(&mut context).is_pending());
        bucket.clock().advance(Duration::from_millis(2));
        assert_eq!(wait.as_mut().poll(&mut context), Poll::Ready(Ok(())));
    }
    bucket.pause_for(TENTH);
    drop(place);
    bucket.resume();
    assert_eq!(bucket.available(), [0], "it was used, whatever came after");
}

#[test]
fn a_reservation_whose_turn_has_not_come_ends_when_the_bucket_is_closed() {
    behind_another!(bucket, first);
    let mut place = bucket.reserve([2]).unwrap();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut wait = pin!(place.wait_on(Never));
    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    bucket.close();
    assert_eq!(woken.times(), 1);
    assert_eq!(poll(wait.as_mut()), Poll::Ready(Err(Refused::Closed)));
    assert_eq!(poll(first.as_mut()), Poll::Ready(Err(Refused::Closed)));
}

#[test]
fn a_reservation_that_is_a_debt_outlives_the_closing() {
    let bucket = empty();
    let mut place = bucket.reserve(2).unwrap();
    bucket.close();
    bucket.clock().advance(2 * TENTH);
    assert_eq!(poll(pin!(place.wait_on(Never))), Poll::Ready(Ok(())));
}

#[test]
fn a_thread_waits_for_a_reservation_behind_others() {
    let bucket = MultiBucket::new([Limit::per_second(1000).empty()]).unwrap();
    let mut first = pin!(bucket.take_on([1], Never));
    assert!(poll(first.as_mut()).is_pending());
    let mut place = bucket.reserve([2]).unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            place.wait().unwrap();
            (place.ready_at(), bucket.clock().now())
        });
        std::thread::sleep(Duration::from_millis(2));
        assert!(poll(first.as_mut()).is_ready());
        let (ready_at, now) = waiter.join().unwrap();
        assert!(now >= ready_at.unwrap());
    });
}

#[test]
fn a_reservation_becomes_a_debt_under_limits_that_have_changed() {
    behind_another!(bucket, first);
    let place = bucket.reserve([2]).unwrap();
    bucket.set_limit(Limit::per_second(20).capacity(10)).unwrap();
    bucket.clock().advance(TENTH / 2);
    assert!(poll(first.as_mut()).is_ready());
    assert_eq!(place.remaining(), Some(TENTH));
    bucket.set_limit(Limit::per_second(10)).unwrap();
    assert_eq!(place.remaining(), Some(2 * TENTH));
}
