//! Buckets and clocks in statics: they are full at the clock's zero, and refill by the clock.
//!
//! That these statics compile is a test of its own: without `std` and `alloc`, too.

mod common;

use std::thread;
use std::time::Duration;

use common::nanos;
use tollgate::bucket::At;
use tollgate::clock::{ManualClock, Monotonic, Recovering, Time};
use tollgate::{Clock, LeakyBucket, Limit, MultiBucket, Rate, TokenBucket};

const MS: u64 = 1_000_000;

/// A clock that a program without `std` might have: it shows a counter of the hardware.
struct Ticks(&'static ManualClock);

impl Clock for Ticks {
    fn now(&self) -> Time {
        self.0.now()
    }
}

#[test]
fn a_token_bucket_in_a_static_is_full_at_zero_and_refills_by_its_clock() {
    static TICKS: ManualClock = ManualClock::new();
    static BUCKET: TokenBucket<Ticks> =
        TokenBucket::const_new(Limit::per_second(1000).capacity(50), Ticks(&TICKS)).with_max_debt(0);
    assert_eq!(BUCKET.available(), 50);
    BUCKET.try_take(50).unwrap();
    assert_eq!(BUCKET.try_take(1).unwrap_err().wait(), Some(Duration::from_millis(1)));
    TICKS.set(nanos(7 * MS));
    assert_eq!(BUCKET.available(), 7);
    BUCKET.try_take(7).unwrap();
    assert!(BUCKET.reserve(1).is_err());
}

#[test]
fn a_multi_bucket_in_a_static_has_handles_and_changes_its_limits() {
    static TICKS: ManualClock = ManualClock::new();
    static BUCKET: MultiBucket<2, Ticks> = MultiBucket::const_new(
        [Limit::per_second(1000), Limit::new(Rate::per_second(1 << 20), 1 << 20)],
        Ticks(&TICKS),
    )
    .with_max_wait(Duration::from_secs(1));
    assert_eq!(BUCKET.available(), [1000, 1 << 20]);
    let handle = BUCKET.handle().unwrap();
    handle.try_take([1000, 1]).unwrap();
    assert!(BUCKET.try_take([1, 0]).is_err());
    TICKS.set(nanos(5 * MS));
    assert_eq!(BUCKET.available(), [5, 1 << 20]);
    BUCKET.set_limits([Limit::per_second(10), Limit::per_second(10)]).unwrap();
    assert_eq!(BUCKET.available(), [5, 10]);
    BUCKET.try_take([5, 10]).unwrap();
    TICKS.set(nanos(105 * MS));
    assert_eq!(BUCKET.available(), [1, 1]);
}

#[test]
fn a_multi_bucket_in_a_static_has_the_slots_of_its_type() {
    static TICKS: ManualClock = ManualClock::new();
    static BUCKET: MultiBucket<8, &ManualClock, 16> = MultiBucket::const_new([Limit::per_second(100); 8], &TICKS);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..25).for_each(|_| BUCKET.try_take([1; 8]).map(drop).unwrap()));
        }
    });
    assert_eq!((BUCKET.available(), BUCKET.try_take([1; 8]).is_err()), ([0; 8], true));
}

#[test]
fn a_leaky_bucket_in_a_static_is_at_level_0_at_zero_and_drains_by_its_clock() {
    static TICKS: ManualClock = ManualClock::new();
    static BUCKET: LeakyBucket<Ticks> = LeakyBucket::const_empty(Limit::per_second(1000).empty(), Ticks(&TICKS));
    assert_eq!((BUCKET.level(), BUCKET.room()), (0, 1000));
    BUCKET.try_add(1000).unwrap();
    TICKS.set(nanos(10 * MS));
    assert_eq!((BUCKET.level(), BUCKET.room()), (990, 10));
}

#[test]
fn a_bucket_in_a_static_counts_from_zero_wherever_its_clock_stands() {
    static TICKS: ManualClock = ManualClock::starting_at(Time::from_nanos(1 << 60));
    static BUCKET: TokenBucket<&ManualClock> = TokenBucket::const_new(Limit::per_second(10), &TICKS);
    assert_eq!(BUCKET.available(), 10);
    // A time before the clock's own is no more than that: it sees what had accrued by then.
    let early: At<_, 1> = BUCKET.at(Time::ZERO);
    early.try_take(10).unwrap();
    assert_eq!(BUCKET.available(), 10);
}

#[test]
fn clocks_stand_in_statics_too() {
    static INNER: ManualClock = ManualClock::new();
    static GOES_ON: Recovering<&ManualClock> = Recovering::new(&INNER).with_patience(Duration::from_nanos(10));
    static STANDS: Monotonic<&ManualClock> = Monotonic::new(&INNER);
    static BUCKET: TokenBucket<&Recovering<&ManualClock>> = TokenBucket::const_new(Limit::per_second(10), &GOES_ON);
    INNER.set(nanos(100));
    assert_eq!((GOES_ON.now(), STANDS.now()), (nanos(100), nanos(100)));
    INNER.set(nanos(10));
    assert_eq!(BUCKET.available(), 10);
    INNER.set(nanos(20));
    assert_eq!((GOES_ON.now(), STANDS.now()), (nanos(110), nanos(100)));
}

/// What would be an error of the compiler in a static.
#[test]
fn a_limit_that_cannot_be_kept_or_begins_with_less_than_its_capacity_panics() {
    let panics = |limit: Limit| {
        let made = std::panic::catch_unwind(|| TokenBucket::const_new(limit, ManualClock::new()).available());
        made.map_err(|panic| *panic.downcast_ref::<&str>().expect("a text")).err()
    };
    let limit = Limit::per_second(10);
    assert_eq!(panics(limit), None);
    for limit in [limit.empty(), limit.starting_with(9)] {
        assert!(panics(limit).unwrap().contains("begins with less than its capacity"));
    }
    assert_eq!(panics(limit.capacity(0)), Some("a capacity is at least 1 token"));
    assert_eq!(panics(Limit::per_second(u64::MAX)), Some("a rate is at most about 1.18e12/s"));
    assert!(panics(limit.capacity(u64::MAX)).unwrap().contains("the capacity is too large for the rate"));
}

#[cfg(all(feature = "boot-clock", any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
#[test]
fn a_bucket_in_a_static_on_the_boot_clock_is_full() {
    use tollgate::clock::BootClock;

    static BUCKET: TokenBucket<BootClock> = TokenBucket::const_new(Limit::per_day(10), BootClock::new());
    assert!(BUCKET.try_take(10).is_ok());
    assert!(BUCKET.try_take(1).is_err());
}
