//! A reservation is a place in the queue: what it promises, and that it costs nobody else anything.

mod common;
mod waits;

use std::time::Duration;

use common::{Naive, Random, config, nanos};
use proptest::prelude::*;
use tollgate::clock::Time;
use tollgate::{Clock, Limit, Rate, Refused, Reservation};
use waits::{Waits, limits_of, multi, single};

const NANO: Duration = Duration::from_nanos(1);

fn per_second(tokens: u64) -> Limit {
    Limit::per_second(tokens)
}

#[test]
fn the_order_of_reservations_is_the_order_of_service() {
    for limit in limits_of(100) {
        let bucket = single(limit);
        let mut places = Vec::new();
        for n in [100, 1, 50, 1, 1, 99, 2, 100] {
            bucket.clock().advance(NANO);
            places.push(bucket.reserve(n).unwrap());
        }
        let instants: Vec<_> = places.iter().map(Reservation::ready_at).collect();
        assert!(instants.is_sorted(), "{limit}: {instants:?}");
        assert!(instants[0] < *instants.last().unwrap(), "{limit}: {instants:?}");
    }
}

#[test]
fn nobody_overtakes_while_there_is_a_debt() {
    let bucket = multi([per_second(10), per_second(1000)]);
    let first = bucket.reserve([10, 1000]).unwrap();
    let second = bucket.reserve([1, 0]).unwrap();
    let handle = bucket.handle().unwrap();
    for _ in 0..100 {
        for n in [1, 2, 10] {
            assert!(bucket.try_take([n, 0]).is_err() && handle.try_take([n, 0]).is_err());
            assert_eq!((bucket.take_items(n, [1, 0]), handle.take_items(n, [1, 1])), (0, 0));
            assert!(bucket.estimate([n, 0]).is_err());
        }
        bucket.clock().advance(Duration::from_millis(1));
    }
    assert_eq!((bucket.clock().now(), second.ready_at()), (nanos(100_000_000), Some(nanos(100_000_000))));
    // What is not in debt is free for all, and nothing is asked of a stream by an amount of 0.
    assert!(bucket.try_take([0, 100]).is_ok() && bucket.try_take([0, 1]).is_err() && bucket.try_take([0, 0]).is_ok());
    first.commit();
    second.commit();
}

#[test]
fn the_instant_never_changes_through_what_others_do() {
    let bucket = single(per_second(10));
    bucket.try_take(10).unwrap();
    let before = bucket.reserve(3).unwrap();
    let place = bucket.reserve(4).unwrap();
    let instant = nanos(700_000_000);
    let unmoved = |what| assert_eq!(place.ready_at(), Some(instant), "{what}");
    unmoved("at first");
    let after = bucket.reserve(10).unwrap();
    unmoved("reserved");
    assert!(bucket.try_take(1).is_err());
    unmoved("refused");
    after.cancel();
    unmoved("cancelled behind it");
    before.cancel();
    unmoved("cancelled before it");
    bucket.put_back(10);
    unmoved("put back");
    assert!(bucket.try_take(6).is_ok());
    unmoved("taken what came back");
    bucket.charge(1000).unwrap();
    unmoved("charged");
    bucket.clock().advance(Duration::from_secs(1));
    unmoved("later");
    assert_eq!(place.remaining(), Some(Duration::ZERO));
    bucket.reset(0);
    unmoved("reset");
    place.commit();
}

#[test]
fn a_cancelled_reservation_frees_tokens_for_whoever_calls_next() {
    let bucket = single(per_second(10).empty());
    let (first, second) = (bucket.reserve(5).unwrap(), bucket.reserve(5).unwrap());
    first.cancel();
    assert_eq!(second.ready_at(), Some(nanos(1_000_000_000)));
    // The next one gets them, and is served before those who waited: 5 of them are there at 0.5 s,
    // and 1 more at 0.6 s.
    assert_eq!(bucket.wait_for(1), Ok(Some(Duration::from_millis(600))));
    let third = bucket.reserve(1).unwrap();
    assert_eq!(third.ready_at(), Some(nanos(600_000_000)));
    assert!(third.ready_at() < second.ready_at());
    third.commit();
    second.commit();
}

