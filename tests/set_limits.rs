//! Limits that change while the bucket runs: nothing earned is lost, nothing is multiplied, and
//! nothing is retroactive.

mod common;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use common::{config, nanos};
use proptest::prelude::*;
use tollgate::clock::{Clock, ManualClock, Time};
use tollgate::limit::{Inherit, LimitRule};
use tollgate::{Limit, MultiBucket, Rate, Refused};

const SECOND: u64 = 1_000_000_000;

type Bucket<const N: usize> = MultiBucket<N, ManualClock>;

fn bucket<const N: usize>(limits: [Limit; N]) -> Bucket<N> {
    MultiBucket::with_clock(limits, ManualClock::new()).unwrap()
}

fn seconds(seconds: u64) -> Time {
    nanos(seconds * SECOND)
}

/// A stream in exact arithmetic whose limit changes: its level in `1 / scale` of a token at the
/// last instant that it was looked at, where `scale` is a multiple of every period. Nothing is ever
/// rounded.
#[derive(Clone, Debug)]
struct Piecewise {
    scale: i128,
    limit: Limit,
    level: i128,
    /// When the level was that.
    at: u64,
    /// All that accrued since the beginning, the first level included.
    accrued: i128,
    /// Until then nothing accrues and nothing is granted.
    paused_until: u64,
}

impl Piecewise {
    fn new(limit: Limit, scale: i128) -> Self {
        let level = i128::from(limit.start()) * scale;
        Self { scale, limit, level, at: 0, accrued: level, paused_until: 0 }
    }

    fn capacity(&self) -> i128 {
        i128::from(self.limit.capacity) * self.scale
    }

    fn gained(&self, nanos: u64) -> i128 {
        let Limit { rate, .. } = self.limit;
        i128::from(nanos) * i128::from(rate.tokens()) * self.scale / rate.period().as_nanos() as i128
    }

    /// Time passes; what is more than the capacity is lost. A reading that was overtaken does not
    /// turn it back.
    fn pass(&mut self, t: u64) {
        let t = t.max(self.at);
        let gained = self.gained(t.saturating_sub(self.at.max(self.paused_until)));
        self.level = (self.level + gained).min(self.capacity());
        (self.accrued, self.at) = (self.accrued + gained, t);
    }

    fn change(&mut self, t: u64, limit: Limit) {
        self.pass(t);
        self.limit = limit;
        self.level = self.level.min(self.capacity());
    }

    /// A second pause never shortens the first.
    fn pause(&mut self, t: u64, nanos: u64) {
        self.pass(t);
        self.paused_until = self.paused_until.max(t.saturating_add(nanos));
    }

    fn resume(&mut self, t: u64) {
        self.pass(t);
        self.paused_until = self.paused_until.min(t);
    }

    /// What there is to take; nothing in a pause.
    fn there(&self) -> i128 {
        if self.at < self.paused_until { 0 } else { self.level }
    }

    fn take(&mut self, n: u64) {
        self.level -= i128::from(n) * self.scale;
    }

    fn put_back(&mut self, n: u64) {
        let n = i128::from(n) * self.scale;
        self.level = (self.level + n).min(self.capacity());
        self.accrued += n;
    }
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Take(u64),
    UpTo(u64),
    PutBack(u64),
    Reserve(u64),
    Charge(u64),
    Change(usize),
    Pause(u64),
    Resume,
}

fn ops(kinds: usize) -> impl Strategy<Value = Vec<(u64, Op)>> {
    let op = prop_oneof![
        4 => (0..9u64).prop_map(Op::Take),
        2 => (0..90u64).prop_map(Op::UpTo),
        1 => (0..9u64).prop_map(Op::PutBack),
        1 => (0..9u64).prop_map(Op::Reserve),
        1 => (0..30u64).prop_map(Op::Charge),
        2 => (0..kinds).prop_map(Op::Change),
        1 => prop_oneof![2 => 0..2 * SECOND, 1 => Just(u64::MAX)].prop_map(Op::Pause),
        1 => Just(Op::Resume),
    ];
    let later = prop_oneof![3 => Just(0), 3 => 0..1000u64, 4 => 0..SECOND, 1 => 0..100 * SECOND];
    prop::collection::vec((later, op), 1..80)
}

