//! What waits in front of a bucket comes out once: expired first, then by deadline, and somebody
//! always knows when to come back.
#![cfg(feature = "std")]

mod common;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;

use common::{Random, config, nanos};
use proptest::collection::vec;
use proptest::prelude::*;
use tollgate::clock::{ManualClock, Time};
use tollgate::deadline::{DeadlineQueue, Drained, Entry, PushRefusal, ShardedDeadlineQueue};
use tollgate::{Clock, Limit, MultiBucket, Never};

const SECOND: u64 = 1_000_000_000;

/// A drain without a maximum.
const ALL: usize = usize::MAX;

type Queue<T, const N: usize> = DeadlineQueue<T, N, ManualClock>;

fn queue<T, const N: usize>(limits: [Limit; N]) -> Queue<T, N> {
    DeadlineQueue::new(MultiBucket::with_clock(limits, ManualClock::new()).unwrap())
}

/// Ten a second, up to ten.
fn ten() -> Limit {
    Limit::per_second(10)
}

fn drain<T, const N: usize>(queue: &Queue<T, N>, now: u64) -> Drained<T> {
    queue.at(nanos(now)).drain(ALL).expect("nobody else drains")
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Drain,
    Flush,
    FlushUncharged,
}

/// A queue that is scanned and sorted, in front of a bucket of its own.
struct Naive {
    items: Vec<Item>,
    bucket: MultiBucket<2, ManualClock>,
}

/// Numbers are in order of arrival.
#[derive(Clone, Copy)]
struct Item {
    number: u64,
    amounts: [u64; 2],
    deadline: Time,
    expires: Time,
}

impl Naive {
    fn let_go(&mut self, now: Time, verb: Verb) -> Drained<u64> {
        self.items.sort_by_key(|item| (item.expires, item.number));
        let expired = self.items.iter().filter(|item| item.expires <= now).map(|item| item.number).collect();
        self.items.retain(|item| item.expires > now);
        self.items.sort_by_key(|item| (item.deadline, item.number));
        let bucket = self.bucket.at(now);
        let mut admitted = vec![];
        while let Some(&Item { number, amounts, .. }) = self.items.first() {
            let admits = match verb {
                Verb::Drain => bucket.try_take(amounts).is_ok(),
                Verb::Flush => bucket.charge(amounts).is_ok(),
                Verb::FlushUncharged => true,
            };
            if !admits {
                break;
            }
            admitted.push(number);
            self.items.remove(0);
        }
        let head_fits = self.items.first().map(|item| now.after(bucket.wait_for(item.amounts).unwrap().unwrap()));
        let next = self.items.iter().map(|item| item.expires).chain(head_fits).min();
        Drained { expired, admitted, never: vec![], next }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push { amounts: [u64; 2], deadline: u64, expires: u64 },
    LetGo(Verb),
    TakePast([u64; 2]),
    ComeBack,
}

fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    let amounts = || [0..12u64, 0..110u64];
    // Deadlines and expiries are in tenths of a second, so many are equal, and some have passed.
    let push = (amounts(), 0..20u64, 0..60u64);
    let step = prop_oneof![
        16 => push.prop_map(|(amounts, deadline, expires)| Step::Push { amounts, deadline, expires }),
        6 => Just(Step::LetGo(Verb::Drain)),
        1 => Just(Step::LetGo(Verb::Flush)),
        1 => Just(Step::LetGo(Verb::FlushUncharged)),
        1 => amounts().prop_map(Step::TakePast),
        8 => Just(Step::ComeBack),
    ];
    // Half of the time nothing passes.
    vec((step, prop_oneof![Just(0), 0..300_000_000u64]), 1..150)
}

