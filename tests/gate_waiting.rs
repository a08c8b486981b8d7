//! A gate that waits: in turn at each limit, narrow to wide, under one deadline.

#![cfg(feature = "std")]

mod timers;

use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use timers::{Again, Never};
use tollgate::clock::{ManualClock, Time};
use tollgate::gate::{Charge, Reason};
use tollgate::wait::timer_fn;
use tollgate::{Gate, LeakyBucket, Limit, MultiBucket, TokenBucket};

fn poll<F: Future + ?Sized>(wait: Pin<&mut F>) -> Poll<F::Output> {
    wait.poll(&mut Context::from_waker(Waker::noop()))
}

type Shared = Arc<ManualClock>;

/// A bucket of so many tokens a second that begins empty.
fn empty(clock: &Shared, rate: u64) -> TokenBucket<Shared> {
    TokenBucket::with_clock(Limit::per_second(rate).empty(), Arc::clone(clock)).unwrap()
}

const fn nanos(nanos: u64) -> Time {
    Time::from_nanos(nanos)
}

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn a_wait_is_in_turn_at_the_narrow_limit_and_then_at_the_wide_one() {
    let clock = Shared::default();
    let (narrow, wide) = (empty(&clock, 10), empty(&clock, 5));
    let mut wait = pin!(Gate::new().and(&narrow, 1).and(&wide, 1).take_timeout_on(MS(200), Again));
    assert!(poll(wait.as_mut()).is_pending());
    assert!(wide.try_take(1).is_err_and(|refused| refused.wait() == Some(MS(200))), "nobody stands there yet");
    clock.advance(MS(100));
    assert!(poll(wait.as_mut()).is_pending());
    assert_eq!((narrow.available(), wide.available()), (0, 0));
    assert!(wide.try_take(1).is_err_and(|refused| refused.wait() == Some(MS(300))), "now it does");
    clock.advance(MS(100));
    let Poll::Ready(Ok(granted)) = poll(wait.as_mut()) else { panic!("both gave") };
    let left: Vec<u64> = granted.limits().map(|limit| limit.available()[0]).collect();
    assert_eq!(left, [0, 0], "each as it was right after its turn");
    assert_eq!((narrow.available(), wide.available()), (1, 0));
    granted.put_back();
    assert_eq!((narrow.available(), wide.available()), (2, 1));
}

#[test]
fn a_wait_that_cannot_end_in_time_is_refused_at_once_and_takes_nothing() {
    let clock = Shared::default();
    let (narrow, wide) = (empty(&clock, 10), empty(&clock, 5));
    let gate = |charge| Gate::new().and(&narrow, 1).charged(charge).and(&wide, 2);
    let mut wait = pin!(gate(Charge::OnAdmission).take_timeout_on(MS(399), Again));
    assert!(matches!(poll(wait.as_mut()), Poll::Ready(Err(_))), "it does not wait for the narrow limit in vain");
    clock.advance(MS(100));
    let at_once = |charge, timeout| match poll(pin!(gate(charge).take_timeout_on(timeout, Never)).as_mut()) {
        Poll::Ready(Err(refused)) => refused.wait(),
        other => panic!("{other:?}"),
    };
    assert_eq!(at_once(Charge::OnAdmission, MS(299)), Some(MS(300)));
    assert_eq!(narrow.available(), 1);
    assert!(poll(pin!(gate(Charge::OnAdmission).take_timeout_on(MS(300), Never)).as_mut()).is_pending());
    assert_eq!(narrow.available(), 1, "it was dropped, and gave back");
    assert_eq!(at_once(Charge::OnAttempt, MS(299)), Some(MS(300)));
    assert_eq!(narrow.available(), 0, "the attempt counts");
    // Never, for any timeout.
    let never = Gate::new().and(&narrow, 1).and(&wide, 6);
    assert!(matches!(poll(pin!(never.take_on(Never)).as_mut()), Poll::Ready(Err(_))));
    assert!(never.take_blocking().is_err());
}

#[test]
fn what_never_refills_is_refused_at_once_also_without_a_deadline() {
    let clock = Shared::default();
    let narrow = empty(&clock, 10);
    let stopped = Limit::per_second(0).capacity(1).empty();
    let wide = MultiBucket::with_clock([stopped], Arc::clone(&clock)).unwrap();
    let mut wait = pin!(Gate::new().and(&narrow, 1).and(&wide, [1]).take_on(Again));
    assert!(matches!(poll(wait.as_mut()), Poll::Ready(Err(_))));
}

