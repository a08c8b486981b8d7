//! A stream without a limit grants every amount at every instant, through every verb, and leaves no
//! debt where its limits change.
#![cfg(feature = "std")]

mod common;
mod timers;

use std::time::Duration;

use common::{config, nanos};
use proptest::prelude::*;
use timers::Never;
use tollgate::clock::ManualClock;
use tollgate::limit::Inherit;
use tollgate::{LeakyBucket, Limit, MultiBucket, Rate, TokenBucket};

const SECOND: u64 = 1_000_000_000;
const AMOUNTS: [u64; 5] = [1, 7, 1 << 40, 1 << 63, u64::MAX];

fn multi<const N: usize>(limits: [Limit; N]) -> MultiBucket<N, ManualClock> {
    MultiBucket::with_clock(limits, ManualClock::new()).unwrap()
}

#[test]
fn unlimited_is_a_text_and_a_constant_and_shows_itself() {
    let limit: Limit = "unlimited".parse().unwrap();
    assert_eq!((limit, limit.to_string()), (Limit::UNLIMITED, "unlimited".into()));
    assert!(limit.is_unlimited() && limit.empty().is_unlimited() && limit.starting_with(5).check().is_ok());
    assert_eq!(limit.precision(), Ok(Duration::ZERO));
    assert_eq!(limit.idle_limit(), Ok(Duration::MAX));
    // A bound of any kind makes it a limit again: one that no bucket can keep.
    assert!(!limit.capacity(5).is_unlimited() && limit.capacity(5).check().is_err());
    assert!(Limit::new(Rate::per_second(u64::MAX), u64::MAX).check().is_err());
}

#[test]
fn every_amount_is_granted_at_every_instant_by_every_verb() {
    for limit in [Limit::UNLIMITED, Limit::UNLIMITED.empty()] {
        let (one, two) = (TokenBucket::with_clock(limit, ManualClock::new()).unwrap(), multi([limit; 2]));
        for at in [0, SECOND, 1, u64::MAX, 1 << 63].map(nanos) {
            for n in AMOUNTS {
                assert_eq!(one.at(at).try_take(n).map(drop), Ok(()));
                assert_eq!(two.at(at).try_take([n, n]).map(drop), Ok(()));
                assert_eq!(one.at(at).take_up_to(n), n);
                assert_eq!(two.at(at).take_items(n, [3, n]), n);
                assert_eq!(two.at(at).take_in_order(&[[n, 1], [0, 1]]), 2);
                assert_eq!(one.at(at).charge(n), Ok(()));
                one.at(at).put_back(n);
                one.at(at).reset(n - 1);
                two.at(at).reset([0, n]);
                assert_eq!((one.at(at).available(), two.at(at).available()), (u64::MAX, [u64::MAX; 2]));
                assert_eq!(one.at(at).wait_for(n), Ok(Some(Duration::ZERO)));
                assert_eq!(two.at(at).snapshot().check([n, n]), Ok(()));
            }
        }
        one.reserve(u64::MAX).unwrap().commit();
        one.reserve(u64::MAX).unwrap().cancel();
        one.reserve_oversized(u64::MAX).unwrap().wait().unwrap();
        one.estimate(5).unwrap().settle([u64::MAX]).unwrap();
        one.take_blocking_timeout(u64::MAX, Duration::ZERO).unwrap();
        assert_eq!(two.handle().unwrap().try_take([u64::MAX; 2]).map(drop), Ok(()));
        let mut lease = one.lease(100);
        assert_eq!(lease.try_take(7), Ok(()));
        drop(lease);
        assert_eq!(one.available(), u64::MAX);
        one.close();
        assert!(one.try_take(1).is_err(), "a closed bucket grants nothing, whatever its limit");
    }
}

#[test]
fn a_leaky_bucket_without_a_limit_is_always_empty() {
    let bucket = LeakyBucket::empty_with_clock(Limit::UNLIMITED, ManualClock::new()).unwrap();
    for n in AMOUNTS {
        assert_eq!(bucket.try_add(n).map(drop), Ok(()));
        assert_eq!((bucket.level(), bucket.room(), bucket.add_up_to(n)), (0, u64::MAX, n));
        assert_eq!(bucket.fill(), tollgate::limit::Ratio::ZERO);
    }
}

#[test]
fn the_other_streams_are_limited_as_ever() {
    let bucket = multi([Limit::per_second(2), Limit::UNLIMITED]);
    assert_eq!(bucket.try_take([2, u64::MAX]).map(drop), Ok(()));
    let refused = bucket.try_take([1, 1]).unwrap_err();
    assert_eq!((refused.stream(), refused.wait()), (0, Some(Duration::from_millis(500))));
    assert_eq!(bucket.try_take([0, u64::MAX]).map(drop), Ok(()));
    assert_eq!(bucket.snapshot().available(), [0, u64::MAX]);
    let ready = bucket.reserve([1, u64::MAX]).unwrap();
    assert_eq!(ready.remaining(), Some(Duration::from_millis(500)));
    bucket.pause();
    assert!(bucket.try_take([0, 1]).is_err(), "a pause is of the whole bucket");
}

