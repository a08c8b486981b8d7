//! Those who wait for a key stand in a line, as those who wait for a bucket do. The line is there
//! while somebody waits, and no longer.
#![cfg(feature = "keys")]

mod common;
mod crowd;

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use common::{Random, nanos};
use crowd::{Alarms, Crowd, GRACE, audit_with_grace};
use tollgate::clock::ManualClock;
use tollgate::keyed::{ByTier, KeyHash, KeyRefused, Saved};
use tollgate::wait::Timer;
use tollgate::{Gate, Granted, KeyedBuckets, Limit, MultiBucket, Refused, TokenBucket};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
const KEY: u64 = 7;
const OTHER: u64 = 8;

type Keys<'c, const N: usize = 1> = KeyedBuckets<u64, N, &'c ManualClock>;

/// A timer whose sleeps never end: who goes on was woken.
#[derive(Clone, Copy)]
struct Never;

impl Timer for Never {
    type Sleep = std::future::Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        std::future::pending()
    }
}

/// Counts how often a task was woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A wait that is polled by hand.
struct Task<'a, R> {
    wait: Pin<Box<dyn Future<Output = R> + 'a>>,
    bell: Arc<Bell>,
}

impl<'a, R> Task<'a, R> {
    fn new(wait: impl Future<Output = R> + 'a) -> Self {
        Self { wait: Box::pin(wait), bell: Arc::default() }
    }

    /// It waits, and has been polled once.
    fn waiting(wait: impl Future<Output = R> + 'a) -> Self {
        let mut task = Self::new(wait);
        assert!(task.poll().is_pending(), "it does not wait");
        task
    }

    fn poll(&mut self) -> Poll<R> {
        let waker = Waker::from(Arc::clone(&self.bell));
        self.wait.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn woken(&self) -> usize {
        self.bell.0.load(Relaxed)
    }
}

/// Ten a second, a burst of ten, and a key that is used up.
fn ten(clock: &ManualClock) -> Keys<'_> {
    let keys = Keys::with_clock(Limit::per_second(10), 100, clock).unwrap();
    keys.try_take(&KEY, 10).unwrap();
    keys
}

fn bucket_of(refused: KeyRefused) -> Refused {
    match refused {
        KeyRefused::Bucket(refused) => refused,
        KeyRefused::NoRoom(no_room) => panic!("{no_room}"),
    }
}

/// A wait for the key, as a crowd has it.
async fn take(keys: &Keys<'_>, n: u64, alarms: &Alarms<'_>) -> Result<Granted, Refused> {
    keys.bucket(&KEY).take_on(n, alarms).await.map_err(bucket_of)
}

#[test]
fn waiters_for_a_key_are_served_first_come_first_served_each_at_its_instant() {
    let clock = ManualClock::new();
    let (alarms, keys) = (Alarms::new(&clock), ten(&clock));
    let mut crowd = Crowd::new(&alarms);
    for n in [5, 1, 10, 2] {
        let keys = &keys;
        crowd.come(take(keys, n, &alarms));
    }
    crowd.run_out();
    let at = |tenths: u64| nanos(tenths * 100 * MS);
    assert_eq!(crowd.served, [(0, at(5)), (1, at(6)), (2, at(16)), (3, at(18))]);
    assert_eq!(crowd.polls, 8);
}

#[test]
fn waiters_for_a_key_of_several_streams_are_served_in_turn() {
    let clock = ManualClock::new();
    let alarms = Alarms::new(&clock);
    let limits = [Limit::per_second(10).empty(), Limit::per_second(1000).empty()];
    let keys = Keys::<2>::with_clock(limits, 100, &clock).unwrap();
    let mut crowd = Crowd::<2>::new(&alarms);
    for amounts in [[1, 500], [2, 1], [0, 1000]] {
        let (keys, alarms) = (&keys, &alarms);
        crowd.come(async move {
            let taken = keys.bucket(&KEY).take_on(amounts, alarms).await;
            taken.map_err(|refused| match refused {
                KeyRefused::Bucket(refused) => refused,
                KeyRefused::NoRoom(no_room) => panic!("{no_room}"),
            })
        });
    }
    crowd.run_out();
    let order: Vec<_> = crowd.served.iter().map(|(who, _)| *who).collect();
    assert_eq!(order, [0, 1, 2]);
    assert_eq!(crowd.served[1].1, nanos(501 * MS), "who waits for bytes first holds nobody up");
}

#[test]
fn who_leaves_the_line_of_a_key_makes_room_at_once_and_has_taken_nothing() {
    let clock = ManualClock::new();
    let keys = ten(&clock);
    let first = Task::waiting(keys.bucket(&KEY).take_on(10, Never));
    let mut second = Task::waiting(keys.bucket(&KEY).take_on(1, Never));
    clock.advance(Duration::from_millis(100));
    assert!(second.poll().is_pending(), "it is not its turn");
    let woken = second.woken();
    drop(first);
    assert_eq!(second.woken(), woken + 1);
    assert!(second.poll().is_ready());
    assert_eq!(keys.available(&KEY), 0);
}

