//! The client's layer around the clients that people use: of hyper and of tonic. On loopback.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tollgate::{Limit, TokenBucket};
use tollgate_tower::{Gate, Shared, ThrottleLayer, TollgateLayer};
use tonic::Code;
use tonic::transport::{Channel, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{Layer, Service};

/// Refuses the first request for a second.
async fn refuses_once() -> (String, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let answer = move || async move {
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "later").into_response(),
            _ => "hello".into_response(),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, Router::new().route("/", get(answer))).await });
    (uri, asked)
}

#[tokio::test]
async fn a_client_of_hyper_waits_and_asks_again() {
    let (uri, asked) = refuses_once().await;
    let own = Arc::new(TokenBucket::new(Limit::per_hour(1).capacity(5)).unwrap());
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut client = ThrottleLayer::new(Arc::clone(&own)).retries(1).layer(client);
    let began = Instant::now();
    let response = client.call(Request::get(&uri).body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!((asked.load(Ordering::Relaxed), own.available()), (2, 4));
}

/// The health service of tonic, behind a bucket that holds one token and refills 5 a second.
#[tokio::test]
async fn a_client_of_tonic_waits_as_long_as_it_is_told() {
    let all = Arc::new(TokenBucket::new(Limit::per_second(5).capacity(1)).unwrap());
    let refusals = TollgateLayer::grpc(Gate::new().limit(Shared::new("all", all)));
    let (_, health) = tonic_health::server::health_reporter();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(Server::builder().layer(refusals).add_service(health).serve_with_incoming(incoming));

    #[derive(Default)]
    struct Pauses(Mutex<Vec<Duration>>);
    impl tollgate_tower::ThrottleObserver for Pauses {
        fn paused(&self, _: &str, pause: Duration) {
            self.0.lock().unwrap().push(pause);
        }
    }
    let pauses = Arc::new(Pauses::default());
    let channel = Channel::from_shared(uri).unwrap().connect().await.unwrap();
    let channel = ThrottleLayer::obedient().observe(Arc::clone(&pauses)).layer(channel);
    let mut client = HealthClient::new(channel);
    let (mut granted, mut refused) = (0, 0);
    while refused == 0 {
        match client.check(HealthCheckRequest::default()).await {
            Ok(_) => granted += 1,
            Err(status) => {
                assert_eq!(status.code(), Code::ResourceExhausted);
                refused += 1;
            }
        }
    }
    assert!(granted > 0);
    let paused = Instant::now();
    client.check(HealthCheckRequest::default()).await.expect("the wait is exact");
    let pause = pauses.0.lock().unwrap()[0];
    assert!(pause <= Duration::from_millis(220), "{pause:?}");
    assert!(paused.elapsed() + Duration::from_millis(100) >= pause, "{pause:?} {:?}", paused.elapsed());
}
