//! Those who leave the line: aborted at any poll, with their runtime, or let go by a close. Nothing
//! is taken for them, and nobody else notices.
#![cfg(feature = "std")]

mod common;
mod crowd;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use common::nanos;
use crowd::{Alarms, Crowd};
use tollgate::clock::{ManualClock, Time};
use tollgate::wait::{Cancel, Timer};
use tollgate::{Clock, Limit, MultiBucket, Refused, TokenBucket};

const MS: u64 = 1_000_000;

fn ten_per_second() -> Limit {
    Limit::per_second(10).empty()
}

/// A timer whose every sleep ends after half of the time.
struct Half<'a>(&'a ManualClock);

impl<'a> Timer for Half<'a> {
    type Sleep = HalfSleep<'a>;

    fn sleep(&self, duration: Duration) -> HalfSleep<'a> {
        HalfSleep(self.0, self.0.now().after(duration / 2))
    }
}

struct HalfSleep<'a>(&'a ManualClock, Time);

impl Future for HalfSleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.now() >= self.1 { Poll::Ready(()) } else { Poll::Pending }
    }
}

type Wait<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The ways to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Take,
    TakeTimeout,
    Reserve,
}

/// A bucket that the same is done to: of several streams, all alike.
trait Stage {
    fn hand(&self) -> &ManualClock;
    fn waiter(&self, way: Way, n: u64) -> Wait<'_>;
    fn wait_for_one(&self) -> Duration;
}

const LONG: Duration = Duration::from_secs(9);

impl Stage for TokenBucket<ManualClock> {
    fn hand(&self) -> &ManualClock {
        self.clock()
    }

    fn waiter(&self, way: Way, n: u64) -> Wait<'_> {
        let timer = Half(self.clock());
        Box::pin(async move {
            match way {
                Way::Take => self.take_on(n, timer).await.map(drop).unwrap(),
                Way::TakeTimeout => self.take_timeout_on(n, LONG, timer).await.map(drop).unwrap(),
                Way::Reserve => self.reserve(n).unwrap().wait_on(timer).await.unwrap(),
            }
        })
    }

    fn wait_for_one(&self) -> Duration {
        self.wait_for(1).unwrap().unwrap()
    }
}

impl Stage for MultiBucket<2, ManualClock> {
    fn hand(&self) -> &ManualClock {
        self.clock()
    }

    fn waiter(&self, way: Way, n: u64) -> Wait<'_> {
        let timer = Half(self.clock());
        Box::pin(async move {
            match way {
                Way::Take => self.take_on([n; 2], timer).await.map(drop).unwrap(),
                Way::TakeTimeout => self.take_timeout_on([n; 2], LONG, timer).await.map(drop).unwrap(),
                Way::Reserve => self.reserve([n; 2]).unwrap().wait_on(timer).await.unwrap(),
            }
        })
    }

    fn wait_for_one(&self) -> Duration {
        self.wait_for([1, 1]).unwrap().unwrap()
    }
}

fn poll(wait: &mut Option<Wait<'_>>) -> bool {
    let is_ready = |wait: &mut Wait<'_>| wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
    let ends = wait.as_mut().is_some_and(is_ready);
    if ends {
        *wait = None;
    }
    ends
}

/// Lets one wait for three tokens, behind one that waits for two and before one that waits for one.
/// It is dropped after so many polls, 10 ms apart. Returns whether it was served before that.
fn abort_after(polls: u64, bucket: &impl Stage, way: Way) -> bool {
    let mut ahead = Some(bucket.waiter(Way::Take, 2));
    let mut aborted = Some(bucket.waiter(way, 3));
    let mut behind = Some(bucket.waiter(Way::Take, 1));
    let (mut is_served, mut polled) = (false, 0);
    while behind.is_some() {
        poll(&mut ahead);
        if polled == polls {
            aborted = None;
        }
        polled += 1;
        is_served |= poll(&mut aborted);
        poll(&mut behind);
        bucket.hand().advance(Duration::from_nanos(10 * MS));
    }
    bucket.hand().set(nanos(bucket.hand().now().as_nanos() - 10 * MS));
    is_served
}

