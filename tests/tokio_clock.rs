//! Under tokio's paused time, a wait on tokio's clock is one sleep and ends at the exact instant.
#![cfg(feature = "tokio")]

mod common;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use tokio::time::Instant;
use tollgate::clock::{Time, TokioClock};
use tollgate::wait::{Timer, TokioTimer};
use tollgate::{Clock, LeakyBucket, Limit, MultiBucket, TokenBucket};

const MS: Duration = Duration::from_millis(1);

/// Tokio's timer; counts the sleeps that it is asked for.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicU64>);

impl Timer for Counting {
    type Sleep = tokio::time::Sleep;

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.0.fetch_add(1, SeqCst);
        TokioTimer.sleep(duration)
    }
}

/// What a wait came to: whether it was served, the virtual time that passed, the sleeps, the polls.
async fn waited<T, E>(
    timer: &Counting,
    wait: impl Future<Output = Result<T, E>>,
) -> (Result<(), E>, Duration, u64, u64) {
    let (start, sleeps, mut polls) = (Instant::now(), timer.0.load(SeqCst), 0);
    let mut wait = pin!(wait);
    let output = poll_fn(|context| {
        polls += 1;
        wait.as_mut().poll(context)
    })
    .await;
    (output.map(drop), start.elapsed(), timer.0.load(SeqCst) - sleeps, polls)
}

