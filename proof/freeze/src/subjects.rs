//! Owns the buckets of the real crate as subjects: every verb and its effect. It never leaves a
//! verb out.

use std::time::Duration;

use freeze_points::watched;
use tollgate_freeze::clock::{ManualClock, Monotonic};
use tollgate_freeze::{Clock, Limit, MultiBucket, TokenBucket};

use crate::subject::Effect::{Adds, Sets};
use crate::subject::{CAPACITY, START, Subject, Verb};

/// Items taken after a reset: close to half, as `START` is, but another number.
const OTHER: i64 = START + 1000;

const NANOSECOND: Duration = Duration::from_nanos(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Makes a limit of an item a second, empty at first.
const fn limit(tokens_per_item: u64) -> Limit {
    Limit::per_second(tokens_per_item).capacity(CAPACITY as u64 * tokens_per_item).empty()
}

const LIMITS: [Limit; 2] = [limit(ITEM[0]), limit(ITEM[1])];

/// Moves the clock until `START` items are missing, without a call of a verb.
fn fill(clock: &ManualClock) {
    clock.advance(Duration::from_secs((CAPACITY - START) as u64));
}

/// `TokenBucket`: an item is a token.
#[derive(Debug)]
pub struct Word(TokenBucket<ManualClock>);

impl Subject for Word {
    const NAME: &'static str = "TokenBucket";
    const VERBS: &'static [Verb<Self>] = &[
        Verb::new("try_take", Adds(1), |Self(bucket)| {
            watched(|| bucket.try_take(1)).expect("half of it is there");
        }),
        Verb::new("try_take, refused", Adds(0), |Self(bucket)| {
            let _ = watched(|| bucket.try_take(CAPACITY as u64)).expect_err("half of it is taken");
        }),
        Verb::new("take_up_to", Adds(3), |Self(bucket)| assert_eq!(watched(|| bucket.take_up_to(3)), 3)),
        Verb::new("put_back", Adds(-4), |Self(bucket)| watched(|| bucket.put_back(4))),
        Verb::new("reset", Sets(OTHER), |Self(bucket)| watched(|| bucket.reset((CAPACITY - OTHER) as u64))),
        Verb::new("available", Adds(0), |Self(bucket)| assert!(watched(|| bucket.available()) > 0)),
        Verb::new("wait_for", Adds(0), |Self(bucket)| {
            assert!(
                watched(|| bucket.wait_for(CAPACITY as u64)).expect("no more than the capacity") > Some(Duration::ZERO)
            );
        }),
        Verb::new("charge", Adds(2), |Self(bucket)| watched(|| bucket.charge(2)).expect("no debt at all")),
        Verb::new("reserve", Adds(1), |Self(bucket)| watched(|| bucket.reserve(1)).expect("no bound").commit()),
        Verb::new("reserve_within, refused", Adds(0), |Self(bucket)| {
            let _ = watched(|| bucket.reserve_within(CAPACITY as u64, Duration::ZERO)).expect_err("half is taken");
        }),
        // The cancelled or settled tokens were put back before, so that the call has an effect of
        // its own.
        Verb::new("Reservation::cancel", Adds(-3), |Self(bucket)| {
            let place = bucket.reserve(3).expect("no bound");
            bucket.put_back(3);
            watched(|| place.cancel());
        }),
        Verb::new("Estimate::settle, up", Adds(2), |Self(bucket)| {
            let estimate = bucket.estimate(3).expect("half of it is there");
            bucket.put_back(3);
            watched(|| estimate.settle([5])).expect("no debt at all");
        }),
        Verb::new("Estimate::settle, down", Adds(-2), |Self(bucket)| {
            let estimate = bucket.estimate(3).expect("half of it is there");
            bucket.put_back(3);
            watched(|| estimate.settle([1])).expect("no debt at all");
        }),
    ];

    fn new() -> Self {
        let bucket = TokenBucket::with_clock(limit(1), ManualClock::new()).expect("a limit in range");
        fill(bucket.clock());
        Self(bucket)
    }

    fn taken(&self) -> i64 {
        CAPACITY - self.0.available() as i64
    }
}

/// `MultiBucket` of two streams with `S` slots inside.
///
/// An item is a token of the first stream and two of the second.
#[derive(Debug)]
pub struct Multi<const S: usize>(MultiBucket<2, ManualClock, S>);

