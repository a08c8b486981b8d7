//! Owns the comparison of maps for keys: what a decision costs and what a key takes in each. `maps` runs every case in a process of its own.
//!
//! 95 of 100 decisions are for a known key, the others put a key in and take out another; two threads. `known` is known keys only. Every map hashes with the standard
//! library's `RandomState`; a decision is a load and a compare-and-swap of the word found.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use tollgate::{KeyedBuckets, Limit};

const THREADS: u64 = 2;
const CALLS: u64 = 1_000_000;
const ROUNDS: usize = 3;

trait Table: Sync {
    fn insert(&self, key: u64);
    /// `false` if the key is not there.
    fn decide(&self, key: u64) -> bool;
    fn remove(&self, key: u64);
}

fn add(word: &AtomicU64) {
    let seen = word.load(Relaxed);
    let _ = black_box(word.compare_exchange(seen, seen + 1, Relaxed, Relaxed));
}

type Papaya = papaya::HashMap<u64, AtomicU64>;

impl Table for Papaya {
    fn insert(&self, key: u64) {
        self.pin().insert(key, AtomicU64::new(0));
    }

    fn decide(&self, key: u64) -> bool {
        self.pin().get(&key).map(add).is_some()
    }

    fn remove(&self, key: u64) {
        self.pin().remove(&key);
    }
}

type Dash = dashmap::DashMap<u64, AtomicU64>;

impl Table for Dash {
    fn insert(&self, key: u64) {
        Self::insert(self, key, AtomicU64::new(0));
    }

    fn decide(&self, key: u64) -> bool {
        self.get(&key).map(|word| add(&word)).is_some()
    }

    fn remove(&self, key: u64) {
        Self::remove(self, &key);
    }
}

type SccMap = scc::HashMap<u64, AtomicU64>;

impl Table for SccMap {
    fn insert(&self, key: u64) {
        let _ = self.insert_sync(key, AtomicU64::new(0));
    }

    fn decide(&self, key: u64) -> bool {
        self.read_sync(&key, |_, word| add(word)).is_some()
    }

    fn remove(&self, key: u64) {
        self.remove_sync(&key);
    }
}

/// It copies its values when it grows, so they cannot be the words themselves.
type SccIndex = scc::HashIndex<u64, Arc<AtomicU64>>;

impl Table for SccIndex {
    fn insert(&self, key: u64) {
        let _ = self.insert_sync(key, Arc::new(AtomicU64::new(0)));
    }

    fn decide(&self, key: u64) -> bool {
        self.peek_with(&key, |_, word| add(word)).is_some()
    }

    fn remove(&self, key: u64) {
        self.remove_sync(&key);
    }
}

type Governor = RateLimiter<u64, DashMapStateStore<u64>, governor::clock::DefaultClock>;

impl Table for Governor {
    fn insert(&self, key: u64) {
        self.decide(key);
    }

    fn decide(&self, key: u64) -> bool {
        self.check_key(&key).is_ok()
    }

    fn remove(&self, _: u64) {}
}

impl Table for KeyedBuckets<u64> {
    fn insert(&self, key: u64) {
        self.decide(key);
    }

    fn decide(&self, key: u64) -> bool {
        self.try_take(&key, 1).is_ok()
    }

    fn remove(&self, _: u64) {}
}

/// SplitMix64.
fn mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("pages") * 4096
}

/// Nanoseconds per call of a thread: the least of several rounds.
fn time(table: &impl Table, keys: u64, new_of_100: u64) -> f64 {
    let round = || {
        let barrier = Barrier::new(THREADS as usize);
        let work = |thread: u64| {
            let (mut state, mut fresh) = (thread, keys + (thread << 40));
            barrier.wait();
            let started = Instant::now();
            for _ in 0..CALLS {
                let random = mix(&mut state);
                if (random >> 32) & 127 < new_of_100 * 128 / 100 {
                    table.insert(fresh);
                    table.remove(fresh.saturating_sub(1000).max(keys));
                    fresh += 1;
                } else {
                    black_box(table.decide(((random & 0xffff_ffff) * keys) >> 32));
                }
            }
            started.elapsed().as_nanos() as f64 / CALLS as f64
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || work(thread))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no case panics")).sum::<f64>() / THREADS as f64
        })
    };
    (0..ROUNDS).map(|_| round()).fold(f64::MAX, f64::min)
}

fn case(name: &str, keys: u64, make: impl FnOnce() -> Box<dyn FnOnce() -> (f64, f64, f64)>) {
    let (bytes, known, mixed) = make()();
    println!("| {name} | {keys} | {bytes:.0} | {known:.0} | {mixed:.0} |");
}

fn measure<T: Table + 'static>(keys: u64, table: T, mixes: bool) -> Box<dyn FnOnce() -> (f64, f64, f64)> {
    Box::new(move || {
        let before = resident();
        (0..keys).for_each(|key| table.insert(key));
        let bytes = (resident() - before) as f64 / keys as f64;
        assert!(table.decide(keys / 2));
        (bytes, time(&table, keys, 0), if mixes { time(&table, keys, 5) } else { f64::NAN })
    })
}

const NAMES: [&str; 6] = ["papaya", "scc::HashIndex", "scc::HashMap", "dashmap", "tollgate", "governor"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, keys] = &arguments[..] else {
        println!("| | keys | bytes per key | known, ns | 95 % known, ns |\n|---|---|---|---|---|");
        for keys in ["1000", "100000", "1000000"] {
            for name in NAMES {
                let this = std::env::current_exe().expect("a program");
                assert!(Command::new(this).args([name, keys]).status().expect("runs").success());
            }
        }
        return;
    };
    let keys: u64 = keys.parse().expect("a number of keys");
    case(name, keys, || match name.as_str() {
        "papaya" => measure(keys, Papaya::new(), true),
        "scc::HashIndex" => measure(keys, SccIndex::new(), true),
        "scc::HashMap" => measure(keys, SccMap::new(), true),
        "dashmap" => measure(keys, Dash::new(), true),
        "tollgate" => {
            let limit = Limit::per_second(1).capacity(1 << 30);
            measure(keys, KeyedBuckets::<u64>::new(limit, 1 << 24).expect("a good limit"), false)
        }
        "governor" => {
            let quota = Quota::per_second(NonZeroU32::new(1 << 20).expect("not 0"));
            measure(keys, RateLimiter::dashmap(quota), false)
        }
        other => panic!("no case {other}: one of {NAMES:?}"),
    });
}
