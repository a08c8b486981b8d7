//! A reset beside other calls is one step, before or after each of them.
#![cfg(loom)]

use std::sync::Arc;

use loom_tests::thread;
use loom_tests::{model, multi_bucket, token_bucket};
use tollgate::TokenBucket;
use tollgate::clock::ManualClock;

model! {
    /// A reset comes before a take or after it, and stops at the capacity.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Word::update`
    /// becomes a load and a store, or if the tokens in `Meter::reset` are not cut off at the
    /// capacity.
    a_reset_beside_a_take_comes_before_or_after_it, None, 3, [(true, 3), (true, 1)], || {
        let bucket = token_bucket(3);
        assert!(bucket.try_take(1).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(2).is_ok())
        };
        bucket.reset(u64::MAX);
        (other.join().unwrap(), bucket.available())
    }
}

model! {
    /// A reset of two streams comes before a take or after it.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Epoch::publish`
    /// becomes a load and a store.
    a_reset_of_two_streams_beside_a_take_comes_before_or_after_it, None, 10, [(true, [3, 2]), (true, [1, 1])], || {
        let bucket = multi_bucket::<2, 3>([3, 3]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([2, 1]).is_ok())
        };
        bucket.reset([u64::MAX, 2]);
        (other.join().unwrap(), bucket.available())
    }
}

model! {
    /// A reader beside a reset sees all of it or nothing.
    ///
    /// Two threads, one call each; exhaustive. Fails if a reset writes the current slot instead of
    /// publishing another.
    a_reset_of_two_streams_is_one_step, None, 5, [[4, 4], [2, 2]], || {
        let bucket = multi_bucket::<2, 3>([4, 4]);
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.available())
        };
        bucket.reset([2, 2]);
        reader.join().unwrap()
    }
}

model! {
    /// A reset through a handle beside a take comes before it or after it.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Epoch::publish`
    /// becomes a load and a store.
    a_reset_through_a_handle_is_one_step, None, 10, [(true, [3, 2]), (true, [1, 1])], || {
        let bucket = multi_bucket::<2, 3>([3, 3]);
        let handle = bucket.handle().unwrap();
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([2, 1]).is_ok())
        };
        handle.reset([u64::MAX, 2]);
        drop(handle);
        (other.join().unwrap(), bucket.available())
    }
}

model! {
    /// A reset leaves a firm reservation owed, whether it comes before it or after it.
    ///
    /// Two threads, one call each; exhaustive. Fails without the fence in `Held::hold`, or without
    /// that in `Held::tokens`.
    a_reset_beside_a_reservation_leaves_it_owed, None, 3, [-1], || {
        let bucket = token_bucket(3);
        assert!(bucket.try_take(3).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || std::mem::forget(bucket.reserve(3).unwrap()))
        };
        bucket.reset(2);
        other.join().unwrap();
        level(&bucket)
    }
}

model! {
    /// A reset beside a reservation that is cancelled sets the level: nothing is given back twice.
    ///
    /// Two threads, one call each; exhaustive. Fails if a reservation is not counted any more
    /// before the words have it.
    a_reset_beside_a_cancelled_reservation_forgives_nothing, None, 3, [2], || {
        let bucket = token_bucket(3);
        assert!(bucket.try_take(3).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.reserve(3).unwrap().cancel())
        };
        bucket.reset(2);
        other.join().unwrap();
        level(&bucket)
    }
}

/// What a bucket has; below 0 if it owes. A token accrues in a nanosecond.
fn level(bucket: &TokenBucket<ManualClock>) -> i128 {
    let wait = bucket.wait_for(1).unwrap().unwrap().as_nanos();
    if wait > 0 { 1 - wait as i128 } else { bucket.available().into() }
}
