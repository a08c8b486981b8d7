//! Owns how keys are used by clients as they are: they refill between uses, come anew, come for the
//! first time, or are one hot key. Beside governor's dashmap limiter, interleaved in one run.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use benches::{Contestant, threads};
use governor::{Quota, RateLimiter};
use hdrhistogram::Histogram;
use tollgate::{KeyedBuckets, Limit};

use crate::contestants::Governor;
use crate::draws::{Spread, draws, mix};

const THREADS: usize = 2;
const ROUNDS: usize = 11;
const WINDOW: Duration = Duration::from_millis(60);
const DRAWS: usize = 1 << 18;
/// Full again within 100 ns, and never refused.
const FAST: u32 = 10_000_000;

/// A limiter of keys that are `u64`, one token a call.
trait Limiter: Sync {
    fn take(&self, key: &u64) -> bool;
}

impl Limiter for KeyedBuckets<u64> {
    #[inline]
    fn take(&self, key: &u64) -> bool {
        self.try_take(key, 1).is_ok()
    }
}

impl Limiter for KeyedBuckets<u64, 2> {
    #[inline]
    fn take(&self, key: &u64) -> bool {
        self.try_take(key, [1, 1]).is_ok()
    }
}

impl Limiter for Governor<u64> {
    #[inline]
    fn take(&self, key: &u64) -> bool {
        self.check_key(key).is_ok()
    }
}

/// Two of governor's, one after the other.
impl Limiter for [Governor<u64>; 2] {
    #[inline]
    fn take(&self, key: &u64) -> bool {
        self[0].check_key(key).is_ok() && self[1].check_key(key).is_ok()
    }
}

fn limit() -> Limit {
    Limit::per_second(FAST.into())
}

fn ours(keys: usize) -> KeyedBuckets<u64> {
    KeyedBuckets::new(limit(), keys).expect("a good limit")
}

fn two(keys: usize) -> KeyedBuckets<u64, 2> {
    KeyedBuckets::new([limit(); 2], keys).expect("good limits")
}

fn governor() -> Governor<u64> {
    RateLimiter::dashmap(Quota::per_second(NonZeroU32::new(FAST).expect("not 0")))
}

/// A burst that no run uses up, and next to no refill.
fn never_full(keys: usize) -> KeyedBuckets<u64> {
    KeyedBuckets::new(Limit::per_minute(1).capacity(u32::MAX.into()), keys).expect("a good limit")
}

fn governor_never_full() -> Governor<u64> {
    let (one, most) = (NonZeroU32::new(1).expect("not 0"), NonZeroU32::new(u32::MAX).expect("not 0"));
    RateLimiter::dashmap(Quota::per_minute(one).allow_burst(most))
}

/// A limiter, the keys that are drawn, and how many of a thousand calls are for a new key.
struct Asked<'a, L> {
    limiter: &'a L,
    draws: &'a [Vec<u32>; THREADS],
    new: u64,
    threads: AtomicU64,
    fresh: &'a AtomicU64,
}

struct Own<'a> {
    draws: &'a [u32],
    at: usize,
    random: u64,
    fresh: u64,
}

impl<L: Limiter> Contestant for Asked<'_, L> {
    type Own<'b>
        = Own<'b>
    where
        Self: 'b;

    fn own(&self) -> Own<'_> {
        let thread = self.threads.fetch_add(1, Relaxed);
        let fresh = self.fresh.fetch_add(1 << 32, Relaxed);
        Own { draws: &self.draws[thread as usize % THREADS], at: 0, random: thread, fresh }
    }

    #[inline(always)]
    fn decide(&self, own: &mut Own<'_>) -> bool {
        own.at = (own.at + 1) % DRAWS;
        let mut key = own.draws[own.at].into();
        if self.new > 0 && mix(&mut own.random) % 1000 < self.new {
            own.fresh += 1;
            key = own.fresh;
        }
        self.limiter.take(&key)
    }
}

fn once<L: Limiter>(limiter: &L, draws: &[Vec<u32>; THREADS], new: u64, fresh: &AtomicU64) -> f64 {
    let asked = Asked { limiter, draws, new, threads: AtomicU64::new(0), fresh };
    let done = threads::window(&asked, THREADS, WINDOW, || {});
    assert_eq!(done.granted, done.calls, "refused");
    done.nanos
}

