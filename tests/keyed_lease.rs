//! Leases, reservations and gates of keys, beside those who come to wait, at a full table, and
//! where keys go meanwhile.
#![cfg(feature = "keys")]

use std::cell::RefCell;
use std::future::{Future, Pending, pending};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use tollgate::clock::ManualClock;
use tollgate::keyed::{ByTier, KeyHash, KeyRefused};
use tollgate::wait::Timer;
use tollgate::{Gate, KeyedBuckets, Limit, Refused, TokenBucket};

const KEY: u64 = 7;
const OTHER: u64 = 8;

type Hooked = KeyedBuckets<u64, 1, Arc<ManualClock>, KeyHash, ByTier<fn(&u64) -> usize>>;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A timer whose sleeps never end.
#[derive(Clone, Copy)]
struct Never;

impl Timer for Never {
    type Sleep = Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        pending()
    }
}

thread_local! {
    /// What the next question for a tier does first.
    static FIRST: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

fn tier_of(_: &u64) -> usize {
    if let Some(first) = FIRST.with_borrow_mut(Option::take) {
        first();
    }
    0
}

/// Ten a second, of which there are 3 now.
fn three() -> (Arc<Hooked>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new());
    let keys = KeyedBuckets::with_clock(Limit::per_second(10), 100, Arc::clone(&clock)).unwrap();
    let keys = keys.with_tiers([], tier_of as fn(&u64) -> usize).unwrap();
    keys.try_take(&KEY, 10).unwrap();
    clock.advance(millis(300));
    (Arc::new(keys), clock)
}

/// Calls `call` on a key that somebody comes to wait for within it: for 5 tokens, for 200 ms at the
/// most. Whether that one was served.
fn beside_one_who_comes<R>(call: impl FnOnce(&Hooked) -> R) -> (R, bool) {
    let (keys, clock) = three();
    let wait = RefCell::new(Some(Box::pin(Arc::clone(&keys).bucket_owned(KEY).take_timeout_on(5, millis(200), Never))));
    let waiting = std::rc::Rc::new(wait);
    let comes = std::rc::Rc::clone(&waiting);
    FIRST.set(Some(Box::new(move || {
        let mut wait = comes.borrow_mut();
        let polled = wait.as_mut().unwrap().as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    })));
    let called = call(&keys);
    assert!(FIRST.take().is_none(), "nobody came");
    clock.advance(millis(200));
    let mut wait = waiting.borrow_mut();
    let polled = wait.as_mut().unwrap().as_mut().poll(&mut Context::from_waker(Waker::noop()));
    (called, matches!(polled, std::task::Poll::Ready(Ok(_))))
}

#[test]
fn a_lease_fetches_nothing_past_one_who_came_to_wait_meanwhile() {
    let (taken, served) = beside_one_who_comes(|keys| {
        // Its hook runs in what the lease does, not in its making.
        let first = FIRST.take();
        let bucket = keys.bucket(&KEY);
        let mut lease = bucket.lease(5);
        FIRST.set(first);
        lease.try_take(1).map_err(|refused| refused.wait())
    });
    assert!(served, "the lease took it: {taken:?}");
    assert_eq!(taken, Err(Some(millis(300))));
}

#[test]
fn a_reservation_owes_nothing_ahead_of_one_who_came_to_wait_meanwhile() {
    let (remaining, served) = beside_one_who_comes(|keys| {
        let first = FIRST.take();
        let bucket = keys.bucket(&KEY);
        FIRST.set(first);
        let place = bucket.reserve(4).unwrap();
        let remaining = place.remaining();
        place.commit();
        remaining
    });
    assert!(served, "the reservation took it: {remaining:?}");
    assert_eq!(remaining, Some(millis(600)));
}

fn full(limit: Limit, clock: &ManualClock) -> KeyedBuckets<u64, 1, &ManualClock> {
    let keys = KeyedBuckets::with_clock(limit, 1, clock).unwrap();
    keys.charge(&OTHER, 5).unwrap();
    keys
}

