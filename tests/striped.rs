//! `StripedBucket`: what lies on stripes is as good as what the bucket has, to the token, and
//! nothing is minted.
//!
//! **What is lost.** The bucket inside holds the capacity less the share. What comes home to it and
//! does not fit is lost, and so is what accrues while it is full. Everything else is exact.

#![cfg(feature = "std")]

mod common;
mod timers;

use std::array;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use common::Random;
use portable_atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use timers::Never;
use tollgate::bucket::StripedBucket;
use tollgate::clock::{ManualClock, Time, WallTime};
use tollgate::limit::LimitRule;
use tollgate::{Bucket, Clock, Limit, MultiBucket, Refused};

type Striped<const N: usize> = StripedBucket<N, ManualClock>;

fn poll<F: Future>(wait: Pin<&mut F>) -> Poll<F::Output> {
    wait.poll(&mut Context::from_waker(Waker::noop()))
}

/// Threads that do one step each, when they are told to: so each has a stripe of its own, and the
/// order is fixed.
struct Actors(Vec<(Sender<Step>, JoinHandle<()>)>);

type Step = Box<dyn FnOnce() + Send>;

impl Actors {
    fn new(threads: usize) -> Self {
        let actor = |_| {
            let (tell, told) = channel::<Step>();
            (tell, thread::spawn(move || told.into_iter().for_each(|step| step())))
        };
        Self((0..threads).map(actor).collect())
    }

    /// Runs a step on one of the threads, and waits for its end.
    fn run<R: Send + 'static>(&self, actor: usize, step: impl FnOnce() -> R + Send + 'static) -> R {
        let (tell, told) = channel();
        self.0[actor].0.send(Box::new(move || tell.send(step()).unwrap())).unwrap();
        told.recv().expect("the step does not panic")
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl Drop for Actors {
    fn drop(&mut self) {
        for (tell, actor) in self.0.drain(..) {
            drop(tell);
            let _ = actor.join();
        }
    }
}

fn striped<const N: usize>(limits: [Limit; N], stripes: usize) -> Striped<N> {
    StripedBucket::with_stripes(limits, ManualClock::new(), stripes).unwrap()
}

/// What the bucket inside has, and what lies on stripes. Looking moves nothing.
fn parts<const N: usize>(bucket: &Striped<N>) -> [(u64, u64); N] {
    let inside = Bucket::try_take(bucket, [0; N]).unwrap().remaining_each();
    let all = bucket.available();
    array::from_fn(|i| (inside[i], all[i] - inside[i]))
}

fn on_stripes<const N: usize>(bucket: &Striped<N>) -> [u64; N] {
    parts(bucket).map(|(_, lent)| lent)
}

/// Takes one by one until the first refusal, and says how often it was granted.
fn drain<const N: usize>(bucket: &Striped<N>, amounts: [u64; N]) -> u64 {
    let mut granted = 0;
    while bucket.try_take(amounts).is_ok() {
        granted += 1;
    }
    granted
}

/// So many threads take once, each from a full bucket, so that tokens lie on many stripes.
fn spread<const N: usize>(bucket: &Arc<Striped<N>>, threads: usize, amounts: [u64; N], each: u64) -> Actors {
    let actors = Actors::new(threads);
    for actor in 0..threads {
        let bucket = Arc::clone(bucket);
        actors.run(actor, move || (0..each).for_each(|_| bucket.try_take(amounts).expect("it has some")));
    }
    actors
}

/// One stream of the exact model, in tokens; 1000 of them, or a multiple, come each second.
#[derive(Clone, Copy, Debug)]
struct Stream {
    rate: i128,
    capacity: i128,
    share: i128,
    inside: i128,
    lent: i128,
}

impl Stream {
    fn room(&self) -> i128 {
        self.capacity - self.share
    }

    fn all(&self) -> i128 {
        self.inside + self.lent
    }
}

#[derive(Clone, Debug)]
enum Op<const N: usize> {
    Take([u64; N]),
    Admit([u64; N]),
    Items(u64, [u64; N]),
    InOrder(Vec<[u64; N]>),
    PutBack([u64; N]),
    Charge([u64; N]),
    Estimate([u64; N], [u64; N]),
    Reserve([u64; N]),
    Reset([u64; N]),
    SetLimits([u64; N]),
    PauseAndResume(u64),
    WaitFor([u64; N]),
    Advance(u64),
}

/// What a call said, as far as it is exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Said {
    Granted,
    /// With the wait in nanoseconds, if it has an end.
    NotYet(Option<u128>),
    Never,
    Count(u64),
    Done,
}

fn said<const N: usize, T>(result: Result<T, Refused<N>>) -> Said {
    match result {
        Ok(_) => Said::Granted,
        Err(Refused::NotYet(refusal)) => Said::NotYet(refusal.wait().map(|wait| wait.as_nanos())),
        Err(Refused::Never(_)) => Said::Never,
        Err(other) => panic!("{other}"),
    }
}

fn limit(rate: i128, capacity: i128) -> Limit {
    Limit::per_second(rate as u64).capacity(capacity as u64)
}

impl<const N: usize> Op<N> {
    fn random(random: &mut Random, streams: &[Stream; N]) -> Self {
        // Mostly small; now and then all there is, or about the largest take, or absurd.
        let mut amounts = || -> [u64; N] {
            let kind = random.below(24);
            array::from_fn(|i| match kind {
                0 => (streams[i].all().max(0) as u64 + random.below(2)).max(1),
                1 => (streams[i].room() as u64 + random.below(3)).saturating_sub(1),
                2 => [u64::MAX, u64::MAX - 1, streams[i].capacity as u64 + 1][random.below(3) as usize],
                3 => 0,
                4 | 5 => random.below(2) * random.below(40),
                6..=9 => random.below(1 + streams[i].capacity as u64 / 3),
                _ => 1 + random.below(9),
            })
        };
        let (one, other) = (amounts(), amounts());
        let few = |amounts: [u64; N]| amounts.map(|amount| amount.min(1 << 20));
        match random.below(64) {
            0..=25 => Self::Take(one),
            26..=29 => Self::Admit(one),
            30..=32 => Self::Items(random.below(60), one),
            33 => Self::Items(u64::MAX, few(one)),
            34..=36 => Self::InOrder(vec![one, few(other), few(one), other]),
            37..=39 => Self::PutBack(one),
            40 | 41 => Self::Charge(few(one)),
            42 => Self::Estimate(few(one), few(other)),
            43 => Self::Reserve(few(one)),
            44 => Self::Reset(one),
            45 => Self::SetLimits(array::from_fn(|_| 200 + random.below(4000))),
            46 => Self::PauseAndResume(random.below(1000)),
            47..=50 => Self::WaitFor(one),
            _ => Self::Advance(random.below(60)),
        }
    }

