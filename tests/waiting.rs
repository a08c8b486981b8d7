//! Those who wait: in turn, woken once, never early, and gone without a trace when they are
//! dropped.
//!
//! Most of it is played on a clock and a timer that are moved by hand, where every instant is
//! exact; `paused` and `real_time` are tasks on a runtime.

mod common;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use common::{Naive, config, nanos};
use proptest::collection::vec;
use proptest::prelude::*;
use tollgate::clock::{ManualClock, Time};
use tollgate::wait::Timer;
use tollgate::{Clock, Limit, MultiBucket, Rate, Refused, TokenBucket};

const SECOND: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// A timer on a clock that is moved by hand: a sleep ends when the clock has come to where `fires`
/// puts its end.
struct Hand<'a> {
    clock: &'a ManualClock,
    fires: fn(Duration) -> Duration,
    /// What it was asked for.
    sleeps: RefCell<Vec<Duration>>,
}

impl<'a> Hand<'a> {
    fn new(clock: &'a ManualClock) -> Self {
        Self { clock, fires: |asked| asked, sleeps: RefCell::default() }
    }

    fn sleeps(&self) -> usize {
        self.sleeps.borrow().len()
    }
}

impl<'a> Timer for Hand<'a> {
    type Sleep = Sleep<'a>;

    fn sleep(&self, duration: Duration) -> Sleep<'a> {
        self.sleeps.borrow_mut().push(duration);
        Sleep { clock: self.clock, until: self.clock.now().after((self.fires)(duration)) }
    }
}

struct Sleep<'a> {
    clock: &'a ManualClock,
    until: Time,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.until { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

type Waiter<'a, const N: usize = 1> = Pin<Box<dyn Future<Output = Result<(), Refused<N>>> + 'a>>;

fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn ten_per_second(clock: &ManualClock) -> TokenBucket<&ManualClock> {
    TokenBucket::with_clock(Limit::per_second(10).empty(), clock).unwrap()
}

/// A bucket that the same play can be played on: its waiters, and how long there is to wait for all
/// it holds, which tells its level exactly.
trait Stage {
    fn waiter<'a>(&'a self, n: u64, timer: &'a Hand<'a>) -> Waiter<'a>;
    fn wait_for(&self, n: u64) -> Duration;
}

impl Stage for TokenBucket<&ManualClock> {
    fn waiter<'a>(&'a self, n: u64, timer: &'a Hand<'a>) -> Waiter<'a> {
        Box::pin(async move { self.take_on(n, timer).await.map(drop) })
    }

    fn wait_for(&self, n: u64) -> Duration {
        Self::wait_for(self, n).unwrap().unwrap()
    }
}

/// Both streams alike.
impl Stage for MultiBucket<2, &ManualClock> {
    fn waiter<'a>(&'a self, n: u64, timer: &'a Hand<'a>) -> Waiter<'a> {
        Box::pin(async move {
            self.take_on([n; 2], timer).await.expect("it is never refused here");
            Ok(())
        })
    }

    fn wait_for(&self, n: u64) -> Duration {
        Self::wait_for(self, [n; 2]).unwrap().unwrap()
    }
}

/// When a waiter of the play is dropped. Those that are dropped at one instant are so in any order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    BeforeTheFirstPoll,
    AtOnce,
    JustBeforeItsInstant,
    AtItsInstant,
    LongAfterItsInstant,
    Completed,
}

const FATES: [Fate; 6] = {
    use Fate::*;
    [BeforeTheFirstPoll, AtOnce, JustBeforeItsInstant, AtItsInstant, LongAfterItsInstant, Completed]
};

