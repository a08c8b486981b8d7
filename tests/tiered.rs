//! On a clock with a rough reading, takes decide on that first. What it does to the reads, to the
//! bound, and to what is refused.

mod common;

use std::time::Duration;

use common::nanos;
use portable_atomic::{AtomicU64, Ordering::Relaxed};
use proptest::collection::vec;
use proptest::prelude::*;
use tollgate::clock::{ManualClock, Monotonic, Recovering, Time};
use tollgate::{Bucket, Clock, LeakyBucket, Limit, MultiBucket, Refused, TokenBucket};

const MS: u64 = 1_000_000;

/// A clock whose coarse reading lags by what the test says, and which counts its readings.
#[derive(Default)]
struct Lagging {
    now: AtomicU64,
    lag: AtomicU64,
    precise: AtomicU64,
    rough: AtomicU64,
}

impl Lagging {
    fn set(&self, now: u64, lag: u64) {
        self.now.store(now, Relaxed);
        self.lag.store(lag, Relaxed);
    }

    fn coarse(&self) -> Time {
        nanos(self.now.load(Relaxed).saturating_sub(self.lag.load(Relaxed)))
    }

    /// Precise and rough readings since this was called last.
    fn reads(&self) -> (u64, u64) {
        (self.precise.swap(0, Relaxed), self.rough.swap(0, Relaxed))
    }
}

impl Clock for Lagging {
    fn now(&self) -> Time {
        self.precise.fetch_add(1, Relaxed);
        nanos(self.now.load(Relaxed))
    }

    fn rough(&self) -> Option<Time> {
        self.rough.fetch_add(1, Relaxed);
        Some(self.coarse())
    }
}

/// Its coarse reading alone.
struct Coarse<'a>(&'a Lagging);

impl Clock for Coarse<'_> {
    fn now(&self) -> Time {
        self.0.coarse()
    }
}

/// Its precise reading alone.
struct Precise<'a>(&'a Lagging);

impl Clock for Precise<'_> {
    fn now(&self) -> Time {
        nanos(self.0.now.load(Relaxed))
    }
}

/// Grants this thread a take, so that its next one decides on the rough reading.
fn grant_one() {
    let bucket = TokenBucket::with_clock(Limit::per_second(2), Lagging::default()).unwrap();
    for _ in 0..2 {
        let _ = bucket.try_take(1).unwrap();
    }
}

/// It reads the rough clock, too, which is how a bucket knows that there is one.
#[cfg(feature = "std")]
#[test]
fn after_a_refusal_a_threads_next_take_decides_on_the_precise_reading() {
    let clock = Lagging::default();
    clock.set(1000 * MS, 0);
    let bucket = TokenBucket::with_clock(Limit::per_second(10), &clock).unwrap();
    while bucket.try_take(1).is_ok() {}
    clock.set(1200 * MS, 0);
    for expected in [(1, 1), (0, 1)] {
        clock.reads();
        let _ = bucket.try_take(1).unwrap();
        assert_eq!(clock.reads(), expected);
    }
    let _ = bucket.try_take(1).unwrap_err();
    // Other threads do not know of it.
    clock.set(1300 * MS, 0);
    clock.reads();
    std::thread::scope(|scope| {
        scope.spawn(|| bucket.try_take(1).map(|_| ()).unwrap());
    });
    assert_eq!(clock.reads(), (0, 1));
}

