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
use tollgate::{KeyedBuckets, Limit, Refused};

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
fn a_key_begins_full_whatever_the_limit_says() {
    let keys = by_number(Limit::per_second(10).empty(), 10);
    assert_eq!(keys.available(&1), 10);
    assert!(keys.try_take(&1, 10).is_ok());
}

#[test]
fn a_key_that_is_refused_or_asks_for_nothing_is_not_added() {
    let keys = by_number(Limit::per_second(10), 10);
    assert!(matches!(keys.try_take(&1, 11), Err(KeyRefused::Bucket(Refused::Never(_)))));
    assert!(keys.try_take(&1, 0).is_ok());
    assert_eq!((keys.take_up_to(&1, 5, 0), keys.take_up_to(&1, 5, 11), keys.take_up_to(&1, 0, 1)), (5, 0, 0));
    keys.put_back(&1, 5);
    assert_eq!((keys.available(&1), keys.wait_for(&1, 10), keys.len()), (10, Ok(Duration::ZERO), 0));
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
    assert_eq!((refusal.stream(), refusal.wait()), (1, Duration::from_millis(400)));
    assert_eq!((keys.available(&1), keys.available(&2)), ([9, 300], [10, 1000]));
    assert_eq!(keys.take_up_to(&1, 100, [2, 100]), 3);
    assert_eq!(keys.wait_for(&1, [4, 1]), Ok(Duration::from_millis(100)));
}

#[test]
fn a_key_is_removed_in_passing_when_it_is_full_and_not_before() {
    let keys = by_number(Limit::per_second(1).capacity(10), 1000);
    for key in 0..100 {
        keys.at(Time::ZERO).try_take(&key, 1 + key % 10).unwrap();
    }
    let second = nanos(1_000_000_000);
    assert_eq!(keys.len(), 100);
    for key in 100..125 {
        keys.at(second).try_take(&key, 10).unwrap();
    }
    // Those that took one token are full, and some of them may have been looked at; each of the 25
    // has looked at eight of some 1700 cells.
    assert!((115..=125).contains(&keys.len()), "{}", keys.len());
    for key in 125..400 {
        keys.at(second).try_take(&key, 10).unwrap();
    }
    // All were looked at by now.
    assert_eq!(keys.len(), 90 + 300);
    assert!((0..400).all(|key| keys.at(second).available(&key) == if key < 100 { 10 - key % 10 } else { 0 }));
}

