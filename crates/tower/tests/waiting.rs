//! Requests that wait in turn, hang up, or come too late. On tokio's paused time.

mod common;

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use common::{Chunks, Clock, clients, echo, get, keyed_by_name, shared};
use http::{Request, Response, StatusCode};
use tokio::time::{Instant, sleep};
use tollgate::clock::TokioClock;
use tollgate::gate::Charge;
use tollgate::{KeyedBuckets, Limit, MultiBucket};
use tollgate_tower::{Gate, Observer, Outcome, PerKey, Shared, TollgateLayer};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, ServiceExt, service_fn};

type All = Arc<MultiBucket<1, TokioClock>>;

fn all(limit: Limit) -> All {
    Arc::new(MultiBucket::with_clock([limit], TokioClock::new()).unwrap())
}

fn waiting(all: &All, millis: u64) -> TollgateLayer {
    let gate = Gate::new().limit(Shared::new("service", Arc::clone(all)));
    TollgateLayer::new(gate.wait_at_most(Duration::from_millis(millis)))
}

#[tokio::test(start_paused = true)]
async fn requests_wait_in_turn_and_are_refused_at_once_if_they_would_be_too_late() {
    let all = all(Limit::per_second(10).capacity(1));
    let service = waiting(&all, 350).layer(echo());
    let begin = Instant::now();
    let ask = || {
        let service = service.clone();
        tokio::spawn(async move {
            let response = service.oneshot(get("a", 0)).await.unwrap();
            (response.status(), begin.elapsed().as_millis())
        })
    };
    let asked: Vec<_> = (0..6).map(|_| ask()).collect();
    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.unwrap());
    }
    let ok = |millis| (StatusCode::OK, millis);
    let late = (StatusCode::TOO_MANY_REQUESTS, 0);
    assert_eq!(answers, [ok(0), ok(100), ok(200), ok(300), late, late]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_leaves_its_place_and_those_behind_move_up() {
    let all = all(Limit::per_second(10).capacity(1));
    let service = waiting(&all, 10_000).layer(echo());
    let begin = Instant::now();
    let ask = || {
        let service = service.clone();
        tokio::spawn(async move {
            service.oneshot(get("a", 0)).await.unwrap();
            begin.elapsed().as_millis()
        })
    };
    let asked: Vec<_> = (0..9).map(|_| ask()).collect();
    sleep(Duration::from_millis(50)).await;
    let mut answers = Vec::new();
    for (i, answer) in asked.into_iter().enumerate() {
        if i % 2 == 1 {
            answer.abort();
        } else {
            answers.push(answer);
        }
    }
    let mut times = Vec::new();
    for answer in answers {
        times.push(answer.await.unwrap());
    }
    assert_eq!(times, [0, 100, 200, 300, 400]);
}

#[derive(Default)]
struct Count([AtomicU64; 4]);

impl Observer for Count {
    fn decided(&self, _: &str, outcome: Outcome, waited: Duration) {
        let which = match outcome {
            Outcome::Granted => 0,
            Outcome::Waited => 1,
            Outcome::Refused => 2,
            Outcome::Cancelled => 3,
            other => panic!("{other:?}"),
        };
        assert!(outcome != Outcome::Granted || waited == Duration::ZERO);
        self.0[which].fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn counts(&self) -> [u64; 4] {
        [0, 1, 2, 3].map(|which| self.0[which].load(Ordering::Relaxed))
    }
}

/// At two limits: the wide one is what they wait for, so they hold tokens of their own.
#[tokio::test(start_paused = true)]
async fn ten_thousand_that_hang_up_while_they_wait_lose_nothing_and_cost_nobody_a_place() {
    let clock = TokioClock::new();
    let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(1000), 20_000, clock).unwrap();
    let clients = Arc::new(clients);
    let all = Arc::new(MultiBucket::with_clock([Limit::per_second(10).capacity(1)], clock).unwrap());
    let gate = Gate::new()
        .limit(PerKey::new("client", Arc::clone(&clients)).key(keyed_by_name).charge(Charge::OnAdmission))
        .limit(Shared::new("service", Arc::clone(&all)))
        .wait_at_most(Duration::from_secs(3600));
    let count = Arc::new(Count::default());
    let service = TollgateLayer::new(gate).observe(Arc::clone(&count)).layer(echo());
    service.clone().oneshot(get("first", 0)).await.unwrap();
    for round in 1..=3 {
        let mut waits: Vec<_> =
            (0..10_000).map(|i| Box::pin(service.clone().oneshot(get(&format!("client {i}"), 0)))).collect();
        for wait in &mut waits {
            assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert_eq!(clients.available("client 7"), 999);
        drop(waits);
        assert_eq!(clients.available("client 7"), 1000);
        assert_eq!(count.counts()[3], 2 * 10_000 * round);
    }
    // Whoever comes now has the next token.
    let begin = Instant::now();
    service.oneshot(get("last", 0)).await.unwrap();
    assert!(begin.elapsed() <= Duration::from_millis(101), "{:?}", begin.elapsed());
    assert_eq!((all.available(), all.debt()), ([0], [0]));
    assert_eq!(count.counts(), [2, 2, 0, 60_000]);
}

/// The inner service has one place.
#[tokio::test(start_paused = true)]
async fn who_waits_in_turn_holds_no_place_of_the_inner_service() {
    let all = all(Limit::per_second(10).capacity(1));
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let inner = service_fn(move |_: Request<u64>| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, Infallible>(Response::new(Chunks::of(0))) }
    });
    let inner = ConcurrencyLimit::new(inner, 1);
    let service = waiting(&all, 10_000).layer(inner.clone());
    service.clone().oneshot(get("a", 0)).await.unwrap();
    let mut waits = pin!(service.clone().oneshot(get("a", 0)));
    assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    inner.oneshot(get("beside", 0)).await.unwrap();
    waits.await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

/// It is refused at once, although the inner service is not ready, and will never be.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_answered_whether_the_inner_service_is_ready_or_not() {
    let all = all(Limit::per_second(10).capacity(1));
    let inner = ConcurrencyLimit::new(echo(), 1);
    let mut held = inner.clone();
    std::future::poll_fn(|context| tower::Service::<Request<u64>>::poll_ready(&mut held, context)).await.unwrap();
    let service = waiting(&all, 0).layer(inner);
    let mut granted = pin!(service.clone().oneshot(get("a", 0)));
    assert!(granted.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(service.oneshot(get("a", 0)).await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    drop(held);
    assert_eq!(granted.await.unwrap().status(), StatusCode::OK);
}

/// Those who wait have a place each. A service that is closed lets them all go.
#[tokio::test(start_paused = true)]
async fn a_limit_that_is_closed_refuses_those_who_wait() {
    let all = all(Limit::per_second(1).capacity(1));
    let service = waiting(&all, 60_000).layer(echo());
    service.clone().oneshot(get("a", 0)).await.unwrap();
    let waits: Vec<_> = (0..5).map(|_| tokio::spawn(service.clone().oneshot(get("a", 0)))).collect();
    sleep(Duration::from_millis(10)).await;
    all.close();
    for wait in waits {
        let response = wait.await.unwrap().unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[tokio::test]
async fn a_request_that_hangs_up_in_line_gives_back_what_narrow_limits_gave_but_for_attempts() {
    for (charge, left) in [(Some(Charge::OnAdmission), 10), (Some(Charge::OnAttempt), 9), (None, 9)] {
        let clock = Clock::default();
        let clients = clients(&clock, [Limit::per_second(10)]);
        let all = shared(&clock, [Limit::per_second(1).empty()]);
        let mut client = PerKey::new("client", clients.clone()).key(keyed_by_name);
        if let Some(charge) = charge {
            client = client.charge(charge);
        }
        let gate = Gate::new().limit(client).limit(Shared::new("service", Arc::clone(&all)));
        let service = TollgateLayer::new(gate.wait_at_most(Duration::from_secs(5))).layer(echo());
        let mut response = Box::pin(service.oneshot(get("a", 1)));
        assert!(response.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(clients.available("a"), 9, "{charge:?}");
        drop(response);
        assert_eq!(clients.available("a"), left, "{charge:?}");
        assert_eq!(all.try_take([1]).unwrap_err().wait(), Some(Duration::from_secs(1)), "nobody stands there");
    }
}
