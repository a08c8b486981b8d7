//! How far the queue reaches: its bounds are exact, a call past them changes nothing, and no limit,
//! amount or time overflows.

mod common;
mod waits;

use std::time::Duration;

use common::{config, most, nanos};
use proptest::prelude::*;
use tollgate::clock::{ManualClock, Time};
use tollgate::{Limit, MultiBucket, Never, Rate, Refused, Reservation, TokenBucket};
use waits::{Waits, limits_of, multi, single};

const NANO: Duration = Duration::from_nanos(1);

fn per_second(tokens: u64) -> Limit {
    Limit::per_second(tokens)
}

/// All that can be asked of a bucket without changing it.
fn seen<const N: usize>(bucket: &impl Waits<N>, limits: [Limit; N]) -> impl PartialEq + std::fmt::Debug {
    let wait = |i: usize, n| bucket.wait_for(std::array::from_fn(|j| if i == j { n } else { 0 }));
    let waits: Vec<_> = (0..N).map(|i| (wait(i, 1), wait(i, limits[i].capacity))).collect();
    (bucket.changes(), bucket.available(), waits)
}

/// A reservation of `n` is made if its wait is allowed, and refused with that wait, changing
/// nothing, if a nanosecond less is.
fn exact_to_a_nanosecond<const N: usize>(
    bucket: &impl Waits<N>,
    limits: [Limit; N],
    n: [u64; N],
) -> Result<(), TestCaseError> {
    let place = bucket.reserve(n).unwrap();
    let wait = place.remaining().unwrap();
    place.cancel();
    let place = bucket.within(n, wait);
    prop_assert_eq!(place.as_ref().map(Reservation::remaining), Ok(Some(wait)));
    drop(place);
    if !wait.is_zero() {
        let before = seen(bucket, limits);
        for too_short in [wait - NANO, Duration::ZERO] {
            let refused = bucket.within(n, too_short).unwrap_err();
            prop_assert_eq!(refused.wait(), Some(wait));
            prop_assert_eq!(&seen(bucket, limits), &before);
        }
    }
    Ok(())
}

#[test]
fn the_longest_wait_is_exact_to_a_nanosecond() {
    for limit in limits_of(10) {
        let wait = single(limit.empty()).reserve(7).unwrap().remaining().unwrap();
        for (max_wait, granted) in [(wait, true), (wait - NANO, false), (Duration::ZERO, false), (Duration::MAX, true)]
        {
            let one = single(limit.empty()).with_max_wait(max_wait);
            assert_eq!(one.reserve(7).map(drop).is_ok(), granted, "{limit} {max_wait:?}");
            // The stream that needs it longest decides.
            let two = multi([per_second(1_000_000_000).capacity(7).empty(), limit.empty()]).with_max_wait(max_wait);
            assert_eq!(two.reserve([1, 7]).map(drop).is_ok(), granted, "{limit} {max_wait:?}");
            assert_eq!(two.reserve_oversized([1, 7]).map(drop).is_ok(), granted, "{limit} {max_wait:?}");
        }
        // Of two bounds the closer one holds.
        let bucket = single(limit.empty()).with_max_wait(wait - NANO);
        assert!(bucket.reserve_within(7, wait).is_err() && bucket.reserve_within(7, Duration::MAX).is_err());
    }
}

#[test]
fn the_largest_debt_is_exact_to_a_token() {
    for limit in limits_of(10) {
        let bucket = single(limit).with_max_debt(12);
        let whole = bucket.reserve(10).unwrap();
        let owed = [8, 3, 1].map(|n| bucket.reserve(n).unwrap());
        let refused = bucket.reserve(1).unwrap_err();
        let wait = single(limit.empty()).reserve_oversized(13).unwrap().remaining();
        assert_eq!(refused.wait(), wait, "{limit}");
        assert!(bucket.reserve_oversized(1).is_err(), "{limit}");
        let [_, _, last] = owed;
        drop(last);
        assert!(bucket.reserve(2).is_err(), "{limit}");
        assert!(bucket.reserve(1).is_ok(), "{limit}");
        drop(whole);
        let none = single(limit).with_max_debt(0);
        assert!(none.reserve(10).map(Reservation::commit).is_ok() && none.reserve(1).is_err(), "{limit}");
        assert!(none.charge(1).is_ok(), "what has happened is charged");
    }
}

