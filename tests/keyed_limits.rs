//! The limits of keys: one for each tier, and changed while the buckets run; for each key it is as
//! if its bucket alone had been changed.
#![cfg(feature = "keys")]

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::{config, nanos};
use proptest::collection::vec;
use proptest::prelude::*;
use tollgate::clock::{ManualClock, Time};
use tollgate::keyed::KeyRefused;
use tollgate::limit::LimitRule;
use tollgate::{KeyedBuckets, Limit, Rate, Refused};

const SECOND: u64 = 1_000_000_000;

fn by_number(limit: Limit, max_keys: usize) -> KeyedBuckets<u64, 1, ManualClock> {
    KeyedBuckets::with_clock(limit, max_keys, ManualClock::new()).unwrap()
}

fn seconds(seconds: u64) -> Time {
    nanos(seconds * SECOND)
}

/// A key never seen has what the limit says, and what accrued since the buckets were made.
#[test]
fn keys_begin_with_the_level_that_the_limit_says() {
    let limit = Limit::per_second(10).starting_with(3);
    let keys =
        by_number(limit, 100).with_tiers([limit.starting_with(7)], |key: &u64| usize::from(*key >= 1000)).unwrap();
    assert_eq!([1, 1000].map(|key| keys.available(&key)), [3, 7]);
    assert!(keys.try_take(&1, 3).is_ok() && keys.try_take(&1, 1).is_err());
    keys.clock().advance(Duration::from_millis(500));
    assert_eq!([1, 2, 1000].map(|key| keys.available(&key)), [5, 8, 10]);
    let error = keys.set_limits(limit.starting_with(11)).unwrap_err();
    assert_eq!(error.rule, LimitRule::StartsAboveCapacity);
    assert_eq!(keys.limits(), limit);
}

#[test]
fn an_idle_key_and_a_new_one_keep_what_they_had_and_earn_on() {
    let keys = by_number(Limit::per_second(10), 100);
    keys.try_take(&1, 10).unwrap();
    keys.clock().advance(Duration::from_secs(5));
    keys.set_limits(Limit::per_second(1000)).unwrap();
    assert_eq!((keys.available(&1), keys.available(&2)), (10, 10));
    keys.try_take(&2, 10).unwrap();
    assert!(matches!(keys.try_take(&2, 1), Err(KeyRefused::Bucket(Refused::NotYet(_)))));
    keys.clock().advance(Duration::from_millis(300));
    assert_eq!((keys.available(&1), keys.available(&2), keys.available(&3)), (310, 300, 310));
    assert_eq!(keys.wait_for(&3, 1000), Ok(Some(Duration::from_millis(690))));
    keys.clock().advance(Duration::from_secs(5));
    assert_eq!((keys.available(&1), keys.available(&2), keys.available(&3)), (1000, 1000, 1000));
}

#[test]
fn a_lowered_limit_holds_at_once_for_every_key() {
    let keys = by_number(Limit::per_second(1000), 100);
    keys.try_take(&1, 300).unwrap();
    keys.set_limits(Limit::per_second(10)).unwrap();
    assert_eq!((keys.available(&1), keys.available(&2)), (10, 10));
    assert!(matches!(keys.try_take(&1, 11), Err(KeyRefused::Bucket(Refused::Never(_)))));
    keys.try_take(&1, 10).unwrap();
    keys.set_limits(Limit::per_second(1000)).unwrap();
    // What was cut off does not come back.
    assert_eq!((keys.available(&1), keys.available(&2)), (0, 10));
}

#[test]
fn a_debt_outlives_a_change_and_an_eviction_forgets_nothing() {
    let keys = by_number(Limit::per_second(10), 2);
    keys.charge(&1, 30).unwrap();
    keys.set_limits(Limit::per_second(100)).unwrap();
    assert_eq!(keys.wait_for(&1, 1), Ok(Some(Duration::from_millis(210))));
    keys.try_take(&2, 1).unwrap();
    keys.shrink();
    assert_eq!(keys.len(), 2);
    // The one that took a token is full again, as full as a key that nobody used; the other is not.
    keys.clock().advance(Duration::from_millis(900));
    assert_eq!((keys.available(&1), keys.available(&2), keys.available(&3)), (70, 99, 100));
    keys.clock().advance(Duration::from_millis(10));
    keys.shrink();
    assert_eq!((keys.len(), keys.available(&1)), (1, 71));
}