/// Lets waiters for `amounts` come at the present, in this order, and each meet its fate, with
/// `ranks` deciding between those that do so at one instant. All are polled after each event, in
/// order. Nobody is served before those ahead, nor before the exact model has earned what was
/// served so far. In the end all that were not dropped are served, and nothing was charged for the
/// others.
fn play(bucket: &impl Stage, clock: &ManualClock, limit: Limit, amounts: &[u64], fates: &[Fate], ranks: &[usize]) {
    let start = clock.now().as_nanos();
    let timer = Hand::new(clock);
    let (mut promised, mut earned) = (Naive::new(limit), Naive::new(limit));
    let mut waiters: Vec<_> = amounts.iter().map(|&n| Some(bucket.waiter(n, &timer))).collect();
    let mut events = vec![(start, 0, None)];
    for i in (0..amounts.len()).filter(|i| fates[*i] != Fate::BeforeTheFirstPoll) {
        let ready_at = start + promised.wait(start, amounts[i]).unwrap() as u64;
        promised.take(start, amounts[i]);
        let at = match fates[i] {
            Fate::BeforeTheFirstPoll | Fate::AtOnce => start,
            Fate::JustBeforeItsInstant => ready_at - u64::from(ready_at > start),
            Fate::AtItsInstant | Fate::Completed => ready_at,
            Fate::LongAfterItsInstant => ready_at + 3 * SECOND / 10,
        };
        events.push((at, 1 + ranks[i], Some(i)));
    }
    events.sort_unstable();
    let end = events.last().unwrap().0;
    // Later than all together could take.
    let much_later = |n: u64| end + n * (promised.wait(start, limit.capacity).unwrap() as u64 + SECOND);
    events.extend((1..=amounts.len() as u64).map(|n| (much_later(n), 0, None)));

    for &(at, _, who) in &events {
        let context = || format!("{who:?} at {at}, {limit}, {amounts:?}, {fates:?}, {ranks:?}");
        clock.set(nanos(at));
        for i in (0..amounts.len()).filter(|i| fates[*i] == Fate::BeforeTheFirstPoll) {
            waiters[i] = None;
        }
        if let Some(i) = who.filter(|i| fates[*i] != Fate::Completed) {
            waiters[i] = None;
        }
        let mut somebody_waits = false;
        for (waiter, &n) in waiters.iter_mut().zip(amounts) {
            let Some(Poll::Ready(answer)) = waiter.as_mut().map(poll) else {
                somebody_waits |= waiter.is_some();
                continue;
            };
            assert_eq!(answer.map(drop), Ok(()), "{}", context());
            assert!(n == 0 || !somebody_waits, "out of turn: {}", context());
            assert!(start + earned.wait(start, n).unwrap() as u64 <= at, "early: {}", context());
            earned.take(start, n);
            *waiter = None;
        }
    }
    assert!(waiters.iter().all(Option::is_none), "{limit}, {amounts:?}, {fates:?}, {ranks:?}");
    clock.set(nanos(much_later(1 + amounts.len() as u64)));
    assert_eq!(bucket.wait_for(limit.capacity), Duration::ZERO);
}

fn play_on_both(limit: Limit, amounts: &[u64], fates: &[Fate], ranks: &[usize]) {
    let clock = ManualClock::new();
    play(&TokenBucket::with_clock(limit, &clock).unwrap(), &clock, limit, amounts, fates, ranks);
    let clock = ManualClock::new();
    play(&MultiBucket::with_clock([limit; 2], &clock).unwrap(), &clock, limit, amounts, fates, ranks);
}

/// Every order of `0..n`.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    let insert = |rest: &Vec<usize>, at| [&rest[..at], &[n - 1], &rest[at..]].concat();
    permutations(n - 1).iter().flat_map(|rest| (0..n).map(move |at| insert(rest, at))).collect()
}

#[test]
fn a_cancelled_wait_charges_nothing_and_strands_nobody_in_any_order() {
    let limit = Limit::per_second(10).capacity(4).empty();
    for (amounts, limit) in [(&[2, 1, 4][..], limit), (&[1, 1, 1], limit), (&[2, 3, 1, 4], limit.full())] {
        let waiters = amounts.len();
        let orders = permutations(waiters);
        for number in 0..FATES.len().pow(waiters as u32) {
            let fates: Vec<_> = (0..waiters).map(|i| FATES[number / FATES.len().pow(i as u32) % FATES.len()]).collect();
            for ranks in &orders {
                play_on_both(limit, amounts, &fates, ranks);
            }
        }
    }
}

