//! Reservations that are made behind others who wait.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tollgate::clock::ManualClock;
use tollgate::wait::Timer;
use tollgate::{Limit, TokenBucket};

/// A timer whose sleeps never end: the test polls.
struct Never;

impl Timer for Never {
    type Sleep = std::future::Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        std::future::pending()
    }
}

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