proptest! {
    #![proptest_config(config(512, "tests/regressions/deadline_queue.txt"))]

    #[test]
    fn agrees_with_a_queue_that_is_scanned_and_sorted(steps in steps()) {
        let limits = [ten(), Limit::per_second(100)];
        let here = queue(limits);
        let mut naive = Naive { items: vec![], bucket: MultiBucket::with_clock(limits, ManualClock::new()).unwrap() };
        let (mut now, mut pushed, mut next) = (Time::ZERO, 0, None);
        for (step, later) in steps {
            now = now.after(Duration::from_nanos(later));
            match step {
                Step::Push { amounts, deadline, expires } => {
                    let [deadline, expires] = [deadline, expires].map(|tenths| nanos(tenths * SECOND / 10));
                    let fits = amounts[0] <= 10 && amounts[1] <= 100;
                    prop_assert_eq!(here.push(Entry::new(pushed, amounts).deadline(deadline).expires(expires)).is_ok(), fits);
                    if fits {
                        naive.items.push(Item { number: pushed, amounts, deadline, expires });
                        pushed += 1;
                        next = None;
                    }
                }
                Step::TakePast(amounts) => {
                    let (here, there) = (here.bucket().at(now).try_take(amounts), naive.bucket.at(now).try_take(amounts));
                    prop_assert_eq!(here, there);
                    next = None;
                }
                Step::ComeBack => {
                    let Some(until) = next.filter(|until: &Time| *until > now) else { continue };
                    let before = drain(&here, until.as_nanos() - 1);
                    prop_assert!(before.is_empty() && before.next == next, "a nanosecond before: {before:?}");
                    now = until;
                    let drained = drain(&here, now.as_nanos());
                    prop_assert!(!drained.is_empty(), "{drained:?} at {now:?}");
                    prop_assert_eq!(&drained, &naive.let_go(now, Verb::Drain));
                    next = drained.next;
                }
                Step::LetGo(verb) => {
                    let drained = match verb {
                        Verb::Drain => here.at(now).drain(ALL),
                        Verb::Flush => here.at(now).flush(),
                        Verb::FlushUncharged => here.at(now).flush_uncharged(),
                    };
                    let drained = drained.unwrap();
                    prop_assert_eq!(&drained, &naive.let_go(now, verb));
                    next = drained.next;
                }
            }
            prop_assert_eq!(here.len(), naive.items.len());
            prop_assert_eq!(here.bucket().at(now).available(), naive.bucket.at(now).available());
        }
    }
}

#[test]
fn what_has_expired_goes_first_and_costs_nothing() {
    let queue = queue([ten()]);
    queue.push(Entry::new("stale", [10]).deadline(nanos(0)).expires(nanos(5))).unwrap();
    queue.push(Entry::new("fresh", [10]).deadline(nanos(1)).expires(nanos(6))).unwrap();
    let drained = drain(&queue, 5);
    assert_eq!((drained.expired, drained.admitted), (vec!["stale"], vec!["fresh"]));
    assert_eq!((drained.next, queue.bucket().available()), (None, [0]));
}

#[test]
fn the_smallest_deadline_goes_first_and_ties_go_in_order_of_arrival() {
    let queue = queue([ten()]);
    for (i, deadline) in [3, 1, 2, 1, 3, 1].into_iter().enumerate() {
        queue.push(Entry::new(i, [1]).deadline(nanos(deadline))).unwrap();
    }
    assert_eq!(drain(&queue, 0).admitted, [1, 3, 5, 2, 0, 4]);
}

#[test]
fn nothing_overtakes_the_first_that_does_not_fit() {
    let queue = queue([ten()]);
    queue.push(Entry::new("first", [6]).deadline(nanos(1))).unwrap();
    queue.push(Entry::new("second", [6]).deadline(nanos(2))).unwrap();
    queue.push(Entry::new("small", [1]).deadline(nanos(3))).unwrap();
    assert_eq!(drain(&queue, 0).admitted, ["first"]);
    // Until something smaller with an earlier deadline comes.
    queue.push(Entry::new("urgent", [1]).deadline(nanos(0))).unwrap();
    let drained = drain(&queue, 0);
    assert_eq!((drained.admitted, drained.next), (vec!["urgent"], Some(nanos(3 * SECOND / 10))));
    assert_eq!(drain(&queue, 3 * SECOND / 10).admitted, ["second"]);
}

