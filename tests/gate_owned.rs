//! Gates that borrow nothing: they live in tasks and response bodies. And the limits they name.

#![cfg(feature = "keys")]

mod timers;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use timers::Again;
use tollgate::clock::ManualClock;
use tollgate::gate::{GateLimits, Limited};
use tollgate::{Clock, Gate, KeyedBuckets, LeakyBucket, Limit, MultiBucket, TokenBucket};

type Shared = Arc<ManualClock>;

fn keys<const N: usize>(clock: &Shared, limits: [Limit; N], max_keys: usize) -> Arc<KeyedBuckets<u64, N, Shared>>
where
    [u64; N]: tollgate::keyed::Streams<N>,
{
    Arc::new(KeyedBuckets::with_clock(limits, max_keys, Arc::clone(clock)).unwrap())
}

/// Runs on a thread of its own what was made on this one.
fn elsewhere<R: Send + 'static>(run: impl FnOnce() -> R + Send + 'static) -> R {
    std::thread::spawn(run).join().unwrap()
}

#[test]
fn a_gate_over_an_owned_key_borrows_nothing_and_does_what_a_borrowed_one_does() {
    let clock = Shared::default();
    let clients = keys(&clock, [Limit::per_second(10), Limit::per_second(1000)], 10);
    let service = Arc::new(TokenBucket::with_clock(Limit::per_second(100), Arc::clone(&clock)).unwrap());
    let gate = |n| Gate::new().and(Arc::clone(&clients).bucket_owned(7), n).and(Arc::clone(&service), 1);
    let has = || (clients.available(&7), service.available());

    let mut granted = gate([1, 300]).try_take().unwrap();
    assert_eq!(has(), ([9, 700], 99));
    elsewhere(move || {
        granted.correct(|limit, amounts| amounts[1 - limit] = if limit == 0 { 500 } else { amounts[0] }).unwrap();
        granted.settle(|limit, amounts| amounts[1 - limit] = if limit == 0 { 100 } else { amounts[0] }).unwrap();
    });
    assert_eq!(has(), ([9, 900], 99));
    gate([2, 900]).try_take().unwrap().put_back();
    assert!(gate([1, 901]).peek().is_err());
    let refused = gate([1, 901]).try_take().unwrap_err();
    assert_eq!(refused.wait(), Some(Duration::from_millis(1)));
    assert_eq!(refused.limit(0).unwrap().wait_of(0), Some(Duration::ZERO));
    assert_eq!(has(), ([9, 900], 99));
    // It waits, and gives back what it has if it is dropped.
    let mut wait = Box::pin(gate([1, 1000]).take_on(Again));
    let mut poll = || wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll().is_pending());
    clock.advance(Duration::from_millis(100));
    let Poll::Ready(Ok(granted)) = poll() else { panic!("it is due") };
    assert_eq!(has(), ([9, 0], 99));
    granted.put_back();
    drop(wait);
    let mut wait = pin!(gate([1, 1000]).take_on(Again));
    clock.advance(Duration::from_millis(1));
    assert_eq!(has(), ([10, 1000], 100));
    assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[test]
fn an_owned_key_without_room_is_served_from_the_overflow_and_gives_back_there() {
    let clock = Shared::default();
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1, Arc::clone(&clock)).unwrap();
    let keys = Arc::new(keys.with_shared_overflow());
    keys.try_take(&1, 5).unwrap();
    let gate = || Gate::new().and(Arc::clone(&keys).bucket_owned(2), 4);
    let granted = gate().try_take().unwrap();
    assert_eq!(keys.available(&3), 6);
    granted.settle(|_, amounts| amounts[0] = 1).unwrap();
    assert_eq!(keys.available(&3), 9);
    gate().take_blocking().unwrap().put_back();
    assert_eq!(keys.available(&3), 9);
}

fn written(limit: &impl Limited) -> Vec<String> {
    limit.limits().as_ref().iter().map(ToString::to_string).collect()
}

#[test]
fn a_limit_of_a_gate_names_its_limits_as_they_were_written_and_as_they_are_now() {
    let clock = Shared::default();
    let bucket = TokenBucket::with_clock(Limit::per_minute(5), Arc::clone(&clock)).unwrap();
    assert_eq!(written(&&bucket), ["5/min capacity 5"]);
    let leaky = LeakyBucket::empty_with_clock(Limit::per_second(7).capacity(3), Arc::clone(&clock)).unwrap();
    assert_eq!(written(&Arc::new(leaky)), ["7/s capacity 3"]);
    let limits = [Limit::per_second(1), Limit::UNLIMITED];
    let multi = MultiBucket::with_clock(limits, Arc::clone(&clock)).unwrap();
    assert_eq!(written(&multi), ["1/s capacity 1", "unlimited"]);
    multi.set_limits([Limit::per_second(2), Limit::per_second(3)]).unwrap();
    assert_eq!(written(&multi), ["2/s capacity 2", "3/s capacity 3"]);
    let keys = keys(&clock, [Limit::per_second(10), Limit::per_second(20)], 10);
    let key = |key| Arc::clone(&keys).bucket_owned(key);
    keys.set_key_limits(&7, [Limit::per_second(50), Limit::per_second(60)]).unwrap();
    assert_eq!(
        (written(&key(7)), written(&keys.bucket(&8))),
        (
            vec!["50/s capacity 50".into(), "60/s capacity 60".into()],
            vec!["10/s capacity 10".into(), "20/s capacity 20".into()]
        )
    );
    assert!(keys.clear_key_limits(&7).unwrap());
    keys.set_limits([Limit::per_second(3), Limit::per_second(4)]).unwrap();
    assert_eq!(written(&key(7)), ["3/s capacity 3", "4/s capacity 4"]);
}

#[test]
fn a_limit_of_a_gate_names_the_limits_of_the_keys_own_tier() {
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 10, ManualClock::new()).unwrap();
    let keys = keys.with_tiers([Limit::per_second(500)], |key: &u64| usize::from(*key >= 1000)).unwrap();
    assert_eq!(written(&keys.bucket(&7)), ["10/s capacity 10"]);
    assert_eq!(written(&keys.bucket(&1007)), ["500/s capacity 500"]);
    keys.charge(&1007, 600).unwrap();
    assert_eq!((keys.bucket(&1007).debts().as_ref(), keys.bucket(&7).debts().as_ref()), (&[100][..], &[0][..]));
}

#[test]
fn generic_code_decides_on_any_gate() {
    fn wait<C: Clock>(gate: Gate<C, impl GateLimits>) -> Option<Duration> {
        match gate.try_take() {
            Ok(_) => Some(Duration::ZERO),
            Err(refused) => refused.wait(),
        }
    }
    let clock = Shared::default();
    let clients = keys(&clock, [Limit::per_second(10)], 10);
    let all = TokenBucket::with_clock(Limit::per_second(4), Arc::clone(&clock)).unwrap();
    let ask = || wait(Gate::new().and(Arc::clone(&clients).bucket_owned(1), 1).and(&all, 4));
    assert_eq!((ask(), ask()), (Some(Duration::ZERO), Some(Duration::from_secs(1))));
    assert_eq!(wait(Gate::new().and(&all, 5)), None);
}
