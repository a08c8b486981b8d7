//! Keyed buckets and what their callers bring: closures and hashes that panic or call back, and
//! operators that hold many keys.
#![cfg(feature = "keys")]

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::Duration;

use tollgate::KeyedBuckets;
use tollgate::Limit;
use tollgate::clock::ManualClock;
use tollgate::keyed::{HoldError, Saved};

const SECOND: Duration = Duration::from_secs(1);

thread_local! {
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

/// What `call` did while hashes and comparisons panic.
fn while_it_panics(call: impl FnOnce()) -> bool {
    PANICS.set(true);
    let panicked = catch_unwind(AssertUnwindSafe(call)).is_err();
    PANICS.set(false);
    panicked
}

/// A key whose hash or comparison panics on demand. All keys have one of `HASHES` hashes.
#[derive(Clone, Debug)]
struct Touchy<const HASHES: u64>(u64);

impl<const HASHES: u64> Hash for Touchy<HASHES> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        assert!(!PANICS.get() || HASHES < u64::MAX, "a hash that panics");
        (self.0 % HASHES).hash(state);
    }
}

impl<const HASHES: u64> PartialEq for Touchy<HASHES> {
    fn eq(&self, other: &Self) -> bool {
        assert!(!PANICS.get(), "a comparison that panics");
        self.0 == other.0
    }
}

impl<const HASHES: u64> Eq for Touchy<HASHES> {}

fn make<K: Hash>(max_keys: usize) -> KeyedBuckets<K, 1, ManualClock> {
    KeyedBuckets::with_clock(Limit::per_second(10), max_keys, ManualClock::new()).unwrap()
}

#[test]
fn a_hash_that_panics_poisons_nothing_and_loses_no_count() {
    let keys = make::<Touchy<{ u64::MAX }>>(5000);
    for key in 0..3000 {
        if key % 7 == 0 {
            assert!(while_it_panics(|| keys.charge(&Touchy(key), 1).unwrap()));
        }
        keys.try_take(&Touchy(key), 1).unwrap();
    }
    assert_eq!((keys.len(), keys.iter().count()), (3000, 3000));
    keys.clock().advance(SECOND);
    keys.shrink();
    assert_eq!((keys.len(), keys.iter().count()), (0, 0));
}

#[test]
fn a_comparison_that_panics_poisons_nothing_and_loses_no_key() {
    let keys = make::<Touchy<8>>(5000);
    (0..100).for_each(|key| keys.try_take(&Touchy(key), 1).map(drop).unwrap());
    assert!((0..100).all(|key| while_it_panics(|| keys.charge(&Touchy(key), 1).unwrap())));
    assert_eq!(keys.len(), 100);
    assert!((0..100).all(|key| keys.available(&Touchy(key)) == 9));
}

#[test]
fn a_closure_may_call_the_same_buckets_and_may_panic() {
    let keys = make::<u64>(1000);
    (0..50).for_each(|key| keys.try_take(&key, 3).map(drop).unwrap());
    keys.retain(|key, _| {
        if *key < 50 {
            keys.try_take(&(key + 1000), 1).unwrap();
            keys.remove(&(key + 100));
        }
        keys.set_limits(Limit::per_second(10)).unwrap();
        true
    });
    assert_eq!(keys.len(), 100);
    assert!(catch_unwind(AssertUnwindSafe(|| keys.retain(|_, _| panic!("a closure that panics")))).is_err());
    keys.try_take(&1, 7).unwrap();
    keys.clock().advance(SECOND);
    keys.shrink();
    assert!(keys.is_empty());
}

/// A key that takes from its own buckets as it is dropped, unless it is one that such a call made.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Nosy(u64);

static NOSY: OnceLock<KeyedBuckets<Nosy, 1, ManualClock>> = OnceLock::new();

thread_local! {
    static DROPS: Cell<bool> = const { Cell::new(false) };
}

impl Drop for Nosy {
    fn drop(&mut self) {
        if !DROPS.replace(true) {
            if let Some(keys) = NOSY.get() {
                let _ = keys.charge(&Self(self.0), 1);
            }
            DROPS.set(false);
        }
    }
}

/// Under the lock of their shard, they would wait for themselves.
#[test]
fn keys_are_dropped_outside_all_locks() {
    let keys = NOSY.get_or_init(|| make(500));
    DROPS.set(true);
    (0..500).for_each(|key| keys.charge(&Nosy(key), 1).unwrap());
    DROPS.set(false);
    keys.clock().advance(SECOND);
    keys.shrink();
    assert_eq!(keys.len(), 500, "each took again as it was dropped");
    keys.clock().advance(SECOND);
    // At the bound, as a new key comes.
    keys.charge(&Nosy(1000), 1).unwrap();
    keys.retain(|key, _| key.0 % 2 == 0);
    assert!(keys.remove(&Nosy(1000)));
    assert_eq!(keys.len(), keys.iter().count());
}

#[test]
fn a_million_blocks_lock_nobody_else_out() {
    let keys = make::<u64>(1000);
    let blocked = (0..1_000_000).filter(|key| keys.block(key).is_ok()).count();
    assert_eq!((blocked, keys.len()), (1000, 0));
    assert!(matches!(keys.block(&2_000_000), Err(HoldError::TooMany { most: 1000 })));
    assert!((1_000_000..1_001_000).all(|key| keys.try_take(&key, 1).is_ok()));
    assert!((0..1000).all(|key| keys.try_take(&key, 1).is_err()));
}

