//! Whatever is inherited, and by whichever clocks: in every window no more is granted than the
//! bound allows with the largest capacity of it.

mod common;

use std::time::Duration;

use common::{config, nanos};
use proptest::prelude::*;
use tollgate::clock::{ManualClock, Time};
use tollgate::limit::Inherit;
use tollgate::{Limit, MultiBucket, Rate};

const SECOND: u64 = 1_000_000_000;

type Bucket<const N: usize> = MultiBucket<N, ManualClock>;

fn bucket<const N: usize>(limits: [Limit; N]) -> Bucket<N> {
    MultiBucket::with_clock(limits, ManualClock::new()).unwrap()
}

/// A limit at which nothing accrues.
fn quota(capacity: u64) -> Limit {
    Limit::new(Rate::per_second(0), capacity)
}

fn seconds(seconds: u64) -> Time {
    nanos(seconds * SECOND)
}

const KEEPING: [Inherit; 3] = [Inherit::Keep, Inherit::Proportional, Inherit::Additive];

#[test]
fn growing_and_shrinking_in_turns_gains_nothing() {
    for up in KEEPING {
        for down in KEEPING {
            for large in [101, 200, 1000] {
                let bucket = bucket([quota(100)]);
                let mut granted = 0;
                for _ in 0..10 {
                    bucket.set_limits_with([quota(large)], up).unwrap();
                    granted += bucket.take_items(large - 100, [1]);
                    bucket.set_limits_with([quota(100)], down).unwrap();
                }
                granted += bucket.take_items(u64::MAX, [1]);
                assert!(granted <= large, "{granted} granted, {up:?} to {large} and {down:?} to 100");
            }
        }
    }
}

/// A stream of 10/s earns 10 tokens while it is small; scaled up, they stay 10.
#[test]
fn what_accrued_while_the_capacity_was_small_is_not_scaled_up() {
    let (small, large) = (Limit::per_second(10).capacity(100).empty(), quota(1000));
    let bucket = bucket([small]);
    let mut granted = 0;
    for i in 1..=10 {
        bucket.clock().set(seconds(i));
        bucket.set_limits_with([large], Inherit::Proportional).unwrap();
        granted += bucket.take_items(u64::MAX, [1]);
        bucket.set_limits_with([small], Inherit::Proportional).unwrap();
    }
    // The first growth scales, as the capacity was never so large: 10 become 100.
    assert_eq!(granted, 100 + 9 * 10);
}

#[test]
fn the_policies_add_only_beyond_the_largest_capacity_that_there_was() {
    let cases = [
        // policy                the capacities, and the level after each, beginning at 60 of 100
        (Inherit::Additive, [(150, 110), (120, 110), (150, 110), (160, 120), (50, 50), (160, 50), (170, 60)]),
        (Inherit::Proportional, [(150, 90), (120, 72), (150, 72), (200, 96), (50, 24), (200, 24), (300, 36)]),
        (Inherit::Keep, [(150, 60), (120, 60), (150, 60), (160, 60), (50, 50), (160, 50), (170, 50)]),
        (Inherit::Reset, [(150, 150), (120, 120), (150, 150), (160, 160), (50, 50), (160, 160), (170, 170)]),
    ];
    for (inherit, steps) in cases {
        let bucket = bucket([quota(100)]);
        bucket.try_take([40]).unwrap();
        for (i, (capacity, level)) in steps.into_iter().enumerate() {
            bucket.set_limits_with([quota(capacity)], inherit).unwrap();
            assert_eq!(bucket.available(), [level], "{inherit:?}, step {i}");
        }
    }
}

#[test]
fn after_a_reset_the_capacity_of_it_counts_as_the_largest() {
    let bucket = bucket([quota(1000)]);
    bucket.set_limits_with([quota(100)], Inherit::Reset).unwrap();
    bucket.try_take([100]).unwrap();
    bucket.set_limits_with([quota(150)], Inherit::Additive).unwrap();
    assert_eq!(bucket.available(), [50]);
}

#[test]
fn what_a_policy_adds_has_no_jump_at_a_level_of_0() {
    for inherit in KEEPING {
        // What is there a nanosecond of accrual below 0, at 0 and above it.
        let waits = [1, 0, -1].map(|owed: i64| {
            let bucket = bucket([Limit::per_second(1).capacity(100)]);
            bucket.charge([101]).unwrap();
            let now = nanos((SECOND as i64 - owed) as u64);
            bucket.at(now).set_limits_with([Limit::per_second(1).capacity(200)], inherit).unwrap();
            bucket.at(now).wait_for([200]).unwrap().unwrap().as_nanos()
        });
        // Above 0, scaling makes two of one.
        let above = if inherit == Inherit::Proportional { 2 } else { 1 };
        assert_eq!([waits[0] - waits[1], waits[1] - waits[2]], [1, above], "{inherit:?}: {waits:?}");
    }
}