    fn call(self, bucket: &Striped<N>, streams: &[Stream; N]) -> Said {
        match self {
            Self::Take(amounts) => said(bucket.try_take(amounts)),
            Self::Admit(amounts) => said(bucket.admit(amounts)),
            Self::Items(max, per_item) => Said::Count(bucket.take_items(max, per_item)),
            Self::InOrder(requests) => Said::Count(bucket.take_in_order(&requests) as u64),
            Self::PutBack(amounts) => {
                bucket.put_back(amounts);
                Said::Done
            }
            Self::Charge(amounts) => said(bucket.charge(amounts)),
            Self::Estimate(amounts, used) => match bucket.estimate(amounts) {
                Ok(estimate) => said(estimate.settle(used)),
                Err(refused) => said(Err::<(), _>(refused)),
            },
            Self::Reserve(amounts) => match bucket.reserve(amounts) {
                Ok(reservation) => {
                    let wait = reservation.remaining().map(|wait| wait.as_nanos());
                    reservation.commit();
                    Said::NotYet(wait)
                }
                Err(refused) => said(Err::<(), _>(refused)),
            },
            Self::Reset(tokens) => {
                bucket.reset(tokens);
                Said::Done
            }
            Self::SetLimits(capacities) => {
                bucket.set_limits(array::from_fn(|i| limit(streams[i].rate, capacities[i].into()))).unwrap();
                Said::Done
            }
            Self::PauseAndResume(millis) => {
                bucket.pause();
                assert_eq!(bucket.available(), [0; N]);
                assert!(bucket.try_take([1; N]).is_err());
                bucket.clock().advance(Duration::from_millis(millis));
                assert!(bucket.try_take([1; N]).is_err());
                bucket.resume();
                Said::Done
            }
            Self::WaitFor(amounts) => match bucket.wait_for(amounts) {
                Ok(wait) => Said::NotYet(wait.map(|wait| wait.as_nanos())),
                Err(_) => Said::Never,
            },
            Self::Advance(millis) => {
                bucket.clock().advance(Duration::from_millis(millis));
                Said::Done
            }
        }
    }

    /// What the model says to it. It takes from `all`; where the tokens lie is adopted afterwards.
    fn expected(&self, streams: &mut [Stream; N]) -> Said {
        let before = *streams;
        let never = |amounts: &[u64; N]| (0..N).any(|i| i128::from(amounts[i]) > before[i].room());
        let wait = |amounts: &[u64; N], owing: bool| {
            let wait = |i: usize| {
                let asked = amounts[i] > 0 || (owing && before[i].all() < 0);
                let missing = if asked { (i128::from(amounts[i]) - before[i].all()).max(0) } else { 0 };
                (missing as u128 * 1_000_000_000).div_ceil(before[i].rate as u128)
            };
            (0..N).map(wait).max().unwrap()
        };
        let has = |amounts: &[u64; N]| (0..N).all(|i| amounts[i] == 0 || i128::from(amounts[i]) <= before[i].all());
        let take = |streams: &mut [Stream; N], amounts: &[u64; N]| {
            (0..N).for_each(|i| streams[i].inside -= i128::from(amounts[i]));
        };
        // What a call finds that asks for all at once: nothing beyond what fits comes home.
        let found: [i128; N] = before.map(|stream| stream.all().clamp(0, stream.room()));
        match self {
            Self::Take(amounts) if never(amounts) => Said::Never,
            Self::Take(amounts) if has(amounts) => {
                take(streams, amounts);
                Said::Granted
            }
            Self::Take(amounts) => Said::NotYet(Some(wait(amounts, false))),
            Self::Admit(amounts) if never(amounts) => Said::Never,
            Self::Admit(amounts) if before.iter().all(|stream| stream.all() >= 0) && has(amounts) => {
                take(streams, amounts);
                Said::Granted
            }
            Self::Admit(amounts) => Said::NotYet(Some(wait(amounts, true))),
            Self::Items(max, per_item) => {
                let fit = |i: usize| match per_item[i] {
                    0 => *max,
                    each => u64::try_from(found[i] / i128::from(each)).unwrap(),
                };
                let items = (0..N).fold(*max, |items, i| items.min(fit(i)));
                take(streams, &per_item.map(|each| each * items * u64::from(items > 0)));
                Said::Count(items)
            }
            Self::InOrder(requests) => {
                let (mut left, mut fit) = (found, 0);
                for request in requests {
                    if (0..N).any(|i| request[i] > 0 && i128::from(request[i]) > left[i]) {
                        break;
                    }
                    (0..N).for_each(|i| left[i] -= i128::from(request[i]));
                    take(streams, request);
                    fit += 1;
                }
                Said::Count(fit)
            }
            Self::PutBack(amounts) => {
                for (stream, amount) in streams.iter_mut().zip(amounts) {
                    stream.inside = stream.inside.max((stream.inside + i128::from(*amount)).min(stream.room()));
                }
                Said::Done
            }
            Self::Charge(amounts) => {
                take(streams, amounts);
                Said::Granted
            }
            Self::Estimate(amounts, _) if never(amounts) => Said::Never,
            Self::Estimate(amounts, used) if has(amounts) => {
                for i in 0..N {
                    let (stream, taken, used) = (&mut streams[i], i128::from(amounts[i]), i128::from(used[i]));
                    stream.inside -= taken;
                    // What comes back lies inside; and nothing that lies there is lost for it.
                    stream.inside -= used - taken;
                }
                Said::Granted
            }
            Self::Estimate(amounts, _) => Said::NotYet(Some(wait(amounts, false))),
            Self::Reserve(amounts) if never(amounts) => Said::Never,
            Self::Reserve(amounts) => {
                take(streams, amounts);
                Said::NotYet(Some(wait(amounts, false)))
            }
            Self::Reset(tokens) => {
                for (stream, tokens) in streams.iter_mut().zip(tokens) {
                    (stream.inside, stream.lent) = (i128::from(*tokens).min(stream.room()), 0);
                }
                Said::Done
            }
            Self::SetLimits(capacities) => {
                let share = share_of(&array::from_fn(|i| u64::try_from(before[i].rate).unwrap()), capacities);
                for i in 0..N {
                    let home = before[i].all().min(before[i].room());
                    let (capacity, share) = (capacities[i].into(), share[i].into());
                    streams[i] = Stream { capacity, share, inside: home.min(capacity - share), lent: 0, ..before[i] };
                }
                Said::Done
            }
            Self::PauseAndResume(_) => {
                for stream in streams {
                    (stream.inside, stream.lent) = (stream.all().min(stream.room()), 0);
                }
                Said::Done
            }
            Self::WaitFor(amounts) if never(amounts) => Said::Never,
            Self::WaitFor(amounts) => Said::NotYet(Some(wait(amounts, false))),
            Self::Advance(millis) => {
                for stream in streams {
                    let accrued = stream.inside + stream.rate * i128::from(*millis) / 1000;
                    stream.inside = accrued.min(stream.room()).max(stream.inside);
                }
                Said::Done
            }
        }
    }
}

const STRIPES: usize = 4;

/// The share as it is documented: an eighth of the capacity, rounded down to the same number on
/// each stripe; 0 with less than 4 tokens for each stripe of a stream.
fn share_of<const N: usize>(_: &[u64; N], capacities: &[u64; N]) -> [u64; N] {
    let chunks = capacities.map(|capacity| capacity / 8 / STRIPES as u64);
    if chunks.iter().any(|chunk| *chunk < 4) { [0; N] } else { chunks.map(|chunk| chunk * STRIPES as u64) }
}

