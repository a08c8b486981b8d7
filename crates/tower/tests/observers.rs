//! What the observers tell: the metrics by name and label, and the events by level and field.
#![cfg(all(feature = "metrics", feature = "tracing"))]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{Clock, body, clients, echo, get, keyed_by_name, shared};
use http::{Request, StatusCode};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tollgate::gate::Charge;
use tollgate::{KeyedBuckets, Limit};
use tollgate_tower::{Gate, MetricsObserver, Observer, PerKey, Settle, Shared, TollgateLayer, TracingObserver};
use tower::{Layer, ServiceExt};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Each client has 3 requests and 1000 bytes a second, the service 100 requests; 2 clients fit.
fn layer(clock: &Clock) -> TollgateLayer {
    let limits = [Limit::per_second(3), Limit::per_second(1000)];
    let clients = Arc::new(KeyedBuckets::<String, 2, _>::with_clock(limits, 2, Arc::clone(clock)).unwrap());
    let client = PerKey::new("client", clients).key(keyed_by_name).cost(|_| [1, 10]);
    let all = shared(clock, [Limit::per_second(100)]);
    TollgateLayer::new(Gate::new().limit(client).limit(Shared::new("service", all))).settle(Settle::ResponseBody)
}

/// Runs a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// All that was recorded, as `name{label=value}`; what was counted before is not counted again.
fn recorded(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: BTreeSet<_> =
            key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let labels: Vec<_> = labels.into_iter().collect();
        let value = match value {
            DebugValue::Counter(value) => value as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(values) => values.len() as f64,
        };
        all.insert(format!("{}{{{}}}", key.key().name(), labels.join(",")), value);
    }
    all
}

fn expected<const N: usize>(metrics: [(&str, f64); N]) -> BTreeMap<String, f64> {
    metrics.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[test]
fn metrics_have_the_documented_names_and_labels_and_no_key() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let layer = layer(&Clock::default()).observe(MetricsObserver::described());
        let service = layer.layer(echo());
        for (client, bytes) in [("a", 7), ("a", 8), ("a", 0), ("a", 9), ("b", 5), ("c", 5)] {
            let response = now(service.clone().oneshot(get(client, bytes))).unwrap();
            let _ = now(body(response));
        }
        let response = now(service.oneshot(Request::new(0))).unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        layer.report();
    });
    let expected = expected([
        ("tollgate_requests_total{outcome=granted,policy=client}", 4.0),
        ("tollgate_requests_total{outcome=granted,policy=service}", 4.0),
        ("tollgate_requests_total{outcome=refused,policy=client}", 1.0),
        ("tollgate_requests_total{outcome=no_room,policy=client}", 1.0),
        ("tollgate_keyless_total{policy=client}", 1.0),
        ("tollgate_tokens_total{policy=client,stream=requests}", 4.0),
        ("tollgate_tokens_total{policy=client,stream=bytes}", 20.0),
        ("tollgate_tokens_total{policy=service,stream=requests}", 4.0),
        ("tollgate_keys{policy=client}", 2.0),
        ("tollgate_debt_tokens{policy=service,stream=requests}", 0.0),
    ]);
    assert_eq!(recorded(&snapshotter), expected);
}

/// A recorder that keeps what it is told of metrics before there are any.
#[test]
fn all_metrics_are_described() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let _ = MetricsObserver::described();
        // The recorder shows the texts of what has a value.
        let observer = MetricsObserver;
        observer.decided("x", tollgate_tower::Outcome::Waited, Duration::from_secs(1));
        observer.used("x", "requests", 1);
        observer.keyless("x");
        observer.level("x", tollgate_tower::Level::Keys(1));
        observer.level("x", tollgate_tower::Level::Debt { stream: "requests", tokens: 1 });
    });
    let all = snapshotter.snapshot().into_vec();
    assert_eq!(all.len(), 6);
    for (key, unit, text, _) in all {
        let name = key.key().name().to_owned();
        assert!(text.is_some_and(|text| !text.is_empty()), "{name}");
        assert_eq!(unit.is_some(), name == "tollgate_wait_seconds", "{name}");
    }
}