#[test]
fn an_item_that_can_never_fit_is_given_back_and_blocks_nobody() {
    let queue = queue([ten(), ten()]);
    let refused = queue.push(Entry::new("large", [1, 11]).deadline(nanos(0))).unwrap_err();
    assert_eq!(
        (refused.item, refused.reason),
        ("large", PushRefusal::Never(Never { stream: 1, requested: 11, capacity: 10 }))
    );
    queue.push(Entry::new("small", [1, 10]).deadline(nanos(1))).unwrap();
    assert_eq!(drain(&queue, 0).admitted, ["small"]);
}

#[test]
fn the_next_expiry_is_a_reason_to_come_back() {
    let queue = queue([ten().empty()]);
    queue.push(Entry::new("head", [5]).deadline(nanos(1))).unwrap();
    queue.push(Entry::new("behind", [1]).deadline(nanos(2)).expires(nanos(100))).unwrap();
    assert_eq!(drain(&queue, 0).next, Some(nanos(100)));
    let drained = drain(&queue, 100);
    assert_eq!((drained.expired, drained.next), (vec!["behind"], Some(nanos(SECOND / 2))));
}

#[test]
fn a_flush_admits_everything_and_records_the_debt() {
    let queue = queue([ten()]);
    for (item, deadline) in [("second", 2), ("first", 1), ("third", 3)] {
        queue.push(Entry::new(item, [10]).deadline(nanos(deadline))).unwrap();
    }
    queue.push(Entry::new("gone", [10]).deadline(nanos(0)).expires(nanos(5))).unwrap();
    let drained = queue.at(nanos(5)).flush().unwrap();
    assert_eq!((drained.expired, drained.admitted), (vec!["gone"], vec!["first", "second", "third"]));
    assert_eq!(queue.bucket().at(nanos(5)).wait_for([1]), Ok(Some(Duration::from_millis(2100))));
    queue.push(Entry::new("later", [1]).deadline(nanos(0))).unwrap();
    assert_eq!(drain(&queue, 5).next, Some(nanos(5 + 2_100_000_000)));
}

#[test]
fn a_flush_holds_back_what_no_debt_can_record() {
    let limit = Limit::per_second(1).capacity(1 << 31);
    let queue = queue([limit, ten()]);
    let mut admitted = 0;
    let left = loop {
        queue.push(Entry::new((), [1 << 31, 1]).deadline(nanos(0))).unwrap();
        let drained = queue.at(nanos(0)).flush().unwrap();
        if drained.is_empty() {
            break drained;
        }
        admitted += drained.admitted.len();
    };
    assert!(admitted > 1 && left.next.is_some() && queue.len() == 1, "{admitted} admitted");
    assert_eq!(queue.flush_uncharged().unwrap().admitted.len(), 1);
}

#[test]
fn a_drain_lets_at_most_its_maximum_go_and_says_that_more_may() {
    let queue = queue([ten()]);
    for i in 0..5 {
        queue.push(Entry::new(i, [1]).expires(if i < 2 { nanos(1) } else { Time::MAX })).unwrap();
    }
    let mut out = vec![];
    for (max, left) in [(1, 4), (0, 4), (2, 2), (1, 1), (1, 0)] {
        let drained = queue.at(nanos(1)).drain(max).unwrap();
        assert_eq!((drained.next, queue.len()), ((left > 0).then_some(nanos(1)), left), "{max}");
        out.push((drained.expired, drained.admitted));
    }
    let all = [(vec![0], vec![]), (vec![], vec![]), (vec![1], vec![2]), (vec![], vec![3]), (vec![], vec![4])];
    assert_eq!(out, all);
    assert_eq!(queue.bucket().at(nanos(1)).available(), [7]);
}

