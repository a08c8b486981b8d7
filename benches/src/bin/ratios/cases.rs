//! Owns the list of timed cases, by name. It never compares them.

use std::time::{Duration, Instant};

use benches::floors::{Reading, WideWord, Word};
use benches::locked::{Locked, LockedOnClock};
use benches::ours::{
    Batch, Handles, HandlesOnClock, Later, One, OneLease, OneOn, OneOnClock, PutBack, Several, SeveralLease,
    SeveralOnClock, Told, Tsc, UpTo,
};
use benches::peers::{
    BetterBucket, BetterBucketOnClock, Free, Governor, LeakyBucket, Ratelimit, ThrottleNet, TwoGovernors, TwoThrottles,
};
use benches::striped::{Scarce, Striped};
use benches::{Contestant, Limiter, run, threads};
use crossbeam_utils::CachePadded;
use hdrhistogram::Histogram;
#[cfg(any(target_os = "linux", target_os = "android"))]
use tollgate::clock::{CoarseClock, Tiered, UptimeClock};
use tollgate::clock::{DefaultClock, RecentClock, Upkeep};

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) whose: Whose,
    pub(crate) sample: Sample,
    /// Times every single call for this long.
    pub(crate) latencies: Option<Box<dyn Fn(Duration) -> Histogram<u64>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Ours,
    Peer,
    Floor,
}

pub(crate) enum Sample {
    /// Times a number of calls in one thread.
    Batch(Box<dyn Fn(u64) -> Duration>),
    /// Measures the nanoseconds of a call while `threads` threads call.
    Window { threads: usize, nanos: Box<dyn Fn() -> f64> },
}

impl Sample {
    pub(crate) fn threads(&self) -> usize {
        match self {
            Self::Batch(_) => 1,
            Self::Window { threads, .. } => *threads,
        }
    }
}

const TWO_THREADS: Duration = Duration::from_millis(10);
/// A window longer than several time slices, since sixteen threads take turns on the cores.
const SIXTEEN_THREADS: Duration = Duration::from_millis(100);
const THINK: Duration = Duration::from_micros(1);
const UPKEEP: Duration = Duration::from_millis(1);

