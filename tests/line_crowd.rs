//! Crowds: ten thousand in the line, an hour in which half of all callers hang up, and callers that
//! are never polled again.
#![cfg(feature = "std")]

mod common;
mod crowd;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::task::{Context, Waker};
use std::time::Duration;

use common::{Naive, Random, nanos};
use crowd::{Alarms, Crowd, GRACE, audit_with_grace};
use tollgate::clock::{ManualClock, Time};
use tollgate::{Clock, Limit, MultiBucket, TokenBucket};

const SECOND: u64 = 1_000_000_000;

/// Called 10 ms ago and not come: then a waiter counts as deaf.
const DEAF: Duration = Duration::from_millis(10);

#[test]
fn ten_thousand_are_served_in_order_each_at_its_instant_and_polled_twice() {
    let limit = Limit::per_second(1000).capacity(5).empty();
    let amounts: Vec<_> = (0..10_000).map(|i| 1 + i * i % 5).collect();
    // When so many tokens have accrued.
    let accrued = |sum: &mut u64, n: &u64| {
        *sum += n;
        Some(nanos(*sum * SECOND / 1000))
    };
    let instants = amounts.iter().scan(0, accrued);
    let expected: Vec<_> = instants.enumerate().collect();

    let clock = ManualClock::new();
    let (alarms, bucket) = (Alarms::new(&clock), TokenBucket::with_clock(limit, &clock).unwrap());
    let mut crowd = Crowd::new(&alarms);
    amounts.iter().for_each(|n| _ = crowd.come(bucket.take_on(*n, &alarms)));
    crowd.run_out();
    assert_eq!((crowd.served, crowd.polls), (expected.clone(), 20_000));

    let clock = ManualClock::new();
    let alarms = Alarms::new(&clock);
    let bucket = MultiBucket::with_clock([limit, Limit::per_second(1_000_000)], &clock).unwrap();
    let mut crowd = Crowd::new(&alarms);
    amounts.iter().for_each(|n| _ = crowd.come(bucket.take_on([*n, 100], &alarms)));
    crowd.run_out();
    assert_eq!((crowd.served, crowd.polls), (expected, 20_000));
}

/// A caller of the hour.
#[derive(Clone, Copy)]
struct Caller {
    came: u64,
    hangs_up: Option<u64>,
}

/// An hour of callers for one token each, half of which have 0 to 4 seconds of patience.
fn hour() -> Vec<Caller> {
    let (mut random, mut came) = (Random(7), 0);
    let mut callers = vec![];
    while came < 3600 * SECOND {
        // 17 a second; those who stay are 8.5 of 10 that are served.
        came += random.below(2 * SECOND / 17);
        let hangs_up = (random.below(2) == 0).then(|| came + random.below(4 * SECOND));
        callers.push(Caller { came, hangs_up });
    }
    callers
}

/// Who is served, and when, by an exact line, first come, first served: the first takes as soon as
/// its token is there.
fn served_by_the_book(limit: Limit, callers: &[Caller]) -> Vec<(usize, Time)> {
    let (mut bucket, mut free, mut served) = (Naive::new(limit), 0, vec![]);
    for (who, caller) in callers.iter().enumerate() {
        let from = caller.came.max(free);
        let at = from + bucket.wait(from, 1).unwrap() as u64;
        if caller.hangs_up.is_none_or(|hangs_up| at < hangs_up) {
            bucket.take(at, 1);
            free = at;
            served.push((who, nanos(at)));
        }
    }
    served
}

/// Instants at which callers hang up, and who.
type HangUps = BinaryHeap<Reverse<(u64, usize)>>;

fn pop_until(hang_ups: &mut HangUps, until: u64) -> Option<(u64, usize)> {
    let at = hang_ups.peek()?.0.0;
    if at <= until { hang_ups.pop().map(|next| next.0) } else { None }
}

/// Lets one hang up then. What is due at that very instant is due after it has gone.
fn hang_up(crowd: &mut Crowd<'_>, clock: &ManualClock, at: u64, who: usize) {
    crowd.run(nanos(at - 1));
    clock.set(nanos(at));
    crowd.leave(who);
    crowd.run(nanos(at));
}

#[test]
fn in_an_hour_in_which_half_hang_up_all_others_are_served_by_the_book() {
    let limit = Limit::per_second(10).capacity(5).empty();
    let callers = hour();
    let clock = ManualClock::new();
    let (alarms, bucket) = (Alarms::new(&clock), TokenBucket::with_clock(limit, &clock).unwrap());
    let mut crowd = Crowd::new(&alarms);
    let mut hang_ups = BinaryHeap::new();
    let mut longest = 0;
    for (who, caller) in callers.iter().enumerate() {
        while let Some((at, leaver)) = pop_until(&mut hang_ups, caller.came) {
            hang_up(&mut crowd, &clock, at, leaver);
        }
        crowd.run(nanos(caller.came));
        crowd.come(bucket.take_on(1, &alarms));
        crowd.poll();
        hang_ups.extend(caller.hangs_up.map(|at| Reverse((at, who))));
        longest = longest.max(crowd.waiting());
    }
    while let Some((at, leaver)) = pop_until(&mut hang_ups, u64::MAX) {
        hang_up(&mut crowd, &clock, at, leaver);
    }
    crowd.run_out();
    let expected = served_by_the_book(limit, &callers);
    assert!(longest > 20 && crowd.waiting() == 0, "the line was {longest} long, and {} are left", crowd.waiting());
    if let Some(i) = (0..expected.len()).find(|i| crowd.served.get(*i) != expected.get(*i)) {
        panic!("{i}: {:?}, by the book {:?}", crowd.served.get(i), expected[i]);
    }
    assert_eq!(crowd.served.len(), expected.len());
    let uses: Vec<_> = crowd.served.iter().map(|(_, at)| (at.as_nanos(), 1)).collect();
    audit_with_grace(limit, Duration::ZERO, &uses).unwrap();
    // Each is polled when it enters. Who is served is told once that it moved up, and comes at its
    // instant. Few of those behind are told.
    let most = callers.len() + 2 * expected.len() + callers.len() / 20;
    assert!(crowd.polls <= most as u64, "{} polls of {}, {most} expected", crowd.polls, callers.len());
    // Nothing is left in the line.
    clock.advance(Duration::from_secs(1));
    assert_eq!(bucket.take_up_to(9), 5);
}