#[test]
fn a_dropped_reservation_gives_back_before_its_instant_and_is_used_after_it() {
    let bucket = single(per_second(10));
    drop(bucket.reserve(4).unwrap());
    assert_eq!(bucket.available(), 6, "it could be used at once");
    bucket.put_back(4);
    bucket.try_take(10).unwrap();
    drop(bucket.reserve(4).unwrap());
    assert_eq!(bucket.wait_for(1), Ok(Some(Duration::from_millis(100))));
    let place = bucket.reserve(4).unwrap();
    bucket.clock().advance(Duration::from_millis(400));
    drop(place);
    assert_eq!(bucket.wait_for(1), Ok(Some(Duration::from_millis(100))));
    bucket.put_back(10);
    bucket.reserve(4).unwrap().commit();
    assert_eq!(bucket.available(), 6);
    bucket.reserve(4).unwrap().cancel();
    assert_eq!(bucket.available(), 6);
    drop(bucket.reserve(4).unwrap().into_estimate().keep_on_drop());
    assert_eq!(bucket.available(), 2);
    drop(bucket.reserve(2).unwrap().into_estimate());
    assert_eq!(bucket.available(), 2);
    drop(bucket.reserve(4).unwrap().into_estimate().keep_on_drop());
    assert_eq!(bucket.wait_for(1), Ok(Some(Duration::from_millis(300))), "it was not to be used yet");
}

/// 4096 slots: the current one, one that every handle must leave, and the handles.
#[test]
#[cfg(feature = "alloc")]
fn nothing_that_waits_keeps_a_slot() {
    let bucket = multi([per_second(10), per_second(10)]);
    for _ in 0..100 {
        drop(bucket.reserve([1, 0]).unwrap());
        bucket.reserve([1, 1]).unwrap().commit();
        let _ = bucket.reserve_within([10, 10], Duration::ZERO);
        bucket.charge([1, 0]).unwrap();
        bucket.reserve([1, 1]).unwrap().into_estimate().settle([0, 3]).unwrap();
    }
    let mut handles = Vec::new();
    while let Ok(handle) = bucket.handle() {
        handles.push(handle);
    }
    assert_eq!(handles.len(), 4096 - 2);
}

#[test]
fn a_reservation_that_is_cancelled_late_does_not_lift_a_full_bucket() {
    let bucket = single(per_second(10));
    let place = bucket.reserve(10).unwrap();
    bucket.clock().advance(Duration::from_secs(3600));
    assert_eq!(bucket.available(), 10);
    place.cancel();
    assert_eq!((bucket.take_up_to(100), bucket.available()), (10, 0));
    let place = bucket.reserve(10).unwrap();
    bucket.clock().advance(Duration::from_secs(3600));
    place.cancel();
    assert_eq!(bucket.at(Time::ZERO).available(), 0, "to an old reading, too");
    assert_eq!(bucket.available(), 10);
}

#[test]
fn an_oversized_reservation_waits_its_full_time_and_leaves_the_bucket_empty() {
    let bucket = single(per_second(10));
    let place = bucket.reserve_oversized(25).unwrap();
    assert_eq!(place.ready_at(), Some(nanos(1_500_000_000)));
    bucket.clock().advance(Duration::from_millis(1500) - NANO);
    assert_eq!((place.remaining(), bucket.wait_for(1)), (Some(NANO), Ok(Some(Duration::from_millis(100) + NANO))));
    bucket.clock().advance(NANO);
    assert_eq!((bucket.available(), bucket.wait_for(1)), (0, Ok(Some(Duration::from_millis(100)))));
    place.commit();
    assert_eq!(bucket.wait_for(1), Ok(Some(Duration::from_millis(100))));
}

#[test]
fn an_oversized_reservation_that_is_cancelled_gives_all_of_it_back() {
    let bucket = multi([per_second(10), per_second(5)]);
    bucket.try_take([7, 1]).unwrap();
    bucket.reserve_oversized([1000, 77]).unwrap().cancel();
    assert_eq!(bucket.available(), [3, 4]);
    let place = bucket.reserve_oversized([1000, 0]).unwrap();
    assert_eq!(place.ready_at(), Some(nanos(99_700_000_000)));
    bucket.clock().advance(Duration::from_secs(1));
    place.cancel();
    assert_eq!(bucket.available(), [10, 5]);
}

