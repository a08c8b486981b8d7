//! Keyed buckets: what threads do to one key, to the room for keys, and to the limits of all.
#![cfg(all(loom, feature = "keys"))]

use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use loom::sync::Arc;
use loom_tests::{explore, thread};
use tollgate::clock::{ManualClock, Time};
use tollgate::{KeyedBuckets, Limit, Rate};

/// A hash that is the key, so that every execution has the same shards: two of them.
#[derive(Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, key: &[u8]) {
        self.0 = u64::from_ne_bytes(key.try_into().expect("a key is a u64"));
    }
}

type Keyed<const N: usize> = KeyedBuckets<u64, N, ManualClock, BuildHasherDefault<Plain>>;

/// A token a nanosecond, up to `capacity`, and room for so many keys.
fn one(capacity: u64, max_keys: usize) -> Keyed<1> {
    let limit = Limit::new(Rate::per_second(1_000_000_000), capacity);
    Keyed::with_hasher(limit, max_keys, ManualClock::new(), BuildHasherDefault::default()).expect("a limit in range")
}

/// A key of the first shard and one of the second.
const HERE: u64 = 1;
const THERE: u64 = 2;

/// What `main` and a second thread do to the same buckets.
fn beside<const N: usize, A, B: 'static>(
    buckets: Keyed<N>,
    main: impl Fn(&Keyed<N>) -> A,
    other: impl Fn(&Keyed<N>) -> B + Send + 'static,
) -> (A, B, Arc<Keyed<N>>)
where
    [u64; N]: tollgate::keyed::Streams<N>,
{
    let buckets = Arc::new(buckets);
    let thread = thread::spawn({
        let buckets = Arc::clone(&buckets);
        move || other(&buckets)
    });
    let answer = main(&buckets);
    (answer, thread.join().expect("no panic"), buckets)
}

/// Two threads take from one key that is known. Both takes are counted.
///
/// Two threads, one take each; exhaustive. Fails if the compare-exchange in `Words::swap` becomes a
/// load and a store.
#[test]
fn two_takes_of_one_key_are_both_counted() {
    explore("keys::two_takes_of_one_key_are_both_counted", None, 2, [(true, true, 1)], || {
        let keys = one(10, 4);
        keys.try_take(&HERE, 3).expect("it is full");
        let take = |keys: &Keyed<1>| keys.try_take(&HERE, 3).is_ok();
        let (a, b, keys) = beside(keys, take, take);
        (a, b, keys.available(&HERE))
    });
}

/// The first use of a key by two threads makes one bucket: together they get its capacity.
///
/// Two threads, one take each; exhaustive. Fails if `add` does not look for the key again.
#[test]
fn the_first_use_by_two_threads_makes_one_bucket() {
    let outcomes = [(true, false, 1), (false, true, 1)];
    explore("keys::the_first_use_by_two_threads_makes_one_bucket", None, 2, outcomes, || {
        let take = |keys: &Keyed<1>| keys.try_take(&HERE, 2).is_ok();
        let (a, b, keys) = beside(one(3, 4), take, take);
        (a, b, keys.len())
    });
}

/// Two new keys in two shards, and room for one: it is given once.
///
/// Two threads, one take each; exhaustive. Fails if `Room::claim` becomes a load and a store.
#[test]
fn room_for_one_is_given_once() {
    explore("keys::room_for_one_is_given_once", None, 2, [(true, false), (false, true)], || {
        let (a, b, keys) =
            beside(one(3, 1), |keys| keys.try_take(&HERE, 2).is_ok(), |keys| keys.try_take(&THERE, 2).is_ok());
        assert_eq!(keys.len(), 1);
        (a, b)
    });
}

