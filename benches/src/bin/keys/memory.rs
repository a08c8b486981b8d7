//! Owns the memory of a key, beside peers. It never estimates: it measures the growth of the
//! process.

use std::hint::black_box;

use tollgate::{KeyedBuckets, Limit};

use crate::contestants::{Governor, Keyed, Named, Ours, OursOfTwo, RateNet};
use crate::draws::mix;
use crate::{apart, resident};

const NAMES: [&str; 5] = ["tollgate", "tollgate-churned", "governor", "rate-net", "tollgate-two"];

pub(crate) fn all() {
    println!("\nbytes of memory per key\n\n| limiter | key | keys | bytes |\n|---|---|---|---|");
    for kind in ["u64", "string-20"] {
        for keys in ["10000", "100000", "1000000"] {
            NAMES.iter().for_each(|name| apart(&["memory", name, kind, keys]));
        }
    }
}

pub(crate) fn one(name: &str, kind: &str, keys: u64) {
    let bytes = match kind {
        "u64" => of_kind(name, keys, |key| key),
        "string-20" => of_kind(name, keys, |key| format!("{key:020}")),
        other => panic!("no kind of key {other}"),
    };
    println!("| {name} | {kind} | {keys} | {bytes:.0} |");
}

fn of_kind<K: Named + Eq + std::hash::Hash + Clone + Send + Sync>(
    name: &str,
    keys: u64,
    key: impl Fn(u64) -> K,
) -> f64 {
    match name {
        "tollgate" => bytes::<K, Ours<K>>(keys, key),
        "tollgate-churned" => churned(keys, key),
        "tollgate-two" => bytes::<K, OursOfTwo<K>>(keys, key),
        "governor" => bytes::<K, Governor<K>>(keys, key),
        "rate-net" => bytes::<K, RateNet>(keys, key),
        other => panic!("no limiter {other}: one of {NAMES:?}"),
    }
}

fn bytes<K, L: Keyed<K>>(keys: u64, key: impl Fn(u64) -> K) -> f64 {
    let before = resident();
    let limiter = L::make(1_000_000);
    (0..keys).for_each(|i| assert!(limiter.decide(&key(i)), "refused"));
    let bytes = (resident() - before) as f64 / keys as f64;
    black_box(&limiter);
    bytes
}

/// Bytes for each key at the bound, after 60 calls for each. One call in twenty is for a new key.
fn churned<K: Eq + std::hash::Hash + Clone + Send + Sync>(keys: u64, key: impl Fn(u64) -> K) -> f64 {
    const CALLS: u64 = 60;
    let before = resident();
    let limiter = KeyedBuckets::new(Limit::per_second(1_000_000_000), keys as usize).expect("a good limit");
    let mut random = 0;
    for call in 0..CALLS * keys {
        let new = mix(&mut random).is_multiple_of(20);
        let next = if new { keys + call } else { mix(&mut random) % keys };
        assert!(limiter.try_take(&key(next), 1).is_ok(), "refused");
    }
    let bytes = (resident() - before) as f64 / limiter.len() as f64;
    black_box(&limiter);
    bytes
}
