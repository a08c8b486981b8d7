//! What a response settles, whatever becomes of it, on a clock that is moved by hand.

mod common;

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use common::{Chunks, Clients, Clock, body, clients, echo, get, keyed_by_name, shared};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tollgate::Limit;
use tollgate_tower::{Gate, Observer, Outcome, PerKey, Settle, Shared, TollgateLayer};
use tower::{Layer, ServiceExt, service_fn};

/// Each client has 10 requests and 1000 bytes a second, the service 100 requests and 10,000 bytes.
fn layer(clock: &Clock, estimate: u64) -> (TollgateLayer, Clients<2>, Arc<tollgate::MultiBucket<2, Clock>>) {
    let clients = clients(clock, [Limit::per_second(10), Limit::per_second(1000)]);
    let all = shared(clock, [Limit::per_second(100), Limit::per_second(10_000)]);
    let client = PerKey::new("client", clients.clone()).key(keyed_by_name).cost(move |_| [1, estimate]);
    let gate = Gate::new().limit(client).limit(Shared::new("service", Arc::clone(&all)));
    (TollgateLayer::new(gate).settle(Settle::ResponseBody), clients, all)
}

#[tokio::test]
async fn a_response_costs_the_bytes_that_were_sent() {
    for estimate in [0, 1, 7, 400, 1000] {
        let clock = Clock::default();
        let (layer, clients, all) = layer(&clock, estimate);
        let response = layer.layer(echo()).oneshot(get("a", 123)).await.unwrap();
        assert_eq!(clients.available("a"), [9, 1000 - estimate.max(1)], "it is sent later");
        assert_eq!(body(response).await.len(), 123);
        assert_eq!((clients.available("a"), all.available()), ([9, 877], [99, 9877]));
    }
}

#[tokio::test]
async fn what_exceeds_the_estimate_is_charged_while_it_is_sent() {
    let clock = Clock::default();
    let (layer, clients, all) = layer(&clock, 15);
    let mut response = layer.layer(echo()).oneshot(get("a", 45)).await.unwrap();
    let mut left = Vec::new();
    while response.body_mut().frame().await.is_some() {
        left.push((clients.available("a")[1], all.available()[1]));
    }
    assert_eq!(left, [(985, 9990), (980, 9980), (970, 9970), (960, 9960), (955, 9955)]);
    assert_eq!((clients.available("a")[1], all.available()[1]), (955, 9955));
}

#[tokio::test]
async fn a_client_that_hangs_up_gives_back_what_was_not_sent() {
    let clock = Clock::default();
    let (layer, clients, all) = layer(&clock, 500);
    let service = layer.layer(echo());
    let mut response = service.clone().oneshot(get("a", 400)).await.unwrap();
    for _ in 0..3 {
        response.body_mut().frame().await.unwrap().unwrap();
    }
    assert_eq!(clients.available("a"), [9, 500]);
    drop(response);
    assert_eq!((clients.available("a"), all.available()), ([9, 970], [99, 9970]));
    drop(service.oneshot(get("a", 400)).await.unwrap());
    assert_eq!((clients.available("a"), all.available()), ([8, 970], [98, 9970]), "nothing was sent");
}

