//! What a client's layer does before each request and after each response. On tokio's paused time.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode};
use tokio::time::{Instant, sleep};
use tollgate::adaptive::{Course, Cubic, Observed, Policy as Adapts};
use tollgate::clock::TokioClock;
use tollgate::gate::Charge;
use tollgate::limit::Ratio;
use tollgate::{KeyedBuckets, Limit, MultiBucket};
use tollgate_http::client::Advice;
use tollgate_http::{Headers, Policy, Quota, Refusal, grpc};
use tollgate_tower::{Gate, PerKey, Shared, ThrottleError, ThrottleLayer, ThrottleObserver};
use tower::{Layer, Service};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Answers as it is told to, after 10 ms, and notes when it was asked.
#[derive(Clone)]
struct Server(Arc<State>);

struct State {
    answers: Mutex<VecDeque<Response<()>>>,
    asked: Mutex<Vec<(u128, String)>>,
    began: Instant,
}

fn server(answers: impl IntoIterator<Item = Response<()>>) -> Server {
    let (answers, asked) = (Mutex::new(answers.into_iter().collect()), Mutex::default());
    Server(Arc::new(State { answers, asked, began: Instant::now() }))
}

impl Server {
    /// The milliseconds at which it was asked.
    fn times(&self) -> Vec<u128> {
        self.0.asked.lock().unwrap().iter().map(|(at, _)| *at).collect()
    }
}

impl Service<Request<&'static str>> for Server {
    type Response = Response<()>;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, &'static str>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<&'static str>) -> Self::Future {
        let state = Arc::clone(&self.0);
        Box::pin(async move {
            let at = state.began.elapsed().as_millis();
            state.asked.lock().unwrap().push((at, request.uri().to_string()));
            match *request.body() {
                "silent" => pending().await,
                "fails" => return Err("no connection"),
                _ => sleep(Duration::from_millis(10)).await,
            }
            Ok(state.answers.lock().unwrap().pop_front().unwrap_or_default())
        })
    }
}

fn answer(status: u16, fields: &[(&str, &str)]) -> Response<()> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap()
}

fn refusal(seconds: u32) -> Response<()> {
    answer(429, &[("retry-after", &seconds.to_string())])
}

fn to(uri: &str) -> Request<&'static str> {
    Request::builder().uri(uri).body("").unwrap()
}

fn ask() -> Request<&'static str> {
    to("http://a.example/")
}

