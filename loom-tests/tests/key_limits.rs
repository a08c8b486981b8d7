//! The limits of keys change beside takes, evictions, other changes and new keys: a call is decided
//! on one of the limits, whole.
#![cfg(loom)]

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use loom_tests::{limit, model};
use tollgate::clock::{ManualClock, Time};
use tollgate::{KeyedBuckets, Limit, Rate};

/// The same in every execution.
type Hasher = BuildHasherDefault<DefaultHasher>;

type Keyed = Arc<KeyedBuckets<u8, 1, ManualClock, Hasher>>;

/// A token a nanosecond, up to `capacity`.
fn keys(capacity: u64) -> Keyed {
    Arc::new(KeyedBuckets::with_hasher(limit(capacity), 9, ManualClock::new(), Hasher::new()).unwrap())
}

/// `rate` tokens a nanosecond.
fn faster(rate: u64, capacity: u64) -> Limit {
    Limit::new(Rate::per_second(rate * 1_000_000_000), capacity)
}

fn beside<R: 'static>(keys: &Keyed, call: impl FnOnce(&Keyed) -> R + 'static) -> thread::JoinHandle<R> {
    let keys = Arc::clone(keys);
    thread::spawn(move || {
        begin(&keys);
        call(&keys)
    })
}

/// A write that changes nothing: loom explores nothing of two threads that begin with a load
/// (tokio-rs/loom#392).
fn begin(keys: &Keyed) {
    keys.clock().advance(Duration::ZERO);
}

fn at(nanos: u64) -> Time {
    Time::from_nanos(nanos)
}

model! {
    /// A key is empty at 10, and the rate is then changed from 1 to 2, from 20 on. A take beside
    /// that, at 30, finds 20 by the one and 30 by the other.
    ///
    /// Two threads; exhaustive. Fails if what a revision says of the line is published by less than
    /// the Release, or mixed.
    a_take_beside_a_change_is_decided_on_one_of_the_limits, None, 10, [(20, 10), (30, 0)], || {
        let keys = keys(100);
        keys.at(at(10)).try_take(&7, 100).unwrap();
        let other = beside(&keys, |keys| keys.at(at(20)).set_limits(faster(2, 100)).unwrap());
        begin(&keys);
        let taken = keys.at(at(30)).take_up_to(&7, 100, 1);
        other.join().unwrap();
        (taken, keys.at(at(30)).available(&7))
    }
}

model! {
    /// A reader beside two changes, of which the second lies where the terms lie that it reads,
    /// finds what there is by one of the three.
    ///
    /// Two threads; one preemption is all that it takes, and without a bound it takes an hour.
    /// Fails if what is read is not validated, or is published by less than the Release.
    a_late_reader_sees_through_terms_that_are_used_again, Some(1), 10, [30, 40, 70], || {
        let keys = keys(1000);
        keys.at(at(0)).try_take(&7, 1000).unwrap();
        keys.at(at(10)).set_limits(faster(1, 1000)).unwrap();
        let other = beside(&keys, |keys| {
            keys.at(at(20)).set_limits(faster(2, 30)).unwrap();
            keys.at(at(30)).set_limits(faster(4, 1000)).unwrap();
        });
        begin(&keys);
        let seen = keys.at(at(40)).available(&7);
        other.join().unwrap();
        seen
    }
}

model! {
    /// A call that begins after the change has returned, which it learns of by a later change of
    /// the same thread, is decided on the new limits.
    ///
    /// Two threads that both put in a key, so two preemptions at most. Fails if a call uses limits
    /// that it has looked at before.
    after_a_change_nobody_is_granted_on_the_old_limits, Some(2), 5, [(true, 10), (false, 0)], || {
        let keys = keys(10);
        let other = beside(&keys, |keys| {
            keys.set_limits(limit(5)).unwrap();
            // Told through the bucket of another key, which orders nothing: but the epoch is read
            // after it was written.
            keys.try_take(&8, 1).unwrap();
        });
        begin(&keys);
        let old = keys.try_take(&7, 10).is_ok();
        let granted = if old { 10 } else { 0 };
        other.join().unwrap();
        assert!(keys.try_take(&9, 6).is_err(), "more than the new capacity");
        assert_eq!(keys.available(&7), if old { 0 } else { 5 });
        (old, granted)
    }
}

model! {
    /// Two changes at once: one comes after the other, and both have returned.
    ///
    /// Two threads; exhaustive. Fails if a change is published over one that it has not seen.
    two_changes_at_once_are_one_after_the_other, None, 5, [(30, 20), (20, 30)], || {
        let keys = keys(100);
        keys.at(at(0)).try_take(&7, 100).unwrap();
        let other = beside(&keys, |keys| keys.at(at(10)).set_limits(faster(2, 20)).unwrap());
        begin(&keys);
        keys.at(at(10)).set_limits(faster(2, 30)).unwrap();
        other.join().unwrap();
        let seen = keys.at(at(40)).available(&7);
        (seen, if keys.limits() == faster(2, 20) { 30 } else { 20 })
    }
}

model! {
    /// A key is full at 3, and is removed at 3 beside a change at 3 that lets capacity grow:
    /// whether it went before or after, it has 3 at that instant, and earns on.
    ///
    /// Two threads; exhaustive. Fails if a key is full under limits that are not those its words
    /// are read in.
    a_change_beside_the_removal_of_a_key_keeps_what_it_had, None, 5, [(3, 4, 1)], || {
        let keys = keys(3);
        keys.at(at(0)).try_take(&7, 3).unwrap();
        let other = beside(&keys, |keys| keys.at(at(3)).set_limits(limit(10)).unwrap());
        begin(&keys);
        keys.at(at(3)).try_take(&8, 1).unwrap();
        other.join().unwrap();
        keys.at(at(4)).shrink();
        (keys.at(at(3)).available(&7), keys.at(at(4)).available(&7), keys.len())
    }
}

model! {
    /// A key is made beside a change that lowers the capacity from 10 to 4: it has 10 less what it
    /// took, cut off at 4, or 4 less that.
    ///
    /// Two threads; exhaustive. Fails if a new key begins full of limits that are no longer,
    /// counted as in others.
    a_key_that_is_added_beside_a_change_begins_as_one_that_was_there, None, 5, [(3, 4), (3, 1)], || {
        let keys = keys(10);
        let other = beside(&keys, |keys| keys.at(at(0)).set_limits(limit(4)).unwrap());
        begin(&keys);
        let taken = keys.at(at(0)).take_up_to(&7, 3, 1);
        other.join().unwrap();
        (taken, keys.at(at(0)).available(&7))
    }
}

model! {
    /// A key is in debt by a reservation, and full at 4. It is cancelled beside an eviction at 4:
    /// the key has three tokens then, no more and no fewer. A thread whose clock stands at 2 finds
    /// two, or one, where the eviction wrote down the debt first. If it was cancelled before it
    /// goes, it stays: it was given back to.
    ///
    /// Two threads; exhaustive. Fails if what comes back goes into a closed cell, or fills a bucket
    /// again that is full.
    a_cancel_beside_an_eviction_loses_and_doubles_nothing, None, 5, [(1, 3, 0), (1, 3, 1), (2, 3, 1)], || {
        let keys = keys(3);
        keys.at(at(0)).try_take(&7, 3).unwrap();
        let seven = keys.bucket(&7);
        let place = seven.reserve(1).unwrap();
        let other = beside(&keys, |keys| {
            keys.at(at(4)).shrink();
        });
        begin(&keys);
        place.cancel();
        other.join().unwrap();
        (keys.at(at(2)).available(&7), keys.at(at(4)).available(&7), keys.len())
    }
}
