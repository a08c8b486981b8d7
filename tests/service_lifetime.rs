//! A service over 700 days: clients come and go and hang up, limits change every day, the process
//! restarts, the clock is set back, and nobody is locked out, nothing leaks, and nothing is lost.
#![cfg(feature = "keys")]

mod common;
mod timers;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::Random;
use timers::Never;
use tollgate::clock::{ManualClock, Recovering, Time, WallTime};
use tollgate::gate::Charge;
use tollgate::{Clock, Gate, KeyedBuckets, Limit, MultiBucket};

const DAY: Duration = Duration::from_secs(86_400);
const STEP: Duration = Duration::from_millis(25);
const STEPS: u64 = 80;
const MOST_RATE: u64 = 120;

/// Who stays below the own limit: 2 requests a second of 10.
const POLITE: u64 = 7;

type Shown = Arc<Recovering<ManualClock>>;

fn service_limit(rate: u64) -> Limit {
    Limit::per_second(rate).capacity(rate / 2)
}

fn client_limits(rate: u64) -> [Limit; 2] {
    [Limit::per_second(rate).capacity(2 * rate), Limit::per_second(100 * rate)]
}

fn at_the_wall(clock: &Shown) -> WallTime {
    WallTime::from_unix_nanos(1_800_000_000_000_000_000 + clock.now().as_nanos())
}

#[test]
fn a_service_locks_nobody_out_and_loses_nothing_in_700_days() {
    let clock: Shown = Arc::new(Recovering::new(ManualClock::starting_at(Time::ZERO.after(DAY))));
    let clients = KeyedBuckets::<u64, 2, Shown>::with_clock(client_limits(10), 500, Arc::clone(&clock)).unwrap();
    let mut service = MultiBucket::<1, Shown>::with_clock([service_limit(100)], Arc::clone(&clock)).unwrap();
    let mut random = Random(16);
    let mut context = Context::from_waker(Waker::noop());
    let (mut granted, mut refused_by_service) = (0, 0);
    for day in 0..700 {
        let rate = 80 + random.below(MOST_RATE - 79);
        service.set_limit(service_limit(rate)).unwrap();
        clients.set_limits(client_limits(8 + random.below(5))).unwrap();
        let (mut used, mut came_back) = (0, 0);
        for step in 0..STEPS {
            clock.clock().advance(STEP);
            // Clients of this day, who flood; half of them hang up.
            for _ in 0..random.below(8) {
                let client = 1000 * (day + 1) + random.below(200);
                let gate =
                    Gate::new().and(clients.bucket(&client), [1, 0]).charged(Charge::OnAttempt).and(&service, [1]);
                match random.below(3) {
                    0 => {
                        // It hangs up while it waits.
                        let mut wait = pin!(gate.take_timeout_on(Duration::from_secs(1), Never));
                        if let Poll::Ready(Ok(_)) = wait.as_mut().poll(&mut context) {
                            used += 1;
                        }
                    }
                    1 => {
                        if let Ok(granted) = gate.admit() {
                            granted.put_back();
                            (used, came_back) = (used + 1, came_back + 1);
                        }
                    }
                    _ => {
                        if let Ok(granted) = gate.admit() {
                            let bytes = random.below(5000);
                            let settled = granted.settle(|limit, amounts| {
                                if limit == 0 {
                                    amounts[1] = bytes;
                                }
                            });
                            settled.unwrap();
                            used += 1;
                        }
                    }
                }
            }
            if step % 20 == 0 {
                let gate =
                    Gate::new().and(clients.bucket(&POLITE), [1, 0]).charged(Charge::OnAttempt).and(&service, [1]);
                match gate.admit() {
                    Ok(_) => (granted, used) = (granted + 1, used + 1),
                    Err(refused) => {
                        assert!(!refused.limit(0).unwrap().is_refused(), "day {day}, step {step}: {refused}");
                        refused_by_service += 1;
                    }
                }
            }
        }
        // In the window of these steps, by the largest limits of the day and the day before.
        let seconds = (STEPS * STEP.as_millis() as u64).div_ceil(1000);
        assert!(
            used <= MOST_RATE / 2 + MOST_RATE * seconds + came_back,
            "day {day}: {used}, of which {came_back} back"
        );
        if day % 30 == 29 {
            // A restart: what the old process had, the new one has.
            let next = MultiBucket::<1, Shown>::with_clock([service.limit()], Arc::clone(&clock)).unwrap();
            next.at(clock.now())
                .restore(&service.at(clock.now()).save(at_the_wall(&clock)), at_the_wall(&clock))
                .unwrap();
            assert_eq!(next.available(), service.available(), "day {day}");
            service = next;
        }
        if day % 100 == 99 {
            // Set back by an hour for good; it is believed once it has gone on for a second.
            let here = clock.clock().now().as_nanos();
            clock.clock().set(Time::from_nanos(here - 3_600_000_000_000));
            let before = clock.now();
            for _ in 0..3 {
                clock.clock().advance(Duration::from_secs(1));
                let _ = clock.now();
            }
            assert!(clock.now() > before, "it goes on");
        }
        clock.clock().advance(DAY);
        let _ = clock.now();
        clients.shrink();
        assert_eq!((clients.len(), service.available()), (0, [service.limit().capacity]), "after day {day}");
    }
    assert!(granted > 2000 && refused_by_service > 0, "{granted} granted, {refused_by_service} refused by the service");
}
