//! Handles: a slot of its own changes which thread writes, not what is granted.
#![cfg(loom)]

use std::sync::Arc;

use loom_tests::thread;
use loom_tests::{THREE_THREADS, model, multi_bucket};

model! {
    /// A handle and a bare call race for the last tokens: exactly one gets them.
    ///
    /// Two threads, two takes and one; exhaustive. Fails if the compare-exchange in
    /// `Epoch::publish` becomes a load and a store.
    a_handle_and_a_bare_call_share_the_last_tokens, None, 20, [(2, false, [0, 1]), (1, true, [0, 1])], || {
        let bucket = multi_bucket::<2, 3>([2, 3]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1, 1]).is_ok())
        };
        let handle = bucket.handle().unwrap();
        let mine = (0..2).filter(|_| handle.try_take([1, 1]).is_ok()).count();
        drop(handle);
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// A late reader notices that a handle rewrote the slot that its take replaced.
    ///
    /// Two threads, two takes and one read; exhaustive. Fails without the fence in `Slot::write`,
    /// the one in `Epoch::validate`, or the validation.
    a_late_reader_sees_through_the_slot_of_a_handle, None, 20, [[4, 4], [3, 3], [2, 2]], || {
        let bucket = multi_bucket::<2, 3>([4, 4]);
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.available())
        };
        let handle = bucket.handle().unwrap();
        for _ in 0..2 {
            assert!(handle.try_take([1, 1]).is_ok());
        }
        drop(handle);
        reader.join().unwrap()
    }
}

model! {
    /// A late reader notices that another thread claimed the slot of a dropped handle.
    ///
    /// Three threads: a handle that takes once and is dropped, a bare take, and a read; three
    /// slots. Fails if the claim and the release are not a pair of Acquire and Release.
    a_slot_given_back_by_a_handle_is_used_again, Some(THREE_THREADS), 100, [[4, 4], [3, 3], [2, 2]], || {
        let bucket = multi_bucket::<2, 3>([4, 4]);
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.available())
        };
        let writer = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take([1, 1]).is_ok()))
        };
        let handle = bucket.handle().unwrap();
        assert!(handle.try_take([1, 1]).is_ok());
        drop(handle);
        writer.join().unwrap();
        reader.join().unwrap()
    }
}

model! {
    /// Two handles race for the last tokens: exactly one gets them.
    ///
    /// Two threads, one take each; exhaustive. Fails if the compare-exchange in `Epoch::publish`
    /// becomes a load and a store.
    two_handles_share_the_last_tokens, None, 10, [(true, false, [0, 1]), (false, true, [0, 1])], || {
        let bucket = multi_bucket::<2, 3>([1, 2]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.handle().unwrap().try_take([1, 1]).is_ok())
        };
        let mine = bucket.handle().unwrap().try_take([1, 1]).is_ok();
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// Tokens that a handle puts back go to the next call, of either thread.
    ///
    /// Two threads, two calls and one; exhaustive. Fails if the compare-exchange in
    /// `Epoch::publish` becomes a load and a store.
    what_a_handle_puts_back_is_taken_once, None, 20, [(2, false, [0, 0]), (1, true, [0, 0])], || {
        let bucket = multi_bucket::<2, 3>([3, 3]);
        let handle = bucket.handle().unwrap();
        assert!(handle.try_take([3, 3]).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1, 1]).is_ok())
        };
        handle.put_back([2, 2]);
        let mine = handle.take_items(5, [1, 1]);
        drop(handle);
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// A dropped handle releases its slot once: a thread that has claimed it keeps it.
    ///
    /// Two threads, a drop and a take each; two slots; exhaustive. Fails if the drop releases
    /// twice.
    a_handle_gives_its_slot_back_once, None, 20, [[0, 0]], || {
        let bucket = multi_bucket::<2, 2>([3, 3]);
        let handle = bucket.handle().unwrap();
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take([2, 1]).is_ok()))
        };
        drop(handle);
        assert!(bucket.try_take([1, 2]).is_ok());
        other.join().unwrap();
        bucket.available()
    }
}
