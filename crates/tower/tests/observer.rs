//! What an observer is told: outcomes, waits and levels.

mod common;

use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Clock, clients, echo, get, keyed_by_name, shared};
use http::StatusCode;
use tollgate::{KeyedBuckets, Limit, TokenBucket};
use tollgate_tower::{Gate, Level, Observer, Outcome, PerKey, Shared, TollgateLayer};
use tower::{Layer, ServiceExt};

#[derive(Default)]
struct Told(Mutex<Vec<String>>, Mutex<Vec<Duration>>);

impl Told {
    fn take(&self) -> Vec<String> {
        mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Told {
    fn decided(&self, limit: &str, outcome: Outcome, waited: Duration) {
        self.0.lock().unwrap().push(format!("{limit} {}", outcome.as_str()));
        self.1.lock().unwrap().push(waited);
    }

    fn level(&self, limit: &str, level: Level<'_>) {
        self.0.lock().unwrap().push(format!("{limit} {level:?}"));
    }
}

#[tokio::test]
async fn a_key_without_room_is_told_apart_from_a_refusal() {
    let clock = Clock::default();
    let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(2), 1, Arc::clone(&clock)).unwrap();
    let limit = PerKey::new("client", Arc::new(clients)).key(keyed_by_name);
    let told = Arc::new(Told::default());
    let service = TollgateLayer::new(Gate::new().limit(limit)).observe(Arc::clone(&told)).layer(echo());
    for (client, status, outcome) in
        [("a", 200, "granted"), ("a", 200, "granted"), ("a", 429, "refused"), ("b", 503, "no_room")]
    {
        let response = service.clone().oneshot(get(client, 0)).await.unwrap();
        assert_eq!(response.status(), StatusCode::from_u16(status).unwrap());
        assert_eq!(told.take(), [format!("client {outcome}")]);
    }
}

#[tokio::test]
async fn a_report_tells_the_keys_of_each_limit_and_the_debts_of_shared_ones() {
    let clock = Clock::default();
    let clients = clients(&clock, [Limit::per_second(9)]);
    let all = shared(&clock, [Limit::per_second(9), Limit::per_second(100)]);
    let gate = Gate::new().limit(PerKey::new("client", clients).key(keyed_by_name));
    let told = Arc::new(Told::default());
    let layer = TollgateLayer::new(gate.limit(Shared::new("all", Arc::clone(&all)))).observe(Arc::clone(&told));
    for client in ["a", "b", "b"] {
        let _ = layer.layer(echo()).oneshot(get(client, 0)).await.unwrap();
    }
    all.charge([0, 130]).unwrap();
    told.take();
    layer.report();
    let debt = |stream, tokens| format!("all {:?}", Level::Debt { stream, tokens });
    // Each request took one byte.
    assert_eq!(told.take(), [format!("client {:?}", Level::Keys(2)), debt("requests", 0), debt("bytes", 33)]);
}

/// By the real clock, which it is measured by.
#[tokio::test]
async fn an_observer_is_told_how_long_a_request_waited() {
    let all = Arc::new(TokenBucket::new(Limit::per_second(10).capacity(1)).unwrap());
    let gate = Gate::new().limit(Shared::new("all", all)).wait_at_most(Duration::from_secs(10));
    let told = Arc::new(Told::default());
    let service = TollgateLayer::new(gate).observe(Arc::clone(&told)).layer(echo());
    for _ in 0..3 {
        service.clone().oneshot(get("a", 0)).await.unwrap();
    }
    assert_eq!(told.take(), ["all granted", "all waited", "all waited"]);
    let waited = told.1.lock().unwrap().clone();
    assert!(waited[0].is_zero() && waited[1..].iter().all(|waited| *waited > Duration::from_millis(50)), "{waited:?}");
}
