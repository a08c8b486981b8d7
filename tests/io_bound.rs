//! The bound of paced bytes in every window of virtual time, and how much of the rate they use:
//! with timers that are late, readers that stall, limits that change, and over years.
#![cfg(all(feature = "io", feature = "tokio"))]

mod common;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use common::Random;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::time::{Instant, Sleep};
use tollgate::clock::TokioClock;
use tollgate::io::{Payer, ThrottledRead};
use tollgate::wait::Timer;
use tollgate::{Limit, MultiBucket, Rate, TokenBucket};

const GRACE: u128 = 10_000_000;

/// Tokio's timer, late by up to so many microseconds at random.
#[derive(Clone)]
struct Late(u64, Arc<Mutex<Random>>);

impl Late {
    fn new(micros: u64, seed: u64) -> Self {
        Self(micros, Arc::new(Mutex::new(Random(seed))))
    }
}

impl Timer for Late {
    type Sleep = Sleep;

    fn sleep(&self, duration: Duration) -> Sleep {
        let late = Duration::from_micros(self.1.lock().unwrap().below(self.0 + 1));
        tokio::time::sleep((duration + late).min(Duration::from_secs(1 << 31)))
    }
}

/// Bytes without end. It logs when how many passed, and may stall at random.
struct Endless {
    log: Arc<Mutex<Vec<(Instant, u64)>>>,
    random: Random,
    stalls: u64,
    stall: Option<Pin<Box<Sleep>>>,
}

impl Endless {
    /// Stalls in one of so many reads; never with 0.
    fn new(stalls: u64, seed: u64) -> Self {
        Self { log: Arc::default(), random: Random(seed), stalls, stall: None }
    }
}

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stalls = self.stalls;
        if self.stall.is_none() && stalls > 0 && self.random.below(stalls) == 0 {
            let millis = self.random.below(400);
            self.stall = Some(Box::pin(tokio::time::sleep(Duration::from_millis(millis))));
        }
        if let Some(stall) = &mut self.stall {
            ready!(stall.as_mut().poll(context));
            self.stall = None;
        }
        let most = buffer.remaining() as u64;
        let some = if stalls > 0 { 1 + self.random.below(most) } else { most };
        buffer.initialize_unfilled_to(some as usize);
        buffer.advance(some as usize);
        self.log.lock().unwrap().push((Instant::now(), some));
        Poll::Ready(Ok(()))
    }
}

/// Checks each window that begins at an entry, and ends at one: `(instant, bytes, held before)`.
fn audit(limit: Limit, start: Instant, log: &[(Instant, u64, u64)], what: &str) {
    let (tokens, period) = (u128::from(limit.rate.tokens()), limit.rate.period().as_nanos());
    let precision = limit.precision().unwrap().as_nanos();
    let most = u128::from(limit.capacity) * period + tokens * (precision + GRACE);
    let (mut sum, mut least) = (0_i128, i128::MAX);
    for &(at, bytes, held) in log {
        let accrued = (tokens * (at - start).as_nanos()) as i128;
        least = least.min(sum - accrued + i128::from(held) * period as i128);
        sum += i128::from(bytes) * period as i128;
        let over = sum - accrued - least - most as i128;
        assert!(over <= 0, "{what}: {limit}: {over}/{period} bytes too many at {:?}", at - start);
    }
}

