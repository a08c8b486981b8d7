//! Waiting in real time: on any clock nobody is early, nobody is late for nothing, and the bound
//! holds. No assertion is timed.
#![cfg(feature = "std")]

mod common;
mod waits;

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use common::{Naive, nanos};
use portable_atomic::{AtomicU64, Ordering::SeqCst};
use tollgate::clock::{ManualClock, Time};
use tollgate::{Clock, Limit, MultiBucket, Refused, TokenBucket};
use waits::{audit_at_use, multi, single};

#[test]
fn blocked_threads_are_granted_no_more_than_the_bound_of_the_clock_they_read() {
    let limit = Limit::per_second(5000).capacity(10);
    let bucket = TokenBucket::new(limit).unwrap();
    let began = bucket.clock().now();
    let ends = thread::scope(|scope| {
        let taker = || {
            for _ in 0..50 {
                bucket.take_blocking(1).unwrap();
            }
            bucket.clock().now()
        };
        [(); 4].map(|()| scope.spawn(taker)).map(|taker| taker.join().unwrap())
    });
    let elapsed = ends.into_iter().max().unwrap().since(began);
    let mut model = Naive::new(limit);
    // Instants are whole nanoseconds.
    model.precision = 1;
    assert!(model.most_in(elapsed.as_nanos() as u64) >= 200, "200 tokens in {elapsed:?}");
}

#[test]
fn places_of_many_threads_are_distinct_and_keep_the_bound_at_use() {
    let limit = Limit::per_second(1000).capacity(5);
    let bucket = TokenBucket::new(limit).unwrap();
    let origin = bucket.clock().now();
    let uses = thread::scope(|scope| {
        let taker = || {
            let reserve = |n| {
                let place = bucket.reserve(n).unwrap();
                let at = place.ready_at();
                let waits = at > Some(bucket.clock().now());
                place.commit();
                (at.unwrap().since(origin).as_nanos() as u64, n, waits)
            };
            (0..200).map(|i| reserve(1 + i % 5)).collect::<Vec<_>>()
        };
        [(); 4].map(|()| scope.spawn(taker)).map(|taker| taker.join().unwrap())
    });
    for uses in &uses {
        assert!(uses.is_sorted_by_key(|(at, _, _)| *at), "one thread's are in order");
    }
    let uses = uses.concat();
    audit_at_use(limit, &mut uses.iter().map(|(at, n, _)| (*at, *n)).collect::<Vec<_>>()).unwrap();
    let mut instants: Vec<_> = uses.iter().filter(|(_, _, waits)| *waits).map(|(at, _, _)| *at).collect();
    let waiting = instants.len();
    instants.sort_unstable();
    instants.dedup();
    assert!(waiting > 100 && instants.len() == waiting, "two of {waiting} wait for one instant");
}

#[test]
fn nobody_is_early() {
    let bucket = MultiBucket::new([Limit::per_second(2000).empty(), Limit::per_second(1 << 20)]).unwrap();
    for n in [1, 3, 1] {
        let mut place = bucket.reserve([n, 7]).unwrap();
        let ready_at = place.ready_at();
        place.wait().unwrap();
        assert!(bucket.clock().now() >= ready_at.unwrap());
    }
    let place = bucket.reserve([2, 1]).unwrap();
    let ready_at = place.ready_at();
    place.cancel();
    bucket.take_blocking([2, 1]).unwrap();
    assert!(bucket.clock().now() >= ready_at.unwrap());
}

#[test]
fn threads_are_served_in_the_order_in_which_they_came() {
    let bucket = TokenBucket::new(Limit::per_second(200).empty()).unwrap();
    let (served, order) = channel();
    thread::scope(|scope| {
        // Reserved one after the other, with the smallest amounts last.
        for (i, n) in [4, 3, 2, 1].into_iter().enumerate() {
            let (mut place, served, bucket) = (bucket.reserve(n).unwrap(), served.clone(), &bucket);
            scope.spawn(move || {
                let ready_at = place.ready_at().unwrap();
                place.wait().unwrap();
                served.send((ready_at, bucket.clock().now(), i)).unwrap();
            });
        }
    });
    drop(served);
    let mut served: Vec<_> = order.iter().collect();
    served.sort_unstable();
    assert!(served.iter().map(|(_, _, i)| *i).eq(0..4), "{served:?}");
    assert!(served.iter().all(|(ready_at, at, _)| at >= ready_at), "{served:?}");
}