#[test]
fn a_stale_now_counts_as_the_instant_of_the_change() {
    let keys = by_number(Limit::per_second(1_000_000).capacity(10), 100);
    keys.at(seconds(10)).try_take(&1, 10).unwrap();
    keys.at(seconds(20)).set_limits(Limit::per_second(1_000_000).capacity(1000)).unwrap();
    for now in [0, 10, 20] {
        assert_eq!((keys.at(seconds(now)).available(&1), keys.at(seconds(now)).available(&2)), (10, 10));
    }
    // So does the `now` of a change.
    keys.at(seconds(5)).set_limits(Limit::per_second(1_000_000).capacity(7)).unwrap();
    assert_eq!((keys.at(seconds(5)).available(&1), keys.at(seconds(5)).available(&2)), (7, 7));
}

#[test]
fn a_limit_out_of_range_is_refused_and_changes_nothing() {
    let keys = by_number(Limit::per_second(1000), 100);
    keys.try_take(&1, 700).unwrap();
    for (limit, rule) in [
        (Limit::per_second(5).capacity(0), LimitRule::ZeroCapacity),
        (Limit::per_second(u64::MAX), LimitRule::RateTooFast),
    ] {
        let error = keys.set_limits(limit).unwrap_err();
        assert_eq!((error.rule, error.limit, keys.check_limits(limit)), (rule, limit, Err(error)));
        assert!(error.to_string().starts_with(&format!("stream 0, limit {limit}: ")), "{error}");
        assert_eq!((keys.limits(), keys.available(&1)), (Limit::per_second(1000), 300));
    }
}

/// From any limit that a bucket can hold to any other, with a key that has some, one that owes, and
/// one never seen.
#[test]
fn any_limit_follows_any_other() {
    let limits = [
        Limit::per_second(1),
        Limit::per_second(1000),
        Limit::per_second(333).capacity(1_000_000),
        Limit::per_second(0).capacity(7),
        Limit::per_day(1).capacity(3),
        Limit::per_second(1 << 30).capacity(1 << 33),
        Limit::per_second(1_000_000_000_000).capacity(1000),
    ];
    for first in limits {
        for later in limits {
            let keys = by_number(first, 100);
            keys.try_take(&1, 1).unwrap();
            keys.charge(&2, first.capacity + 5).unwrap();
            keys.set_limits(later).unwrap_or_else(|error| panic!("{first} to {later}: {error}"));
            assert_eq!(keys.limits(), later);
            let most = (first.capacity - 1).min(later.capacity);
            let left = [1, 2, 3].map(|key| keys.available(&key));
            assert_eq!(left, [most, 0, first.capacity.min(later.capacity)], "{first} to {later}");
            // What is owed is owed; a unit more at most.
            (0..5).for_each(|_| keys.put_back(&2, 1));
            assert!(keys.try_take(&2, 1).is_err(), "{first} to {later}");
            (0..2).for_each(|_| keys.put_back(&2, 1));
            assert!(keys.try_take(&2, 1).is_ok(), "{first} to {later}");
        }
    }
}

#[test]
fn a_check_of_a_tier_answers_as_its_change_and_changes_nothing() {
    let tiers = |key: &u64| usize::from(*key >= 1000);
    let keys = by_number(Limit::per_second(1_000_000), 100).with_tiers([Limit::per_second(1_000_000)], tiers).unwrap();
    keys.charge(&1000, 2_000_000).unwrap();
    for (tier, limit, fits) in [
        (0, Limit::per_day(1), true),
        (1, Limit::per_day(1), false),
        (1, Limit::per_second(5), true),
        (0, Limit::per_second(5).capacity(0), false),
    ] {
        let (checked, before) = (keys.check_tier_limits(tier, limit), keys.tier_limits(tier));
        assert_eq!(before, Limit::per_second(1_000_000), "tier {tier}, {limit}");
        assert_eq!(checked.is_ok(), fits, "tier {tier}, {limit}");
        assert_eq!(checked, keys.set_tier_limits(tier, limit), "tier {tier}, {limit}");
        keys.set_tier_limits(tier, before).unwrap();
    }
}