#[test]
fn each_stream_has_its_own_largest_debt() {
    let bucket = multi([per_second(10).empty(), per_second(5).empty()]).with_max_debt([3, 0]);
    assert!(bucket.reserve([1, 1]).is_err());
    assert!(bucket.reserve([4, 0]).is_err());
    let sequence = bucket.snapshot().sequence();
    let place = bucket.reserve([3, 0]).unwrap();
    assert_eq!(bucket.snapshot().sequence(), sequence + 1);
    let refused = bucket.reserve([1, 2]).unwrap_err();
    assert_eq!((refused.stream(), refused.wait()), (0, Some(Duration::from_millis(400))));
    let refused = bucket.reserve([1, 3]).unwrap_err();
    assert_eq!((refused.stream(), refused.wait()), (1, Some(Duration::from_millis(600))));
    assert_eq!(bucket.snapshot().sequence(), sequence + 1);
    // A stream that is not asked is not looked at, however much it owes.
    bucket.charge([100, 0]).unwrap();
    bucket.put_back([0, 5]);
    assert!(bucket.reserve([0, 5]).map(Reservation::commit).is_ok());
    place.commit();
}

#[test]
fn a_rate_of_zero_is_waited_for_by_nobody() {
    let bucket = single(per_second(0).capacity(5));
    bucket.reserve(3).unwrap().commit();
    let refused = bucket.reserve(3).unwrap_err();
    assert_eq!(refused.wait(), None);
    assert_eq!(bucket.reserve_oversized(7).unwrap_err().wait(), None);
    assert_eq!(bucket.available(), 2);
    bucket.charge(7).unwrap();
    assert_eq!((bucket.wait_for(1), bucket.available()), (Ok(None), 0));
    bucket.put_back(5);
    assert_eq!(bucket.wait_for(1), Ok(None));
    bucket.put_back(5);
    assert_eq!(bucket.available(), 5);
}

#[test]
fn amounts_that_no_bucket_can_owe_are_refused_as_never() {
    let bucket = multi([per_second(10), per_second(1 << 20)]);
    for requested in [1 << 62, u64::MAX / 2, u64::MAX] {
        for stream in [0, 1] {
            let mut amounts = [1; 2];
            amounts[stream] = requested;
            let never = |refused: Refused<2>| matches!(refused, Refused::Never(Never { stream: s, requested: r, .. }) if s == stream && r == requested);
            assert!(
                never(bucket.reserve(amounts).unwrap_err()) && never(bucket.reserve_oversized(amounts).unwrap_err())
            );
            assert!(never(bucket.charge(amounts).unwrap_err()) && never(bucket.estimate(amounts).unwrap_err()));
        }
    }
    assert_eq!((bucket.available(), bucket.snapshot().sequence()), ([10, 1 << 20], 0));
}

#[test]
fn no_reservation_is_made_past_the_end_of_time() {
    // 10 tokens take a second, and there are 0.3 s left.
    let end = u64::MAX - 300_000_000;
    for start in [0, 12_345, end] {
        let bucket = TokenBucket::with_clock(per_second(10), ManualClock::starting_at(nanos(start))).unwrap();
        bucket.clock().set(nanos(end));
        bucket.reset(0);
        let place = bucket.reserve(3).unwrap();
        assert_eq!(place.ready_at(), None);
        assert_eq!(bucket.reserve(1).unwrap_err().wait(), Some(Duration::from_millis(400)));
        place.cancel();
        bucket.clock().set(Time::MAX);
        assert_eq!(bucket.available(), 3);
        assert!(bucket.reserve(3).is_ok() && bucket.reserve(4).is_err());
    }
}

