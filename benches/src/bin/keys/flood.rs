//! Owns the flood: ten million keys that come once each, in a table of a hundred thousand. It never
//! floods with a key that comes twice; a few steady clients come besides.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hdrhistogram::Histogram;
use tollgate::clock::{DefaultClock, Time};
use tollgate::keyed::KeyRefused;
use tollgate::{Clock, KeyedBuckets, Limit};

use crate::{apart, resident};

const FLOOD: u64 = 10_000_000;
const ROOM: usize = 100_000;
const CLIENTS: u64 = 64;
const CAPACITY: u64 = 10;

/// Tokens a second.
///
/// At the first rate keys are full again before the table is full. At the second the table holds
/// one key in ten.
const RATES: [u64; 2] = [100, 1];

/// A client that always asks, with the instants of its grants.
struct Client {
    key: u64,
    granted: Vec<Time>,
}

impl Client {
    /// Returns the tokens by which the worst window exceeds the bound.
    ///
    /// It is at most 0 if no window does.
    fn excess(&self, rate: f64) -> f64 {
        // The worst window that ends here begins where the grants are furthest behind the refill.
        let (mut worst, mut behind) = (f64::MIN, f64::MIN);
        for (i, time) in self.granted.iter().enumerate() {
            let earned = rate * time.as_nanos() as f64 / 1e9;
            behind = behind.max(earned - i as f64);
            worst = worst.max((i + 1) as f64 - earned + behind - CAPACITY as f64);
        }
        // One nanosecond of refill.
        worst - rate / 1e9
    }
}

pub(crate) fn all() {
    RATES.iter().for_each(|rate| apart(&["flood", &rate.to_string()]));
}

pub(crate) fn one(rate: u64) {
    let clock = DefaultClock::default();
    let limit = Limit::per_second(rate).capacity(CAPACITY);
    let buckets = KeyedBuckets::<u64, 1, _>::with_clock(limit, ROOM, &clock).expect("a good limit");
    let mut clients: Vec<Client> =
        (0..CLIENTS).map(|i| Client { key: u64::MAX - i, granted: room_for_grants() }).collect();
    clients.iter_mut().for_each(|client| ask(&buckets, &clock, client));
    let over = AtomicBool::new(false);
    let (mut nanos, mut no_room) =
        (Histogram::<u64>::new_with_max(60_000_000_000, 3).expect("bounds that can be kept"), 0_u64);
    let (mut first, mut peak, mut longest_len) = (0, 0, 0);
    let timer = quanta::Clock::new();
    let started = timer.now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                clients.iter_mut().for_each(|client| ask(&buckets, &clock, client));
            }
        });
        for key in 0..FLOOD {
            let before = timer.raw();
            let answer = buckets.try_take(&key, 1);
            nanos.saturating_record(timer.delta_as_nanos(before, timer.raw()));
            match answer {
                Ok(_) => {}
                Err(KeyRefused::NoRoom(_)) => no_room += 1,
                Err(other) => panic!("a new key was refused: {other}"),
            }
            if key % 10_000 == 0 {
                peak = peak.max(resident());
                longest_len = longest_len.max(buckets.len());
            }
            if key == FLOOD / 10 {
                first = peak;
            }
        }
        over.store(true, Relaxed);
    });
    let took = started.elapsed();
    let worst = clients.iter().map(|client| client.excess(rate as f64)).fold(f64::MIN, f64::max);
    let granted: usize = clients.iter().map(|client| client.granted.len()).sum();
    let earned = CLIENTS as f64 * (CAPACITY as f64 + rate as f64 * took.as_secs_f64());
    println!("\n{FLOOD} keys once each, room for {ROOM}, {rate}/s capacity {CAPACITY}, in {:.1} s", took.as_secs_f64());
    println!("  most keys at once        {longest_len}, the bound is {}", buckets.max_keys());
    println!("  refused for want of room {no_room}");
    println!(
        "  peak of resident memory  {:.1} MB after the first million, {:.1} MB in the end: {:+.1} %",
        mb(first),
        mb(peak),
        100.0 * (peak as f64 / first as f64 - 1.0)
    );
    let at = |quantile| Duration::from_nanos(nanos.value_at_quantile(quantile));
    println!(
        "  a call                   p50 {:?}, p99 {:?}, p99.9 {:?}, longest {:?}",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
    println!(
        "  {CLIENTS} clients that ask without a pause were granted {granted} of {earned:.0} tokens; worst excess over the bound {worst:.3} tokens"
    );
    assert!(worst <= 0.0, "a limit was reset");
    assert!(longest_len <= ROOM, "more keys than there is room for");
}

/// Reserves resident memory for the grants.
///
/// So it does not count as memory of the keys.
fn room_for_grants() -> Vec<Time> {
    let mut room = vec![Time::MAX; 4096];
    room.clear();
    room
}

fn ask<C: Clock>(buckets: &KeyedBuckets<u64, 1, &C>, clock: &C, client: &mut Client) {
    let now = clock.now();
    if buckets.at(now).try_take(&client.key, 1).is_ok() {
        client.granted.push(now);
    }
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