#[test]
fn a_grant_reads_the_coarse_clock_and_a_refusal_both() {
    const GRANTED: (u64, u64) = (0, 1);
    const REFUSED: (u64, u64) = (1, 1);
    let clock = Lagging::default();
    clock.set(1000 * MS, 0);
    let limit = Limit::per_second(10);
    let one = TokenBucket::with_clock(limit, &clock).unwrap();
    let two = MultiBucket::with_clock([limit; 2], &clock).unwrap();
    let handle = two.handle().unwrap();
    let leaky = LeakyBucket::empty_with_clock(limit, &clock).unwrap();
    let reads = |verb: &str, expected, act: &mut dyn FnMut()| {
        grant_one();
        clock.reads();
        act();
        assert_eq!(clock.reads(), expected, "{verb}");
    };
    reads("try_take", GRANTED, &mut || {
        let _ = one.try_take(1).unwrap();
    });
    reads("admit", GRANTED, &mut || {
        let _ = one.admit(1).unwrap();
    });
    reads("take_up_to", GRANTED, &mut || assert_eq!(one.take_up_to(2), 2));
    reads("of the trait, try_take", GRANTED, &mut || {
        let _ = Bucket::try_take(&one, 1).unwrap();
    });
    reads("of the trait, admit", GRANTED, &mut || {
        let _ = Bucket::admit(&one, 1).unwrap();
    });
    reads("of the trait, take_items", GRANTED, &mut || assert_eq!(Bucket::take_items(&one, 1, 1), 1));
    reads("take_up_to, a part", REFUSED, &mut || assert_eq!(one.take_up_to(9), 3));
    reads("take_up_to, refused", REFUSED, &mut || assert_eq!(one.take_up_to(9), 0));
    reads("try_take, refused", REFUSED, &mut || {
        let _ = one.try_take(1).unwrap_err();
    });
    reads("of the trait, refused", REFUSED, &mut || {
        let _ = Bucket::try_take(&one, 1).unwrap_err();
    });
    one.charge(1).unwrap();
    reads("admit, refused", REFUSED, &mut || {
        let _ = one.admit(0).unwrap_err();
    });
    reads("try_take, two", GRANTED, &mut || {
        let _ = two.try_take([1, 2]).unwrap();
    });
    reads("take_items, two", GRANTED, &mut || assert_eq!(two.take_items(1, [1, 2]), 1));
    reads("by handle", GRANTED, &mut || {
        let _ = handle.try_take([1, 2]).unwrap();
    });
    reads("take_items by handle", GRANTED, &mut || assert_eq!(handle.take_items(1, [1, 2]), 1));
    reads("admit by handle", GRANTED, &mut || {
        let _ = handle.admit([1, 1]).unwrap();
    });
    reads("by handle, refused", REFUSED, &mut || {
        let _ = handle.try_take([1, 2]).unwrap_err();
    });
    reads("try_add", GRANTED, &mut || {
        let _ = leaky.try_add(4).unwrap();
    });
    reads("add_up_to", GRANTED, &mut || assert_eq!(leaky.add_up_to(6), 6));
    reads("try_add, refused", REFUSED, &mut || {
        let _ = leaky.try_add(1).unwrap_err();
    });
    reads("put_back", (1, 0), &mut || one.put_back(1));
    reads("available", (1, 0), &mut || assert_eq!(one.available(), 0));
    reads("at a supplied time", (0, 0), &mut || {
        let _ = one.at(nanos(1000 * MS)).try_take(1);
    });
}

/// No later reading helps: more than the capacity, and a bucket that was closed.
#[test]
fn a_refusal_for_good_reads_the_coarse_clock_alone() {
    let clock = Lagging::default();
    let bucket = TokenBucket::with_clock(Limit::per_second(10), &clock).unwrap();
    clock.reads();
    assert!(matches!(bucket.try_take(11), Err(Refused::Never(_))));
    assert!(matches!(bucket.admit(11), Err(Refused::Never(_))));
    assert_eq!(clock.reads(), (0, 2));
    #[cfg(feature = "std")]
    {
        bucket.close();
        clock.reads();
        assert!(matches!(bucket.try_take(1), Err(Refused::Closed)));
        assert_eq!(clock.reads(), (0, 1));
    }
}