pub(crate) fn all() -> Vec<Case> {
    use Whose::{Floor, Ours, Peer};
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), expect(unused_mut))]
    let mut cases = vec![
        batch("floor", Floor, Word::default(), true),
        batch("wide-floor", Floor, WideWord::default(), true),
        batch("clock", Floor, Reading::<DefaultClock>::default(), true),
        granted::<One>("one-granted", Ours),
        refused::<One>("one-refused", Ours),
        granted::<OneOnClock>("one-clock-granted", Ours),
        refused::<OneOnClock>("one-clock-refused", Ours),
        kept_up(granted::<OneOn<Tsc>>("tiered-granted", Ours)),
        kept_up(refused::<OneOn<Tsc>>("tiered-refused", Ours)),
        kept_up(granted::<OneOn<RecentClock>>("recent-granted", Ours)),
        granted::<OneLease>("lease", Ours),
        granted::<SeveralLease<2>>("lease-2", Ours),
        granted::<Batch>("batch-64", Ours),
        granted::<Several<1>>("self-1", Ours),
        granted::<Several<2>>("self-2", Ours),
        granted::<Several<3>>("self-3", Ours),
        granted::<Several<4>>("self-4", Ours),
        granted::<Several<8>>("self-8", Ours),
        refused::<Several<2>>("self-2-refused", Ours),
        granted::<SeveralOnClock<2>>("self-2-clock", Ours),
        granted::<Handles<1>>("handle-1", Ours),
        granted::<Handles<2>>("handle-2", Ours),
        granted::<Handles<3>>("handle-3", Ours),
        granted::<Handles<4>>("handle-4", Ours),
        granted::<Handles<8>>("handle-8", Ours),
        granted::<HandlesOnClock<2>>("handle-2-clock", Ours),
        granted::<PutBack<1>>("put-back-1", Ours),
        granted::<PutBack<2>>("put-back-2", Ours),
        granted::<UpTo<1>>("up-to-1", Ours),
        granted::<UpTo<2>>("up-to-2", Ours),
        granted::<Told<2>>("told-2", Ours),
        refused::<Told<2>>("told-2-refused", Ours),
        granted::<Later<Several<1>>>("later-self-1", Ours),
        granted::<Later<Several<2>>>("later-self-2", Ours),
        granted::<Later<Several<8>>>("later-self-8", Ours),
        refused::<Later<Several<2>>>("later-self-2-refused", Ours),
        refused::<SeveralOnClock<2>>("self-2-clock-refused", Ours),
        refused::<Later<SeveralOnClock<2>>>("later-self-2-clock-refused", Ours),
        granted::<Later<Handles<1>>>("later-handle-1", Ours),
        granted::<Later<Handles<2>>>("later-handle-2", Ours),
        granted::<Later<PutBack<1>>>("later-put-back-1", Ours),
        granted::<Later<PutBack<2>>>("later-put-back-2", Ours),
        granted::<Later<UpTo<1>>>("later-up-to-1", Ours),
        granted::<Later<UpTo<2>>>("later-up-to-2", Ours),
        refused::<Later<Told<2>>>("later-told-2-refused", Ours),
        granted::<Governor>("governor-clock-granted", Peer),
        refused::<Governor>("governor-clock-refused", Peer),
        granted::<Governor<Free>>("governor-free-granted", Peer),
        refused::<Governor<Free>>("governor-free-refused", Peer),
        granted::<BetterBucket>("better-bucket-granted", Peer),
        refused::<BetterBucket>("better-bucket-refused", Peer),
        granted::<BetterBucketOnClock>("better-bucket-clock-granted", Peer),
        refused::<BetterBucketOnClock>("better-bucket-clock-refused", Peer),
        granted::<Ratelimit>("ratelimit-clock-granted", Peer),
        refused::<Ratelimit>("ratelimit-clock-refused", Peer),
        granted::<LeakyBucket>("leaky-bucket-clock-granted", Peer),
        refused::<LeakyBucket>("leaky-bucket-clock-refused", Peer),
        granted::<ThrottleNet>("throttle-net-clock-granted", Peer),
        refused::<ThrottleNet>("throttle-net-clock-refused", Peer),
        granted::<Locked>("mutex-2", Peer),
        granted::<TwoGovernors>("governors-2-clock", Peer),
        granted::<TwoThrottles>("throttle-net-2-clock", Peer),
        granted::<LockedOnClock>("mutex-2-clock", Peer),
        granted::<SeveralOnClock<1>>("self-1-clock", Ours),
        granted::<SeveralOnClock<4>>("self-4-clock", Ours),
        refused::<SeveralOnClock<1>>("self-1-clock-refused", Ours),
        scarce::<SeveralOnClock<1>>("self-1-clock-scarce", Ours),
        scarce::<SeveralOnClock<2>>("self-2-clock-scarce", Ours),
        granted::<Striped<1>>("striped-1", Ours),
        granted::<Striped<2>>("striped-2", Ours),
        granted::<Striped<4>>("striped-4", Ours),
        refused::<Striped<1>>("striped-1-refused", Ours),
        refused::<Striped<2>>("striped-2-refused", Ours),
        scarce::<Striped<1>>("striped-1-scarce", Ours),
        scarce::<Striped<2>>("striped-2-scarce", Ours),
        together("floor-2t", Floor, Word::default(), 2),
        together("one-clock-2t", Ours, OneOnClock::granting(), 2),
        together("governor-clock-2t", Peer, <Governor>::granting(), 2),
        together("self-2-2t", Ours, Several::<2>::granting(), 2),
        together("mutex-2-2t", Peer, Locked::granting(), 2),
        together("self-1-2t", Ours, Several::<1>::granting(), 2),
        refused_together::<Several<2>>("self-2-refused-2t", Ours, 2),
        together("later-self-1-2t", Ours, <Later<Several<1>>>::granting(), 2),
        together("later-self-2-2t", Ours, <Later<Several<2>>>::granting(), 2),
        refused_together::<Later<Several<2>>>("later-self-2-refused-2t", Ours, 2),
        together("self-2-clock-2t", Ours, SeveralOnClock::<2>::granting(), 2),
        together("governors-2-clock-2t", Peer, TwoGovernors::granting(), 2),
        together("mutex-2-clock-2t", Peer, LockedOnClock::granting(), 2),
        together("self-1-clock-2t", Ours, SeveralOnClock::<1>::granting(), 2),
        together("self-4-clock-2t", Ours, SeveralOnClock::<4>::granting(), 2),
        together("striped-1-2t", Ours, Striped::<1>::granting(), 2),
        together("striped-2-2t", Ours, Striped::<2>::granting(), 2),
        together("striped-4-2t", Ours, Striped::<4>::granting(), 2),
        thinking("one-clock-2t-think", Ours, OneOnClock::granting()),
        thinking("governor-clock-2t-think", Peer, <Governor>::granting()),
        thinking("self-2-2t-think", Ours, Several::<2>::granting()),
        thinking("mutex-2-2t-think", Peer, Locked::granting()),
        together("floor-16t", Floor, Word::default(), 16),
        together("self-2-16t", Ours, Several::<2>::granting(), 16),
        together("mutex-2-16t", Peer, Locked::granting(), 16),
    ];
    #[cfg(any(target_os = "linux", target_os = "android"))]
    cases.extend([
        granted::<OneOn<CoarseClock>>("coarse-granted", Ours),
        granted::<OneOn<Tiered<UptimeClock, CoarseClock>>>("tiered-uptime-granted", Ours),
        refused::<OneOn<Tiered<UptimeClock, CoarseClock>>>("tiered-uptime-refused", Ours),
    ]);
    cases
}