#[test]
fn a_timeout_that_cannot_be_met_is_refused_at_once_and_one_that_can_be_is_not() {
    let clock = ManualClock::new();
    let keys = ten(&clock);
    let within = |n, ms| Task::new(keys.bucket(&KEY).take_timeout_on(n, Duration::from_millis(ms), Never));
    let refused = |poll| match poll {
        Poll::Ready(Err(KeyRefused::Bucket(Refused::NotYet(refusal)))) => refusal.wait(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(within(5, 499).poll()), Some(Duration::from_millis(500)), "nobody waits");
    assert!(within(5, 500).poll().is_pending());
    let mut first = within(5, 2000);
    assert!(first.poll().is_pending());
    assert_eq!(refused(within(5, 999).poll()), Some(Duration::from_secs(1)), "behind the first");
    let mut second = within(5, 1000);
    assert!(second.poll().is_pending());
    assert!(matches!(within(11, 10_000).poll(), Poll::Ready(Err(KeyRefused::Bucket(Refused::Never(_))))));
    // A charge moves the second beyond its deadline, and it hears of that as it comes.
    keys.charge(&KEY, 5).unwrap();
    clock.advance(Duration::from_secs(1));
    assert!(first.poll().is_ready());
    let ended = second.poll();
    assert!(matches!(ended, Poll::Ready(Err(_))), "{ended:?}");
    assert_eq!(keys.debt(&KEY), 0);
}

/// Takers are kept out by each verb, are told when it is their turn, and are let in when nobody
/// waits.
#[test]
fn a_taker_of_a_key_stays_out_while_others_wait_for_it() {
    let clock = ManualClock::new();
    let keys = ten(&clock);
    keys.try_take(&OTHER, 5).unwrap();
    let waiter = Task::waiting(keys.bucket(&KEY).take_on(10, Never));
    clock.advance(Duration::from_millis(500));
    assert_eq!(keys.available(&KEY), 5, "it is a plain number");
    let tenths = |tenths: u64| Some(Duration::from_millis(tenths * 100));
    assert_eq!(keys.try_take(&KEY, 1).unwrap_err().wait(), tenths(6));
    assert_eq!(keys.admit(&KEY, 0).unwrap_err().wait(), tenths(6));
    assert_eq!(keys.wait_for(&KEY, 1), Ok(tenths(6)));
    assert_eq!(keys.take_up_to(&KEY, 3, 1), 0);
    assert_eq!(keys.take_in_order(&KEY, &[1, 1]), 0);
    assert!(keys.bucket(&KEY).estimate(1).is_err());
    let mut lease = keys.bucket(&KEY).lease(5);
    assert_eq!(lease.try_take(1).unwrap_err().wait(), tenths(6));
    let gate = || Gate::new().and(keys.bucket(&KEY), 1);
    assert_eq!(gate().try_take().map(drop).unwrap_err().wait(), tenths(6));
    assert!(gate().peek().is_err());
    assert!(keys.try_take(&OTHER, 10).is_ok(), "no other key is kept out");
    drop(waiter);
    assert!(keys.try_take(&KEY, 1).is_ok() && lease.try_take(1).is_ok() && gate().try_take().is_ok());
}

/// Even tokens that the first leaves unused are for those who wait, until they are overdue.
#[test]
fn a_waiter_that_is_never_polled_keeps_takers_out_for_a_moment_and_not_for_ever() {
    let clock = ManualClock::new();
    let keys = ten(&clock);
    let _deaf = Task::waiting(keys.bucket(&KEY).take_on(1, Never));
    clock.advance(Duration::from_millis(105));
    let refused = keys.try_take(&KEY, 1).unwrap_err();
    assert_eq!(refused.wait(), Some(Duration::from_millis(95)), "after it");
    clock.advance(Duration::from_millis(6));
    assert!(keys.try_take(&KEY, 1).is_ok());
}

#[test]
fn what_comes_back_to_a_key_wakes_the_first_who_waits() {
    let clock = ManualClock::new();
    let saved = Saved::of(&Keys::with_clock(Limit::per_second(10), 100, &clock).unwrap().snapshot(&KEY));
    type Give<'a> = (&'a str, Box<dyn Fn(&Keys<'_>) + 'a>);
    let gives: [Give; 5] = [
        ("put_back", Box::new(|keys| keys.put_back(&KEY, 5))),
        ("reset", Box::new(|keys| keys.reset(&KEY, 10).unwrap())),
        ("restore", Box::new(|keys| keys.restore(&KEY, &saved, Duration::ZERO).unwrap())),
        ("remove", Box::new(|keys| assert!(keys.remove(&KEY)))),
        ("retain", Box::new(|keys| keys.retain(|key, _| *key != KEY))),
    ];
    for (name, give) in gives {
        let keys = ten(&clock);
        let mut waiter = Task::waiting(keys.bucket(&KEY).take_on(5, Never));
        give(&keys);
        assert_eq!(waiter.woken(), 1, "{name}");
        assert!(waiter.poll().is_ready(), "{name}");
    }
}

#[test]
fn a_cancelled_reservation_of_a_key_wakes_who_waits_behind_it() {
    let clock = ManualClock::new();
    let keys = Keys::with_clock(Limit::per_second(10), 100, &clock).unwrap();
    let bucket = keys.bucket(&KEY);
    let place = bucket.reserve(10).unwrap();
    let mut first = Task::waiting(keys.bucket(&KEY).take_on(10, Never));
    let mut second = Task::waiting(keys.bucket(&KEY).take_on(1, Never));
    clock.advance(Duration::from_millis(500));
    place.cancel();
    assert_eq!(first.woken(), 1);
    assert!(second.poll().is_pending(), "it is not its turn, although it came first");
    assert!(first.poll().is_ready());
}

#[test]
fn a_change_of_limits_tells_those_who_wait_for_a_key() {
    let fast = Limit::per_second(1000);
    type Change<'a> = (&'a str, Box<dyn Fn(&Keys<'_>) + 'a>);
    let changes: [Change; 2] = [
        ("of all", Box::new(|keys| keys.set_limits(fast).unwrap())),
        ("of the key", Box::new(|keys| keys.set_key_limits(&KEY, fast).unwrap())),
    ];
    for (name, change) in changes {
        let clock = ManualClock::new();
        let (alarms, keys) = (Alarms::new(&clock), ten(&clock));
        let mut crowd = Crowd::new(&alarms);
        for n in [10, 10] {
            let keys = &keys;
            crowd.come(take(keys, n, &alarms));
        }
        crowd.poll();
        change(&keys);
        crowd.run_out();
        assert_eq!(crowd.served, [(0, nanos(10 * MS)), (1, nanos(20 * MS))], "{name}");
    }
    // The limits of its own end, too.
    let clock = ManualClock::new();
    let (alarms, keys) = (Alarms::new(&clock), ten(&clock));
    keys.set_key_limits(&KEY, Limit::per_hour(1)).unwrap();
    let mut crowd = Crowd::new(&alarms);
    let keys = &keys;
    crowd.come(take(keys, 1, &alarms));
    crowd.poll();
    assert_eq!(keys.clear_key_limits(&KEY), Ok(true));
    crowd.run_out();
    assert_eq!(crowd.served, [(0, nanos(100 * MS))]);
}

#[test]
fn a_pause_and_a_block_of_a_key_hold_those_who_wait_and_its_end_wakes_them() {
    let clock = ManualClock::new();
    let (alarms, keys) = (Alarms::new(&clock), ten(&clock));
    let keys = &keys;
    let mut crowd = Crowd::new(&alarms);
    crowd.come(take(keys, 1, &alarms));
    crowd.poll();
    keys.pause_for(&KEY, Duration::from_secs(1)).unwrap();
    crowd.run(nanos(SECOND));
    assert!(crowd.served.is_empty());
    crowd.run_out();
    assert_eq!(crowd.served, [(0, nanos(1100 * MS))], "nothing accrues in a pause");

    let mut waiter = Task::waiting(keys.bucket(&KEY).take_on(1, Never));
    keys.block(&KEY).unwrap();
    clock.advance(Duration::from_secs(60));
    assert!(waiter.poll().is_pending());
    keys.resume(&KEY);
    clock.advance(Duration::from_millis(100));
    assert!(waiter.poll().is_ready());
    // Who comes to a blocked key is refused: nobody knows for how long.
    keys.block(&KEY).unwrap();
    assert!(Task::new(keys.bucket(&KEY).take_on(1, Never)).poll().is_ready());
}

#[test]
fn nobody_who_waits_for_a_key_is_served_in_a_pause_though_the_tokens_are_there() {
    let clock = ManualClock::new();
    let keys = ten(&clock);
    let mut waiter = Task::waiting(keys.bucket(&KEY).take_on(5, Never));
    keys.block(&KEY).unwrap();
    keys.put_back(&KEY, 5);
    assert!(waiter.poll().is_pending());
    keys.resume(&KEY);
    assert!(waiter.poll().is_ready());
}

#[test]
fn a_key_that_moves_to_another_tier_takes_those_who_wait_along() {
    static PAID: AtomicUsize = AtomicUsize::new(0);
    fn tier(_: &u64) -> usize {
        PAID.load(Relaxed)
    }
    type Tier = fn(&u64) -> usize;
    let clock = ManualClock::new();
    let keys: KeyedBuckets<u64, 1, &ManualClock, KeyHash, ByTier<Tier>> =
        KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_hour(1), 100, &clock)
            .unwrap()
            .with_tiers([Limit::per_second(1000)], tier as Tier)
            .unwrap();
    keys.try_take(&KEY, 1).unwrap();
    let mut waiter = Task::waiting(keys.bucket(&KEY).take_on(1, Never));
    PAID.store(1, Relaxed);
    assert!(keys.try_take(&KEY, 1).is_err(), "others wait");
    assert_eq!(waiter.woken(), 1);
    clock.advance(Duration::from_millis(1));
    assert!(waiter.poll().is_ready());
}

