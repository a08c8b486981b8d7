//! Owns the comparison of maps for keys: the cost of a decision, and the memory of a key. It never
//! runs two cases in one process.
//!
//! Two threads decide. 95 of 100 decisions are for a known key; the others insert one key and
//! remove another. The case `known` has known keys only. Every map hashes with the standard
//! library's `RandomState`. A decision is a load and a compare-and-swap of the word found.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use crate::draws::mix;
use crate::{apart, resident};

const THREADS: u64 = 2;
const CALLS: u64 = 1_000_000;
const ROUNDS: usize = 3;

trait Table: Sync {
    fn insert(&self, key: u64);
    /// Decides for `key`; `false` if the map lacks it.
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

/// A map that copies its values when it grows, so they point to words.
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

/// Returns the nanoseconds per call of a thread: the least of several rounds.
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

fn measure(keys: u64, table: &impl Table) -> [f64; 3] {
    let before = resident();
    (0..keys).for_each(|key| table.insert(key));
    let bytes = (resident() - before) as f64 / keys as f64;
    assert!(table.decide(keys / 2));
    [bytes, time(table, keys, 0), time(table, keys, 5)]
}

const NAMES: [&str; 4] = ["papaya", "scc::HashIndex", "scc::HashMap", "dashmap"];

pub(crate) fn all() {
    println!("\nwhat keys could lie in: a decision is a load and a compare-and-swap of the word found; two threads\n");
    println!("| map | keys | bytes per key | known, ns | 95 % known, ns |\n|---|---|---|---|---|");
    for keys in ["1000", "100000", "1000000"] {
        NAMES.iter().for_each(|name| apart(&["maps", name, keys]));
    }
}

pub(crate) fn one(name: &str, keys: u64) {
    let [bytes, known, mixed] = match name {
        "papaya" => measure(keys, &Papaya::new()),
        "scc::HashIndex" => measure(keys, &SccIndex::new()),
        "scc::HashMap" => measure(keys, &SccMap::new()),
        "dashmap" => measure(keys, &Dash::new()),
        other => panic!("no map {other}: one of {NAMES:?}"),
    };
    println!("| {name} | {keys} | {bytes:.0} | {known:.0} | {mixed:.0} |");
}
