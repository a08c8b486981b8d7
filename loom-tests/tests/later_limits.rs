//! Calls under limits that have changed before. They run through another copy of the loop than
//! those under the first limits do, and read a revision beside the words.
#![cfg(loom)]

use std::sync::Arc;
use std::time::Duration;

use loom_tests::{limit, model, multi_bucket, thread};
use tollgate::clock::ManualClock;
use tollgate::limit::Inherit::Additive;
use tollgate::{Limit, MultiBucket, Rate};

/// Makes a bucket whose limits have changed once: each capacity grew by 1, and it is full.
fn changed<const N: usize, const S: usize>(capacity: [u64; N]) -> Arc<MultiBucket<N, ManualClock, S>> {
    let bucket = multi_bucket::<N, S>(capacity.map(|capacity| capacity - 1));
    bucket.set_limits_with(capacity.map(limit), Additive).unwrap();
    bucket
}

/// Makes a limit of a token in so many nanoseconds.
fn slower(nanos: u64, capacity: u64) -> Limit {
    Limit::new(Rate::new(1, Duration::from_nanos(nanos)).unwrap(), capacity)
}

model! {
    /// Two takes are both debited.
    ///
    /// Two threads, one take each, two streams; exhaustive. Fails if a take publishes over what it
    /// has not seen.
    two_takes_are_both_debited, None, 10, [[3, 2]], || {
        let bucket = changed::<2, 3>([6, 6]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take([1, 3]).is_ok()))
        };
        assert!(bucket.try_take([2, 1]).is_ok());
        other.join().unwrap();
        bucket.available()
    }
}

model! {
    /// Of two takes where one fits, one is granted, and the other is refused on what that left.
    ///
    /// Two threads, one take each, two streams; exhaustive. Fails if a refusal is not of one
    /// version.
    one_of_two_is_granted_where_one_fits, None, 10, [(None, Some(4)), (Some(4), None)], || {
        let bucket = changed::<2, 3>([6, 6]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([5, 5]).err().map(|error| error.wait().unwrap().as_nanos()))
        };
        let mine = bucket.try_take([5, 5]).err().map(|error| error.wait().unwrap().as_nanos());
        (mine, other.join().unwrap())
    }
}

model! {
    /// A reader sees no version in parts while takes use its slot again.
    ///
    /// Two threads: two takes and a read, two slots; exhaustive. Fails if a take releases the slot
    /// of the version that it published.
    a_reader_beside_takes_sees_one_version, None, 10, [[6, 6], [5, 5], [4, 4]], || {
        let bucket = changed::<2, 2>([6, 6]);
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.available())
        };
        (0..2).for_each(|_| assert!(bucket.try_take([1, 1]).is_ok()));
        reader.join().unwrap()
    }
}

model! {
    /// A refusal after a lost race is of one version.
    ///
    /// Two threads: a take of two streams beside three changes of the words, three slots. At most
    /// two preemptions. The words have five of both only before the first change. Fails if a
    /// refusal is not validated, or one after a lost race.
    a_late_refusal_is_of_one_version, Some(2), 100, [None, Some(5)], || {
        let bucket = changed::<2, 3>([5, 5]);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([5, 5]).err().map(|error| error.wait().unwrap().as_nanos()))
        };
        bucket.reset([0, 4]);
        bucket.reset([0, 0]);
        bucket.reset([4, 0]);
        taker.join().unwrap()
    }
}

model! {
    /// A handle keeps its slot over a refusal, and its next take is debited.
    ///
    /// Two threads: two refusals and a take through a handle, beside a take; exhaustive. Fails if
    /// the handle's slot is given back with a refusal.
    a_handle_that_was_refused_keeps_its_slot, None, 5, [[2]], || {
        let bucket = changed::<1, 3>([5]);
        let handle = bucket.handle().unwrap();
        (0..2).for_each(|_| assert!(handle.try_take([6]).is_err()));
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take([2]).is_ok()))
        };
        assert!(handle.try_take([1]).is_ok());
        other.join().unwrap();
        drop(handle);
        bucket.available()
    }
}

model! {
    /// A handle that takes beside a change debits what it takes, under whichever limits.
    ///
    /// Two threads: two takes through a handle, and a change; exhaustive. Fails if
    /// a take publishes words that it counted in other limits.
    a_handle_beside_a_change_is_debited, None, 10, [([4], 6)], || {
        let bucket = changed::<1, 4>([5]);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                let handle = bucket.handle().unwrap();
                (0..2).for_each(|_| assert!(handle.try_take([1]).is_ok()));
            })
        };
        bucket.set_limits_with([limit(6)], Additive).unwrap();
        taker.join().unwrap();
        (bucket.available(), bucket.limit().capacity)
    }
}

model! {
    /// What is taken beside two changes is counted in one revision.
    ///
    /// Two threads: one takes what there is, the other changes the limits twice, two slots. At most
    /// one preemption. Fails if a take is decided on limits that are a mixture, or divides by what
    /// it reads of one.
    items_beside_two_changes_are_of_one_revision, Some(1), 50, [4, 5, 6], || {
        let bucket = changed::<1, 2>([4]);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_items(9, [1]))
        };
        bucket.set_limits_with([limit(5)], Additive).unwrap();
        bucket.set_limits_with([limit(6)], Additive).unwrap();
        let taken = taker.join().unwrap();
        assert_eq!(bucket.available(), [6 - taken]);
        taken
    }
}