#[test]
fn a_flood_of_keys_past_the_bound_is_refused_and_resets_nobody() {
    let keys = by_number(Limit::per_second(1).capacity(10), 100);
    for key in 0..100 {
        keys.try_take(&key, 1 + key % 10).unwrap();
    }
    for key in 100..10_000 {
        let Err(KeyRefused::NoRoom(refusal)) = keys.try_take(&key, 1) else { panic!("{key}") };
        assert_eq!(refusal.to_string(), "no room for another key: all 100 are in use");
        assert_eq!((keys.len(), keys.take_up_to(&key, 1, 1)), (100, 0));
    }
    assert!((0..100).all(|key| keys.available(&key) == 9 - key % 10));
    // After a second those that took one token make room for as many.
    keys.clock().advance(Duration::from_secs(1));
    let added = (10_000..20_000).filter(|key| keys.try_take(key, 10).is_ok()).count();
    assert_eq!((added, keys.len()), (10, 100));
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

#[test]
fn a_clock_that_is_behind_finds_no_token_too_many_in_a_key_made_anew() {
    let keys = by_number(Limit::per_second(1_000_000_000).capacity(10), 100);
    keys.at(nanos(0)).try_take(&1, 10).unwrap();
    keys.at(nanos(9)).shrink();
    assert_eq!(keys.len(), 1);
    // Whenever it is removed, what counts is when it had become full.
    keys.at(nanos(1_000_000)).shrink();
    assert!(keys.is_empty());
    assert_eq!([0, 1, 9, 10, 20].map(|now| keys.at(nanos(now)).available(&1)), [0, 1, 9, 10, 10]);
    assert!(keys.at(nanos(4)).try_take(&1, 5).is_err());
    keys.at(nanos(4)).try_take(&1, 4).unwrap();
    assert_eq!(keys.at(nanos(10)).available(&1), 6);
}

#[test]
fn keys_that_were_idle_for_a_month_do_not_make_the_evicted_forgotten() {
    // 1000 tokens a ns: as fast as any.
    let keys = by_number(Limit::per_second(1_000_000_000_000).capacity(1000), 100);
    let month = 30 * 24 * 3600 * 1_000_000_000;
    for idle in 1..50 {
        keys.at(nanos(0)).try_take(&idle, 500).unwrap();
    }
    keys.at(nanos(month)).try_take(&50, 1000).unwrap();
    keys.at(nanos(month + 1)).shrink();
    assert!(keys.is_empty());
    assert_eq!([0, 1].map(|later| keys.at(nanos(month + later)).available(&50)), [0, 1000]);
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

/// Threads with clocks of their own, keys that come and go all the time, and the bound for each
/// key.
#[test]
fn the_bound_holds_for_each_key_while_keys_come_and_go() {
    const THREADS: u64 = 4;
    const KEYS: u64 = 16;
    let limit = Limit::per_second(1_000_000_000).capacity(20);
    let keys = by_number(limit, 8);
    let grants: Vec<(u64, u64, u64)> = thread::scope(|scope| {
        let work = |seed| {
            let keys = &keys;
            move || {
                let (mut random, mut now, mut grants) = (Random(seed), 0, Vec::new());
                for _ in 0..20_000 {
                    // Up to 8 ns behind what this thread has read before.
                    now += random.below(4);
                    let (key, n) = (random.below(KEYS), 1 + random.below(20));
                    let read = now - random.below(8).min(now);
                    if keys.at(nanos(read)).try_take(&key, n).is_ok() {
                        grants.push((key, read, n));
                    }
                }
                grants
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|seed| scope.spawn(work(seed))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    for key in 0..KEYS {
        let mut of_key: Vec<_> = grants.iter().filter(|grant| grant.0 == key).map(|(_, at, n)| (*at, *n)).collect();
        assert!(!of_key.is_empty());
        audit(limit, &mut of_key).unwrap_or_else(|failure| panic!("key {key}: {failure}"));
    }
    assert!(keys.len() <= 8);
}

/// What a thread did to a key: at which reading, and what the clock said when it was done.
#[derive(Clone, Copy)]
struct Event {
    key: u64,
    read: u64,
    done: u64,
    granted: u64,
    given_back: u64,
}

/// The same where tokens come back, and readings are old by a few ns, and by as much as a thread
/// has stood still since. In a window, a key is granted no more than its capacity, what accrues in
/// it, and what came back before the last of those grants was done.
#[test]
fn the_bound_holds_for_each_key_while_tokens_come_back() {
    const THREADS: u64 = 4;
    const KEYS: u64 = 16;
    const CAPACITY: u64 = 20;
    let keys = by_number(Limit::per_second(1_000_000_000).capacity(CAPACITY), 8);
    let clock = AtomicU64::new(0);
    let events: Vec<Event> = thread::scope(|scope| {
        let work = |seed| {
            let (keys, clock) = (&keys, &clock);
            move || {
                let (mut random, mut events) = (Random(seed), Vec::new());
                for _ in 0..20_000 {
                    let read = |back: u64| clock.load(Ordering::SeqCst).saturating_sub(back);
                    let (key, n) = (random.below(KEYS), 1 + random.below(CAPACITY));
                    let at = read(random.below(8));
                    let granted = keys.at(nanos(at)).take_up_to(&key, n, 1);
                    events.push(Event { key, read: at, done: read(0), granted, given_back: 0 });
                    if granted > 0 && random.below(3) == 0 {
                        let (at, given_back) = (read(random.below(8)), 1 + random.below(granted));
                        keys.at(nanos(at)).put_back(&key, given_back);
                        events.push(Event { key, read: at, done: read(0), granted: 0, given_back });
                    }
                    if random.below(100) == 0 {
                        keys.at(nanos(read(random.below(8)))).shrink();
                    }
                    clock.fetch_add(random.below(4), Ordering::SeqCst);
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
        grants.sort_by_key(|grant| grant.read);
        assert!(grants.len() > 100 && back.len() > 30, "{} grants, {} came back", grants.len(), back.len());
        let whole = grants.len();
        for (length, step) in [(1, 1), (2, 1), (5, 2), (20, 10), (100, 50), (whole, whole)] {
            for window in grants.windows(length).step_by(step) {
                let (from, to) = (window[0].read, window[length - 1].read);
                let done = window.iter().map(|grant| grant.done).max().unwrap_or(to);
                let granted: u64 = window.iter().map(|grant| grant.granted).sum();
                let came_back: u64 = back
                    .iter()
                    .filter(|event| event.done >= from && event.read <= done)
                    .map(|event| event.given_back)
                    .sum();
                let most = CAPACITY + (to - from) + came_back;
                assert!(granted <= most, "key {key}, from {from} to {to}: {granted} granted of {most}");
            }
        }
    }
    // When all is full again, all go: no cell and no count is lost.
    keys.at(nanos(clock.into_inner() + 3 * CAPACITY)).shrink();
    assert!(keys.is_empty(), "{}", keys.len());
}

/// Keys that are put in and go at once, by all threads, in one group: none is lost, none is left,
/// and there is room for as many as there was.
#[test]
fn no_cell_is_lost_while_keys_come_and_go() {
    const THREADS: u64 = 4;
    let keys = by_number(Limit::per_second(1_000_000_000).capacity(2), 60);
    let clock = AtomicU64::new(0);
    thread::scope(|scope| {
        for seed in 0..THREADS {
            let (keys, clock) = (&keys, &clock);
            scope.spawn(move || {
                let mut random = Random(seed);
                for _ in 0..50_000 {
                    let now = keys.at(nanos(clock.fetch_add(1, Ordering::SeqCst)));
                    let _ = now.try_take(&random.below(10), 1);
                    now.shrink();
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
                    prop_assert_eq!(one.wait_for(&key, n).ok(), wait.map(Duration::from_nanos));
                    prop_assert_eq!(two.wait_for(&key, [n, n]).ok(), wait.map(Duration::from_nanos));
                }
            }
            for (key, model) in &models {
                let left = model.items(now, now, 1, 10).0;
                prop_assert_eq!((one.available(key), two.available(key)), (left, [left, left]));
            }
        }
    }
}