#[tokio::test]
async fn a_request_whose_handler_fails_or_is_dropped_settles_to_no_bytes() {
    let clock = Clock::default();
    let (layer, clients, _) = layer(&clock, 500);
    let fails = layer.layer(service_fn(|_: Request<u64>| async { Err::<Response<Chunks>, _>("failed") }));
    assert_eq!(fails.oneshot(get("a", 0)).await.unwrap_err(), "failed");
    assert_eq!(clients.available("a"), [9, 1000]);
    let hangs = layer.layer(service_fn(|_: Request<u64>| pending::<Result<Response<Chunks>, Infallible>>()));
    {
        let mut response = pin!(hangs.oneshot(get("a", 0)));
        assert!(response.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(clients.available("a"), [8, 500]);
    }
    assert_eq!(clients.available("a"), [8, 1000]);
    let panics = layer.layer(service_fn(|request: Request<u64>| async move {
        assert!(request.into_body() > 0, "by design");
        Ok::<_, Infallible>(Response::new(Chunks::of(1)))
    }));
    assert!(tokio::spawn(panics.oneshot(get("a", 0))).await.is_err());
    assert_eq!(clients.available("a"), [7, 1000]);
}

#[tokio::test]
async fn responses_without_content_settle_to_0_bytes() {
    for (method, status) in [(Method::HEAD, 200), (Method::GET, 204), (Method::GET, 205), (Method::GET, 304)] {
        let clock = Clock::default();
        let (layer, clients, all) = layer(&clock, 500);
        let service = layer.layer(service_fn(move |_: Request<u64>| async move {
            // As a handler that knows nothing of it.
            Ok::<_, Infallible>(Response::builder().status(status).body(Chunks::of(30)).unwrap())
        }));
        let request = Request::builder().method(&method).header("client", "a").body(0).unwrap();
        let response = service.oneshot(request).await.unwrap();
        let what = format!("{method} {status}");
        assert_eq!((clients.available("a"), all.available()), ([9, 1000], [99, 10_000]), "{what}");
        let _ = body(response).await;
        assert_eq!(clients.available("a"), [9, 1000], "{what}");
    }
}

/// The fault of peers: a quota that is charged after the response, and looked at by nobody.
#[tokio::test]
async fn a_byte_quota_binds_although_it_is_known_after_the_response() {
    let clock = Clock::default();
    let (layer, clients, _) = layer(&clock, 0);
    let service = layer.layer(echo());
    let mut served = 0;
    for tenth in 0..100 {
        for _ in 0..5 {
            let response = service.clone().oneshot(get("a", 3000)).await.unwrap();
            if response.status() == StatusCode::OK {
                served += body(response).await.len();
            } else {
                assert!(response.headers()["ratelimit"].to_str().unwrap().contains("\"client-bytes\";r=0"));
            }
        }
        clock.set(tollgate::clock::Time::from_nanos((tenth + 1) * 100_000_000));
    }
    // 10 s at 1000/s, what it begins with, and the last debt.
    assert!((10_000..=14_000).contains(&served), "{served}");
    assert!(clients.debt("a")[1] <= 3000);
}

#[tokio::test]
async fn a_response_corrects_the_cost_as_the_limit_was_told_to() {
    let clock = Clock::default();
    let logins = clients(&clock, [Limit::per_minute(3)]);
    // Only what fails counts.
    let limit = PerKey::new("login", logins.clone()).key(keyed_by_name).by_response(|response, amounts| {
        if response.status != StatusCode::UNAUTHORIZED {
            amounts[0] = 0;
        }
    });
    let check = service_fn(|request: Request<u64>| async move {
        let status = if request.into_body() == 42 { 200 } else { 401 };
        Ok::<_, Infallible>(Response::builder().status(status).body(Chunks::of(0)).unwrap())
    });
    let service = TollgateLayer::new(Gate::new().limit(limit)).layer(check);
    for (password, left) in [(42, 3), (42, 3), (1, 2), (42, 2), (2, 1), (3, 0)] {
        let _ = service.clone().oneshot(get("a", password)).await.unwrap();
        assert_eq!(logins.available("a"), left);
    }
    assert_eq!(service.oneshot(get("a", 42)).await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
}

#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn decided(&self, limit: &str, outcome: Outcome, waited: Duration) {
        assert_eq!(waited > Duration::ZERO, outcome == Outcome::Waited);
        self.0.lock().unwrap().push(format!("{limit} {}", outcome.as_str()));
    }

    fn used(&self, limit: &str, stream: &str, tokens: u64) {
        self.0.lock().unwrap().push(format!("{limit} {stream} {tokens}"));
    }

    fn keyless(&self, limit: &str) {
        self.0.lock().unwrap().push(format!("{limit} keyless"));
    }
}

#[tokio::test]
async fn an_observer_sees_each_decision_once_and_what_was_used_at_the_end() {
    let clock = Clock::default();
    let (layer, ..) = layer(&clock, 900);
    let seen = Arc::new(Seen::default());
    let service = layer.observe(Arc::clone(&seen)).layer(echo());
    let told = || std::mem::take(&mut *seen.0.lock().unwrap());
    let response = service.clone().oneshot(get("a", 950)).await.unwrap();
    assert_eq!(told(), ["client granted", "service granted"]);
    let _ = body(response).await;
    let used = ["client requests 1", "client bytes 950", "service requests 1", "service bytes 950"];
    assert_eq!(told(), used);
    let _ = service.clone().oneshot(get("a", 0)).await.unwrap();
    assert_eq!(told(), ["client refused"]);
    let _ = service.oneshot(Request::new(0)).await.unwrap();
    assert_eq!(told(), ["client keyless"]);
}