/// A key was used up at 0 and is full again at 3. One thread drops it and uses it up anew at 3, the
/// other has read the clock at 0 and takes: by the clock it reads again, it gets nothing twice.
///
/// Two threads; exhaustive. Fails if `Reading::again` is the first reading.
#[test]
fn a_reading_from_before_an_eviction_adds_no_full_bucket() {
    explore("keys::a_reading_from_before_an_eviction_adds_no_full_bucket", None, 2, [3], || {
        let keys = one(3, 4).with_keep(Duration::ZERO);
        keys.try_take(&HERE, 3).expect("it is full");
        let sweep = |keys: &Keyed<1>| {
            keys.clock().advance(Duration::from_nanos(3));
            keys.shrink();
            keys.take_up_to(&HERE, 3, 1)
        };
        // Whatever its first reading was, what is granted from 3 on is a capacity, as time stands
        // still. At 0 there is nothing.
        let (a, b, _) = beside(keys, |keys| keys.take_up_to(&HERE, 3, 1), sweep);
        a + b
    });
}

/// At the bound, one thread makes the only key go earlier. The other searches in vain beside it and
/// says until when that is hopeless. After both, a new key finds room.
///
/// Two threads, one call each and a take after them; exhaustive.
fn ends_a_hopeless_flood(name: &str, earlier: fn(&Keyed<1>)) {
    // Whether the take beside it finds room already; if not, whether the take after it does.
    explore(name, None, 2, [(false, true), (true, false)], move || {
        let keys = one(3, 1);
        keys.try_take(&HERE, 3).expect("it is full");
        let (_, early, keys) = beside(keys, earlier, |keys| keys.try_take(&THERE, 1).is_ok());
        (early, !early && keys.try_take(&THERE, 1).is_ok())
    });
}

/// Tokens come back to the only key.
///
/// Two threads, as `ends_a_hopeless_flood` says; exhaustive. Fails without either fence in `lower`
/// and `remember`, if `lower` does not clear `hopeless`, or if `remember` stores what it found.
#[test]
fn tokens_that_come_back_end_a_hopeless_flood() {
    ends_a_hopeless_flood("keys::tokens_that_come_back_end_a_hopeless_flood", |keys| keys.put_back(&HERE, 3));
}

/// An operator sets the level of the only key to full.
///
/// Two threads, as `ends_a_hopeless_flood` says; exhaustive. Fails if `set_words` lowers no bound.
#[test]
fn a_level_that_is_set_ends_a_hopeless_flood() {
    ends_a_hopeless_flood("keys::a_level_that_is_set_ends_a_hopeless_flood", |keys| {
        keys.reset(&HERE, 3).expect("it is there");
    });
}

/// The only key is removed.
///
/// Two threads, as `ends_a_hopeless_flood` says; exhaustive. Fails if a removal is not counted out.
#[test]
fn a_removal_ends_a_hopeless_flood() {
    ends_a_hopeless_flood("keys::a_removal_ends_a_hopeless_flood", |keys| assert!(keys.remove(&HERE)));
}

/// The only key is not retained.
///
/// Two threads, as `ends_a_hopeless_flood` says; exhaustive. Fails if a removal is not counted out.
#[test]
fn a_key_that_is_not_retained_ends_a_hopeless_flood() {
    ends_a_hopeless_flood("keys::a_key_that_is_not_retained_ends_a_hopeless_flood", |keys| {
        keys.retain(|key, _| *key != HERE);
    });
}

/// The bound on preemptions for a call that goes through all shards beside another.
///
/// Such a call takes many locks, at each of which the other thread may wait. Without a bound the
/// models did not end within minutes.
const MANY_LOCKS: usize = 2;

/// Limits change, so that the empty key is full after 1 ns instead of 30. A flood that was hopeless
/// until 30 is not after it.
///
/// Two threads, one call each and a take after them; two preemptions. Fails if a change of limits
/// does not lower the bound, or if it does not clear `hopeless`.
#[test]
fn a_change_that_refills_sooner_ends_a_hopeless_flood() {
    explore("keys::a_change_that_refills_sooner_ends_a_hopeless_flood", Some(MANY_LOCKS), 2, [true], || {
        let limit = |capacity| Limit::new(Rate::per_second(1_000_000_000), capacity);
        let keys = one(30, 1);
        keys.try_take(&HERE, 30).expect("it is full");
        let (_, _, keys) = beside(
            keys,
            move |keys| keys.set_limits(limit(1)).expect("a limit in range"),
            |keys| keys.try_take(&THERE, 1).is_ok(),
        );
        keys.at(Time::from_nanos(1)).try_take(&THERE, 1).is_ok()
    });
}

