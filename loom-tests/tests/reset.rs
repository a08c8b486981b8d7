//! A reset beside other calls is one step, before or after each of them.
#![cfg(loom)]

use std::sync::Arc;

use loom_tests::thread;
use loom_tests::{model, multi_bucket, token_bucket};

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