/// Does every operation to the bucket and to the model. There may be less than by the model, by
/// what accrues in `slack` nanoseconds for every change so far. There may be more by less than
/// `unit`, however many changes there were: a full bucket loses what is above its capacity only in
/// whole units, so it keeps the part of one that had accrued by then. That is the `e` of the bound.
fn agree(kinds: &[Limit], scale: i128, slack: u64, unit: i128, ops: &[(u64, Op)]) -> Result<(), TestCaseError> {
    let bucket = bucket([kinds[0]]);
    let mut model = Piecewise::new(kinds[0], scale);
    let (mut t, mut granted, mut least) = (0, 0, 0);
    for (i, &(later, op)) in ops.iter().enumerate() {
        t += later;
        let now = bucket.at(nanos(t));
        model.pass(t);
        let [available] = now.available();
        let off = i128::from(slack) * (1 + bucket.snapshot().sequence() as i128) * model.scale / 1000;
        let there = model.there();
        let off = if t < model.paused_until { 0 } else { off };
        let more = if t < model.paused_until { 0 } else { unit };
        let (low, high) = ((there - off).max(0) / scale, (there + more).max(0) / scale);
        prop_assert!((low..=high).contains(&available.into()), "op {i}: {available} of {low} to {high}; {model:?}");
        match op {
            Op::Take(n) => {
                let answer = now.try_take([n]);
                let taken = answer.is_ok();
                prop_assert_eq!(taken, n <= available, "op {}: {} of {}; {:?}", i, n, available, model);
                if let Some(wait) = answer.err().and_then(|refused| refused.wait()).filter(|wait| *wait < Duration::MAX)
                {
                    let then = nanos(t).after(wait);
                    prop_assert!(bucket.at(then).snapshot().check([n]).is_ok(), "op {i}: not after {wait:?}");
                    let before = then.as_nanos() - 1;
                    prop_assert!(bucket.at(nanos(before)).snapshot().check([n]).is_err(), "op {i}: before {wait:?}");
                }
                if taken {
                    model.take(n);
                    granted += n;
                }
            }
            Op::UpTo(n) => {
                let taken = now.take_items(n, [1]);
                prop_assert_eq!(taken, n.min(available), "op {}; {:?}", i, model);
                model.take(taken);
                granted += taken;
            }
            Op::PutBack(n) => {
                now.put_back([n]);
                model.put_back(n);
            }
            Op::Reserve(n) => {
                bucket.clock().set(nanos(t));
                if let Ok(place) = bucket.reserve([n]) {
                    place.commit();
                    model.take(n);
                    granted += n;
                }
            }
            Op::Charge(n) => {
                now.charge([n]).unwrap();
                model.take(n);
                granted += n;
            }
            Op::Change(kind) => {
                now.set_limits([kinds[kind]]).unwrap();
                model.change(t, kinds[kind]);
                prop_assert_eq!(bucket.limits(), [kinds[kind]]);
            }
            Op::Pause(nanos) => {
                now.pause_for(Duration::from_nanos(nanos));
                model.pause(t, nanos);
            }
            Op::Resume => {
                now.resume();
                model.resume(t);
            }
        }
        least = least.min(model.level);
        let line = (model.accrued - least + off) / scale;
        prop_assert!(i128::from(granted) <= line, "op {i}: {granted} granted, {line} accrued; {model:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(256, "tests/regressions/set_limits.txt"))]

    #[test]
    fn every_decision_under_changing_exact_rates_is_that_of_the_exact_model(ops in ops(6)) {
        // A token is 10^9 units in each of them, so nothing is rounded.
        let kinds = ["7/s capacity 50", "1/s", "0/s capacity 3", "3/s capacity 7", "9/s capacity 90", "7/s capacity 5"];
        agree(&kinds.map(|text| text.parse().unwrap()), i128::from(SECOND), 0, 0, &ops)?;
    }

    #[test]
    fn every_decision_under_changing_rates_is_within_a_nanosecond_of_accrual_for_each_change(ops in ops(6)) {
        let kinds = ["333/s capacity 50", "7/s", "0/s capacity 3", "1MiB/s capacity 7", "11/s capacity 90", "1/3s capacity 5"];
        // At no more than 1 MiB/s a nanosecond brings a thousandth of a token or so, and a unit is
        // worth at most half a nanosecond.
        let (scale, unit) = (i128::from(3 * SECOND), i128::from(3 << 20) / 2);
        agree(&kinds.map(|text| text.parse().unwrap()), scale, 3, unit, &ops)?;
    }

    #[test]
    fn tokens_earned_before_a_change_are_neither_lost_nor_multiplied(
        level in 0..=1000u64, there in 0..6usize, back in 0..6usize, inherit: bool,
    ) {
        let kinds = ["1000/s", "333/s capacity 1000", "1MiB/s capacity 5k", "7/s capacity 1000", "12.5G/s", "1/3s capacity 1001"];
        let kinds: Vec<Limit> = kinds.iter().map(|text| text.parse().unwrap()).collect();
        let bucket = bucket([kinds[there]]);
        bucket.reset([level]);
        for kind in [back, there, back] {
            let inherit = if inherit { Inherit::Keep } else { Inherit::Additive };
            if inherit == Inherit::Additive && kinds[kind].capacity != kinds[there].capacity { continue }
            bucket.set_limits_with([kinds[kind]], inherit).unwrap();
            prop_assert_eq!(bucket.available(), [level]);
        }
    }
}

#[test]
fn a_raised_rate_is_not_applied_to_the_past() {
    let bucket = bucket([Limit::per_second(1).capacity(10_000)]);
    bucket.try_take([10_000]).unwrap();
    bucket.clock().advance(Duration::from_secs(3600));
    bucket.set_limits([Limit::per_second(1000).capacity(10_000)]).unwrap();
    assert_eq!(bucket.available(), [3600]);
    bucket.clock().advance(Duration::from_secs(1));
    assert_eq!(bucket.available(), [4600]);
}

#[test]
fn a_lowered_rate_keeps_what_was_earned_up_to_the_new_capacity() {
    let bucket = bucket([Limit::per_second(1000).empty(), Limit::per_second(1000).empty()]);
    bucket.clock().advance(Duration::from_millis(500));
    bucket.set_limits([Limit::per_second(1).capacity(1000), Limit::per_second(1).capacity(20)]).unwrap();
    assert_eq!(bucket.available(), [500, 20]);
    bucket.clock().advance(Duration::from_secs(2));
    assert_eq!(bucket.available(), [502, 20]);
}

#[test]
fn an_idle_bucket_that_is_raised_has_what_its_old_capacity_held() {
    let bucket = bucket([Limit::per_second(10)]);
    bucket.clock().advance(Duration::from_secs(3600));
    bucket.set_limit(Limit::per_second(10).capacity(1000)).unwrap();
    assert_eq!(bucket.available(), [10]);
}

#[test]
fn a_debt_is_paid_off_at_the_new_rate() {
    let bucket = bucket([Limit::per_second(10)]);
    bucket.charge([30]).unwrap();
    assert_eq!(bucket.wait_for([1]), Ok(Some(Duration::from_millis(2100))));
    bucket.set_limit(Limit::per_second(100)).unwrap();
    assert_eq!(bucket.wait_for([1]), Ok(Some(Duration::from_millis(210))));
    bucket.set_limit(Limit::per_second(1)).unwrap();
    assert_eq!(bucket.wait_for([1]), Ok(Some(Duration::from_secs(21))));
    bucket.set_limit(Limit::per_second(0).capacity(1)).unwrap();
    assert_eq!(bucket.wait_for([1]), Ok(None));
}

#[test]
fn a_debt_beyond_what_the_new_limit_lets_anybody_make_is_kept_whole() {
    let fastest = Limit::per_second(1 << 40).capacity(1);
    let bucket = bucket([Limit::per_second(9_000_000_000).capacity(1)]);
    // All but one token that was there are owed, and one more is waited for.
    bucket.charge([(1 << 62) - 1]).unwrap();
    bucket.set_limit(fastest).unwrap();
    let wait = bucket.wait_for([1]).unwrap();
    let exact = Duration::from_nanos(((1_u128 << 62) - 1).saturating_mul(1_000_000_000).div_ceil(1 << 40) as u64);
    // Rounded up, and by the slope of the line, half a unit in 292 years.
    assert!(wait >= Some(exact) && wait <= Some(exact + Duration::from_nanos(1)), "{wait:?}, exactly {exact:?}");
    assert!(bucket.charge([1]).is_err(), "nobody makes it larger");
    bucket.clock().advance(wait.unwrap());
    assert!(bucket.try_take([1]).is_ok());
}

#[test]
fn ten_thousand_changes_lose_nothing_where_tokens_are_whole_units() {
    let bucket = bucket([Limit::per_second(1000)]);
    bucket.try_take([400]).unwrap();
    for i in 0..10_000 {
        bucket.clock().advance(Duration::from_nanos(20_000));
        bucket.set_limit(Limit::per_second(1000).capacity(1000 + i % 3)).unwrap();
    }
    assert_eq!(bucket.available(), [800]);
}

#[test]
fn the_policies_differ_in_the_tokens_only() {
    let cases = [
        // policy                level  from   to    level after
        (Inherit::Keep, 40, 100, 200, 40),
        (Inherit::Keep, 40, 100, 30, 30),
        (Inherit::Proportional, 40, 100, 200, 80),
        (Inherit::Proportional, 40, 100, 50, 20),
        (Inherit::Proportional, 1, 100, 50, 0),
        (Inherit::Additive, 40, 100, 200, 140),
        (Inherit::Additive, 40, 100, 50, 40),
        (Inherit::Additive, 60, 100, 50, 50),
        (Inherit::Reset, 40, 100, 200, 200),
        (Inherit::Reset, 40, 100, 50, 50),
    ];
    for (inherit, level, from, to, after) in cases {
        let bucket = bucket([Limit::per_second(100).capacity(from)]);
        bucket.reset([level]);
        bucket.set_limits_with([Limit::per_second(5).capacity(to)], inherit).unwrap();
        assert_eq!(bucket.available(), [after], "{inherit:?} of {level}, {from} to {to}");
        assert_eq!(bucket.limit(), Limit::per_second(5).capacity(to));
    }
    assert_eq!(Inherit::default(), Inherit::Keep);
}

#[test]
fn no_policy_but_a_reset_forgives_a_debt() {
    // 39 are owed. Additive pays off 10 of them: the capacity has grown by so many.
    let waits = [2000, 2000, 1500, 0].map(Duration::from_millis);
    for (inherit, wait) in
        [Inherit::Keep, Inherit::Proportional, Inherit::Additive, Inherit::Reset].into_iter().zip(waits)
    {
        let bucket = bucket([Limit::per_second(10)]);
        bucket.charge([49]).unwrap();
        bucket.set_limits_with([Limit::per_second(20)], inherit).unwrap();
        assert_eq!(bucket.wait_for([1]), Ok(Some(wait)), "{inherit:?}");
    }
    let bucket = bucket([Limit::per_second(10)]);
    bucket.set_limits_with([Limit::per_second(20).empty()], Inherit::Reset).unwrap();
    assert_eq!(bucket.available(), [0]);
}

#[test]
fn an_error_changes_nothing() {
    let bucket = bucket([Limit::per_second(10), Limit::per_second(5)]);
    let (before, limits) = (bucket.snapshot(), bucket.limits());
    let error = bucket.set_limits([Limit::per_second(20), Limit::per_second(5).capacity(0)]).unwrap_err();
    assert_eq!((error.stream, error.rule), (1, LimitRule::ZeroCapacity));
    let error = bucket.at(Time::ZERO).set_limits([Limit::per_second(u64::MAX).capacity(1); 2]).unwrap_err();
    assert_eq!((error.stream, error.rule), (0, LimitRule::RateTooFast));
    assert_eq!((bucket.snapshot().sequence(), bucket.limits()), (before.sequence(), limits));
}

/// A clock whose reader stops between two readings, if it is told to: meanwhile an hour passes, and
/// another call takes all that refilled.
struct Stopping {
    time: ManualClock,
    stops: AtomicBool,
    hours: AtomicU64,
}

static STOPPING: OnceLock<MultiBucket<1, Stopping>> = OnceLock::new();

impl Clock for Stopping {
    fn now(&self) -> Time {
        let reading = self.time.now();
        if self.stops.swap(false, Ordering::Relaxed) {
            self.time.advance(Duration::from_secs(3600));
            self.hours.fetch_add(1, Ordering::Relaxed);
            let bucket = STOPPING.get().unwrap();
            for _ in 0..3600 {
                self.time.advance(Duration::from_secs(1));
                bucket.at(self.time.now()).try_take([10]).unwrap();
            }
        }
        reading
    }
}

#[test]
fn a_change_that_stops_for_an_hour_owes_nothing_for_it() {
    let time = ManualClock::new();
    let clock = Stopping { time, stops: AtomicBool::new(false), hours: AtomicU64::new(0) };
    let bucket = STOPPING.get_or_init(|| MultiBucket::with_clock([Limit::per_second(10)], clock).unwrap());
    for (turn, limit) in [Limit::per_second(1), Limit::per_second(10)].into_iter().enumerate() {
        bucket.set_limit(Limit::per_second(10)).unwrap();
        bucket.reset([0]);
        bucket.clock().stops.store(true, Ordering::Relaxed);
        bucket.set_limit(limit).unwrap();
        assert_eq!(bucket.clock().hours.load(Ordering::Relaxed), turn as u64 + 1);
        assert_eq!(bucket.available(), [0]);
        assert_eq!(bucket.wait_for([1]), Ok(Some(limit.rate.period() / limit.rate.tokens() as u32)), "nothing is owed");
    }
}

#[test]
fn a_stale_now_after_a_change_counts_as_the_change() {
    let bucket = bucket([Limit::per_second(1).capacity(10_000).empty()]);
    bucket.at(seconds(100)).set_limits([Limit::per_second(1000).capacity(10_000)]).unwrap();
    for now in [Time::ZERO, seconds(50), seconds(100)] {
        assert_eq!(bucket.at(now).available(), [100], "{now:?}");
    }
    assert_eq!(bucket.at(seconds(50)).take_items(10_000, [1]), 100);
    assert_eq!(bucket.at(seconds(101)).available(), [1000]);
    // A change at a stale instant happens at the last change, too.
    bucket.at(seconds(3)).set_limits([Limit::per_second(1).capacity(10_000)]).unwrap();
    assert_eq!(bucket.at(seconds(101)).available(), [1]);
}

#[test]
fn what_was_granted_after_the_instant_of_a_change_is_owed_under_the_new_limits() {
    let bucket = bucket([Limit::per_second(10).capacity(1000).empty()]);
    bucket.at(seconds(100)).try_take([1000]).unwrap();
    // This thread's clock is 50 s behind.
    bucket.at(seconds(50)).set_limits([Limit::per_second(100).capacity(1000)]).unwrap();
    assert_eq!(bucket.at(seconds(54)).available(), [0]);
    assert_eq!(bucket.at(seconds(56)).available(), [100]);
}

#[test]
fn limits_come_back_as_they_were_set() {
    let texts = [
        "1MiB/s",
        "250/100ms capacity 7 empty",
        "999.9/s",
        "0/s capacity 1",
        "1/3s capacity 9",
        "64GiB/s",
        "7/s",
        "5/min",
    ];
    let limits = texts.map(|text| text.parse::<Limit>().unwrap());
    let bucket = bucket([Limit::per_second(1); 8]);
    bucket.set_limits(limits).unwrap();
    assert_eq!(bucket.limits(), limits);
    assert_eq!(bucket.limits().map(|limit| limit.to_string()), limits.map(|limit| limit.to_string()));
    assert_eq!(bucket.snapshot().limits(), limits);
}

#[test]
fn a_refusal_is_of_the_limits_that_refused() {
    let bucket = bucket([Limit::per_second(10), Limit::per_second(5)]);
    bucket.set_limits([Limit::per_second(2), Limit::per_second(50)]).unwrap();
    bucket.try_take([2, 0]).unwrap();
    assert_eq!(bucket.try_take([1, 1]).unwrap_err().wait(), Some(Duration::from_millis(500)));
    let Err(Refused::Never(never)) = bucket.try_take([3, 1]) else { panic!("3 of 2") };
    assert_eq!((never.stream, never.requested, never.capacity), (0, 3, 2));
    assert_eq!(bucket.charge([1, u64::MAX]).unwrap_err().stream(), 1);
    assert_eq!(bucket.take_in_order(&[[0, 4], [0, 1], [1, 1], [0, 1]]), 2);
    assert_eq!(bucket.snapshot().check([1, 0]).unwrap_err().wait(), Some(Duration::from_millis(500)));
    bucket.reset([u64::MAX, u64::MAX]);
    assert_eq!(bucket.available(), [2, 50]);
}

#[test]
fn a_handle_follows_the_change() {
    let bucket = bucket([Limit::per_second(10), Limit::per_second(5)]);
    let handle = bucket.handle().unwrap();
    handle.try_take([10, 0]).unwrap();
    bucket.set_limits_with([Limit::per_second(20), Limit::per_second(5)], Inherit::Additive).unwrap();
    assert_eq!(handle.available(), [10, 5]);
    assert!(handle.try_take([10, 5]).is_ok());
    assert_eq!(handle.try_take([1, 0]).unwrap_err().wait(), Some(Duration::from_millis(50)));
    drop(handle);
    bucket.put_back([20, 20]);
    assert_eq!(bucket.available(), [20, 5]);
}

#[test]
fn a_lease_follows_a_raised_capacity_and_keeps_what_it_holds_under_a_lowered_one() {
    let bucket = bucket([Limit::per_second(10)]);
    let mut lease = bucket.lease([100]);
    bucket.set_limits_with([Limit::per_second(200)], Inherit::Reset).unwrap();
    for _ in 0..120 {
        lease.try_take([1]).unwrap();
    }
    let [held] = lease.held();
    assert!(held > 5, "{held}");
    bucket.set_limit(Limit::per_second(5)).unwrap();
    for _ in 0..held {
        lease.try_take([1]).unwrap();
    }
    assert!(matches!(lease.try_take([6]), Err(Refused::Never(_))));
    lease.put_back([100]);
    drop(lease);
    assert_eq!(bucket.available(), [5]);
}

#[test]
fn a_reservation_becomes_ready_earlier_if_the_rate_is_raised_and_later_if_it_is_lowered() {
    let bucket = bucket([Limit::per_second(10).empty()]);
    let at = |millis: u64| nanos(millis * 1_000_000);
    let [first, second] = [5, 10].map(|n| bucket.reserve([n]).unwrap());
    assert_eq!([first.ready_at(), second.ready_at()], [Some(at(500)), Some(at(1500))]);
    bucket.clock().set(at(100));
    bucket.set_limit(Limit::per_second(100)).unwrap();
    assert_eq!([first.ready_at(), second.ready_at()], [Some(at(140)), Some(at(240))]);
    bucket.clock().set(at(200));
    bucket.set_limit(Limit::per_second(1).capacity(10)).unwrap();
    // The first is ready; 4 of the second's 10 are missing.
    assert_eq!(first.remaining(), Some(Duration::ZERO));
    assert_eq!(second.ready_at(), Some(at(4200)));
    assert_eq!(bucket.wait_for([1]), Ok(Some(Duration::from_secs(5))));
    bucket.set_limit(Limit::per_second(0).capacity(10)).unwrap();
    assert_eq!(second.ready_at(), None);
    second.cancel();
    assert_eq!(bucket.available(), [6]);
}

#[test]
fn the_instant_of_a_reservation_is_when_its_tokens_are_there_under_any_limits() {
    let kinds = ["7/s", "333/s", "1201/s", "1/3s capacity 100", "1000/s", "12.5/s capacity 77"]
        .map(|text| text.parse::<Limit>().unwrap());
    for (i, first) in kinds.iter().enumerate() {
        for (j, second) in kinds.iter().enumerate() {
            let bucket = bucket([first.capacity(100).empty()]);
            let place = bucket.reserve([83]).unwrap();
            let third = kinds[(i + j) % 6].capacity(100);
            for limit in [second.capacity(100), third] {
                bucket.clock().advance(Duration::from_nanos(1_234_567 + i as u64));
                bucket.set_limit(limit).unwrap();
            }
            let ready = place.ready_at();
            // Then nothing is owed and nothing is there: the next token takes its whole time, but
            // for what is rounded: less than a nanosecond at the fastest rate.
            let next = bucket.at(ready.unwrap()).wait_for([1]).unwrap().unwrap().as_nanos();
            let token = third.rate.period().as_nanos() / u128::from(third.rate.tokens());
            let speed = |limit: &Limit| limit.rate.tokens() as f64 / limit.rate.period().as_nanos() as f64;
            let rounded = 3.0 * kinds.iter().map(speed).fold(0.0, f64::max) / speed(&third);
            assert!(next.abs_diff(token) <= 4 + rounded as u128, "{first}, {second}, {third}: {next} and {token}");
            place.commit();
        }
    }
}

#[test]
fn what_a_reservation_or_an_estimate_gives_back_is_counted_in_tokens() {
    let bucket = bucket([Limit::per_second(100)]);
    let (place, estimate) = (bucket.reserve([30]).unwrap(), bucket.estimate([30]).unwrap());
    bucket.set_limit("333/s".parse().unwrap()).unwrap();
    assert_eq!(bucket.available(), [40]);
    place.cancel();
    assert_eq!(bucket.available(), [70]);
    bucket.set_limit(Limit::per_second(7).capacity(1000)).unwrap();
    estimate.settle([80]).unwrap();
    assert_eq!(bucket.available(), [20]);
    let estimate = bucket.estimate([20]).unwrap();
    bucket.set_limit(Limit::per_second(9).capacity(11)).unwrap();
    drop(estimate);
    assert_eq!(bucket.available(), [11]);
}

#[test]
fn ten_thousand_changes_are_each_seen_and_counted() {
    // That they use the memory of two is in `tests/allocation.rs`.
    let bucket = MultiBucket::<1, _, 2>::with_slots([Limit::per_second(10)], ManualClock::new()).unwrap();
    for i in 0..10_000 {
        bucket.set_limit(Limit::per_second(10 + i)).unwrap();
        assert_eq!(bucket.limit(), Limit::per_second(10 + i));
    }
    assert_eq!(bucket.snapshot().sequence(), 10_000);
}

#[test]
fn no_call_that_begins_after_a_change_has_returned_decides_on_the_old_limits() {
    const CHANGES: u64 = if cfg!(miri) { 20 } else { 20_000 };
    // The capacity of the second stream counts the changes; of the first nothing is there after the
    // change to an odd one.
    let bucket = MultiBucket::new([Limit::per_second(0).capacity(1), Limit::per_second(0).capacity(1)]).unwrap();
    let (done, stop) = (AtomicU64::new(1), AtomicBool::new(false));
    thread::scope(|scope| {
        for handle in [false, true] {
            let (bucket, done, stop) = (&bucket, &done, &stop);
            scope.spawn(move || {
                // Without `alloc` there are four slots, and all may be busy for a moment.
                let free = || std::iter::repeat_with(|| bucket.handle().ok()).find_map(|handle| handle);
                let mut handle = handle.then(|| free().expect("it asks until there is one"));
                while !stop.load(Ordering::Relaxed) {
                    let least = done.load(Ordering::Acquire);
                    let refused = match &mut handle {
                        Some(handle) => handle.try_take([0, u64::MAX]),
                        None => bucket.try_take([0, u64::MAX]),
                    };
                    let Err(Refused::Never(never)) = refused else { panic!("there is not so much") };
                    assert!(never.capacity >= least, "{} after {least}", never.capacity);
                    let [one, other] = bucket.limits();
                    assert_eq!(one.capacity, other.capacity);
                    assert!(other.capacity >= least);
                    let _ = bucket.try_take([1, 1]);
                    bucket.put_back([1, 1]);
                }
            });
        }
        for capacity in 2..CHANGES {
            let limit = Limit::new(Rate::per_second(capacity % 3), capacity);
            bucket.set_limits([limit, limit]).unwrap();
            done.store(capacity, Ordering::Release);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn tokens_are_conserved_while_threads_take_and_others_change_the_limits() {
    const CHANGES: u64 = if cfg!(miri) { 20 } else { 5000 };
    let kinds = ["0/s capacity 1M", "0/s capacity 2M", "0/s capacity 3M"].map(|text| text.parse::<Limit>().unwrap());
    let bucket = MultiBucket::new([kinds[0], kinds[1]]).unwrap();
    let taken = AtomicU64::new(0);
    thread::scope(|scope| {
        for i in 0..2 {
            let (bucket, kinds) = (&bucket, &kinds);
            scope.spawn(move || {
                for j in 0..CHANGES as usize {
                    bucket.set_limits([kinds[j % 3], kinds[1 + (i + j) % 2]]).unwrap();
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..10 * CHANGES {
                    let n = bucket.take_items(7, [1, 2]);
                    taken.fetch_add(n, Ordering::Relaxed);
                }
            });
        }
    });
    let taken = taken.into_inner();
    assert_eq!(bucket.available(), [1_000_000 - taken, 2_000_000 - 2 * taken]);
}

/// However much there was: in units of the new limit it may be more than a word can hold.
#[test]
fn what_is_kept_is_no_more_than_the_new_capacity() {
    let fast = Limit::per_second(1_000_000_000).capacity(1 << 60);
    let bucket = MultiBucket::with_clock([fast], ManualClock::new()).unwrap();
    bucket.set_limits([Limit::per_second(1).capacity(10)]).unwrap();
    assert_eq!(bucket.available(), [10]);
}