/// Somebody waits for both streams. Nothing is scarce in the second one, so no taker of it alone is
/// kept out.
#[test]
fn who_waits_for_another_stream_keeps_nobody_out() {
    let bucket = multi([Limit::per_second(1).empty(), Limit::UNLIMITED]);
    let _first = bucket.reserve([1, 1]).unwrap();
    /// Lets the waiter go, also when an assertion fails.
    struct Closing<'a>(&'a MultiBucket<2, ManualClock>);
    impl Drop for Closing<'_> {
        fn drop(&mut self) {
            self.0.close();
        }
    }
    std::thread::scope(|scope| {
        let closing = Closing(&bucket);
        let waiter = scope.spawn(|| bucket.take_blocking([1, 1]));
        while bucket.try_take([1, 0]).unwrap_err().wait().unwrap() < Duration::from_secs(3) {
            std::thread::yield_now();
        }
        assert_eq!(bucket.try_take([0, u64::MAX]).map(drop), Ok(()));
        assert_eq!(bucket.take_items(7, [0, 9]), 7);
        assert_eq!(bucket.take_in_order(&[[0, 9], [0, 9]]), 2);
        assert_eq!(bucket.wait_for([0, 9]), Ok(Some(Duration::ZERO)));
        assert_eq!(bucket.take_blocking_timeout([0, 9], Duration::ZERO).map(drop), Ok(()));
        drop(closing);
        assert!(bucket.try_take([0, 1]).is_err());
        assert!(waiter.join().unwrap().is_err());
    });
}

#[test]
fn what_was_taken_without_a_limit_is_not_owed_under_one() {
    for inherit in [Inherit::Keep, Inherit::Additive, Inherit::Proportional, Inherit::Reset] {
        let bucket = multi([Limit::UNLIMITED]);
        bucket.charge([u64::MAX]).unwrap();
        bucket.clock().advance(Duration::from_secs(7));
        let at_once = bucket.reserve([u64::MAX]).unwrap();
        let limit = Limit::per_second(10).starting_with(4);
        bucket.set_limits_with([limit], inherit).unwrap();
        assert_eq!(at_once.remaining(), Some(Duration::ZERO));
        let there = if inherit == Inherit::Reset { 4 } else { 10 };
        assert_eq!(bucket.available(), [there], "{inherit:?}");
        assert_eq!(bucket.try_take([there]).map(drop), Ok(()));
        assert_eq!(bucket.wait_for([1]), Ok(Some(Duration::from_millis(100))));
    }
}

#[test]
fn a_change_to_unlimited_pays_what_is_owed() {
    let bucket = multi([Limit::per_second(10), Limit::per_second(1)]);
    bucket.charge([1000, 0]).unwrap();
    let reserved = bucket.reserve([10, 1]).unwrap();
    assert_eq!(reserved.remaining(), Some(Duration::from_secs(100)));
    bucket.set_limits([Limit::UNLIMITED, Limit::per_second(1)]).unwrap();
    assert_eq!((reserved.remaining(), bucket.available()), (Some(Duration::ZERO), [u64::MAX, 0]));
    bucket.set_limits([Limit::per_second(10), Limit::per_second(1)]).unwrap();
    assert_eq!((reserved.remaining(), bucket.available()), (Some(Duration::ZERO), [10, 0]));
    // A reservation made before stays paid, and one made now is owed as ever.
    let later = bucket.reserve([10, 1]).unwrap();
    let last = bucket.reserve([10, 0]).unwrap();
    assert_eq!((later.remaining(), last.remaining()), (Some(Duration::from_secs(1)), Some(Duration::from_secs(1))));
    drop((reserved, later, last));
    bucket.set_limits([Limit::UNLIMITED; 2]).unwrap();
    bucket.set_limits([Limit::UNLIMITED; 2]).unwrap();
    assert_eq!(bucket.snapshot().limits(), [Limit::UNLIMITED; 2]);
    assert_eq!(bucket.available(), [u64::MAX; 2]);
}

#[cfg(feature = "keys")]
mod keys {
    use super::*;
    use tollgate::KeyedBuckets;
    use tollgate::keyed::Saved;

    #[test]
    fn a_tier_without_a_limit_stands_beside_one_with_a_limit() {
        let limit = Limit::per_second(10);
        let keys = KeyedBuckets::<u64, 1, _>::with_clock(limit, 100, ManualClock::new())
            .unwrap()
            .with_tiers([Limit::UNLIMITED], |key: &u64| usize::from(*key >= 1000))
            .unwrap()
            .with_shared_overflow();
        for n in AMOUNTS {
            assert!(keys.try_take(&1000, n).is_ok());
            assert!(keys.charge(&1001, n).is_ok());
            keys.put_back(&1001, n);
            keys.reset(&1002, n).unwrap();
            assert_eq!(keys.take_up_to(&1003, n, 1), n);
        }
        assert_eq!([1000, 1001, 1002, 1003, 1004].map(|key| keys.available(&key)), [u64::MAX; 5]);
        assert!(keys.try_take(&1, 10).is_ok() && keys.try_take(&1, 1).is_err());
        keys.bucket(&1000).reserve(u64::MAX).unwrap().commit();
        // An unlimited key owes nothing, so it fits under any limit; and it begins full there.
        keys.set_tier_limits(1, Limit::per_second(5)).unwrap();
        assert_eq!([1000, 1001, 1002, 1004].map(|key| keys.available(&key)), [5; 4]);
        keys.charge(&1000, 100).unwrap();
        keys.set_tier_limits(1, Limit::UNLIMITED).unwrap();
        assert_eq!(keys.available(&1000), u64::MAX);
        keys.set_limits(Limit::UNLIMITED).unwrap();
        assert!(keys.try_take(&1, u64::MAX).is_ok());
    }