#[test]
#[should_panic = "tier 1"]
fn a_check_of_a_tier_that_is_not_there_panics() {
    let _ = by_number(Limit::per_second(10), 100).check_tier_limits(1, Limit::per_second(5));
}

/// C1 of the single buckets: a debt that a slow limit cannot hold would be forgiven by the way
/// back.
#[test]
fn a_change_that_cannot_hold_a_debt_is_refused() {
    let keys = by_number(Limit::per_second(1_000_000), 100);
    keys.charge(&1, 2_000_000).unwrap();
    let refused = keys.set_limits(Limit::per_day(1)).unwrap_err();
    assert!(matches!(refused.rule, LimitRule::DebtTooLarge { most, .. } if most < 1_000_000), "{refused}");
    assert_eq!(keys.check_limits(Limit::per_day(1)), Err(refused));
    assert_eq!(
        (keys.limits(), keys.wait_for(&1, 1)),
        (Limit::per_second(1_000_000), Ok(Some(Duration::from_nanos(1_000_001_000))))
    );
    // Paid off, it is in nobody's way.
    keys.clock().advance(Duration::from_secs(1));
    keys.set_limits(Limit::per_day(1)).unwrap();
    keys.set_limits(Limit::per_second(1_000_000)).unwrap();
    // And debts may be as large again.
    keys.charge(&1, 2_000_000).unwrap();
}

#[test]
fn changes_gain_nothing_and_lose_at_most_a_unit_each() {
    let keys = by_number(Limit::per_second(1000).capacity(1_000_000), 10);
    keys.try_take(&1, 1_000_000).unwrap();
    let limits = [Limit::per_second(333).capacity(1_000_000), Limit::per_second(1000).capacity(1_000_000)];
    let mut exact = 0;
    for i in 0..20_000 {
        keys.at(nanos(i * 1_000_000)).set_limits(limits[i as usize % 2]).unwrap();
        exact += [333, 1000][i as usize % 2] * 1_000_000;
    }
    let tokens = exact / SECOND;
    let available = keys.at(nanos(20_000_000_000)).available(&1);
    assert!(available <= tokens && tokens - available <= 1, "{available} of {tokens}");
}

#[test]
fn a_key_has_the_limits_of_its_tier() {
    let keys = KeyedBuckets::<String, 2, _>::with_clock([Limit::per_second(10); 2], 3, ManualClock::new())
        .unwrap()
        .with_tiers([[Limit::per_second(100), Limit::per_second(50)]], |key: &str| usize::from(key.starts_with("paid")))
        .unwrap()
        .with_shared_overflow();
    assert_eq!((keys.available("alice"), keys.available("paid bob")), ([10, 10], [100, 50]));
    keys.try_take("alice", [10, 1]).unwrap();
    keys.try_take("paid bob", [10, 50]).unwrap();
    assert_eq!((keys.available("alice"), keys.available("paid bob")), ([0, 9], [90, 0]));
    keys.try_take("carol", [1, 1]).unwrap();
    // Each tier has an overflow of its own.
    keys.try_take("dave", [4, 4]).unwrap();
    keys.try_take("paid erin", [40, 40]).unwrap();
    assert_eq!((keys.available("frank"), keys.available("paid grace")), ([6, 6], [60, 10]));
    keys.set_tier_limits(0, [Limit::per_second(5); 2]).unwrap();
    assert_eq!(
        (keys.available("carol"), keys.available("frank"), keys.available("paid bob")),
        ([5, 5], [5, 5], [90, 0])
    );
    assert_eq!(keys.tier_limits(1), [Limit::per_second(100), Limit::per_second(50)]);
    keys.clock().advance(Duration::from_millis(1_200));
    keys.shrink();
    assert!(keys.is_empty());
}