#[test]
fn next_follows_pushes_takes_pauses_and_limits_without_a_drain() {
    let queue = queue([ten().empty()]);
    let tenth = SECOND / 10;
    assert_eq!(queue.next(), None);
    queue.push(Entry::new("second", [5]).deadline(nanos(2))).unwrap();
    assert_eq!(queue.next(), Some(nanos(5 * tenth)));
    queue.push(Entry::new("first", [1]).deadline(nanos(1))).unwrap();
    assert_eq!(queue.next(), Some(nanos(tenth)));
    queue.bucket().set_limits([Limit::per_second(100)]).unwrap();
    assert_eq!(queue.next(), Some(nanos(tenth / 10)));
    queue.bucket().set_limits([Limit::per_second(1).capacity(10)]).unwrap();
    assert_eq!(queue.next(), Some(nanos(10 * tenth)));
    queue.bucket().pause_for(Duration::from_nanos(tenth));
    assert_eq!(queue.next(), Some(nanos(11 * tenth)));
    queue.bucket().pause();
    assert_eq!(queue.next(), Some(Time::MAX));
    queue.push(Entry::new("expires", [1]).expires(nanos(7))).unwrap();
    assert_eq!(queue.next(), Some(nanos(7)));
    // What can never fit any more is to be given back at once.
    queue.bucket().set_limits([Limit::per_second(1).capacity(4)]).unwrap();
    assert_eq!(queue.flush().unwrap().admitted, ["first", "second", "expires"]);
    queue.bucket().set_limits([ten()]).unwrap();
    queue.push(Entry::new("large", [10])).unwrap();
    queue.bucket().set_limits([ten().capacity(9)]).unwrap();
    assert_eq!(queue.next(), Some(Time::ZERO));
    assert_eq!(queue.drain(ALL).unwrap().never[0].item, "large");
}

#[test]
fn a_closed_queue_refuses_pushes_and_keeps_its_items() {
    let queue = queue([ten()]);
    queue.push(Entry::new("waits", [1])).unwrap();
    queue.close();
    let refused = queue.push(Entry::new("late", [1])).unwrap_err();
    assert_eq!((refused.item, refused.reason), ("late", PushRefusal::Closed));
    assert!(queue.is_closed() && queue.len() == 1);
    assert_eq!(queue.drain(ALL).unwrap().admitted, ["waits"]);
}

#[test]
fn a_closed_bucket_admits_nothing_but_what_is_for_nothing() {
    let queue = queue([ten()]);
    queue.push(Entry::new("free", [0]).deadline(nanos(1))).unwrap();
    queue.push(Entry::new("waits", [1]).deadline(nanos(2)).expires(nanos(9))).unwrap();
    queue.bucket().close();
    let drained = queue.drain(ALL).unwrap();
    assert_eq!((drained.admitted, drained.next, queue.next()), (vec!["free"], Some(nanos(9)), Some(nanos(9))));
    assert_eq!(queue.flush().unwrap().admitted, ["waits"]);
}

#[test]
fn an_uncharged_flush_takes_nothing() {
    let queue = queue([ten()]);
    queue.push(Entry::new("first", [10]).deadline(nanos(0))).unwrap();
    queue.push(Entry::new("second", [10]).deadline(nanos(0))).unwrap();
    assert_eq!(queue.flush_uncharged().unwrap().admitted, ["first", "second"]);
    assert_eq!(queue.bucket().available(), [10]);
}

#[test]
fn an_empty_queue_lets_nothing_go_and_needs_no_return() {
    let queue = queue::<(), 1>([ten()]);
    for drained in [queue.drain(ALL), queue.flush(), queue.flush_uncharged()] {
        assert!(drained.as_ref().is_some_and(|drained| drained.is_empty() && drained.next.is_none()), "{drained:?}");
    }
}

