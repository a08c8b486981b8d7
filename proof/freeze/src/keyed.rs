//! Owns the keyed buckets of the real crate as a subject. It never counts other keys: an item is a
//! token of one key, and others come and go beside it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use freeze_points::watched;
use tollgate_freeze::clock::ManualClock;
use tollgate_freeze::keyed::{KeyHash, KeyRefused};
use tollgate_freeze::{KeyedBuckets, Limit, Rate};

use crate::subject::Effect::{Adds, Sets};
use crate::subject::{CAPACITY, START, Subject, Verb};

/// Items taken after a reset: close to half, as `START` is, but another number.
const OTHER: i64 = START + 1000;

/// The key whose tokens are counted.
const KEY: u64 = 0;

/// `KeyedBuckets`, and the next new key.
#[derive(Debug)]
pub struct Keyed(Keys, AtomicU64);

type Keys = KeyedBuckets<u64, 1, ManualClock, KeyHash, fn(&u64) -> usize>;

impl Keyed {
    fn another(&self) -> u64 {
        self.1.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a key that the next eviction may take.
    ///
    /// The clock moves by much less than the second in which a token of `KEY` accrues.
    fn fill(&self) {
        self.0.clock().advance(Duration::from_nanos(1));
    }
}

/// Makes a limit under which a key is full a nanosecond after a take.
///
/// A put-back instead would let the key stay longer.
fn limit_of_others() -> Limit {
    Limit::new(Rate::per_second(1_000_000_000), CAPACITY as u64)
}

fn tier_of(key: &u64) -> usize {
    usize::from(*key != KEY)
}

fn limit() -> Limit {
    Limit::per_second(1).capacity(CAPACITY as u64)
}

/// The table and the queue of turns are not watched: points are the crate's operations.
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
            let taken = watched(|| subject.0.try_take(&key, 1));
            // A stale `now` may be refused if a key was evicted since.
            assert!(!matches!(taken, Err(KeyRefused::NoRoom(_))), "{taken:?}");
            subject.fill();
        }),
        Verb::new("shrink", Adds(0), |subject| {
            let key = subject.another();
            subject.0.try_take(&key, 1).expect("it is full");
            subject.fill();
            watched(|| subject.0.shrink());
        }),
        Verb::new("set_tier_limits", Adds(0), |Self(keys, _)| {
            watched(|| keys.set_tier_limits(0, limit())).expect("as before");
        }),
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
        // Few keys, since a shrink looks at all cells; but more than the stopped threads.
        let keys = KeyedBuckets::with_clock(limit(), 148, ManualClock::new()).expect("a limit in range");
        let keys = keys.with_tiers([limit_of_others()], tier_of as fn(&u64) -> usize).expect("a limit in range");
        keys.try_take(&KEY, START as u64 + 1).expect("it is full");
        // The first put-back to a key is recorded beside its words, once. Here it is made
        // beforehand: only changes of the words count.
        keys.put_back(&KEY, 1);
        Self(keys, AtomicU64::new(KEY + 1))
    }

    fn taken(&self) -> i64 {
        CAPACITY - self.0.available(&KEY) as i64
    }
}