fn aborted_at_every_poll<B: Stage>(bucket: impl Fn() -> B) {
    for way in [Way::Take, Way::TakeTimeout, Way::Reserve] {
        let served = (0..).find(|polls| {
            let bucket = bucket();
            let is_served = abort_after(*polls, &bucket, way);
            // A reservation that is dropped at its instant is used.
            let is_used = is_served || way == Way::Reserve && *polls == 50;
            let (now, taken) = (bucket.hand().now().as_nanos(), if is_used { 6 } else { 3 });
            // The one behind goes when its token is there, or when there is room.
            let left_at = if is_used { 0 } else { 10 * MS * polls };
            assert_eq!(now, left_at.max(taken * 100 * MS), "{way:?}, {polls} polls");
            // What is there is what accrued, less what was taken.
            let next = ((taken + 1) * 100 * MS).saturating_sub(now);
            assert_eq!(bucket.wait_for_one().as_nanos(), next.into(), "{way:?}, {polls} polls");
            is_served
        });
        assert_eq!(served, Some(51), "{way:?}: five tokens have accrued after 500 ms");
    }
}

#[test]
fn a_wait_that_is_dropped_after_any_number_of_polls_takes_nothing() {
    aborted_at_every_poll(|| TokenBucket::with_clock(ten_per_second(), ManualClock::new()).unwrap());
    aborted_at_every_poll(|| MultiBucket::with_clock([ten_per_second(); 2], ManualClock::new()).unwrap());
}

/// That nobody is in the line, and that the bucket is as one that nobody ever waited on.
fn is_as_before(bucket: &TokenBucket<ManualClock>) {
    let fresh = TokenBucket::with_clock(ten_per_second(), ManualClock::new()).unwrap();
    assert_eq!(bucket.clock().now(), fresh.clock().now());
    assert_eq!(bucket.try_take(1), fresh.try_take(1), "the same refusal");
    // While somebody is in the line, a charge forgets nothing above the capacity.
    for bucket in [bucket, &fresh] {
        bucket.clock().advance(Duration::from_secs(2));
        bucket.charge(10).unwrap();
    }
    assert_eq!((bucket.available(), bucket.wait_for(1)), (fresh.available(), fresh.wait_for(1)));
    assert_eq!(fresh.available(), 0);
}

#[test]
fn a_hundred_who_are_dropped_in_any_order_leave_nothing_behind() {
    let orders: [fn(u64) -> u64; 3] = [|i| i, |i| 99 - i, |i| i * 37 % 100];
    for order in orders {
        let clock = ManualClock::new();
        let bucket = TokenBucket::with_clock(ten_per_second(), ManualClock::new()).unwrap();
        let alarms = Alarms::new(&clock);
        let mut crowd = Crowd::new(&alarms);
        (0..100).for_each(|_| _ = crowd.come(bucket.take_on(1, &alarms)));
        crowd.poll();
        for i in 0..100 {
            // The wait of one more: for those who are left, and for itself.
            assert_eq!(bucket.wait_for(1), Ok(Some(Duration::from_millis(100 * (101 - i)))));
            crowd.leave(order(i) as usize);
            crowd.poll();
        }
        assert_eq!(alarms.next(), None);
        is_as_before(&bucket);
    }
}

/// Runtimes that are dropped under those who wait.
#[cfg(feature = "tokio")]
mod on_tokio {
    use std::sync::Arc;

    use tokio::runtime::Builder;

    use super::*;

    fn dropped(mut builder: Builder) {
        let bucket = Arc::new(TokenBucket::with_clock(ten_per_second(), ManualClock::new()).unwrap());
        let runtime = builder.enable_time().build().unwrap();
        for _ in 0..100 {
            let bucket = bucket.clone();
            runtime.spawn(async move { bucket.take(1).await });
        }
        runtime.block_on(async {
            while bucket.wait_for(1) != Ok(Some(Duration::from_millis(10_100))) {
                tokio::task::yield_now().await;
            }
        });
        drop(runtime);
        is_as_before(&bucket);
    }

