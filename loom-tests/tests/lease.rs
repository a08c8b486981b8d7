//! Leases of one bucket: held tokens are debited once, and returned tokens come back once.
#![cfg(loom)]

use std::sync::Arc;

use loom_tests::thread;
use loom_tests::{model, multi_bucket, token_bucket};

model! {
    /// Two leases race for the last tokens.
    ///
    /// After one each, the faster one gets the other two.
    ///
    /// Two threads, three takes through a lease each; exhaustive. Fails if the compare-exchange in
    /// `Word::update` becomes a load and a store.
    two_leases_share_the_last_tokens, None, 20, [(3, 1, 0), (1, 3, 0)], || {
        let bucket = token_bucket(4);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                let mut lease = bucket.lease(4);
                (0..3).filter(|_| lease.try_take(1).is_ok()).count()
            })
        };
        let mine = {
            let mut lease = bucket.lease(4);
            (0..3).filter(|_| lease.try_take(1).is_ok()).count()
        };
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// What one lease gives back, the other takes or the bucket keeps.
    ///
    /// Two threads, two takes and a drop, and a take; exhaustive. Fails if the compare-exchange in
    /// `Word::update` becomes a load and a store, or if the drop gives back twice.
    what_a_dropped_lease_gives_back_is_there_once, None, 10, [(2, false, 1), (2, true, 0)], || {
        let bucket = token_bucket(3);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.lease(3).try_take(1).is_ok())
        };
        let mut lease = bucket.lease(3);
        let mine = (0..2).filter(|_| lease.try_take(1).is_ok()).count();
        drop(lease);
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// A lease debits two streams together, each by what the lease lacks.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Epoch::publish`
    /// becomes a load and a store.
    two_leases_share_the_last_tokens_of_two_streams, None, 10, [(2, false, [0, 0]), (1, true, [0, 0])], || {
        let bucket = multi_bucket::<2, 3>([2, 2]);
        assert!(bucket.try_take([1, 0]).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.lease([2, 2]).try_take([1, 1]).is_ok())
        };
        let mut lease = bucket.lease([2, 2]);
        lease.put_back([1, 0]);
        let mine = lease.take_items(2, [1, 1]);
        drop(lease);
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}
