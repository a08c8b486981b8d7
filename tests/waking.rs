//! Those who wait when the limits change: whoever's turn comes earlier is woken, and whoever's turn
//! comes later waits on.
#![cfg(feature = "std")]

mod timers;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use timers::Never;
use tollgate::clock::{InstantClock, ManualClock, Time};
use tollgate::limit::Inherit;
use tollgate::{Clock, Limit, MultiBucket, Rate};

const HOUR: Duration = Duration::from_secs(3600);

/// A token an hour.
fn slow() -> Limit {
    Limit::new(Rate::new(1, HOUR).unwrap(), 10).empty()
}

fn fast() -> Limit {
    Limit::per_second(1_000_000).capacity(10)
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Woken {
    fn times(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All that waits on a thread, each for a token of an hour, beside a change that makes it there at
/// once.
fn all_are_woken_by(change: impl Fn(&MultiBucket<1, InstantClock>)) {
    let waits: [fn(&MultiBucket<1, InstantClock>); 4] = [
        |bucket| bucket.reserve([1]).unwrap().wait().unwrap(),
        |bucket| bucket.take_blocking([1]).map(drop).unwrap(),
        |bucket| bucket.take_blocking_timeout([1], 9 * HOUR).map(drop).unwrap(),
        |bucket| bucket.until_available_blocking([1]).unwrap(),
    ];
    for wait in waits {
        for late in [false, true] {
            let bucket = MultiBucket::with_clock([slow()], InstantClock::default()).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| wait(&bucket));
                if late {
                    // Most of the time it sleeps by then; whichever is first, it is to wake.
                    thread::sleep(Duration::from_millis(20));
                }
                change(&bucket);
            });
        }
    }
}

#[test]
fn a_raised_rate_wakes_every_kind_of_waiter_on_a_thread() {
    all_are_woken_by(|bucket| bucket.set_limits([fast()]).unwrap());
}

#[test]
fn a_change_that_fills_the_bucket_wakes_whoever_waits_until_it_is_ready() {
    let bucket = MultiBucket::with_clock([slow()], ManualClock::new()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| bucket.until_available_blocking([10]).unwrap());
        thread::sleep(Duration::from_millis(20));
        bucket.set_limits_with([Limit::per_second(10)], Inherit::Reset).unwrap();
    });
}

#[test]
fn a_resume_wakes_those_whom_the_pause_kept_on_a_clock_that_stands_still() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new()).unwrap();
    bucket.pause_for(HOUR);
    thread::scope(|scope| {
        scope.spawn(|| bucket.take_blocking([3]).unwrap());
        scope.spawn(|| bucket.until_available_blocking([1]).unwrap());
        thread::sleep(Duration::from_millis(20));
        bucket.resume();
    });
    assert_eq!(bucket.available(), [7]);
}

#[test]
fn many_who_wait_are_all_woken() {
    let bucket = MultiBucket::with_clock([slow()], InstantClock::default()).unwrap();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| bucket.take_blocking([1]).unwrap());
        }
        bucket.set_limits([fast()]).unwrap();
    });
}

#[test]
fn a_task_is_woken_by_a_change_and_completes_if_its_turn_has_come() {
    let bucket = MultiBucket::with_clock([slow()], ManualClock::new()).unwrap();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let mut take = pin!(bucket.take_on([2], Never));
    let mut ready = pin!(bucket.until_available_on([1], Never));
    assert!(take.as_mut().poll(&mut context).is_pending());
    assert!(ready.as_mut().poll(&mut context).is_pending());
    bucket.set_limits([Limit::per_second(1).capacity(10)]).unwrap();
    assert_eq!(woken.times(), 2);
    // Earlier, but not yet.
    assert!(take.as_mut().poll(&mut context).is_pending());
    assert!(ready.as_mut().poll(&mut context).is_pending());
    bucket.clock().advance(Duration::from_secs(2));
    bucket.set_limits([Limit::per_second(1).capacity(10)]).unwrap();
    // Both come by their own timers: the instant of one has come, and of the other it is not far.
    assert_eq!(woken.times(), 2);
    assert_eq!(take.poll(&mut context).map_ok(drop), Poll::Ready(Ok(())));
    assert!(ready.as_mut().poll(&mut context).is_pending(), "what there was is taken");
    bucket.clock().advance(Duration::from_secs(1));
    bucket.set_limits([fast()]).unwrap();
    assert_eq!(ready.poll(&mut context), Poll::Ready(Ok(())));
}

#[test]
fn a_task_whose_turn_comes_later_waits_on() {
    let bucket = MultiBucket::with_clock([Limit::per_second(1).capacity(10).empty()], ManualClock::new()).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut take = pin!(bucket.take_on([2], Never));
    assert!(take.as_mut().poll(&mut context).is_pending());
    bucket.set_limits([slow()]).unwrap();
    bucket.clock().advance(Duration::from_secs(2));
    // The instant of old has come, and it was woken; its own has not.
    assert!(take.as_mut().poll(&mut context).is_pending());
    bucket.clock().set(Time::ZERO.after(2 * HOUR));
    bucket.set_limits([slow()]).unwrap();
    assert!(take.poll(&mut context).is_ready());
}

#[test]
fn a_thread_whose_turn_comes_later_waits_on() {
    let bucket = MultiBucket::with_clock([Limit::per_second(1).capacity(10).empty()], ManualClock::new()).unwrap();
    let mut place = bucket.reserve([2]).unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            place.wait().unwrap();
            bucket.clock().now()
        });
        bucket.set_limits([slow()]).unwrap();
        bucket.clock().advance(Duration::from_secs(2));
        bucket.set_limits([slow()]).unwrap();
        thread::sleep(Duration::from_millis(20));
        bucket.clock().set(Time::ZERO.after(2 * HOUR));
        bucket.set_limits([slow()]).unwrap();
        assert_eq!(waiter.join().unwrap(), Time::ZERO.after(2 * HOUR));
    });
}

#[test]
fn a_cancelled_wait_is_woken_no_more_and_gives_its_tokens_back() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new()).unwrap();
    bucket.pause_for(HOUR);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    {
        let mut take = pin!(bucket.take_on([4], Never));
        assert!(take.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    bucket.resume();
    assert_eq!((woken.times(), bucket.available()), (0, [10]));
}
