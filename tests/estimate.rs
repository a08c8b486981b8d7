//! An estimate is settled in one step, whatever the work turned out to cost, and given back if the
//! work never ended.

mod common;
mod waits;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use common::nanos;
use tollgate::{Limit, Refused};
use waits::{limits_of, multi, single};

fn per_second(tokens: u64) -> Limit {
    Limit::per_second(tokens)
}

#[test]
fn a_surplus_comes_back_and_a_shortage_is_taken() {
    for limit in limits_of(100) {
        for (estimated, used, left) in
            [(40, 10, 90), (40, 40, 60), (40, 70, 30), (0, 5, 95), (40, 0, 100), (100, 100, 0)]
        {
            let bucket = single(limit);
            bucket.estimate(estimated).unwrap().settle([used]).unwrap();
            assert_eq!(bucket.available(), left, "{limit}: {estimated} estimated, {used} used");
        }
    }
}

#[test]
fn a_shortage_beyond_the_capacity_is_owed() {
    for limit in limits_of(10) {
        let bucket = single(limit).with_max_debt(0).with_max_wait(Duration::ZERO);
        bucket.estimate(4).unwrap().settle([1000]).unwrap();
        let wait = single(limit.empty()).reserve_oversized(991).unwrap().remaining();
        assert_eq!((bucket.available(), bucket.wait_for(1)), (0, Ok(wait)), "{limit}");
    }
}

#[test]
fn a_surplus_never_fills_above_the_capacity() {
    let bucket = multi([per_second(10), per_second(10)]);
    let estimate = bucket.estimate([10, 2]).unwrap();
    bucket.clock().advance(Duration::from_secs(60));
    estimate.settle([0, 1]).unwrap();
    assert_eq!((bucket.available(), bucket.take_items(100, [1, 1]), bucket.available()), ([10, 10], 10, [0, 0]));
    // Nor does one that is dropped, which reads no clock.
    let estimate = bucket.estimate([0, 0]).unwrap();
    drop(estimate);
    bucket.clock().advance(Duration::from_secs(60));
    let estimate = bucket.estimate([10, 10]).unwrap();
    bucket.clock().advance(Duration::from_secs(60));
    drop(estimate);
    assert_eq!((bucket.take_items(100, [1, 1]), bucket.available()), (10, [0, 0]));
}

#[test]
fn streams_are_settled_in_one_step_each_in_its_own_direction() {
    let bucket = multi([per_second(10), per_second(100), per_second(1000)]);
    let estimate = bucket.estimate([5, 50, 500]).unwrap();
    let sequence = bucket.snapshot().sequence();
    estimate.settle([1, 50, 700]).unwrap();
    assert_eq!((bucket.snapshot().sequence(), bucket.available()), (sequence + 1, [9, 50, 300]));
    bucket.estimate([1, 1, 1]).unwrap().settle([1, 1, 1]).unwrap();
    assert_eq!(bucket.snapshot().sequence(), sequence + 2, "what was estimated right is not settled");
}

#[test]
fn a_panic_in_the_work_gives_the_estimate_back() {
    let bucket = multi([per_second(10), per_second(100)]);
    let work = |keep| {
        let estimate = bucket.estimate([3, 30]).unwrap();
        let estimate = if keep { estimate.keep_on_drop() } else { estimate };
        assert_eq!(bucket.available(), [7, 70]);
        std::panic::resume_unwind(Box::new(format!("{estimate:?}")));
    };
    let panic = catch_unwind(AssertUnwindSafe(|| work(false))).unwrap_err();
    assert_eq!(panic.downcast_ref::<String>().unwrap(), "Estimate { keep_on_drop: false, .. }");
    assert_eq!(bucket.available(), [10, 100]);
    assert!(catch_unwind(AssertUnwindSafe(|| work(true))).is_err());
    assert_eq!(bucket.available(), [7, 70]);
}