const ITEM: [u64; 2] = [1, 2];

const fn items(n: i64) -> [u64; 2] {
    [n as u64 * ITEM[0], n as u64 * ITEM[1]]
}

impl<const S: usize> Subject for Multi<S> {
    const NAME: &'static str = if S == 1 { "MultiBucket<2>, growing" } else { "MultiBucket<2>" };
    const VERBS: &'static [Verb<Self>] = &[
        Verb::new("try_take", Adds(1), |Self(bucket)| {
            watched(|| bucket.try_take(ITEM)).expect("half of it is there");
        }),
        Verb::new("try_take, refused", Adds(0), |Self(bucket)| {
            let _ = watched(|| bucket.try_take(items(CAPACITY))).expect_err("half of it is taken");
        }),
        Verb::new("take_up_to", Adds(3), |Self(bucket)| assert_eq!(watched(|| bucket.take_items(3, ITEM)), 3)),
        Verb::new("put_back", Adds(-4), |Self(bucket)| watched(|| bucket.put_back(items(4)))),
        Verb::new("reset", Sets(OTHER), |Self(bucket)| watched(|| bucket.reset(items(CAPACITY - OTHER)))),
        Verb::new("available", Adds(0), |Self(bucket)| whole(watched(|| bucket.available()))),
        Verb::new("snapshot", Adds(0), |Self(bucket)| whole(watched(|| bucket.snapshot()).available())),
        Verb::new("wait_for", Adds(0), |Self(bucket)| {
            let wait = watched(|| bucket.wait_for(items(CAPACITY))).expect("no more than the capacity");
            assert!(wait > Some(Duration::ZERO));
        }),
        // It claims a second slot for callers without a handle, and releases it immediately.
        Verb::new("handle", Adds(0), |Self(bucket)| drop(watched(|| bucket.handle()).expect("enough slots")))
            .holding(2),
        Verb::new("Handle, dropped", Adds(0), |Self(bucket)| {
            let handle = bucket.handle().expect("enough slots");
            watched(|| drop(handle));
        }),
        Verb::new("Handle::try_take", Adds(1), |Self(bucket)| {
            let handle = bucket.handle().expect("enough slots");
            watched(|| handle.try_take(ITEM)).expect("half of it is there");
        }),
        Verb::new("Handle::try_take, refused", Adds(0), |Self(bucket)| {
            let handle = bucket.handle().expect("enough slots");
            let _ = watched(|| handle.try_take(items(CAPACITY))).expect_err("half of it is taken");
        }),
        Verb::new("Handle::take_up_to", Adds(3), |Self(bucket)| {
            let handle = bucket.handle().expect("enough slots");
            assert_eq!(watched(|| handle.take_items(3, ITEM)), 3);
        }),
        Verb::new("Handle::put_back", Adds(-4), |Self(bucket)| {
            let handle = bucket.handle().expect("enough slots");
            watched(|| handle.put_back(items(4)));
        }),
        Verb::new("Handle::available", Adds(0), |Self(bucket)| {
            let handle = bucket.handle().expect("enough slots");
            whole(watched(|| handle.available()));
        }),
        Verb::new("Handle::snapshot", Adds(0), |Self(bucket)| {
            let handle = bucket.handle().expect("enough slots");
            whole(watched(|| handle.snapshot()).available());
        }),
        Verb::new("Handle::wait_for", Adds(0), |Self(bucket)| {
            let handle = bucket.handle().expect("enough slots");
            let wait = watched(|| handle.wait_for(items(CAPACITY))).expect("no more than the capacity");
            assert!(wait > Some(Duration::ZERO));
        }),
        Verb::new("charge", Adds(2), |Self(bucket)| watched(|| bucket.charge(items(2))).expect("no debt at all")),
        Verb::new("reserve", Adds(1), |Self(bucket)| watched(|| bucket.reserve(ITEM)).expect("no bound").commit()),
        Verb::new("reserve_within, refused", Adds(0), |Self(bucket)| {
            let _ = watched(|| bucket.reserve_within(items(CAPACITY), Duration::ZERO)).expect_err("half is taken");
        }),
        // As above: the cancelled or settled tokens were put back before.
        Verb::new("Reservation::cancel", Adds(-3), |Self(bucket)| {
            let place = bucket.reserve(items(3)).expect("no bound");
            bucket.put_back(items(3));
            watched(|| place.cancel());
        }),
        Verb::new("Estimate::settle, up", Adds(2), |Self(bucket)| {
            let estimate = bucket.estimate(items(3)).expect("half of it is there");
            bucket.put_back(items(3));
            watched(|| estimate.settle(items(5))).expect("no debt at all");
        }),
        Verb::new("Estimate::settle, down", Adds(-2), |Self(bucket)| {
            let estimate = bucket.estimate(items(3)).expect("half of it is there");
            bucket.put_back(items(3));
            watched(|| estimate.settle(items(1))).expect("no debt at all");
        }),
        // To the current limits, on a clock that stands: no other verb notices it.
        Verb::new("set_limits", Adds(0), |Self(bucket)| {
            watched(|| bucket.set_limits(LIMITS)).expect("limits in range");
        })
        .holding(CHANGING),
        Verb::new("set_limits, again", Adds(0), |Self(bucket)| {
            bucket.set_limits(LIMITS).expect("limits in range");
            watched(|| bucket.set_limits(LIMITS)).expect("limits in range");
        })
        .holding(CHANGING),
        Verb::new("try_take, later limits", Adds(1), |Self(bucket)| {
            bucket.set_limits(LIMITS).expect("limits in range");
            watched(|| bucket.try_take(ITEM)).expect("half of it is there");
        }),
        Verb::new("put_back, later limits", Adds(-1), |Self(bucket)| {
            bucket.set_limits(LIMITS).expect("limits in range");
            watched(|| bucket.put_back(ITEM));
        }),
        Verb::new("resume, not paused", Adds(0), |Self(bucket)| watched(|| bucket.resume())).holding(CHANGING),
    ];

    fn new() -> Self {
        let bucket = MultiBucket::with_slots(LIMITS, ManualClock::new()).expect("limits in range");
        fill(bucket.clock());
        Self(bucket)
    }

    fn taken(&self) -> i64 {
        let available = self.0.available();
        whole(available);
        CAPACITY - available[0] as i64
    }

    fn slots_held(&self) -> usize {
        held(&self.0)
    }
}