#[test]
fn a_key_that_changes_its_tier_takes_along_what_it_has_and_owes() {
    let tier = AtomicU64::new(0);
    let keys = by_number(Limit::per_second(10), 10)
        .with_tiers([Limit::per_second(100), Limit::per_second(0).capacity(5).empty()], |_: &u64| {
            tier.load(Ordering::Relaxed) as usize
        })
        .unwrap();
    keys.try_take(&1, 4).unwrap();
    keys.charge(&2, 30).unwrap();
    tier.store(1, Ordering::Relaxed);
    assert_eq!((keys.available(&1), keys.available(&3), keys.len()), (6, 100, 2));
    assert_eq!(keys.wait_for(&2, 1), Ok(Some(Duration::from_millis(210))));
    keys.clock().advance(Duration::from_millis(300));
    assert_eq!((keys.available(&1), keys.available(&2)), (36, 10));
    // A tier of rate 0 that begins empty grants nothing, but for what a key brings.
    tier.store(2, Ordering::Relaxed);
    assert_eq!((keys.available(&1), keys.available(&3), keys.try_take(&3, 1).is_ok()), (5, 0, false));
    keys.clock().advance(Duration::from_secs(1_000_000));
    assert_eq!(keys.available(&3), 0);
    tier.store(0, Ordering::Relaxed);
    assert_eq!(keys.available(&1), 5);
}

/// It stays in its old tier for as long, so that nothing is forgiven.
#[test]
fn a_key_that_owes_more_than_its_new_tier_can_hold_stays_until_it_has_paid() {
    let tier = AtomicU64::new(0);
    let keys = by_number(Limit::per_second(1_000_000), 10)
        .with_tiers([Limit::per_day(1)], |_: &u64| tier.load(Ordering::Relaxed) as usize)
        .unwrap();
    keys.charge(&1, 2_000_000).unwrap();
    tier.store(1, Ordering::Relaxed);
    assert_eq!(keys.wait_for(&1, 1), Ok(Some(Duration::from_nanos(1_000_001_000))));
    keys.clock().advance(Duration::from_secs(2));
    assert_eq!(keys.available(&1), 1);
}

#[test]
fn a_tier_can_be_added_while_keys_are_in_use() {
    let keys = by_number(Limit::per_second(10), 10).with_tiers([], |key: &u64| (*key / 100) as usize).unwrap();
    keys.try_take(&1, 4).unwrap();
    keys.clock().advance(Duration::from_secs(3));
    assert_eq!((keys.add_tier(Limit::per_second(7)), keys.tiers()), (Ok(1), 2));
    assert_eq!((keys.available(&1), keys.available(&101)), (10, 7));
    keys.try_take(&101, 7).unwrap();
    keys.set_tier_limits(1, Limit::per_second(70)).unwrap();
    keys.clock().advance(Duration::from_millis(100));
    assert_eq!((keys.available(&101), keys.available(&102)), (7, 14));
}

#[test]
#[should_panic(expected = "tier 2: there are 2, counted from 0")]
fn a_tier_that_is_not_there_is_named() {
    let keys = by_number(Limit::per_second(10), 10).with_tiers([Limit::per_second(5)], |_: &u64| 2).unwrap();
    let _ = keys.try_take(&1, 1);
}

#[test]
fn every_one_of_256_tiers_is_told_from_the_others() {
    let keys = by_number(Limit::per_second(1), 1000)
        .with_tiers((1..256).map(|tier| Limit::per_second(1 + tier)), |key: &u64| (*key % 256) as usize)
        .unwrap();
    for key in 0..512 {
        keys.try_take(&key, 1).unwrap();
    }
    assert!((0..512).all(|key| keys.available(&key) == key % 256));
    keys.clock().advance(Duration::from_millis(50));
    keys.shrink();
    // A token came back where a second brings twenty or more.
    assert_eq!(keys.len(), 2 * 19);
}

#[test]
fn what_is_not_wanted_is_forgotten_and_what_is_stays() {
    let keys = by_number(Limit::per_second(10), 100);
    for key in 0..10 {
        keys.charge(&key, 5 + key).unwrap();
    }
    let mut seen = Vec::new();
    keys.retain(|key, available| {
        seen.push((*key, available));
        available % 2 == 1
    });
    seen.sort_unstable();
    assert_eq!(seen, (0..10).map(|key| (key, 5_u64.saturating_sub(key))).collect::<Vec<_>>());
    let kept = |key: u64| key < 5 && key % 2 == 0;
    assert!((0..10).all(|key| keys.available(&key) == if kept(key) { 5 - key } else { 10 }));
    assert_eq!(keys.len(), 3);
}