#[test]
fn what_is_kept_on_drop_can_still_be_settled() {
    let bucket = single(per_second(10));
    bucket.estimate(5).unwrap().keep_on_drop().settle([2]).unwrap();
    assert_eq!(bucket.available(), 8);
    drop(bucket.estimate(5).unwrap().keep_on_drop());
    assert_eq!(bucket.available(), 3);
}

#[test]
fn an_estimate_that_cannot_be_settled_stays_taken() {
    let bucket = multi([per_second(1000), per_second(10)]);
    let sequence = |changes| assert_eq!(bucket.snapshot().sequence(), changes);
    let never = bucket.estimate([400, 4]).unwrap().settle([0, u64::MAX]).unwrap_err();
    assert!(matches!(never, Refused::Never(never) if (never.stream, never.requested) == (1, u64::MAX)), "{never}");
    assert_eq!(bucket.available(), [600, 6]);
    sequence(1);
    // 2^62 units of 10/s are 46 billion tokens: two thirds of them twice are too far.
    let most = (1 << 62) / 100_000_000 / 3 * 2;
    bucket.charge([0, most]).unwrap();
    let refused = bucket.estimate([400, 0]).unwrap().settle([0, most]).unwrap_err();
    let wait = Duration::from_nanos(100_000_000 * (most - 6)) + Duration::from_nanos(100_000_000 * most);
    assert_eq!((refused.stream(), refused.wait()), (1, Some(wait)));
    // Not even the stream with the surplus was changed.
    assert_eq!(bucket.available(), [200, 0]);
    sequence(3);
}

#[test]
fn a_reservation_becomes_an_estimate_before_and_after_its_instant() {
    for early in [true, false] {
        let bucket = single(per_second(10).empty());
        let place = bucket.reserve(5).unwrap();
        let wait = if early { Duration::ZERO } else { place.remaining().unwrap() };
        bucket.clock().advance(wait);
        place.into_estimate().settle([3]).unwrap();
        bucket.clock().set(nanos(500_000_000));
        assert_eq!(bucket.available(), 2, "early: {early}");
        bucket.reserve_oversized(20).unwrap().into_estimate().settle([2]).unwrap();
        assert_eq!(bucket.available(), 0, "early: {early}");
        drop(bucket.reserve_oversized(20).unwrap().into_estimate());
        bucket.clock().set(nanos(600_000_000));
        assert_eq!(bucket.available(), 1, "early: {early}");
    }
}

#[test]
fn an_estimate_is_refused_as_a_take_is() {
    let bucket = multi([per_second(10), per_second(5).empty()]);
    bucket.charge([0, 1]).unwrap();
    assert_eq!(bucket.estimate([1, 1]).map(drop), bucket.try_take([1, 1]).map(drop));
    assert_eq!(bucket.estimate([11, 1]).map(drop), bucket.try_take([11, 1]).map(drop));
    assert_eq!(bucket.estimate([11, 1]).unwrap_err().wait(), None);
}

#[test]
fn a_charge_goes_beyond_the_capacity_and_the_bounds_of_the_queue() {
    for limit in limits_of(10) {
        let bucket = single(limit).with_max_debt(1).with_max_wait(Duration::from_nanos(1));
        bucket.charge(3).unwrap();
        assert_eq!(bucket.available(), 7, "{limit}");
        bucket.charge(1007).unwrap();
        let wait = |n| single(limit.empty()).reserve_oversized(n).unwrap().remaining();
        assert_eq!((bucket.available(), bucket.wait_for(1)), (0, Ok(wait(1001))), "{limit}");
        let two = multi([limit, limit]).with_max_debt([0, 0]);
        two.charge([0, 1010]).unwrap();
        let handle = two.handle().unwrap();
        assert_eq!((two.available(), two.wait_for([1, 1])), ([10, 0], Ok(wait(1001))), "{limit}");
        assert!(handle.try_take([0, 1]).is_err() && handle.try_take([1, 0]).is_ok());
    }
}