fn body(text: &'static str) -> Request<&'static str> {
    ask().map(|_| text)
}

fn why(error: &BoxError) -> &ThrottleError {
    error.downcast_ref().expect("of the layer")
}

fn is_pending<T>(future: &mut Pin<Box<impl Future<Output = T> + ?Sized>>) -> bool {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

type Own = Arc<MultiBucket<1, TokioClock>>;

fn own(limit: Limit) -> Own {
    Arc::new(MultiBucket::with_clock([limit], TokioClock::new()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn requests_wait_in_turn_at_the_clients_own_limit() {
    let server = server([]);
    let client = ThrottleLayer::new(own(Limit::per_second(10).capacity(2))).layer(server.clone());
    let asked: Vec<_> = (0..5).map(|_| tokio::spawn(client.clone().call(ask()))).collect();
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
    // The second is the first that does not go alone.
    assert_eq!(server.times(), [0, 10, 100, 200, 300]);
}

#[tokio::test(start_paused = true)]
async fn a_gate_of_several_limits_holds_whatever_its_own_wait_is() {
    let server = server([]);
    let all = own(Limit::per_second(100).capacity(1));
    let gate = Gate::new().limit(Shared::new("narrow", own(Limit::per_second(10).capacity(2))));
    let gate = gate.limit(Shared::new("wide", Arc::clone(&all))).wait_at_most(Duration::ZERO);
    let client = ThrottleLayer::new(gate).layer(server.clone());
    let asked: Vec<_> = (0..4).map(|_| tokio::spawn(client.clone().call(ask()))).collect();
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
    assert_eq!(server.times(), [0, 10, 100, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_would_be_too_late_fails_at_once_and_counts_nowhere() {
    let server = server([]);
    let own = own(Limit::per_second(1).capacity(1));
    let layer = ThrottleLayer::new(Arc::clone(&own)).wait_at_most(Duration::from_millis(500));
    let mut client = layer.layer(server.clone());
    client.call(ask()).await.unwrap();
    let began = Instant::now();
    let error = client.call(ask()).await.unwrap_err();
    assert_eq!(*why(&error), ThrottleError::OwnLimit { wait: Some(Duration::from_millis(990)) });
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!((server.times(), own.debt()), (vec![0], [0]));
}

#[tokio::test(start_paused = true)]
async fn own_limits_that_never_grant_or_know_no_key_fail_at_once() {
    let server = server([]);
    let gate = Gate::new().limit(Shared::new("x", own(Limit::per_second(1).capacity(1))).cost(|_| [2]));
    let error = ThrottleLayer::new(gate).layer(server.clone()).call(ask()).await.unwrap_err();
    assert_eq!(*why(&error), ThrottleError::Never);
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(1), 10, TokioClock::new()).unwrap();
    let gate = Gate::new().limit(PerKey::new("route", Arc::new(keys)).key(|_: &http::request::Parts| None));
    let error = ThrottleLayer::new(gate).layer(server.clone()).call(ask()).await.unwrap_err();
    assert_eq!(*why(&error), ThrottleError::Keyless { limit: "route".to_owned() });
    assert_eq!(server.times(), []);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_pauses_all_requests_to_its_server_and_no_other() {
    let server = server([answer(200, &[]), refusal(3)]);
    let mut client = ThrottleLayer::obedient().layer(server.clone());
    client.call(ask()).await.unwrap();
    assert_eq!(client.call(ask()).await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    client.call(to("http://B.example/")).await.unwrap();
    client.call(to("http://a.example:81/")).await.unwrap();
    client.call(to("http://A.EXAMPLE/other")).await.unwrap();
    let times = server.times();
    assert_eq!(times[..4], [0, 10, 20, 30]);
    assert!((3020..=3320).contains(&times[4]), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_key_of_the_users_says_what_one_server_is() {
    let server = server([refusal(3)]);
    let layer = ThrottleLayer::obedient().by_server(|request| request.uri.path().to_owned());
    let mut client = layer.layer(server.clone());
    client.call(ask()).await.unwrap();
    client.call(to("http://a.example/other")).await.unwrap();
    client.call(to("http://b.example/")).await.unwrap();
    let times = server.times();
    assert_eq!(times[..2], [0, 10]);
    assert!(times[2] >= 3000);
    assert_eq!(layer.servers(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_layer_with_another_key_or_policy_knows_servers_of_its_own() {
    let server = server([refusal(30), refusal(30)]);
    let layer = ThrottleLayer::obedient();
    layer.layer(server.clone()).call(ask()).await.unwrap();
    let other = layer.clone().by_server(|_| "one".to_owned());
    assert_eq!((layer.servers(), other.servers()), (1, 0));
    other.layer(server.clone()).call(ask()).await.unwrap();
    let limit = Limit::per_second(100).capacity(5);
    let adapts = other.clone().adapt(limit, Cubic::new(Duration::from_secs(8), Ratio::percent(90))).unwrap();
    adapts.layer(server.clone()).call(ask()).await.unwrap();
    assert_eq!(server.times(), [0, 10, 20]);
    // What does not change what is known leaves it known.
    assert_eq!(other.clone().max_pause(Duration::from_secs(1)).servers(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_server_stops_a_client_for_longer_than_the_cap() {
    let absurd = [
        refusal(u32::MAX),
        answer(200, &[("ratelimit", r#""x";r=0;t=999999999"#)]),
        answer(200, &[("ratelimit-policy", r#""x";q=1;w=999999999"#), ("ratelimit", r#""x";r=0"#)]),
        answer(200, &[("x-ratelimit-limit", "1"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "99999999")]),
    ];
    for absurd in absurd {
        let server = server([absurd]);
        let layer = ThrottleLayer::obedient().max_pause(Duration::from_secs(20));
        let mut client = layer.layer(server.clone());
        client.call(ask()).await.unwrap();
        client.call(ask()).await.unwrap();
        let times = server.times();
        assert!((18_000..=20_010).contains(&times[1]), "{times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_allows_nothing_stops_nobody_for_ever() {
    for policy in [r#""x";q=0;w=10"#, r#""x";q=0;w=0"#, r#""x";q=5;w=0"#] {
        let server = server([answer(200, &[("ratelimit-policy", policy), ("ratelimit", r#""x";r=0;t=2"#)])]);
        let mut client = ThrottleLayer::obedient().layer(server.clone());
        client.call(ask()).await.unwrap();
        client.call(ask()).await.unwrap();
        let times = server.times();
        assert!((2000..=2310).contains(&times[1]), "{policy}: {times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn clients_that_were_refused_together_come_back_apart() {
    let mut ends = Vec::new();
    for seed in 0..50 {
        fastrand::seed(seed);
        let server = server([refusal(10)]);
        let mut client = ThrottleLayer::obedient().layer(server.clone());
        client.call(ask()).await.unwrap();
        client.call(ask()).await.unwrap();
        let time = server.times()[1];
        assert!((10_010..=11_011).contains(&time), "seed {seed}: {time}");
        ends.push(time);
    }
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() > 25, "{ends:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_request_to_a_server_goes_alone_until_it_is_answered_or_a_second_is_over() {
    let answering = server([]);
    let client = ThrottleLayer::obedient().layer(answering.clone());
    let asked: Vec<_> = (0..4).map(|_| tokio::spawn(client.clone().call(ask()))).collect();
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
    assert_eq!(answering.times(), [0, 10, 10, 10]);

    let silent = server([]);
    let client = ThrottleLayer::obedient().layer(silent.clone());
    let asked: Vec<_> = (0..3).map(|_| tokio::spawn(client.clone().call(body("silent")))).collect();
    sleep(Duration::from_secs(5)).await;
    asked.iter().for_each(|asked| asked.abort());
    assert_eq!(silent.times(), [0, 1000, 2000]);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_one_request_goes_first() {
    let server = server([answer(200, &[]), refusal(1), refusal(2), answer(200, &[])]);
    let mut client = ThrottleLayer::obedient().layer(server.clone());
    client.call(ask()).await.unwrap();
    client.call(ask()).await.unwrap();
    let asked: Vec<_> = (0..4).map(|_| tokio::spawn(client.clone().call(ask()))).collect();
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
    let times = server.times();
    // The third was refused, and the fourth told that the rest may come.
    assert!(times[3] >= times[2] + 2000 && times[4..] == [times[3] + 10; 2], "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_fails_or_is_dropped_holds_nobody_up() {
    let server = server([]);
    let mut client = ThrottleLayer::obedient().layer(server.clone());
    let error = client.call(body("fails")).await.unwrap_err();
    assert_eq!(error.to_string(), "no connection");
    let mut silent = Box::pin(client.call(body("silent")));
    assert!(is_pending(&mut silent));
    let mut behind = Box::pin(client.call(ask()));
    assert!(is_pending(&mut behind));
    assert_eq!(server.times(), [0, 0]);
    drop(silent);
    behind.await.unwrap();
    assert_eq!(server.times(), [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_request_dropped_in_line_leaves_its_place_and_gives_back_what_own_limits_gave() {
    let server = server([]);
    let own = own(Limit::per_second(1).capacity(10));
    let mut client = ThrottleLayer::new(Arc::clone(&own)).layer(server.clone());
    let mut first = Box::pin(client.call(body("silent")));
    let mut second = Box::pin(client.call(ask()));
    let mut third = Box::pin(client.call(ask()));
    for future in [&mut first, &mut second, &mut third] {
        assert!(is_pending(future));
    }
    assert_eq!(own.available(), [7]);
    drop(second);
    assert_eq!(own.available(), [8]);
    drop(first); // is under way, and counts
    assert_eq!(own.available(), [8]);
    third.await.unwrap();
    assert_eq!((server.times(), own.available()), (vec![0, 0], [8]));
}

/// Is never ready.
#[derive(Clone)]
struct Busy;

impl Service<Request<&'static str>> for Busy {
    type Response = Response<()>;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, &'static str>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Pending
    }

    fn call(&mut self, _: Request<&'static str>) -> Self::Future {
        unreachable!("it is not ready")
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_paid_for_before_the_inner_service_is_asked_whether_it_is_ready() {
    let own = own(Limit::per_hour(1).capacity(10));
    let mut request = Box::pin(ThrottleLayer::new(Arc::clone(&own)).layer(Busy).call(ask()));
    assert!(is_pending(&mut request));
    drop(request);
    assert_eq!(own.available(), [9]);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_dropped_at_any_point_lose_and_keep_nothing() {
    let server = server([]);
    let own = own(Limit::per_second(1).capacity(100_000));
    let mut client = ThrottleLayer::new(Arc::clone(&own)).layer(server.clone());
    client.call(ask()).await.unwrap();
    for round in 1..=100 {
        let mut futures: Vec<_> = (0..100).map(|_| Box::pin(client.call(body("silent")))).collect();
        for (i, future) in futures.iter_mut().enumerate() {
            // Half of them are never asked in earnest. The others are under way.
            assert!(i % 2 == 1 || is_pending(future));
        }
        drop(futures);
        assert_eq!(server.times().len(), 1 + round * 50);
        tokio::task::yield_now().await;
    }
    client.call(ask()).await.unwrap();
    assert_eq!(own.available(), [100_000 - 5_002]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_sent_again_counts_once_at_own_limits() {
    let server = server([refusal(1), refusal(1), answer(204, &[])]);
    let own = own(Limit::per_hour(1).capacity(10));
    let mut client = ThrottleLayer::new(Arc::clone(&own)).retries(2).layer(server.clone());
    let response = client.call(ask()).await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let times = server.times();
    assert!(times[1] >= 1010 && times[2] >= times[1] + 1010 && times[2] < 2500, "{times:?}");
    assert_eq!(own.available(), [9]);
}

/// Counts the refusals that it is told of.
struct Refusals(Arc<AtomicU64>);

impl Adapts for Refusals {
    fn bounds(&self) -> (Ratio, Ratio) {
        (Ratio::percent(1), Ratio::ONE)
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn step(&self, course: &Course, _: Duration, seen: Observed) -> Ratio {
        self.0.fetch_add(u64::from(seen.refused), Ordering::Relaxed);
        course.factor
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_refused_again_counts_once_at_the_policy() {
    let refusals = Arc::new(AtomicU64::new(0));
    let layer = ThrottleLayer::obedient().retries(2);
    let layer = layer.adapt(Limit::per_second(1000), Refusals(Arc::clone(&refusals))).unwrap();
    let (parts, nothing) = (ask().into_parts().0, HeaderMap::new());
    let mut first = layer.admit(&parts).await.unwrap();
    sleep(Duration::from_millis(10)).await;
    first.heard(StatusCode::TOO_MANY_REQUESTS, &nothing);
    for (again, expected) in [(Some(first), 1), (None, 2)] {
        layer.admit(&parts).await.unwrap().heard(StatusCode::OK, &nothing);
        let mut pass = match again {
            Some(mut first) => first.again().await.map(|()| first),
            None => layer.admit(&parts).await,
        }
        .unwrap();
        sleep(Duration::from_millis(10)).await;
        pass.heard(StatusCode::TOO_MANY_REQUESTS, &nothing);
        assert_eq!(refusals.load(Ordering::Relaxed), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_sent_again_only_as_often_as_allowed() {
    let refusals = || (0..10).map(|_| refusal(1));
    let mut server_of_few = server(refusals());
    let mut client = ThrottleLayer::obedient().retries(3).layer(server_of_few.clone());
    assert_eq!(client.call(ask()).await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(server_of_few.times().len(), 4);

    server_of_few = server(refusals());
    let copy = |body: &&'static str| (*body == "again").then_some(*body);
    let mut client = ThrottleLayer::obedient().retries_by(3, copy).layer(server_of_few.clone());
    client.call(body("once")).await.unwrap();
    assert_eq!(server_of_few.times().len(), 1);
    client.call(body("again")).await.unwrap();
    assert_eq!(server_of_few.times().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn only_what_was_not_done_is_sent_again() {
    let after = ("retry-after", "1");
    let exhausted = ("ratelimit", r#""x";r=0;t=1"#);
    let grpc = ("grpc-status", "8");
    let cases = [
        (answer(200, &[]), 1),
        (answer(200, &[exhausted]), 1),
        (answer(500, &[after]), 1),
        (answer(403, &[]), 1),
        (answer(429, &[]), 2),
        (answer(503, &[]), 2),
        (answer(503, &[after]), 2),
        (answer(403, &[exhausted]), 2),
        (answer(200, &[grpc, ("grpc-retry-pushback-ms", "50")]), 2),
        (answer(200, &[grpc, ("grpc-retry-pushback-ms", "-1")]), 1),
        (answer(200, &[("grpc-status", "0")]), 1),
    ];
    for (response, times) in cases {
        let shown = format!("{response:?}");
        let server = server([response]);
        ThrottleLayer::obedient().retries(1).layer(server.clone()).call(ask()).await.unwrap();
        assert_eq!(server.times().len(), times, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_ends_too_late_is_an_error_at_once_that_costs_nothing() {
    let server = server([answer(200, &[]), refusal(30)]);
    let own = own(Limit::per_hour(1).capacity(10));
    let layer = ThrottleLayer::new(Arc::clone(&own)).wait_at_most(Duration::from_secs(5));
    let mut client = layer.layer(server.clone());
    client.call(ask()).await.unwrap();
    client.call(ask()).await.unwrap();
    let began = Instant::now();
    let error = client.call(ask()).await.unwrap_err();
    let ThrottleError::Paused { left } = why(&error) else { panic!("{error}") };
    assert!((30..=33).contains(&left.as_secs()), "{left:?}");
    assert_eq!((began.elapsed(), own.available()), (Duration::ZERO, [8]));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_too_long_is_an_error_that_costs_nothing() {
    let server = server([]);
    let own = own(Limit::per_hour(1).capacity(10));
    let layer = ThrottleLayer::new(Arc::clone(&own)).wait_at_most(Duration::from_millis(500));
    let mut client = layer.layer(server.clone());
    let first = tokio::spawn(client.clone().call(body("silent")));
    tokio::task::yield_now().await;
    let behind = tokio::spawn(client.clone().call(ask()));
    let error = client.call(ask()).await.unwrap_err();
    assert_eq!(*why(&error), ThrottleError::InLine { waited: Duration::from_millis(500) });
    assert!(behind.await.unwrap().is_err());
    first.abort();
    assert_eq!((server.times(), own.available()), (vec![0], [9]));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_honoured_is_obeyed() {
    for (headers, time) in [(Headers::none(), 10..=10), (Headers::DEFAULT, 3000..=3400)] {
        let server = server([refusal(3)]);
        let mut client = ThrottleLayer::obedient().honour(headers).layer(server.clone());
        client.call(ask()).await.unwrap();
        client.call(ask()).await.unwrap();
        assert!(time.contains(&server.times()[1]), "{headers:?} {:?}", server.times());
    }
}

#[tokio::test(start_paused = true)]
async fn malformed_fields_and_responses_of_caches_say_nothing() {
    let cases: [&[(&str, &str)]; 4] = [
        &[("ratelimit", r#""x";r=0;t=-7"#)],
        &[("ratelimit-policy", r#""x";q=1;w=100"#), ("ratelimit", r#""x";r=0;t=100"#), ("age", "7")],
        &[("x-ratelimit-remaining", "none"), ("x-ratelimit-reset", "soon")],
        &[("ratelimit-policy", r#""x";q=0.5;w=9"#)],
    ];
    for fields in cases {
        let server = server([answer(200, fields)]);
        let mut client = ThrottleLayer::obedient().layer(server.clone());
        client.call(ask()).await.unwrap();
        client.call(ask()).await.unwrap();
        assert_eq!(server.times(), [0, 10], "{fields:?}");
    }
}

/// What a policy of bytes allows, a client cannot know of a request. So it waits only at the end.
#[tokio::test(start_paused = true)]
async fn a_policy_of_bytes_pauses_only_when_nothing_is_left() {
    let policy = ("ratelimit-policy", r#""x";q=10;qu="content-bytes";w=10"#);
    let left = |left: u64| answer(200, &[policy, ("ratelimit", &format!(r#""x";r={left};t=4"#))]);
    let server = server([left(1), left(1), left(0), left(9)]);
    let mut client = ThrottleLayer::obedient().layer(server.clone());
    for _ in 0..4 {
        client.call(ask()).await.unwrap();
    }
    let times = server.times();
    assert_eq!(times[..3], [0, 10, 20]);
    assert!((4030..=4500).contains(&times[3]), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_grpc_pauses_for_its_exact_wait() {
    let policy = Policy::new("client", Limit::per_second(10)).unwrap();
    let refused = grpc(&[Quota::refused(&policy, 0, Refusal::Wait(Duration::from_millis(2500)))]).unwrap();
    let server = server([refused]);
    let mut client = ThrottleLayer::obedient().layer(server.clone());
    client.call(ask()).await.unwrap();
    client.call(ask()).await.unwrap();
    assert!((2510..=2761).contains(&server.times()[1]), "{:?}", server.times());
}

#[derive(Default)]
struct Seen {
    sent: AtomicU64,
    waited: AtomicU64,
    advised: AtomicU64,
    paused: AtomicU64,
}

impl ThrottleObserver for Seen {
    fn sent(&self, server: &str, waited: Duration) {
        assert_eq!(server, "a.example");
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.waited.fetch_add(waited.as_millis() as u64, Ordering::Relaxed);
    }

    fn advised(&self, _: &str, advice: &Advice) {
        assert!(advice.is_refusal());
        self.advised.fetch_add(1, Ordering::Relaxed);
    }

    fn paused(&self, _: &str, pause: Duration) {
        self.paused.fetch_add(pause.as_millis() as u64, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_sees_waits_advice_and_pauses() {
    let seen = Arc::new(Seen::default());
    let layer = ThrottleLayer::obedient().observe(Arc::clone(&seen)).retries(1);
    layer.layer(server([refusal(2)])).call(ask()).await.unwrap();
    let [sent, waited, advised, paused] =
        [&seen.sent, &seen.waited, &seen.advised, &seen.paused].map(|count| count.load(Ordering::Relaxed));
    assert_eq!((sent, advised), (2, 1));
    assert!((2000..=2200).contains(&paused), "{paused}");
    assert!((paused..=paused + 1).contains(&waited), "{waited} of {paused}");
}

/// Panics once, where it is told to.
struct Panics(&'static str, AtomicU64);

impl Panics {
    fn at(&self, place: &str) {
        assert!(self.0 != place || self.1.fetch_add(1, Ordering::Relaxed) > 0, "of the test");
    }
}

impl ThrottleObserver for Panics {
    fn sent(&self, _: &str, _: Duration) {
        self.at("sent");
    }

    fn advised(&self, _: &str, _: &Advice) {
        self.at("advised");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_an_observer_a_key_or_a_copy_holds_nobody_up() {
    for place in ["sent", "advised", "key", "copy"] {
        let server = server([refusal(1)]);
        let panics = Arc::new(Panics(place, AtomicU64::new(0)));
        let (in_key, in_copy) = (Arc::clone(&panics), Arc::clone(&panics));
        let layer = ThrottleLayer::obedient().observe(Arc::clone(&panics));
        let layer = layer.by_server(move |_| {
            in_key.at("key");
            String::new()
        });
        let layer = layer.retries_by(1, move |body: &&'static str| {
            in_copy.at("copy");
            Some(*body)
        });
        let client = layer.layer(server.clone());
        let panicked = tokio::spawn(client.clone().call(ask())).await;
        assert!(panicked.is_err_and(|error| error.is_panic()), "{place}");
        // Nothing is poisoned, and nobody seems under way.
        for _ in 0..2 {
            client.clone().call(ask()).await.unwrap();
        }
        assert!(server.times().last() < Some(&3000), "{place}: {:?}", server.times());
    }
}

#[tokio::test(start_paused = true)]
async fn servers_are_bounded_and_those_that_are_paused_or_in_use_stay() {
    let server = server([refusal(60)]);
    let layer = ThrottleLayer::obedient().max_servers(3);
    let mut client = layer.layer(server.clone());
    client.call(to("http://paused/")).await.unwrap();
    let mut in_use = Box::pin(client.call(to("http://used/").map(|_| "silent")));
    assert!(is_pending(&mut in_use));
    for i in 0..2000 {
        client.call(to(&format!("http://other{i}/"))).await.unwrap();
        assert!(layer.servers() <= 3);
    }
    let began = Instant::now();
    client.call(to("http://paused/")).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(60 - 21), "{:?}", began.elapsed());
    let mut behind = Box::pin(client.call(to("http://used/")));
    assert!(is_pending(&mut behind), "it is known that one is under way");
}

#[tokio::test(start_paused = true)]
async fn servers_without_room_share_one_state() {
    let server = server([refusal(60), refusal(60), answer(200, &[])]);
    let layer = ThrottleLayer::obedient().max_servers(1);
    let mut client = layer.layer(server.clone());
    client.call(to("http://a/")).await.unwrap();
    client.call(to("http://b/")).await.unwrap();
    client.call(to("http://c/")).await.unwrap();
    let times = server.times();
    assert!(times[1] == 10 && times[2] >= 60_000, "{times:?}");
    assert_eq!(layer.servers(), 1);
}

#[tokio::test(start_paused = true)]
async fn attempts_that_a_pause_refuses_cost_a_keyed_limit_nothing() {
    let server = server([refusal(30)]);
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_hour(1).capacity(10), 10, TokioClock::new()).unwrap();
    let keys = Arc::new(keys);
    let per_key = PerKey::new("k", Arc::clone(&keys)).key(|_: &http::request::Parts| Some(7)).charge(Charge::OnAttempt);
    let layer = ThrottleLayer::new(Gate::new().limit(per_key)).wait_at_most(Duration::from_secs(1));
    let mut client = layer.layer(server.clone());
    client.call(ask()).await.unwrap();
    for _ in 0..5 {
        client.call(ask()).await.unwrap_err();
    }
    assert_eq!(keys.available(&7), 9);
}

#[tokio::test]
async fn types_are_shared_between_threads_and_shown() {
    fn shared<T: Send + Sync + std::fmt::Debug>(_: &T) {}
    let layer = ThrottleLayer::obedient().retries(1);
    shared(&layer);
    shared(&layer.layer(()));
    fn sent<T: Send>(_: T) {}
    sent(layer.layer(server([])).call(ask()));
}
