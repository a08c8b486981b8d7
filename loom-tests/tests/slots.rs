//! Slots come back: the slots in use never exceed simultaneous calls, plus handles, plus the
//! current version.
//!
//! One thread and many calls. If each call lost a slot, each search for a free one would take
//! longer. The model would then exceed the 10,000 steps that an execution may have.
#![cfg(loom)]

use loom_tests::{model, multi_bucket};

model! {
    /// The slot that a call has replaced serves the next call.
    ///
    /// One thread, 400 calls; one execution. Fails if the release is dropped, or a call keeps the
    /// slot that it has replaced.
    a_slot_that_was_replaced_is_used_again, None, 1, [(400, [4])], || {
        let bucket = multi_bucket::<1, 2>([4]);
        for _ in 0..100 {
            assert!(bucket.try_take([3]).is_ok());
            bucket.put_back([1]);
            assert_eq!(bucket.take_items(9, [1]), 2);
            bucket.reset([4]);
        }
        let snapshot = bucket.snapshot();
        (snapshot.sequence(), snapshot.available())
    }
}

model! {
    /// The slot of a handle that was dropped serves the next handle.
    ///
    /// One thread, 400 handles, one after the other; one execution. Fails if the drop of a handle
    /// keeps its slot.
    the_slot_of_a_dropped_handle_is_used_again, None, 1, [400], || {
        let bucket = multi_bucket::<1, 2>([1]);
        (0..400).filter(|_| bucket.handle().is_ok()).count()
    }
}
