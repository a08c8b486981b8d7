//! A level can be set while others hold reservations, and while they wait.

#![cfg(feature = "std")]

mod timers;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use timers::Never;
use tollgate::clock::{ManualClock, Time, WallTime};
use tollgate::{Bucket, LeakyBucket, Limit, MultiBucket, TokenBucket};

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn poll<F: Future>(wait: Pin<&mut F>) -> Poll<F::Output> {
    wait.poll(&mut Context::from_waker(Waker::noop()))
}

fn poll_by<F: Future>(wait: Pin<&mut F>, woken: &Arc<Woken>) -> Poll<F::Output> {
    wait.poll(&mut Context::from_waker(&Waker::from(Arc::clone(woken))))
}

const MILLI: Duration = Duration::from_millis(1);

/// One empty stream of 10/s, and a full one beside it.
fn two(capacity: u64) -> MultiBucket<2, ManualClock> {
    let limits = [Limit::per_second(10).capacity(capacity).empty(), Limit::per_second(10).capacity(capacity)];
    MultiBucket::with_clock(limits, ManualClock::new()).unwrap()
}

fn one(capacity: u64) -> TokenBucket<ManualClock> {
    TokenBucket::with_clock(Limit::per_second(10).capacity(capacity).empty(), ManualClock::new()).unwrap()
}

#[test]
fn a_firm_reservation_stays_owed() {
    for level in [0, 3, 499] {
        let single = one(1000);
        let place = single.reserve(500).unwrap();
        single.reset(level);
        assert_eq!(place.remaining(), Some(50_000 * MILLI), "its instant stays");
        drop(place);
        assert_eq!(single.available(), level);

        let double = two(1000);
        double.try_take([0, 1000]).unwrap();
        let (place, other) = (double.reserve([500, 1]).unwrap(), double.reserve([0, 3]).unwrap());
        double.handle().unwrap().reset([level, 7]);
        assert_eq!(double.wait_for([0, 8]).unwrap(), Some(500 * MILLI), "four are owed");
        place.cancel();
        drop(other);
        assert_eq!(double.available(), [level, 7]);
    }
}

/// A server says that 10 are left, or none, while a hundred wait for their reserved instants.
#[test]
fn what_is_used_after_a_reset_is_the_level_and_what_accrues() {
    let used = |level: Option<u64>| {
        let bucket = one(10);
        let kept: Vec<_> = (0..100).map(|_| bucket.reserve(1).unwrap()).collect();
        if let Some(level) = level {
            bucket.reset(level);
        }
        let (mut used, mut kept) = (0, kept.into_iter().peekable());
        for _ in 0..100 {
            bucket.clock().advance(100 * MILLI);
            while kept.peek().is_some_and(|place| place.remaining() == Some(Duration::ZERO)) {
                kept.next().unwrap().commit();
                used += 1;
            }
            used += bucket.take_up_to(u64::MAX);
        }
        used
    };
    assert_eq!([None, Some(0), Some(10), Some(4)].map(used), [100, 100, 110, 104]);
}

#[test]
fn a_reservation_that_became_firm_behind_others_stays_owed() {
    for (kept, cancelled) in [(true, false), (false, true), (false, false)] {
        let bucket = one(10);
        let mut first = pin!(bucket.take_on(1, Never));
        assert!(poll(first.as_mut()).is_pending());
        let place = bucket.reserve(6).unwrap();
        bucket.clock().advance(100 * MILLI);
        // It is first now, and a debt of 6.
        assert!(poll(first.as_mut()).is_ready());
        bucket.reset(2);
        assert_eq!(bucket.wait_for(1), Ok(Some(500 * MILLI)));
        match (kept, cancelled) {
            (true, _) => place.commit(),
            (_, true) => place.cancel(),
            _ => drop(place),
        }
        assert_eq!(bucket.available(), if kept { 0 } else { 2 });
        bucket.charge(50).unwrap();
        bucket.reset(2);
        assert_eq!(bucket.available(), 2, "nobody holds one any more");
    }
}

#[test]
fn what_is_owed_for_work_already_done_is_forgiven() {
    let bucket = one(10);
    bucket.charge(100).unwrap();
    bucket.reset(4);
    assert_eq!(bucket.available(), 4);
    // As is what a committed reservation owes: it is used.
    bucket.reserve(9).unwrap().commit();
    bucket.reset(4);
    assert_eq!(bucket.available(), 4);
    // And one that turned into an estimate.
    let estimate = bucket.reserve(9).unwrap().into_estimate();
    bucket.reset(4);
    assert_eq!(bucket.available(), 4);
    estimate.settle([7]).unwrap();
    assert_eq!(bucket.available(), 6, "an estimate is settled with the new level");
}

#[test]
fn an_estimate_is_settled_with_the_level_that_was_set() {
    let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new()).unwrap();
    let (less, more) = (bucket.estimate(4).unwrap(), bucket.estimate(1).unwrap());
    bucket.reset(3);
    assert_eq!(bucket.available(), 3);
    less.settle([2]).unwrap();
    assert_eq!(bucket.available(), 5);
    more.settle([3]).unwrap();
    assert_eq!(bucket.available(), 3);
}