#[test]
fn the_ends_of_time_are_instants_like_any_other() {
    let queue = queue([ten()]);
    queue.push(Entry::new("last", [1])).unwrap();
    queue.push(Entry::new("passed", [1]).deadline(Time::ZERO)).unwrap();
    queue.push(Entry::new("born expired", [1]).expires(Time::ZERO)).unwrap();
    let drained = drain(&queue, 0);
    assert_eq!((drained.expired, drained.admitted), (vec!["born expired"], vec!["passed", "last"]));
    queue.push(Entry::new("until the end", [1])).unwrap();
    assert_eq!(queue.at(Time::MAX).drain(ALL).unwrap().expired, ["until the end"]);
}

#[test]
fn what_waits_for_a_stream_that_never_refills_waits_for_its_expiry() {
    let queue = queue([Limit::per_second(0).capacity(1).empty()]);
    queue.push(Entry::new("item", [1]).expires(nanos(7))).unwrap();
    assert_eq!(drain(&queue, 3).next, Some(nanos(7)));
}

#[test]
fn amounts_of_0_wait_for_their_turn_and_for_nothing_else() {
    let queue = queue([ten().empty()]);
    queue.push(Entry::new("free", [0]).deadline(nanos(2))).unwrap();
    queue.push(Entry::new("head", [1]).deadline(nanos(1))).unwrap();
    assert!(drain(&queue, 0).is_empty());
    assert_eq!(drain(&queue, SECOND / 10).admitted, ["head", "free"]);
}

#[test]
fn an_old_now_and_a_clock_that_stands_still_let_nothing_extra_go() {
    let queue = queue([ten()]);
    for i in 0..12 {
        queue.push(Entry::new(i, [1]).expires(nanos(SECOND))).unwrap();
    }
    assert_eq!(drain(&queue, SECOND / 10).admitted.len(), 10);
    for now in [0, SECOND / 20, SECOND / 10, SECOND / 10] {
        let drained = drain(&queue, now);
        assert!(drained.is_empty(), "{drained:?} at {now}");
        assert_eq!(drained.next, Some(nanos(2 * SECOND / 10)));
    }
}

#[test]
fn an_item_that_panics_when_dropped_leaves_the_queue_in_use() {
    struct Loud(bool);
    impl Drop for Loud {
        fn drop(&mut self) {
            assert!(!self.0 || thread::panicking(), "on purpose");
        }
    }
    let queue = queue([ten()]);
    queue.push(Entry::new(Loud(true), [1])).unwrap();
    let oversized = catch_unwind(AssertUnwindSafe(|| drop(queue.push(Entry::new(Loud(true), [11])))));
    let admitted = catch_unwind(AssertUnwindSafe(|| drop(queue.drain(ALL))));
    assert!(oversized.is_err() && admitted.is_err());
    queue.push(Entry::new(Loud(false), [1])).unwrap();
    assert_eq!(queue.drain(ALL).unwrap().admitted.len(), 1);
}

#[test]
fn a_quarter_of_a_million_items_come_out_in_order() {
    let n = 250_000;
    let queue = queue([Limit::per_second(1000).capacity(n)]);
    for i in 0..n {
        // Every number below it once, scattered.
        let deadline = i * 7919 % n;
        queue.push(Entry::new(deadline, [1]).deadline(nanos(deadline))).unwrap();
    }
    assert_eq!(queue.len() as u64, n);
    assert!(drain(&queue, 0).admitted.into_iter().eq(0..n));
}