#[test]
fn a_wait_that_is_dropped_gives_back_what_narrow_limits_gave_but_for_attempts() {
    for (charge, left) in [(Charge::OnAdmission, 1), (Charge::OnAttempt, 0)] {
        let clock = Shared::default();
        let (narrow, wide) = (empty(&clock, 10), empty(&clock, 1));
        let mut wait = Box::pin(Gate::new().and(&narrow, 1).charged(charge).and(&wide, 1).take_on(Again));
        clock.advance(MS(100));
        assert!(poll(wait.as_mut()).is_pending());
        assert_eq!(narrow.available(), 0);
        drop(wait);
        assert_eq!(narrow.available(), left);
        assert_eq!(wide.try_take(1).unwrap_err().wait(), Some(MS(900)), "nobody stands there any more");
    }
}

#[test]
fn one_deadline_holds_for_all_limits() {
    let clock = Shared::default();
    let (narrow, wide) = (empty(&clock, 10), empty(&clock, 10));
    let mut wait = pin!(Gate::new().and(&narrow, 1).and(&wide, 1).take_timeout_on(MS(250), Again));
    assert!(poll(wait.as_mut()).is_pending());
    // Two come to the wide limit while it waits at the narrow one.
    let mut others = [Box::pin(wide.take_on(1, Again)), Box::pin(wide.take_on(1, Again))];
    others.iter_mut().for_each(|other| assert!(poll(other.as_mut()).is_pending()));
    clock.advance(MS(100));
    // It would be the third, at 300 ms; it has 150 ms left.
    let Poll::Ready(Err(refused)) = poll(wait.as_mut()) else { panic!("it cannot be served in time") };
    let by: Vec<usize> = refused.violated().map(|limit| limit.index()).collect();
    assert_eq!((by, refused.wait()), (vec![1], Some(MS(200))));
    assert_eq!(narrow.available(), 1, "it went back");
}

#[test]
fn a_limit_that_is_closed_meanwhile_ends_the_wait() {
    for (charge, left) in [(Charge::OnAdmission, 1), (Charge::OnAttempt, 0)] {
        let clock = Shared::default();
        let (narrow, wide) = (empty(&clock, 10), empty(&clock, 1));
        clock.advance(MS(100));
        let mut wait = pin!(Gate::new().and(&narrow, 1).charged(charge).and(&wide, 1).take_on(Again));
        assert!(poll(wait.as_mut()).is_pending());
        wide.close();
        let Poll::Ready(Err(refused)) = poll(wait.as_mut()) else { panic!("it is closed") };
        assert_eq!((refused.limit(1).unwrap().reason(), refused.wait()), (Some(Reason::Closed), None));
        assert_eq!(refused.limit(0).unwrap().reason(), None, "it had granted");
        assert_eq!((refused.limit(0).unwrap().available(), narrow.available()), (&[left][..], left));
    }
}

#[test]
fn a_gate_stands_in_the_line_and_is_served_in_turn() {
    let clock = Shared::default();
    let (narrow, wide) = (empty(&clock, 1000), empty(&clock, 10));
    clock.advance(MS(100));
    let take = || Gate::new().and(&narrow, 1).and(&wide, 1);
    type Wait<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;
    let before: Wait<'_> = Box::pin(async { wide.take_on(2, Again).await.is_ok() });
    let gate: Wait<'_> = Box::pin(async { take().take_on(Again).await.is_ok() });
    let after: Wait<'_> = Box::pin(async { wide.take_on(1, Again).await.is_ok() });
    let mut waits = vec![("before", before), ("gate", gate), ("after", after)];
    for (name, wait) in &mut waits {
        assert!(poll(wait.as_mut()).is_pending());
        // One token is there, and it is promised.
        assert!(take().try_take().is_err(), "behind {name}");
    }
    // The last one comes first, and is not served before its turn.
    waits.reverse();
    let mut order = Vec::new();
    while !waits.is_empty() && clock.advance(MS(100)) < nanos(2_000_000_000) {
        waits.retain_mut(|(name, wait)| {
            let is_ready = poll(wait.as_mut()) == Poll::Ready(true);
            order.extend(is_ready.then_some(*name));
            !is_ready
        });
    }
    assert_eq!(order, ["before", "gate", "after"]);
}

