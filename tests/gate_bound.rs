//! The bound of a gate, over every window: the widest limit keeps its own, a narrower one gains
//! what calls in progress had taken when the window began.

#![cfg(feature = "std")]

mod common;
mod timers;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use common::{Naive, Random, nanos};
use timers::Never;
use tollgate::clock::{InstantClock, ManualClock};
use tollgate::{Clock, Gate, Limit, MultiBucket, TokenBucket};

/// A call of a gate, and what it took of one limit.
#[derive(Clone, Copy, Debug)]
struct Call {
    /// The reading before it; of a call that does not wait, it is decided on this one.
    began: u64,
    /// When it is counted, if it was granted.
    at: u64,
    /// The reading after it.
    ended: u64,
    tokens: u64,
    granted: bool,
}

/// How many tokens too many were granted in the worst window, in `1 / period` of a token.
///
/// It is above 0 if the bound of `C + r * (w + e + late)` is broken. `held` says what may come on
/// top in a window that begins with a call.
///
/// The first grant of a window is made between the readings before and after the call that is
/// decided on the smallest one.
fn worst(limit: Limit, late: i128, calls: &[Call], held: impl Fn(&Call) -> u64) -> i128 {
    let model = Naive::new(limit);
    let (rate, period) = (i128::from(limit.rate.tokens()), limit.rate.period().as_nanos() as i128);
    let mut grants: Vec<_> = calls.iter().filter(|call| call.granted).collect();
    grants.sort_by_key(|call| call.at);
    let (mut sum, mut least, mut worst) = (0, i128::MAX, i128::MIN);
    for grant in grants {
        let accrued = rate * i128::from(grant.at);
        least = least.min(sum - accrued + i128::from(held(grant)) * period);
        sum += i128::from(grant.tokens) * period;
        let allowed = i128::from(limit.capacity) * period + rate * (model.precision + late);
        worst = worst.max(sum - accrued - least - allowed);
    }
    worst
}

/// What calls may have held while another one was made.
struct Inside {
    began: Vec<(u64, u64)>,
    ended: Vec<(u64, u64)>,
}

impl Inside {
    fn new<'a>(calls: impl Iterator<Item = &'a Call> + Clone) -> Self {
        let sums = |time: fn(&Call) -> u64| {
            let mut sums: Vec<_> = calls.clone().map(|call| (time(call), call.tokens)).collect();
            sums.sort_unstable();
            let mut sum = 0;
            for (_, tokens) in &mut sums {
                sum += *tokens;
                *tokens = sum;
            }
            sums
        };
        Self { began: sums(|call| call.began), ended: sums(|call| call.ended) }
    }

    /// What those take that began before the second instant, and did not end before the first.
    fn between(&self, from: u64, to: u64) -> u64 {
        let sum = |sums: &[(u64, u64)], count: usize| count.checked_sub(1).map_or(0, |last| sums[last].1);
        let began = sum(&self.began, self.began.partition_point(|(time, _)| *time <= to));
        began - sum(&self.ended, self.ended.partition_point(|(time, _)| *time < from))
    }
}

/// Threads that share a narrow limit, and others that only take from the wide one, so that calls
/// lose races.
#[test]
fn threads_get_of_each_limit_no_more_than_its_bound_in_any_window() {
    const GATES: u64 = 3;
    let limit = Limit::per_second(50_000).capacity(20);
    let wide_limit = Limit::per_second(40_000).capacity(6);
    let mut lost = 0;
    for seed in 0..4 {
        let clock = &InstantClock::new();
        let narrow = &MultiBucket::with_clock([limit], clock).unwrap();
        let wide = &TokenBucket::with_clock(wide_limit, clock).unwrap();
        let reading = || clock.now().as_nanos();
        let origin = reading();
        // Of the gates, and of those who take from the wide limit alone.
        let caller = |id: u64| {
            let mut random = Random((seed << 8) | id);
            let (mut calls, mut others) = (Vec::new(), Vec::new());
            while reading() < origin + 60_000_000 {
                let (n, m) = (random.below(3) + 1, random.below(2) + 1);
                let began = reading();
                if id < GATES {
                    let answer = Gate::new().and(narrow, [n]).and(wide, m).at(nanos(began)).try_take();
                    let (granted, ended) = (answer.is_ok(), reading());
                    // What the narrow limit refused was not held.
                    let held_nothing = answer.is_err_and(|refused| refused.limit(0).unwrap().is_refused());
                    let tokens = if held_nothing { 0 } else { n };
                    calls.push(Call { began, at: began, ended, tokens, granted });
                    others.push(Call { began, at: began, ended, tokens: m, granted });
                } else {
                    let granted = wide.at(nanos(began)).try_take(m).is_ok();
                    others.push(Call { began, at: began, ended: reading(), tokens: m, granted });
                }
            }
            (calls, others)
        };
        let logs: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..GATES + 1).map(|id| scope.spawn(move || caller(id))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let (of_narrow, of_wide): (Vec<_>, Vec<_>) = logs.into_iter().unzip();
        let (of_narrow, of_wide) = (of_narrow.concat(), of_wide.concat());
        assert!(worst(wide_limit, 0, &of_wide, |_| 0) <= 0, "seed {seed}: the widest limit");
        let lost_calls = Inside::new(of_narrow.iter().filter(|call| !call.granted));
        let held = |grant: &Call| lost_calls.between(grant.began, grant.ended);
        assert!(worst(limit, 0, &of_narrow, held) <= 0, "seed {seed}: the narrow limit");
        let granted = of_narrow.iter().filter(|call| call.granted).count() as u64;
        assert!(granted > 50, "seed {seed}: {granted}");
        // A grant publishes once; a call that loses a race publishes twice.
        lost += (narrow.snapshot().sequence() - granted) / 2;
    }
    println!("calls that gave back what they had taken: {lost}");
}