/// In each round every thread pushes a few items, drains after each, and comes back as long as it
/// is told to come back at once. The clock stands still, there are tokens for all, and every fourth
/// item has expired: so after each round all must be out, though nobody drains after the last.
#[test]
fn nothing_is_stranded_and_nothing_comes_out_twice_whoever_drains() {
    let (threads, rounds, each) = (4, 2_000, 3);
    let all = threads * rounds * each;
    let queue = queue([Limit::per_second(0).capacity(3 * all), Limit::per_second(0).capacity(all)]);
    let (out, barrier) = (Mutex::new(Vec::new()), Barrier::new(threads as usize));
    let drain = |number: u64| {
        let mut random = Random(number);
        let expires = if number % 4 == 0 { Time::ZERO } else { Time::MAX };
        queue.push(Entry::new(number, [3, 1]).deadline(nanos(random.below(100))).expires(expires)).unwrap();
        while let Some(drained) = queue.drain(ALL) {
            // Not asserted here: a thread that panics would leave the others at the barrier.
            let mut out = out.lock().unwrap();
            out.extend(drained.expired.into_iter().map(|number| (number, 0)));
            out.extend(drained.admitted.into_iter().map(|number| (number, 1)));
            if drained.next != Some(Time::ZERO) {
                break;
            }
        }
    };
    thread::scope(|scope| {
        for thread in 0..threads {
            let (barrier, drain, queue) = (&barrier, &drain, &queue);
            scope.spawn(move || {
                let mut stranded = 0;
                for round in 0..rounds {
                    for i in 0..each {
                        drain((round * threads + thread) * each + i);
                    }
                    barrier.wait();
                    stranded += queue.len();
                    barrier.wait();
                }
                assert_eq!(stranded, 0, "at the ends of rounds");
            });
        }
    });
    let mut out = out.into_inner().unwrap();
    out.sort();
    assert!(out.into_iter().eq((0..all).map(|number| (number, u64::from(number % 4 != 0)))), "each once, as it should");
    let admitted = all / 4 * 3;
    assert_eq!(queue.bucket().available(), [3 * (all - admitted), all - admitted]);
}

type Shards<'a> = ShardedDeadlineQueue<u64, u64, 1, &'a ManualClock>;

fn shards(clock: &ManualClock) -> Shards<'_> {
    Shards::with_clock(clock, |_, clock| MultiBucket::with_clock([ten()], clock))
}

#[test]
fn every_key_is_drained_by_itself_and_the_earliest_says_when_to_come_back() {
    let clock = ManualClock::new();
    let shards = shards(&clock);
    for key in 1..=3 {
        shards.push(key, Entry::new(10 * key, [10])).unwrap();
        shards.push(key, Entry::new(10 * key + 1, [key])).unwrap();
    }
    assert_eq!(shards.drain(&2, ALL).unwrap().admitted, [20]);
    let drained = shards.drain_all(ALL);
    let admitted: BTreeMap<_, _> = drained.shards.into_iter().map(|(key, drained)| (key, drained.admitted)).collect();
    assert_eq!(admitted, BTreeMap::from([(1, vec![10]), (3, vec![30])]));
    assert_eq!((drained.busy, drained.next), (0, Some(nanos(SECOND / 10))));
    clock.set(nanos(SECOND / 10));
    let drained = shards.drain_all(ALL);
    assert_eq!((drained.shards[0].0, &drained.shards[0].1.admitted), (1, &vec![11]));
    assert_eq!(drained.next, Some(nanos(SECOND / 5)));
    let flushed = shards.flush_all();
    assert_eq!((flushed.shards.len(), flushed.next), (2, None));
}

#[test]
fn a_drain_of_all_removes_all_idle_shards_and_no_others() {
    let clock = ManualClock::new();
    let shards = shards(&clock);
    for key in 0..500 {
        shards.push(key, Entry::new(key, [1 + key % 2])).unwrap();
    }
    shards.push(500, Entry::new(0, [10])).unwrap();
    shards.push(500, Entry::new(1, [10])).unwrap();
    assert_eq!((shards.drain_all(ALL).shards.len(), shards.len()), (501, 501));
    // Those that took one token are full again, those that took two are not.
    clock.set(nanos(SECOND / 10));
    assert_eq!((shards.drain_all(ALL).shards.len(), shards.len()), (0, 251));
    clock.set(nanos(SECOND / 5));
    assert_eq!((shards.drain_all(ALL).shards.len(), shards.len()), (0, 1));
    // The last has something to wait for, then a debt to pay off.
    clock.set(nanos(SECOND));
    assert_eq!(shards.drain_all(ALL).shards[0].1.admitted, [1]);
    clock.set(nanos(2 * SECOND - 1));
    assert_eq!((shards.drain_all(ALL).next, shards.len()), (None, 1));
    clock.set(nanos(2 * SECOND));
    assert_eq!((shards.drain_all(ALL).next, shards.len()), (None, 0));
}