/// Runs the upkeep of the recent time while a case is timed, and only then: it would take time from
/// the others.
fn kept_up(case: Case) -> Case {
    let Sample::Batch(batch) = case.sample else { panic!("{} has threads of its own", case.name) };
    let sample = move |calls| {
        let _upkeep = Upkeep::start(UPKEEP).expect("no other case has one");
        batch(calls)
    };
    Case { sample: Sample::Batch(Box::new(sample)), ..case }
}

fn granted<L: Limiter + 'static>(name: &'static str, whose: Whose) -> Case {
    batch(name, whose, L::granting(), true)
}

fn refused<L: Limiter + 'static>(name: &'static str, whose: Whose) -> Case {
    batch(name, whose, L::holding(0), false)
}

/// Most calls are refused, and some granted.
fn scarce<L: Scarce + 'static>(name: &'static str, whose: Whose) -> Case {
    // What refilled while other cases ran is gone first.
    let begin = |contestant: &L, _| while run(contestant, 64) > 32 {};
    of_calls(name, whose, L::scarce(), begin, |granted, calls| granted > 0 && granted < calls / 2)
}

fn batch<C: Contestant + 'static>(name: &'static str, whose: Whose, contestant: C, grants: bool) -> Case {
    // Warms up the caches and predictors, which the case before has used.
    let begin = |contestant: &C, calls| {
        run(contestant, calls / 16);
    };
    of_calls(name, whose, contestant, begin, move |granted, calls| granted == if grants { calls } else { 0 })
}

fn of_calls<C: Contestant + 'static>(
    name: &'static str,
    whose: Whose,
    contestant: C,
    begin: impl Fn(&C, u64) + 'static,
    is_right: impl Fn(u64, u64) -> bool + 'static,
) -> Case {
    let contestant = alone(contestant);
    let sample = move |calls| {
        begin(&contestant, calls);
        let started = Instant::now();
        let granted = run(&**contestant, calls);
        let time = started.elapsed();
        assert!(is_right(granted, calls), "{name} does not answer as it was built to: {granted} of {calls}");
        time
    };
    Case { name, whose, sample: Sample::Batch(Box::new(sample)), latencies: None }
}

fn together<C: Contestant + 'static>(name: &'static str, whose: Whose, contestant: C, threads: usize) -> Case {
    window(name, whose, contestant, threads, true)
}

fn refused_together<L: Limiter + 'static>(name: &'static str, whose: Whose, threads: usize) -> Case {
    window(name, whose, L::holding(0), threads, false)
}

fn window<C: Contestant + 'static>(
    name: &'static str,
    whose: Whose,
    contestant: C,
    threads: usize,
    grants: bool,
) -> Case {
    let contestant: &'static C = Box::leak(alone(contestant));
    let window = if threads <= 2 { TWO_THREADS } else { SIXTEEN_THREADS };
    let nanos = move || checked(name, grants, threads::window(contestant, threads, window, || {}));
    let latencies = move |time| threads::latencies(contestant, threads, time);
    let sample = Sample::Window { threads, nanos: Box::new(nanos) };
    Case { name, whose, sample, latencies: Some(Box::new(latencies)) }
}

fn thinking<C: Contestant + 'static>(name: &'static str, whose: Whose, contestant: C) -> Case {
    let (contestant, clock) = (alone(contestant), DefaultClock::default());
    let nanos = move || {
        let think = || threads::think(&clock, THINK);
        checked(name, true, threads::window(&**contestant, 2, TWO_THREADS, think))
    };
    Case { name, whose, sample: Sample::Window { threads: 2, nanos: Box::new(nanos) }, latencies: None }
}

fn checked(name: &str, grants: bool, done: threads::Done) -> f64 {
    assert_eq!(done.granted, if grants { done.calls } else { 0 }, "{name} does not answer as it was built to");
    done.nanos
}

/// Puts a contestant on cache lines of its own.
fn alone<C>(contestant: C) -> Box<CachePadded<C>> {
    Box::new(CachePadded::new(contestant))
}
