//! Limits change in one step beside other calls. Each call decides on one version: words, and the
//! limits that they are counted in.
#![cfg(loom)]

use std::sync::Arc;
use std::time::Duration;

use loom_tests::thread;
use loom_tests::{limit, model, multi_bucket};
use tollgate::clock::{ManualClock, Time};
use tollgate::limit::Inherit::{Additive, Keep};
use tollgate::{Limit, MultiBucket, Rate};

/// Returns the capacities of a bucket's limits.
fn capacities<const N: usize, const S: usize>(bucket: &MultiBucket<N, ManualClock, S>) -> [u64; N] {
    bucket.limits().map(|limit| limit.capacity)
}

model! {
    /// A take that fits only after a change is refused, or granted after it.
    ///
    /// What it took is debited either way.
    ///
    /// Two threads, one change and one take; exhaustive. Fails if the state does not name its
    /// limits, or a change does not publish.
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
    /// Two threads, one change and two takes; exhaustive. Fails if a change publishes over a take
    /// that it has not seen.
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
    /// Two changes come one after the other, in either order.
    ///
    /// Each adds its difference to what the other left.
    ///
    /// Two threads, one change each; exhaustive. Fails if a change settles a version that is not
    /// current, or if two changers get one slot.
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
    /// A snapshot shows the words and the limits of one version.
    ///
    /// Two threads, one change and one snapshot of two streams; exhaustive. Fails if limits are
    /// read apart from the words, or if the change is not published with `Release`.
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
    /// A late reader notices that the slot of its limits was released, claimed and rewritten.
    ///
    /// Two threads, two changes and one read, after an earlier change. The second of the two writes
    /// the slot that the reader may still read. At most one preemption, as each word may be read
    /// old or new. Fails if a slot of the limits is written while it is current. The next model,
    /// not this one, shows that the fence in `RevisionSlot::write` is needed.
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
    /// A late refusal notices it, too: its wait is of one version.
    ///
    /// Two threads, two changes and one refused take, after an earlier change. A token takes 1, 3
    /// and then 5 ns, and is as many units. At most one preemption, as above. Fails without the
    /// fence in `RevisionSlot::write`. Fails without the validation of later limits.
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
    /// Two threads, one change and two takes through a handle; exhaustive. Fails if a handle
    /// remembers limits.
    a_handle_beside_a_change_takes_under_one_of_the_limits, None, 10, [(0, [5]), (1, [2])], || {
        let bucket = multi_bucket::<1, 4>([2]);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                let handle = bucket.handle().unwrap();
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
    /// Two threads, one take and one change; exhaustive. The taker moves the clock by 10 and takes
    /// all tokens, the other lowers the rate to 0. Afterwards one token is put back; it is
    /// available unless there is a debt. Fails if a reading is used that calls have overtaken:
    /// tokens that accrued and were taken meanwhile would become a debt.
    a_change_is_no_older_than_what_it_has_seen, None, 10, [(3, [1]), (0, [1])], || {
        let bucket = multi_bucket::<1, 3>([3]);
        assert!(bucket.try_take([3]).is_ok());
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                bucket.clock().set(Time::from_nanos(10));
                bucket.take_items(3, [1])
            })
        };
        bucket.set_limits([Limit::per_second(0).capacity(3)]).unwrap();
        let taken = taker.join().unwrap();
        bucket.put_back([1]);
        (taken, bucket.available())
    }
}

model! {
    /// Without a free slot, a change of limits links a block, as a take does.
    ///
    /// Two threads: a take and a change, which needs a slot for limits and one for the state. The
    /// bucket has one slot for the state, none for limits. At most two preemptions. Fails if both
    /// get one slot.
    #[cfg(feature = "keys")]
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
    /// One thread, 90 changes; one execution. Fails if a change keeps the slot of the limits, or of
    /// the state, that it has replaced.
    a_revision_that_was_replaced_is_used_again, None, 1, [(90, [90])], || {
        let bucket = multi_bucket::<1, 2>([1]);
        for i in 1..=90 {
            bucket.set_limits_with([limit(i)], Additive).unwrap();
        }
        (bucket.snapshot().sequence(), bucket.available())
    }
}

