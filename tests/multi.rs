//! Several streams are debited all or nothing, at one instant, whoever asks and whoever looks.

mod common;

use std::cell::Cell;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use common::nanos;
use tollgate::clock::ManualClock;
use tollgate::{Limit, MultiBucket, Refused};

const SECOND: u64 = 1_000_000_000;

/// A limit that never refills: what has left it shows.
fn budget(tokens: u64) -> Limit {
    Limit::per_second(0).capacity(tokens)
}

#[test]
fn one_short_stream_leaves_all_streams_as_they_were() {
    let limits: [Limit; 8] = std::array::from_fn(|i| budget(i as u64 + 1));
    let bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
    bucket.try_take([1; 8]).unwrap();
    for short in 0..8 {
        let amounts = std::array::from_fn(|i| i as u64 + u64::from(i == short));
        let refused = bucket.try_take(amounts).unwrap_err();
        assert_eq!(
            (refused.stream(), bucket.available()),
            (short, [0, 1, 2, 3, 4, 5, 6, 7]),
            "stream {short} is short"
        );
    }
    assert_eq!(bucket.try_take([0, 1, 2, 3, 4, 5, 6, 7]).map(drop), Ok(()));
    assert_eq!(bucket.available(), [0; 8]);
}

#[test]
fn an_amount_of_0_on_a_stream_in_debt_is_granted_and_leaves_it_alone() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10), budget(5)], ManualClock::new()).unwrap();
    bucket.at(nanos(5 * SECOND)).try_take([10, 0]).unwrap();
    // A caller whose clock is five seconds behind sees the first stream 50 tokens in debt.
    let stale = bucket.at(nanos(0));
    assert_eq!(stale.wait_for([1, 0]), Ok(Some(Duration::from_millis(5100))));
    assert_eq!(stale.try_take([0, 2]).map(drop), Ok(()));
    assert_eq!(stale.take_items(1, [0, 2]), 1);
    assert_eq!(stale.wait_for([0, 1]), Ok(Some(Duration::ZERO)));
    assert_eq!(stale.wait_for([1, 0]), Ok(Some(Duration::from_millis(5100))), "its word was written");
    assert_eq!(bucket.at(nanos(6 * SECOND)).available(), [10, 1]);
}

#[test]
fn an_amount_of_0_on_an_overfull_stream_forfeits_nothing_of_it() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10), budget(5)], ManualClock::new()).unwrap();
    bucket.try_take([10, 0]).unwrap();
    bucket.at(nanos(60 * SECOND)).try_take([0, 1]).unwrap();
    assert_eq!(bucket.at(nanos(SECOND / 2)).available(), [5, 4]);
}

#[test]
fn amounts_of_0_everywhere_are_granted_without_a_write() {
    let bucket = MultiBucket::with_clock([budget(1), budget(1)], ManualClock::new()).unwrap();
    bucket.try_take([1, 1]).unwrap();
    assert_eq!(bucket.try_take([0, 0]).map(drop), Ok(()));
    assert_eq!(bucket.handle().unwrap().try_take([0, 0]).map(drop), Ok(()));
    assert_eq!(bucket.take_items(u64::MAX, [0, 0]), u64::MAX);
    assert_eq!((bucket.snapshot().sequence(), bucket.available()), (1, [0, 0]));
}

#[test]
fn take_up_to_takes_whole_items_that_fit_all_streams() {
    let limits = [budget(10), budget(1000), budget(7)];
    for (max, item, items) in [
        (20, [1, 300, 0], 3),
        (2, [1, 300, 0], 2),
        (20, [1, 1, 1], 7),
        (20, [3, 0, 0], 3),
        (0, [1, 1, 1], 0),
        (20, [11, 0, 0], 0),
        (20, [1, 1, u64::MAX], 0),
        (u64::MAX, [0, 1000, 0], 1),
    ] {
        let bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
        let handle = bucket.handle().unwrap();
        let left = std::array::from_fn(|i| limits[i].capacity - items * item[i].min(1000));
        assert_eq!((bucket.take_items(max, item), bucket.available()), (items, left), "{max} of {item:?}");
        bucket.reset([u64::MAX; 3]);
        assert_eq!((handle.take_items(max, item), handle.available()), (items, left), "{max} of {item:?}, by handle");
    }
}

/// Two published limits that are checked in turn lose 15 % of the first one's budget to refusals of
/// the second.
#[test]
fn a_refusal_by_the_second_stream_costs_the_first_nothing() {
    let bucket = MultiBucket::with_clock([budget(1000), Limit::per_second(100)], ManualClock::new()).unwrap();
    let granted = (0..2000).filter(|i| bucket.at(nanos(i * SECOND / 400)).try_take([1, 1]).is_ok()).count() as u64;
    assert!((500..1000).contains(&granted), "{granted}");
    assert_eq!(bucket.available()[0], 1000 - granted);
}