/// A waiter that is not polled lets its key fill up. It stays, whatever comes.
#[test]
fn a_key_that_is_waited_for_is_not_evicted() {
    let clock = ManualClock::new();
    let keys = Keys::with_clock(Limit::per_second(10), 1, &clock).unwrap().with_keep(Duration::ZERO);
    keys.try_take(&KEY, 10).unwrap();
    let mut waiter = Task::waiting(keys.bucket(&KEY).take_on(10, Never));
    clock.advance(Duration::from_secs(3600));
    assert!(matches!(keys.try_take(&OTHER, 1), Err(KeyRefused::NoRoom(_))));
    keys.shrink();
    assert_eq!(keys.len(), 1);
    assert!(waiter.poll().is_ready());
    drop(waiter);
    assert!(matches!(keys.try_take(&OTHER, 1), Err(KeyRefused::NoRoom(_))), "the key is in use");
    clock.advance(Duration::from_secs(1));
    assert!(keys.try_take(&OTHER, 1).is_ok(), "it may go as any other");
    assert_eq!(keys.len(), 1);
}

#[test]
fn a_key_that_nobody_used_may_be_waited_for_and_goes_after_that() {
    let clock = ManualClock::new();
    let keys = Keys::with_clock(Limit::per_second(10).empty(), 100, &clock).unwrap();
    let waiter = Task::waiting(keys.bucket(&KEY).take_on(5, Never));
    assert_eq!((keys.len(), keys.iter().count()), (1, 1));
    drop(waiter);
    keys.shrink();
    assert_eq!(keys.len(), 0);
    clock.advance(Duration::from_millis(500));
    assert_eq!(keys.available(&KEY), 5);
}

#[test]
fn a_key_without_room_waits_for_the_overflow_or_is_refused_as_that() {
    let clock = ManualClock::new();
    let keys = Keys::with_clock(Limit::per_second(10).empty(), 1, &clock).unwrap();
    let _waiter = Task::waiting(keys.bucket(&KEY).take_on(5, Never));
    let refused = Task::new(keys.bucket(&OTHER).take_on(5, Never)).poll();
    assert!(matches!(refused, Poll::Ready(Err(KeyRefused::NoRoom(_)))), "{refused:?}");

    let clock = ManualClock::new();
    let keys = Keys::with_clock(Limit::per_second(10), 1, &clock).unwrap().with_shared_overflow();
    keys.try_take(&KEY, 10).unwrap();
    keys.try_take(&OTHER, 10).unwrap();
    let mut waiter = Task::waiting(keys.bucket(&OTHER).take_on(5, Never));
    assert_eq!(keys.debt(&OTHER), 5, "it takes at once, as a debt");
    clock.advance(Duration::from_millis(500));
    assert!(waiter.poll().is_pending(), "its timer is still");
    drop(waiter);
    assert_eq!(keys.debt(&KEY), 0);
}

#[test]
fn a_reservation_of_a_key_behind_waiters_waits_its_turn_and_then_owes() {
    let clock = ManualClock::new();
    let keys = ten(&clock);
    let first = Task::waiting(keys.bucket(&KEY).take_on(10, Never));
    let bucket = keys.bucket(&KEY);
    let place = bucket.reserve(5).unwrap();
    assert_eq!(place.remaining(), Some(Duration::from_millis(1500)), "an estimate");
    assert_eq!(keys.debt(&KEY), 0);
    drop(first);
    assert_eq!((place.remaining(), keys.debt(&KEY)), (Some(Duration::from_millis(500)), 5));
    let second = Task::waiting(keys.bucket(&KEY).take_on(10, Never));
    let (kept, dropped) = (bucket.reserve(1).unwrap(), bucket.reserve(1).unwrap());
    drop(dropped);
    kept.commit();
    place.cancel();
    drop(second);
    assert_eq!(keys.debt(&KEY), 1, "what was kept behind others is owed at its turn, and nothing else");
    assert!(bucket.reserve_within(1, Duration::from_millis(199)).is_err());
    bucket.reserve_within(1, Duration::from_millis(200)).unwrap().commit();
}

/// New limits may hold no debt as large as what a reservation behind others asks for.
#[test]
fn a_reservation_of_a_key_that_new_limits_cannot_bear_is_let_down_and_says_so() {
    let clock = ManualClock::new();
    let keys = Keys::with_clock("9/ns".parse::<Limit>().unwrap(), 100, &clock).unwrap();
    keys.try_take(&KEY, keys.available(&KEY)).unwrap();
    let first = Task::waiting(keys.bucket(&KEY).take_on(1, Never));
    let bucket = keys.bucket(&KEY);
    let mut place = bucket.reserve_oversized(1 << 61).unwrap();
    keys.set_limits(Limit::per_second(1_100_000_000_000)).unwrap();
    drop(first);
    let waited = Task::new(place.wait_on(Never)).poll();
    assert!(matches!(waited, Poll::Ready(Err(Refused::Never(_) | Refused::NotYet(_)))), "{waited:?}");
    assert_eq!(place.ready_at(), None);
    place.cancel();
    assert_eq!(keys.debt(&KEY), 0);
    clock.advance(Duration::from_secs(1));
    assert!(keys.try_take(&KEY, 1).is_ok());
}

