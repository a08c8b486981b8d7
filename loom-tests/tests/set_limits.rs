//! Limits change in one step, beside calls that go on: each decides on one version, of the words and of the limits that they are counted in.
#![cfg(loom)]

use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use loom_tests::{limit, model, multi_bucket};
use tollgate::Inherit::{Additive, Keep};
use tollgate::{Limit, ManualClock, MultiBucket, Rate, Time};

/// The capacities of a bucket's limits.
fn capacities<const N: usize, const S: usize>(bucket: &MultiBucket<N, ManualClock, S>) -> [u64; N] {
    bucket.limits().map(|limit| limit.capacity)
}

model! {
    /// A take that does not fit before a change is refused, or granted after it; what it took is missing afterwards either way.
    ///
    /// Two threads, one change and one take; exhaustive. Fails if the state does not name its limits, or a change does not publish.
    a_change_beside_a_take_comes_before_or_after_it, None, 10, [(false, [6]), (true, [1])], || {
        let bucket = multi_bucket::<1, 3>([3]);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([5]).is_ok())
        };
        bucket.set_limits_with([limit(6)], Additive).unwrap();
        let taken = taker.join().unwrap();
        assert_eq!(capacities(&bucket), [6]);
        (taken, bucket.available())
    }
}

model! {
    /// Tokens taken beside a change are neither lost nor counted twice.
    ///
    /// Two threads, one change and two takes; exhaustive. Fails if a change publishes over a take that it has not seen.
    a_take_beside_a_change_is_counted_once, None, 10, [[2]], || {
        let bucket = multi_bucket::<1, 3>([4]);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || (0..2).for_each(|_| assert!(bucket.try_take([1]).is_ok())))
        };
        bucket.set_limits_with([limit(6)], Keep).unwrap();
        taker.join().unwrap();
        bucket.available()
    }
}

model! {
    /// Two changes come one after the other, whichever is first: each adds its difference to what the other left.
    ///
    /// Two threads, one change each; exhaustive. Fails if a change settles a version that is not current, or if two changers get one slot.
    two_changes_come_one_after_the_other, None, 10, [([5], [5]), ([7], [6])], || {
        let bucket = multi_bucket::<1, 3>([3]);
        assert!(bucket.try_take([1]).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.set_limits_with([limit(7)], Additive).unwrap())
        };
        bucket.set_limits_with([limit(5)], Additive).unwrap();
        other.join().unwrap();
        (capacities(&bucket), bucket.available())
    }
}

model! {
    /// A snapshot shows the words of one version and the limits that they are counted in.
    ///
    /// Two threads, one change and one snapshot of two streams; exhaustive. Fails if limits are read apart from the words, or if the
    /// change is not published with `Release`.
    a_snapshot_beside_a_change_is_of_one_version, None, 5, [([2, 3], [2, 3]), ([8, 9], [8, 9])], || {
        let bucket = multi_bucket::<2, 3>([2, 3]);
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                let snapshot = bucket.snapshot();
                (snapshot.limits().map(|limit| limit.capacity), snapshot.available())
            })
        };
        bucket.set_limits_with([limit(8), limit(9)], Additive).unwrap();
        reader.join().unwrap()
    }
}

model! {
    /// A reader that is late notices when the slot of the limits that it reads has been released, claimed and written again.
    ///
    /// Two threads, two changes and one read; the first change was made before. The second of the two writes the slot that the reader may still be in. At
    /// most one preemption, as each of the words may be read old or new. Fails without the fence in `RevisionSlot::write`, or without the validation.
    a_late_reader_sees_through_a_revision_that_is_used_again, Some(1), 10, [[4], [5], [6]], || {
        let bucket = multi_bucket::<1, 4>([3]);
        bucket.set_limits_with([limit(4)], Additive).unwrap();
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.available())
        };
        bucket.set_limits_with([limit(5)], Additive).unwrap();
        bucket.set_limits_with([limit(6)], Additive).unwrap();
        reader.join().unwrap()
    }
}

model! {
    /// A refusal that is late notices the same: its wait is of one rate, and of the words that are counted in it.
    ///
    /// Two threads, two changes and one take that is refused; the first change was made before. A token takes 1, 3 and then 5 ns, and is as many units. At most
    /// one preemption, as above. Fails without the validation of limits that are not the first.
    a_late_refusal_sees_through_a_revision_that_is_used_again, Some(1), 10, [1, 3, 5], || {
        let slower = |nanos| Limit::new(Rate::new(1, Duration::from_nanos(nanos)).unwrap(), 10);
        let bucket = multi_bucket::<1, 4>([10]);
        bucket.reset([1]);
        bucket.set_limits([slower(1)]).unwrap();
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([2]).unwrap_err().wait().unwrap().as_nanos())
        };
        bucket.set_limits([slower(3)]).unwrap();
        bucket.set_limits([slower(5)]).unwrap();
        taker.join().unwrap()
    }
}

model! {
    /// A handle takes under the old limits or under the new ones.
    ///
    /// Two threads, one change and two takes through a handle; exhaustive. Fails if a handle remembers limits.
    a_handle_beside_a_change_takes_under_one_of_the_limits, None, 10, [(0, [5]), (1, [2])], || {
        let bucket = multi_bucket::<1, 3>([2]);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                let mut handle = bucket.handle().unwrap();
                (0..2).filter(|_| handle.try_take([3]).is_ok()).count()
            })
        };
        bucket.set_limits_with([limit(5)], Additive).unwrap();
        let taken = taker.join().unwrap();
        (taken, bucket.available())
    }
}

model! {
    /// The instant of a change is not before a decision that it has seen.
    ///
    /// Two threads: one moves the clock by 10 and takes what there is, the other lowers the rate to 0; afterwards one token comes back, and is there if nothing was owed.
    /// Exhaustive. Fails if the clock is read before the epoch: what was earned and taken by then would be owed.
    a_change_is_no_older_than_what_it_has_seen, None, 10, [(3, [1]), (0, [1])], || {
        let bucket = multi_bucket::<1, 3>([3]);
        assert!(bucket.try_take([3]).is_ok());
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                bucket.clock().set(Time::from_nanos(10));
                bucket.take_up_to(3, [1])
            })
        };
        bucket.set_limits([Limit::per_second(0).capacity(3)]).unwrap();
        let taken = taker.join().unwrap();
        bucket.put_back([1]);
        (taken, bucket.available())
    }
}

model! {
    /// Whoever changes the limits while all slots are taken links a further block, and so does whoever takes.
    ///
    /// Two threads: a change, which needs a slot for the limits and one for the state, and a take; one slot for the state inside the bucket, none for limits.
    /// At most two preemptions. Fails if both get one slot.
    a_change_and_a_take_share_what_grows, Some(2), 10, [[4]], || {
        let bucket = multi_bucket::<1, 1>([3]);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || assert!(bucket.try_take([1]).is_ok()))
        };
        bucket.set_limits_with([limit(5)], Additive).unwrap();
        taker.join().unwrap();
        bucket.available()
    }
}

model! {
    /// The slots that changes have replaced serve the next ones.
    ///
    /// One thread, 130 changes; one execution. Fails if a change keeps the slot of the limits, or of the state, that it has replaced.
    a_revision_that_was_replaced_is_used_again, None, 1, [(130, [130])], || {
        let bucket = multi_bucket::<1, 2>([1]);
        for i in 1..=130 {
            bucket.set_limits_with([limit(i)], Additive).unwrap();
        }
        (bucket.snapshot().sequence(), bucket.available())
    }
}