/// Debiting one by one with rollback refuses both of two callers of whom one fits.
#[test]
fn of_two_callers_in_opposite_order_one_is_granted_and_nobody_sees_half() {
    const ROUNDS: usize = 2000;
    let bucket = MultiBucket::with_clock([budget(3); 2], ManualClock::new()).unwrap();
    let barrier = Barrier::new(2);
    // What was granted in each round, and what was seen afterwards. Judged at the end: a panic
    // would leave the other at the barrier.
    let [first, second] = thread::scope(|scope| {
        let callers = [[2, 3], [3, 2]].map(|amounts| {
            let (barrier, bucket) = (&barrier, &bucket);
            scope.spawn(move || {
                let round = |_| {
                    barrier.wait();
                    let round = (bucket.try_take(amounts).is_ok(), bucket.available());
                    if barrier.wait().is_leader() {
                        bucket.reset([3; 2]);
                    }
                    round
                };
                (0..ROUNDS).map(round).collect::<Vec<_>>()
            })
        });
        callers.map(|caller| caller.join().unwrap())
    });
    for (round, (first, second)) in first.into_iter().zip(second).enumerate() {
        let left = if first.0 { [1, 0] } else { [0, 1] };
        assert!(first.0 != second.0, "round {round}: granted {} and {}", first.0, second.0);
        assert_eq!([first.1, second.1], [left; 2], "round {round}");
    }
}

/// All streams begin alike and are debited alike: whoever sees them differ has seen half a take. So
/// has whoever is refused by another than the first, which is the one to be named when all waits
/// are as long.
fn untorn<const N: usize>() {
    const LOOKS: u64 = 60_000;
    let bucket = MultiBucket::<N, _, 12>::with_slots([Limit::per_second(1000); N], ManualClock::new()).unwrap();
    let done = AtomicBool::new(false);
    let torn = thread::scope(|scope| {
        for n in [1, 100] {
            let (bucket, done) = (&bucket, &done);
            scope.spawn(move || {
                let handle = bucket.handle().unwrap();
                while !done.load(Relaxed) {
                    if handle.try_take([n; N]).is_ok() {
                        bucket.put_back([n; N]);
                    }
                }
            });
        }
        let (mut newest, refusals) = (0, Cell::new(0));
        let mut look = |i| {
            let snapshot = bucket.snapshot();
            let (seen, sequence) = (snapshot.available(), snapshot.sequence());
            let untorn = seen == [seen[0]; N] && seen[0] <= 1000 && newest <= sequence;
            let before = std::mem::replace(&mut newest, sequence);
            let refused = bucket.try_take([1000; N]).map(|_| bucket.put_back([1000; N])).err();
            refusals.set(refusals.get() + u64::from(refused.is_some()));
            let whole = refused.is_none_or(|refused| refused.stream() == 0 && matches!(refused, Refused::NotYet(_)));
            (!untorn || !whole).then(|| format!("look {i}: {seen:?}, version {sequence} after {before}; {refused:?}"))
        };
        let mut torn = (0..LOOKS).find_map(&mut look);
        // On a busy machine the writers may not have begun by then.
        while torn.is_none() && refusals.get() == 0 {
            torn = look(LOOKS);
            thread::yield_now();
        }
        done.store(true, Relaxed);
        torn
    });
    assert_eq!(torn, None);
    assert_eq!(bucket.available(), [1000; N]);
}

#[test]
fn a_snapshot_of_two_streams_is_never_torn() {
    untorn::<2>();
}

#[test]
fn a_snapshot_of_eight_streams_is_never_torn() {
    untorn::<8>();
}

#[test]
fn a_handle_given_back_leaves_its_slot_to_the_next() {
    let bucket = MultiBucket::with_clock([budget(1_000_000)], ManualClock::new()).unwrap();
    for _ in 0..10_000 {
        let handle = bucket.handle().unwrap();
        handle.try_take([1]).unwrap();
    }
    assert_eq!(bucket.available(), [990_000]);
}

#[test]
fn handles_run_out_with_an_error_and_callers_without_one_go_on() {
    let bucket = MultiBucket::with_clock([budget(10_000)], ManualClock::new()).unwrap();
    let mut handles: Vec<_> = std::iter::from_fn(|| bucket.handle().ok()).collect();
    assert_eq!(handles.len(), if cfg!(feature = "alloc") { 4094 } else { 2 });
    assert_eq!(bucket.handle().unwrap_err().to_string(), "too few slots are left for a handle");
    for handle in &mut handles {
        handle.try_take([1]).unwrap();
        bucket.try_take([1]).unwrap();
    }
    assert_eq!(bucket.available(), [10_000 - 2 * handles.len() as u64]);
    handles.pop();
    assert!(bucket.handle().is_ok());
}
