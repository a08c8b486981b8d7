//! tower_governor 0.8 cuts the wait to whole seconds.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum_core::body::Body;
use http::{Request, Response, StatusCode};
use lessons::lesson;
use tollgate::clock::ManualClock;
use tollgate::{Limit, Rate, Refused, TokenBucket};
use tower_governor::governor::{Governor, GovernorConfigBuilder};
use tower_governor::key_extractor::GlobalKeyExtractor;
use tower_service::Service;

const PERIOD: Duration = Duration::from_millis(900);

#[derive(Clone)]
struct Accept;

impl Service<Request<Body>> for Accept {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(Response::new(Body::empty())))
    }
}

#[test]
fn waits_are_rounded_up() {
    let mut builder = GovernorConfigBuilder::default();
    let config = builder.period(PERIOD).burst_size(1).key_extractor(GlobalKeyExtractor).finish().unwrap();
    let mut service = Governor::new(Accept, &config);
    // The peer uses the real clock. The loop ends at the first refusal, usually of the second call.
    let refused = loop {
        let mut response = pin!(service.call(Request::new(Body::empty())));
        match response.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(response)) if response.status() == StatusCode::TOO_MANY_REQUESTS => break response,
            Poll::Ready(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    let theirs = refused.headers()["retry-after"].to_str().unwrap();
    assert_eq!(theirs, "0");

    let limit = Limit::new(Rate::new(1, PERIOD).unwrap(), 1);
    let bucket = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
    bucket.try_take(1).unwrap();
    let Err(Refused::NotYet(refused)) = bucket.try_take(1) else { panic!("{bucket:?}") };
    let wait = refused.wait().unwrap();
    assert_eq!(wait, PERIOD);
    bucket.clock().advance(wait - Duration::from_nanos(1));
    assert!(bucket.try_take(1).is_err());
    bucket.clock().advance(Duration::from_nanos(1));
    assert!(bucket.try_take(1).is_ok());

    lesson(
        "tower_governor 0.8.0",
        true,
        format!("retry-after: {theirs} when the next token is 0.9 s away"),
        format!("{wait:?}, and not a nanosecond before"),
    );
}