#[test]
fn three_who_are_never_polled_again_delay_those_behind_by_ten_milliseconds_each_at_most() {
    for capacity in [1, 10, 50] {
        let limit = Limit::per_second(100).capacity(capacity).empty();
        let clock = ManualClock::new();
        let (alarms, bucket) = (Alarms::new(&clock), TokenBucket::with_clock(limit, &clock).unwrap());
        let (deaf_alarms, mut crowd) = (Alarms::new(&clock), Crowd::new(&alarms));
        // Nobody rings their alarms, and nobody polls them.
        let mut deaf = Crowd::new(&deaf_alarms);
        (0..3).for_each(|_| _ = deaf.come(bucket.take_on(1, &deaf_alarms)));
        deaf.poll();
        (0..20).for_each(|_| _ = crowd.come(bucket.take_on(1, &alarms)));
        crowd.run_out();
        assert!(crowd.served.iter().map(|(who, _)| *who).eq(0..20), "{limit}: in order");
        for (who, at) in &crowd.served {
            // With the three before it.
            let promised = nanos((4 + *who as u64) * SECOND / 100);
            assert!(*at <= promised.after(3 * DEAF), "{limit}: {who} at {at:?}, promised {promised:?}");
        }
        let uses: Vec<_> = crowd.served.iter().map(|(_, at)| (at.as_nanos(), 1)).collect();
        audit_with_grace(limit, GRACE, &uses).unwrap();
        // Takers are kept out no longer than that, though the three are still there.
        let last = crowd.served.last().unwrap().1;
        clock.set(last.after(3 * DEAF + Duration::from_secs(1)));
        assert_eq!(bucket.take_up_to(1), 1, "{limit}");
        // They have nothing to give back.
        let before = bucket.available();
        drop(deaf);
        assert_eq!(bucket.available(), before, "{limit}");
    }
}

#[test]
fn one_who_was_never_polled_again_enters_anew_behind_the_others() {
    let clock = ManualClock::new();
    let limit = Limit::per_second(100).capacity(10).empty();
    let (alarms, bucket) = (Alarms::new(&clock), TokenBucket::with_clock(limit, &clock).unwrap());
    let (deaf_alarms, mut crowd) = (Alarms::new(&clock), Crowd::new(&alarms));
    let mut deaf = Crowd::new(&deaf_alarms);
    deaf.come(bucket.take_on(1, &deaf_alarms));
    deaf.poll();
    (0..10).for_each(|_| _ = crowd.come(bucket.take_on(1, &alarms)));
    crowd.run(Time::ZERO.after(Duration::from_millis(60)));
    assert!(crowd.waiting() > 0 && crowd.waiting() < 10, "{}", crowd.waiting());
    // It comes at last, while others still wait.
    deaf.ring_and_poll(|queue| queue.pop_front());
    assert_eq!(deaf.waiting(), 1);
    crowd.run_out();
    assert_eq!(crowd.served.len(), 10);
    deaf.run_out();
    assert!(deaf.served[0].1 > crowd.served[9].1, "{:?}", deaf.served);
}

#[test]
fn in_700_days_of_little_use_nothing_is_lost_and_nobody_left_behind() {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let clock = ManualClock::new();
    let (alarms, limit) = (Alarms::new(&clock), Limit::per_hour(1).capacity(3));
    let bucket = MultiBucket::with_clock([limit], &clock).unwrap();
    for day in 0..700 {
        let mut crowd = Crowd::new(&alarms);
        (0..4).for_each(|_| _ = crowd.come(bucket.take_on([1], &alarms)));
        crowd.poll();
        // Three tokens were there; the fourth is waited for. Behind it, one hangs up, and a
        // reservation is dropped.
        let mut leaver = Box::pin(bucket.take_on([2], &alarms));
        assert!(leaver.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let place = bucket.reserve([1]).unwrap();
        drop((leaver, place));
        if day % 7 == 0 {
            bucket.set_limit(Limit::per_hour(2).capacity(3)).unwrap();
            bucket.set_limit(limit).unwrap();
        }
        crowd.run_out();
        assert_eq!(crowd.served.len(), 4, "day {day}");
        assert_eq!(clock.now(), nanos(0).after(DAY * day + Duration::from_secs(3600)), "day {day}");
        clock.set(nanos(0).after(DAY * (day + 1)));
        assert_eq!(bucket.available(), [3], "day {day}");
    }
}
