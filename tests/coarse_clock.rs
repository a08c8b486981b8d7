//! The kernel's coarse clock: never ahead of the precise one with which it shares the origin.
#![cfg(all(feature = "coarse-clock", any(target_os = "linux", target_os = "android")))]

use std::thread;
use std::time::{Duration, Instant};

use tollgate::clock::{CoarseClock, Tiered, Time, UptimeClock};
use tollgate::{Clock, Limit, TokenBucket};

#[test]
fn a_tick_is_a_part_of_a_second_that_does_not_change() {
    let tick = CoarseClock::tick();
    assert!(tick > Duration::ZERO && tick < Duration::from_secs(1), "{tick:?}");
    assert_eq!(CoarseClock::tick(), tick);
}

#[test]
fn all_of_them_share_one_origin_and_follow_the_precise_clock() {
    let before = UptimeClock::new().now();
    let clocks = [CoarseClock::new(), CoarseClock::default()];
    let started = Instant::now();
    // It lags by ticks; it does not stand.
    while clocks[0].now() < before || clocks[1].now() < before {
        assert!(started.elapsed() < Duration::from_secs(60));
        thread::yield_now();
    }
    assert!(clocks[0].now() <= UptimeClock::default().now());
    assert_eq!(Tiered::uptime().precise(), &UptimeClock::new());
    assert_eq!(Tiered::<UptimeClock, CoarseClock>::default().coarse(), &CoarseClock::new());
}

#[test]
fn a_bucket_in_a_static_is_full_and_refuses_what_has_not_refilled() {
    static BUCKET: TokenBucket<Tiered<UptimeClock, CoarseClock>> =
        TokenBucket::const_new(Limit::per_day(10), Tiered::uptime());
    assert!(BUCKET.try_take(10).is_ok());
    assert!(BUCKET.try_take(1).is_err());
}

/// Two threads read both for a second.
#[test]
fn the_coarse_clock_is_never_ahead_of_the_precise_one() {
    let tiered = Tiered::uptime();
    let last = Duration::from_secs(1);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (started, mut moved) = (Instant::now(), Time::MAX);
                while started.elapsed() < last {
                    let rough = tiered.rough().expect("it always has one");
                    let now = tiered.now();
                    assert!(rough <= now, "{rough:?} is ahead of {now:?}");
                    moved = moved.min(rough);
                }
                assert!(moved < tiered.coarse().now(), "it stands");
            });
        }
    });
}
