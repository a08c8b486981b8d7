//! better-bucket 1.1 has tollgate's idea (one word, a linear refill), with amounts of 32 bits and
//! hints in whole milliseconds.

use std::hint::black_box;
use std::time::{Duration, Instant};

use better_bucket::{BucketConfig, BucketCore, Decision};
use lessons::lesson;
use tollgate::clock::{ManualClock, Time};
use tollgate::{Limit, TokenBucket};

const PEER: &str = "better-bucket 1.1.0";

fn theirs(rate: u32) -> BucketCore {
    BucketCore::new(BucketConfig::new(rate, rate, Duration::from_secs(1), 0).unwrap(), Duration::ZERO)
}

fn ours(rate: u64) -> TokenBucket<ManualClock> {
    TokenBucket::with_clock(Limit::per_second(rate).empty(), ManualClock::new()).unwrap()
}

#[test]
fn hints_are_exact_to_the_nanosecond() {
    let Decision::Denied { retry_after } = theirs(1_000_000).acquire_at(1, Duration::ZERO) else { panic!() };
    assert_eq!(retry_after, Duration::from_millis(1));
    let wait = ours(1_000_000).try_take(1).unwrap_err().wait().unwrap();
    assert_eq!(wait, Duration::from_micros(1));
    lesson(PEER, true, format!("a token that is 1 us away is hinted at in {retry_after:?}"), format!("{wait:?}"));
}

#[test]
fn amounts_are_64_bits_wide() {
    // The constructor takes a `u32`, so it cannot express a burst of 5 GB.
    const BYTES: u64 = 5_000_000_000;
    let new: fn(u32, u32, Duration, u32) -> _ = BucketConfig::new;
    assert!(new(u32::MAX, u32::MAX, Duration::from_secs(1), 0).is_ok() && u32::try_from(BYTES).is_err());
    let bucket = ours(BYTES);
    bucket.clock().advance(Duration::from_secs(1));
    assert_eq!(bucket.try_take(BYTES).map(drop), Ok(()));
    lesson(PEER, true, format!("the largest amount is {}", u32::MAX), format!("{BYTES} taken at once"));
}

/// Measures the nanoseconds per call: the least of several runs.
fn cost(mut call: impl FnMut()) -> f64 {
    const CALLS: u32 = 20_000;
    let run = |_| {
        let started = Instant::now();
        (0..CALLS).for_each(|_| call());
        started.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
    };
    (0..20).map(run).fold(f64::INFINITY, f64::min)
}

/// A refusal of the peer always computes its hint, by a division of 128 bits.
///
/// The test prints times without asserting them: `cargo bench` measures them.
#[test]
fn a_refusal_does_no_more_than_a_grant() {
    const RATE: u32 = 1_000_000_000;
    let (theirs, ours) = (theirs(RATE), ours(RATE.into()));
    let mut now = Duration::ZERO;
    let granted = cost(|| {
        now += Duration::from_nanos(1);
        assert!(black_box(theirs.acquire_at(black_box(1), now)).is_allowed());
    });
    let refused = cost(|| assert!(black_box(theirs.acquire_at(black_box(1000), now)).is_denied()));
    let mut nanos = 0;
    let our_granted = cost(|| {
        nanos += 1;
        assert!(black_box(ours.at(Time::from_nanos(nanos)).try_take(black_box(1))).is_ok());
    });
    let our_refused = cost(|| assert!(black_box(ours.at(Time::from_nanos(nanos)).try_take(black_box(1000))).is_err()));
    let build = if cfg!(debug_assertions) { "debug build: says little" } else { "release build" };
    lesson(
        PEER,
        refused > granted,
        format!("a grant {granted:.1} ns, a refusal {refused:.1} ns ({build})"),
        format!("a grant {our_granted:.1} ns, a refusal {our_refused:.1} ns"),
    );
}