/// A clock that counts how often it is read.
#[derive(Default)]
struct Counting(ManualClock, AtomicU64);

impl Clock for Counting {
    fn now(&self) -> Time {
        self.1.fetch_add(1, SeqCst);
        self.0.now()
    }
}

#[test]
fn a_timeout_that_cannot_be_met_is_refused_at_once_and_takes_nothing() {
    // A waiter would sleep for ever: this clock stands still.
    let bucket = MultiBucket::with_clock([Limit::per_second(10).empty()], Counting::default()).unwrap();
    let read = || bucket.clock().1.load(SeqCst);
    let before = read();
    let refused = bucket.take_blocking_timeout([3], Duration::from_millis(300) - Duration::from_nanos(1)).unwrap_err();
    assert_eq!(read(), before + 1, "it has decided on one reading, and slept for none");
    assert_eq!(refused.wait(), Some(Duration::from_millis(300)));
    assert!(matches!(bucket.take_blocking_timeout([11], Duration::MAX), Err(Refused::Never(_))));
    assert!(bucket.take_blocking_timeout([1], Duration::ZERO).is_err());
    assert_eq!(bucket.snapshot().sequence(), 0);
    // What is there is not waited for.
    bucket.clock().0.advance(Duration::from_millis(300));
    bucket.take_blocking_timeout([3], Duration::ZERO).unwrap();
    assert_eq!(bucket.available(), [0]);
    assert_eq!(bucket.snapshot().sequence(), 1);
}

#[test]
fn who_would_block_is_refused_as_a_reservation_is() {
    let bucket = multi([Limit::per_second(10), Limit::per_second(0).capacity(5)]).with_max_wait(Duration::from_secs(1));
    bucket.take_blocking([10, 5]).unwrap();
    for n in [[0, 1], [11, 0], [0, u64::MAX], [10, 1]] {
        assert_eq!(bucket.take_blocking(n).unwrap_err(), bucket.reserve(n).unwrap_err(), "{n:?}");
    }
    let waiting = bucket.reserve([9, 0]).unwrap();
    assert_eq!(bucket.take_blocking([2, 0]).unwrap_err().wait(), Some(Duration::from_millis(1100)));
    assert!(bucket.take_blocking_timeout([1, 0], Duration::from_secs(1) - Duration::from_nanos(1)).is_err());
    waiting.commit();
    assert_eq!(bucket.snapshot().sequence(), 2);
}

#[test]
fn a_clock_that_stands_still_is_waited_for_until_it_is_moved() {
    let bucket = single(Limit::per_second(1000).empty());
    let two = multi([Limit::per_second(1000).empty(), Limit::per_second(1_000_000)]);
    thread::scope(|scope| {
        let one = scope.spawn(|| {
            bucket.take_blocking(2).unwrap();
            bucket.clock().now()
        });
        let other = scope.spawn(|| {
            two.take_blocking([2, 1]).unwrap();
            two.clock().now()
        });
        // Until both have their places.
        while bucket.wait_for(1) != Ok(Some(Duration::from_millis(3))) || two.snapshot().sequence() == 0 {
            thread::yield_now();
        }
        for clock in [bucket.clock(), two.clock()] {
            clock.advance(Duration::from_millis(1));
            clock.advance(Duration::from_millis(1));
        }
        assert_eq!([one.join().unwrap(), other.join().unwrap()], [nanos(2_000_000); 2]);
    });
    assert_eq!((bucket.available(), two.available()[0]), (0, 0), "and they have kept their tokens");
}