/// A change of limits holds a slot for the words and one for the limits.
const CHANGING: usize = 2;

/// Counts the claimed slots, of words and of limits.
///
/// The 4096 slots are the current one, one that every handle must leave, the handles, and what
/// others hold.
fn held<const S: usize>(bucket: &MultiBucket<2, ManualClock, S>) -> usize {
    let mut handles = Vec::new();
    while let Ok(handle) = bucket.handle() {
        handles.push(handle);
    }
    4096 - 2 - handles.len() + bucket.revisions_held()
}

/// `MultiBucket` of two streams that all threads pause and resume.
///
/// No thread knows whether it is paused, and each call has one effect either way. Every pause has
/// an end, since a bucket refuses reservations in a pause without one.
#[derive(Debug)]
pub struct Paused<const S: usize>(MultiBucket<2, ManualClock, S>);

impl<const S: usize> Subject for Paused<S> {
    const NAME: &'static str =
        if S == 1 { "MultiBucket<2> with pauses, growing" } else { "MultiBucket<2> with pauses" };
    const VERBS: &'static [Verb<Self>] = &[
        Verb::new("pause_for", Adds(0), |Self(bucket)| watched(|| bucket.pause_for(HOUR))).holding(CHANGING),
        Verb::new("pause_for, not paused", Adds(0), |Self(bucket)| {
            bucket.resume();
            watched(|| bucket.pause_for(HOUR));
        })
        .holding(CHANGING),
        Verb::new("pause_for, paused for less", Adds(0), |Self(bucket)| {
            bucket.resume();
            bucket.pause_for(NANOSECOND);
            watched(|| bucket.pause_for(HOUR));
        })
        .holding(CHANGING),
        Verb::new("pause_for, paused for longer", Adds(0), |Self(bucket)| {
            bucket.pause_for(HOUR);
            watched(|| bucket.pause_for(NANOSECOND));
        })
        .holding(CHANGING),
        Verb::new("resume", Adds(0), |Self(bucket)| watched(|| bucket.resume())).holding(CHANGING),
        Verb::new("resume, paused", Adds(0), |Self(bucket)| {
            bucket.pause_for(HOUR);
            watched(|| bucket.resume());
        })
        .holding(CHANGING),
        Verb::new("set_limits, paused", Adds(0), |Self(bucket)| {
            bucket.pause_for(HOUR);
            watched(|| bucket.set_limits(LIMITS)).expect("limits in range");
        })
        .holding(CHANGING),
        Verb::new("try_take, refused", Adds(0), |Self(bucket)| {
            bucket.pause_for(HOUR);
            let _ = watched(|| bucket.try_take(items(CAPACITY))).expect_err("paused, or half of it is taken");
        }),
        Verb::new("put_back", Adds(-4), |Self(bucket)| {
            bucket.pause_for(HOUR);
            watched(|| bucket.put_back(items(4)));
        }),
        Verb::new("charge", Adds(3), |Self(bucket)| {
            bucket.pause_for(HOUR);
            watched(|| bucket.charge(items(3))).expect("no debt at all");
        }),
        Verb::new("reserve", Adds(4), |Self(bucket)| {
            bucket.pause_for(HOUR);
            watched(|| bucket.reserve(items(4))).expect("no bound").commit();
        }),
        // As above: the cancelled tokens were put back before.
        Verb::new("Reservation::cancel", Adds(-3), |Self(bucket)| {
            let place = bucket.reserve(items(3)).expect("no bound");
            bucket.put_back(items(3));
            bucket.pause_for(HOUR);
            watched(|| place.cancel());
        }),
        Verb::new("Reservation::ready_at, later limits", Adds(0), |Self(bucket)| {
            let place = bucket.reserve(items(3)).expect("no bound");
            bucket.put_back(items(3));
            bucket.pause_for(HOUR);
            watched(|| place.ready_at());
            place.commit();
        }),
        Verb::new("pause_left", Adds(0), |Self(bucket)| {
            watched(|| bucket.pause_left());
        }),
        Verb::new("snapshot", Adds(0), |Self(bucket)| {
            whole(watched(|| bucket.snapshot()).available());
        }),
    ];

    fn new() -> Self {
        let bucket = MultiBucket::with_slots(LIMITS, ManualClock::new()).expect("limits in range");
        fill(bucket.clock());
        Self(bucket)
    }

    /// Ends a pause first, since a paused bucket shows no tokens.
    fn taken(&self) -> i64 {
        self.0.resume();
        let available = self.0.available();
        whole(available);
        CAPACITY - available[0] as i64
    }

    fn slots_held(&self) -> usize {
        held(&self.0)
    }
}