fn filled<L: Limiter>(limiter: L, keys: u64) -> L {
    (0..keys).for_each(|key| assert!(limiter.take(&key), "refused"));
    limiter
}

/// Interleaved rounds, and the line of the table: the medians, and the median of the ratios between
/// its quartiles.
fn row(what: &str, mut ours: impl FnMut() -> f64, mut theirs: impl FnMut() -> f64) {
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for round in 0..ROUNDS {
        let pair = if round % 2 == 0 {
            let ours = ours();
            (ours, theirs())
        } else {
            let theirs = theirs();
            (ours(), theirs)
        };
        pairs.push(pair);
    }
    let quartiles = |of: &dyn Fn(&(f64, f64)) -> f64| {
        let mut samples: Vec<f64> = pairs.iter().map(of).collect();
        samples.sort_by(f64::total_cmp);
        [1, 2, 3].map(|quarter| samples[quarter * (samples.len() - 1) / 4])
    };
    let ([_, a, _], [_, b, _]) = (quartiles(&|pair| pair.0), quartiles(&|pair| pair.1));
    let [low, middle, high] = quartiles(&|pair| pair.0 / pair.1);
    println!("| {what} | {a:.0} | {b:.0} | {middle:.2} ({low:.2} to {high:.2}) |");
}

pub(crate) fn all() {
    println!("\nns for a call, both of two threads together; median of {ROUNDS} rounds\n");
    println!("| what | tollgate | governor | to governor |\n|---|---|---|---|");
    let fresh = AtomicU64::new(1 << 40);
    for keys in [1_000, 100_000, 1_000_000] {
        let (a, b) = (filled(ours(keys as usize), keys), filled(governor(), keys));
        for spread in [Spread::Uniform, Spread::Zipf] {
            let draws = [0, 1].map(|seed| draws(spread, keys, DRAWS, seed));
            let what = format!("{keys} keys that refill, {spread:?}");
            row(&what, || once(&a, &draws, 0, &fresh), || once(&b, &draws, 0, &fresh));
        }
        let draws = [0, 1].map(|seed| draws(Spread::Uniform, keys, DRAWS, seed));
        row(
            &format!("{keys} keys, 5 % new, the bound"),
            || once(&a, &draws, 50, &fresh),
            || {
                let taken = once(&b, &draws, 50, &fresh);
                b.retain_recent();
                (0..keys).for_each(|key| drop(b.check_key(&key)));
                taken
            },
        );
    }
    let (a, b) = (filled(never_full(100_000), 100_000), filled(governor_never_full(), 100_000));
    for spread in [Spread::Uniform, Spread::Zipf] {
        let draws = [0, 1].map(|seed| draws(spread, 100_000, DRAWS, seed));
        let what = format!("100000 keys that never refill, {spread:?}");
        row(&what, || once(&a, &draws, 0, &fresh), || once(&b, &draws, 0, &fresh));
    }
    let draws_of_two = [0, 1].map(|seed| draws(Spread::Uniform, 100_000, DRAWS, seed));
    let (a, b) = (filled(two(100_000), 100_000), filled([governor(), governor()], 100_000));
    row(
        "100000 keys, two streams, to two",
        || once(&a, &draws_of_two, 0, &fresh),
        || once(&b, &draws_of_two, 0, &fresh),
    );
    let hot = [0, 1].map(|_| vec![0; DRAWS]);
    let (a, b) = (filled(ours(1000), 1), filled(governor(), 1));
    row("one hot key", || once(&a, &hot, 0, &fresh), || once(&b, &hot, 0, &fresh));
    row("first touch of a million", || first_touch(&ours(1_000_000)), || first_touch(&governor()));
    flooded();
    tails();
    growth();
    readers();
}

fn first_touch(limiter: &impl Limiter) -> f64 {
    let started = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            scope.spawn(move || (0..500_000).for_each(|key| assert!(limiter.take(&(key << 1 | thread)))));
        }
    });
    started.elapsed().as_nanos() as f64 / 1e6
}