/// Where the limits were raised, a key never seen has less than the capacity.
#[test]
fn a_paused_key_that_is_removed_has_what_a_key_never_seen_has() {
    let keys = by_number(Limit::per_second(10).capacity(1), 100);
    keys.set_limits(Limit::per_second(10).capacity(8)).unwrap();
    for ended in [false, true] {
        keys.pause_for(&1, Duration::from_millis(10)).unwrap();
        if ended {
            keys.clock().advance(Duration::from_millis(10));
        }
        assert!(keys.remove(&1));
        keys.resume(&1);
        assert_eq!(keys.available(&1), keys.available(&2), "ended: {ended}");
    }
}

/// A pause that began under limits of its own is over in time, and then takes no place.
#[test]
fn a_pause_of_a_key_that_had_its_own_limits_takes_no_place_when_it_is_over() {
    let keys = by_number(Limit::per_second(10), 100).with_max_held(2);
    keys.set_key_limits(&1, Limit::per_second(1)).unwrap();
    keys.set_key_limits(&2, Limit::per_second(1)).unwrap();
    assert!(keys.block(&3).is_err(), "both places are taken");
    keys.pause_for(&1, Duration::from_secs(1)).unwrap();
    assert_eq!(keys.clear_key_limits(&1), Ok(true));
    keys.clock().advance(Duration::from_secs(1));
    assert_eq!(keys.block(&3), Ok(()));
}

#[test]
fn a_reset_key_holds_what_is_stated_and_no_more_than_an_unused_one() {
    let keys = by_number(Limit::per_second(10), 1);
    keys.reset(&1, u64::MAX).unwrap();
    assert!(keys.is_empty());
    keys.reset(&1, 4).unwrap();
    assert_eq!(keys.available(&1), 4);
    assert_eq!(keys.reset(&2, 4).unwrap_err().max_keys, 1);
    keys.set_limits(Limit::per_second(1000)).unwrap();
    keys.reset(&1, 500).unwrap();
    assert_eq!(keys.available(&1), 10);
    keys.charge(&1, 100).unwrap();
    keys.reset(&1, u64::MAX).unwrap();
    // Nobody can tell it from one never seen.
    keys.shrink();
    assert!(keys.is_empty());
}

#[test]
fn other_verbs_do_as_those_of_one_bucket() {
    let keys = by_number(Limit::per_second(10), 1);
    assert_eq!(keys.take_in_order(&1, &[0, 0, 11, 1]), 2);
    assert!(keys.is_empty());
    assert_eq!(keys.take_in_order(&1, &[4, 6, 1]), 2);
    assert!(matches!(keys.charge(&1, u64::MAX), Err(KeyRefused::Bucket(Refused::Never(_)))));
    assert!(matches!(keys.charge(&2, 1), Err(KeyRefused::NoRoom(_))));
    assert_eq!((keys.charge(&2, 0), keys.take_in_order(&2, &[0, 1])), (Ok(()), 1));
}

/// A removal forgets what a key has taken. So a key that took more since `keep` looked at it stays.
#[test]
fn a_key_that_is_used_between_the_look_and_the_removal_stays() {
    let keys = by_number(Limit::per_second(10), 100);
    (0..10).for_each(|key| keys.try_take(&key, 1).map(drop).unwrap());
    let looks_unused = |key: &u64, level| {
        if *key == 3 {
            keys.try_take(&3, 9).unwrap();
        }
        level < 9
    };
    keys.retain(looks_unused);
    assert_eq!((keys.len(), keys.available(&3), keys.available(&4)), (1, 0, 10));
    // As another level under other limits is another level.
    keys.try_take(&5, 5).unwrap();
    keys.retain(|_, _| {
        keys.set_limits(Limit::per_second(10).capacity(6)).unwrap();
        false
    });
    assert_eq!((keys.available(&3), keys.available(&5)), (0, 5));
}