#[test]
fn a_reading_from_before_the_construction_counts_as_it() {
    let bucket =
        TokenBucket::with_clock(per_second(10).empty(), ManualClock::starting_at(nanos(5_000_000_000))).unwrap();
    bucket.clock().set(nanos(7));
    let place = bucket.reserve(3).unwrap();
    assert_eq!(place.ready_at(), Some(nanos(5_300_000_000)));
    assert_eq!(place.remaining(), Some(Duration::from_nanos(5_299_999_993)));
    // The bound on the wait holds by the clock of the caller.
    let wait = Duration::from_nanos(5_399_999_993);
    assert!(bucket.reserve_within(1, wait).is_ok());
    assert_eq!(bucket.reserve_within(1, wait - NANO).unwrap_err().wait(), Some(wait));
    place.commit();
}

#[test]
fn the_furthest_debt_is_charged_and_not_a_token_more() {
    for limit in limits_of(10) {
        let bucket = multi([limit.empty()]);
        let mut charged = 0_u128;
        for bit in (0..63).rev() {
            while bucket.charge([1 << bit]).is_ok() {
                charged += 1 << bit;
            }
        }
        let sequence = bucket.snapshot().sequence();
        let refused = bucket.charge([1]).unwrap_err();
        assert!(matches!(refused, Refused::NotYet(_)), "{limit}: {refused}");
        assert_eq!(bucket.snapshot().sequence(), sequence);
        let exact = |n: u128| (n * limit.rate.period().as_nanos()).div_ceil(limit.rate.tokens().into());
        let off = refused.wait().unwrap().as_nanos().abs_diff(exact(charged + 1));
        assert!(
            off <= exact(charged) >> 62 | limit.precision().unwrap().as_nanos(),
            "{limit}: {refused} after {charged}, off by {off}"
        );
        assert!(exact(charged) > Duration::from_secs(90 * 24 * 3600).as_nanos(), "{limit}");
        assert!(bucket.try_take([1]).is_err() && bucket.reserve([1]).is_err());
    }
}

/// A reading from long ago sees the furthest debt and all that has accrued since: more than half of
/// what a word holds.
#[test]
fn a_refusal_of_the_furthest_debts_tells_the_whole_wait() {
    let bucket = single(per_second(1000).empty());
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    let most = (1_u64 << 62) / 1_000_000 - 1;
    bucket.clock().set(Time::ZERO.after(century));
    bucket.reset(0);
    bucket.charge(most).unwrap();
    bucket.clock().set(Time::ZERO);
    let refused = bucket.charge(most).unwrap_err();
    assert_eq!(refused.wait(), Some(century + 2 * Duration::from_millis(most)));
}

/// Any limit that can be built.
fn any_limit() -> impl Strategy<Value = Limit> {
    let log = |any: u64, shift: u32| (any >> shift).max(1);
    (any::<u64>(), 0..64u32, any::<u64>(), 0..64u32, any::<u64>(), 0..64u32, any::<bool>()).prop_filter_map(
        "a limit in range",
        move |(n, by_n, t, by_t, capacity, by_capacity, full)| {
            let rate = Rate::new(log(n, by_n), Duration::from_nanos(log(t, by_t))).ok()?;
            let most = match Limit::new(rate, u64::MAX).check() {
                Ok(()) => u64::MAX,
                Err(error) if matches!(error.rule, tollgate::limit::LimitRule::CapacityTooLarge { .. }) => most(rate),
                Err(_) => return None,
            };
            let limit = Limit::new(rate, log(capacity, by_capacity).min(most));
            Some(if full { limit } else { limit.empty() })
        },
    )
}

fn any_amount() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(u64::MAX),
        Just(1 << 62),
        any::<u64>(),
        (any::<u64>(), 0..64u32).prop_map(|(n, by)| n >> by)
    ]
}

fn any_wait() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(Duration::ZERO), Just(NANO), Just(Duration::MAX), any_amount().prop_map(Duration::from_nanos)]
}

/// What is called, with two amounts, a wait, and where the clock stands.
type Call = (u8, [u64; 2], [u64; 2], Duration, u64);

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let pair = || [any_amount(), any_amount()];
    prop::collection::vec((0..8u8, pair(), pair(), any_wait(), any_amount()), 1..40)
}

