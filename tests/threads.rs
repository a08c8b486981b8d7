//! Under contention every thread gets on, and no token is lost or minted.

mod common;

use std::thread;
use std::time::Duration;

use common::{Producer, Random, Verbs};
use portable_atomic::{AtomicU64, Ordering::Relaxed};
use tollgate::clock::ManualClock;
use tollgate::{Clock, Limit, MultiBucket, TokenBucket};

const THREADS: u64 = 64;
const CALLS: u64 = 1000;
const CAPACITY: u64 = 40_000;

/// What all threads together were granted, and what they gave back.
#[derive(Default, Debug)]
struct Totals {
    granted: AtomicU64,
    put_back: AtomicU64,
    refused: AtomicU64,
    calls: AtomicU64,
}

/// 64 threads make 1000 calls each. `caller` makes a thread's own access to the bucket; `before`
/// runs ahead of every call. Every stream is asked for the same amount, and only what was taken is
/// given back.
fn contend<const N: usize, V: Verbs<N>>(
    caller: impl Fn() -> V + Sync,
    clock: &ManualClock,
    before: impl Fn() + Sync,
) -> Totals {
    let totals = Totals::default();
    thread::scope(|scope| {
        for seed in 0..THREADS {
            let (totals, caller, before) = (&totals, &caller, &before);
            scope.spawn(move || {
                let (mut bucket, mut random, mut held) = (caller(), Random(seed), 0);
                for _ in 0..CALLS {
                    before();
                    let n = 1 + random.below(3);
                    match random.below(8) {
                        0 if held > 0 => {
                            let n = n.min(held);
                            bucket.put_back(clock.now(), [n; N]);
                            totals.put_back.fetch_add(n, Relaxed);
                            held -= n;
                        }
                        1 => held += bucket.take_up_to(clock.now(), n, [1; N]),
                        _ => match bucket.try_take(clock.now(), [n; N]) {
                            Ok(()) => held += n,
                            Err(_) => _ = totals.refused.fetch_add(1, Relaxed),
                        },
                    }
                    totals.calls.fetch_add(1, Relaxed);
                }
                // What it holds at the end was granted and not given back.
                totals.granted.fetch_add(held, Relaxed);
            });
        }
    });
    totals
}

/// On a standing clock nothing refills: what has left the bucket is what the threads hold.
fn nothing_is_lost_or_minted<const N: usize, V: Verbs<N>>(
    limit: Limit,
    clock: &ManualClock,
    caller: impl Fn() -> V + Sync,
) {
    let totals = contend(&caller, clock, || ());
    let held = totals.granted.load(Relaxed);
    assert_eq!(caller().available(clock.now()), [limit.capacity - held; N], "{limit}, {totals:?}");
    assert_eq!(totals.calls.load(Relaxed), THREADS * CALLS, "{limit}, {totals:?}");
    assert!(totals.refused.load(Relaxed) > 0 && totals.put_back.load(Relaxed) > 0, "{limit}, {totals:?}");
    assert_eq!(held + caller().take_up_to(clock.now(), u64::MAX, [1; N]), limit.capacity, "{limit}, {totals:?}");
}

fn limits() -> [Limit; 3] {
    [Limit::per_second(1000), Limit::per_second(1 << 20), Limit::per_second(64 << 30)]
        .map(|limit| limit.capacity(CAPACITY))
}

#[test]
fn sixty_four_threads_on_a_token_bucket_complete_their_calls_and_share_its_capacity() {
    for limit in limits() {
        let clock = ManualClock::new();
        let bucket = TokenBucket::with_clock(limit, &clock).unwrap();
        nothing_is_lost_or_minted(limit, &clock, || &bucket);
    }
}

/// With `S` slots inside; where there are more threads than that, and no `alloc`, a call may have
/// to wait for another to leave.
fn sixty_four_threads_on_slots<const N: usize, const S: usize>() {
    for limit in limits() {
        let clock = ManualClock::new();
        let bucket = MultiBucket::<N, _, S>::with_slots([limit; N], &clock).unwrap();
        nothing_is_lost_or_minted(limit, &clock, || &bucket);
    }
}