#[test]
fn amounts_of_nothing_are_granted_at_once_and_write_nothing() {
    let bucket = multi([per_second(10).empty(), per_second(0).capacity(5).empty()]);
    bucket.charge([100, 7]).unwrap();
    let sequence = bucket.snapshot().sequence();
    for place in
        [bucket.reserve([0, 0]), bucket.reserve_oversized([0, 0]), bucket.reserve_within([0, 0], Duration::ZERO)]
    {
        let place = place.unwrap();
        assert_eq!((place.ready_at(), place.remaining()), (Some(Time::ZERO), Some(Duration::ZERO)));
        place.into_estimate().settle([0, 0]).unwrap();
    }
    bucket.reserve([0, 0]).unwrap().cancel();
    bucket.charge([0, 0]).unwrap();
    bucket.estimate([0, 0]).unwrap().settle([0, 0]).unwrap();
    drop(bucket.estimate([0, 0]).unwrap());
    bucket.put_back([0, 0]);
    assert_eq!(bucket.snapshot().sequence(), sequence);
}

/// Two streams, one of them short: what waits for that one has long been debited from the other,
/// which refills meanwhile.
#[test]
fn of_several_streams_a_burst_at_use_can_exceed_the_capacity_by_what_was_held() {
    let short = Limit::per_second(1).empty();
    let full = per_second(10);
    let bucket = multi([short, full]);
    let held = bucket.reserve([1, 10]).unwrap();
    assert_eq!(held.ready_at(), Some(nanos(1_000_000_000)));
    bucket.clock().set(held.ready_at().unwrap());
    bucket.try_take([0, 10]).unwrap();
    held.commit();
    // 20 are used at one instant: the plain bound does not hold, the formula with H does, to the
    // token.
    let at = 1_000_000_000;
    let uses = |own| {
        [(0, own), (at, at)].map(|(at_decision, own)| Event::Debit {
            at: at_decision,
            n: 10,
            owed: 0,
            use_at: Some((own, at)),
        })
    };
    assert!(audit_uses(full, &uses(at)).is_err());
    assert_eq!(audit_uses(full, &uses(0)), Ok(()));
    assert!(audit_uses(full.capacity(9), &uses(0)).is_err());
}

/// 9 tokens a nanosecond: 10 of them are there after 2 ns, 20 after 3 ns.
#[test]
fn the_bound_at_use_is_a_nanosecond_wider_even_where_the_rate_is_exact() {
    let limit = Limit::new(Rate::new(9, NANO).unwrap(), 10).empty();
    assert_eq!(limit.precision(), Ok(Duration::ZERO));
    let bucket = single(limit);
    let places = [10, 10].map(|n| bucket.reserve(n).unwrap());
    assert_eq!([places[0].ready_at(), places[1].ready_at()], [Some(nanos(2)), Some(nanos(3))]);
    // 20 of them within a nanosecond that accrues 9, from a capacity of 10.
    places.into_iter().for_each(Reservation::commit);
    let mut uses = [(2, 10), (3, 10)];
    assert!(common::audit(limit, &mut uses).is_err());
    assert_eq!(waits::audit_at_use(limit, &mut uses), Ok(()));
}

/// What happened to one stream, in the order in which it did.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Tokens that were taken, reserved or charged on this reading; what was owed after that; and
    /// the own and the common instant from which they may be used, unless they are not used, as a
    /// charge is not.
    Debit {
        at: u64,
        n: u64,
        owed: u64,
        use_at: Option<(u64, u64)>,
    },
    Back {
        n: u64,
    },
}

/// Of the events whose instant is in the window, all that was put back between the first and the
/// last of them, and that last one.
fn windows(
    events: &[Event],
    instant: impl Fn(&Event) -> Option<u64>,
    mut check: impl FnMut(u64, u64, u64, u64, usize) -> Result<(), String>,
) -> Result<(), String> {
    let instants: Vec<_> = events.iter().map(instant).collect();
    let mut ends: Vec<_> = instants.iter().flatten().copied().collect();
    ends.sort_unstable();
    ends.dedup();
    for (i, &from) in ends.iter().enumerate() {
        for &to in &ends[i..] {
            let inside = |at: &Option<u64>| at.is_some_and(|at| (from..=to).contains(&at));
            let first = instants.iter().position(inside).unwrap();
            let last = instants.iter().rposition(inside).unwrap();
            let (mut sum, mut back) = (0, 0);
            for (event, at) in events[first..=last].iter().zip(&instants[first..=last]) {
                match event {
                    Event::Debit { n, .. } if inside(at) => sum += n,
                    Event::Back { n } => back += n,
                    Event::Debit { .. } => {}
                }
            }
            check(from, to, sum, back, last)?;
        }
    }
    Ok(())
}