fn ten_per_second() -> TokenBucket<TokioClock> {
    TokenBucket::with_clock(Limit::per_second(10).empty(), TokioClock::new()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_take_is_one_sleep_and_ends_at_the_exact_instant() {
    let (bucket, timer) = (ten_per_second(), Counting::default());
    assert_eq!(waited(&timer, bucket.take_on(2, &timer)).await, (Ok(()), 200 * MS, 1, 2));
    let within = bucket.take_timeout_on(3, 300 * MS, &timer);
    assert_eq!(waited(&timer, within).await, (Ok(()), 300 * MS, 1, 2));
    let (refused, passed, sleeps, polls) = waited(&timer, bucket.take_timeout_on(3, 299 * MS, &timer)).await;
    assert_eq!((refused.unwrap_err().wait(), passed, sleeps, polls), (Some(300 * MS), Duration::ZERO, 0, 1));
    assert_eq!(waited(&timer, bucket.until_available_on(1, &timer)).await, (Ok(()), 100 * MS, 1, 2));
    assert_eq!(bucket.clock().now(), Time::ZERO.after(600 * MS));
}

#[tokio::test(start_paused = true)]
async fn takes_on_the_timer_of_tokio_end_at_the_exact_instant() {
    let (bucket, start) = (ten_per_second(), Instant::now());
    bucket.take(2).await.unwrap();
    assert_eq!(start.elapsed(), 200 * MS);
    bucket.take_timeout(10, Duration::from_secs(1)).await.unwrap();
    assert_eq!(start.elapsed(), 1200 * MS);
    let cut = tokio::time::timeout(50 * MS, bucket.take(1)).await;
    assert_eq!((cut.is_err(), start.elapsed()), (true, 1250 * MS));
}

#[tokio::test(start_paused = true)]
async fn a_reservation_of_an_hour_is_one_sleep() {
    let (bucket, timer) = (ten_per_second(), Counting::default());
    let mut place = bucket.reserve_oversized(36_000).unwrap();
    let hour = Duration::from_secs(3600);
    let (ready, passed, sleeps, polls) = waited(&timer, place.wait_on(&timer)).await;
    assert!(ready.is_ok());
    assert_eq!((passed, sleeps, polls), (hour, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn several_streams_and_a_leaky_bucket_wait_in_one_sleep() {
    let (clock, timer) = (TokioClock::new(), Counting::default());
    let limits = [Limit::per_second(1000).empty(), Limit::per_second(10).empty()];
    let bucket = MultiBucket::with_clock(limits, clock).unwrap();
    assert_eq!(waited(&timer, bucket.take_on([1, 4], &timer)).await, (Ok(()), 400 * MS, 1, 2));
    let mut place = bucket.reserve([0, 2]).unwrap();
    let (ready, passed, sleeps, _) = waited(&timer, place.wait_on(&timer)).await;
    assert_eq!((ready.is_ok(), passed, sleeps), (true, 200 * MS, 1));
    let leaky = LeakyBucket::full_with_clock(Limit::per_second(10), clock).unwrap();
    assert_eq!(waited(&timer, leaky.add_on(3, &timer)).await, (Ok(()), 300 * MS, 1, 2));
}

#[cfg(feature = "keys")]
#[tokio::test(start_paused = true)]
async fn a_key_waits_in_one_sleep() {
    use tollgate::KeyedBuckets;

    let timer = Counting::default();
    let clients =
        KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10).empty(), 1000, TokioClock::new()).unwrap();
    let alice = clients.bucket("alice");
    assert_eq!(waited(&timer, alice.take_on(2, &timer)).await, (Ok(()), 200 * MS, 1, 2));
    assert_eq!(waited(&timer, alice.take_timeout_on(2, 200 * MS, &timer)).await, (Ok(()), 200 * MS, 1, 2));
    let mut place = alice.reserve(1).unwrap();
    let (_, passed, sleeps, _) = waited(&timer, place.wait_on(&timer)).await;
    assert_eq!((passed, sleeps), (100 * MS, 1));
}

#[tokio::test(start_paused = true)]
async fn an_instant_between_two_milliseconds_ends_at_the_next_one() {
    let (clock, timer) = (TokioClock::new(), Counting::default());
    let bucket = TokenBucket::with_clock(Limit::per_second(3).empty(), clock).unwrap();
    for thirds in 1..=30_u32 {
        let (taken, _, sleeps, polls) = waited(&timer, bucket.take_on(1, &timer)).await;
        assert_eq!((taken, sleeps, polls), (Ok(()), 1, 2), "{thirds}");
        let exact = Duration::from_secs(thirds.into()) / 3;
        let late = clock.now().since(Time::ZERO).checked_sub(exact).expect("not before its turn");
        assert!(late <= MS, "{thirds}: {late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn copies_share_an_origin_and_other_clocks_do_not() {
    let clock = TokioClock::new();
    tokio::time::advance(5 * MS).await;
    let (copy, other) = (clock, TokioClock::new());
    assert_eq!((clock.now(), copy.now()), (Time::ZERO.after(5 * MS), Time::ZERO.after(5 * MS)));
    assert_eq!((other.now(), other.origin() - clock.origin()), (Time::ZERO, 5 * MS));
    tokio::time::advance(7 * MS).await;
    assert_eq!((copy.now(), other.now()), (Time::ZERO.after(12 * MS), Time::ZERO.after(7 * MS)));
    assert_eq!(TokioClock::starting_at(other.origin()).now(), other.now());
}

/// The warning of `TokioTimer`: why a test needs tokio's clock.
#[tokio::test(start_paused = true)]
async fn on_another_clock_a_wait_spins_through_virtual_time() {
    let timer = Counting::default();
    let bucket = TokenBucket::new(Limit::per_second(100).empty()).unwrap();
    let (taken, passed, sleeps, _) = waited(&timer, bucket.take_on(5, &timer)).await;
    assert_eq!(taken.map(drop), Ok(()));
    assert!(sleeps > 2 && passed > 100 * MS, "{sleeps} sleeps, {passed:?} of virtual time");
}

/// `TokioTimer` wakes at whole milliseconds. What refills while one caller sleeps, beyond the
/// capacity, nobody else wants.
#[tokio::test(start_paused = true)]
async fn one_caller_who_waits_for_each_item_gets_the_rate_where_the_capacity_is_a_tick() {
    for (rate, capacity, least) in [
        (300, 1, 0.98),
        (1000, 1, 0.98),
        (1500, 2, 0.98),
        (5000, 5, 0.98),
        (10_000, 10, 0.98),
        (10_000, 20, 0.98),
        (10_000, 1, 0.19),
    ] {
        let limit = Limit::per_second(rate).capacity(capacity).empty();
        let (bucket, start) = (TokenBucket::with_clock(limit, TokioClock::new()).unwrap(), Instant::now());
        for _ in 0..2 * rate {
            bucket.take(1).await.unwrap();
        }
        let got = 2.0 / start.elapsed().as_secs_f64();
        assert!(got > least, "{got} of {limit}");
    }
}