/// Fails unless both streams show one number of items.
fn whole(available: [u64; 2]) {
    assert_eq!(available[1], 2 * available[0], "streams disagree: {available:?}");
}

/// The clocks that several threads write: one to move, and a bucket that reads it.
#[derive(Debug)]
pub struct Clocks(TokenBucket<Monotonic<ManualClock>>);

impl Subject for Clocks {
    const NAME: &'static str = "clocks";
    const VERBS: &'static [Verb<Self>] = &[
        Verb::new("ManualClock::advance", Adds(0), |Self(bucket)| {
            watched(|| bucket.clock().clock().advance(NANOSECOND));
        }),
        Verb::new("Monotonic::now, moved", Adds(0), |Self(bucket)| {
            bucket.clock().clock().advance(NANOSECOND);
            watched(|| bucket.clock().now());
        }),
        Verb::new("try_take, moved", Adds(1), |Self(bucket)| {
            bucket.clock().clock().advance(NANOSECOND);
            watched(|| bucket.try_take(1)).expect("half of it is there");
        }),
        Verb::new("put_back, moved", Adds(-1), |Self(bucket)| {
            bucket.clock().clock().advance(NANOSECOND);
            watched(|| bucket.put_back(1));
        }),
    ];

    fn new() -> Self {
        let clock = Monotonic::new(ManualClock::new());
        let bucket = TokenBucket::with_clock(limit(1), clock).expect("a limit in range");
        fill(bucket.clock().clock());
        Self(bucket)
    }

    /// Moves by much less than the second in which a token accrues.
    fn taken(&self) -> i64 {
        CAPACITY - self.0.available() as i64
    }
}
