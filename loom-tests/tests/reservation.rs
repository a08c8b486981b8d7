//! A place in the queue is one step: reserving, cancelling, charging and settling come before or
//! after other calls.
#![cfg(loom)]

use std::sync::Arc;
use std::time::Duration;

use loom_tests::thread;
use loom_tests::{THREE_THREADS, model, multi_bucket, token_bucket};
use tollgate::clock::ManualClock;
use tollgate::{Reservation, TokenBucket};

/// Returns the nanoseconds to the instant of a place, and keeps the place.
fn kept<const N: usize>(place: Reservation<'_, N>) -> u64 {
    let at = place.ready_at().unwrap().as_nanos();
    place.commit();
    at
}

/// Returns the wait for a token; in debt, one more than the debt.
fn wait(bucket: &TokenBucket<ManualClock>) -> u128 {
    bucket.wait_for(1).expect("no more than the capacity").unwrap().as_nanos()
}

model! {
    /// A reservation comes before a take or after it.
    ///
    /// The take gets the token and the reservation waits for two, or the take finds a debt of one
    /// and is refused.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Word::update`
    /// becomes a load and a store.
    a_reservation_racing_a_take_comes_before_or_after_it, None, 2, [(true, 2, 3), (false, 1, 2)], || {
        let bucket = token_bucket(2);
        assert!(bucket.try_take(1).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(1).is_ok())
        };
        let at = kept(bucket.reserve(2).unwrap());
        (other.join().unwrap(), at, wait(&bucket))
    }
}

model! {
    /// Two simultaneous reservations get two places, never one.
    ///
    /// The order of the compare-exchanges is the queue.
    ///
    /// Two threads, one call each; exhaustive. Fails if a reservation tells the end of one attempt
    /// and writes another's.
    two_reservations_get_two_places, None, 2, [(3, 5, 6), (5, 2, 6)], || {
        let bucket = token_bucket(3);
        assert!(bucket.try_take(3).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || kept(bucket.reserve(2).unwrap()))
        };
        let mine = kept(bucket.reserve(3).unwrap());
        (mine, other.join().unwrap(), wait(&bucket))
    }
}

model! {
    /// Three simultaneous reservations get three places.
    ///
    /// Three threads, one call each. Fails if a reservation tells the end of one attempt and writes
    /// another's.
    three_reservations_get_three_places, Some(THREE_THREADS), 6,
    [[1, 3, 7], [1, 7, 5], [3, 2, 7], [7, 2, 6], [5, 7, 4], [7, 6, 4]], || {
        let bucket = token_bucket(4);
        assert!(bucket.try_take(4).is_ok());
        let others = [2, 4].map(|n| {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || kept(bucket.reserve(n).unwrap()))
        });
        let mine = kept(bucket.reserve(1).unwrap());
        let [second, third] = others.map(|other| other.join().unwrap());
        [mine, second, third]
    }
}

model! {
    /// A reservation of two streams debits both together; its place is the later end.
    ///
    /// Two threads, one call each; exhaustive. Fails if a reservation decides on one version and
    /// writes another.
    two_reservations_of_two_streams_get_two_places, None, 20, [(3, 4, [4, 5]), (4, 2, [4, 5])], || {
        let bucket = multi_bucket::<2, 3>([4, 4]);
        assert!(bucket.try_take([4, 4]).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || kept(bucket.reserve([2, 1]).unwrap()))
        };
        let mine = kept(bucket.reserve([1, 3]).unwrap());
        let other = other.join().unwrap();
        let wait = |amounts| bucket.wait_for(amounts).unwrap().unwrap().as_nanos();
        (mine, other, [wait([1, 0]), wait([0, 1])])
    }
}

model! {
    /// Of two reservations, the bound of the queue admits one.
    ///
    /// The bound is checked against the version that is written.
    ///
    /// Two threads, one call each; exhaustive. Fails if the bound is checked against one version
    /// and another is written.
    the_bound_of_the_queue_holds_whoever_is_first, None, 20, [(Some(3), None, 4), (None, Some(2), 3)], || {
        let bucket = multi_bucket::<1, 3>([3]);
        let bucket = Arc::try_unwrap(bucket).expect("one owner").with_max_debt([3]).with_max_wait(Duration::from_nanos(4));
        assert!(bucket.try_take([3]).is_ok());
        let bucket = Arc::new(bucket);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.reserve([2]).ok().map(kept))
        };
        let mine = bucket.reserve([3]).ok().map(kept);
        (mine, other.join().unwrap(), bucket.wait_for([1]).unwrap().unwrap().as_nanos())
    }
}

