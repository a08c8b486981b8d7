//! The switch: loom schedules the crate's atomics. An inert switch shows a single winner.
#![cfg(loom)]

use std::sync::Arc;

use loom_tests::thread;
use loom_tests::{model, multi_bucket, token_bucket};

model! {
    /// Either thread can win the last token, and never both.
    ///
    /// Two threads, one take each; exhaustive. Fails if the crate is not built on loom's atomics.
    either_thread_wins_the_last_token, None, 2, [(true, false), (false, true)], || {
        let bucket = token_bucket(1);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(1).is_ok())
        };
        (bucket.try_take(1).is_ok(), other.join().unwrap())
    }
}

model! {
    /// Either thread can win the last token of both streams, and never both threads.
    ///
    /// Two threads, one take each; exhaustive. Fails if the crate is not built on loom's atomics.
    either_thread_wins_the_last_token_of_two_streams, None, 10, [(true, false), (false, true)], || {
        let bucket = multi_bucket::<2, 3>([1, 1]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1, 1]).is_ok())
        };
        (bucket.try_take([1, 1]).is_ok(), other.join().unwrap())
    }
}