type Shared = Arc<ManualClock>;
type Wait<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

fn poll(wait: &mut Wait<'_>) -> Poll<bool> {
    wait.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// What was used of the narrow and of the wide limit by calls that wait, are dropped, and take at
/// once, on a clock that the test moves.
fn waits(seed: u64, limits: [Limit; 2], timeout: u64) -> [Vec<Call>; 2] {
    let clock = Shared::default();
    let [narrow, wide] = limits.map(|limit| TokenBucket::with_clock(limit, Arc::clone(&clock)).unwrap());
    let mut random = Random(seed);
    let mut inside: Vec<(Wait<'_>, [u64; 2], u64)> = Vec::new();
    let mut calls: [Vec<Call>; 2] = Default::default();
    let mut log = |amounts: [u64; 2], began, now, granted| {
        for (calls, tokens) in calls.iter_mut().zip(amounts) {
            calls.push(Call { began, at: now, ended: now, tokens, granted });
        }
    };
    for _ in 0..6000 {
        clock.advance(Duration::from_micros(random.below(900)));
        let now = clock.now().as_nanos();
        let gate = |[n, m]: [u64; 2]| Gate::new().and(&narrow, n).and(&wide, m);
        match random.below(8) {
            0..3 => {
                let amounts = [random.below(3) + 1, random.below(3) + 1];
                let wait = gate(amounts).take_timeout_on(Duration::from_nanos(timeout), Never);
                inside.push((Box::pin(async move { wait.await.is_ok() }), amounts, now));
            }
            3 => {
                let amounts = [1, 1];
                log(amounts, now, now, gate(amounts).try_take().is_ok());
            }
            4 if !inside.is_empty() && random.below(4) == 0 => {
                let (wait, amounts, began) = inside.swap_remove(random.below(inside.len() as u64) as usize);
                drop(wait);
                log(amounts, began, now, false);
            }
            _ => {}
        }
        inside.retain_mut(|(wait, amounts, began)| match poll(wait) {
            Poll::Ready(granted) => {
                log(*amounts, *began, now, granted);
                false
            }
            Poll::Pending => true,
        });
    }
    calls
}

/// At use: what a window's calls used, each when it went through the last limit.
#[test]
fn calls_that_wait_use_of_each_limit_no_more_than_its_bound_in_any_window() {
    let late = Duration::from_millis(10).as_nanos() as i128;
    let (mut used, mut refused) = (0, 0);
    for seed in 0..12 {
        let limits = if seed % 2 == 0 {
            [Limit::per_second(1000).capacity(8), Limit::per_second(500).capacity(5)]
        } else {
            [Limit::per_second(500).capacity(20), Limit::per_second(1000).capacity(5).empty()]
        };
        let timeout = [5_000_000, 40_000_000, 200_000_000][seed as usize % 3];
        let [narrow, wide] = waits(seed, limits, timeout);
        assert!(worst(limits[1], late, &wide, |_| 0) <= 0, "seed {seed}: the widest limit");
        // What calls hold that wait, at the most: all of those that are inside.
        let most = limits[0].capacity + limits[0].rate.tokens() * timeout / 1_000_000_000 + 1;
        let inside = Inside::new(narrow.iter());
        let held = |grant: &Call| inside.between(grant.at, grant.at).min(most);
        assert!(worst(limits[0], late, &narrow, held) <= 0, "seed {seed}: the narrow limit");
        used += narrow.iter().filter(|call| call.granted).count();
        refused += narrow.iter().filter(|call| !call.granted).count();
    }
    assert!(used > 2000 && refused > 2000, "{used} used, {refused} refused");
}

/// The term for what calls hold is needed: they pass the narrow limit over a second, and are all
/// used at once.
#[test]
fn calls_that_wait_at_a_wide_limit_are_used_at_once_when_it_opens() {
    let clock = Shared::default();
    let narrow_limit = Limit::per_second(10).capacity(1);
    let narrow = TokenBucket::with_clock(narrow_limit, Arc::clone(&clock)).unwrap();
    let wide = MultiBucket::with_clock([Limit::per_hour(1).capacity(10).empty()], Arc::clone(&clock)).unwrap();
    let mut inside: Vec<Wait<'_>> = Vec::new();
    for _ in 0..5 {
        let wait = Gate::new().and(&narrow, 1).and(&wide, [1]).take_on(Never);
        inside.push(Box::pin(async move { wait.await.is_ok() }));
        assert!(inside.iter_mut().all(|wait| poll(wait).is_pending()));
        clock.advance(Duration::from_millis(100));
    }
    wide.put_back([5]);
    let now = clock.now().as_nanos();
    let used = inside.iter_mut().map(poll).filter(|answer| *answer == Poll::Ready(true)).count();
    assert_eq!(used, 5);
    let call = |began| Call { began, at: now, ended: now, tokens: 1, granted: true };
    let calls: Vec<Call> = (0..5).map(|i| call(i * 100_000_000)).collect();
    let late = Duration::from_millis(10).as_nanos() as i128;
    assert!(worst(narrow_limit, late, &calls, |_| 0) > 0, "more than its own bound");
    assert!(worst(narrow_limit, late, &calls, |_| 5) <= 0, "five were held when the window began");
}