/// Several threads, one step at a time, against the model. Of several streams, what a stream is
/// short of may bring home what does not fit of another: of that, nothing below the capacity less
/// the share is lost.
fn agrees<const N: usize>(seed: u64, steps: usize) {
    let mut random = Random(seed);
    let actors = Arc::new(Actors::new(6));
    let (rates, capacities): ([u64; N], [u64; N]) =
        (array::from_fn(|i| 1000 * (1 + i as u64)), array::from_fn(|_| 128 + random.below(3000)));
    let starts: [u64; N] = array::from_fn(|i| capacities[i] - random.below(2) * random.below(capacities[i]));
    let limits = array::from_fn(|i| limit(rates[i].into(), capacities[i].into()).starting_with(starts[i]));
    let bucket = Arc::new(striped(limits, STRIPES));
    assert_eq!(bucket.share(), share_of(&rates, &capacities), "seed {seed}");
    assert_eq!(bucket.available(), starts, "seed {seed}");
    let share = bucket.share();
    let mut streams: [Stream; N] = array::from_fn(|i| {
        let (inside, lent) = parts(&bucket)[i];
        let (rate, capacity) = (rates[i].into(), capacities[i].into());
        Stream { rate, capacity, share: share[i].into(), inside: inside.into(), lent: lent.into() }
    });
    for step in 0..steps {
        let op = Op::random(&mut random, &streams);
        let before = streams;
        let expected = op.expected(&mut streams);
        let (actor, of, call) = (random.below(actors.len() as u64) as usize, Arc::clone(&bucket), op.clone());
        let said = actors.run(actor, move || call.call(&of, &before));
        let context = || format!("seed {seed}, step {step}: {op:?} of {before:?}");
        assert_eq!(said, expected, "{}", context());
        // A pause takes the clock along.
        let (now, owed) = (parts(&bucket), bucket.debt());
        let is_step = !matches!(op, Op::Reset(_) | Op::SetLimits(_) | Op::PauseAndResume(_) | Op::Advance(_));
        for (i, stream) in streams.iter_mut().enumerate() {
            let (inside, lent) = (i128::from(now[i].0) - i128::from(owed[i]), i128::from(now[i].1));
            if !is_step {
                assert_eq!((inside, lent), (stream.inside, stream.lent), "stream {i}, {}", context());
            } else {
                let all = stream.all();
                let least = if N == 1 { all } else { all.min(stream.room() - (before[i].all() - all).max(0)) };
                let found = inside + lent;
                assert!(least <= found && found <= all, "stream {i}: {found}, not {all}, {}", context());
                assert!(lent == 0 || inside >= 0, "stream {i} owes {inside} beside {lent}, {}", context());
            }
            assert!(lent <= stream.share && inside <= stream.room(), "stream {i}, {}", context());
            (stream.inside, stream.lent) = (inside, lent);
        }
    }
}

#[test]
fn grants_are_those_of_an_exact_model() {
    for seed in 0..12 {
        agrees::<1>(seed, 600);
        agrees::<2>(100 + seed, 400);
        agrees::<3>(200 + seed, 400);
    }
    for seed in 0..4 {
        agrees::<8>(300 + seed, 300);
    }
}

fn filled<const N: usize>(capacity: u64, stripes: usize) -> Striped<N> {
    striped([Limit::per_second(1000).capacity(capacity); N], stripes)
}