#[test]
fn debts_of_a_shared_limit_are_a_gauge() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let all = shared(&Clock::default(), [Limit::per_second(10), Limit::per_second(100)]);
        let layer = TollgateLayer::new(Gate::new().limit(Shared::new("service", all)));
        let layer = layer.settle(Settle::ResponseBody).observe(MetricsObserver);
        let response = now(layer.layer(echo()).oneshot(get("a", 150))).unwrap();
        let _ = now(body(response));
        layer.report();
    });
    let recorded = recorded(&snapshotter);
    assert_eq!(recorded["tollgate_debt_tokens{policy=service,stream=bytes}"], 50.0);
    assert_eq!(recorded["tollgate_debt_tokens{policy=service,stream=requests}"], 0.0);
    assert_eq!(recorded["tollgate_tokens_total{policy=service,stream=bytes}"], 150.0);
}

#[tokio::test(start_paused = true)]
async fn waits_are_a_histogram_in_seconds_and_a_client_that_hangs_up_is_cancelled() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let guard = metrics::set_default_local_recorder(&recorder);
    let clock = tollgate::clock::TokioClock::new();
    let all = Arc::new(tollgate::MultiBucket::with_clock([Limit::per_second(10).capacity(1)], clock).unwrap());
    let gate = Gate::new().limit(Shared::new("service", all).charge(Charge::OnAdmission));
    let layer = TollgateLayer::new(gate.wait_at_most(Duration::from_secs(1))).observe(MetricsObserver);
    let service = layer.layer(echo());
    for _ in 0..2 {
        let _ = body(service.clone().oneshot(get("a", 0)).await.unwrap()).await;
    }
    let hangs_up = tokio::time::timeout(Duration::from_millis(20), service.oneshot(get("a", 0)));
    assert!(hangs_up.await.is_err());
    drop(guard);
    let recorded = recorded(&snapshotter);
    assert_eq!(recorded["tollgate_requests_total{outcome=granted,policy=service}"], 1.0);
    assert_eq!(recorded["tollgate_requests_total{outcome=waited,policy=service}"], 1.0);
    assert_eq!(recorded["tollgate_requests_total{outcome=cancelled,policy=service}"], 1.0);
    assert!(recorded.contains_key("tollgate_wait_seconds{policy=service}"), "{recorded:?}");
}

/// A subscriber that keeps events as text: the level, the target, and the fields.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        use fmt::Write;
        // How long a wait took is of no interest here.
        match field.name() {
            "waited" => self.0.push_str(" waited"),
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

impl Subscriber for Events {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        let (level, target) = (event.metadata().level(), event.metadata().target());
        self.0.lock().unwrap().push(format!("{level} {target}{}", fields.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn events_have_the_documented_levels_and_fields_and_no_key() {
    let events = Events::default();
    tracing::subscriber::with_default(events.clone(), || {
        let service = layer(&Clock::default()).observe(TracingObserver).layer(echo());
        for client in ["a", "a", "a", "a", "b", "c"] {
            let _ = now(service.clone().oneshot(get(client, 0))).unwrap();
        }
        let _ = now(service.oneshot(Request::new(0))).unwrap();
    });
    let granted =
        ["TRACE tollgate limit=\"client\" outcome=\"granted\"", "TRACE tollgate limit=\"service\" outcome=\"granted\""];
    let refused = "DEBUG tollgate limit=\"client\" outcome=\"refused\" waited";
    let no_room = "WARN tollgate limit=\"client\" outcome=\"no_room\"";
    let keyless = "WARN tollgate message=a request has no key limit=\"client\"";
    let mut expected = granted.repeat(3);
    expected.push(refused);
    expected.extend(granted);
    expected.extend([no_room, keyless]);
    assert_eq!(*events.0.lock().unwrap(), expected);
}

#[test]
fn a_pair_of_observers_sees_what_one_sees() {
    let recorder = DebuggingRecorder::new();
    let (snapshotter, events) = (recorder.snapshotter(), Events::default());
    metrics::with_local_recorder(&recorder, || {
        tracing::subscriber::with_default(events.clone(), || {
            let clients = clients(&Clock::default(), [Limit::per_second(3)]);
            let gate = Gate::new().limit(PerKey::new("client", clients).key(keyed_by_name));
            let layer = TollgateLayer::new(gate).observe((MetricsObserver, TracingObserver));
            let _ = now(layer.layer(echo()).oneshot(get("a", 0))).unwrap();
        });
    });
    assert_eq!(recorded(&snapshotter)["tollgate_requests_total{outcome=granted,policy=client}"], 1.0);
    assert_eq!(events.0.lock().unwrap().len(), 1);
}