    #[test]
    fn a_runtime_that_is_dropped_under_a_hundred_waiters_leaves_none() {
        for _ in 0..10 {
            dropped(Builder::new_current_thread());
            let mut several = Builder::new_multi_thread();
            several.worker_threads(4);
            dropped(several);
        }
    }
}

#[test]
fn a_close_lets_all_threads_go_and_nothing_is_taken() {
    let bucket = TokenBucket::with_clock(ten_per_second(), ManualClock::new()).unwrap();
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..8).map(|_| scope.spawn(|| bucket.take_blocking(1))).collect();
        while bucket.wait_for(1) != Ok(Some(Duration::from_millis(900))) {
            thread::yield_now();
        }
        bucket.close();
        // They are out already: tokens that accrue now are not for them.
        bucket.clock().advance(Duration::from_secs(1));
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Err(Refused::Closed));
        }
    });
    assert_eq!(bucket.take_blocking(1), Err(Refused::Closed));
    assert_eq!(bucket.available(), 10);
}

#[test]
fn a_close_beside_those_who_come_lets_each_go_once() {
    for round in 0..100 {
        let bucket = TokenBucket::with_clock(Limit::per_second(10).capacity(4), ManualClock::new()).unwrap();
        let ends = thread::scope(|scope| {
            let waiters = [(); 8].map(|()| scope.spawn(|| bucket.take_blocking(1)));
            for _ in 0..round {
                thread::yield_now();
            }
            bucket.close();
            waiters.map(|waiter| waiter.join().unwrap())
        });
        let served = ends.iter().filter(|end| end.is_ok()).count();
        assert!(ends.iter().all(|end| matches!(end, Ok(_) | Err(Refused::Closed))), "{ends:?}");
        assert_eq!(bucket.available(), 4 - served as u64, "round {round}: {ends:?}");
    }
}

#[test]
fn a_close_wakes_all_tasks_and_each_is_refused() {
    let clock = ManualClock::new();
    let (alarms, bucket) = (Alarms::new(&clock), TokenBucket::with_clock(ten_per_second(), &clock).unwrap());
    let mut crowd = Crowd::new(&alarms);
    (0..100).for_each(|_| _ = crowd.come(bucket.take_on(1, &alarms)));
    crowd.run(Time::ZERO.after(Duration::from_millis(500)));
    bucket.close();
    crowd.poll();
    assert_eq!((crowd.served.len(), crowd.refused.len(), crowd.waiting()), (5, 95, 0));
    assert!(crowd.refused.iter().all(|(_, refused)| *refused == Refused::Closed));
    clock.advance(Duration::from_secs(1));
    assert_eq!(bucket.available(), 10);
}

#[test]
fn a_cancel_lets_those_threads_go_that_wait_on_it_and_no_others() {
    let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new()).unwrap();
    let (stop, other) = (Cancel::new(), Cancel::new());
    thread::scope(|scope| {
        let let_go: Vec<_> =
            (0..4).map(|_| scope.spawn(|| bucket.take_blocking_unless(1, Duration::MAX, &stop))).collect();
        let stays = scope.spawn(|| bucket.take_blocking_unless(3, Duration::MAX, &other));
        // All but one sleep by then, or soon.
        thread::sleep(Duration::from_millis(20));
        stop.cancel();
        for waiter in let_go {
            assert_eq!(waiter.join().unwrap(), Err(Refused::Cancelled));
        }
        assert_eq!(bucket.take_blocking_unless(1, Duration::MAX, &stop), Err(Refused::Cancelled));
        assert!(stop.is_cancelled() && !other.is_cancelled());
        bucket.put_back(3);
        assert_eq!(stays.join().unwrap().map(drop), Ok(()));
    });
    bucket.clock().advance(Duration::from_millis(100));
    assert_eq!(bucket.available(), 1, "nothing was taken, and nobody keeps others out");
}