/// Two keys in two shards are removed at once. Both are counted out.
///
/// Two threads, one removal each; exhaustive. Fails if `Room::release` becomes a load and a store.
#[test]
fn two_removals_are_both_counted() {
    explore("keys::two_removals_are_both_counted", None, 2, [0], || {
        let keys = one(3, 2);
        keys.try_take(&HERE, 2).expect("it is full");
        keys.try_take(&THERE, 2).expect("it is full");
        let (_, _, keys) = beside(keys, |keys| assert!(keys.remove(&HERE)), |keys| assert!(keys.remove(&THERE)));
        keys.len()
    });
}

/// One key may be blocked, and two threads block one each, in two shards.
///
/// Two threads, one call each; exhaustive. Fails if the count in `claim_apart` becomes a load and a
/// store.
#[test]
fn a_key_is_held_apart_once_where_one_may_be() {
    explore("keys::a_key_is_held_apart_once_where_one_may_be", None, 2, [(true, false), (false, true)], || {
        let keys = one(3, 2).with_max_held(1);
        let (a, b, _) = beside(keys, |keys| keys.block(&HERE).is_ok(), |keys| keys.block(&THERE).is_ok());
        (a, b)
    });
}

/// Two keys may be held apart. One is blocked, and one is paused until 10. One thread ends that
/// pause and begins another until 1. The other looks for a pause that is over, to block a third
/// key. If it finds none, the pause is over at 1 all the same.
///
/// Two threads, two calls and one, and a block after them; two preemptions. Fails if `may_end`
/// clears nothing, or if `claim_apart` stores what it found.
#[test]
fn a_pause_beside_a_scan_is_not_forgotten() {
    const NEXT: u64 = 3;
    let outcomes = [(true, false, true), (false, true, false)];
    explore("keys::a_pause_beside_a_scan_is_not_forgotten", Some(MANY_LOCKS), 2, outcomes, || {
        let keys = one(3, 2).with_max_held(2);
        keys.block(&HERE).expect("there is room");
        keys.pause_for(&NEXT, Duration::from_nanos(10)).expect("there is room");
        let shorten = |keys: &Keyed<1>| {
            keys.resume(&NEXT);
            keys.pause_for(&NEXT, Duration::from_nanos(1)).is_ok()
        };
        let (paused, blocked, keys) = beside(keys, shorten, |keys| keys.block(&THERE).is_ok());
        keys.clock().advance(Duration::from_nanos(1));
        (paused, blocked, keys.block(&9).is_ok())
    });
}

/// Two blocks in two shards end at once. After that two keys can be blocked again.
///
/// Two threads, one call each; exhaustive. Fails if the count in `put_among` becomes a load and a
/// store.
#[test]
fn two_keys_that_are_let_go_are_both_counted() {
    explore("keys::two_keys_that_are_let_go_are_both_counted", None, 2, [(true, true)], || {
        let keys = one(3, 2).with_max_held(2);
        keys.block(&HERE).expect("there is room");
        keys.block(&THERE).expect("there is room");
        let (_, _, keys) = beside(keys, |keys| keys.resume(&HERE), |keys| keys.resume(&THERE));
        (keys.block(&HERE).is_ok(), keys.block(&THERE).is_ok())
    });
}