proptest! {
    #![proptest_config(config(256, "tests/waiting.proptest-regressions"))]

    #[test]
    fn no_wait_ends_before_the_exact_model_would_grant_whoever_is_cancelled(
        rate in prop::sample::select(vec![Rate::per_second(10), Rate::per_second(7), Rate::per_minute(5), Rate::per_second(1_000_000)]),
        capacity in 1..50u64,
        starts_full: bool,
        waiters in vec((0..50u64, prop::sample::select(FATES.to_vec()), 0..100usize), 1..12),
    ) {
        let limit = Limit::new(rate, capacity);
        let limit = if starts_full { limit } else { limit.empty() };
        let amounts: Vec<_> = waiters.iter().map(|(n, ..)| n % (capacity + 1)).collect();
        let fates: Vec<_> = waiters.iter().map(|&(_, fate, _)| fate).collect();
        let ranks: Vec<_> = waiters.iter().map(|&(.., rank)| rank).collect();
        play_on_both(limit, &amounts, &fates, &ranks);
    }

    /// Where the rate is not exact: within the precision.
    #[test]
    fn no_wait_is_further_from_the_exact_model_than_the_precision(
        rate in prop::sample::select(vec![Rate::per_second(333), Rate::per_second(1 << 20), Rate::per_second(3_000_000_007)]),
        steps in vec((0..5_000_000u64, 1..100u64), 1..20),
    ) {
        let limit = Limit::new(rate, 100);
        let clock = ManualClock::new();
        let timer = Hand::new(&clock);
        let bucket = TokenBucket::with_clock(limit, &clock).unwrap();
        let mut model = Naive::new(limit);
        for (gap, n) in steps {
            clock.advance(Duration::from_nanos(gap));
            let now = clock.now().as_nanos();
            let exact = model.wait(now, n).unwrap();
            model.take(now, n);
            let mut waiter = Box::pin(bucket.take_on(n, &timer));
            let slack = 2 * model.precision;
            if exact > slack {
                prop_assert!(poll(&mut waiter).is_pending());
                clock.set(nanos(now + (exact - slack) as u64 - 1));
                prop_assert!(poll(&mut waiter).is_pending(), "{n} of {limit} at {now}: before {exact}");
            }
            clock.set(nanos(now + (exact + slack) as u64));
            prop_assert!(poll(&mut waiter).is_ready(), "{n} of {limit} at {now}: after {exact}");
        }
    }
}

#[test]
fn the_place_in_the_queue_is_taken_at_the_first_poll() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    let mut first = Box::pin(bucket.take_on(1, &timer));
    let mut second = Box::pin(bucket.take_on(1, &timer));
    assert_eq!(bucket.wait_for(1).unwrap(), Some(Duration::from_millis(100)));
    assert!(poll(&mut second).is_pending() && poll(&mut first).is_pending());
    clock.advance(Duration::from_millis(100));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_ready());
    clock.advance(Duration::from_millis(100));
    assert!(poll(&mut first).is_ready());
    assert_eq!(timer.sleeps(), 2);
}

#[test]
fn nobody_overtakes_a_waiter() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    let mut waiter = Box::pin(bucket.take_on(5, &timer));
    assert!(poll(&mut waiter).is_pending());
    for _ in 0..4 {
        clock.advance(Duration::from_millis(100));
        assert!(bucket.try_take(1).is_err());
        assert_eq!(bucket.take_up_to(10), 0);
    }
    clock.advance(Duration::from_millis(100));
    assert!(poll(&mut waiter).is_ready());
}

#[test]
fn a_timeout_counts_from_the_call() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    bucket.charge(2).unwrap();
    let made = |timeout| Box::pin(bucket.take_timeout_on(1, Duration::from_millis(timeout), &timer));
    let (mut just, mut not) = (made(300), made(299));
    clock.advance(Duration::from_millis(200));
    // The token is there 300 ms after the calls, which was 200 ms ago.
    let Poll::Ready(Err(refused)) = poll(&mut not) else { panic!("it cannot be met") };
    assert_eq!(refused.wait(), Some(Duration::from_millis(100)));
    assert!(poll(&mut just).is_pending());
    clock.advance(Duration::from_millis(100));
    assert_eq!(poll(&mut just).map_ok(drop), Poll::Ready(Ok(())));
    assert_eq!((bucket.wait_for(1).unwrap(), timer.sleeps()), (Some(Duration::from_millis(100)), 1));
}

#[cfg(feature = "std")]
#[test]
fn who_is_polled_first_past_its_timeout_is_refused() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    let mut late = Box::pin(bucket.take_timeout_on(3, Duration::ZERO, &timer));
    let mut too_much = Box::pin(bucket.take_timeout_on(3, Duration::ZERO, &timer));
    let mut in_time = Box::pin(bucket.take_timeout_on(3, Duration::from_millis(495), &timer));
    clock.advance(Duration::from_millis(500));
    assert!(matches!(poll(&mut late), Poll::Ready(Err(Refused::NotYet(_)))));
    assert!(matches!(poll(&mut too_much), Poll::Ready(Err(Refused::NotYet(_)))));
    // A poll may be late by the grace.
    assert_eq!(poll(&mut in_time).map_ok(drop), Poll::Ready(Ok(())));
    assert_eq!((bucket.available(), timer.sleeps()), (2, 0));
}