/// What was said of keys before tiers were given holds after.
#[test]
fn tiers_leave_keys_blocks_and_changed_limits_as_they_were() {
    let keys = by_number(Limit::per_second(10), 1000).with_max_held(2);
    (0..500).for_each(|key| keys.try_take(&key, 4).map(drop).unwrap());
    keys.block(&600).unwrap();
    keys.set_key_limits(&601, Limit::per_second(7)).unwrap();
    keys.clock().advance(Duration::from_millis(100));
    keys.set_limits(Limit::per_second(20)).unwrap();
    let keys = keys.with_tiers([Limit::per_second(500)], |key: &u64| usize::from(*key >= 1000)).unwrap();
    assert_eq!((keys.len(), keys.limits(), keys.available(&1000)), (500, Limit::per_second(20), 500));
    assert!((0..500).all(|key| keys.available(&key) == 7));
    assert!(keys.try_take(&600, 1).is_err() && keys.has_key_limits(&601));
    assert_eq!((keys.available(&601), keys.available(&602)), (7, 10));
    assert!(keys.block(&603).is_err(), "two are held");
    keys.resume(&600);
    keys.clear_key_limits(&601).unwrap();
    assert!(keys.block(&603).is_ok());
    keys.clock().advance(Duration::from_millis(650));
    assert!((0..500).all(|key| keys.available(&key) == 20));
}

/// A stream in exact arithmetic whose limit changes, in `1 / period` of a token: its level at the
/// last instant that it was looked at. Nothing is ever rounded.
#[derive(Clone, Debug)]
struct Piecewise {
    limit: Limit,
    level: i128,
    at: u64,
}

const SCALE: i128 = SECOND as i128 * 1000;

impl Piecewise {
    fn capacity(&self) -> i128 {
        i128::from(self.limit.capacity) * SCALE
    }

    fn pass(&mut self, t: u64) {
        let Limit { rate, .. } = self.limit;
        let gained = i128::from(t - self.at) * i128::from(rate.tokens()) * SCALE / rate.period().as_nanos() as i128;
        self.level = (self.level + gained).min(self.capacity());
        self.at = t;
    }

    fn change(&mut self, limit: Limit) {
        self.limit = limit;
        self.level = self.level.min(self.capacity());
    }
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Take(u64),
    UpTo(u64),
    PutBack(u64),
    Charge(u64),
    Reset(u64),
    Shrink,
    Change(usize),
}

fn steps(kinds: usize) -> impl Strategy<Value = Vec<(u64, u64, Op)>> {
    let op = prop_oneof![
        4 => (0..9u64).prop_map(Op::Take),
        2 => (0..90u64).prop_map(Op::UpTo),
        1 => (0..9u64).prop_map(Op::PutBack),
        1 => (0..30u64).prop_map(Op::Charge),
        1 => (0..30u64).prop_map(Op::Reset),
        2 => Just(Op::Shrink),
        3 => (0..kinds).prop_map(Op::Change),
    ];
    let later = prop_oneof![3 => Just(0), 3 => 0..1000u64, 4 => 0..SECOND / 10, 1 => 0..10 * SECOND];
    vec((0..6u64, later, op), 1..120)
}

