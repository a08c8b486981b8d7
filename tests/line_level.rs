//! What accrued for those who wait stays theirs: it may be more than the capacity, for as long as
//! the grace.

#![cfg(feature = "std")]

mod timers;

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use timers::Never;
use tollgate::clock::ManualClock;
use tollgate::{Limit, MultiBucket, Refused, TokenBucket};

fn poll<F: Future>(wait: Pin<&mut F>) -> Poll<F::Output> {
    wait.poll(&mut Context::from_waker(Waker::noop()))
}

/// A full bucket to which a token comes each millisecond, and which holds one.
fn one() -> TokenBucket<ManualClock> {
    TokenBucket::with_clock(Limit::per_second(1000).capacity(1), ManualClock::new()).unwrap()
}

#[test]
fn a_shortage_that_is_settled_leaves_what_accrued_to_those_who_wait() {
    let bucket = one();
    let estimate = bucket.estimate(1).unwrap();
    let mut first = pin!(bucket.take_on(1, Never));
    assert!(poll(first.as_mut()).is_pending());
    bucket.clock().advance(Duration::from_millis(6));
    // Six have accrued; two of them are used by what is settled now.
    estimate.settle([3]).unwrap();
    assert!(poll(first.as_mut()).is_ready(), "four are left for it");
}

#[test]
fn a_charge_leaves_what_accrued_to_those_who_wait() {
    let bucket = one();
    bucket.try_take(1).unwrap();
    let mut first = pin!(bucket.take_on(1, Never));
    assert!(poll(first.as_mut()).is_pending());
    bucket.clock().advance(Duration::from_millis(6));
    bucket.charge(2).unwrap();
    assert!(poll(first.as_mut()).is_ready(), "four are left for it");
}

#[test]
fn without_a_wait_what_accrued_above_the_capacity_is_not_settled_with() {
    let bucket = one();
    let estimate = bucket.estimate(1).unwrap();
    bucket.clock().advance(Duration::from_millis(6));
    estimate.settle([3]).unwrap();
    assert_eq!(bucket.wait_for(1), Ok(Some(Duration::from_millis(2))));
}

/// Two who wait, and come six milliseconds late: how the second fares.
fn second_of_two_late_ones(bucket: &TokenBucket<ManualClock>) -> bool {
    bucket.try_take(1).unwrap();
    let (mut first, mut second) = (pin!(bucket.take_on(1, Never)), pin!(bucket.take_on(1, Never)));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    bucket.clock().advance(Duration::from_millis(7));
    assert!(poll(first.as_mut()).is_ready());
    poll(second.as_mut()).is_ready()
}

#[test]
fn what_accrues_while_a_waiter_is_late_is_kept_for_as_long_as_the_grace() {
    assert!(second_of_two_late_ones(&one()), "ten milliseconds");
    assert!(second_of_two_late_ones(&one().with_grace(Duration::from_millis(6))));
    assert!(!second_of_two_late_ones(&one().with_grace(Duration::ZERO)));
}

#[test]
fn a_change_leaves_what_the_first_may_use() {
    for pause in [false, true] {
        let limit = Limit::per_second(1000).capacity(1);
        let bucket = MultiBucket::with_clock([limit], ManualClock::new()).unwrap();
        bucket.try_take([1]).unwrap();
        let (mut first, mut second) = (pin!(bucket.take_on([1], Never)), pin!(bucket.take_on([1], Never)));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        bucket.clock().advance(Duration::from_millis(7));
        if pause {
            bucket.pause();
            bucket.resume();
        } else {
            bucket.set_limit(limit).unwrap();
        }
        assert!(poll(first.as_mut()).is_ready());
        assert!(poll(second.as_mut()).is_ready(), "seven have accrued for both");
    }
}

#[test]
fn one_that_waits_for_more_than_a_lowered_capacity_is_served_however_often_limits_change() {
    let limit = Limit::per_second(1000).capacity(100);
    let bucket = MultiBucket::with_clock([limit.empty()], ManualClock::new()).unwrap();
    let mut first = pin!(bucket.take_on([100], Never));
    assert!(poll(first.as_mut()).is_pending());
    for _ in 0..100 {
        bucket.clock().advance(Duration::from_millis(1));
        bucket.set_limit(limit.capacity(5)).unwrap();
    }
    assert!(poll(first.as_mut()).is_ready());
    assert_eq!(bucket.available(), [0]);
}

#[test]
fn who_is_kept_out_where_tokens_abound_is_told_a_wait() {
    let bucket = one();
    bucket.try_take(1).unwrap();
    let mut first = pin!(bucket.take_on(1, Never));
    assert!(poll(first.as_mut()).is_pending());
    bucket.clock().advance(Duration::from_millis(5));
    // Five have accrued, and one is waited for. It was to come 4 ms ago, and has 10 ms to come.
    let wait = bucket.try_take(1).unwrap_err().wait().unwrap();
    assert!(Duration::ZERO < wait && wait <= Duration::from_millis(10), "{wait:?}");
    assert_eq!(bucket.wait_for(1), Ok(Some(wait)));
    let mut tries = 0;
    while let Err(refused) = bucket.try_take(1) {
        bucket.clock().advance(refused.wait().unwrap());
        tries += 1;
    }
    assert!((1..20).contains(&tries), "{tries}: it did not come, and no try is in vain for ever");
    assert!(poll(first.as_mut()).is_pending());
    bucket.close();
    assert_eq!(bucket.wait_for(1), Ok(None));
}

