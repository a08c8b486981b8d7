//! Owns the keyed buckets of the real crate as a subject: what decides on a known key of one
//! stream. An item is a token of that key. Who waits for whom elsewhere is in `tests/keyed.rs`.

use freeze_points::watched;
use tollgate_freeze::clock::ManualClock;
use tollgate_freeze::{KeyedBuckets, Limit};

use crate::subject::Effect::{Adds, Sets};
use crate::subject::{CAPACITY, START, Subject, Verb};

/// Items taken after a reset: as near to half as `START`, but not the same.
const OTHER: i64 = START + 1000;

const KEY: u64 = 0;

/// `KeyedBuckets` with one key.
#[derive(Debug)]
pub struct Keyed(KeyedBuckets<u64, 1, ManualClock>);

impl Subject for Keyed {
    const NAME: &'static str = "KeyedBuckets";
    const VERBS: &'static [Verb<Self>] = &[
        Verb::new("try_take", Adds(1), |Self(keys)| {
            watched(|| keys.try_take(&KEY, 1)).expect("half is there");
        }),
        Verb::new("try_take, refused", Adds(0), |Self(keys)| {
            let _ = watched(|| keys.try_take(&KEY, CAPACITY as u64)).expect_err("half of it is taken");
        }),
        Verb::new("put_back", Adds(-2), |Self(keys)| watched(|| keys.put_back(&KEY, 2))),
        Verb::new("charge", Adds(1), |Self(keys)| watched(|| keys.charge(&KEY, 1)).expect("no debt at all")),
        Verb::new("reset", Sets(OTHER), |Self(keys)| {
            watched(|| keys.reset(&KEY, (CAPACITY - OTHER) as u64)).expect("it is there");
        }),
        Verb::new("available", Adds(0), |Self(keys)| assert!(watched(|| keys.available(&KEY)) > 0)),
        Verb::new("put_back, absent", Adds(0), |Self(keys)| watched(|| keys.put_back(&(KEY + 1), 2))),
        Verb::new("Reservation::cancel", Adds(-1), |Self(keys)| {
            let bucket = keys.bucket(&KEY);
            let place = bucket.reserve(1).expect("no bound");
            keys.put_back(&KEY, 1);
            watched(|| place.cancel());
        }),
        Verb::new("reserve", Adds(1), |Self(keys)| {
            let bucket = keys.bucket(&KEY);
            watched(|| bucket.reserve(1)).expect("no bound").commit();
        }),
    ];

    fn new() -> Self {
        let limit = Limit::per_second(1).capacity(CAPACITY as u64);
        let keys = KeyedBuckets::with_clock(limit, 100, ManualClock::new()).expect("a limit in range");
        keys.try_take(&KEY, START as u64).expect("it is full");
        Self(keys)
    }

    fn taken(&self) -> i64 {
        CAPACITY - self.0.available(&KEY) as i64
    }
}