proptest! {
    #![proptest_config(config(256, "tests/regressions/queue.txt"))]

    #[test]
    fn the_longest_wait_of_any_reservation_is_exact(
        limits in [any_limit(), any_limit()], charged in [0..50u64, 0..50u64], n in [0..50u64, 0..50u64], at in 0..1u64 << 50,
    ) {
        let n = [n[0].min(limits[0].capacity), n[1].min(limits[1].capacity)];
        let (one, two) = (single(limits[0]), multi(limits));
        one.clock().set(nanos(at));
        two.clock().set(nanos(at));
        // One that is ready is used as it is dropped, so another may come to be too far ahead.
        let again = one.charge(charged[0]).and_then(|()| one.reserve(n[0])).map(drop).and_then(|()| one.reserve(n[0]));
        if again.map(Reservation::cancel).is_ok() {
            exact_to_a_nanosecond(&one, [limits[0]], [n[0]])?;
        }
        let again = two.charge(charged).and_then(|()| two.reserve(n)).map(drop).and_then(|()| two.reserve(n));
        if again.map(Reservation::cancel).is_ok() {
            exact_to_a_nanosecond(&two, limits, n)?;
        }
    }

    #[test]
    fn no_limit_amount_or_time_overflows_and_a_refused_call_changes_nothing(
        limits in [any_limit(), any_limit()], start in any_amount(), max_wait in any_wait(), max_debt in [any_amount(), any_amount()], calls in calls(),
    ) {
        let bucket: MultiBucket<2, _> = MultiBucket::with_clock(limits, ManualClock::starting_at(nanos(start))).unwrap();
        let bucket = bucket.with_max_wait(max_wait).with_max_debt(max_debt);
        let mut places = Vec::new();
        for (verb, n, used, wait, at) in calls {
            bucket.clock().set(nanos(if verb % 2 == 0 { start.saturating_add(at) } else { at }));
            let before = seen(&bucket, limits);
            let refused = match verb {
                0 => bucket.try_take(n).err(),
                1 => bucket.charge(n).err(),
                2 => match bucket.estimate(n) {
                    Ok(estimate) => {
                        let _ = estimate.settle(used);
                        None
                    }
                    Err(refused) => Some(refused),
                },
                3 => {
                    drop(places.pop());
                    None
                }
                4 => {
                    bucket.put_back(n);
                    None
                }
                _ => {
                    let place = match verb {
                        5 => bucket.reserve(n),
                        6 => bucket.reserve_within(n, wait),
                        _ => bucket.reserve_oversized(n),
                    };
                    place.map(|place| {
                        let _ = (place.ready_at(), place.remaining(), format!("{place:?}"));
                        places.push(place);
                    }).err()
                }
            };
            if let Some(refused) = refused {
                prop_assert_eq!(seen(&bucket, limits), before, "refused: {}", refused);
                let _ = (refused.wait(), refused.stream());
            }
        }
    }
}

#[test]
fn a_reservation_at_a_supplied_time_is_decided_by_it_and_dropped_by_the_clock() {
    let single = TokenBucket::with_clock(per_second(10).empty(), ManualClock::new()).unwrap();
    let second = nanos(1_000_000_000);
    single.at(second).reserve(10).unwrap().commit();
    assert_eq!(single.at(second).reserve(5).unwrap().ready_at(), Some(nanos(1_500_000_000)));
    let wait = Duration::from_millis(100);
    assert!(single.at(second).reserve_within(1, wait - NANO).is_err());
    let place = single.at(second).reserve_within(1, wait).unwrap();
    single.clock().set(nanos(1_099_999_999));
    drop(place);
    assert_eq!(single.at(second).wait_for(1), Ok(Some(wait)), "given back: its instant has not come");
    assert_eq!(single.at(second).reserve_oversized(11).unwrap().remaining(), Some(Duration::from_millis(1000) + NANO));
    let double = multi([per_second(10).empty(), per_second(100).empty()]);
    assert_eq!(double.at(second).reserve([1, 200]).unwrap_err().wait(), None);
    assert_eq!(double.at(second).reserve([10, 100]).unwrap().ready_at(), Some(second));
}
