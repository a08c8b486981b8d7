//! Owns the limiters, each as a small adapter. It never counts anything.

use std::future::Future;
use std::thread;
use std::time::Duration;

use leaky_bucket::RateLimiter;
use tokio::sync::Mutex;
use tollgate::TokenBucket;
use tollgate::wait::Timer;

use crate::case::{CAPACITY, Case, GRACE};
use crate::stopwatch::Stopwatch;

/// What is left in a limiter when all callers have gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// Tokens of a capacity of 1 that are there.
    pub(crate) tokens: u64,
    /// Whether nobody is left in the line.
    pub(crate) is_empty: bool,
}

/// A limiter that callers wait on, each for one token.
pub(crate) trait Contestant: Send + Sync + Sized + 'static {
    const NAME: &'static str;

    fn new(case: &Case, clock: Stopwatch) -> Self;

    fn take<T>(&self, timer: T) -> impl Future<Output = ()> + Send
    where
        T: Timer<Sleep: Send> + Copy + Send + Sync;

    /// Looks at what is left, some time after the last caller has gone.
    fn rest(&self) -> Rest;
}

/// Waits until a limiter is full again, if nothing was lost.
fn refill(rate: u64) {
    thread::sleep(2 * GRACE + 2 * Duration::from_secs(1) / u32::try_from(rate).expect("a small rate"));
}

#[derive(Debug)]
pub(crate) struct Tollgate(TokenBucket<Stopwatch>, u64);

impl Contestant for Tollgate {
    const NAME: &'static str = "tollgate";

    fn new(case: &Case, clock: Stopwatch) -> Self {
        Self(TokenBucket::with_clock(case.limit(), clock).expect("a good limit"), case.rate)
    }

    async fn take<T>(&self, timer: T)
    where
        T: Timer<Sleep: Send> + Copy + Send + Sync,
    {
        self.0.take_on(1, timer).await.expect("the line has no bounds");
    }

    fn rest(&self) -> Rest {
        refill(self.1);
        let tokens = self.0.available();
        // While somebody is in the line, a charge forgets nothing of what accrued above the
        // capacity. Then a token is left.
        self.0.charge(CAPACITY).expect("a small amount");
        Rest { tokens, is_empty: self.0.available() == 0 }
    }
}

/// Leaky-bucket in its default mode, which is fair.
///
/// It sleeps on tokio's timer, on any runtime.
#[derive(Debug)]
pub(crate) struct LeakyBucket(RateLimiter, u64);

impl Contestant for LeakyBucket {
    const NAME: &'static str = "leaky-bucket";

    fn new(case: &Case, _: Stopwatch) -> Self {
        let interval = Duration::from_secs(1) / u32::try_from(case.rate).expect("a small rate");
        let builder = &mut RateLimiter::builder();
        Self(builder.initial(0).max(CAPACITY as usize).refill(1).interval(interval).build(), case.rate)
    }

    async fn take<T>(&self, _: T)
    where
        T: Timer<Sleep: Send> + Copy + Send + Sync,
    {
        self.0.acquire_one().await;
    }

    fn rest(&self) -> Rest {
        refill(self.1);
        let tokens = u64::from(self.0.try_acquire(1));
        Rest { tokens, is_empty: tokens == CAPACITY }
    }
}

/// A plain line, first come, first served, whose first sleeps and takes at use.
#[derive(Debug)]
pub(crate) struct Fifo {
    line: Mutex<()>,
    bucket: TokenBucket<Stopwatch>,
    rate: u64,
}

impl Contestant for Fifo {
    const NAME: &'static str = "plain line";

    fn new(case: &Case, clock: Stopwatch) -> Self {
        let bucket = TokenBucket::with_clock(case.limit(), clock).expect("a good limit");
        Self { line: Mutex::new(()), bucket, rate: case.rate }
    }

    async fn take<T>(&self, timer: T)
    where
        T: Timer<Sleep: Send> + Copy + Send + Sync,
    {
        let _first = self.line.lock().await;
        while let Err(refused) = self.bucket.try_take(1) {
            timer.sleep(refused.wait().expect("it refills")).await;
        }
    }

    fn rest(&self) -> Rest {
        refill(self.rate);
        Rest { tokens: self.bucket.available(), is_empty: self.line.try_lock().is_ok() }
    }
}