/// A call for a new key where all keys are busy.
fn flooded() {
    let busy = KeyedBuckets::<u64>::new(Limit::per_hour(1), 100_000).expect("a good limit");
    (0..100_000).for_each(|key| assert!(busy.take(&key)));
    (0..2000).for_each(|key| assert!(!busy.take(&(key + (1 << 40)))));
    let mut nanos: Vec<f64> = (0..ROUNDS as u64)
        .map(|round| {
            let started = Instant::now();
            let refused = (0..100_000).filter(|key| !busy.take(&(key + (round << 32) + (1 << 41)))).count();
            assert_eq!(refused, 100_000);
            started.elapsed().as_nanos() as f64 / 1e5
        })
        .collect();
    nanos.sort_by(f64::total_cmp);
    println!("\nrefused in a flood at a busy bound, one thread: {:.0} ns", nanos[ROUNDS / 2]);
}

/// The tail of single calls at a million keys, a twentieth of which is new; and that of 16 threads.
fn tails() {
    let fresh = AtomicU64::new(1 << 50);
    let draws = [0, 1].map(|seed| draws(Spread::Uniform, 1_000_000, DRAWS, seed));
    let (a, b) = (filled(ours(1_000_000), 1_000_000), filled(governor(), 1_000_000));
    println!("\n| a call, 1M keys, 5 % new | p50 | p99.9 | p99.99 | longest |\n|---|---|---|---|---|");
    for threads in [1, 2, 16] {
        tail(&format!("tollgate, {threads} threads"), &a, &draws, &fresh, threads);
        tail(&format!("governor, {threads} threads"), &b, &draws, &fresh, threads);
    }
}

fn tail<L: Limiter>(what: &str, limiter: &L, draws: &[Vec<u32>; THREADS], fresh: &AtomicU64, threads: usize) {
    let asked = Asked { limiter, draws, new: 50, threads: AtomicU64::new(0), fresh };
    let nanos = threads::latencies(&asked, threads, Duration::from_millis(1500));
    let at = |quantile| Duration::from_nanos(nanos.value_at_quantile(quantile));
    println!("| {what} | {:?} | {:?} | {:?} | {:?} |", at(0.5), at(0.999), at(0.9999), at(1.0));
}

/// The longest call while a million keys come for the first time: the least of several fills, as
/// the machine stops a thread now and then for longer.
fn growth() {
    const FILLS: usize = 7;
    fn longest<L: Limiter>(make: impl Fn() -> L) -> Duration {
        let fill = |limiter: L| {
            let call = |key: u64| {
                let started = Instant::now();
                assert!(limiter.take(&key), "refused");
                started.elapsed()
            };
            (0..1_000_000).map(call).max().unwrap_or_default()
        };
        (0..FILLS).map(|_| fill(make())).min().unwrap_or_default()
    }
    let (a, b) = (longest(|| ours(1_000_000)), longest(governor));
    println!("\ngrowth to a million keys, longest call, least of {FILLS} fills: tollgate {a:?}, governor {b:?}");
}

/// An addition beside 16 threads that decide on one key of its shard, or of any.
fn readers() {
    let keys = KeyedBuckets::<u64>::new(limit(), 100_000).expect("a good limit");
    assert!(keys.take(&0));
    let over = std::sync::atomic::AtomicBool::new(false);
    let mut nanos = Histogram::<u64>::new_with_max(60_000_000_000, 3).expect("bounds that can be kept");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while !over.load(Relaxed) {
                    std::hint::black_box(keys.take(&0));
                }
            });
        }
        // Of 256 shards; one in 256 of these is that of the hot key.
        for key in 1..20_000 {
            let started = Instant::now();
            assert!(keys.take(&key));
            nanos.saturating_record(started.elapsed().as_nanos() as u64);
        }
        over.store(true, Relaxed);
    });
    let at = |quantile| Duration::from_nanos(nanos.value_at_quantile(quantile));
    println!(
        "\nan addition beside 16 readers of one key: p50 {:?}, p99 {:?}, p99.9 {:?}, longest {:?}",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}
