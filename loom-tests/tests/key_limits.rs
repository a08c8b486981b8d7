//! The limits of keys change beside takes, evictions, other changes and new keys. Each call decides
//! on one version of the limits.
#![cfg(loom)]

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Duration;

use loom_tests::thread;
use loom_tests::{limit, model};
use tollgate::clock::{ManualClock, Time};
use tollgate::{KeyedBuckets, Limit, Rate};

/// A hasher that gives equal hashes in every execution.
type Hasher = BuildHasherDefault<DefaultHasher>;

type Keyed = Arc<KeyedBuckets<u8, 1, ManualClock, Hasher>>;

/// Makes keys of a token a nanosecond, up to `capacity`.
fn keys(capacity: u64) -> Keyed {
    Arc::new(KeyedBuckets::with_hasher(limit(capacity), 9, ManualClock::new(), Hasher::new()).unwrap())
}

/// Makes a limit of `rate` tokens a nanosecond.
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

/// Writes without an effect.
///
/// Loom explores nothing of two threads that begin with a load (tokio-rs/loom#392).
fn begin(keys: &Keyed) {
    keys.clock().advance(Duration::ZERO);
}

fn at(nanos: u64) -> Time {
    Time::from_nanos(nanos)
}

model! {
    /// A take beside a change is decided on one of the limits.
    ///
    /// The key is empty at 10. The rate changes from 1 to 2, from 20 on. A take at 30 finds 20
    /// under the old limits and 30 under the new ones.
    ///
    /// Two threads; exhaustive. Fails if a revision is published by less than the Release, or
    /// mixed.
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
    /// A reader beside two changes finds the level of one of three versions.
    ///
    /// The second change writes the slot of the terms that the reader reads.
    ///
    /// Two threads; at most one preemption, since it takes an hour without a bound. Fails if a read
    /// is not validated, or if terms are published by less than the Release.
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
    /// A call that begins after a change has returned is decided on the new limits.
    ///
    /// It learns of the change by a later write of the changing thread.
    ///
    /// Two threads that both add a key, so at most two preemptions. Fails if a call uses limits
    /// that it read before.
    after_a_change_nobody_is_granted_on_the_old_limits, Some(2), 5, [(true, 10), (false, 0)], || {
        let keys = keys(10);
        let other = beside(&keys, |keys| {
            keys.set_limits(limit(5)).unwrap();
            // Told through the bucket of another key, which orders nothing. But the epoch is read
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
    /// Of two simultaneous changes, one comes after the other, and both return.
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
    /// A key evicted beside a change keeps the tokens that it had.
    ///
    /// It is full at 3, and evicted at 3 beside a change at 3 that raises the capacity. In either
    /// order it has 3 tokens then, and refills on.
    ///
    /// Two threads; exhaustive. Fails if fullness is decided under other limits than those of the
    /// words.
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
    /// A key made beside a change begins like a key that existed before.
    ///
    /// The change lowers the capacity from 10 to 4. The key has 10 less what it took, capped at 4,
    /// or 4 less what it took.
    ///
    /// Two threads; exhaustive. Fails if a new key begins full under old limits, but is counted in
    /// new ones.
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
    /// A cancel beside an eviction loses and doubles no token.
    ///
    /// The key is in debt by a reservation, and full at 4. The reservation is cancelled beside an
    /// eviction at 4. The key then has exactly three tokens. A thread whose clock stands at 2 finds
    /// two, or one if the eviction recorded the debt first. If the cancel comes first, the key
    /// stays, since tokens were put back to it.
    ///
    /// Two threads; exhaustive. Fails if returned tokens go into a closed cell, or into a full
    /// bucket.
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