/// Two threads give back to two keys of one shard, and the lower bound of both stays: each of the
/// two makes room.
///
/// Two threads; exhaustive. Fails if `fetch_min` in `lower` becomes a load and a store.
#[test]
fn the_lower_of_two_bounds_stays() {
    const NEXT: u64 = 3;
    explore("keys::the_lower_of_two_bounds_stays", None, 2, [(1, true)], || {
        let keys = one(9, 2);
        keys.try_take(&HERE, 9).expect("it is full");
        keys.try_take(&NEXT, 9).expect("it is full");
        let (_, _, keys) = beside(keys, |keys| keys.put_back(&HERE, 8), |keys| keys.put_back(&NEXT, 2));
        let at = |nanos| keys.at(Time::from_nanos(nanos));
        // Full again at 1, and at 7.
        (u8::from(at(1).try_take(&THERE, 1).is_ok()), at(1).available(&HERE) == 9)
    });
}

/// A put-back beside a sweep of its shard. Its key goes, or the bound says when it may.
///
/// Two threads; exhaustive. Fails if a put-back lowers the bound after it has let go of the shard.
#[test]
fn a_put_back_beside_a_sweep_lowers_the_bound() {
    explore("keys::a_put_back_beside_a_sweep_lowers_the_bound", None, 2, [true], || {
        let keys = one(3, 1);
        keys.try_take(&HERE, 3).expect("it is full");
        let (_, _, keys) = beside(keys, |keys| keys.put_back(&HERE, 3), |keys| keys.shrink());
        keys.try_take(&THERE, 1).is_ok()
    });
}

/// A take beside a change of limits is decided on the old or on the new ones, whole, and counted in
/// what the key then has.
///
/// Two threads; exhaustive. Fails if a change translates the words after it let go of the shard.
#[test]
fn a_take_beside_a_change_is_decided_on_one_of_the_limits() {
    let outcomes = [(true, 7), (false, 3)];
    explore("keys::a_take_beside_a_change_is_decided_on_one_of_the_limits", None, 2, outcomes, || {
        let keys = one(20, 4);
        keys.try_take(&HERE, 1).expect("it is full");
        let change = |keys: &Keyed<1>| {
            keys.set_limits(Limit::new(Rate::per_second(500_000_000), 7)).expect("a limit in range");
        };
        let (taken, (), keys) = beside(keys, |keys| keys.try_take(&HERE, 12).is_ok(), change);
        let left = keys.available(&HERE);
        // Refused, it has seven; three of them are taken here, so that the two differ.
        (taken, if taken { left } else { left - 4 })
    });
}

/// A charge beside a change to limits that cannot hold the debt. One of them is refused, and the
/// debt is whole.
///
/// Two threads; exhaustive. Fails if a change does not bound debts before it looks for them.
#[test]
fn a_debt_beside_a_change_is_refused_or_kept() {
    const DEBT: u64 = 1_000_000;
    explore("keys::a_debt_beside_a_change_is_refused_or_kept", None, 2, [(true, false), (false, true)], || {
        let keys = one(1, 4);
        keys.try_take(&HERE, 1).expect("it is full");
        let change = |keys: &Keyed<1>| keys.set_limits(Limit::new(Rate::per_day(1), 1)).is_ok();
        let (charged, changed, keys) = beside(keys, |keys| keys.charge(&HERE, DEBT).is_ok(), change);
        if charged {
            assert_eq!(keys.wait_for(&HERE, 1), Ok(Some(Duration::from_nanos(DEBT + 1))));
        }
        (charged, changed)
    });
}

/// Two streams of a key, taken by two threads: all or nothing.
///
/// Two threads, one take each; exhaustive.
#[test]
fn two_streams_are_taken_together_or_not() {
    explore(
        "keys::two_streams_are_taken_together_or_not",
        None,
        2,
        [(true, false, [4, 1]), (false, true, [1, 4])],
        || {
            let limit = Limit::new(Rate::per_second(1_000_000_000), 10);
            let clock = ManualClock::new();
            let keys = Keyed::<2>::with_hasher([limit; 2], 4, clock, BuildHasherDefault::default()).expect("limits");
            let (a, b, keys) =
                beside(keys, |keys| keys.try_take(&HERE, [6, 9]).is_ok(), |keys| keys.try_take(&HERE, [9, 6]).is_ok());
            (a, b, keys.available(&HERE))
        },
    );
}