/// A refused reservation is not counted, nor is one that is over.
#[test]
fn only_reservations_that_are_held_stay_owed() {
    let bucket = one(10).with_max_debt(5);
    assert!(bucket.reserve(6).is_err());
    drop(bucket.reserve(5).unwrap());
    bucket.reserve(5).unwrap().cancel();
    let ready = bucket.reserve(1).unwrap();
    bucket.clock().advance(100 * MILLI);
    assert_eq!(ready.remaining(), Some(Duration::ZERO));
    bucket.reset(4);
    assert_eq!(bucket.available(), 4, "what is ready is owed no more");
    drop(ready);
    bucket.charge(50).unwrap();
    bucket.reset(4);
    assert_eq!(bucket.available(), 4);
}

#[test]
fn a_higher_level_is_told_to_the_first_and_nobody_overtakes() {
    fn told<const N: usize>(bucket: &impl Bucket<N, Amounts = [u64; N]>) {
        let amounts = |n| core::array::from_fn(|i| if i == 0 { n } else { 0 });
        let woken = [(); 3].map(|()| Arc::new(Woken::default()));
        let mut waits = [5, 2, 8].map(|n| Box::pin(bucket.take_on(amounts(n), Never)));
        for (wait, woken) in waits.iter_mut().zip(&woken) {
            assert!(poll_by(wait.as_mut(), woken).is_pending());
        }
        bucket.reset(amounts(8));
        assert_eq!(woken.each_ref().map(|woken| woken.0.load(Relaxed)), [1, 0, 0], "the first is told");
        assert!(bucket.try_take(amounts(1)).is_err(), "a newcomer comes after them");
        assert!(poll_by(waits[2].as_mut(), &woken[2]).is_pending());
        assert!(poll_by(waits[1].as_mut(), &woken[1]).is_pending());
        assert!(poll_by(waits[0].as_mut(), &woken[0]).is_ready());
        assert!(woken[1].0.load(Relaxed) > 0, "the second is told when the first is served");
        assert!(poll_by(waits[1].as_mut(), &woken[1]).is_ready());
        assert!(poll_by(waits[2].as_mut(), &woken[2]).is_pending());
        assert_eq!(bucket.available().to_vec()[0], 1);
    }
    told(&two(10));
    let single = MultiBucket::with_clock([Limit::per_second(10).empty()], ManualClock::new()).unwrap();
    told(&single);
}

#[test]
fn a_lower_level_lets_those_who_wait_wait_for_as_long_as_it_takes() {
    let bucket = one(10);
    let mut first = pin!(bucket.take_on(5, Never));
    assert!(poll(first.as_mut()).is_pending());
    bucket.clock().advance(400 * MILLI);
    bucket.reset(0);
    bucket.clock().advance(100 * MILLI);
    assert!(poll(first.as_mut()).is_pending(), "one has accrued since");
    assert!(bucket.try_take(1).is_err(), "it is still ahead of newcomers");
    bucket.clock().advance(399 * MILLI);
    assert!(poll(first.as_mut()).is_pending());
    bucket.clock().advance(MILLI);
    assert!(poll(first.as_mut()).is_ready());
    assert_eq!(bucket.available(), 0);
}

#[test]
fn what_is_restored_is_told_to_the_first() {
    fn told<const N: usize>(bucket: &impl Bucket<N, Amounts = [u64; N]>, restore: impl FnOnce()) {
        let woken = Arc::new(Woken::default());
        let mut first = pin!(bucket.take_on([5; N], Never));
        assert!(poll_by(first.as_mut(), &woken).is_pending());
        restore();
        assert_eq!(woken.0.load(Relaxed), 1);
        assert!(bucket.try_take([1; N]).is_err(), "a newcomer comes after it");
        assert!(poll_by(first.as_mut(), &woken).is_ready());
        assert_eq!(bucket.available(), [2; N]);
    }
    let limit = Limit::per_second(10);
    let full = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
    full.try_take(3).unwrap();
    let saved = full.at(Time::ZERO).save(WallTime::from_unix_nanos(0));
    let multi = MultiBucket::with_clock([limit.empty()], ManualClock::new()).unwrap();
    told(&multi, || multi.at(Time::ZERO).restore(&saved, WallTime::from_unix_nanos(0)).unwrap());

    let (woken, single) = (Arc::new(Woken::default()), one(10));
    let mut first = pin!(single.take_on(5, Never));
    assert!(poll_by(first.as_mut(), &woken).is_pending());
    single.at(Time::ZERO).restore(&saved, WallTime::from_unix_nanos(0)).unwrap();
    assert_eq!((woken.0.load(Relaxed), single.try_take(1).is_err()), (1, true));
    assert!(poll_by(first.as_mut(), &woken).is_ready());
    assert_eq!(single.available(), 2);
}

#[test]
fn a_leaky_bucket_keeps_its_queue() {
    let bucket = LeakyBucket::empty_with_clock(Limit::per_second(10), ManualClock::new()).unwrap();
    bucket.try_add(10).unwrap();
    let place = bucket.reserve(4).unwrap();
    bucket.reset(3);
    assert_eq!(bucket.level(), 7);
    drop(place);
    assert_eq!(bucket.level(), 3);
}