/// At the decisions: `C + r * (w + e) + P + D`.
fn audit_decisions(limit: Limit, events: &[Event]) -> Result<(), String> {
    let model = Naive::new(limit);
    let at = |event: &Event| if let Event::Debit { at, .. } = event { Some(*at) } else { None };
    windows(events, at, |from, to, sum, back, last| {
        let Event::Debit { owed, .. } = events[last] else { unreachable!("it has an instant") };
        let most = model.most_in(to - from) + back + owed;
        if sum > most {
            Err(format!("{limit}: {sum} decided from {from} to {to}, not {most}: {events:?}"))
        } else {
            Ok(())
        }
    })
}

/// At the instants of use: `C + r * (w + e) + P + H`.
fn audit_uses(limit: Limit, events: &[Event]) -> Result<(), String> {
    let mut model = Naive::new(limit);
    model.precision = model.precision.max(1);
    let at = |event: &Event| if let Event::Debit { use_at: Some((_, at)), .. } = event { Some(*at) } else { None };
    windows(events, at, |from, to, sum, back, _| {
        let held = |event: &Event| match *event {
            Event::Debit { n, use_at: Some((own, at)), .. } if own < from && (from..=to).contains(&at) => n,
            _ => 0,
        };
        let most = model.most_in(to - from) + back + events.iter().map(held).sum::<u64>();
        if sum > most {
            Err(format!("{limit}: {sum} used from {from} to {to}, not {most}: {events:?}"))
        } else {
            Ok(())
        }
    })
}