#[tokio::test(start_paused = true)]
async fn every_window_holds_the_bound_and_what_was_held() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let rate = [300, 10_000, 1_000_000][random.below(3) as usize];
        let capacity = [rate, 1 + random.below(rate), 1 + random.below(rate / 20)][random.below(3) as usize];
        let limit = Limit::per_second(rate).capacity(capacity);
        let chunk = 1 + random.below(2 * capacity);
        let what = &format!("seed {seed}, chunk {chunk}");
        let bucket = Arc::new(TokenBucket::with_clock(limit, TokioClock::new()).unwrap());
        let payer = Payer::on(Late::new(3000, seed)).and(Arc::clone(&bucket), 1).chunk(chunk);
        let inner = Endless::new([0, 3, 30][random.below(3) as usize], seed);
        let log = Arc::clone(&inner.log);
        let mut reader = ThrottledRead::new(inner, payer);
        let (start, mut seen) = (Instant::now(), Vec::new());
        while start.elapsed() < Duration::from_secs(20) && seen.len() < 4000 {
            let mut out = vec![0; 1 + random.below(70_000) as usize];
            // A read that is given up at some poll, and begun again, is the same.
            let mut polls = random.below(6);
            let read = std::future::poll_fn(|context| {
                let held = reader.payer().held();
                let polled = Pin::new(&mut reader).poll_read(context, &mut ReadBuf::new(&mut out));
                seen.extend(log.lock().unwrap().drain(..).map(|(at, bytes)| (at, bytes, held)));
                if polled.is_pending() && polls == 0 {
                    return Poll::Ready(None);
                }
                polls = polls.saturating_sub(1);
                polled.map(Some)
            });
            let read = read.await;
            assert!(reader.payer().held() <= chunk.min(capacity), "{what}: {} held", reader.payer().held());
            if read.is_none() {
                tokio::time::sleep(Duration::from_millis(random.below(5))).await;
            }
            if random.below(200) == 0 {
                tokio::time::sleep(Duration::from_millis(random.below(2000))).await;
            }
        }
        audit(limit, start, &seen, what);
    }
}

/// From an empty bucket, by readers that always have something and timers late by up to 1 ms.
#[tokio::test(start_paused = true)]
async fn a_copy_uses_99_percent_of_its_rate_and_never_more() {
    for (rate, capacity) in
        [(1 << 20, 1 << 20), (1 << 20, 20_000), (100 << 20, 2 << 20), (1 << 30, 1 << 30), (1 << 30, 20 << 20)]
    {
        let limit = Limit::per_second(rate).capacity(capacity).empty();
        let bucket = Arc::new(TokenBucket::with_clock(limit, TokioClock::new()).unwrap());
        let mut reader = ThrottledRead::new(Endless::new(0, 1), Payer::on(Late::new(1000, 1)).and(bucket, 1));
        let (start, mut bytes, mut out) = (Instant::now(), 0, vec![0; 64 << 10]);
        while start.elapsed() < Duration::from_secs(10) {
            bytes += reader.read(&mut out).await.unwrap() as u64;
        }
        let share = bytes as f64 / (rate as f64 * start.elapsed().as_secs_f64());
        assert!((0.99..=1.0).contains(&share), "{limit}: {share}");
    }
}

