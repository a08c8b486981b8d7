//! A bucket for every key: it begins full, it goes when it is full again, and nobody can tell.
#![cfg(feature = "keys")]

mod common;

use std::collections::HashMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use common::{Naive, Random, audit, config, nanos};
use proptest::collection::vec;
use proptest::prelude::*;
use tollgate::clock::{ManualClock, Time};
use tollgate::keyed::{IpKey, KeyRefused};
use tollgate::{Clock, KeyedBuckets, Limit, Refused};

fn by_number(limit: Limit, max_keys: usize) -> KeyedBuckets<u64, 1, ManualClock> {
    KeyedBuckets::with_clock(limit, max_keys, ManualClock::new()).unwrap()
}

#[test]
fn first_use_by_many_threads_at_once_grants_exactly_the_capacity() {
    const THREADS: u64 = 4;
    for round in 0..200 {
        let one = by_number(Limit::per_second(1).capacity(10), 100);
        let two = KeyedBuckets::<u64, 2, _>::with_clock(
            [Limit::per_second(1).capacity(10), Limit::per_second(1).capacity(1000)],
            100,
            ManualClock::new(),
        )
        .unwrap();
        let barrier = Barrier::new(THREADS as usize);
        let granted: Vec<(u64, u64)> = thread::scope(|scope| {
            let take = || {
                barrier.wait();
                let one = (0..10).filter(|_| one.try_take(&round, 1).is_ok()).count() as u64;
                let two = (0..10).filter(|_| two.try_take(&round, [1, 100]).is_ok()).count() as u64;
                (one, two)
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let sum = granted.iter().fold((0, 0), |sum, (one, two)| (sum.0 + one, sum.1 + two));
        assert_eq!(sum, (10, 10), "round {round}: {granted:?}");
        assert_eq!((one.len(), two.len()), (1, 1));
    }
}

#[test]
fn a_limit_that_begins_empty_begins_to_fill_at_the_construction_for_every_key() {
    let keys = by_number(Limit::per_second(10).empty(), 10);
    assert_eq!((keys.available(&1), keys.try_take(&1, 1).is_ok()), (0, false));
    keys.clock().advance(Duration::from_millis(500));
    assert_eq!((keys.available(&1), keys.available(&2)), (5, 5));
    keys.try_take(&1, 5).unwrap();
    keys.clock().advance(Duration::from_secs(7));
    assert_eq!((keys.available(&1), keys.available(&3)), (10, 10));
}

#[test]
fn a_key_that_is_refused_or_asks_for_nothing_is_not_added() {
    let keys = by_number(Limit::per_second(10), 10);
    assert!(matches!(keys.try_take(&1, 11), Err(KeyRefused::Bucket(Refused::Never(_)))));
    assert!(keys.try_take(&1, 0).is_ok());
    assert_eq!((keys.take_up_to(&1, 5, 0), keys.take_up_to(&1, 5, 11), keys.take_up_to(&1, 0, 1)), (5, 0, 0));
    keys.put_back(&1, 5);
    assert_eq!((keys.available(&1), keys.wait_for(&1, 10), keys.len()), (10, Ok(Some(Duration::ZERO)), 0));
}

#[test]
fn a_key_is_found_by_any_borrowed_form() {
    let names = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 10, ManualClock::new()).unwrap();
    names.try_take("alice", 4).unwrap();
    names.try_take(&"alice".to_owned(), 4).unwrap();
    names.put_back("alice", 1);
    assert_eq!((names.available("alice"), names.len()), (3, 1));
    let bytes = KeyedBuckets::<Vec<u8>, 1, _>::with_clock(Limit::per_second(10), 10, ManualClock::new()).unwrap();
    bytes.try_take(&b"alice"[..], 4).unwrap();
    assert_eq!(bytes.available(&b"alice".to_vec()), 6);
}

#[test]
fn the_streams_of_a_key_are_debited_all_or_nothing() {
    let limits = [Limit::per_second(10), Limit::per_second(1000)];
    let keys = KeyedBuckets::<u64, 2, _>::with_clock(limits, 10, ManualClock::new()).unwrap();
    keys.try_take(&1, [1, 700]).unwrap();
    let Err(KeyRefused::Bucket(Refused::NotYet(refusal))) = keys.try_take(&1, [1, 700]) else { panic!() };
    assert_eq!((refusal.stream(), refusal.wait()), (1, Some(Duration::from_millis(400))));
    assert_eq!((keys.available(&1), keys.available(&2)), ([9, 300], [10, 1000]));
    assert_eq!(keys.take_up_to(&1, 100, [2, 100]), 3);
    assert_eq!(keys.wait_for(&1, [4, 1]), Ok(Some(Duration::from_millis(100))));
}

#[test]
fn a_key_that_has_been_full_for_long_goes_when_its_shard_would_grow() {
    let (keys, keep) = (by_number(Limit::per_second(1).capacity(10), 1_000_000), Duration::from_secs(10));
    for key in 0..100_000 {
        keys.try_take(&key, 1).unwrap();
    }
    // Full for less than it is kept: all stay.
    keys.clock().advance(Duration::from_secs(1) + keep - Duration::from_millis(1));
    for key in 100_000..200_000 {
        keys.try_take(&key, 10).unwrap();
    }
    assert_eq!(keys.len(), 200_000);
    // Those of the first go, those of the second are not full.
    keys.clock().advance(Duration::from_millis(2));
    for key in 200_000..600_000 {
        keys.try_take(&key, 10).unwrap();
    }
    assert!(keys.len() < 510_000, "{}", keys.len());
    assert!((100_000..600_000).step_by(997).all(|key| keys.available(&key) == 0));
}

#[test]
fn a_flood_of_keys_past_the_bound_is_refused_and_resets_nobody() {
    let keys = by_number(Limit::per_second(1).capacity(10), 100);
    for key in 0..100 {
        keys.try_take(&key, 1 + key % 10).unwrap();
    }
    for key in 100..10_000 {
        let Err(KeyRefused::NoRoom(refusal)) = keys.try_take(&key, 1) else { panic!("{key}") };
        let text = refusal.to_string();
        assert!(text.starts_with("no room in the key's shard or in up to eight others: there are 100 keys"), "{text}");
        let wait = refusal.wait().unwrap();
        assert!(wait > Duration::from_millis(999) && wait <= Duration::from_micros(1_000_001));
        assert_eq!((keys.len(), keys.take_up_to(&key, 1, 1)), (100, 0));
    }
    assert!((0..100).all(|key| keys.available(&key) == 9 - key % 10));
    // After a second those that took one token make room for as many.
    keys.clock().advance(Duration::from_secs(1));
    let added = (10_000..20_000).filter(|key| keys.try_take(key, 10).is_ok()).count();
    assert_eq!((added, keys.len()), (10, 100));
}

/// The bound of a shard may lie before the instant at which one of its keys is full: a take moves
/// that instant on. A call that looks finds the true one.
#[test]
fn a_refusal_says_when_there_may_be_room() {
    let keys = by_number(Limit::per_second(10), 1);
    keys.try_take(&1, 1).unwrap();
    keys.clock().advance(Duration::from_millis(50));
    keys.try_take(&1, 9).unwrap();
    keys.clock().advance(Duration::from_millis(50));
    for _ in 0..2 {
        let Err(KeyRefused::NoRoom(refusal)) = keys.try_take(&2, 1) else { panic!("key 1 is full in 900 ms") };
        let (least, most) = (Duration::from_millis(900), Duration::from_micros(900_001));
        assert!((least..=most).contains(&refusal.wait().unwrap()), "{refusal}");
    }
    keys.clock().advance(Duration::from_millis(900));
    assert!(keys.try_take(&2, 1).is_ok());
}

#[test]
fn keys_without_room_share_a_bucket_where_that_is_asked_for() {
    let keys = by_number(Limit::per_second(10), 2).with_shared_overflow();
    keys.try_take(&1, 5).unwrap();
    keys.try_take(&2, 5).unwrap();
    let granted = (3..1000).filter(|key| keys.try_take(key, 1).is_ok()).count();
    assert_eq!((granted, keys.len()), (10, 2));
    assert!(matches!(keys.try_take(&1000, 1), Err(KeyRefused::Bucket(Refused::NotYet(_)))));
    assert_eq!((keys.available(&1), keys.available(&2), keys.available(&3)), (5, 5, 0));
}

/// A clock that steps back while a call has its first reading. The second one, under the lock, may
/// be older than the first; the later counts.
#[test]
fn a_clock_that_goes_back_mints_nothing() {
    let keys = by_number(Limit::per_second(10), 10);
    keys.at(nanos(1_000_000_000)).try_take(&1, 10).unwrap();
    assert!(keys.try_take(&1, 1).is_err());
    assert!(keys.at(nanos(900_000_000)).try_take(&1, 1).is_err());
}

#[test]
fn addresses_of_one_subnet_are_one_client() {
    let clients = KeyedBuckets::<IpKey, 1, _>::with_clock(Limit::per_second(2), 10, ManualClock::new()).unwrap();
    let key = |text: &str| IpKey::new(text.parse().unwrap());
    clients.try_take(&key("2001:db8::1"), 1).unwrap();
    clients.try_take(&key("2001:db8::2"), 1).unwrap();
    assert!(clients.try_take(&key("2001:db8::3"), 1).is_err());
    assert!(clients.try_take(&key("2001:db8:0:1::1"), 1).is_ok());
}

/// A clock that all threads move.
#[derive(Default)]
struct Shared(AtomicU64);

impl Shared {
    fn nanos(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for Shared {
    fn now(&self) -> Time {
        nanos(self.nanos())
    }
}

/// What a thread did to a key: the clock before and after.
#[derive(Clone, Copy)]
struct Event {
    key: u64,
    before: u64,
    after: u64,
    granted: u64,
    given_back: u64,
}

/// Threads that are stopped anywhere, fewer places than keys, and the bound for every key in every
/// window. In a window a key is granted no more than its capacity, what accrues in it, and what
/// came back before the last of its grants was done.
#[test]
fn the_bound_holds_for_each_key_while_keys_come_and_go() {
    const THREADS: u64 = 4;
    const KEYS: u64 = 16;
    const CAPACITY: u64 = 20;
    let limit = Limit::per_second(1_000_000_000).capacity(CAPACITY);
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(limit, 8, Shared::default()).unwrap().with_keep(Duration::ZERO);
    let events: Vec<Event> = thread::scope(|scope| {
        let work = |seed| {
            let keys = &keys;
            move || {
                let (mut random, mut events) = (Random(seed), Vec::new());
                for _ in 0..20_000 {
                    let (key, n) = (random.below(KEYS), 1 + random.below(CAPACITY));
                    let before = keys.clock().nanos();
                    let granted = keys.take_up_to(&key, n, 1);
                    let event = Event { key, before, after: keys.clock().nanos(), granted, given_back: 0 };
                    events.push(event);
                    if granted > 0 && random.below(3) == 0 {
                        let (before, given_back) = (keys.clock().nanos(), 1 + random.below(granted));
                        keys.put_back(&key, given_back);
                        events.push(Event { before, after: keys.clock().nanos(), granted: 0, given_back, ..event });
                    }
                    if random.below(100) == 0 {
                        keys.shrink();
                    }
                    keys.clock().0.fetch_add(random.below(4), Ordering::SeqCst);
                }
                events
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|seed| scope.spawn(work(seed))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    for key in 0..KEYS {
        let of_key = || events.iter().filter(|event| event.key == key);
        let mut grants: Vec<Event> = of_key().filter(|event| event.granted > 0).copied().collect();
        let back: Vec<Event> = of_key().filter(|event| event.given_back > 0).copied().collect();
        grants.sort_by_key(|grant| grant.before);
        assert!(grants.len() > 100 && back.len() > 30, "{} grants, {} came back", grants.len(), back.len());
        let whole = grants.len();
        for (length, step) in [(1, 1), (2, 1), (5, 2), (20, 10), (100, 50), (whole, whole)] {
            for window in grants.windows(length).step_by(step) {
                let (from, to) = (window[0].before, window.iter().map(|grant| grant.after).max().unwrap_or(0));
                let granted: u64 = window.iter().map(|grant| grant.granted).sum();
                let inside = back.iter().filter(|event| event.after >= from && event.before <= to);
                let most = CAPACITY + (to - from) + inside.map(|event| event.given_back).sum::<u64>();
                assert!(granted <= most, "key {key}, from {from} to {to}: {granted} granted of {most}");
            }
        }
    }
    assert!(keys.len() <= 8);
    // When all is full again, all go: no place and no count is lost.
    keys.clock().0.fetch_add(3 * CAPACITY, Ordering::SeqCst);
    keys.shrink();
    assert!(keys.is_empty(), "{}", keys.len());
}

/// Readings that the caller supplies, up to `s` behind one another, and keys that go at once. The
/// bound gains `r * s`, and without that term it does not hold.
#[test]
fn readings_that_lag_add_at_most_what_accrues_in_the_lag() {
    const LAG: u64 = 8;
    let limit = Limit::per_second(1_000_000_000).capacity(5);
    let granted_over = |term: u64| {
        let keys = by_number(limit, 2).with_keep(Duration::ZERO);
        let (mut random, mut now, mut grants) = (Random(3), LAG, vec![Vec::new(); 6]);
        for _ in 0..60_000 {
            now += random.below(3);
            let (key, read) = (random.below(6), now - random.below(LAG + 1));
            let granted = keys.at(nanos(read)).take_up_to(&key, 1 + random.below(5), 1);
            grants[key as usize].push((read, granted));
        }
        let allowed = limit.capacity(limit.capacity + term);
        grants.iter_mut().find_map(|grants| audit(allowed, grants).err())
    };
    assert_eq!(granted_over(LAG), None);
    assert!(granted_over(0).is_some());
}

/// Keys that come and go at once, by all threads: none is lost, none is left, and there is room for
/// as many as there was.
#[test]
fn no_place_is_lost_while_keys_come_and_go() {
    const THREADS: u64 = 4;
    let keys = by_number(Limit::per_second(1_000_000_000).capacity(2), 60);
    let clock = AtomicU64::new(0);
    thread::scope(|scope| {
        for seed in 0..THREADS {
            let (keys, clock) = (&keys, &clock);
            scope.spawn(move || {
                let mut random = Random(seed);
                for i in 0..20_000 {
                    let now = keys.at(nanos(clock.fetch_add(1, Ordering::SeqCst)));
                    let _ = now.try_take(&random.below(100), 1);
                    if i % 50 == 0 {
                        now.shrink();
                    }
                }
            });
        }
    });
    let later = clock.into_inner() + 10;
    keys.at(nanos(later)).shrink();
    assert!(keys.is_empty(), "{}", keys.len());
    assert!((0..60).all(|key| keys.at(nanos(later)).try_take(&key, 2).is_ok()));
    assert_eq!(keys.len(), 60);
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Take(u64),
    TakeUpTo(u64, u64),
    PutBack(u64),
    Ask(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0..12u64).prop_map(Op::Take),
        (0..6u64, 0..4u64).prop_map(|(max, each)| Op::TakeUpTo(max, each)),
        (0..12u64).prop_map(Op::PutBack),
        (0..12u64).prop_map(Op::Ask),
    ]
}

proptest! {
    #![proptest_config(config(512, "tests/keyed.proptest-regressions"))]

    /// Against a bucket for every key that is never removed. Room for all keys, so that every one
    /// is as in the model; evictions in passing, and at any point.
    #[test]
    fn eviction_never_resets_a_limit(
        steps in vec((0..5u64, 0..4_000_000_000u64, any::<bool>(), op()), 1..200),
    ) {
        let limit = Limit::per_second(1).capacity(10);
        let (one, two) = (by_number(limit, 5), KeyedBuckets::<u64, 2, _>::with_clock([limit; 2], 5, ManualClock::new()).unwrap());
        let mut models: HashMap<u64, Naive> = HashMap::new();
        let mut now = 0;
        for (key, idle, shrink, op) in steps {
            now += idle;
            let (one, two) = (one.at(nanos(now)), two.at(nanos(now)));
            let model = models.entry(key).or_insert_with(|| Naive::new(limit));
            if shrink {
                one.shrink();
                two.shrink();
            }
            match op {
                Op::Take(n) => {
                    let fits = model.items(now, now, n, 1).0 == 1 && n <= 10;
                    prop_assert_eq!((one.try_take(&key, n).is_ok(), two.try_take(&key, [n, n]).is_ok()), (fits, fits));
                    if fits {
                        model.take(now, n);
                    }
                }
                Op::TakeUpTo(max, each) => {
                    let fit = model.items(now, now, each, max).0;
                    prop_assert_eq!((one.take_up_to(&key, max, each), two.take_up_to(&key, max, [each; 2])), (fit, fit));
                    model.take(now, fit * each);
                }
                Op::PutBack(n) => {
                    one.put_back(&key, n);
                    two.put_back(&key, [n, n]);
                    model.put_back(now, n);
                }
                Op::Ask(n) => {
                    let wait = (n <= 10).then(|| model.wait(now, n).unwrap() as u64);
                    prop_assert_eq!(one.wait_for(&key, n).ok(), wait.map(Duration::from_nanos).map(Some));
                    prop_assert_eq!(two.wait_for(&key, [n, n]).ok(), wait.map(Duration::from_nanos).map(Some));
                }
            }
            for (key, model) in &models {
                let left = model.items(now, now, 1, 10).0;
                prop_assert_eq!((one.available(key), two.available(key)), (left, [left, left]));
            }
        }
    }
}

#[test]
fn a_refusal_where_no_key_ever_refills_knows_no_wait() {
    for keys in [by_number(Limit::per_second(0).capacity(5), 1), by_number(Limit::per_second(1), 0)] {
        let _ = keys.try_take(&1, 1);
        for _ in 0..3 {
            let Err(refused @ KeyRefused::NoRoom(refusal)) = keys.try_take(&2, 1) else { panic!("there is no room") };
            assert_eq!((refusal.wait(), refused.wait(), refused.retry_after_secs()), (None, None, None), "{refusal}");
            assert!(refusal.to_string().ends_with("and none makes room by refilling"), "{refusal}");
        }
    }
}