#[test]
fn a_wait_on_this_thread_takes_from_all_limits() {
    let (narrow, wide) = (Limit::per_second(100).empty(), Limit::per_second(50).empty());
    let narrow = TokenBucket::new(narrow).unwrap();
    let wide = MultiBucket::new([wide, Limit::per_second(1000)]).unwrap();
    let meter = LeakyBucket::full(Limit::per_second(1000)).unwrap();
    let gate = Gate::new().and(&narrow, 1).and(&meter, 1).and(&wide, [1, 5]);
    let start = Instant::now();
    let granted = gate.take_blocking_timeout(Duration::from_secs(10)).unwrap();
    assert!(start.elapsed() >= MS(18), "{:?}", start.elapsed());
    granted.put_back();
    assert!(narrow.available() >= 1 && wide.available()[0] >= 1);
    let start = Instant::now();
    assert!(Gate::new().and(&narrow, 1).and(&wide, [50, 0]).take_blocking_timeout(MS(20)).is_err());
    assert!(start.elapsed() < MS(500), "at once");
}

#[test]
fn a_wait_can_be_sent_to_another_thread() {
    let clock = Shared::default();
    let bucket = |rate| Arc::new(empty(&clock, rate));
    let (narrow, wide) = (bucket(10), bucket(5));
    let gate = Gate::new().and(Arc::clone(&narrow), 1).and(Arc::clone(&wide), 1);
    clock.advance(MS(200));
    let wait = gate.take_on(timer_fn(|_| pending::<()>()));
    let granted = thread::spawn(move || {
        let mut wait = Box::pin(wait);
        match poll(wait.as_mut()) {
            Poll::Ready(Ok(granted)) => granted,
            other => panic!("{other:?}"),
        }
    });
    let granted = granted.join().unwrap();
    assert_eq!((narrow.available(), wide.available()), (1, 0));
    granted.put_back();
    assert_eq!((narrow.available(), wide.available()), (2, 1));
}

#[cfg(feature = "tokio")]
#[test]
fn a_gate_waits_on_tokio() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let narrow = TokenBucket::new(Limit::per_second(100).empty()).unwrap();
    let wide = TokenBucket::new(Limit::per_second(50).empty()).unwrap();
    let start = Instant::now();
    runtime.block_on(Gate::new().and(&narrow, 1).and(&wide, 1).take()).unwrap();
    assert!(start.elapsed() >= MS(18), "{:?}", start.elapsed());
    assert!(runtime.block_on(Gate::new().and(&narrow, 1).and(&wide, 50).take_timeout(MS(20))).is_err());
}

#[cfg(feature = "keys")]
fn clients(clock: &Shared) -> tollgate::KeyedBuckets<u64, 1, Shared> {
    tollgate::KeyedBuckets::with_clock(Limit::per_second(10).empty(), 100, Arc::clone(clock)).unwrap()
}

#[cfg(feature = "keys")]
#[test]
fn a_key_and_a_bucket_are_waited_for_in_turn() {
    let clock = Shared::default();
    let (clients, service) = (clients(&clock), empty(&clock, 5));
    let mut wait = pin!(Gate::new().and(clients.bucket(&7), 1).and(&service, 1).take_timeout_on(MS(200), Again));
    assert!(poll(wait.as_mut()).is_pending());
    clock.advance(MS(100));
    assert!(poll(wait.as_mut()).is_pending());
    assert_eq!(clients.available(&7), 0);
    clock.advance(MS(100));
    assert!(matches!(poll(wait.as_mut()), Poll::Ready(Ok(_))));
    assert_eq!((clients.available(&7), service.available()), (1, 0));
}

/// Also where its turn at the key has come, and it was not polled since.
#[cfg(feature = "keys")]
#[test]
fn a_wait_for_a_key_that_is_dropped_takes_nothing() {
    for waited in [50, 150] {
        let clock = Shared::default();
        let (clients, service) = (clients(&clock), empty(&clock, 5));
        let mut wait = Box::pin(Gate::new().and(clients.bucket(&7), 1).and(&service, 1).take_on(Again));
        assert!(poll(wait.as_mut()).is_pending());
        clock.advance(MS(waited));
        drop(wait);
        clock.advance(MS(200 - waited));
        assert_eq!((clients.available(&7), service.available()), (2, 1), "dropped after {waited} ms");
    }
}