#[test]
fn a_timeout_that_cannot_be_met_is_refused_at_once_and_takes_nothing() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    let _place = bucket.reserve(4).unwrap();
    let mut waiter = Box::pin(bucket.take_timeout_on(3, Duration::from_millis(700) - Duration::from_nanos(1), &timer));
    let Poll::Ready(Err(refused)) = poll(&mut waiter) else { panic!("it cannot be met") };
    assert_eq!(refused.wait(), Some(Duration::from_millis(700)));
    assert_eq!((bucket.wait_for(1).unwrap(), timer.sleeps()), (Some(Duration::from_millis(500)), 0));
    let mut waiter = Box::pin(bucket.take_timeout_on(3, Duration::from_millis(700), &timer));
    assert!(poll(&mut waiter).is_pending());
}

#[test]
fn the_bounds_of_the_queue_hold_for_those_who_wait() {
    let clock = ManualClock::new();
    let timer = Hand::new(&clock);
    let bucket = ten_per_second(&clock).with_max_wait(Duration::from_millis(500));
    let mut waiter = Box::pin(bucket.take_on(6, &timer));
    assert!(matches!(poll(&mut waiter), Poll::Ready(Err(Refused::NotYet(_)))));
    let mut waiter = Box::pin(bucket.take_on(5, &timer));
    assert!(poll(&mut waiter).is_pending());
}

#[test]
fn more_than_the_capacity_is_refused_as_never() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    for n in [11, u64::MAX] {
        assert!(matches!(poll(&mut Box::pin(bucket.take_on(n, &timer))), Poll::Ready(Err(Refused::Never(_)))));
        assert!(matches!(
            poll(&mut Box::pin(bucket.until_available_on(n, &timer))),
            Poll::Ready(Err(Refused::Never(_)))
        ));
    }
    assert_eq!((bucket.wait_for(1).unwrap(), timer.sleeps()), (Some(Duration::from_millis(100)), 0));
}

#[test]
fn where_the_rate_is_0_what_is_there_is_taken_and_the_rest_refused_at_once() {
    let clock = ManualClock::new();
    let timer = Hand::new(&clock);
    let bucket = TokenBucket::with_clock(Limit::new("0/s".parse().unwrap(), 10), &clock).unwrap();
    assert_eq!(poll(&mut Box::pin(bucket.until_available_on(10, &timer))), Poll::Ready(Ok(())));
    assert_eq!(poll(&mut Box::pin(bucket.take_on(8, &timer))).map_ok(drop), Poll::Ready(Ok(())));
    for timeout in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
        let Poll::Ready(Err(refused)) = poll(&mut Box::pin(bucket.take_timeout_on(3, timeout, &timer))) else {
            panic!()
        };
        assert_eq!(refused.wait(), None);
    }
    let Poll::Ready(Err(refused)) = poll(&mut Box::pin(bucket.until_available_on(3, &timer))) else { panic!() };
    assert_eq!(refused.wait(), None);
    assert_eq!((bucket.available(), timer.sleeps()), (2, 0));
}

#[test]
fn a_timeout_without_end_waits_for_as_long_as_it_takes_if_the_clock_goes_that_far() {
    let clock = ManualClock::new();
    let timer = Hand::new(&clock);
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    let slow = Limit::new(Rate::new(1, century).unwrap(), 1).empty();
    let bucket = TokenBucket::with_clock(slow, &clock).unwrap();
    let mut waiter = Box::pin(bucket.take_timeout_on(1, Duration::MAX, &timer));
    assert!(poll(&mut waiter).is_pending());
    clock.advance(century - Duration::from_nanos(1));
    assert!(poll(&mut waiter).is_pending());
    clock.advance(Duration::from_nanos(1));
    assert_eq!(poll(&mut waiter).map_ok(drop), Poll::Ready(Ok(())));

    // A second before the clock ends, and a nanosecond.
    let clock = ManualClock::starting_at(nanos(u64::MAX - SECOND - 1));
    let timer = Hand::new(&clock);
    let bucket = ten_per_second(&clock);
    let mut waiter = Box::pin(bucket.take_timeout_on(10, Duration::MAX, &timer));
    assert!(poll(&mut waiter).is_pending());
    assert!(matches!(poll(&mut Box::pin(bucket.take_on(1, &timer))), Poll::Ready(Err(Refused::NotYet(_)))));
    clock.set(Time::MAX);
    assert_eq!(poll(&mut waiter).map_ok(drop), Poll::Ready(Ok(())));
}