/// Random calls of one thread, whose clock goes back now and then; some reservations are cancelled.
fn bounded<const N: usize>(limits: [Limit; N], seed: u64) {
    let mut random = Random(seed);
    let bucket = multi(limits);
    let mut models = limits.map(Naive::new);
    let mut events: [Vec<Event>; N] = std::array::from_fn(|_| Vec::new());
    let mut places: Vec<([usize; N], u64, [u64; N], Reservation<'_, N>)> = Vec::new();
    let token =
        limits.map(|limit| limit.rate.period().as_nanos() as u64 / limit.rate.tokens() + 2).into_iter().max().unwrap();
    let mut newest = 0;
    for _ in 0..60 {
        newest += if random.below(3) == 0 { 0 } else { random.below(2 * token) };
        let at = if random.below(6) == 0 { random.below(newest + 1) } else { newest };
        bucket.clock().set(nanos(at));
        let amounts: [u64; N] = std::array::from_fn(|i| random.below(limits[i].capacity.min(12) + 1));
        let debit = |models: &mut [Naive; N], own: [Option<u64>; N], common: u64| {
            std::array::from_fn::<_, N, _>(|i| {
                models[i].take(at, amounts[i]);
                let use_at = own[i].filter(|_| amounts[i] > 0).map(|own| (own, common));
                Event::Debit { at, n: amounts[i], owed: models[i].owed(at), use_at }
            })
        };
        let push = |events: &mut [Vec<Event>; N], new: [Event; N]| {
            std::array::from_fn(|i| {
                events[i].push(new[i]);
                events[i].len() - 1
            })
        };
        match random.below(10) {
            0 if !places.is_empty() => {
                let (index, made, amounts, place) = places.swap_remove(random.below(places.len() as u64) as usize);
                place.cancel();
                for i in 0..N {
                    // It reads no clock: it comes back as of when it was made.
                    models[i].put_back(made, amounts[i]);
                    // It is not used any more.
                    if let Event::Debit { use_at, .. } = &mut events[i][index[i]] {
                        *use_at = None;
                    }
                    events[i].push(Event::Back { n: amounts[i] });
                }
            }
            1 => {
                bucket.put_back(amounts);
                for i in 0..N {
                    models[i].put_back(at, amounts[i]);
                    events[i].push(Event::Back { n: amounts[i] });
                }
            }
            2 if random.below(3) == 0 => {
                bucket.charge(amounts).unwrap();
                let new = debit(&mut models, [None; N], at);
                let _: [usize; N] = push(&mut events, new);
            }
            2..=5 => {
                if bucket.try_take(amounts).is_ok() {
                    let new = debit(&mut models, [Some(at); N], at);
                    let _: [usize; N] = push(&mut events, new);
                }
            }
            _ => {
                let place = bucket.reserve(amounts).unwrap();
                let common = place.ready_at().unwrap().as_nanos();
                let own = std::array::from_fn(|i| Some(at + models[i].wait(at, amounts[i]).unwrap() as u64));
                if N == 1 {
                    assert!(own[0].unwrap().abs_diff(common) <= models[0].precision as u64);
                }
                let new = debit(&mut models, own.map(|own| own.map(|own| own.min(common))), common);
                places.push((push(&mut events, new), at, amounts, place));
            }
        }
    }
    for (limit, events) in limits.into_iter().zip(&events) {
        audit_decisions(limit, events).unwrap_or_else(|over| panic!("seed {seed}: {over}"));
        audit_uses(limit, events).unwrap_or_else(|over| panic!("seed {seed}: {over}"));
    }
    places.into_iter().for_each(|(_, _, _, place)| place.commit());
}

#[test]
fn the_bounds_hold_at_the_decisions_with_debts_and_at_the_instants_of_use() {
    for seed in 0..40 {
        for limit in limits_of(10) {
            bounded([limit], seed);
        }
    }
}

#[test]
fn the_bounds_hold_for_several_streams_with_what_was_held() {
    for seed in 0..60 {
        let exact = [Limit::per_second(1000).capacity(10), Limit::per_second(7).capacity(5).empty()];
        bounded(exact, seed);
        bounded(
            [exact[0].capacity(3), Limit::per_second(500).capacity(12).empty(), Limit::per_minute(5).capacity(2)],
            seed,
        );
    }
}

/// The audits are no formality: they notice a token too many, and a hold or a debt that is left
/// out.
#[test]
fn the_audits_notice_one_token_too_many() {
    let limit = per_second(10);
    let debit = |at, n, owed, own| Event::Debit { at, n, owed, use_at: Some((own, 1_000_000_000)) };
    let decided = |owed| audit_decisions(limit, &[debit(0, 10, 0, 0), debit(0, 5, owed, 0)]);
    assert!(decided(4).is_err() && decided(5).is_ok());
    let used = |own, n| audit_uses(limit, &[debit(0, 10, 0, own), debit(0, n, 0, 1_000_000_000)]);
    assert!(used(0, 10).is_ok() && used(0, 11).is_err());
    assert!(used(1_000_000_000, 1).is_err());
    let back = |n| audit_decisions(limit, &[debit(0, 10, 0, 0), Event::Back { n }, debit(0, 5, 0, 0)]);
    assert!(back(4).is_err() && back(5).is_ok());
}

#[derive(Clone, Copy, Debug)]
enum Op<const N: usize> {
    Advance(u64),
    Take([u64; N]),
    UpTo(u64, [u64; N]),
    PutBack([u64; N]),
    Charge([u64; N]),
    Reserve([u64; N]),
    Oversized([u64; N]),
    Cancel(usize),
    Commit(usize),
    /// Keeps it as an estimate of which this was used.
    Settle(usize, [u64; N]),
    Estimate([u64; N], Option<[u64; N]>),
}

fn op<const N: usize>() -> impl Strategy<Value = Op<N>> {
    let amounts = || prop::collection::vec(0..25u64, N).prop_map(|amounts| <[u64; N]>::try_from(amounts).unwrap());
    prop_oneof![
        6 => (0..3000u64).prop_map(Op::Advance),
        3 => amounts().prop_map(Op::Take),
        1 => (0..4u64, amounts()).prop_map(|(most, each)| Op::UpTo(most, each)),
        1 => amounts().prop_map(Op::PutBack),
        1 => amounts().prop_map(Op::Charge),
        6 => amounts().prop_map(Op::Reserve),
        2 => amounts().prop_map(Op::Oversized),
        4 => any::<usize>().prop_map(Op::Cancel),
        2 => any::<usize>().prop_map(Op::Commit),
        2 => (any::<usize>(), amounts()).prop_map(|(which, used)| Op::Settle(which, used)),
        2 => (amounts(), prop::option::of(amounts())).prop_map(|(n, used)| Op::Estimate(n, used)),
    ]
}

/// Does all operations to the bucket and to exact models with debts. After each of them, the wait
/// for one token and for all of them is the model's, which says to a nanosecond what there is, or
/// what is owed.
fn agree<const N: usize>(bucket: &impl Waits<N>, limits: [Limit; N], ops: &[Op<N>]) -> Result<(), TestCaseError> {
    let mut models = limits.map(Naive::new);
    let tolerance = models.iter().map(|model| model.precision).max().unwrap();
    let token =
        limits.map(|limit| limit.rate.period().as_nanos() as u64 / limit.rate.tokens() + 1).into_iter().max().unwrap();
    let mut t = 0;
    let mut places: Vec<(Time, [u64; N], Reservation<'_, N>)> = Vec::new();
    for (i, &op) in ops.iter().enumerate() {
        let state = format!("op {i}: {op:?} at {t} of {limits:?}, {models:?}");
        let pick = |which: usize, len: usize| if len == 0 { None } else { Some(which % len) };
        match op {
            Op::Advance(thousandths) => {
                t += token * thousandths / 1000;
                bucket.hand().set(nanos(t));
            }
            Op::Take(n) => {
                if bucket.take(n).is_ok() {
                    prop_assert!(
                        models.iter().zip(n).all(|(model, n)| model.items(t, t, n, 1).1 == 1),
                        "granted; {state}"
                    );
                    models.iter_mut().zip(n).for_each(|(model, n)| model.take(t, n));
                } else {
                    prop_assert!(
                        (0..N).any(|i| n[i] > limits[i].capacity || models[i].items(t, t, n[i], 1).0 == 0),
                        "refused; {state}"
                    );
                }
            }
            Op::UpTo(most, each) => {
                let items = bucket.up_to(most, each);
                let all = |pick: fn((u64, u64)) -> u64| {
                    models.iter().zip(each).map(|(model, each)| pick(model.items(t, t, each, most))).min().unwrap()
                };
                prop_assert!((all(|fit| fit.0)..=all(|fit| fit.1)).contains(&items), "{items}; {state}");
                models.iter_mut().zip(each).for_each(|(model, each)| model.take(t, each * items));
            }
            Op::PutBack(n) => {
                bucket.put_back(n);
                models.iter_mut().zip(n).for_each(|(model, n)| model.put_back(t, n));
            }
            Op::Charge(n) => {
                prop_assert_eq!(bucket.charge(n), Ok(()), "{}", state);
                models.iter_mut().zip(n).for_each(|(model, n)| model.take(t, n));
            }
            Op::Reserve(n) | Op::Oversized(n) => {
                let place = if let Op::Reserve(_) = op { bucket.reserve(n) } else { bucket.oversized(n) };
                let never = (0..N).find(|i| n[*i] > limits[*i].capacity).filter(|_| matches!(op, Op::Reserve(_)));
                if let Some(stream) = never {
                    prop_assert!(matches!(place, Err(Refused::Never(never)) if never.stream == stream), "{state}");
                    continue;
                }
                let place = place.unwrap();
                let wait = models.iter().zip(n).map(|(model, n)| model.wait(t, n).unwrap()).max().unwrap();
                let off = i128::from(place.ready_at().unwrap().as_nanos()) - i128::from(t) - wait;
                prop_assert!(off.abs() <= tolerance, "{:?}, not {wait} ns later; {state}", place.ready_at());
                models.iter_mut().zip(n).for_each(|(model, n)| model.take(t, n));
                if tolerance == 0 {
                    // At that instant nothing is owed, and a nanosecond before something is, as far
                    // as this took anything.
                    let owed = |at: u64| models.iter().zip(n).any(|(model, n)| n > 0 && model.owed(at) > 0);
                    let ready = place.ready_at().unwrap().as_nanos();
                    prop_assert!(!owed(ready) && (ready == t || owed(ready - 1)), "{ready}; {state}");
                }
                places.push((place.ready_at().unwrap(), n, place));
            }
            Op::Cancel(which) => {
                if let Some(which) = pick(which, places.len()) {
                    let (_, n, place) = places.swap_remove(which);
                    place.cancel();
                    models.iter_mut().zip(n).for_each(|(model, n)| model.put_back(t, n));
                }
            }
            Op::Commit(which) => {
                if let Some(which) = pick(which, places.len()) {
                    places.swap_remove(which).2.commit();
                }
            }
            Op::Settle(which, used) => {
                if let Some(which) = pick(which, places.len()) {
                    let (_, n, place) = places.swap_remove(which);
                    prop_assert_eq!(place.into_estimate().settle(used), Ok(()), "{}", state);
                    settle(&mut models, t, n, used);
                }
            }
            Op::Estimate(n, used) => {
                if let Ok(estimate) = bucket.estimate(n) {
                    models.iter_mut().zip(n).for_each(|(model, n)| model.take(t, n));
                    match used {
                        Some(used) => prop_assert_eq!(estimate.settle(used), Ok(()), "{}", state),
                        None => drop(estimate),
                    }
                    settle(&mut models, t, n, used.unwrap_or([0; N]));
                }
            }
        }
        for (ready_at, _, place) in &places {
            prop_assert_eq!(place.ready_at(), Some(*ready_at), "moved; {}", state);
        }
        for (stream, (model, limit)) in models.iter().zip(limits).enumerate() {
            for n in [1, limit.capacity] {
                let wait = bucket.wait_for(std::array::from_fn(|i| if i == stream { n } else { 0 })).unwrap();
                let off = wait.unwrap().as_nanos() as i128 - model.wait(t, n).unwrap();
                prop_assert!(off.abs() <= tolerance, "{n} of stream {stream} in {wait:?}, off by {off}; {state}");
            }
        }
    }
    places.into_iter().for_each(|(_, _, place)| place.commit());
    Ok(())
}

fn settle<const N: usize>(models: &mut [Naive; N], t: u64, taken: [u64; N], used: [u64; N]) {
    for i in 0..N {
        models[i].take(t, used[i].saturating_sub(taken[i]));
        models[i].put_back(t, taken[i].saturating_sub(used[i]));
    }
}

fn limit() -> impl Strategy<Value = Limit> {
    let rates =
        ["1000/s", "7/s", "5/min", "1/3s", "125MB/s", "9/ns", "1MiB/s", "333/s", "999.9/s", "12.5G/s", "10/ns", "11/d"];
    let rate = prop::sample::select(rates.map(|rate| rate.parse::<Rate>().unwrap()).to_vec());
    (rate, 1..30u64, any::<bool>()).prop_map(|(rate, capacity, full)| {
        let limit = Limit::new(rate, capacity);
        if full { limit } else { limit.empty() }
    })
}

proptest! {
    #![proptest_config(config(256, "tests/regressions/reservation.txt"))]

    #[test]
    fn a_token_bucket_with_debts_agrees_with_the_exact_model(limit in limit(), ops in prop::collection::vec(op::<1>(), 1..60)) {
        agree(&single(limit), [limit], &ops)?;
    }

    #[test]
    fn three_streams_with_debts_agree_with_the_exact_model(
        limits in [limit(), limit(), limit()], ops in prop::collection::vec(op::<3>(), 1..60),
    ) {
        agree(&multi(limits), limits, &ops)?;
    }

    #[test]
    fn cancels_in_every_order_conserve_tokens(
        limits in [limit(), limit()],
        taken in [0..30u64, 0..30u64],
        reserved in prop::collection::vec([0..30u64, 0..30u64], 1..9),
        order in any::<u64>(),
    ) {
        let bucket = multi(limits);
        bucket.charge(taken).unwrap();
        let waits = || {
            let of = |i: usize, n| bucket.wait_for(std::array::from_fn(|j| if i == j { n } else { 0 })).unwrap();
            [0, 1].map(|i| [of(i, 1), of(i, limits[i].capacity)])
        };
        let before = (bucket.available(), waits());
        let mut places: Vec<_> = reserved.iter().map(|n| bucket.reserve_oversized(*n).unwrap()).collect();
        let mut random = Random(order);
        while !places.is_empty() {
            places.swap_remove(random.below(places.len() as u64) as usize).cancel();
        }
        prop_assert_eq!((bucket.available(), waits()), before);
    }
}

#[test]
fn a_reservation_knows_when_it_is_and_says_so() {
    let bucket = single(per_second(10).empty());
    let place = bucket.reserve(3).unwrap();
    assert_eq!(format!("{place:?}"), "Reservation { ready_at: Time(300000000ns), .. }");
}