#[test]
fn a_lease_is_refused_as_its_key_is_where_there_is_no_room() {
    for limit in [Limit::per_second(10), Limit::per_second(10).empty()] {
        for shared in [false, true] {
            for amount in [1, 10, 11] {
                let clock = ManualClock::new();
                let keys = full(limit, &clock);
                let keys = if shared { keys.with_shared_overflow() } else { keys };
                let kind = |refused: KeyRefused| match refused {
                    KeyRefused::Bucket(refused) => Some(refused),
                    KeyRefused::NoRoom(_) => None,
                };
                let leased = keys.bucket(&KEY).lease(5).try_take(amount).map_err(kind);
                let taken = keys.try_take(&KEY, amount).map(|_| ()).map_err(kind);
                println!("{limit:?} {shared} {amount}: {leased:?} {taken:?}");
                if !shared {
                    assert_eq!(leased, taken, "{amount} of {limit:?}");
                }
                let never = matches!(leased, Err(Some(Refused::Never(_))));
                assert_eq!(never, amount > 10, "{leased:?}");
            }
        }
    }
}

#[test]
fn what_a_lease_gives_back_to_a_key_that_went_changes_nothing() {
    // It begins empty, and was removed.
    let clock = ManualClock::new();
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10).empty(), 10, &clock).unwrap();
    clock.advance(millis(500));
    let bucket = keys.bucket(&KEY);
    let mut lease = bucket.lease(5);
    lease.try_take(1).unwrap();
    lease.try_take(1).unwrap();
    lease.put_back(2);
    assert!(keys.remove(&KEY));
    drop(lease);
    assert_eq!((keys.available(&KEY), keys.len()), (5, 0), "empty");

    // It was full and went; then the capacity rose.
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 10, &clock).unwrap();
    let bucket = keys.bucket(&KEY);
    let mut lease = bucket.lease(5);
    lease.try_take(1).unwrap();
    lease.put_back(1);
    clock.advance(millis(1000));
    keys.shrink();
    assert_eq!(keys.len(), 0);
    keys.set_limits(Limit::per_second(10).capacity(1000)).unwrap();
    clock.advance(millis(100));
    drop(lease);
    assert_eq!((keys.available(&KEY), keys.len()), (11, 0), "raised");

    // It is full all the time.
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 10, &clock).unwrap();
    let bucket = keys.bucket(&KEY);
    let mut lease = bucket.lease(5);
    lease.try_take(1).unwrap();
    lease.put_back(1);
    clock.advance(millis(1000));
    keys.shrink();
    drop(lease);
    assert_eq!((keys.available(&KEY), keys.len()), (10, 0), "full");
}

#[test]
fn a_new_key_that_finds_room_passes_a_gate_whatever_the_overflow_has() {
    let clock = ManualClock::new();
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1, &clock).unwrap().with_shared_overflow();
    keys.try_take(&OTHER, 1).unwrap();
    let service = TokenBucket::with_clock(Limit::per_second(100), &clock).unwrap();
    keys.try_take(&KEY, 10).unwrap();
    // OTHER is full again, and may go. The overflow has 1.
    clock.advance(millis(100));
    let gate = Gate::new().and(keys.bucket(&KEY), 8).and(&service, 1);
    let granted = gate.try_take().map(|_| ()).map_err(|refused| refused.wait());
    assert_eq!(granted, Ok(()));
    assert_eq!((keys.available(&KEY), service.available()), (2, 99));
    let mut wait = pin!(Gate::new().and(keys.bucket(&KEY), 2).and(&service, 1).take_on(Never));
    assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[test]
fn what_a_settlement_gives_back_of_one_stream_is_capped_whatever_another_owes() {
    let clock = ManualClock::new();
    let limits = [Limit::per_second(10); 2];
    let keys = KeyedBuckets::<u64, 2, _>::with_clock(limits, 10, &clock).unwrap();
    let bucket = keys.bucket(&KEY);
    let settled = |used: [u64; 2]| {
        let estimate = bucket.estimate([5, 0]).unwrap();
        clock.advance(millis(1000));
        keys.set_limits(limits.map(|limit| limit.capacity(1000))).unwrap();
        estimate.settle(used).unwrap();
        let available = keys.available(&KEY);
        keys.set_limits(limits).unwrap();
        clock.advance(millis(2000));
        available
    };
    // It was full, as a key never seen: what comes back is lost.
    assert_eq!(settled([0, 0]), [10, 10]);
    assert_eq!(settled([0, 3]), [10, 7]);
}