#[test]
#[cfg(feature = "alloc")]
fn pointers_pass_the_rough_reading_on_and_wrappers_that_promise_more_do_not() {
    use std::sync::Arc;

    let clock = Arc::new(Lagging::default());
    clock.set(9, 4);
    let rough = |clock: &dyn Clock| clock.rough();
    assert_eq!(rough(&*clock), Some(nanos(5)));
    assert_eq!(rough(&&*clock), Some(nanos(5)));
    assert_eq!(rough(&Arc::clone(&clock)), Some(nanos(5)));
    assert_eq!(rough(&(Box::new(Arc::clone(&clock)) as Box<dyn Clock>)), Some(nanos(5)));
    assert_eq!(rough(&Monotonic::new(Arc::clone(&clock))), None);
    assert_eq!(rough(&Recovering::new(Arc::clone(&clock))), None);
    assert_eq!(rough(&ManualClock::new()), None);
}

/// Grants by the true time, in ns.
struct Audit(Vec<(u64, u64)>);

impl Audit {
    /// The most that any window grants beyond `C + r * w`, in ns of refill; one token takes 1 µs.
    fn worst(&self, capacity: u64) -> i64 {
        let Self(grants) = self;
        let windows = (0..grants.len()).map(|first| {
            let mut granted = 0;
            let over = grants[first..].iter().map(|(at, tokens)| {
                granted += tokens;
                (granted * 1000) as i64 - (capacity * 1000) as i64 - (at - grants[first].0) as i64
            });
            over.max().unwrap_or(i64::MIN)
        });
        windows.max().unwrap_or(i64::MIN)
    }
}

/// A bucket of a million tokens a second that takes all that it gets, at these steps of the true
/// time and with these lags.
fn greedy<C: Clock>(clock: &Lagging, bucket: &TokenBucket<C>, moves: &[(u64, u64)]) -> Audit {
    let (mut now, mut grants) = (clock.now.load(Relaxed), Vec::new());
    for (step, lag) in moves {
        now += step;
        clock.set(now, *lag);
        // Ones first, as a tiered clock decides them on the coarse reading.
        for amount in [100, 10, 1] {
            grant_one();
            while bucket.try_take(amount).is_ok() {
                grants.push((now, amount));
            }
        }
        grants.push((now, bucket.take_up_to(u64::MAX)));
    }
    Audit(grants)
}

const D: u64 = 8 * MS;
const CAPACITY: u64 = 500;

fn limit() -> Limit {
    Limit::per_second(1_000_000).capacity(CAPACITY)
}

/// Full on a reading from `d` ago, then read without a lag.
#[test]
fn the_bound_of_a_clock_that_lags_by_d_is_reached() {
    let moves = [(1000 * MS, D), (D / 16, 0)];
    let clock = Lagging::default();
    let coarse = TokenBucket::with_clock(limit().capacity(1 << 20), Coarse(&clock)).unwrap();
    let tiered = TokenBucket::with_clock(limit().capacity(1 << 20), &clock).unwrap();
    for over in [greedy(&clock, &coarse, &moves).worst(1 << 20), {
        clock.set(0, 0);
        greedy(&clock, &tiered, &moves).worst(1 << 20)
    }] {
        assert!(over <= D as i64, "{over} of {D} ns");
        assert!(over >= D as i64 - 1000, "{over} of {D} ns");
    }
    // The tiered one in no time: what is refused on the coarse reading is decided again.
    clock.set(5000 * MS, D);
    grant_one();
    let mut granted = 0;
    while tiered.try_take(1).is_ok() {
        granted += 1;
    }
    assert_eq!(granted, (1 << 20) + D / 1000);
}

#[test]
fn a_capacity_below_what_refills_in_a_tick_loses_throughput_on_the_coarse_clock_alone() {
    let clock = Lagging::default();
    let coarse = TokenBucket::with_clock(Limit::per_second(1000).capacity(2).empty(), Coarse(&clock)).unwrap();
    let tiered = TokenBucket::with_clock(Limit::per_second(1000).capacity(2).empty(), &clock).unwrap();
    let (mut granted, tick) = ([0, 0], 4 * MS);
    for now in (0..=1000 * MS).step_by(MS as usize / 2) {
        clock.set(now, now % tick);
        granted[0] += coarse.take_up_to(u64::MAX);
        granted[1] += tiered.take_up_to(u64::MAX);
    }
    assert_eq!(granted, [2 * 250, 1000]);
}

