//! A refusal beside a take is true of one version, and changes nothing.
#![cfg(loom)]

use std::sync::Arc;

use loom_tests::thread;
use loom_tests::{model, multi_bucket, token_bucket};

model! {
    /// A take of one token is refused only after the other thread has taken both.
    ///
    /// The wait is then the time of one token.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Word::update`
    /// becomes a load and a store.
    a_refusal_is_true_of_the_word_that_it_read, None, 2, [(None, 1), (Some(2), 0)], || {
        let bucket = token_bucket(3);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(2).err().and_then(|refused| refused.wait()))
        };
        let granted = bucket.try_take(3).is_ok();
        let wait = other.join().unwrap().map(|wait| wait.as_nanos());
        assert_eq!(granted, wait.is_some());
        (wait, bucket.available())
    }
}

model! {
    /// A refusal names the stream and the wait of one version.
    ///
    /// It sees both streams before the take, or both after it.
    ///
    /// The other thread takes from both streams in one step, twice. With two slots, the second take
    /// writes the slot that the refused call may read. A mixture of versions lacks 2 or 4 tokens of
    /// stream 0. Two threads, two takes and one refused call; exhaustive. Fails if the validation
    /// of a refusal is removed, or either fence.
    a_refusal_is_true_of_one_version, None, 20, [(0, 1), (1, 4), (1, 5)], || {
        // Levels (6, 7), then (5, 3), then (3, 2); asked for [7, 7]: short by (1, 0), (2, 4) or (4,
        // 5).
        let bucket = multi_bucket::<2, 2>([7, 7]);
        bucket.reset([6, 7]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                let refused = bucket.try_take([7, 7]).unwrap_err();
                (refused.stream(), refused.wait().unwrap().as_nanos())
            })
        };
        assert!(bucket.try_take([1, 4]).is_ok());
        assert!(bucket.try_take([2, 1]).is_ok());
        let refused = other.join().unwrap();
        assert_eq!(bucket.available(), [3, 2]);
        refused
    }
}

model! {
    /// A refused take leaves no trace: tokens put back meanwhile are all available.
    ///
    /// Two threads, one refused call beside two put-backs; exhaustive. Fails if a refusal writes
    /// the word.
    a_refusal_leaves_no_trace, None, 3, [2], || {
        let bucket = token_bucket(3);
        assert!(bucket.try_take(3).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take(3).is_err()))
        };
        bucket.put_back(1);
        bucket.put_back(1);
        other.join().unwrap();
        bucket.available()
    }
}

model! {
    /// A refusal of two streams publishes no version.
    ///
    /// Two threads, one refused call beside a take; exhaustive. Fails if a refusal publishes, even
    /// what it has read.
    a_refusal_leaves_no_trace_in_two_streams, None, 10, [(2, [2, 2])], || {
        let bucket = multi_bucket::<2, 3>([4, 4]);
        assert!(bucket.try_take([1, 1]).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take([1, 4]).is_err()))
        };
        assert!(bucket.try_take([1, 1]).is_ok());
        other.join().unwrap();
        let snapshot = bucket.snapshot();
        (snapshot.sequence(), snapshot.available())
    }
}

model! {
    /// A wait computed beside a take is that before the take, or that after it.
    ///
    /// Two threads, one call each; exhaustive. Fails if `wait_for` does not read the word.
    a_wait_is_that_of_one_value_of_the_word, None, 2, [0, 2], || {
        let bucket = token_bucket(3);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.wait_for(3).unwrap().unwrap().as_nanos())
        };
        assert!(bucket.try_take(2).is_ok());
        other.join().unwrap()
    }
}

model! {
    /// A wait of two streams is that of one version, whichever stream waits longer.
    ///
    /// Two threads, two takes and one question, two slots, so that the second take writes the slot
    /// that the question may be reading; exhaustive. Fails without the validation, or either fence.
    a_wait_is_that_of_one_version, None, 20, [0, 3, 5], || {
        // Levels (7, 7), then (6, 4), then (2, 3): short by (0, 0), (1, 3) or (5, 4). A mixture:
        // (5, 0), (0, 4), (1, 4), (5, 3).
        let bucket = multi_bucket::<2, 2>([7, 7]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.wait_for([7, 7]).unwrap().unwrap().as_nanos())
        };
        assert!(bucket.try_take([1, 3]).is_ok());
        assert!(bucket.try_take([4, 1]).is_ok());
        other.join().unwrap()
    }
}