/// Wherever their keys lie: a call looks at every shard before it is refused.
#[test]
fn pauses_that_are_over_make_room_for_as_many() {
    let keys = make::<u64>(1000);
    for round in 0..3 {
        for key in 0..1000 {
            assert!(keys.pause_for(&(round * 1000 + key), SECOND).is_ok(), "round {round}, key {key}");
        }
        assert!(keys.pause_for(&u64::MAX, SECOND).is_err());
        keys.clock().advance(SECOND);
    }
}

#[test]
fn pauses_that_are_over_are_gone_after_a_shrink() {
    let keys = make::<u64>(1000);
    for key in 0..100 {
        keys.pause_for(&key, SECOND).unwrap();
        keys.charge(&key, if key < 50 { 1 } else { 100 }).unwrap();
    }
    keys.block(&1000).unwrap();
    keys.clock().advance(2 * SECOND);
    keys.shrink();
    // Half of them are full, half are among the others now, and one is blocked.
    assert_eq!((keys.len(), keys.iter().count()), (50, 51));
    assert!(keys.try_take(&1000, 1).is_err());
}

#[test]
fn what_was_saved_is_restored_under_any_limit_that_can_hold_it() {
    let make = |rate| {
        let limit = Limit::per_second(rate).capacity(10);
        KeyedBuckets::<u64, 1, _>::with_clock(limit, 1000, ManualClock::new()).unwrap()
    };
    for (before, after) in [(10, 10), (333, 7), (7, 1_000_000)] {
        let (old, new) = (make(before), make(after));
        (0..50).for_each(|key| old.charge(&key, key).unwrap());
        for (key, snapshot) in old.iter() {
            new.restore(&key, &Saved::of(&snapshot), Duration::ZERO).unwrap();
        }
        for key in 0..50 {
            assert_eq!(new.available(&key), old.available(&key), "key {key}");
            // A debt of `key - 10` is whole: one token less, and it would be shorter by its time.
            let owed = u128::from((key + 1).saturating_sub(10)) * 1_000_000_000;
            let wait = new.wait_for(&key, 1).unwrap().unwrap().as_nanos();
            assert_eq!(wait, owed.div_ceil(after.into()), "key {key} at {after}/s");
        }
    }
}

#[test]
fn a_tier_of_rate_0_that_begins_empty_grants_nothing_whatever_comes_back() {
    let nothing = Limit::per_second(0).capacity(10).empty();
    let keys = make::<u64>(100).with_tiers([nothing], |key: &u64| usize::from(*key > 100)).unwrap();
    for day in 0..100 {
        keys.clock().advance(86_400 * SECOND);
        assert!(keys.try_take(&101, 1).is_err(), "day {day}");
        keys.put_back(&102, 5);
        keys.remove(&101);
        keys.shrink();
        assert_eq!((keys.available(&101), keys.available(&102)), (0, 0), "day {day}");
    }
}

/// A pause sets no key above those that nobody paused, whatever comes back in it or is set.
#[test]
fn a_paused_key_never_has_more_than_a_key_never_seen() {
    let nothing = Limit::per_second(0).capacity(10).empty();
    let gives: [fn(&KeyedBuckets<u64, 1, ManualClock>); 4] = [
        |keys| keys.put_back(&1, 5),
        |keys| keys.reset(&1, 5).unwrap(),
        |keys| assert!(keys.remove(&1)),
        |keys| keys.set_limits(Limit::per_second(0).capacity(10)).unwrap(),
    ];
    let owns = |keys: &KeyedBuckets<u64, 1, ManualClock>| {
        keys.set_key_limits(&1, nothing).unwrap();
        keys.clear_key_limits(&1).unwrap();
    };
    for (call, gives) in gives.iter().enumerate() {
        for own in [false, true] {
            let keys = KeyedBuckets::<u64, 1, _>::with_clock(nothing, 10, ManualClock::new()).unwrap();
            keys.block(&1).unwrap();
            if own {
                owns(&keys);
            }
            gives(&keys);
            keys.put_back(&1, 5);
            keys.resume(&1);
            assert_eq!((keys.available(&1), keys.available(&2)), (0, 0), "call {call}, {own}");
        }
    }
}

/// It stays apart, as there is no room among the others, and has no more than they.
#[test]
fn a_key_whose_pause_is_over_at_the_bound_never_has_more_than_a_key_never_seen() {
    let limit = Limit::per_day(1).capacity(10);
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(limit, 1, ManualClock::new()).unwrap();
    keys.set_limits(limit.capacity(1000)).unwrap();
    keys.try_take(&1, 5).unwrap();
    keys.pause_for(&2, SECOND).unwrap();
    keys.charge(&2, 5).unwrap();
    keys.clock().advance(SECOND);
    keys.put_back(&2, 100);
    assert_eq!((keys.available(&2), keys.available(&3), keys.len()), (10, 10, 1));
    keys.reset(&2, 100).unwrap();
    assert_eq!(keys.available(&2), 10);
}

#[test]
fn what_was_saved_is_restored_where_the_rate_went_to_0() {
    for rate in ["1/d capacity 1", "5/min capacity 1", "1000/s capacity 1", "333/s capacity 1"] {
        let keys: KeyedBuckets<u64, 1, ManualClock> =
            KeyedBuckets::with_clock(rate.parse::<Limit>().unwrap(), 10, ManualClock::new()).unwrap();
        keys.try_take(&1, 1).unwrap();
        keys.set_limits("0/s capacity 1".parse::<Limit>().unwrap()).unwrap();
        let saved = Saved::of(&keys.snapshot(&1));
        keys.restore(&1, &saved, Duration::ZERO).unwrap();
        assert_eq!(Saved::of(&keys.snapshot(&1)), saved, "{rate}");
    }
}