/// Lets a gate over the key and a service take, and `comes` happen between its look and its take.
fn between_look_and_take(keys: &Arc<Hooked>, clock: &Arc<ManualClock>, comes: impl FnOnce() + 'static) -> (bool, u64) {
    let service = TokenBucket::with_clock(Limit::per_second(100), Arc::clone(clock)).unwrap();
    let gate = Gate::new().and(keys.bucket(&KEY), 1).and(&service, 1);
    // The look asks for the tier first.
    FIRST.set(Some(Box::new(|| FIRST.set(Some(Box::new(comes))))));
    let granted = gate.try_take().is_ok();
    assert!(FIRST.take().is_none(), "nothing came between");
    (granted, service.available())
}

#[test]
fn a_gate_takes_nothing_of_a_key_past_one_who_came_to_wait_after_its_look() {
    let (keys, clock) = three();
    let waiting = std::rc::Rc::new(RefCell::new(Box::pin(Arc::clone(&keys).bucket_owned(KEY).take_on(5, Never))));
    let comes = std::rc::Rc::clone(&waiting);
    let comes = move || {
        let mut wait = comes.borrow_mut();
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    };
    assert_eq!(between_look_and_take(&keys, &clock, comes), (false, 100));
    clock.advance(millis(200));
    assert!(waiting.borrow_mut().as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[test]
fn a_gate_takes_nothing_of_a_key_that_was_paused_after_its_look() {
    let (keys, clock) = three();
    let pausing = Arc::clone(&keys);
    let comes = move || pausing.block(&KEY).unwrap();
    assert_eq!(between_look_and_take(&keys, &clock, comes), (false, 100));
    keys.resume(&KEY);
    assert_eq!(keys.available(&KEY), 3);
}

#[test]
fn a_gate_admits_nobody_to_a_key_with_a_line_on_a_stream_that_is_left_out() {
    let clock = ManualClock::new();
    let limits = [Limit::per_second(10); 2];
    let keys = KeyedBuckets::<u64, 2, _>::with_clock(limits, 10, &clock).unwrap();
    keys.try_take(&KEY, [0, 8]).unwrap();
    let mut wait = pin!(keys.bucket(&KEY).take_on([0, 5], Never));
    assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let gate = || Gate::new().and(keys.bucket(&KEY), [1, 0]);
    assert!(gate().admit().is_err() && keys.admit(&KEY, [1, 0]).is_err());
    assert!(gate().try_take().is_ok());
}

#[test]
fn a_gate_that_is_left_while_it_waits_at_the_overflow_gives_back_there() {
    let clock = ManualClock::new();
    let keys = full(Limit::per_second(10), &clock).with_shared_overflow();
    keys.block(&OTHER).unwrap();
    keys.charge(&1, 5).unwrap();
    keys.try_take(&KEY, 8).unwrap();
    let left = keys.available(&KEY);
    let mut wait = Box::pin(Gate::new().and(keys.bucket(&KEY), 5).take_on(Never));
    assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(keys.available(&KEY) < left);
    // Its instant has come, and nobody looked.
    clock.advance(millis(300));
    drop(wait);
    assert_eq!((left, keys.available(&KEY)), (2, 5));
}

#[test]
fn what_a_lease_may_hold_follows_the_capacity_at_its_next_fetch() {
    let clock = ManualClock::new();
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(4), 10, &clock).unwrap();
    let bucket = keys.bucket(&KEY);
    let mut lease = bucket.lease(10);
    lease.try_take(4).unwrap();
    keys.set_limits(Limit::per_second(100)).unwrap();
    clock.advance(millis(1000));
    lease.try_take(30).unwrap();
    lease.put_back(30);
    assert_eq!((lease.held(), keys.available(&KEY)), (10, 90));
}