model! {
    /// A cancel comes before a take or after it; only a later take gains.
    ///
    /// Two threads, one call each; exhaustive. Fails if a cancel gives back twice or never, or
    /// loses a race.
    a_cancel_racing_a_take_frees_its_tokens_once, None, 2, [(true, 1), (false, 3)], || {
        let bucket = token_bucket(4);
        assert!(bucket.try_take(1).is_ok());
        let place = bucket.reserve(3).unwrap();
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(2).is_ok())
        };
        place.cancel();
        (other.join().unwrap(), bucket.available())
    }
}

model! {
    /// A cancel does not move a later place; the next reservation gets the returned tokens.
    ///
    /// Two threads, one call and two; exhaustive. Fails if a cancel gives back twice or never, or
    /// loses a race.
    a_cancel_moves_no_later_place, None, 2, [(2, 2, 3), (5, 5, 3)], || {
        let bucket = token_bucket(3);
        assert!(bucket.try_take(3).is_ok());
        let place = bucket.reserve(3).unwrap();
        let later = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                let later = bucket.reserve(2).unwrap();
                let first = later.ready_at().unwrap().as_nanos();
                (first, kept(later))
            })
        };
        place.cancel();
        let (first, last) = later.join().unwrap();
        (first, last, wait(&bucket))
    }
}

model! {
    /// Two simultaneous cancels both count, each once.
    ///
    /// Two threads, one drop each; exhaustive. Fails if a cancel gives back twice or never, or
    /// loses a race.
    two_cancels_both_count, None, 2, [(0, 3)], || {
        // Leaked, so that a place can be dropped in another thread.
        let bucket: &'static TokenBucket<_> = &**Box::leak(Box::new(token_bucket(9)));
        assert!(bucket.try_take(9).is_ok());
        let [first, second] = [bucket.reserve_oversized(10).unwrap(), bucket.reserve(3).unwrap()];
        bucket.reserve(2).unwrap().commit();
        let other = thread::spawn(move || drop(first));
        second.cancel();
        other.join().unwrap();
        (bucket.available(), wait(bucket))
    }
}

model! {
    /// An estimate of two streams is settled in one step.
    ///
    /// It goes up in one stream and down in the other.
    ///
    /// Two threads, one call each; exhaustive. Fails if it is settled in two steps.
    two_streams_are_settled_in_one_step, None, 5, [(1, [2, 2]), (2, [1, 4])], || {
        let bucket = multi_bucket::<2, 3>([4, 4]);
        let estimate = bucket.estimate([2, 2]).unwrap();
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                let snapshot = bucket.snapshot();
                (snapshot.sequence(), snapshot.available())
            })
        };
        estimate.settle([3, 0]).unwrap();
        reader.join().unwrap()
    }
}

model! {
    /// A settlement comes before a take of both streams or after it.
    ///
    /// Before it the second stream is empty; after it both have enough.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Epoch::publish`
    /// becomes a load and a store.
    a_settlement_racing_a_take_comes_before_or_after_it, None, 20, [(true, [0, 1]), (false, [1, 3])], || {
        let bucket = multi_bucket::<2, 3>([3, 3]);
        let estimate = bucket.estimate([1, 3]).unwrap();
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1, 2]).is_ok())
        };
        estimate.settle([2, 0]).unwrap();
        (other.join().unwrap(), bucket.available())
    }
}

model! {
    /// A charge and a take both count; a take that finds the debt is refused.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Word::update`
    /// becomes a load and a store.
    a_charge_racing_a_take_comes_before_or_after_it, None, 2, [(true, 4), (false, 3)], || {
        let bucket = token_bucket(3);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(1).is_ok())
        };
        bucket.charge(5).unwrap();
        (other.join().unwrap(), wait(&bucket))
    }
}

model! {
    /// A charge of one of two streams and a take both count.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Epoch::publish`
    /// becomes a load and a store.
    a_charge_of_two_streams_racing_a_take_comes_before_or_after_it, None, 20, [(true, 4, 2), (false, 3, 3)], || {
        let bucket = multi_bucket::<2, 3>([3, 3]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1, 1]).is_ok())
        };
        bucket.charge([5, 0]).unwrap();
        (other.join().unwrap(), bucket.wait_for([1, 0]).unwrap().unwrap().as_nanos(), bucket.available()[1])
    }
}

model! {
    /// A dropped estimate comes back once beside a take; a kept one does not.
    ///
    /// Two threads, a take and two drops; exhaustive. Fails if a drop gives back twice or never, or
    /// what is to be kept.
    a_dropped_estimate_comes_back_once, None, 2, [(true, 0), (false, 2)], || {
        let bucket = token_bucket(4);
        let [dropped, kept] = [bucket.estimate(2).unwrap(), bucket.estimate(2).unwrap().keep_on_drop()];
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(2).is_ok())
        };
        drop(dropped);
        drop(kept);
        (other.join().unwrap(), bucket.available())
    }
}