#[test]
fn available_is_the_sum() {
    fn check<const N: usize>() {
        let bucket = Arc::new(filled::<N>(10_000, 4));
        let actors = spread(&bucket, 4, [3; N], 50);
        assert_eq!(bucket.available(), [10_000 - 600; N]);
        assert!(on_stripes(&bucket).iter().all(|lent| *lent > 0));
        assert!(format!("{bucket:?}").contains("9400"));
        drop(actors);
        assert_eq!(bucket.take_items(u64::MAX, [1; N]) + drain(&bucket, [1; N]), 9400);
        assert_eq!(bucket.available(), [0; N]);
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

#[test]
fn an_idle_stripe_is_drained_before_anybody_is_refused() {
    fn check<const N: usize>(n: u64) {
        let bucket = Arc::new(filled::<N>(1 << 16, 64));
        assert_eq!(bucket.stripes(), 64);
        let actors = spread(&bucket, 64, [n; N], 3);
        let (before, lent) = (bucket.available(), on_stripes(&bucket));
        assert_eq!(before, [(1 << 16) - 64 * 3 * n; N]);
        assert!(lent.iter().all(|lent| *lent > 64 * n), "{lent:?}");
        // One thread has all of it.
        let (of, granted) = (Arc::clone(&bucket), before[0] / n);
        assert_eq!(actors.run(17, move || drain(&of, [n; N])), granted, "{N} streams, {n}");
        assert_eq!(bucket.available(), [before[0] % n; N]);
    }
    for n in [1, 3, 7] {
        check::<1>(n);
        check::<2>(n);
        check::<3>(n);
        check::<8>(n);
    }
}

/// The same amount for all, but of one stream more than what the others have with it.
#[test]
fn a_take_of_all_there_is_is_put_together_from_all_stripes() {
    fn check<const N: usize>() {
        let bucket = Arc::new(filled::<N>(4096, 8));
        let _actors = spread(&bucket, 8, [11; N], 9);
        let all = bucket.available();
        assert!(bucket.try_take(all).is_ok_and(|()| all[0] <= 4096 - 512), "{all:?}");
        assert_eq!(bucket.available(), [0; N]);
        bucket.put_back([100; N]);
        bucket.try_take([10; N]).unwrap();
        bucket.try_take([90; N]).unwrap();
        assert_eq!(bucket.try_take([1; N]).unwrap_err().wait(), Some(Duration::from_millis(1)));
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

#[test]
fn a_change_of_limits_parts_the_capacity_anew() {
    fn check<const N: usize>() {
        let of = |capacity| [Limit::per_second(1000).capacity(capacity); N];
        let bucket = Arc::new(filled::<N>(4096, 4));
        let actors = spread(&bucket, 4, [1; N], 100);
        assert_eq!(bucket.share(), [512; N]);
        for (capacity, share) in
            [(10_000, 1248), (2000, 248), (100, 0), (127, 0), (128, 16), (1 << 40, 67_108_860), (4000, 500)]
        {
            let level = bucket.available()[0].min(bucket.limits()[0].capacity - bucket.share()[0]);
            bucket.set_limits(of(capacity)).unwrap();
            assert_eq!((bucket.share(), bucket.limits()), ([share; N], of(capacity)));
            assert_eq!(on_stripes(&bucket), [0; N], "all came home");
            assert_eq!(bucket.available(), [level.min(capacity - share); N], "{capacity}");
            // No stripe holds more than its part of the new share, whatever was fetched before.
            bucket.clock().advance(Duration::from_secs(1 << 31));
            for actor in 0..actors.len() {
                let bucket = Arc::clone(&bucket);
                actors.run(actor, move || (0..300).for_each(|_| _ = bucket.try_take([1; N])));
            }
            let lent = on_stripes(&bucket);
            assert!(lent.iter().all(|lent| *lent <= share), "{capacity}: {lent:?}");
            assert!(capacity < 2000 || lent[0] > 0, "stripes are in use: {capacity}");
        }
    }
    check::<1>();
    check::<2>();
    check::<3>();
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    let bucket = Arc::new(filled::<1>(4096, 4));
    let _actors = spread(&bucket, 4, [1], 10);
    let before = parts(&bucket);
    let zero = Limit::per_second(5).capacity(0);
    let error = bucket.set_limits([zero]).unwrap_err();
    assert_eq!((error.limit, error.rule), (zero, LimitRule::ZeroCapacity));
    let above = Limit::per_second(5000).starting_with(5001);
    assert_eq!(bucket.set_limits([above]).unwrap_err().rule, LimitRule::StartsAboveCapacity);
    assert_eq!((parts(&bucket), bucket.share()), (before, [512]));
    assert_eq!(bucket.limits(), [Limit::per_second(1000).capacity(4096)]);
    // A debt that is too much for the new limit is found when all have come home.
    bucket.charge([1 << 40]).unwrap();
    let error = bucket.set_limits([Limit::per_day(1).capacity(1 << 20)]).unwrap_err();
    assert!(matches!(error.rule, LimitRule::DebtTooLarge { .. }), "{error}");
    assert_eq!(error.limit.capacity, 1 << 20, "as it was given");
    assert_eq!(bucket.share(), [512]);
}

#[test]
fn limits_that_no_bucket_keeps_are_refused_as_they_were_given() {
    for limit in [
        Limit::per_second(1000).capacity(0),
        Limit::per_second(1000).starting_with(1001),
        Limit::per_second(u64::MAX),
        Limit::per_second(1000).capacity(u64::MAX),
        Limit::per_second(1000).capacity(common::most(Limit::per_second(1000).rate) + 1),
    ] {
        let expected = MultiBucket::with_clock([Limit::per_second(1), limit], ManualClock::new()).unwrap_err();
        let error = StripedBucket::with_clock([Limit::per_second(1), limit], ManualClock::new()).unwrap_err();
        assert_eq!(error, expected);
        let huge = Limit::per_second(1 << 30);
        let bucket = striped([huge; 2], 2);
        assert_eq!(bucket.set_limits([huge, limit]).unwrap_err(), expected);
        let expected = MultiBucket::with_clock([huge, limit], ManualClock::new()).unwrap_err();
        assert_eq!(StripedBucket::with_clock([huge, limit], ManualClock::new()).unwrap_err(), expected);
    }
}

/// What a verb leaves that brings all home, and where.
fn comes_home<const N: usize>(verb: impl Fn(&Striped<N>), after: u64) {
    let bucket = Arc::new(filled::<N>(4096, 4));
    let actors = spread(&bucket, 4, [1; N], 200);
    assert!(on_stripes(&bucket).iter().all(|lent| *lent > 0));
    verb(&bucket);
    for actor in 0..actors.len() {
        let bucket = Arc::clone(&bucket);
        let granted = actors.run(actor, move || bucket.try_take([1; N]).is_ok());
        assert_eq!(granted, after > 0, "{N} streams");
        if granted {
            break;
        }
    }
}

#[test]
fn a_pause_leaves_nothing_on_stripes() {
    fn check<const N: usize>() {
        comes_home::<N>(|bucket| bucket.pause(), 0);
        comes_home::<N>(|bucket| bucket.pause_for(Duration::from_secs(1)), 0);
        let (two, four) = (Duration::from_secs(2), Duration::from_secs(4));
        let bucket = filled::<N>(4096, 4);
        bucket.try_take([1000; N]).unwrap();
        bucket.pause_for(two);
        assert_eq!((bucket.available(), bucket.pause_left()), ([0; N], Some(two)));
        assert_eq!(bucket.try_take([1; N]).unwrap_err().wait(), Some(two));
        bucket.try_take([0; N]).unwrap();
        bucket.pause_for(four);
        bucket.clock().advance(four);
        assert_eq!(parts(&bucket), [(3096, 0); N], "what it had");
        // What does not fit is lost.
        let full = filled::<N>(4096, 4);
        full.pause();
        full.resume();
        assert_eq!(parts(&full), [(4096 - 512, 0); N]);
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

#[test]
fn a_reset_leaves_nothing_on_stripes() {
    fn check<const N: usize>() {
        comes_home::<N>(|bucket| bucket.reset([0; N]), 0);
        comes_home::<N>(|bucket| bucket.reset([7; N]), 7);
        let bucket = Arc::new(filled::<N>(4096, 4));
        let actors = spread(&bucket, 4, [1; N], 200);
        bucket.reset([7; N]);
        assert_eq!(parts(&bucket), [(7, 0); N]);
        let of = Arc::clone(&bucket);
        assert_eq!(actors.run(2, move || drain(&of, [1; N])), 7);
        bucket.reset([u64::MAX; N]);
        assert_eq!(parts(&bucket), [(4096 - 512, 0); N], "capped at the capacity less the share");
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

#[test]
fn a_close_leaves_nothing_on_stripes() {
    fn check<const N: usize>() {
        comes_home::<N>(|bucket| bucket.close(), 0);
        let bucket = filled::<N>(4096, 4);
        bucket.try_take([1000; N]).unwrap();
        bucket.close();
        assert_eq!(on_stripes(&bucket), [0; N]);
        assert!(matches!(bucket.try_take([1; N]), Err(Refused::Closed)));
        assert!(matches!(bucket.admit([1; N]), Err(Refused::Closed)));
        assert_eq!((bucket.take_items(5, [1; N]), bucket.take_in_order(&[[1; N]])), (0, 0));
        assert!(matches!(poll(pin!(bucket.take_on([1; N], Never))), Poll::Ready(Err(Refused::Closed))));
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

#[test]
fn while_somebody_waits_nothing_lies_on_stripes() {
    fn check<const N: usize>() {
        let bucket = Arc::new(filled::<N>(4096, 4));
        let actors = spread(&bucket, 4, [1; N], 300);
        let all = bucket.available()[0];
        // What lies on stripes serves who comes, at once.
        assert!(bucket.try_take([all - 100; N]).is_ok());
        let mut served = pin!(bucket.take_on([60; N], Never));
        assert!(matches!(poll(served.as_mut()), Poll::Ready(Ok(_))));
        // 40 are left, some of them on stripes.
        bucket.put_back([20; N]);
        bucket.try_take([1; N]).unwrap();
        assert_eq!(bucket.available(), [59; N]);
        let mut first = pin!(bucket.take_on([100; N], Never));
        assert!(poll(first.as_mut()).is_pending());
        assert_eq!((on_stripes(&bucket), bucket.available()), ([0; N], [59; N]));
        // Nobody overtakes, from no stripe, and nothing is fetched.
        for actor in 0..actors.len() {
            let of = Arc::clone(&bucket);
            assert!(!actors.run(actor, move || of.try_take([1; N]).is_ok()));
        }
        bucket.put_back([20; N]);
        assert!(bucket.try_take([1; N]).is_err());
        assert_eq!(on_stripes(&bucket), [0; N]);
        bucket.clock().advance(Duration::from_millis(21));
        assert!(bucket.try_take([1; N]).is_err());
        assert!(matches!(poll(first.as_mut()), Poll::Ready(Ok(_))));
        assert_eq!(bucket.available(), [0; N]);
        // And when nobody waits any more, stripes are filled again.
        bucket.clock().advance(Duration::from_secs(1));
        for _ in 0..50 {
            bucket.try_take([1; N]).unwrap();
        }
        assert!(on_stripes(&bucket)[0] > 0);
        assert_eq!(bucket.available(), [950; N]);
        // Who hangs up leaves it as if it had not come.
        let mut gone = Box::pin(bucket.take_on([1000; N], Never));
        assert!(poll(gone.as_mut()).is_pending());
        assert_eq!((on_stripes(&bucket), bucket.available()), ([0; N], [950; N]));
        drop(gone);
        assert_eq!(drain(&bucket, [1; N]), 950);
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

/// Takers do not stand still for one who does not come when it is served.
#[test]
fn while_one_who_waits_is_overdue_takes_are_plain() {
    fn check<const N: usize>() {
        let bucket = filled::<N>(4096, 4);
        drain(&bucket, [1; N]);
        let mut first = pin!(bucket.take_on([100; N], Never));
        assert!(poll(first.as_mut()).is_pending());
        bucket.clock().advance(Duration::from_secs(2));
        for _ in 0..1000 {
            bucket.try_take([1; N]).unwrap();
            assert_eq!(on_stripes(&bucket), [0; N]);
        }
        assert!(matches!(poll(first.as_mut()), Poll::Ready(Ok(_))));
        assert_eq!(drain(&bucket, [1; N]), 900);
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

/// A waiter of one stream keeps takers out of that stream only.
#[test]
fn a_stream_that_nobody_waits_for_is_taken_from_meanwhile() {
    let bucket = filled::<2>(4096, 4);
    (0..100).for_each(|_| bucket.try_take([1, 1]).unwrap());
    let all = bucket.available()[0];
    bucket.try_take([all - 512, 0]).unwrap();
    bucket.try_take([512, 0]).unwrap();
    let mut first = pin!(bucket.take_on([5, 0], Never));
    assert!(poll(first.as_mut()).is_pending());
    (0..1000).for_each(|_| bucket.try_take([0, 1]).unwrap());
    assert!(bucket.try_take([1, 1]).is_err());
    assert_eq!(on_stripes(&bucket), [0, 0]);
    bucket.put_back([5, 0]);
    assert!(poll(first.as_mut()).is_ready());
}

#[test]
fn a_reservation_uses_what_lies_on_stripes() {
    fn check<const N: usize>() {
        let bucket = Arc::new(filled::<N>(4096, 4));
        let _actors = spread(&bucket, 4, [1; N], 300);
        let all = bucket.available()[0];
        bucket.try_take([all - 200; N]).unwrap();
        let reservation = bucket.reserve([150; N]).unwrap();
        assert_eq!(reservation.remaining(), Some(Duration::ZERO));
        reservation.commit();
        let reservation = bucket.reserve([60; N]).unwrap();
        assert_eq!(reservation.remaining(), Some(Duration::from_millis(10)));
        assert_eq!(bucket.debt(), [10; N]);
        drop(reservation);
        assert_eq!((bucket.debt(), bucket.available()), ([0; N], [50; N]));
        assert_eq!(drain(&bucket, [1; N]), 50);
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

#[test]
fn nothing_is_owed_while_tokens_lie_on_stripes() {
    fn check<const N: usize>() {
        let fresh = || {
            let bucket = Arc::new(filled::<N>(4096, 4));
            drop(spread(&bucket, 4, [1; N], 300));
            bucket
        };
        // What is charged, settled or reserved beyond what the bucket has.
        for verb in [
            (|bucket, all| bucket.charge([all + 5; N]).unwrap()) as fn(&Striped<N>, u64),
            |bucket, all| bucket.estimate([0; N]).unwrap().settle([all + 5; N]).unwrap(),
            |bucket, all| bucket.estimate([10; N]).unwrap().settle([all + 5; N]).unwrap(),
            |bucket, all| bucket.reserve_oversized([all + 5; N]).unwrap().commit(),
        ] {
            let bucket = fresh();
            verb(&bucket, bucket.available()[0]);
            assert_eq!((bucket.debt(), bucket.available()), ([5; N], [0; N]));
            assert!(bucket.admit([0; N]).is_err() && bucket.try_take([1; N]).is_err());
            bucket.clock().advance(Duration::from_millis(5));
            assert!(bucket.admit([0; N]).is_ok());
        }
        // And where there is more than the bucket itself holds.
        for verb in [
            (|bucket| bucket.charge([5000; N]).unwrap()) as fn(&Striped<N>),
            |bucket| bucket.estimate([7; N]).unwrap().settle([5000; N]).unwrap(),
            |bucket| bucket.reserve_oversized([5000; N]).unwrap().commit(),
        ] {
            let full = filled::<N>(4096, 4);
            verb(&full);
            assert_eq!((full.debt(), full.available()), ([5000 - 4096; N], [0; N]));
        }
        let bucket = fresh();
        bucket.charge([bucket.available()[0] - 1; N]).unwrap();
        assert_eq!((bucket.debt(), bucket.available()), ([0; N], [1; N]));
        assert!(bucket.admit([1; N]).is_ok());
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

#[test]
fn more_than_the_capacity_less_the_share_is_never() {
    fn check<const N: usize>() {
        let bucket = Arc::new(filled::<N>(4096, 4));
        let largest = 4096 - 512;
        let last = |n| array::from_fn(|i| if i == N - 1 { n } else { 0 });
        for n in [largest + 1, 4096, 4097, u64::MAX - 1, u64::MAX] {
            let Err(Refused::Never(never)) = bucket.try_take(last(n)) else { panic!("{n}") };
            assert_eq!((never.stream, never.requested, never.capacity), (N - 1, n, largest));
            assert!(never.to_string().contains("3584"), "{never}");
            assert_eq!(bucket.wait_for(last(n)), Err(never));
            assert!(matches!(bucket.admit(last(n)), Err(Refused::Never(other)) if other == never));
            assert!(matches!(bucket.reserve(last(n)), Err(Refused::Never(other)) if other == never));
            assert_eq!((bucket.take_items(3, last(n)), bucket.take_in_order(&[last(n), [1; N]])), (0, 0));
        }
        // A refusal costs nothing, from no stripe.
        assert_eq!(bucket.available(), [4096; N]);
        bucket.try_take([largest; N]).unwrap();
        assert_eq!(bucket.available(), [512; N]);
        assert_eq!(drain(&bucket, [1; N]), 512);
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

/// All that is asked for at once is no more than what fits inside: the rest stays on stripes.
#[test]
fn a_batch_of_more_than_fits_loses_nothing() {
    fn check<const N: usize>() {
        let bucket = filled::<N>(4096, 4);
        assert_eq!(bucket.take_items(u64::MAX, [1; N]), 4096 - 512);
        assert_eq!(bucket.take_items(u64::MAX, [1; N]), 512);
        assert_eq!(bucket.available(), [0; N]);
        let bucket = filled::<N>(4096, 4);
        assert_eq!(bucket.take_in_order(&[[512; N]; 20]), 7);
        assert_eq!(bucket.take_in_order(&[[512; N]; 20]), 1);
        let bucket = filled::<N>(4096, 4);
        assert!(bucket.wait_for([u64::MAX; N]).is_err());
        assert_eq!(bucket.available(), [4096; N]);
        bucket.charge([4000; N]).unwrap();
        assert_eq!((bucket.available(), bucket.debt()), ([96; N], [0; N]));
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

#[test]
fn too_small_for_stripes_is_plain() {
    for (capacity, stripes) in [(1, 1), (31, 1), (63, 2), (127, 4), (2047, 64)] {
        let bucket = filled::<1>(capacity, stripes);
        assert_eq!((bucket.share(), bucket.available()), ([0], [capacity]));
        bucket.try_take([capacity]).unwrap();
        bucket.put_back([capacity]);
        for _ in 0..capacity {
            bucket.try_take([1]).unwrap();
            assert_eq!(on_stripes(&bucket), [0]);
        }
        assert!(bucket.try_take([1]).is_err());
        let one_more = filled::<1>(capacity + 1, stripes);
        assert_eq!(one_more.share() == [0], capacity < 31, "{capacity} {stripes}");
    }
    // One stream that is too small makes all plain; so does a chunk of less than 4.
    let limits = [Limit::per_second(10), Limit::per_second(1 << 20)];
    assert_eq!(striped(limits, 2).share(), [0, 0]);
    for (chunk, share) in [(0, 0), (3, 0), (4, 16), (u64::MAX, 512)] {
        let limits = [Limit::per_second(1000).capacity(4096)];
        let bucket = StripedBucket::with_chunk(limits, ManualClock::new(), 4, [chunk]).unwrap();
        assert_eq!(bucket.share(), [share]);
        assert_eq!(drain(&bucket, [1]), 4096);
    }
}

#[test]
fn the_number_of_stripes_is_a_power_of_two_up_to_64() {
    for (asked, stripes) in [(0, 1), (1, 1), (2, 2), (3, 4), (33, 64), (64, 64), (65, 64), (1000, 64), (usize::MAX, 64)]
    {
        let bucket = filled::<1>(1 << 16, asked);
        assert_eq!((bucket.stripes(), bucket.available()), (stripes, [1 << 16]));
        assert_eq!(bucket.share(), [(1 << 16) / 8]);
    }
    assert!(StripedBucket::new([Limit::per_second(1000)]).unwrap().stripes().is_power_of_two());
}

#[test]
fn an_unlimited_stream_is_striped() {
    let limits = [Limit::UNLIMITED, Limit::per_second(1000).capacity(4096)];
    let bucket = Arc::new(striped(limits, 4));
    assert!(bucket.share()[0] > 0);
    let _actors = spread(&bucket, 4, [1 << 30, 3], 50);
    let _more = spread(&bucket, 4, [3, 3], 50);
    assert_eq!(bucket.available(), [u64::MAX, 4096 - 1200]);
    for amount in [0, 1, 1 << 24, u64::MAX - 1, u64::MAX] {
        bucket.try_take([amount, 1]).unwrap();
        bucket.try_take([amount, 0]).unwrap();
        bucket.put_back([amount, 0]);
    }
    assert_eq!(drain(&bucket, [u64::MAX, 1]), 4096 - 1200 - 5);
    assert_eq!(bucket.try_take([1, 1]).unwrap_err().stream(), 1);
    bucket.reset([0, 5]);
    assert_eq!(bucket.available(), [u64::MAX, 5]);
    bucket.set_limits([Limit::per_second(1000).capacity(4096), Limit::UNLIMITED]).unwrap();
    assert_eq!(bucket.available(), [4096 - 512, u64::MAX], "full, less the share");
    let alone = striped([Limit::UNLIMITED], 2);
    assert!((0..1000).all(|i| alone.try_take([i * (u64::MAX / 1000)]).is_ok()));
}

#[test]
fn amounts_of_nothing_and_of_everything_do_no_harm() {
    fn check<const N: usize>() {
        let empty = striped([Limit::per_second(1000).capacity(4096).empty(); N], 4);
        assert_eq!((parts(&empty), empty.share()), ([(0, 0); N], [512; N]));
        empty.try_take([0; N]).unwrap();
        empty.admit([0; N]).unwrap();
        assert_eq!(empty.take_items(7, [0; N]), 7);
        assert!(empty.try_take([1; N]).is_err());
        empty.put_back([0; N]);
        empty.clock().advance(Duration::from_secs(1));
        assert_eq!(empty.available(), [1000; N]);
        empty.put_back([u64::MAX; N]);
        assert_eq!(empty.available(), [4096 - 512; N]);
        // Half full: what is above the bucket inside is on the stripes.
        for start in [0, 1, 4096 - 512, 4096 - 511, 4095, 4096] {
            let bucket = striped([Limit::per_second(1000).capacity(4096).starting_with(start); N], 4);
            assert_eq!(parts(&bucket), [(start.min(4096 - 512), start.saturating_sub(4096 - 512)); N]);
            assert_eq!(drain(&bucket, [1; N]), start);
        }
        // A rate of 0 refills nothing.
        let still = striped([Limit::per_second(0).capacity(4096); N], 4);
        assert_eq!(drain(&still, [1; N]), 4096);
        still.clock().advance(Duration::from_secs(1 << 32));
        assert_eq!(still.try_take([1; N]).unwrap_err().wait(), None);
        assert_eq!(still.wait_for([1; N]), Ok(None));
        // As much as a bucket holds, which is more than stripes do.
        let most = common::most(Limit::per_second(1000).rate);
        let huge = striped([Limit::per_second(1000).capacity(most); N], 64);
        assert_eq!((huge.available(), huge.share()), ([most; N], [64 * ((1 << 24) - 1); N]));
        huge.try_take([most - huge.share()[0]; N]).unwrap();
        huge.try_take([64 * ((1 << 24) - 1); N]).unwrap();
        assert_eq!(huge.available(), [0; N]);
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

#[test]
fn threads_have_stripes_of_their_own() {
    fn check<const N: usize>() {
        let bucket = Arc::new(filled::<N>(1 << 16, 2));
        bucket.reset([1 << 15; N]);
        // Whatever numbers the threads of other tests got in between, some of these are even.
        let actors = spread(&bucket, 32, [1; N], 1);
        for actor in 0..actors.len() {
            let bucket = Arc::clone(&bucket);
            actors.run(actor, move || (0..250).for_each(|_| bucket.try_take([1; N]).unwrap()));
        }
        let (lent, share) = (on_stripes(&bucket)[0], bucket.share()[0]);
        assert!(lent > share / 2 && lent <= share, "{lent} of {share} on two stripes");
    }
    check::<1>();
    check::<2>();
    check::<3>();
}

/// A lease borrows from stripes, too.
#[test]
fn a_lease_has_what_lies_on_stripes() {
    let bucket = Arc::new(filled::<1>(4096, 4));
    let _actors = spread(&bucket, 4, [1], 300);
    let all = bucket.available()[0];
    let mut lease = Bucket::lease(&*bucket, [8]);
    let mut granted = 0;
    while lease.try_take([1]).is_ok() {
        granted += 1;
    }
    assert_eq!((granted, bucket.available()), (all, [0]));
}

/// In a steady stream below the rate no token is missing, and above it none is lost to stripes.
#[test]
fn no_token_is_lost_in_a_steady_stream() {
    fn check<const N: usize>(per_step: u64, at_least: u64) {
        // A token a millisecond.
        let bucket = Arc::new(filled::<N>(4096, 4));
        let actors = Actors::new(5);
        let all = drain(&bucket, [1; N]);
        assert_eq!(all, 4096);
        let (mut granted, mut asked) = (0, 0);
        for step in 0..3000_usize {
            bucket.clock().advance(Duration::from_millis(1));
            let of = Arc::clone(&bucket);
            asked += per_step;
            granted +=
                actors.run(step % 5, move || (0..per_step).filter(|_| of.try_take([1; N]).is_ok()).count()) as u64;
        }
        assert_eq!(granted, at_least.min(asked));
        assert_eq!(granted + bucket.available()[0], 3000);
    }
    check::<1>(1, 3000);
    check::<1>(3, 3000);
    check::<2>(2, 3000);
    check::<3>(1, 3000);
    check::<8>(2, 3000);
}

/// Ends the takers, also when a test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Takers on so many threads, while one moves the clock in steps. Each grant lies between the
/// reading before it and the one after it.
fn hammer<const N: usize>(
    bucket: &Striped<N>,
    threads: usize,
    steps: u64,
    step: Duration,
    amounts: &[[u64; N]],
) -> Vec<(u64, u64, [u64; N])> {
    let stop = AtomicBool::new(false);
    let (calls, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        let taker = |seed| {
            let (stop, calls, refused) = (&stop, &calls, &refused);
            move || {
                let (mut random, mut grants) = (Random(seed), Vec::new());
                while !stop.load(SeqCst) {
                    let amounts = amounts[random.below(amounts.len() as u64) as usize];
                    let before = bucket.clock().now().as_nanos();
                    let granted = bucket.try_take(amounts).is_ok();
                    calls.fetch_add(1, SeqCst);
                    if granted {
                        grants.push((before, bucket.clock().now().as_nanos(), amounts));
                    } else {
                        refused.fetch_add(1, SeqCst);
                        thread::yield_now();
                    }
                }
                grants
            }
        };
        let end = Stop(&stop);
        let takers: Vec<_> = (0..threads as u64).map(|seed| scope.spawn(taker(seed))).collect();
        // From the first token missing on, the bucket is never full again.
        let wait_until = |is: &dyn Fn() -> bool| {
            while !is() {
                assert!(takers.iter().all(|taker| !taker.is_finished()), "none has panicked");
                thread::yield_now();
            }
        };
        wait_until(&|| refused.load(SeqCst) > 0);
        for _ in 0..steps {
            bucket.clock().advance(step);
            // Some are made in each step, however the threads are scheduled.
            let seen = calls.load(SeqCst);
            wait_until(&|| calls.load(SeqCst) >= seen + 8);
        }
        drop(end);
        takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect()
    })
}

/// Each window of each stream is audited; and as the bucket was never full while the clock moved,
/// the total is exact.
fn bound_holds<const N: usize>(rate: u64, threads: usize) {
    let capacity = 1 << 14;
    let limit = Limit::per_second(rate).capacity(capacity);
    let bucket = striped([limit; N], threads);
    // 32 tokens a step, of which at least 20 are asked for.
    let (steps, step) = (200, Duration::from_nanos(32 * 1_000_000_000 / rate));
    let amounts = [[1; N], [3; N], [7; N], array::from_fn(|i| i as u64 % 3)];
    let mut grants = hammer(&bucket, threads, steps, step, &amounts);
    let last = bucket.clock().now().as_nanos();
    for amount in [64, 1] {
        let taken = drain(&bucket, [amount; N]);
        grants.extend((0..taken).map(|_| (last, last, [amount; N])));
    }
    let (available, allowed) = (bucket.available(), capacity + 32 * steps);
    for stream in 0..N {
        let context = format!("{N} streams, {threads} threads, {rate}/s, stream {stream}");
        audit_between(limit, &grants, stream).unwrap_or_else(|over| panic!("{context}: {over}"));
        let granted: u64 = grants.iter().map(|(.., amounts)| amounts[stream]).sum();
        assert_eq!(granted + available[stream], allowed, "{context}");
    }
    assert!(available.contains(&0), "the last drain took all of one stream");
}

/// The bound for grants that lie between two readings each, over every window: what was granted in
/// it for certain is what had ended at its end, less what had begun before it.
fn audit_between<const N: usize>(limit: Limit, grants: &[(u64, u64, [u64; N])], stream: usize) -> Result<(), String> {
    let mut begins: Vec<_> = grants.iter().map(|(before, _, amounts)| (*before, amounts[stream])).collect();
    let mut ends: Vec<_> = grants.iter().map(|(_, after, amounts)| (*after, amounts[stream])).collect();
    begins.sort_unstable();
    ends.sort_unstable();
    let (rate, period) = (i128::from(limit.rate.tokens()), limit.rate.period().as_nanos() as i128);
    let allowed = i128::from(limit.capacity) * period + rate * limit.precision().unwrap().as_nanos() as i128;
    let mut begins = begins.into_iter().peekable();
    let (mut begun, mut ended, mut least) = (0, 0, i128::MAX);
    for (end, n) in ends {
        while let Some((begin, n)) = begins.next_if(|(begin, _)| *begin <= end) {
            least = least.min(begun * period - rate * i128::from(begin));
            begun += i128::from(n);
        }
        ended += i128::from(n);
        let over = ended * period - rate * i128::from(end) - least - allowed;
        if over > 0 {
            return Err(format!("{over}/{period} tokens too many in a window that ends at {end} ns"));
        }
    }
    Ok(())
}

#[test]
fn the_bound_holds_in_every_window() {
    for rate in [1000, 1_000_000, 1_000_000_000] {
        for threads in [2, 4, 16, 64] {
            bound_holds::<1>(rate, threads);
        }
        bound_holds::<2>(rate, 16);
        bound_holds::<3>(rate, 4);
        bound_holds::<8>(rate, 2);
    }
}

#[test]
fn the_audit_notices_one_token_too_many() {
    let limit = Limit::per_second(1000).capacity(100);
    // Of 2 ms, and what may have been a window of 1 ms or 2 ms.
    for (before, most) in [(5_000_000, 2), (4_000_000, 3)] {
        let grants = |n: u64| [(before, 5_000_000, [100]), (6_000_000, 7_000_000, [n])];
        assert_eq!(audit_between(limit, &grants(most), 0), Ok(()));
        assert!(audit_between(limit, &grants(most + 1), 0).is_err());
    }
}

/// On a standing clock nothing refills: what has left the bucket is what the threads hold.
fn nothing_is_lost_or_minted<const N: usize>(threads: u64) {
    // What is put back fits: the bucket inside is never full.
    let bucket = filled::<N>(48_000, 8);
    bucket.try_take([8000; N]).unwrap();
    let held = AtomicU64::new(0);
    let refused = AtomicU64::new(0);
    thread::scope(|scope| {
        for seed in 0..threads {
            let (bucket, held, refused) = (&bucket, &held, &refused);
            scope.spawn(move || {
                let (mut random, mut mine) = (Random(seed), 0);
                for _ in 0..16_000 / threads {
                    let n = 1 + random.below(9);
                    match random.below(16) {
                        0 if mine >= n => {
                            bucket.put_back([n; N]);
                            mine -= n;
                        }
                        1 => mine += bucket.take_items(n, [1; N]),
                        2 => mine += n * bucket.take_in_order(&[[n; N]; 2]) as u64,
                        3 => _ = bucket.wait_for([n; N]),
                        4 => mine += if bucket.admit([n; N]).is_ok() { n } else { 0 },
                        _ if bucket.try_take([n; N]).is_ok() => mine += n,
                        _ => _ = refused.fetch_add(1, SeqCst),
                    }
                }
                held.fetch_add(mine, SeqCst);
            });
        }
    });
    let held = held.load(SeqCst);
    assert_eq!(bucket.available(), [40_000 - held; N], "{N} streams, {threads} threads");
    assert!(refused.load(SeqCst) > 0, "{held}");
    assert_eq!(held + drain(&bucket, [1; N]), 40_000);
}

#[test]
fn many_threads_share_the_capacity_to_the_token() {
    nothing_is_lost_or_minted::<1>(4);
    nothing_is_lost_or_minted::<1>(32);
    nothing_is_lost_or_minted::<2>(4);
    nothing_is_lost_or_minted::<2>(32);
    nothing_is_lost_or_minted::<3>(4);
    nothing_is_lost_or_minted::<8>(16);
}

#[test]
fn the_last_token_goes_to_exactly_one_thread() {
    fn check<const N: usize>() {
        for round in 0..50 {
            let bucket = filled::<N>(512, 8);
            bucket.try_take([448; N]).unwrap();
            bucket.try_take([63; N]).unwrap();
            let granted: usize = thread::scope(|scope| {
                let takers: Vec<_> =
                    (0..8).map(|_| scope.spawn(|| usize::from(bucket.try_take([1; N]).is_ok()))).collect();
                takers.into_iter().map(|taker| taker.join().unwrap()).sum()
            });
            assert_eq!((granted, bucket.available()), (1, [0; N]), "round {round}");
        }
    }
    check::<1>();
    check::<2>();
    check::<3>();
}

/// Takers, and one thread that shuts them out and lets them in again. No take is granted that
/// begins and ends while they are shut out for certain. Stripes are small, so that many takes
/// fetch.
fn shuts_out<const N: usize>(rounds: u64, shut: impl Fn(&Striped<N>, &mut dyn FnMut())) {
    let limits = [Limit::per_second(1000).capacity(1 << 20); N];
    let bucket = StripedBucket::with_chunk(limits, ManualClock::new(), 4, [4; N]).unwrap();
    // Odd while they are shut out for certain.
    let (stop, shuts) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let taker = |seed| {
            let (bucket, stop, shuts) = (&bucket, &stop, &shuts);
            move || {
                let mut random = Random(seed);
                while !stop.load(SeqCst) {
                    let before = shuts.load(SeqCst);
                    let granted = bucket.try_take([1; N]).is_ok();
                    let overtook = granted && before % 2 == 1 && before == shuts.load(SeqCst);
                    assert!(!overtook, "granted while it was shut out, {N} streams");
                    if random.below(64) == 0 {
                        thread::yield_now();
                    }
                }
            }
        };
        let _end = Stop(&stop);
        (0..3).for_each(|seed| _ = scope.spawn(taker(seed)));
        for _ in 0..rounds {
            shut(&bucket, &mut || {
                shuts.fetch_add(1, SeqCst);
                (0..3).for_each(|_| thread::yield_now());
                shuts.fetch_add(1, SeqCst);
            });
            thread::yield_now();
        }
    });
}

#[test]
fn after_a_pause_has_returned_nobody_is_granted_anything() {
    fn check<const N: usize>() {
        shuts_out::<N>(100, |bucket, shut_out| {
            bucket.pause();
            assert_eq!(bucket.available(), [0; N]);
            shut_out();
            bucket.resume();
            bucket.put_back([1000; N]);
        });
    }
    check::<1>();
    check::<2>();
    check::<3>();
}

#[test]
fn whoever_waits_is_not_overtaken_by_takers_that_fetch() {
    fn check<const N: usize>() {
        shuts_out::<N>(100, |bucket, shut_out| {
            // So much that it has to wait, whatever the takers leave.
            bucket.reset([5000; N]);
            thread::yield_now();
            let mut first = pin!(bucket.take_on([50_000; N], Never));
            assert!(poll(first.as_mut()).is_pending());
            shut_out();
            bucket.put_back([50_000; N]);
            assert!(matches!(poll(first.as_mut()), Poll::Ready(Ok(_))));
        });
    }
    check::<1>();
    check::<2>();
    check::<3>();
}

/// Takers on one stripe, which is voided again and again, also while one of them has it in hand.
/// Nothing accrues, and the bucket is never full: so all there was is granted in the end.
#[test]
fn what_is_in_hand_while_a_stripe_is_voided_comes_home() {
    fn check<const N: usize>() {
        let start = 1 << 22;
        let limits = [Limit::per_second(1000).capacity(2 * start).starting_with(start); N];
        let bucket = StripedBucket::with_chunk(limits, ManualClock::new(), 1, [64; N]).unwrap();
        let (stop, granted) = (AtomicBool::new(false), AtomicU64::new(0));
        thread::scope(|scope| {
            for seed in 0..3 {
                let (bucket, stop, granted) = (&bucket, &stop, &granted);
                scope.spawn(move || {
                    let (mut random, mut mine) = (Random(seed), 0);
                    while !stop.load(SeqCst) {
                        let n = 1 + random.below(3);
                        mine += if bucket.try_take([n; N]).is_ok() { n } else { 0 };
                    }
                    granted.fetch_add(mine, SeqCst);
                });
            }
            let _end = Stop(&stop);
            for round in 0..1000 {
                bucket.pause();
                assert_eq!(bucket.available(), [0; N]);
                bucket.resume();
                if round % 32 == 0 {
                    thread::yield_now();
                }
            }
        });
        // What was left in a cell is found by who is short.
        let rest = bucket.available()[0].saturating_sub(1000);
        bucket.try_take([rest; N]).unwrap();
        let granted = granted.into_inner() + rest + drain(&bucket, [1; N]);
        assert_eq!(granted, start, "{N} streams");
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<8>();
}

#[test]
fn what_lies_on_stripes_is_saved_and_restored_once() {
    fn check<const N: usize>() {
        let of = [Limit::per_second(1000).capacity(4096); N];
        let old = Arc::new(filled::<N>(4096, 4));
        let _actors = spread(&old, 4, [5; N], 100);
        let all = old.available()[0];
        let (begin, noon) = (Time::ZERO, WallTime::from_unix_nanos(1 << 60));
        let saved = old.at(begin).save(noon);
        assert_eq!((old.available(), on_stripes(&old)), ([all; N], [0; N]));
        // A new bucket forgets what it had, on stripes, too.
        let new = Arc::new(striped(of, 2));
        let _others = spread(&new, 2, [1; N], 30);
        for _ in 0..3 {
            new.at(begin).restore(&saved, WallTime::from_unix_nanos((1 << 60) + 7_000_000)).unwrap();
            assert_eq!((new.available(), on_stripes(&new)), ([all + 7; N], [0; N]));
        }
    }
    check::<1>();
    check::<2>();
    check::<3>();
}

#[test]
fn a_thread_that_never_fetched_gets_what_others_left() {
    fn check<const N: usize>() {
        let bucket = Arc::new(filled::<N>(1 << 16, 64));
        let actors = spread(&bucket, 4, [3; N], 9);
        let [(inside, lent), ..] = parts(&bucket)[..] else { panic!("it has streams") };
        bucket.at(bucket.clock().now()).try_take([inside; N]).unwrap();
        // Tokens came home for nobody: the bucket alone had them all.
        assert_eq!(on_stripes(&bucket), [lent; N]);
        let of = Arc::clone(&bucket);
        assert!(thread::spawn(move || of.try_take([lent; N]).is_ok()).join().unwrap());
        assert_eq!(bucket.available(), [0; N]);
        drop(actors);
    }
    check::<1>();
    check::<2>();
    check::<3>();
}

/// Seven hundred days with three threads, a change of limits each day, callers that hang up, pauses
/// and a clock that is set back: no day gets more than its bound, and a bucket that stood idle for
/// long enough has all but the share at least.
#[test]
fn over_700_days_no_day_gets_more_than_its_bound_and_no_more_than_the_share_is_lost() {
    const MINUTE: Duration = Duration::from_secs(60);
    const DAY: Duration = Duration::from_secs(86_400);
    // Tokens a minute, and the capacity; the last one is too small for stripes.
    const LIMITS: [(u64, u64); 5] = [(60_000, 4096), (600, 1000), (7, 600), (240_000, 1 << 14), (60, 20)];
    let limit = |day: usize| Limit::per_minute(LIMITS[day % 5].0).capacity(LIMITS[day % 5].1);
    let bucket = Arc::new(striped::<2>([limit(0), limit(0)], 4));
    let actors = Actors::new(3);
    let (mut random, mut striped_days) = (Random(700), 0);
    for day in 0..700 {
        let (rate, capacity) = LIMITS[day % 5];
        bucket.set_limits([limit(day); 2]).unwrap();
        bucket.clock().advance(DAY);
        let [full, other] = bucket.available();
        // Every one of these limits fills up within a day.
        assert!(full <= capacity && full >= capacity - bucket.share()[0], "day {day}: {full} of {capacity}");
        assert_eq!(full, other);
        // A minute in which each second somebody takes what there is, in pieces of up to 9 tokens.
        let (mut granted, mut lent) = (0, 0);
        for second in 0..60 {
            let (of, each) = (Arc::clone(&bucket), 1 + random.below(9));
            let takes = if second == 59 { u64::MAX } else { 1 + random.below(capacity / 100 + 1) };
            let taken = move || (0..takes).take_while(|_| of.try_take([each, each]).is_ok()).count() as u64;
            granted += each * actors.run(random.below(3) as usize, taken);
            lent = on_stripes(&bucket)[0].max(lent);
            if second < 59 {
                bucket.clock().advance(Duration::from_secs(1));
            }
        }
        striped_days += usize::from(lent > 0);
        assert!(granted <= full + rate, "day {day}: {granted} of {full} and {rate} a minute");
        let left = bucket.available();
        assert!(left[0] < 9 && left[0] == left[1], "day {day}: {left:?}");
        // What hangs up leaves it as if it had not come.
        let mut gone = Box::pin(bucket.take_on([left[0] + 10; 2], Never));
        assert!(poll(gone.as_mut()).is_pending());
        drop(gone);
        assert_eq!(bucket.available(), left);
        // A clock that is set back brings nothing, then or when it is right again.
        let now = bucket.clock().now();
        bucket.clock().set(Time::from_nanos(now.as_nanos() - MINUTE.as_nanos() as u64));
        let of = Arc::clone(&bucket);
        assert!(actors.run(day % 3, move || drain(&of, [1; 2])) <= left[0]);
        bucket.clock().set(now);
        assert!(bucket.available()[0] <= left[0]);
        if day % 9 == 0 {
            let before = bucket.available();
            bucket.pause_for(DAY);
            bucket.clock().advance(DAY - MINUTE);
            let of = Arc::clone(&bucket);
            assert_eq!(actors.run(day % 3, move || drain(&of, [1; 2])), 0);
            bucket.clock().advance(MINUTE);
            assert_eq!(bucket.available(), before);
        }
    }
    // Tokens lay on stripes on each day but those of the last limit.
    assert_eq!(striped_days, 700 / 5 * 4);
}