#[test]
fn sixty_four_threads_on_one_stream_complete_their_calls_and_share_its_capacity() {
    sixty_four_threads_on_slots::<1, 66>();
}

#[test]
fn sixty_four_threads_on_two_streams_complete_their_calls_and_share_their_capacity() {
    sixty_four_threads_on_slots::<2, 66>();
}

#[test]
fn sixty_four_threads_on_few_slots_complete_their_calls_and_share_their_capacity() {
    sixty_four_threads_on_slots::<2, 4>();
}

#[test]
#[cfg(feature = "alloc")]
fn sixty_four_threads_on_one_slot_that_grows_complete_their_calls_and_share_their_capacity() {
    sixty_four_threads_on_slots::<3, 1>();
}

#[test]
fn sixty_four_handles_complete_their_calls_and_share_the_capacity() {
    for limit in limits() {
        let clock = ManualClock::new();
        let bucket = MultiBucket::<2, _, 200>::with_slots([limit; 2], &clock).unwrap();
        nothing_is_lost_or_minted(limit, &clock, || Producer(bucket.handle().unwrap(), &bucket));
    }
}

/// A bucket that begins empty and never gets full forfeits nothing, so that what was earned is held
/// or still there, to the token.
fn all_that_is_earned_is_held_or_there<V: Verbs<1>>(limit: Limit, clock: &ManualClock, caller: impl Fn() -> V + Sync) {
    let totals = contend(&caller, clock, || _ = clock.advance(Duration::from_micros(100)));
    let elapsed = THREADS * CALLS * 100_000;
    assert_eq!(clock.now().as_nanos(), elapsed, "two advances both count");
    let earned = (u128::from(limit.rate.tokens()) * u128::from(elapsed) / limit.rate.period().as_nanos()) as u64;
    let inexact = u64::from(!limit.precision().unwrap().is_zero());
    let total = totals.granted.load(Relaxed) + caller().available(clock.now())[0];
    assert!((earned - inexact..=earned).contains(&total), "{limit}: {total} of {earned} tokens, {totals:?}");
    assert!(totals.refused.load(Relaxed) > 0, "{limit}, {totals:?}");
}

#[test]
fn with_a_moving_clock_all_that_is_earned_is_held_or_still_there() {
    // A token for each call, two are asked for; the capacity is more than is ever earned.
    for text in ["10000/s", "7777/s", "10001/s", "1/99us"] {
        let limit = Limit::new(text.parse().unwrap(), 1_000_000).empty();
        let clock = ManualClock::new();
        let bucket = TokenBucket::with_clock(limit, &clock).unwrap();
        all_that_is_earned_is_held_or_there(limit, &clock, || &bucket);
        let clock = ManualClock::new();
        let bucket = MultiBucket::<1, _, 66>::with_slots([limit], &clock).unwrap();
        all_that_is_earned_is_held_or_there(limit, &clock, || &bucket);
        let clock = ManualClock::new();
        let bucket = MultiBucket::<1, _, 200>::with_slots([limit], &clock).unwrap();
        all_that_is_earned_is_held_or_there(limit, &clock, || Producer(bucket.handle().unwrap(), &bucket));
    }
}

#[test]
fn the_last_token_goes_to_exactly_one_thread() {
    for round in 0..100 {
        let single = TokenBucket::with_clock(Limit::per_second(1), ManualClock::new()).unwrap();
        let multi = MultiBucket::<2, _, 10>::with_slots([Limit::per_second(1); 2], ManualClock::new()).unwrap();
        let granted: [u64; 2] = thread::scope(|scope| {
            let callers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| [single.try_take(1).is_ok(), multi.try_take([1, 1]).is_ok()].map(u64::from)))
                .collect();
            let join = |[a, b]: [u64; 2], [c, d]: [u64; 2]| [a + c, b + d];
            callers.into_iter().map(|caller| caller.join().unwrap()).fold([0, 0], join)
        });
        assert_eq!(granted, [1, 1], "round {round}");
    }
}