/// Its sleeps end at once, until there were enough of them.
struct Impatient(Cell<u32>, RefCell<Vec<Duration>>);

impl Timer for Impatient {
    type Sleep = Pin<Box<dyn Future<Output = ()>>>;

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.1.borrow_mut().push(duration);
        self.0.set(self.0.get() - 1);
        if self.0.get() == 0 { Box::pin(std::future::pending()) } else { Box::pin(std::future::ready(())) }
    }
}

#[test]
fn on_a_clock_that_stands_still_waiters_sleep_ever_longer_and_do_not_spin() {
    let clock = ManualClock::new();
    let bucket = TokenBucket::with_clock(Limit::per_second(1_000_000_000).empty(), &clock).unwrap();
    let timer = || Impatient(Cell::new(20), RefCell::default());
    let (in_turn, for_readiness) = (timer(), timer());
    let mut ready = Box::pin(bucket.until_available_on(1, &for_readiness));
    assert!(poll(&mut ready).is_pending());
    let mut waiter = Box::pin(bucket.take_on(1, &in_turn));
    assert!(poll(&mut waiter).is_pending());
    // Where there is a line, one stands behind the other.
    let second = if cfg!(feature = "std") { 2 } else { 1 };
    for (timer, first) in [(&for_readiness, 1), (&in_turn, second)] {
        let sleeps = timer.1.borrow();
        assert_eq!((sleeps.len(), sleeps[0]), (20, Duration::from_nanos(first)));
        assert!(sleeps[1] >= Duration::from_micros(100) && sleeps.is_sorted(), "{sleeps:?}");
        assert_eq!(sleeps[19], Duration::from_millis(100));
    }
}

#[test]
fn an_amount_of_0_is_ready_at_once_and_never_sleeps() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    bucket.charge(100).unwrap();
    assert_eq!(poll(&mut Box::pin(bucket.take_on(0, &timer))).map_ok(drop), Poll::Ready(Ok(())));
    assert_eq!(
        poll(&mut Box::pin(bucket.take_timeout_on(0, Duration::ZERO, &timer))).map_ok(drop),
        Poll::Ready(Ok(()))
    );
    assert_eq!(poll(&mut Box::pin(bucket.until_available_on(0, &timer))), Poll::Ready(Ok(())));
    let mut place = bucket.reserve(0).unwrap();
    assert!(poll(&mut Box::pin(place.wait_on(&timer))).is_ready());
    assert_eq!((bucket.wait_for(1).unwrap(), timer.sleeps()), (Some(Duration::from_millis(10_100)), 0));
}

#[test]
fn a_timer_that_fires_early_is_asked_again_for_the_rest() {
    let clock = ManualClock::new();
    let timer = Hand { fires: |asked| asked / 2, ..Hand::new(&clock) };
    let bucket = ten_per_second(&clock);
    let mut waiter = Box::pin(bucket.take_on(4, &timer));
    for at in [0, 200, 300, 350, 375] {
        clock.set(nanos(at * MS));
        assert!(poll(&mut waiter).is_pending());
    }
    clock.set(nanos(400 * MS));
    assert!(poll(&mut waiter).is_ready());
    assert_eq!(*timer.sleeps.borrow(), [400, 200, 100, 50, 25].map(Duration::from_millis));
}

#[test]
fn a_timer_that_fires_late_loses_no_tokens() {
    let clock = ManualClock::new();
    let timer = Hand { fires: |asked| asked + Duration::from_millis(150), ..Hand::new(&clock) };
    let bucket = ten_per_second(&clock);
    for n in 1..=100 {
        let mut waiter = Box::pin(bucket.take_on(1, &timer));
        if poll(&mut waiter).is_pending() {
            clock.advance(Duration::from_millis(250));
            assert!(poll(&mut waiter).is_ready());
        }
        // All that ever accrued was taken or is still there.
        assert_eq!(bucket.available() + n, clock.now().as_nanos() / (100 * MS));
    }
}

#[cfg(feature = "std")]
#[test]
fn tokens_put_back_go_to_those_who_wait() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    let mut first = Box::pin(bucket.take_on(5, &timer));
    let mut second = Box::pin(bucket.take_on(1, &timer));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    bucket.put_back(6);
    assert!(bucket.try_take(1).is_err(), "a newcomer stays behind them");
    let mut third = Box::pin(bucket.take_on(1, &timer));
    assert!(poll(&mut third).is_pending());
    assert!(poll(&mut first).is_ready() && poll(&mut second).is_ready());
    clock.set(nanos(100 * MS - 1));
    assert!(poll(&mut third).is_pending());
    clock.set(nanos(100 * MS));
    assert!(poll(&mut third).is_ready());
}