/// Small writes wait for little more than they are.
#[tokio::test(start_paused = true)]
async fn a_byte_of_a_slow_limit_waits_for_little_more_than_itself() {
    let limit = Limit::per_second(1000).empty();
    let bucket = Arc::new(TokenBucket::with_clock(limit, TokioClock::new()).unwrap());
    let mut reader = ThrottledRead::new(Endless::new(0, 1), Payer::new().and(bucket, 1));
    let start = Instant::now();
    reader.read_u8().await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn readers_of_one_bucket_get_equal_shares_in_turn() {
    for latest in [0, 2000] {
        let limit = Limit::per_second(1_000_000).capacity(50_000);
        let bucket = Arc::new(TokenBucket::with_clock(limit, TokioClock::new()).unwrap());
        let (start, mut all) = (Instant::now(), Vec::new());
        let logs: Vec<_> = (0..10)
            .map(|i| {
                let inner = Endless::new(0, i);
                let log = Arc::clone(&inner.log);
                let payer = Payer::on(Late::new(latest, i)).and(Arc::clone(&bucket), 1);
                let mut reader = ThrottledRead::new(inner, payer);
                tokio::spawn(async move {
                    // Buffers of all sizes: a larger one is served no sooner.
                    let mut out = vec![0; 100 << i];
                    loop {
                        assert!(reader.read(&mut out).await.unwrap() > 0);
                    }
                });
                log
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let sums: Vec<u64> = logs.iter().map(|log| log.lock().unwrap().iter().map(|(_, bytes)| bytes).sum()).collect();
        let (least, most) = (sums.iter().min().unwrap(), sums.iter().max().unwrap());
        assert!(*most as f64 <= 1.05 * *least as f64, "late by {latest}: {sums:?}");
        assert!(sums.iter().sum::<u64>() >= 59_400_000, "late by {latest}: {sums:?}");
        // Each may hold a chunk of what 20 ms refill.
        for log in &logs {
            all.extend(log.lock().unwrap().iter().map(|(at, bytes)| (*at, *bytes, 10 * 20_000)));
        }
        all.sort_by_key(|(at, ..)| *at);
        audit(limit, start, &all, "ten readers");
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_changes_of_limits_neither_fail_a_read_nor_stall_it_nor_break_the_bound() {
    for seed in 0..8 {
        let mut random = Random(seed);
        let first = Limit::per_second(100_000).capacity(100_000);
        let bucket = Arc::new(MultiBucket::with_clock([first], TokioClock::new()).unwrap());
        let inner = Endless::new(0, seed);
        let log = Arc::clone(&inner.log);
        let mut reader =
            ThrottledRead::new(inner, Payer::on(Late::new(1000, seed)).and(bucket.clone(), [1]).chunk(50_000));
        let task = tokio::spawn(async move {
            let mut out = vec![0; 64 << 10];
            loop {
                assert!(reader.read(&mut out).await.expect("no change fails a read") > 0);
            }
        });
        // Capacities from one byte to more than a chunk, rates of 0, and pauses.
        let (start, mut accrued, mut rate, mut since) = (Instant::now(), 0.0, 100_000.0, Instant::now());
        for _ in 0..1000 {
            tokio::time::sleep(Duration::from_millis(random.below(60))).await;
            accrued += rate * since.elapsed().as_secs_f64();
            since = Instant::now();
            let limit = Limit::per_second([0, 1, 1000, 1_000_000][random.below(4) as usize])
                .capacity([1, 30, 10_000, 100_000][random.below(4) as usize]);
            match random.below(10) {
                0 => bucket.pause_for(Duration::from_millis(random.below(200))),
                _ => bucket.set_limit(limit).unwrap(),
            }
            rate = bucket.limit().rate.tokens() as f64;
        }
        accrued += rate * since.elapsed().as_secs_f64();
        let most = accrued + 100_000.0 + 50_000.0 + 1_000_000.0 * 0.01;
        let bytes: u64 = log.lock().unwrap().iter().map(|(_, bytes)| bytes).sum();
        assert!(bytes as f64 <= most, "seed {seed}: {bytes} of {most} in {:?}", start.elapsed());
        // It goes on at the last rate.
        bucket.resume();
        bucket.set_limit(Limit::per_second(1_000_000).capacity(50_000)).unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        log.lock().unwrap().clear();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let bytes: u64 = log.lock().unwrap().iter().map(|(_, bytes)| bytes).sum();
        assert!((980_000..=1_060_000).contains(&bytes), "seed {seed}: {bytes} in the last second");
        assert!(!task.is_finished());
        task.abort();
    }
}

/// A burst a day, by a limit that refills in a day, and one that does within a second.
#[tokio::test(start_paused = true)]
async fn over_700_days_of_idle_and_bursts_no_byte_is_lost_or_won() {
    let day = Duration::from_secs(24 * 3600);
    let quota = Limit::new(Rate::new(100_000, day).unwrap(), 100_000);
    let bucket = Arc::new(MultiBucket::with_clock([quota, Limit::per_second(50_000)], TokioClock::new()).unwrap());
    let mut reader = ThrottledRead::new(Endless::new(0, 1), Payer::new().and(bucket.clone(), [1, 1]));
    let mut out = vec![0; 4000];
    for number in 0..700 {
        let start = Instant::now();
        let mut bytes = 0;
        // Some days take nearly all of the quota, some a part.
        let wanted = if number % 3 == 0 { 99_000 } else { 10_000 };
        while bytes < wanted {
            bytes += reader.read(&mut out).await.unwrap();
        }
        assert!(start.elapsed() < Duration::from_secs(3), "day {number}: {:?}", start.elapsed());
        let [left, _] = bucket.available();
        let taken = bytes as u64 + reader.payer().held();
        let refilled = 100_000 * start.elapsed().as_nanos() / day.as_nanos();
        assert!(left.abs_diff(100_000 - taken + refilled as u64) <= 1, "day {number}: {left} left, {taken} taken");
        tokio::time::sleep(day).await;
        reader.payer_mut().give_back();
        assert_eq!(bucket.available(), [100_000, 50_000], "day {number}");
    }
}