#[test]
fn what_is_added_pays_off_a_debt_and_those_who_wait_come_nearer_by_as_much() {
    let bucket = bucket([Limit::per_second(10)]);
    let places = [10, 5, 10].map(|n| bucket.reserve([n]).unwrap());
    let millis = |millis: u64| nanos(millis * 1_000_000);
    assert_eq!(places.each_ref().map(|place| place.ready_at()), [0, 500, 1500].map(millis).map(Some));
    bucket.clock().set(millis(100));
    bucket.set_limits_with([Limit::per_second(10).capacity(17)], Inherit::Additive).unwrap();
    // 14 were owed. 7 fewer are, and nobody overtakes.
    assert_eq!(bucket.wait_for([1]), Ok(Some(Duration::from_millis(800))));
    assert_eq!(places.each_ref().map(|place| place.remaining()), [0, 0, 700].map(Duration::from_millis).map(Some));
    assert!(bucket.try_take([1]).is_err());
}

/// What accrues, in exact arithmetic: in `1 / scale` of a token, where `scale` is a multiple of
/// every period. It is looked at by readings in any order, as the docs of `set_limits` say: the
/// instant of a decision is its reading, or the last change if that is later.
struct Line {
    scale: i128,
    rate: Rate,
    accrued: i128,
    origin: u64,
    /// Whether a pause lasts until the origin.
    paused: bool,
    /// The instant of the last change.
    changed: u64,
}

impl Line {
    fn at(&self, reading: u64) -> i128 {
        let elapsed = i128::from(reading.saturating_sub(self.origin));
        self.accrued + elapsed * i128::from(self.rate.tokens()) * self.scale / self.rate.period().as_nanos() as i128
    }

    fn moved(&mut self, reading: u64, origin: u64, paused: bool) {
        (self.accrued, self.origin, self.paused) = (self.at(reading), origin, paused);
        self.changed = self.changed.max(reading);
    }

    fn is_paused_at(&self, reading: u64) -> bool {
        self.paused && reading < self.origin
    }

    fn change(&mut self, reading: u64, rate: Rate) {
        self.moved(reading, reading.max(self.origin), self.is_paused_at(reading));
        self.rate = rate;
    }

    fn pause(&mut self, reading: u64, nanos: u64) {
        let until = reading.max(self.changed) + nanos;
        if until > reading.max(self.origin) {
            self.moved(reading, until, true);
        }
    }

    fn resume(&mut self, reading: u64) {
        if self.is_paused_at(reading) {
            self.moved(reading, reading.max(self.changed), false);
        }
    }
}

/// What counts in a window, in the order in which it happened.
#[derive(Clone, Copy, Debug)]
enum Event {
    Granted { accrued: i128, n: u64 },
    PutBack(u64),
    Capacity(u64),
}

