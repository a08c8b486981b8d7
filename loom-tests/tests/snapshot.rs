//! A snapshot is one version, never a mixture: what a seqlock promises its readers, kept without a
//! writer that holds it.
//!
//! Every take in these models takes as much from one stream as from the other, so a torn picture
//! shows two different levels.
#![cfg(loom)]

use std::sync::Arc;

use loom::thread;
use loom_tests::{THREE_THREADS, model, multi_bucket};

model! {
    /// A reader beside one take sees all of it or nothing.
    ///
    /// Two threads, one call each; exhaustive. Fails if the load in `Epoch::load` or the
    /// compare-exchange in `Epoch::publish` is `Relaxed`.
    a_snapshot_is_never_torn, None, 5, [[4, 4], [3, 3]], || {
        let bucket = multi_bucket::<2, 3>([4, 4]);
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.available())
        };
        assert!(bucket.try_take([1, 1]).is_ok());
        reader.join().unwrap()
    }
}

model! {
    /// A reader that is late notices when the slot it reads has been released, claimed and written
    /// again.
    ///
    /// Two threads, two takes and one read, two slots, so that the second take writes the slot that
    /// the reader may still be in; exhaustive. Fails without the fence in `Slot::write`, without
    /// the one in `Epoch::validate`, or without the validation.
    a_late_reader_sees_through_a_slot_that_is_used_again, None, 20, [[4, 4], [3, 3], [2, 2]], || {
        let bucket = multi_bucket::<2, 2>([4, 4]);
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.available())
        };
        for _ in 0..2 {
            assert!(bucket.try_take([1, 1]).is_ok());
        }
        reader.join().unwrap()
    }
}

model! {
    /// The same where the slot is used again by another thread than the one that released it.
    ///
    /// Three threads: two takes of one each and a read, two slots. Fails if the claim is not
    /// `Acquire` or the release is not `Release`: the second writer then writes the slot without
    /// knowing that the epoch has left it, and cannot tell the reader.
    a_reader_sees_through_a_slot_that_is_used_again, Some(THREE_THREADS), 100, [[4, 4], [3, 3], [2, 2]], || {
        let bucket = multi_bucket::<2, 2>([4, 4]);
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.available())
        };
        let writer = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take([1, 1]).is_ok()))
        };
        assert!(bucket.try_take([1, 1]).is_ok());
        writer.join().unwrap();
        reader.join().unwrap()
    }
}

model! {
    /// The sequence of a snapshot counts the changes that its levels show.
    ///
    /// Two threads, two takes and one snapshot; exhaustive. Fails if the sequence is read apart
    /// from the levels.
    the_sequence_is_that_of_the_levels, None, 20, [(0, [4, 4]), (1, [3, 3]), (2, [2, 2])], || {
        let bucket = multi_bucket::<2, 3>([4, 4]);
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                let snapshot = bucket.snapshot();
                (snapshot.sequence(), snapshot.available())
            })
        };
        for _ in 0..2 {
            assert!(bucket.try_take([1, 1]).is_ok());
        }
        reader.join().unwrap()
    }
}

model! {
    /// Two snapshots of one thread never go back.
    ///
    /// Two threads, two takes and two snapshots; exhaustive. Fails if publishing does not count up.
    a_later_snapshot_is_no_older, None, 20, [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)], || {
        let bucket = multi_bucket::<1, 3>([4]);
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || (bucket.snapshot().sequence(), bucket.snapshot().sequence()))
        };
        for _ in 0..2 {
            assert!(bucket.try_take([1]).is_ok());
        }
        reader.join().unwrap()
    }
}