/// A program that drains each key after its push, and drains nothing else.
#[test]
fn drains_of_other_keys_remove_idle_shards_a_few_at_a_time() {
    let clock = ManualClock::new();
    let shards = shards(&clock);
    for key in 0..1000 {
        shards.push(key, Entry::new(key, [1])).unwrap();
        let _ = shards.drain(&key, ALL);
    }
    assert_eq!(shards.len(), 1000);
    clock.set(nanos(SECOND));
    for _ in 0..250 {
        let before = shards.len();
        let _ = shards.drain(&7777, ALL);
        assert!(before - shards.len() <= 4, "{before}, then {}", shards.len());
    }
    assert!(shards.is_empty());
}

#[test]
fn a_shard_that_was_paused_changed_or_closed_is_as_it_was_left_however_long_it_idles() {
    let clock = ManualClock::new();
    let shards = shards(&clock);
    let hour = Duration::from_secs(3600);
    shards.with_bucket(&1, |bucket| bucket.pause_for(2 * hour)).unwrap();
    shards.with_bucket(&2, |bucket| bucket.set_limits([Limit::per_second(5)])).unwrap().unwrap();
    shards.with_bucket(&3, |bucket| bucket.close()).unwrap();
    shards.with_bucket(&4, |bucket| bucket.put_back([5])).unwrap();
    clock.advance(hour);
    let _ = shards.drain_all(ALL);
    assert_eq!(shards.len(), 3, "the fourth is full, as a new one would be");
    assert_eq!(shards.with_bucket(&1, |bucket| bucket.pause_left()), Ok(Some(hour)));
    assert_eq!(shards.with_bucket(&2, |bucket| bucket.available()), Ok([5]));
    shards.push(3, Entry::new(3, [1])).unwrap();
    let drained = shards.drain(&3, ALL).unwrap();
    assert_eq!((drained.admitted, drained.next), (vec![], Some(Time::MAX)), "a closed bucket grants nothing");
    assert_eq!(shards.flush_all().shards[0].1.admitted, [3]);
    // What is undone lets them go.
    clock.advance(hour);
    shards.with_bucket(&2, |bucket| bucket.set_limits([ten()])).unwrap().unwrap();
    clock.advance(hour);
    let _ = shards.drain_all(ALL);
    assert_eq!(shards.len(), 1);
}

#[test]
fn shards_that_are_made_after_close_are_closed() {
    let clock = ManualClock::new();
    let shards = shards(&clock);
    shards.push(1, Entry::new(1, [1])).unwrap();
    shards.close();
    for key in 1..=2 {
        let refused = shards.push(key, Entry::new(9, [1])).unwrap_err();
        assert_eq!((refused.item, refused.reason), (9, PushRefusal::Closed));
    }
    assert!(shards.is_closed());
    assert_eq!(shards.drain_all(ALL).shards[0].1.admitted, [1]);
}

#[test]
fn a_bucket_that_is_in_use_is_not_removed_under_its_user() {
    let clock = ManualClock::new();
    let shards = shards(&clock);
    shards
        .with_bucket(&1, |bucket| {
            let _ = shards.drain_all(ALL);
            bucket.pause();
        })
        .unwrap();
    let _ = shards.drain_all(ALL);
    assert_eq!(shards.with_bucket(&1, |bucket| bucket.pause_left()), Ok(None));
}