/// It hears of that at once, not when it would have been ready.
#[test]
fn who_waits_on_a_reservation_of_a_key_that_is_let_down_is_woken() {
    let clock = ManualClock::new();
    let keys = Keys::with_clock("9/ns".parse::<Limit>().unwrap(), 100, &clock).unwrap();
    keys.try_take(&KEY, keys.available(&KEY)).unwrap();
    let first = Task::waiting(keys.bucket(&KEY).take_on(1, Never));
    let bucket = keys.bucket(&KEY);
    let mut place = bucket.reserve_oversized(1 << 61).unwrap();
    let mut waits = Task::waiting(place.wait_on(Never));
    keys.set_limits(Limit::per_second(1_100_000_000_000)).unwrap();
    assert!(waits.poll().is_pending(), "the first is there");
    let woken = waits.woken();
    drop(first);
    assert_eq!(waits.woken(), woken + 1);
    assert!(matches!(waits.poll(), Poll::Ready(Err(_))));
}

#[test]
fn who_waits_until_a_key_has_tokens_stands_in_its_line_and_takes_none() {
    let clock = ManualClock::new();
    let keys = ten(&clock);
    let mut looks = Task::waiting(keys.bucket(&KEY).until_available_on(5, Never));
    keys.put_back(&KEY, 5);
    assert_eq!(looks.woken(), 1);
    assert_eq!(looks.poll(), Poll::Ready(Ok(())));
    drop(looks);
    assert_eq!(keys.available(&KEY), 5);
    let _first = Task::waiting(keys.bucket(&KEY).take_on(10, Never));
    assert!(Task::new(keys.bucket(&KEY).until_available_on(5, Never)).poll().is_pending(), "others wait");
}

#[test]
fn a_gate_waits_for_the_key_and_then_for_the_wide_limit_and_gives_back_what_it_had() {
    let clock = ManualClock::new();
    let alarms = Alarms::new(&clock);
    let keys = Arc::new(ten(&clock));
    let all = TokenBucket::with_clock(Limit::per_second(10).empty(), &clock).unwrap();
    all.charge(20).unwrap();
    let mut crowd = Crowd::new(&alarms);
    for _ in 0..2 {
        let gate = Gate::new().and(Arc::clone(&keys).bucket_owned(KEY), 5).and(&all, 1);
        let wait = gate.take_on(Never);
        let mut wait = Box::pin(wait);
        let alarms = &alarms;
        crowd.come(async move {
            // The alarm of the crowd stands in for the gate's timer, which is not `Send` there.
            let mut alarm = pin!(alarms.sleep(Duration::from_millis(500)));
            std::future::poll_fn(|context| {
                let _ = alarm.as_mut().poll(context);
                wait.as_mut().poll(context).map(|_| Ok::<_, Refused>(all_nothing()))
            })
            .await
        });
    }
    crowd.poll();
    assert!(keys.try_take(&KEY, 1).is_err(), "it stands in the line of the key");
    clock.advance(Duration::from_millis(500));
    crowd.ring_and_poll(std::collections::VecDeque::pop_front);
    assert!(all.try_take(1).is_err(), "the first stands in the wide line");
    assert_eq!(keys.available(&KEY), 0, "and holds what the key gave");
    crowd.leave(0);
    assert_eq!(keys.available(&KEY), 5, "which comes back, for the second");
    crowd.poll();
    assert_eq!(keys.available(&KEY), 0);
    crowd.leave(1);
    assert_eq!(keys.available(&KEY), 5);
}

/// What a wait that is never served would say.
fn all_nothing() -> Granted {
    let bucket = TokenBucket::with_clock(Limit::per_second(1), ManualClock::new()).unwrap();
    bucket.try_take(1).unwrap()
}

#[test]
fn a_wait_of_an_owned_key_stands_in_the_line_and_its_reservation_behind() {
    let keys = Arc::new(KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 100, ManualClock::new()).unwrap());
    keys.try_take(&KEY, 10).unwrap();
    let first = Task::waiting(Arc::clone(&keys).bucket_owned(KEY).take_on(10, Never));
    let place = Arc::clone(&keys).bucket_owned(KEY).reserve(5).unwrap();
    assert_eq!(place.remaining(), Some(Duration::from_millis(1500)));
    let place = thread::spawn(move || place).join().unwrap();
    drop(first);
    assert_eq!((place.remaining(), keys.debt(&KEY)), (Some(Duration::from_millis(500)), 5));
    place.cancel();
    assert_eq!(keys.debt(&KEY), 0);
}

/// A waker that panics takes nobody's turn, and leaves no line behind.
#[test]
fn a_waker_that_panics_leaves_the_line_of_a_key_as_it_should_be() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker");
        }
    }
    let clock = ManualClock::new();
    let keys = ten(&clock);
    let mut first = Task::new(keys.bucket(&KEY).take_on(5, Never));
    let waker = Waker::from(Arc::new(Panics));
    assert!(first.wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| keys.put_back(&KEY, 5))).is_err());
    assert!(first.poll().is_ready());
    drop(first);
    clock.advance(Duration::from_secs(60));
    keys.shrink();
    assert_eq!(keys.len(), 0, "nobody waits, so it may go");
}

/// Threads wait, hang up and put back, of one stream and of two. All who stay are served, and the
/// line is free in the end.
#[test]
fn threads_that_wait_for_keys_are_all_served() {
    let limit = Limit::per_second(1_000_000).capacity(10);
    let keys = KeyedBuckets::<u64>::new(limit, 100).unwrap();
    let two = KeyedBuckets::<u64, 2>::new([limit, limit], 100).unwrap();
    let rounds = if cfg!(miri) { 5 } else { 300 };
    thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (keys, two) = (&keys, &two);
            scope.spawn(move || {
                let mut random = Random(thread + 1);
                for _ in 0..rounds {
                    let (key, n) = (random.below(3), 1 + random.below(10));
                    keys.bucket(&key).take_blocking(n).unwrap();
                    two.bucket(&key).take_blocking([n, 1]).unwrap();
                    match random.below(4) {
                        0 => keys.put_back(&key, n),
                        1 => drop(Task::new(keys.bucket(&key).take_on(10, Never)).poll()),
                        2 => drop(keys.bucket(&key).take_blocking_timeout(10, Duration::from_micros(5))),
                        _ => drop(keys.bucket(&key).reserve(3)),
                    }
                }
            });
        }
    });
    for key in 0..3 {
        keys.bucket(&key).take_blocking_timeout(10, Duration::from_secs(60)).unwrap();
        two.bucket(&key).take_blocking_timeout([10, 10], Duration::from_secs(60)).unwrap();
    }
}

