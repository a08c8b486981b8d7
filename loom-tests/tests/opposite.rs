//! Two takers need two streams in opposite amounts: what fits is granted, and never are both
//! refused.
#![cfg(loom)]

use std::sync::Arc;

use loom_tests::thread;
use loom_tests::{model, multi_bucket};

/// Races takes of [2, 1] and [1, 2]; returns both grants and the remaining tokens.
fn race(capacity: [u64; 2]) -> (bool, bool, [u64; 2]) {
    let bucket = multi_bucket::<2, 3>(capacity);
    let other = {
        let bucket = Arc::clone(&bucket);
        thread::spawn(move || bucket.try_take([1, 2]).is_ok())
    };
    let mine = bucket.try_take([2, 1]).is_ok();
    let other = other.join().unwrap();
    (mine, other, bucket.available())
}

model! {
    /// If only one fits, the first is granted, and the other leaves no trace.
    ///
    /// Two threads, one take each; exhaustive. Fails if a stream is debited where the other is
    /// short.
    one_of_two_is_granted_where_one_fits, None, 20, [(true, false, [0, 1]), (false, true, [1, 0])], || race([2, 2])
}

model! {
    /// If both fit, both are granted, in either order.
    ///
    /// Two threads, one take each; exhaustive. Fails if a take that has lost a race counts as
    /// refused.
    both_are_granted_where_both_fit, None, 20, [(true, true, [0, 0])], || race([3, 3])
}

model! {
    /// A taker that lacks tokens of one stream does not block others.
    ///
    /// The taker that fits is granted, in either order.
    ///
    /// Two threads, one take each; exhaustive. Fails if the streams are debited one by one with
    /// rollback: both can then be refused.
    a_taker_that_does_not_fit_is_in_nobodys_way, None, 5, [(true, false, [0, 2])], || {
        let bucket = multi_bucket::<2, 3>([1, 3]);
        bucket.reset([1, 2]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1, 3]).is_ok())
        };
        let mine = bucket.try_take([1, 0]).is_ok();
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}