/// The bound over every window that begins and ends with a grant: what is granted in it is at most
/// the largest capacity, what accrued, and what was put back.
fn audit(events: &[Event], first: u64, scale: i128, slack: i128) -> Result<(), String> {
    let mut before = first;
    for (i, &event) in events.iter().enumerate() {
        if let Event::Capacity(capacity) = event {
            before = capacity;
        }
        let Event::Granted { accrued: from, .. } = event else { continue };
        let (mut capacity, mut granted, mut more) = (before, 0, 0);
        for (j, &event) in events.iter().enumerate().skip(i) {
            match event {
                Event::Capacity(new) => capacity = capacity.max(new),
                Event::PutBack(n) => more += i128::from(n) * scale,
                Event::Granted { accrued, n } => {
                    granted += i128::from(n) * scale;
                    let most = i128::from(capacity) * scale + accrued - from + more + slack;
                    if granted > most {
                        return Err(format!("{granted} of {most} in 1/{scale} from event {i} to {j}: {events:?}"));
                    }
                }
            }
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Take(u64),
    UpTo(u64),
    PutBack(u64),
    Charge(u64),
    Change(usize, Inherit),
    Pause(u64),
    Resume,
}

fn ops(kinds: usize) -> impl Strategy<Value = Vec<(u64, u64, Op)>> {
    let inherit = prop::sample::select(&KEEPING[..]);
    let op = prop_oneof![
        2 => (0..200u64).prop_map(Op::Take),
        5 => (0..200u64).prop_map(Op::UpTo),
        1 => (0..30u64).prop_map(Op::PutBack),
        1 => (0..60u64).prop_map(Op::Charge),
        6 => (0..kinds, inherit).prop_map(|(kind, inherit)| Op::Change(kind, inherit)),
        1 => (0..2 * SECOND).prop_map(Op::Pause),
        1 => Just(Op::Resume),
    ];
    let later = prop_oneof![3 => Just(0), 3 => 0..1000u64, 3 => 0..SECOND, 1 => 0..20 * SECOND];
    // How far the caller's clock is ahead or behind.
    let skew = prop_oneof![3 => Just(5 * SECOND), 1 => 0..10 * SECOND];
    prop::collection::vec((later, skew, op), 1..80)
}

fn bounded(kinds: &[Limit], scale: i128, slack: i128, ops: &[(u64, u64, Op)]) -> Result<(), TestCaseError> {
    let bucket = bucket([kinds[0]]);
    let mut line = Line { scale, rate: kinds[0].rate, accrued: 0, origin: 0, paused: false, changed: 0 };
    let (mut t, mut events) = (0, Vec::new());
    for &(later, skew, op) in ops {
        t += later;
        let reading = t + skew;
        let now = bucket.at(nanos(reading));
        let grant = |n| Event::Granted { accrued: line.at(reading), n };
        match op {
            Op::Take(n) => events.extend(now.try_take([n]).is_ok().then(|| grant(n))),
            Op::UpTo(n) => events.push(grant(now.take_items(n, [1]))),
            Op::PutBack(n) => {
                now.put_back([n]);
                events.push(Event::PutBack(n));
            }
            // It is no grant, and only makes for fewer.
            Op::Charge(n) => now.charge([n]).unwrap(),
            Op::Change(kind, inherit) => {
                now.set_limits_with([kinds[kind]], inherit).unwrap();
                line.change(reading, kinds[kind].rate);
                events.push(Event::Capacity(kinds[kind].capacity));
            }
            Op::Pause(length) => {
                now.pause_for(Duration::from_nanos(length));
                line.pause(reading, length);
            }
            Op::Resume => {
                now.resume();
                line.resume(reading);
            }
        }
    }
    events.retain(|event| !matches!(event, Event::Granted { n: 0, .. }));
    audit(&events, kinds[0].capacity, scale, slack).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(config(1024, "tests/regressions/inherit.txt"))]

    #[test]
    fn the_bound_holds_in_every_window_for_every_policy_and_any_clocks(ops in ops(6)) {
        let kinds = ["7/s capacity 50", "1/s capacity 10", "0/s capacity 3", "3/s capacity 70", "9/s capacity 90", "0/s capacity 120"];
        bounded(&kinds.map(|text| text.parse().unwrap()), i128::from(SECOND), 0, &ops)?;
    }

    /// As above, where the bound has its `e`: what accrues in a nanosecond.
    #[test]
    fn the_bound_holds_in_every_window_where_rates_are_not_exact(ops in ops(6)) {
        let kinds = ["333/s capacity 50", "1/s capacity 10", "0/s capacity 3", "1MiB/s capacity 70", "11/s capacity 90", "1/3s capacity 120"];
        let scale = i128::from(3 * SECOND);
        bounded(&kinds.map(|text| text.parse().unwrap()), scale, 3 * (1 << 20), &ops)?;
    }
}

#[test]
fn a_changer_whose_clock_is_ahead_adds_what_accrues_in_the_time_that_it_is_ahead() {
    let limit = Limit::per_second(10);
    for ahead in [0, 1, 3600] {
        let bucket = bucket([limit]);
        let mut granted = 0;
        for _ in 0..5 {
            granted += bucket.at(Time::ZERO).take_items(u64::MAX, [1]);
            bucket.at(seconds(ahead)).set_limits([limit]).unwrap();
        }
        // C + r * s, however often: the second change at that reading is no later.
        assert!(granted <= 10 + 10 * ahead, "{granted} granted at the reading 0, {ahead} s ahead");
        // What is granted then counts as granted at the last change: later readings pay for it.
        let taken = bucket.at(seconds(ahead)).take_items(u64::MAX, [1]);
        assert_eq!(taken, 0, "{ahead} s ahead");
    }
}

#[test]
fn a_change_by_a_clock_that_is_behind_happens_at_the_last_change() {
    let bucket = bucket([Limit::per_second(10).empty()]);
    bucket.at(seconds(5)).set_limits([Limit::per_second(1000)]).unwrap();
    assert_eq!(bucket.at(seconds(2)).available(), [10]);
    bucket.at(seconds(2)).set_limits([Limit::per_second(1).capacity(1000)]).unwrap();
    assert_eq!(bucket.at(seconds(7)).available(), [12]);
}