/// One play: callers of a key beside those of a bucket, to whom the same happens.
fn play(seed: u64) {
    let mut random = Random(seed);
    let (rate, capacity) = ([7, 10, 333][random.below(3) as usize], 1 + random.below(12));
    let limit = Limit::per_second(rate).capacity(capacity);
    let clocks = [ManualClock::new(), ManualClock::new()];
    let [on_keys, on_bucket] = [Alarms::new(&clocks[0]), Alarms::new(&clocks[1])];
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(limit, 20, &clocks[0]).unwrap();
    let bucket = MultiBucket::with_clock([limit], &clocks[1]).unwrap();
    let (mut one, mut other) = (Crowd::new(&on_keys), Crowd::new(&on_bucket));
    let (keys, bucket) = (&keys, &bucket);
    let mut amounts = BTreeMap::new();
    let mut now = 0;
    for step in 0..60 {
        let n = 1 + random.below(capacity);
        match random.below(12) {
            0..4 => {
                let timeout = Duration::from_millis(random.below(3000));
                let (on_keys, on_bucket) = (&on_keys, &on_bucket);
                let who =
                    one.come(
                        async move { keys.bucket(&KEY).take_timeout_on(n, timeout, on_keys).await.map_err(bucket_of) },
                    );
                other.come(bucket.take_timeout_on([n], timeout, on_bucket));
                amounts.insert(who, n);
            }
            4 => {
                let who = random.below(1 + amounts.len() as u64) as usize;
                if amounts.contains_key(&who) {
                    one.leave(who);
                    other.leave(who);
                }
            }
            5 | 6 => {
                let taken = (keys.try_take(&KEY, n).is_ok(), bucket.try_take([n]).is_ok());
                assert_eq!(taken.0, taken.1, "seed {seed}, step {step}: a take of {n}");
            }
            7 => {
                keys.put_back(&KEY, n);
                bucket.put_back([n]);
            }
            8 => {
                // Keys that come and go beside it.
                let _ = keys.try_take(&(KEY + 1 + random.below(9)), 1);
                keys.shrink();
            }
            9 => {
                let taken = (keys.take_up_to(&KEY, n, 1), bucket.take_items(n, [1]));
                assert_eq!(taken.0, taken.1, "seed {seed}, step {step}");
            }
            _ => now += random.below(700) * MS,
        }
        one.run(nanos(now));
        other.run(nanos(now));
        assert_eq!(one.served, other.served, "seed {seed}, step {step}");
        let refused = |refused: &[(usize, Refused)]| refused.iter().map(|(who, _)| *who).collect::<Vec<_>>();
        assert_eq!(refused(&one.refused), refused(&other.refused), "seed {seed}, step {step}");
        assert_eq!(keys.available(&KEY), bucket.available()[0], "seed {seed}, step {step}");
        assert_eq!(one.waiting(), other.waiting(), "seed {seed}, step {step}");
    }
    one.run_out();
    other.run_out();
    assert_eq!(one.served, other.served, "seed {seed}");
    assert_eq!(one.waiting(), 0, "seed {seed}: it waits for ever");
}

#[test]
fn the_line_of_a_key_serves_whom_that_of_a_bucket_serves_at_the_same_instants() {
    (1..=if cfg!(miri) { 5 } else { 4000 }).for_each(play);
}

/// The bound at use, with callers that hang up and limits that stay.
#[test]
fn what_waiters_for_a_key_use_stays_within_the_bound() {
    for seed in 1..=if cfg!(miri) { 2 } else { 200 } {
        let mut random = Random(seed);
        let limit = Limit::per_second(10).capacity(5);
        let clock = ManualClock::new();
        let alarms = Alarms::new(&clock);
        let keys = Keys::with_clock(limit, 100, &clock).unwrap();
        let (keys, mut crowd) = (&keys, Crowd::new(&alarms));
        let (mut now, mut amounts, mut uses) = (0, Vec::new(), Vec::new());
        for _ in 0..100 {
            let n = 1 + random.below(5);
            match random.below(4) {
                0 | 1 => {
                    let alarms = &alarms;
                    crowd.come(take(keys, n, alarms));
                    amounts.push(n);
                }
                2 if !amounts.is_empty() => crowd.leave(random.below(amounts.len() as u64) as usize),
                _ => {
                    if keys.try_take(&KEY, n).is_ok() {
                        uses.push((now, n));
                    }
                }
            }
            now += random.below(400) * MS;
            crowd.run(nanos(now));
        }
        crowd.run_out();
        uses.extend(crowd.served.iter().map(|(who, at)| (at.as_nanos(), amounts[*who])));
        audit_with_grace(limit, GRACE, &uses).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(crowd.waiting(), 0);
    }
}

