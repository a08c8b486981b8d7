//! Slots run out: the thread that needs one links a further block, and both threads go on.
#![cfg(loom)]

use std::sync::Arc;

use loom_tests::thread;
use loom_tests::{THREE_THREADS, model, multi_bucket};

model! {
    /// Either thread installs the grown block, and both takes are granted in it.
    ///
    /// Two threads, one take each, one slot in the first block, so that the first take must grow;
    /// exhaustive. Fails if a block is found before its slots are free, or if two takers get one
    /// slot of it.
    either_thread_installs_the_block, None, 20, [[0, 0]], || {
        let bucket = multi_bucket::<2, 1>([2, 3]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take([1, 2]).is_ok()))
        };
        assert!(bucket.try_take([1, 1]).is_ok());
        other.join().unwrap();
        bucket.available()
    }
}

model! {
    /// A reader finds a whole version in the grown block that the epoch names.
    ///
    /// Two threads, two takes and one read; exhaustive. Fails if the load in `Epoch::load` or the
    /// compare-exchange in `Epoch::publish` is `Relaxed`.
    a_reader_finds_the_block_that_the_epoch_names, None, 5, [[2, 2], [1, 1], [0, 0]], || {
        let bucket = multi_bucket::<2, 1>([2, 2]);
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.available())
        };
        assert!(bucket.try_take([1, 1]).is_ok());
        assert!(bucket.try_take([1, 1]).is_ok());
        reader.join().unwrap()
    }
}

model! {
    /// With three takers and one slot, blocks grow, and every take is granted once.
    ///
    /// Three threads, one take each. Fails if two takers can own one slot.
    three_takers_share_what_grows, Some(THREE_THREADS), 100, [[0]], || {
        let bucket = multi_bucket::<1, 1>([3]);
        let others = [(), ()].map(|()| {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take([1]).is_ok()))
        });
        assert!(bucket.try_take([1]).is_ok());
        for other in others {
            other.join().unwrap();
        }
        bucket.available()
    }
}

model! {
    /// While two handles fill the first grown block, a call finds the second.
    ///
    /// Two threads, two takes through handles and one without; exhaustive. The first block has one
    /// slot, the next two, the one after it four. Fails if claiming and finding count the blocks
    /// differently.
    handles_reach_into_the_second_block, None, 20, [[0]], || {
        let bucket = multi_bucket::<1, 1>([3]);
        let mut handles = [bucket.handle().unwrap(), bucket.handle().unwrap()];
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take([1]).is_ok()))
        };
        for handle in &mut handles {
            assert!(handle.try_take([1]).is_ok());
        }
        other.join().unwrap();
        bucket.available()
    }
}