#[cfg(feature = "std")]
#[test]
fn of_several_streams_the_short_one_is_waited_for_and_all_are_debited_at_use() {
    let clock = ManualClock::new();
    let timer = Hand::new(&clock);
    let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100).empty()], &clock).unwrap();
    let mut waiter = Box::pin(bucket.take_on([3, 5], &timer));
    assert!(poll(&mut waiter).is_pending());
    assert_eq!(bucket.available(), [10, 0]);
    // What it waits for is not for takers, though one stream has enough.
    assert!(bucket.try_take([1, 0]).is_err());
    clock.set(nanos(50 * MS - 1));
    assert!(poll(&mut waiter).is_pending());
    clock.set(nanos(50 * MS));
    assert_eq!(poll(&mut waiter).map_ok(drop), Poll::Ready(Ok(())));

    assert_eq!(bucket.available(), [7, 0]);
    let mut waiter = Box::pin(bucket.take_on([3, 5], &timer));
    assert!(poll(&mut waiter).is_pending());
    assert_eq!(bucket.wait_for([0, 1]).unwrap(), Some(Duration::from_millis(60)));
    drop(waiter);
    assert_eq!(bucket.wait_for([7, 0]).unwrap(), Some(Duration::ZERO));
    assert_eq!(bucket.wait_for([0, 1]).unwrap(), Some(Duration::from_millis(10)));
}

#[cfg(feature = "std")]
#[test]
fn a_future_dropped_between_its_instant_and_its_poll_gives_back_exactly_once() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    let mut waiter = Box::pin(bucket.take_on(5, &timer));
    assert!(poll(&mut waiter).is_pending());
    clock.advance(Duration::from_millis(500));
    assert!(bucket.try_take(1).is_err());
    drop(waiter);
    assert_eq!(bucket.take_up_to(9), 5);
}

#[test]
fn a_future_dropped_after_it_completed_gives_nothing_back() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    let mut waiter = Box::pin(bucket.take_on(5, &timer));
    assert!(poll(&mut waiter).is_pending());
    clock.advance(Duration::from_millis(500));
    assert!(poll(&mut waiter).is_ready());
    drop(waiter);
    assert_eq!(bucket.available(), 0);
}

#[test]
fn a_future_that_is_forgotten_keeps_its_debt() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    let mut waiter = Box::pin(bucket.take_on(5, &timer));
    assert!(poll(&mut waiter).is_pending());
    mem::forget(waiter);
    mem::forget(bucket.take_on(5, &timer)); // not polled: nothing taken
    assert_eq!(bucket.wait_for(1).unwrap(), Some(Duration::from_millis(600)));
}

#[test]
fn a_reservation_outlives_a_wait_that_is_dropped_polled_or_not() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    let mut place = bucket.reserve(5).unwrap();
    let mut sleeping = Box::pin(place.wait_on(&timer));
    assert!(poll(&mut sleeping).is_pending());
    drop(sleeping);
    drop(place.wait_on(&timer));
    assert_eq!(bucket.wait_for(1).unwrap(), Some(Duration::from_millis(600)));
    drop(place);
    assert_eq!(bucket.wait_for(1).unwrap(), Some(Duration::from_millis(100)));
}

#[test]
fn a_reservation_that_was_waited_for_is_used_whatever_comes_after() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    let mut place = bucket.reserve(5).unwrap();
    clock.advance(Duration::from_millis(500));
    assert_eq!(poll(&mut Box::pin(place.wait_on(&timer))), Poll::Ready(Ok(())));
    // A clock that is set back: by that, its instant is still to come.
    clock.set(nanos(0));
    drop(place);
    assert_eq!(bucket.wait_for(1).unwrap(), Some(Duration::from_millis(600)));
}

#[cfg(feature = "std")]
#[test]
fn who_waits_for_readiness_stands_in_line_and_takes_nothing() {
    let clock = ManualClock::new();
    let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
    let mut ready = Box::pin(bucket.until_available_on(3, &timer));
    assert!(poll(&mut ready).is_pending());
    let mut behind = Box::pin(bucket.take_on(2, &timer));
    assert!(poll(&mut behind).is_pending());
    clock.advance(Duration::from_millis(300));
    assert!(bucket.try_take(2).is_err(), "it comes after those who wait");
    assert!(poll(&mut behind).is_pending());
    assert_eq!(poll(&mut ready), Poll::Ready(Ok(())));
    assert_eq!(bucket.available(), 3, "it takes nothing");
    assert_eq!(poll(&mut behind).map_ok(drop), Poll::Ready(Ok(())), "it is told at once");
    assert_eq!(bucket.available(), 1);
}