proptest! {
    #![proptest_config(common::config(200, "tests/tiered.proptest-regressions"))]

    /// Whatever the lags up to `d`, on the coarse clock and on the tiered one.
    #[test]
    fn no_window_grants_more_than_the_bound_of_a_clock_that_lags_by_d(
        moves in vec((0..3 * MS, prop_oneof![Just(0), Just(D), 0..=D]), 1..60),
    ) {
        let clock = Lagging::default();
        clock.set(100 * MS, 0);
        let coarse = TokenBucket::with_clock(limit(), Coarse(&clock)).unwrap();
        let over = greedy(&clock, &coarse, &moves).worst(CAPACITY);
        prop_assert!(over <= D as i64, "coarse: {over} ns");
        clock.set(100 * MS, 0);
        let tiered = TokenBucket::with_clock(limit(), &clock).unwrap();
        let over = greedy(&clock, &tiered, &moves).worst(CAPACITY);
        prop_assert!(over <= D as i64, "tiered: {over} ns");
    }

    /// While it is not full, a bucket has nothing of its coarse readings: each answer is that of a
    /// bucket on the precise clock.
    #[test]
    fn a_bucket_that_is_not_full_answers_as_on_the_precise_clock(
        moves in vec((0..2 * MS, 0..=D, 0..7_u8, 0..3000_u64), 1..200),
    ) {
        let clock = Lagging::default();
        let limits = [Limit::per_second(1_000_000), Limit::per_second(333_333)].map(|limit| limit.capacity(1 << 40).empty());
        let tiered = MultiBucket::with_clock(limits, &clock).unwrap();
        let precise = MultiBucket::with_clock(limits, Precise(&clock)).unwrap();
        let mut now = 0;
        for (step, lag, verb, n) in moves {
            now += step;
            clock.set(now, lag);
            let amounts = [n, n / 3];
            match verb {
                0 | 1 => prop_assert_eq!(tiered.try_take(amounts).map(drop), precise.try_take(amounts).map(drop)),
                2 => prop_assert_eq!(tiered.admit(amounts).map(drop), precise.admit(amounts).map(drop)),
                3 => prop_assert_eq!(tiered.take_items(n, [2, 1]), precise.take_items(n, [2, 1])),
                4 => prop_assert_eq!(tiered.take_in_order(&[amounts; 3]), precise.take_in_order(&[amounts; 3])),
                5 => prop_assert_eq!(tiered.charge(amounts), precise.charge(amounts)),
                _ => {
                    let back = amounts.map(|n| n / 10);
                    tiered.put_back(back);
                    precise.put_back(back);
                }
            }
            prop_assert_eq!(tiered.available(), precise.available());
        }
    }

    /// A full one has at most what refills in `d` on top. It refuses nothing that the precise clock
    /// would grant: a bucket on that one, which is charged with each grant, never has more.
    #[test]
    fn a_full_bucket_refuses_nothing_that_the_precise_clock_would_grant(
        moves in vec((0..MS, 0..=D, 0..700_u64), 1..200),
    ) {
        let clock = Lagging::default();
        clock.set(100 * MS, 0);
        let tiered = TokenBucket::with_clock(limit(), &clock).unwrap();
        let precise = TokenBucket::with_clock(limit(), Precise(&clock)).unwrap();
        let mut now = 100 * MS;
        for (step, lag, n) in moves {
            now += step;
            clock.set(now, lag);
            let would = precise.wait_for(n) == Ok(Some(Duration::ZERO));
            let granted = tiered.try_take(n).is_ok();
            prop_assert!(granted || !would, "{n} at {now} ns");
            if granted {
                precise.charge(n).unwrap();
            }
            prop_assert!(tiered.available() >= precise.available());
            prop_assert!(tiered.available() <= precise.available() + D / 1000 + 1);
        }
    }
}
