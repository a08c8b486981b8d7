//! Owns the keyed buckets of the real crate as a subject. An item is a token of one key; others come and go beside it.

use std::sync::atomic::{AtomicU64, Ordering};

use freeze_points::watched;
use tollgate_freeze::{KeyedBuckets, Limit, ManualClock};

use crate::subject::Effect::{Adds, Sets};
use crate::subject::{CAPACITY, START, Subject, Verb};

/// Items taken after a reset: as near to half as `START`, but not the same.
const OTHER: i64 = START + 1000;

/// The key whose tokens are counted.
const KEY: u64 = 0;

/// `KeyedBuckets`, and the next key that was never seen.
#[derive(Debug)]
pub struct Keyed(KeyedBuckets<u64, 1, ManualClock>, AtomicU64);

impl Keyed {
    fn another(&self) -> u64 {
        self.1.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a key such that the next eviction may take it.
    fn fill(&self, key: u64) {
        self.0.reset(&key, u64::MAX).expect("room for all");
    }
}

fn limit() -> Limit {
    Limit::per_second(1).capacity(CAPACITY as u64)
}

/// The table and the queue of turns are not watched: what is tried is every operation of the crate itself.
impl Subject for Keyed {
    const NAME: &'static str = "KeyedBuckets";
    const VERBS: &'static [Verb<Self>] = &[
        Verb::new("try_take", Adds(1), |Self(keys, _)| watched(|| keys.try_take(&KEY, 1)).expect("half is there")),
        Verb::new("try_take, refused", Adds(0), |Self(keys, _)| {
            let _ = watched(|| keys.try_take(&KEY, CAPACITY as u64)).expect_err("half of it is taken");
        }),
        Verb::new("put_back", Adds(-2), |Self(keys, _)| watched(|| keys.put_back(&KEY, 2))),
        Verb::new("charge", Adds(1), |Self(keys, _)| watched(|| keys.charge(&KEY, 1)).expect("no debt at all")),
        Verb::new("reset", Sets(OTHER), |Self(keys, _)| {
            watched(|| keys.reset(&KEY, (CAPACITY - OTHER) as u64)).expect("it is there");
        }),
        Verb::new("available", Adds(0), |Self(keys, _)| assert!(watched(|| keys.available(&KEY)) > 0)),
        Verb::new("try_take, of a new key", Adds(0), |subject| {
            let key = subject.another();
            watched(|| subject.0.try_take(&key, 1)).expect("it is full");
            subject.fill(key);
        }),
        Verb::new("shrink", Adds(0), |subject| {
            let key = subject.another();
            subject.0.try_take(&key, 1).expect("it is full");
            subject.fill(key);
            watched(|| subject.0.shrink());
        }),
        Verb::new("set_limits", Adds(0), |Self(keys, _)| watched(|| keys.set_limits(limit())).expect("as before")),
        Verb::new("Reservation::cancel", Adds(-1), |Self(keys, _)| {
            let bucket = keys.bucket(&KEY);
            let place = bucket.reserve(1).expect("no bound");
            keys.put_back(&KEY, 1);
            watched(|| place.cancel());
        }),
        Verb::new("reserve", Adds(1), |Self(keys, _)| {
            let bucket = keys.bucket(&KEY);
            watched(|| bucket.reserve(1)).expect("no bound").commit();
        }),
    ];

    fn new() -> Self {
        let keys = KeyedBuckets::with_clock(limit(), 1 << 20, ManualClock::new()).expect("a limit in range");
        keys.try_take(&KEY, START as u64).expect("it is full");
        Self(keys, AtomicU64::new(KEY + 1))
    }

    fn taken(&self) -> i64 {
        CAPACITY - self.0.available(&KEY) as i64
    }
}
