//! A client of reqwest with the middleware, against a server on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::any;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};
use tokio::net::TcpListener;
use tollgate::{Limit, TokenBucket};
use tollgate_reqwest::ThrottleMiddleware;
use tollgate_tower::{ThrottleError, ThrottleLayer};

/// Refuses the first requests, for a second each.
async fn server(refusals: u32) -> (String, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let answer = move |_: Body| async move {
        if count.fetch_add(1, Ordering::Relaxed) < refusals {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "later").into_response()
        } else {
            "hello".into_response()
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, Router::new().route("/", any(answer))).await });
    (uri, asked)
}

fn client<R: Send + Sync + 'static>(layer: ThrottleLayer<R>) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new()).with(ThrottleMiddleware::new(layer)).build()
}

fn own() -> Arc<TokenBucket> {
    Arc::new(TokenBucket::new(Limit::per_hour(1).capacity(5)).unwrap())
}

#[tokio::test]
async fn a_refused_request_is_sent_again_after_the_pause_and_counts_once() {
    let (uri, asked) = server(1).await;
    let own = own();
    let client = client(ThrottleLayer::new(Arc::clone(&own)).retries(1));
    let began = Instant::now();
    let response = client.post(&uri).body("body").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "hello");
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!((asked.load(Ordering::Relaxed), own.available()), (2, 4));
}

#[tokio::test]
async fn without_retries_a_refusal_is_the_response_and_the_next_request_waits() {
    let (uri, asked) = server(1).await;
    let client = client(ThrottleLayer::obedient());
    assert_eq!(client.get(&uri).send().await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    let began = Instant::now();
    assert_eq!(client.get(&uri).send().await.unwrap().status(), StatusCode::OK);
    assert!(began.elapsed() >= Duration::from_millis(900));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_an_error_of_the_middleware() {
    let (uri, asked) = server(1).await;
    let client = client(ThrottleLayer::obedient().wait_at_most(Duration::from_millis(100)));
    client.get(&uri).send().await.unwrap();
    let Err(Error::Middleware(error)) = client.get(&uri).send().await else { panic!("it is paused") };
    assert!(matches!(error.downcast_ref(), Some(ThrottleError::Paused { .. })), "{error}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_layer_sees_the_method_and_the_fields_of_a_request() {
    let (uri, asked) = server(1).await;
    let key = |head: &http::request::Parts| format!("{} {:?}", head.method, head.headers.get("tenant"));
    let layer = ThrottleLayer::obedient().by_server(key);
    let client = client(layer.clone());
    client.get(&uri).send().await.unwrap();
    client.post(&uri).send().await.unwrap();
    client.get(&uri).header("tenant", "a").send().await.unwrap();
    assert_eq!((asked.load(Ordering::Relaxed), layer.servers()), (3, 3));
}
