//! A snapshot is one version, never a mixture. A seqlock promises this, too, but its writer blocks
//! others.
//!
//! Every take in these models takes equal amounts from both streams, so a torn snapshot shows two
//! different levels.
#![cfg(loom)]

use std::sync::Arc;

use loom_tests::thread;
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
    /// A late reader notices that its slot was released, claimed and rewritten.
    ///
    /// Two threads, two takes and one read; exhaustive. With two slots, the second take writes the
    /// slot that the reader may still read. Fails without the fence in `Slot::write`, without the
    /// one in `Epoch::validate`, or without the validation.
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
    /// A late reader notices it, too, if another thread rewrote the released slot.
    ///
    /// Three threads: two takes of one each and a read, two slots. Fails if the claim is not
    /// `Acquire` or the release is not `Release`. The second writer then writes the slot without
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
