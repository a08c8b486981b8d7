//! What a thousand reloads leave behind. It is alone in its process, whose memory it reads.

#![cfg(all(feature = "config", target_os = "linux"))]

use std::sync::Arc;

use tollgate::clock::ManualClock;
use tollgate_http::config::{Config, Live};

fn config(rate: u64) -> Config {
    let text = format!(
        "
        proxies = {{ header = 'forwarded', trusted = ['10.0.{rate}.0/24'] }}
        [limits.client]
        key = 'custom'
        max_keys = 1000
        streams = {{ requests = '{rate}/s', bytes = '{rate}kB/s' }}
        tiers.paid.requests = '{rate}/s capacity 500'
        limits.service.streams.requests = '{rate}/s'
        ",
    )
    .replace("limits.service.streams", "[limits.service]\nstreams");
    Config::new(toml::Deserializer::new(&text)).unwrap()
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn a_thousand_reloads_neither_grow_memory_nor_lose_debts() {
    let live = Live::with_clock(config(10), Arc::new(ManualClock::new()));
    let tier = |key: &u64| usize::from(*key >= 1000);
    let clients = live.keyed_with_tiers::<u64, 2, 1, _>("client", ["requests", "bytes"], ["paid"], tier).unwrap();
    let all = live.bucket("service", ["requests"]).unwrap();
    for key in (0..100).chain(1000..1100) {
        clients.charge(&key, [600, 20_000]).unwrap();
    }
    all.charge([25]).unwrap();
    let reload = |times: u64| {
        for i in 0..times {
            assert_eq!(live.reload(config(if i % 2 == 0 { 20 } else { 10 })).unwrap().limits.len(), 5);
        }
    };
    reload(200);
    let before = resident();
    reload(1000);
    let grown = resident().saturating_sub(before);
    assert!(grown < 1 << 20, "{grown} bytes");
    // A change rounds a debt up, by less than refills in a nanosecond.
    for key in [0, 99, 1000, 1099] {
        let [requests, bytes] = clients.debt(&key);
        let owed = if key < 1000 { 590 } else { 100 };
        assert!((owed..=owed + 1).contains(&requests) && (10_000..=10_024).contains(&bytes), "{requests} {bytes}");
    }
    assert!((15..=16).contains(&all.debt()[0]), "{:?}", all.debt());
}