/// Does every operation to the keys of two tiers, over two streams and over one, and to a bucket
/// for every key that is never removed. Each change of limits may lose a unit, of which a token has
/// `unit` at least, and gains nothing. Where a line is not exact, answers may be off by two more.
fn agree(kinds: &[Limit], exact: bool, unit: i128, steps: &[(u64, u64, Op)]) -> Result<(), TestCaseError> {
    let tier_of = |key: &u64| (*key % 2) as usize;
    let one = by_number(kinds[0], 6).with_tiers([kinds[1]], tier_of).unwrap();
    let two = KeyedBuckets::<u64, 2, _>::with_clock([kinds[0]; 2], 6, ManualClock::new()).unwrap();
    let two = two.with_tiers([[kinds[1]; 2]], tier_of).unwrap();
    let new = |limit: Limit| Piecewise { limit, level: i128::from(limit.capacity) * SCALE, at: 0 };
    let mut unused = [new(kinds[0]), new(kinds[1])];
    let mut models: HashMap<u64, Piecewise> = HashMap::new();
    let mut t = 0;
    let grain = SCALE / unit + SCALE / unit / 1000 + 1;
    let (off, mut lost) = (if exact { 0 } else { 2 * grain }, [0; 2]);
    for (i, &(key, later, op)) in steps.iter().enumerate() {
        t += later;
        for model in unused.iter_mut().chain(models.values_mut()) {
            model.pass(t);
        }
        let stale = one.at(nanos(t - later.min(SECOND)));
        let (one, two) = (one.at(nanos(t)), two.at(nanos(t)));
        let tier = tier_of(&key);
        let (most, model) = (unused[tier].clone(), models.entry(key).or_insert(unused[tier].clone()));
        let available = one.available(&key);
        prop_assert_eq!(two.available(&key), [available; 2]);
        let whole = |level: i128| level.max(0) / SCALE;
        let (low, high) = (whole(model.level - off - lost[tier]), whole(model.level + off));
        prop_assert!((low..=high).contains(&available.into()), "step {i}: {available} of {low} to {high}; {model:?}");
        match op {
            Op::Take(n) => {
                let taken = one.try_take(&key, n).is_ok();
                prop_assert_eq!(taken, n <= available, "step {}: {} of {}; {:?}", i, n, available, model);
                prop_assert_eq!(two.try_take(&key, [n, n]).is_ok(), taken);
                if taken {
                    model.level -= i128::from(n) * SCALE;
                }
            }
            Op::UpTo(n) => {
                let taken = one.take_up_to(&key, n, 1);
                prop_assert_eq!((taken, two.take_up_to(&key, n, [1, 1])), (n.min(available), n.min(available)));
                model.level -= i128::from(taken) * SCALE;
            }
            Op::PutBack(n) => {
                one.put_back(&key, n);
                two.put_back(&key, [n, n]);
                model.level = (model.level + i128::from(n) * SCALE).min(most.level);
            }
            Op::Charge(n) => {
                one.charge(&key, n).unwrap();
                two.charge(&key, [n, n]).unwrap();
                model.level -= i128::from(n) * SCALE;
            }
            Op::Reset(n) => {
                one.reset(&key, n).unwrap();
                two.reset(&key, [n, n]).unwrap();
                model.level = (i128::from(n) * SCALE).min(most.level);
            }
            Op::Shrink => {
                one.shrink();
                two.shrink();
            }
            Op::Change(kind) => {
                one.set_tier_limits(tier, kinds[kind]).unwrap();
                two.set_tier_limits(tier, [kinds[kind]; 2]).unwrap();
                unused[tier].change(kinds[kind]);
                lost[tier] += grain + off;
                for (_, model) in models.iter_mut().filter(|(key, _)| tier_of(key) == tier) {
                    model.change(kinds[kind]);
                }
            }
        }
        for (key, model) in &models {
            let (available, stale) = (one.available(key), stale.available(key));
            let (low, high) = (whole(model.level - off - lost[tier_of(key)]), whole(model.level + off));
            prop_assert!(
                (low..=high).contains(&available.into()),
                "after step {i}, {key}: {available} of {low} to {high}"
            );
            prop_assert!(
                stale <= available,
                "after step {i}, {key}: {stale} for a stale now, {available} for a new one"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(512, "tests/keyed_limits.proptest-regressions"))]

    #[test]
    fn keys_whose_limits_change_are_as_buckets_of_their_own(steps in steps(6)) {
        let kinds = [(1000, 10), (1000, 40), (5000, 10), (500_000, 3), (0, 20), (1000, 1)]
            .map(|(rate, capacity)| Limit::new(Rate::per_second(rate), capacity));
        agree(&kinds, true, 2000, &steps)?;
    }

    #[test]
    fn where_a_rate_is_not_exact_they_are_off_by_units(steps in steps(6)) {
        let kinds = [(1000, 10), (1000, 40), (333, 10), (7, 3), (1, 20), (77_777, 100)]
            .map(|(rate, capacity)| Limit::new(Rate::per_second(rate), capacity));
        agree(&kinds, false, 1 << 15, &steps)?;
    }
}

#[test]
#[should_panic(expected = "65537 tiers, where there may be 65536")]
fn there_are_no_more_tiers_than_can_be_told_apart() {
    let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(1), 100, ManualClock::new()).unwrap();
    let _ = clients.with_tiers((1..=65_536).map(Limit::per_second), |key: &u64| *key as usize);
}