#[test]
fn whatever_refuses_beside_those_who_wait_says_a_wait_and_a_stream_that_is_used() {
    let limits = [Limit::per_second(10), Limit::per_second(1000)];
    let bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
    bucket.try_take([10, 0]).unwrap();
    let mut first = pin!(bucket.take_on([8, 1], Never));
    assert!(poll(first.as_mut()).is_pending());
    let refusals = [
        bucket.try_take([0, 1]).unwrap_err(),
        bucket.estimate([0, 1]).map(|_| ()).unwrap_err(),
        bucket.take_blocking_timeout([0, 1], Duration::ZERO).unwrap_err(),
        bucket.reserve_within([0, 1], Duration::ZERO).map(|_| ()).unwrap_err(),
    ];
    for refused in refusals {
        let wait = refused.wait().unwrap();
        assert!((Duration::from_millis(790)..=Duration::from_millis(820)).contains(&wait), "{wait:?}");
        assert_eq!(refused.stream(), 1);
        assert!(refused.to_string().starts_with("not enough tokens in stream 1 for another"), "{refused}");
    }
}

#[test]
fn a_lease_fetches_nothing_while_others_wait_nor_from_a_closed_bucket() {
    fn kept_out<const N: usize>(bucket: &impl tollgate::Bucket<N, Amounts = [u64; N]>, clock: &ManualClock) {
        let mut lease = bucket.lease([10; N]);
        lease.try_take([1; N]).unwrap();
        bucket.reset([0; N]);
        let mut first = pin!(bucket.take_on([5; N], Never));
        assert!(poll(first.as_mut()).is_pending());
        clock.advance(Duration::from_millis(300));
        let wait = lease.try_take([1; N]).unwrap_err().wait().unwrap();
        assert!(wait > Duration::ZERO, "{wait:?}");
        clock.advance(Duration::from_millis(200));
        assert!(poll(first.as_mut()).is_ready());
        clock.advance(Duration::from_millis(100));
        assert_eq!(lease.try_take([1; N]), Ok(()), "nobody waits any more");
        bucket.close();
        clock.advance(Duration::from_secs(1));
        assert_eq!(lease.try_take([1; N]), Err(Refused::Closed));
    }
    let limit = Limit::per_second(10);
    let changed = MultiBucket::with_clock([limit], ManualClock::new()).unwrap();
    changed.set_limits([limit]).unwrap();
    kept_out(&changed, changed.clock());
    let bucket = MultiBucket::with_clock([limit, limit], ManualClock::new()).unwrap();
    kept_out(&bucket, bucket.clock());
    // What is held may be spent.
    let single = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
    let mut lease = single.lease(10);
    for _ in 0..4 {
        lease.try_take(1).unwrap();
    }
    assert_eq!(lease.held(), 3);
    single.close();
    assert_eq!((lease.try_take(3), lease.try_take(1)), (Ok(()), Err(Refused::Closed)));
}

#[test]
fn a_batch_ends_at_the_first_request_that_others_keep_out() {
    let limits = [Limit::per_second(10), Limit::per_second(10).empty()];
    let bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
    let mut first = pin!(bucket.take_on([0, 1], Never));
    assert!(poll(first.as_mut()).is_pending());
    assert_eq!(bucket.take_in_order(&[[1, 0], [0, 0], [2, 0], [0, 1], [1, 0]]), 3);
    assert_eq!(bucket.available(), [7, 0]);
}

#[test]
fn one_without_a_deadline_is_not_refused_because_of_those_who_have_left() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10).empty(); 2], ManualClock::new()).unwrap();
    bucket.put_back([3, 0]);
    let mut leaver = Box::pin(bucket.take_on([5, 0], Never));
    let mut second = pin!(bucket.take_on([1, 5], Never));
    assert!(poll(leaver.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    let stopped = Limit::new(tollgate::Rate::per_second(0), 10);
    bucket.set_limits([stopped, Limit::per_second(10)]).unwrap();
    drop(leaver);
    assert!(poll(pin!(bucket.take_on([0, 1], Never))).is_pending(), "it can be served after 600 ms");
}

#[test]
fn a_deadline_behind_a_reservation_counts_from_when_that_is_first() {
    let limits = [Limit::per_second(10).empty(), Limit::per_second(10)];
    let bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
    let mut first = pin!(bucket.take_on([1, 0], Never));
    assert!(poll(first.as_mut()).is_pending());
    // A debt as soon as the first is served, at 100 ms.
    let _place = bucket.reserve([9, 1]).unwrap();
    let mut third = pin!(bucket.take_timeout_on([0, 1], Duration::from_millis(500), Never));
    assert!(poll(third.as_mut()).is_pending());
    bucket.clock().advance(Duration::from_millis(100));
    assert!(poll(first.as_mut()).is_ready() && poll(third.as_mut()).is_ready());
}