model! {
    /// A take never counts words in limits that they are not counted in, whatever a slot is used
    /// for meanwhile.
    ///
    /// Two threads: a take, and two changes whose units differ; the second writes the slot that
    /// the take may still read. At most one preemption. Fails if the take is published though the
    /// epoch moved.
    a_take_beside_changes_of_the_unit_is_counted_once, Some(1), 100, [[1]], || {
        let bucket = multi_bucket::<1, 3>([2]);
        bucket.set_limits([slower(3, 2)]).unwrap();
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take([1]).is_ok()))
        };
        for nanos in [7, 5] {
            bucket.set_limits([slower(nanos, 2)]).unwrap();
        }
        taker.join().unwrap();
        bucket.available()
    }
}

model! {
    /// Two changes come one after the other, each from what the other left.
    ///
    /// Two threads, one change each; exhaustive. Fails if a change counts in limits that were left.
    two_changes_come_one_after_the_other, None, 10, [(3, 6, 1), (5, 8, 1)], || {
        let bucket = multi_bucket::<1, 3>([1]);
        bucket.set_limits([slower(2, 7)]).unwrap();
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.set_limits([slower(3, 6)]).unwrap())
        };
        bucket.set_limits([slower(5, 8)]).unwrap();
        other.join().unwrap();
        let [left] = bucket.available();
        let wait = bucket.wait_for([left + 1]).unwrap().unwrap().as_nanos();
        (wait, bucket.limit().capacity, left)
    }
}

model! {
    /// A change sees that the limits it began from were left, though their slot holds others now.
    ///
    /// Two threads: one change, and two others of which the second uses the slot of the first
    /// again. At most one preemption. Words of one unit counted in another would be more tokens,
    /// or fewer. Fails if a change compares only the index of its limits.
    a_change_beside_two_others_sees_that_its_limits_were_left, Some(1), 20, [[2]], || {
        let bucket = multi_bucket::<1, 4>([2]);
        bucket.set_limits([slower(2, 4)]).unwrap();
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || [3, 8].map(|nanos| bucket.set_limits([slower(nanos, 4)]).unwrap()))
        };
        bucket.set_limits([slower(5, 4)]).unwrap();
        other.join().unwrap();
        bucket.available()
    }
}

model! {
    /// Changes that lose a race keep no slot: two threads use no more of them than two places.
    ///
    /// Two threads, one change each, then eight more by one. At most one preemption. Without
    /// `alloc` a third place does not exist. Fails if a lost attempt keeps what it claimed.
    changes_that_lose_keep_nothing, Some(1), 20, [([0], 12)], || {
        let bucket = multi_bucket::<1, 2>([1]);
        bucket.reset([0]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.set_limits([limit(2)]).unwrap())
        };
        bucket.set_limits([limit(1)]).unwrap();
        other.join().unwrap();
        (0..7).for_each(|_| bucket.set_limits([limit(1)]).unwrap());
        bucket.set_limits([limit(12)]).unwrap();
        (bucket.available(), bucket.limit().capacity)
    }
}

model! {
    /// A change beside one that links a further block of slots is published once.
    ///
    /// Two threads, one change each, from two revisions that are both in use: a frozen change holds
    /// one. At most two preemptions. Fails if both get one slot of the block.
    #[cfg(feature = "keys")]
    two_changes_that_link_a_block_get_a_slot_each, Some(2), 50, [(5, [1]), (7, [1])], || {
        let bucket = multi_bucket::<1, 1>([1]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.set_limits([limit(7)]).unwrap())
        };
        bucket.set_limits([limit(5)]).unwrap();
        other.join().unwrap();
        (bucket.limit().capacity, bucket.available())
    }
}

model! {
    /// A reservation beside a pause is made before it or in it, and ready at its end either way.
    ///
    /// Two threads, one call each; exhaustive. Fails if a pause loses a place.
    a_reservation_beside_a_pause_is_ready_after_it, None, 10, [10], || {
        let bucket = changed::<1, 4>([3]);
        bucket.try_take([3]).unwrap();
        let pauser = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.pause_for(Duration::from_nanos(9)))
        };
        let place = bucket.reserve([1]).unwrap();
        pauser.join().unwrap();
        let ready = place.ready_at().unwrap().as_nanos();
        place.commit();
        ready
    }
}

model! {
    /// A late wait notices that the revision it reads is written anew.
    ///
    /// Two threads: a wait for one more token, and two changes of the rate, of which the second
    /// writes the slot that the first left. At most one preemption. Fails if the fence in
    /// `RevisionSlot::write` goes.
    a_late_wait_sees_through_a_revision_that_is_used_again, Some(1), 10, [1, 3, 5], || {
        let bucket = multi_bucket::<1, 4>([10]);
        bucket.reset([1]);
        bucket.set_limits([slower(1, 10)]).unwrap();
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.wait_for([2]).unwrap().unwrap().as_nanos())
        };
        bucket.set_limits([slower(3, 10)]).unwrap();
        bucket.set_limits([slower(5, 10)]).unwrap();
        reader.join().unwrap()
    }
}
