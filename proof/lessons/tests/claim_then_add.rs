//! Refill in two steps: claim the elapsed time by a compare-and-swap of the timestamp, then add its
//! tokens to another word. A thread between the two steps holds tokens that no word counts. Others
//! drain the bucket, and then it fills again at one instant.
//!
//! No user code runs between the two steps, so showing this takes threads and luck. The test prints
//! the peers' figures without asserting them. It asserts ours, in as many races.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lessons::{lesson, race};
use tollgate::clock::{ManualClock, Time};
use tollgate::{Limit, TokenBucket};

const BURST: u32 = 2;
const BATCH: usize = 5_000;
const PATIENCE: Duration = Duration::from_secs(3);

/// The number of races, of those over the burst, and the most grants of one.
#[derive(Default)]
struct Tally {
    races: usize,
    over: usize,
    most: u32,
}

impl Tally {
    fn add(&mut self, granted: &[u32]) {
        self.races += granted.len();
        self.over += granted.iter().filter(|granted| **granted > BURST).count();
        self.most = self.most.max(granted.iter().copied().max().unwrap_or(0));
    }

    /// Runs batches until one shows the fault, or the time is over.
    fn until_shown(mut batch: impl FnMut() -> Option<Vec<u32>>) -> Self {
        let (started, mut tally) = (Instant::now(), Self::default());
        while tally.over == 0 && started.elapsed() < PATIENCE {
            if let Some(granted) = batch() {
                tally.add(&granted);
            }
        }
        tally
    }

    fn report(&self, peer: &str, ours: &Self) {
        let Self { races, over, most } = self;
        lesson(
            peer,
            *over > 0,
            format!(
                "up to {most} grants at one instant from a burst of {BURST}, in {over} of {races} races of two threads"
            ),
            format!("never more than {} in {} races", ours.most, ours.races),
        );
    }
}

/// Races on our full bucket, idle for a second, as often as the peer's.
fn ours(races: usize) -> Tally {
    let mut tally = Tally::default();
    while tally.races < races {
        let bucket = || TokenBucket::with_clock(Limit::per_second(2), ManualClock::new()).unwrap();
        let buckets: Vec<_> = (0..BATCH).map(|_| bucket()).collect();
        let granted = race(&buckets, |bucket| bucket.at(Time::from_nanos(1_000_000_000)).try_take(1).is_ok());
        assert!(granted.iter().all(|granted| *granted == BURST), "{:?}", granted.iter().find(|n| **n != BURST));
        tally.add(&granted);
    }
    tally
}

/// A clock that stands still until it is set.
struct Still<'a>(&'a AtomicU64);

impl ratelimit::Clock for Still<'_> {
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl ratelock::Clock for Still<'_> {
    fn now_ns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn the_bound_holds_at_one_instant() {
    let theirs = Tally::until_shown(|| {
        let now = AtomicU64::new(0);
        let build = |_| ratelimit::Builder::with_clock(2, Still(&now)).initial_available(2).build().unwrap();
        let buckets: Vec<_> = (0..BATCH).map(build).collect();
        now.store(1_000_000_000, Ordering::Relaxed);
        Some(race(&buckets, |bucket| bucket.try_wait().is_ok()))
    });
    theirs.report("ratelimit 2.0.0", &ours(theirs.races));

    let theirs = Tally::until_shown(|| {
        let now = AtomicU64::new(0);
        let buckets: Vec<_> = (0..BATCH).map(|_| ratelock::RateLimiter::with_clock(2, 2, Still(&now))).collect();
        now.store(1_000_000_000, Ordering::Relaxed);
        Some(race(&buckets, |bucket| bucket.allow()))
    });
    theirs.report("ratelock 0.1.1", &ours(theirs.races));

    // The peer knows only the real clock. A token takes 500 ms, and a batch counts if all its races
    // end earlier. A third grant is then one too many for the whole batch.
    let theirs = Tally::until_shown(|| {
        let buckets: Vec<_> = (0..BATCH).map(|_| atomic_token_bucket::TokenBucket::new(2, 2, 2.0)).collect();
        std::thread::sleep(Duration::from_millis(510));
        let started = Instant::now();
        let granted = race(&buckets, |bucket| bucket.consume_tokens(1).is_ok());
        (started.elapsed() < Duration::from_millis(490)).then_some(granted)
    });
    theirs.report("atomic_token_bucket 0.1.0", &ours(theirs.races));
}
