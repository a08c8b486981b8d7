//! A caller that is refused sleeps for exactly as long as the refusal says, and tries again; beside
//! it, one that waits in its turn.
//!
//! Both keep to the limit. The wait of a refusal is exact if nobody else takes; here everybody
//! does, so most of those who wake together find that another was faster, and are refused again, in
//! no particular order. Whoever waits in turn is told once, sleeps once, and is served by the order
//! of coming. So: retry where there is something better to do meanwhile, or a choice to be made
//! anew; otherwise wait.
//!
//! ```text
//! cargo run --release --example retry_after_refusal
//! ```

use std::thread;
use std::time::Duration;

use tollgate::{Clock, Limit, Refused, TokenBucket};

const THREADS: usize = 8;
const TAKES: u64 = 50;

/// What one thread saw.
#[derive(Clone, Copy, Default)]
struct Seen {
    refusals: u64,
    longest: Duration,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{THREADS} threads, {TAKES} tokens each, 400/s");
    run("retry after the refusal's wait", |bucket| {
        let mut refusals = 0;
        loop {
            match bucket.try_take(1) {
                Ok(()) => return Ok(refusals),
                Err(Refused::NotYet(refusal)) => {
                    refusals += 1;
                    thread::sleep(refusal.wait());
                }
                Err(never) => return Err(never),
            }
        }
    })?;
    let refusals = run("take_blocking", |bucket| bucket.take_blocking(1).map(|()| 0))?;
    assert_eq!(refusals, 0);
    Ok(())
}

/// All threads take all their tokens by `take`, which says how often it was refused.
fn run(
    name: &str,
    take: impl Fn(&TokenBucket) -> Result<u64, Refused> + Sync,
) -> Result<u64, Box<dyn std::error::Error>> {
    let limit = Limit::per_second(400).capacity(10);
    let bucket = TokenBucket::new(limit)?;
    let clock = bucket.clock();
    let start = clock.now();
    let one = || -> Result<Seen, Refused> {
        let mut seen = Seen::default();
        for _ in 0..TAKES {
            let called = clock.now();
            seen.refusals += take(&bucket)?;
            seen.longest = seen.longest.max(clock.now().since(called));
        }
        Ok(seen)
    };
    let seen = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(one));
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect::<Result<Vec<_>, _>>()
    })?;

    let took = clock.now().since(start);
    let granted = THREADS as u64 * TAKES;
    let refusals = seen.iter().map(|seen| seen.refusals).sum();
    let longest = seen.iter().map(|seen| seen.longest).max().unwrap_or_default();
    // The bucket is a moment older than `start`, but it was full from then on.
    assert!(granted as f64 <= limit.capacity as f64 + 400.0 * took.as_secs_f64(), "{granted} in {took:?}");
    println!("  {name:<31} {refusals:>5} refusals, longest call {:>4} ms, {took:.2?} in all", longest.as_millis());
    Ok(refusals)
}