#[cfg(feature = "std")]
#[test]
fn who_waits_for_readiness_is_woken_by_what_comes_back_and_by_who_leaves() {
    for leaves in [false, true] {
        let clock = ManualClock::new();
        let (timer, bucket) = (Hand::new(&clock), ten_per_second(&clock));
        let mut first = Box::pin(bucket.take_on(5, &timer));
        assert!(poll(&mut first).is_pending());
        let woken = Arc::new(Woken::default());
        let mut ready = Box::pin(bucket.until_available_on(3, &timer));
        let waker = Waker::from(Arc::clone(&woken));
        assert!(ready.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        if leaves {
            clock.advance(Duration::from_millis(300));
            drop(first);
        } else {
            bucket.put_back(8);
            assert!(poll(&mut first).is_ready());
        }
        assert_eq!(woken.0.load(Relaxed), 1, "left: {leaves}");
        assert_eq!(poll(&mut ready), Poll::Ready(Ok(())), "left: {leaves}");
        assert_eq!(bucket.available(), 3);
    }
}

#[test]
fn readiness_of_several_streams_is_that_of_all_of_them() {
    let clock = ManualClock::new();
    let timer = Hand::new(&clock);
    let bucket =
        MultiBucket::with_clock([Limit::per_second(10).empty(), Limit::per_second(100).empty()], &clock).unwrap();
    let mut ready = Box::pin(bucket.until_available_on([1, 20], &timer));
    for at in [0, 100, 200 - 1] {
        clock.set(nanos(at * MS));
        assert!(poll(&mut ready).is_pending());
    }
    clock.set(nanos(200 * MS));
    assert_eq!(poll(&mut ready), Poll::Ready(Ok(())));
    assert_eq!(bucket.available(), [2, 20]);
}

#[cfg(feature = "std")]
#[test]
fn a_thread_that_waited_for_readiness_finds_it() {
    let limit = Limit::per_second(1000).empty();
    let bucket = TokenBucket::with_clock(limit, tollgate::clock::InstantClock::new()).unwrap();
    bucket.until_available_blocking(3).unwrap();
    assert!(bucket.try_take(3).is_ok());
    assert!(matches!(bucket.until_available_blocking(1001), Err(Refused::Never(_))));
    let bucket = MultiBucket::with_clock([limit; 2], tollgate::clock::InstantClock::new()).unwrap();
    bucket.until_available_blocking([1, 3]).unwrap();
    assert!(bucket.try_take([1, 3]).is_ok());
}

/// Tasks on tokio's runtimes; the clock is that of tokio, which in a paused runtime jumps from one
/// sleep's end to the next.
#[cfg(feature = "tokio")]
mod paused {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

    use tokio::task::JoinSet;
    use tollgate::clock::TokioClock;
    use tollgate::wait::TokioTimer;

    use super::*;

    fn thousand_per_second() -> Arc<TokenBucket<TokioClock>> {
        let limit = Limit::per_second(1000).capacity(50).empty();
        Arc::new(TokenBucket::with_clock(limit, TokioClock::new()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn fifty_at_once_are_served_in_their_turn_beside_eight_who_take_one_each() {
        let bucket = thousand_per_second();
        let served = Arc::new(AtomicU64::new(0));
        let mut ones = JoinSet::new();
        for _ in 0..8 {
            let (bucket, served) = (bucket.clone(), served.clone());
            ones.spawn(async move {
                loop {
                    bucket.take(1).await.unwrap();
                    served.fetch_add(1, SeqCst);
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (called, before) = (bucket.clock().now(), served.load(SeqCst));
        assert!(before > 80, "{before}");
        bucket.take(50).await.unwrap();
        let (waited, meanwhile) = (bucket.clock().now().since(called), served.load(SeqCst) - before);
        // Those who were in the queue already, and nobody who came later.
        assert!(meanwhile <= 8, "{meanwhile}");
        assert!(waited <= Duration::from_millis(8 + 50 + 1), "{waited:?}");
    }

    /// Counts the sleeps it is asked for.
    #[derive(Clone, Default)]
    struct Counting(Arc<AtomicU64>);

    impl Timer for Counting {
        type Sleep = tokio::time::Sleep;

        fn sleep(&self, duration: Duration) -> Self::Sleep {
            self.0.fetch_add(1, SeqCst);
            TokioTimer.sleep(duration)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_waiters_sleep_once_each_and_are_polled_twice_each() {
        let (bucket, timer) = (thousand_per_second(), Counting::default());
        let polls = Arc::new(AtomicU64::new(0));
        let mut waiters = JoinSet::new();
        for _ in 0..1000 {
            let (bucket, timer, polls) = (bucket.clone(), timer.clone(), polls.clone());
            waiters.spawn(async move {
                let mut taken = pin!(bucket.take_on(1, timer));
                let counted = poll_fn(|context| {
                    polls.fetch_add(1, SeqCst);
                    taken.as_mut().poll(context)
                });
                counted.await.unwrap();
                bucket.clock().now()
            });
        }
        let mut ends = waiters.join_all().await;
        ends.sort_unstable();
        for (i, end) in ends.iter().enumerate() {
            let promised = nanos((i as u64 + 1) * MS);
            assert!(*end >= promised && end.since(promised) <= Duration::from_millis(1), "{i}: {end:?}");
        }
        assert_eq!((timer.0.load(SeqCst), polls.load(SeqCst)), (1000, 2000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_another_timeout_cuts_short_charges_nothing() {
        let bucket = thousand_per_second();
        let cut = tokio::time::timeout(Duration::from_millis(10), bucket.take(50)).await;
        assert!(cut.is_err());
        assert!(bucket.available() >= 10);
    }

    /// The clock stands still, so that the level says exactly who was charged.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn what_aborted_tasks_give_back_and_others_keep_adds_up() {
        for round in 0..20 {
            let bucket = Arc::new(TokenBucket::with_clock(Limit::per_second(1000), ManualClock::new()).unwrap());
            let mut tasks = JoinSet::new();
            for i in 0..200 {
                let bucket = bucket.clone();
                tasks.spawn(async move {
                    let n = 1 + i % 10;
                    bucket.take(n).await.unwrap();
                    n
                });
            }
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            tasks.abort_all();
            let mut kept = 0;
            while let Some(end) = tasks.join_next().await {
                match end {
                    Ok(n) => kept += n,
                    Err(error) => assert!(error.is_cancelled(), "{error}"),
                }
            }
            assert_eq!(bucket.available(), 1000 - kept, "round {round}");
        }
    }
}

/// A runtime without a timer of its own, and real time: order and counts, and never early.
#[cfg(feature = "futures-timer")]
mod real_time {
    use std::sync::Arc;

    use tokio::task::JoinSet;
    use tollgate::clock::InstantClock;
    use tollgate::wait::FuturesTimer;

    use super::*;

    fn bucket() -> Arc<TokenBucket<InstantClock>> {
        Arc::new(TokenBucket::with_clock(Limit::per_second(2000).empty(), InstantClock::new()).unwrap())
    }

    #[test]
    fn without_a_timer_in_the_runtime_waiters_are_promised_in_order_and_none_is_early() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let bucket = bucket();
        runtime.block_on(async {
            let mut waiters = JoinSet::new();
            for _ in 0..50 {
                let bucket = bucket.clone();
                waiters.spawn(async move {
                    let mut place = bucket.reserve(1).unwrap();
                    let ready_at = place.ready_at();
                    place.wait_on(FuturesTimer).await.unwrap();
                    assert!(bucket.clock().now() >= ready_at.unwrap());
                    ready_at
                });
            }
            let mut promised = waiters.join_all().await;
            promised.sort_unstable();
            // The token of each is on the line by then.
            let on_the_line = promised.iter().zip(1..).all(|(at, n)| *at >= Some(nanos(n * MS / 2)));
            assert!(promised.len() == 50 && on_the_line, "{promised:?}");
        });
    }

    #[test]
    fn without_a_timer_in_the_runtime_fifty_are_served_beside_eight_who_take_one_each() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bucket = bucket();
        runtime.block_on(async {
            let mut ones = JoinSet::new();
            for _ in 0..8 {
                let bucket = bucket.clone();
                ones.spawn(async move {
                    loop {
                        bucket.take_on(1, FuturesTimer).await.unwrap();
                    }
                });
            }
            tokio::task::yield_now().await; // let them begin
            bucket.take_on(50, FuturesTimer).await.unwrap();
        });
        assert!(bucket.clock().now() >= nanos(25 * MS));
    }
}