/// Panics when it is woken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("as it should");
    }
}

#[test]
fn one_whose_waker_panics_keeps_no_others_from_being_woken() {
    let clock = ManualClock::new();
    let (alarms, bucket) = (Alarms::new(&clock), TokenBucket::with_clock(Limit::per_second(1), &clock).unwrap());
    bucket.try_take(1).unwrap();
    let panics = Waker::from(Arc::new(Panics));
    let mut waits: Vec<_> = (0..3).map(|_| Box::pin(bucket.take_on(1, &alarms))).collect();
    for wait in &mut waits {
        assert!(wait.as_mut().poll(&mut Context::from_waker(&panics)).is_pending());
    }
    let mut crowd = Crowd::new(&alarms);
    (0..10).for_each(|_| _ = crowd.come(bucket.take_on(1, &alarms)));
    crowd.poll();
    // Two panics at once abort a process, as everywhere: one of the three is enough here.
    drop(waits.drain(1..));
    assert!(catch_unwind(AssertUnwindSafe(|| bucket.close())).is_err());
    crowd.poll();
    assert_eq!(crowd.refused.len(), 10, "all others were woken");
}

/// Closes a bucket when it is dropped, as it may be with a task.
struct Closes(Arc<TokenBucket<ManualClock>>);

impl Wake for Closes {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[test]
fn a_waker_may_close_the_bucket_as_it_is_dropped() {
    let (done, is_done) = mpsc::channel();
    // A deadlock would be for ever: so on a thread of its own.
    thread::spawn(move || {
        let bucket = Arc::new(TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new()).unwrap());
        let alarms_clock = ManualClock::new();
        let alarms = Alarms::new(&alarms_clock);
        let mut first = Box::pin(bucket.take_on(5, &alarms));
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let mut place = bucket.reserve(1).unwrap();
        drop(first);
        let waker = Waker::from(Arc::new(Closes(Arc::clone(&bucket))));
        assert!(Box::pin(place.wait_on(&alarms)).as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        place.commit();
        assert_eq!(bucket.try_take(1), Err(Refused::Closed), "the last waker is gone");
        done.send(()).unwrap();
    });
    assert!(is_done.recv_timeout(Duration::from_secs(60)).is_ok(), "it waits for its own lock");
}

/// Polls a wait once.
fn poll_once<F: Future>(wait: &mut Pin<Box<F>>) -> Poll<F::Output> {
    wait.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// A first waits for ten, a second for one; then `give_back` returns ten, late. The second is
/// polled before the first, as it may be.
fn who_is_served_first(bucket: &TokenBucket<ManualClock>, give_back: impl FnOnce()) {
    let (first, second) = (bucket.take_on(10, Half(bucket.clock())), bucket.take_on(1, Half(bucket.clock())));
    let (mut first, mut second) = (Box::pin(first), Box::pin(second));
    assert!(poll_once(&mut first).is_pending() && poll_once(&mut second).is_pending());
    bucket.clock().advance(Duration::from_millis(500));
    give_back();
    assert!(poll_once(&mut second).is_pending(), "the second overtook");
    assert!(poll_once(&mut first).is_ready(), "the first lost its turn");
}

/// What was taken long ago comes back now. Told of it at the old time, the first would count as
/// deaf before it can come.
#[test]
fn a_late_give_back_leaves_the_first_its_turn() {
    let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new()).unwrap();
    let place = bucket.reserve(10).unwrap();
    who_is_served_first(&bucket, || place.cancel());

    let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new()).unwrap();
    let estimate = bucket.estimate(10).unwrap();
    who_is_served_first(&bucket, || drop(estimate));

    let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new()).unwrap();
    let mut lease = bucket.lease(10);
    for taken in [1, 2, 4, 3] {
        lease.try_take(taken).unwrap();
    }
    who_is_served_first(&bucket, || {
        lease.put_back(10);
        lease.give_back();
    });
}