/// Whatever call finds that its tier changed.
#[test]
fn each_call_that_moves_a_key_to_another_tier_tells_those_who_wait() {
    type Tiered<'c> = KeyedBuckets<u64, 1, &'c ManualClock, KeyHash, ByTier<fn(&u64) -> usize>>;
    type Call<'a> = (&'a str, fn(&Tiered<'_>));
    thread_local! { static PAID: std::cell::Cell<usize> = const { std::cell::Cell::new(0) } }
    fn tier(_: &u64) -> usize {
        PAID.get()
    }
    let calls: [Call; 11] = [
        ("try_take", |keys| assert!(keys.try_take(&KEY, 1).is_err())),
        ("available", |keys| assert_eq!(keys.available(&KEY), 0)),
        ("wait_for", |keys| assert!(keys.wait_for(&KEY, 1).is_ok())),
        ("put_back", |keys| keys.put_back(&KEY, 0)),
        ("charge", |keys| keys.charge(&KEY, 1).unwrap()),
        ("resume", |keys| keys.resume(&KEY)),
        ("one too many held", |keys| assert!(keys.block(&KEY).is_err())),
        ("reserve", |keys| drop(keys.bucket(&KEY).reserve(1))),
        ("estimate", |keys| drop(keys.bucket(&KEY).estimate(1))),
        ("take", |keys| assert!(Task::new(keys.bucket(&KEY).take_on(1, Never)).poll().is_pending())),
        ("until_available", |keys| {
            assert!(Task::new(keys.bucket(&KEY).until_available_on(1, Never)).poll().is_pending());
        }),
    ];
    for (name, call) in calls {
        PAID.set(0);
        let clock = ManualClock::new();
        let keys: Tiered<'_> = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_hour(1), 100, &clock)
            .unwrap()
            .with_tiers([Limit::per_second(1000)], tier as fn(&u64) -> usize)
            .unwrap()
            .with_max_held(0);
        keys.try_take(&KEY, 1).unwrap();
        let waiters = [(); 4].map(|()| Task::waiting(keys.bucket(&KEY).take_on(1, Never)));
        PAID.set(1);
        call(&keys);
        assert_eq!(waiters.map(|waiter| waiter.woken()), [1; 4], "{name}");
    }
}

/// Its key would begin with less than it asks for, so it has to wait. A key that may go makes room.
#[test]
fn who_comes_to_wait_at_the_bound_gets_the_place_of_a_key_that_may_go() {
    let clock = ManualClock::new();
    let keys = Keys::with_clock(Limit::per_second(10).empty(), 1, &clock).unwrap();
    clock.advance(Duration::from_millis(500));
    keys.try_take(&OTHER, 1).unwrap();
    clock.advance(Duration::from_secs(1));
    keys.set_limits(Limit::per_second(10).capacity(100)).unwrap();
    assert_eq!(keys.len(), 1);
    let mut waiter = Task::new(keys.bucket(&KEY).take_on(12, Never));
    let polled = waiter.poll();
    assert!(polled.is_pending(), "{polled:?}");
}

#[test]
fn a_change_of_limits_tells_those_who_wait_for_every_key() {
    let clock = ManualClock::new();
    let keys = Keys::with_clock(Limit::per_hour(1), 100, &clock).unwrap();
    let waiters: Vec<_> = (0..20)
        .map(|key: u64| {
            keys.try_take(&key, 1).unwrap();
            Task::waiting(Box::leak(Box::new(keys.bucket(Box::leak(Box::new(key))))).take_on(1, Never))
        })
        .collect();
    keys.set_limits(Limit::per_second(1)).unwrap();
    assert!(waiters.iter().all(|waiter| waiter.woken() == 1));
}

#[test]
fn those_who_wait_for_a_key_with_its_own_limits_come_before_a_reservation() {
    let clock = ManualClock::new();
    let keys = ten(&clock);
    keys.set_key_limits(&KEY, Limit::per_second(10)).unwrap();
    let first = Task::waiting(keys.bucket(&KEY).take_on(10, Never));
    let bucket = keys.bucket(&KEY);
    let place = bucket.reserve(5).unwrap();
    assert_eq!((place.remaining(), keys.debt(&KEY)), (Some(Duration::from_millis(1500)), 0));
    drop(first);
    assert_eq!((place.remaining(), keys.debt(&KEY)), (Some(Duration::from_millis(500)), 5));
}

/// As one that was made where nobody waited.
#[test]
fn a_reservation_of_a_key_behind_others_is_used_if_it_is_dropped_after_its_instant() {
    let clock = ManualClock::new();
    let keys = ten(&clock);
    let mut first = Task::waiting(keys.bucket(&KEY).take_on(1, Never));
    let bucket = keys.bucket(&KEY);
    let (used, early) = (bucket.reserve(5).unwrap(), bucket.reserve(5).unwrap());
    clock.advance(Duration::from_millis(600));
    assert!(first.poll().is_ready());
    assert_eq!(keys.debt(&KEY), 5);
    drop(used);
    drop(early);
    assert_eq!((keys.debt(&KEY), keys.available(&KEY)), (0, 0));
}

#[test]
fn a_wait_for_the_overflow_that_takes_too_long_is_refused_at_once_and_owes_nothing() {
    let clock = ManualClock::new();
    let keys = Keys::with_clock(Limit::per_second(10), 1, &clock).unwrap().with_shared_overflow();
    keys.try_take(&KEY, 10).unwrap();
    keys.try_take(&OTHER, 10).unwrap();
    let within = |ms| Task::new(keys.bucket(&OTHER).take_timeout_on(5, Duration::from_millis(ms), Never)).poll();
    assert!(within(499).is_ready());
    assert_eq!(keys.debt(&OTHER), 0);
    assert!(within(500).is_pending());
}

#[test]
fn who_waits_for_nothing_waits_for_nobody_and_who_looks_waits_for_the_end_of_a_pause() {
    let clock = ManualClock::new();
    let keys = ten(&clock);
    let looks = |key: &'static u64, n| Task::new(keys.bucket(key).until_available_on(n, Never)).poll();
    let _first = Task::waiting(keys.bucket(&KEY).take_on(10, Never));
    for paused in [false, true] {
        assert!(matches!(Task::new(keys.bucket(&KEY).take_on(0, Never)).poll(), Poll::Ready(Ok(_))), "{paused}");
        assert_eq!(looks(&KEY, 0), Poll::Ready(Ok(())), "{paused}");
        keys.block(&KEY).unwrap();
    }
    assert_eq!(looks(&OTHER, 1), Poll::Ready(Ok(())));
    keys.pause_for(&OTHER, Duration::from_secs(1)).unwrap();
    let mut looks_later = Task::waiting(keys.bucket(&OTHER).until_available_on(1, Never));
    clock.advance(Duration::from_secs(1));
    assert_eq!(looks_later.poll(), Poll::Ready(Ok(())));
    keys.block(&OTHER).unwrap();
    assert!(matches!(looks(&OTHER, 1), Poll::Ready(Err(Refused::NotYet(_)))), "nobody knows for how long");
}

/// On a stream of rate 0 with tokens, which wait with the first for another stream.
#[test]
fn a_taker_of_a_key_that_is_kept_out_is_never_told_to_come_at_once() {
    let clock = ManualClock::new();
    let limits = [Limit::per_second(0).capacity(10), Limit::per_second(10)];
    let keys = Keys::<2>::with_clock(limits, 100, &clock).unwrap();
    keys.try_take(&KEY, [0, 10]).unwrap();
    let _first = Task::waiting(keys.bucket(&KEY).take_on([1, 1], Never));
    let refused = keys.try_take(&KEY, [1, 0]).unwrap_err();
    assert_ne!(refused.wait(), Some(Duration::ZERO), "{refused:?}");
}

/// Neither tokens that come back, nor one that looks, cut off what lies above a lowered capacity.
#[test]
fn who_waits_for_more_than_a_lowered_capacity_loses_nothing_to_those_who_give_or_look() {
    let clock = ManualClock::new();
    let keys = ten(&clock);
    let mut looks = Task::waiting(keys.bucket(&KEY).until_available_on(7, Never));
    let mut waiter = Task::waiting(keys.bucket(&KEY).take_on(9, Never));
    keys.set_limits(Limit::per_second(10).capacity(3)).unwrap();
    for _ in 0..2 {
        clock.advance(Duration::from_millis(350));
        keys.put_back(&KEY, 1);
    }
    assert_eq!(looks.poll(), Poll::Ready(Ok(())));
    clock.advance(Duration::from_millis(200));
    assert!(waiter.poll().is_ready());
    assert_eq!(keys.available(&KEY), 0);
}

/// A key may have more than one never seen, from limits of its own. What comes back then is lost,
/// and nothing that was there.
#[test]
fn what_comes_back_to_a_key_with_more_than_one_never_seen_takes_nothing_away() {
    let comes_back: [fn(&Keys<'_>); 4] = [
        |keys| keys.bucket(&KEY).estimate(5).unwrap().settle([0]).unwrap(),
        |keys| keys.bucket(&KEY).reserve(5).unwrap().cancel(),
        |keys| {
            let mut lease = keys.bucket(&KEY).lease(5);
            lease.try_take(5).unwrap();
            lease.put_back(5);
            lease.give_back();
        },
        |keys| {
            keys.try_take(&KEY, 5).unwrap();
            keys.put_back(&KEY, 5);
        },
    ];
    for (way, comes_back) in comes_back.iter().enumerate() {
        let clock = ManualClock::new();
        let limit = Limit::per_day(1).capacity(10);
        let keys = Keys::with_clock(limit, 100, &clock).unwrap();
        keys.set_limits(limit.capacity(1000)).unwrap();
        keys.set_key_limits(&KEY, limit.capacity(1000)).unwrap();
        keys.reset(&KEY, 900).unwrap();
        keys.clear_key_limits(&KEY).unwrap();
        comes_back(&keys);
        assert_eq!((keys.available(&KEY), keys.available(&OTHER)), (895, 10), "way {way}");
    }
}

/// Their drop runs outside all locks.
#[test]
fn a_key_whose_drop_calls_the_buckets_meets_no_lock() {
    use std::cell::RefCell;
    use std::hash::{Hash, Hasher};
    use std::sync::OnceLock;
    #[derive(PartialEq, Eq, Debug)]
    struct Calls(u64);
    impl Hash for Calls {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }
    impl Clone for Calls {
        fn clone(&self) -> Self {
            Self(self.0)
        }
    }
    static ALL: OnceLock<KeyedBuckets<Calls, 1, ManualClock>> = OnceLock::new();
    thread_local! { static INSIDE: RefCell<bool> = const { RefCell::new(false) } }
    impl Drop for Calls {
        fn drop(&mut self) {
            if let (Some(all), false) = (ALL.get(), INSIDE.replace(true)) {
                for key in 0..50 {
                    let _ = all.reset(&Self(key), 7);
                }
                INSIDE.replace(false);
            }
        }
    }
    let all = ALL.get_or_init(|| {
        let all = KeyedBuckets::with_clock(Limit::per_second(10), 3, ManualClock::new()).unwrap();
        all.with_keep(Duration::ZERO).with_max_held(1)
    });
    let key = &*Box::leak(Box::new(Calls(KEY)));
    all.try_take(key, 10).unwrap();
    all.block(key).unwrap();
    all.block(key).unwrap();
    all.resume(key);
    all.set_key_limits(key, Limit::per_second(5)).unwrap();
    all.clear_key_limits(key).unwrap();
    all.reset(key, 0).unwrap();
    let waiter = Task::waiting(all.bucket(key).take_on(5, Never));
    all.block(key).unwrap();
    all.resume(key);
    all.remove(key);
    drop(waiter);
    all.shrink();
    all.remove(key);
    // Keys of other shards that go for a new one.
    for number in 10..100 {
        all.clock().advance(Duration::from_secs(60));
        let _ = all.try_take(&Calls(number), 1);
        all.pause_for(&Calls(number), Duration::from_secs(1)).unwrap();
        let _ = Task::new(all.bucket(&Calls(number)).take_on(1, Never)).poll();
    }
}

/// Also where it is the waker of one who sleeps on a debt. Who sleeps so is forgotten: the event of
/// `event-listener` does not outlive such a waker.
#[test]
fn a_waker_that_panics_as_limits_change_keeps_it_from_nobody_who_waits() {
    type Change<'a> = (&'a str, fn(&Keys<'_>));
    let changes: [Change; 2] = [
        ("of all", |keys| keys.set_limits(Limit::per_second(1000)).unwrap()),
        ("of the key", |keys| keys.set_key_limits(&KEY, Limit::per_second(1000)).unwrap()),
    ];
    for (name, change) in changes {
        let clock = ManualClock::new();
        let keys = ten(&clock);
        let bucket = keys.bucket(&OTHER);
        let debt = bucket.reserve(10).and_then(|first| bucket.reserve(10).inspect(|_| first.commit()));
        let mut sleeps = Box::pin(debt.as_ref().unwrap().until_ready_on(Never));
        let waker = Waker::from(Arc::new(Acts(|what: &str| assert_ne!(what, "wake"))));
        assert!(sleeps.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        std::mem::forget(sleeps);
        let mut waiter = Task::waiting(keys.bucket(&KEY).take_on(10, Never));
        assert!(catch_unwind(AssertUnwindSafe(|| change(&keys))).is_err(), "{name}");
        assert_eq!(waiter.woken(), 1, "{name}");
        clock.advance(Duration::from_millis(10));
        assert!(waiter.poll().is_ready(), "{name}");
    }
}

/// A waker that does something when it is woken or dropped.
struct Acts<F: Fn(&str) + Send + Sync>(F);

impl<F: Fn(&str) + Send + Sync> Wake for Acts<F> {
    fn wake(self: Arc<Self>) {
        (self.0)("wake");
    }
}

impl<F: Fn(&str) + Send + Sync> Drop for Acts<F> {
    fn drop(&mut self) {
        (self.0)("drop");
    }
}

/// Wakers are woken and dropped outside all locks.
#[test]
fn a_waker_may_call_the_buckets_and_let_others_go() {
    use std::sync::Mutex;
    type Owned = KeyedBuckets<u64, 1, ManualClock>;
    type Wait = Pin<Box<dyn Future<Output = Result<Granted, KeyRefused>> + Send>>;
    let all: Arc<Owned> = Arc::new(KeyedBuckets::with_clock(Limit::per_second(10), 100, ManualClock::new()).unwrap());
    let others: Arc<Mutex<Vec<Wait>>> = Arc::default();
    let acted = Arc::new(AtomicUsize::new(0));
    let act = {
        let (all, others, acted) = (Arc::clone(&all), Arc::clone(&others), Arc::clone(&acted));
        move |_: &str| {
            if acted.fetch_add(1, Relaxed) > 20 {
                return;
            }
            let _ = all.try_take(&KEY, 1);
            all.put_back(&KEY, 1);
            let _ = (all.available(&KEY), all.len());
            let other = others.try_lock().ok().and_then(|mut others| others.pop());
            drop(other);
            let mut wait = Box::pin(Arc::clone(&all).bucket_owned(KEY).take_on(1, Never));
            let _ = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            drop(wait);
            drop(Arc::clone(&all).bucket_owned(KEY).reserve(1));
            all.pause_for(&KEY, Duration::from_nanos(1)).unwrap();
            all.resume(&KEY);
            all.set_limits(Limit::per_second(10)).unwrap();
            all.remove(&KEY);
        }
    };
    for end in 0..6 {
        acted.store(0, Relaxed);
        all.reset(&KEY, 0).unwrap();
        for _ in 0..4 {
            let wait = Arc::clone(&all).bucket_owned(KEY).take_on(5, Never);
            let mut wait: Wait = Box::pin(wait);
            let waker = Waker::from(Arc::new(Acts(act.clone())));
            assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            others.lock().unwrap().push(wait);
        }
        match end {
            0 => all.put_back(&KEY, 10),
            1 => drop(others.lock().unwrap().remove(0)),
            2 => all.set_limits(Limit::per_second(20)).unwrap(),
            3 => all.block(&KEY).unwrap(),
            4 => {
                all.clock().advance(Duration::from_secs(10));
                let first = others.lock().unwrap().remove(0);
                let mut first = first;
                let _ = first.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            }
            _ => {
                let mut first = others.lock().unwrap().remove(0);
                assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
        }
        assert!(acted.load(Relaxed) > 0 || end == 3, "{end}");
        all.resume(&KEY);
        let left = std::mem::take(&mut *others.lock().unwrap());
        drop(left);
        all.clock().advance(Duration::from_secs(100));
        all.shrink();
        assert_eq!(all.len(), 0, "{end}");
    }
}

/// A key whose hash or comparison panics once, when it is told to.
mod fragile {
    use std::cell::Cell;
    use std::hash::{Hash, Hasher};

    thread_local! { pub(super) static FAILS: Cell<Option<u64>> = const { Cell::new(None) } }

    #[derive(Clone, Debug)]
    pub(super) struct Fragile(pub(super) u64);

    fn may_fail() {
        if let Some(left) = FAILS.get() {
            FAILS.set(Some(left.wrapping_sub(1)));
            assert_ne!(left, 0, "a key");
        }
    }

    impl Hash for Fragile {
        fn hash<H: Hasher>(&self, state: &mut H) {
            may_fail();
            self.0.hash(state);
        }
    }

    impl PartialEq for Fragile {
        fn eq(&self, other: &Self) -> bool {
            may_fail();
            self.0 == other.0
        }
    }

    impl Eq for Fragile {}
}

/// Whichever it is, nobody who waits is lost, and no count goes wrong.
#[test]
fn a_hash_or_a_comparison_that_panics_leaves_those_who_wait_where_they_are() {
    use fragile::{FAILS, Fragile};
    /// Every key is in one shard: the factor by which shards are found is undone.
    #[derive(Default)]
    struct One(u64);
    impl std::hash::BuildHasher for One {
        type Hasher = Self;
        fn build_hasher(&self) -> Self {
            Self::default()
        }
    }
    impl std::hash::Hasher for One {
        fn finish(&self) -> u64 {
            self.0.wrapping_mul(0xf1de_83e1_9937_733d)
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0 = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        }
        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }
    }
    type All<'c> = KeyedBuckets<Fragile, 1, &'c ManualClock, One>;
    type Call = fn(&All<'_>, &ManualClock, &Fragile);
    let calls: [(&str, Call); 6] = [
        ("block", |all, _, key| all.block(key).unwrap()),
        ("pause", |all, clock, key| {
            all.pause_for(key, Duration::from_millis(1)).unwrap();
            clock.advance(Duration::from_millis(1));
            all.available(key);
        }),
        ("set_key_limits", |all, _, key| all.set_key_limits(key, Limit::per_second(10)).unwrap()),
        ("clear_key_limits", |all, _, key| {
            all.set_key_limits(key, Limit::per_second(10)).unwrap();
            all.clear_key_limits(key).unwrap();
        }),
        ("shrink", |all, clock, key| {
            all.pause_for(key, Duration::from_millis(1)).unwrap();
            clock.advance(Duration::from_millis(1));
            all.shrink();
        }),
        ("take", |all, _, key| {
            let mut other = Box::pin(all.bucket(key).take_on(1, Never));
            assert!(other.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }),
    ];
    for (name, call) in calls {
        for fails in 0..if cfg!(miri) { 4 } else { 100 } {
            let clock = ManualClock::new();
            let all: All<'_> = KeyedBuckets::with_hasher(Limit::per_second(10), 100, &clock, One::default())
                .unwrap()
                .with_max_held(48);
            let (keys, others): (Vec<_>, Vec<_>) = ((0..8).map(Fragile).collect(), (8..48).map(Fragile).collect());
            for key in &others {
                all.charge(key, 1).unwrap();
                all.pause_for(key, Duration::from_micros(1)).unwrap();
            }
            for key in &keys[4..] {
                all.pause_for(key, Duration::from_micros(1)).unwrap();
            }
            let mut waits = Vec::new();
            for key in &keys {
                if key.0 < 4 {
                    all.try_take(key, 10).unwrap();
                } else {
                    all.charge(key, 10).unwrap();
                }
                let wait = all.bucket(key).take_on(1, Never);
                waits.push(Task::new(wait));
            }
            for wait in &mut waits {
                let _ = wait.poll();
            }
            clock.advance(Duration::from_micros(1));
            FAILS.set(Some(fails));
            let failed = catch_unwind(AssertUnwindSafe(|| keys.iter().for_each(|key| call(&all, &clock, key))));
            FAILS.set(None);
            drop(failed);
            keys.iter().for_each(|key| {
                all.clear_key_limits(key).unwrap();
                all.resume(key);
            });
            clock.advance(Duration::from_secs(1));
            for wait in &mut waits {
                assert!(matches!(wait.poll(), Poll::Ready(Ok(_))), "{name}, {fails}");
            }
            drop(waits);
            clock.advance(Duration::from_secs(60));
            all.shrink();
            assert_eq!(all.len(), 0, "{name}, {fails}");
            let held = keys.iter().chain(&others).all(|key| all.block(key).is_ok());
            assert!(held && all.block(&Fragile(48)).is_err(), "{name}, {fails}: as many as may be");
        }
    }
}