model! {
    /// A take is granted before a pause or refused in it.
    ///
    /// The thread that paused the bucket is granted nothing more, and no token is lost.
    ///
    /// Two threads, one pause and one take, then a take by the pausing thread; exhaustive. Fails if
    /// the pause is not published with the state, or not checked.
    a_pause_beside_a_take_comes_before_or_after_it, None, 10, [(false, false, [3]), (true, false, [2])], || {
        let bucket = multi_bucket::<1, 3>([3]);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1]).is_ok())
        };
        bucket.pause();
        let late = bucket.try_take([1]).is_ok();
        let taken = taker.join().unwrap();
        bucket.resume();
        (taken, late, bucket.available())
    }
}

model! {
    /// A take is refused before a resume or granted after it.
    ///
    /// Two threads, one resume and one take; exhaustive. Fails if a resume publishes over a version
    /// that it has not seen.
    a_resume_beside_a_take_comes_before_or_after_it, None, 10, [(false, [3]), (true, [2])], || {
        let bucket = multi_bucket::<1, 3>([3]);
        bucket.pause();
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1]).is_ok())
        };
        bucket.resume();
        let taken = taker.join().unwrap();
        (taken, bucket.available())
    }
}

model! {
    /// Of two pauses the later end wins, in either order.
    ///
    /// Two threads, one pause each; exhaustive. Fails if a pause decides on a version that is not
    /// current, or shortens another.
    of_two_pauses_the_later_end_wins_whichever_is_first, None, 5, [9], || {
        let bucket = multi_bucket::<1, 3>([3]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.pause_for(Duration::from_nanos(9)))
        };
        bucket.pause_for(Duration::from_nanos(5));
        other.join().unwrap();
        bucket.pause_left().unwrap().as_nanos()
    }
}

model! {
    /// A change of limits keeps a pause, and a pause keeps the limits.
    ///
    /// Two threads, one change and one pause; exhaustive. Fails if either publishes over the other.
    limits_change_in_a_pause_and_it_stays, None, 5, [([5], 9)], || {
        let bucket = multi_bucket::<1, 3>([3]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.pause_for(Duration::from_nanos(9)))
        };
        bucket.set_limits([limit(5)]).unwrap();
        other.join().unwrap();
        (capacities(&bucket), bucket.pause_left().unwrap().as_nanos())
    }
}

model! {
    /// A reservation beside a pause is made before the pause or in it.
    ///
    /// It has one place. Made in the pause, its instant is the end of the pause.
    ///
    /// Two threads, one pause of 9 ns and one reservation of 2 of 3 tokens; exhaustive. Its instant
    /// is 0 if it was made before, and 9 if it was made in the pause. Fails if a reservation is
    /// counted in limits that it was not made under.
    a_reservation_beside_a_pause_is_made_before_it_or_in_it, None, 10, [(0, [1]), (9, [1])], || {
        let bucket = multi_bucket::<1, 3>([3]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.pause_for(Duration::from_nanos(9)))
        };
        let place = bucket.reserve([2]).unwrap();
        other.join().unwrap();
        let ready = place.ready_at().unwrap().as_nanos();
        place.commit();
        bucket.resume();
        (ready, bucket.available())
    }
}

model! {
    /// A reservation beside a change gets the instant of the new rate, in either order.
    ///
    /// It keeps its place, and its cancelled tokens come back once.
    ///
    /// Two threads, one change from 1 token/ns to a token in 3 ns, and one reservation of 2 tokens
    /// from an empty bucket; exhaustive. Fails if the instant is kept, or if a change is published
    /// over a place.
    a_reservation_beside_a_change_follows_the_new_rate, None, 10, [(6, [0], 9)], || {
        let bucket = multi_bucket::<1, 3>([3]);
        bucket.reset([0]);
        let slower = Limit::new(Rate::new(1, Duration::from_nanos(3)).unwrap(), 3);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.set_limits([slower]).unwrap())
        };
        let place = bucket.reserve([2]).unwrap();
        other.join().unwrap();
        let ready = place.ready_at().unwrap().as_nanos();
        let next = bucket.wait_for([1]).unwrap().unwrap().as_nanos();
        place.cancel();
        (ready, bucket.available(), next)
    }
}