#[test]
fn the_error_of_make_reaches_the_caller_with_the_item_and_makes_no_shard() {
    let clock = ManualClock::new();
    let shards: ShardedDeadlineQueue<u64, &str, 1, _, String> =
        ShardedDeadlineQueue::with_clock(&clock, |key, clock| {
            let limit = ten().capacity(*key);
            MultiBucket::with_clock([limit], clock).map_err(|error| format!("tenant {key}: {error}"))
        });
    let refused = shards.push(0, Entry::new("item", [1])).unwrap_err();
    let reason = "no bucket for the key: tenant 0: stream 0";
    assert!(refused.item == "item" && refused.reason.to_string().starts_with(reason), "{}", refused.reason);
    assert!(shards.with_bucket(&0, |_| ()).unwrap_err().starts_with("tenant 0"));
    assert!(shards.is_empty());
    shards.push(1, Entry::new("item", [1])).unwrap();
    assert_eq!(shards.drain(&1, ALL).unwrap().admitted, ["item"]);
}

#[test]
fn making_shards_removes_idle_ones_without_a_drain_of_all() {
    let clock = ManualClock::new();
    let shards = shards(&clock);
    for key in 0..10_000 {
        shards.push(key, Entry::new(key, [1])).unwrap();
        assert_eq!(shards.drain(&key, ALL).unwrap().admitted, [key]);
        clock.advance(Duration::from_millis(10));
        // Each is idle after a tenth of a second, in which ten are made.
        assert!(shards.len() <= 20, "{} shards", shards.len());
    }
}

#[test]
fn a_removed_shard_made_again_grants_no_more_than_one_that_stayed() {
    let clock = ManualClock::new();
    let (removed, stayed) = (shards(&clock), MultiBucket::with_clock([ten()], &clock).unwrap());
    let mut random = Random(7);
    let mut emptied = 0;
    for i in 0..5_000 {
        clock.advance(Duration::from_millis(random.below(700)));
        let n = random.below(6);
        removed.push(1, Entry::new(i, [n])).unwrap();
        let admitted = !removed.drain(&1, ALL).unwrap().admitted.is_empty();
        assert_eq!(admitted, stayed.try_take([n]).is_ok(), "{i}: {n} at {:?}", clock.now());
        if !admitted {
            // Nothing is to wait, so that both are asked the same.
            clock.advance(stayed.wait_for([n]).unwrap().unwrap());
            assert!(stayed.try_take([n]).is_ok());
            assert_eq!(removed.drain_all(ALL).shards[0].1.admitted, [i]);
        }
        let _ = removed.drain_all(ALL);
        emptied += u64::from(removed.is_empty());
    }
    assert!(emptied > 100, "{emptied}");
}

/// Every shard is idle again as soon as it is drained, as amounts of 0 leave its bucket full: so
/// they come and go under the pushes.
#[test]
fn nothing_is_stranded_in_a_shard_that_is_removed() {
    let (threads, each) = (4, 20_000);
    let clock = ManualClock::new();
    let shards = shards(&clock);
    let out = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..threads {
            let (shards, out) = (&shards, &out);
            scope.spawn(move || {
                for number in thread * each..(thread + 1) * each {
                    shards.push(number % 2, Entry::new(number, [0])).unwrap();
                    loop {
                        let all = shards.drain_all(ALL);
                        let admitted = all.shards.into_iter().flat_map(|(_, drained)| drained.admitted);
                        out.lock().unwrap().extend(admitted);
                        if all.next.is_none() {
                            break;
                        }
                    }
                }
            });
        }
    });
    let mut out = out.into_inner().unwrap();
    out.sort();
    assert!(out.into_iter().eq(0..threads * each), "each once");
    let _ = (shards.drain_all(ALL), shards.drain_all(ALL));
    assert!(shards.is_empty());
}