    #[test]
    fn a_key_may_have_no_limit_of_its_own_and_get_one_back() {
        let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 100, ManualClock::new()).unwrap();
        keys.charge(&1, 500).unwrap();
        keys.set_key_limits(&1, Limit::UNLIMITED).unwrap();
        assert!(keys.try_take(&1, u64::MAX).is_ok());
        assert!(keys.clear_key_limits(&1).unwrap());
        assert_eq!(keys.available(&1), 10);
        keys.remove(&1);
        assert_eq!(keys.len(), 0);
    }

    #[test]
    fn what_an_unlimited_key_has_is_saved_as_more_than_any_capacity() {
        let make = |limit| KeyedBuckets::<u64, 1, _>::with_clock(limit, 100, ManualClock::new()).unwrap();
        let [free, bound] = [Limit::UNLIMITED, Limit::per_second(10)].map(make);
        free.charge(&1, 5).unwrap();
        let saved = Saved::of(&free.snapshot(&1));
        bound.charge(&1, 50).unwrap();
        bound.restore(&1, &saved, Duration::ZERO).unwrap();
        assert_eq!(bound.available(&1), 10);
        bound.charge(&1, 50).unwrap();
        free.restore(&1, &Saved::of(&bound.snapshot(&1)), Duration::ZERO).unwrap();
        assert_eq!(free.available(&1), u64::MAX);
    }
}

proptest! {
    #![proptest_config(config(256, "tests/regressions/unlimited.txt"))]

    /// A visit to no limit in the middle leaves what a new bucket of the last limit grants.
    #[test]
    fn after_a_visit_the_bound_of_the_new_limit_holds(
        before in 1..1000_u64, after in 1..1000_u64, taken: u64, owed in 0..1_000_000_u64, times in 1..4, t in 0..10 * SECOND
    ) {
        let bucket = multi([Limit::per_second(before)]);
        bucket.charge([owed]).unwrap();
        for _ in 0..times {
            bucket.clock().advance(Duration::from_nanos(t));
            bucket.set_limits([Limit::UNLIMITED]).unwrap();
            prop_assert_eq!(bucket.try_take([taken]).map(|granted| granted.remaining()), Ok(u64::MAX));
            bucket.clock().advance(Duration::from_nanos(t));
            bucket.set_limits([Limit::per_second(after)]).unwrap();
        }
        let fresh = multi([Limit::per_second(after)]);
        prop_assert_eq!(bucket.take_items(u64::MAX, [1]), fresh.take_items(u64::MAX, [1]));
        for bucket in [&bucket, &fresh] {
            bucket.clock().advance(Duration::from_nanos(t));
        }
        prop_assert_eq!(bucket.take_items(u64::MAX, [1]), fresh.take_items(u64::MAX, [1]));
    }
}

/// Amounts that no sum of a `u64` holds: of those who wait for another stream.
#[test]
fn those_who_wait_with_the_largest_amounts_come_and_go_like_others() {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    let wait_after = |large: u64| {
        let slow = Limit::per_second(1).capacity(10);
        let bucket = multi([slow.empty(), Limit::UNLIMITED]);
        let mut context = Context::from_waker(Waker::noop());
        let mut stays = pin!(bucket.take_on([1, 7], Never));
        {
            let mut leave = [large, large, 5].map(|n| Box::pin(bucket.take_on([1, n], Never)));
            assert!(leave.iter_mut().all(|wait| wait.as_mut().poll(&mut context).is_pending()));
            assert!(stays.as_mut().poll(&mut context).is_pending());
        }
        bucket.set_limits([slow, Limit::per_second(10).capacity(100)]).unwrap();
        bucket.try_take([0, 1]).unwrap_err().wait()
    };
    assert_eq!(wait_after(u64::MAX), wait_after(5));
    // On threads: each is served in its turn.
    let bucket = MultiBucket::new([Limit::per_second(1000).empty(), Limit::UNLIMITED]).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| bucket.take_blocking([1, u64::MAX]).unwrap());
        }
    });
}

#[test]
fn a_lease_holds_as_much_as_can_be_counted_and_no_more() {
    let bucket = TokenBucket::with_clock(Limit::UNLIMITED, ManualClock::new()).unwrap();
    let mut lease = bucket.lease(u64::MAX);
    for n in [u64::MAX, 1, u64::MAX, 7, u64::MAX - 6] {
        assert_eq!(lease.take_up_to(n), n);
        lease.try_take(1).unwrap();
        lease.try_take(n).unwrap();
    }
}
