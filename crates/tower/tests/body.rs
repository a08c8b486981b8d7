//! What a body settles that behaves as bodies may, on a clock that is moved by hand.

mod common;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Clients, Clock, clients, keyed_by_name};
use http::{HeaderMap, Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use tollgate::Limit;
use tollgate_tower::{Gate, PerKey, Settle, TollgateBody, TollgateLayer};
use tower::{Layer, ServiceExt, service_fn};

/// Frames by hand; knows its end, and its size, if it is told to.
#[derive(Clone, Default)]
struct Frames {
    frames: VecDeque<Result<Option<usize>, &'static str>>,
    knows_its_end: bool,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(self.frames.pop_front().map(|frame| {
            frame.map(|data| match data {
                Some(bytes) => Frame::data(vec![0; bytes].into()),
                None => Frame::trailers(HeaderMap::new()),
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.knows_its_end && self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.frames.iter().flatten().flatten().sum::<usize>() as u64)
    }
}

const ESTIMATE: u64 = 500;

/// The response with this body to a request that took 500 bytes of 1000.
async fn answered<B: Body<Data = Bytes> + Clone>(body: B, method: Method) -> (Clients<2>, Response<TollgateBody<B>>) {
    let clients = clients(&Clock::default(), [Limit::per_second(10), Limit::per_second(1000)]);
    let limit = PerKey::new("client", clients.clone()).key(keyed_by_name).cost(|_| [1, ESTIMATE]);
    let layer = TollgateLayer::new(Gate::new().limit(limit)).settle(Settle::ResponseBody);
    let service = layer.layer(service_fn(move |_: Request<()>| {
        let body = body.clone();
        async move { Ok::<_, Infallible>(Response::new(body)) }
    }));
    let request = Request::builder().method(method).header("client", "a").body(()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    (clients, response)
}

fn frames(frames: &[usize], knows_its_end: bool) -> Frames {
    Frames { frames: frames.iter().map(|&bytes| Ok(Some(bytes))).collect(), knows_its_end }
}

/// A server does not poll such a body again, and may keep it.
#[tokio::test]
async fn a_body_that_says_that_it_is_at_its_end_settles_then() {
    let (clients, mut response) = answered(frames(&[30, 0, 40], true), Method::GET).await;
    for left in [500, 500, 930] {
        response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(clients.available("a")[1], left);
    }
    assert!(response.body().is_end_stream());
    // Whatever is done to it afterwards changes nothing.
    assert!(response.body_mut().frame().await.is_none());
    assert!(response.body_mut().frame().await.is_none());
    drop(response);
    assert_eq!(clients.available("a")[1], 930);
}

#[tokio::test]
async fn a_body_without_data_settles_to_no_bytes_without_a_poll() {
    let (clients, response) = answered(Empty::new(), Method::GET).await;
    assert!(response.body().is_end_stream());
    drop(response);
    assert_eq!(clients.available("a")[1], 1000);
    let (clients, mut response) = answered(Full::new(Bytes::from_static(&[0; 70])), Method::GET).await;
    assert_eq!(clients.available("a")[1], 500);
    response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(clients.available("a")[1], 930);
}

#[tokio::test]
async fn a_body_that_fails_midway_settles_to_what_was_sent() {
    let mut body = frames(&[30, 40], false);
    body.frames.extend([Err("broken"), Ok(Some(900))]);
    let (clients, mut response) = answered(body, Method::GET).await;
    for left in [500, 500, 930] {
        let _ = response.body_mut().frame().await.unwrap();
        assert_eq!(clients.available("a")[1], left);
    }
}

#[tokio::test]
async fn trailers_and_empty_frames_cost_nothing_and_pass() {
    let mut body = frames(&[0, 700, 0], false);
    body.frames.push_back(Ok(None));
    let (clients, response) = answered(body, Method::GET).await;
    assert_eq!(response.body().size_hint().exact(), Some(700));
    let collected = response.into_body().collect().await.unwrap();
    assert!(collected.trailers().is_some());
    assert_eq!(clients.available("a")[1], 300);
}

/// What a tunnel carries is no content.
#[tokio::test]
async fn a_tunnel_settles_to_no_bytes_when_it_is_dropped() {
    let (clients, response) = answered(frames(&[900], false), Method::CONNECT).await;
    drop(response);
    assert_eq!(clients.available("a"), [9, 1000]);
}

/// Each is charged alone, which is to cost little beside sending it.
#[tokio::test]
async fn a_hundred_thousand_tiny_frames_are_exact_and_quick() {
    let (clients, response) = answered(frames(&[1; 100_000], false), Method::GET).await;
    let begin = Instant::now();
    response.into_body().collect().await.unwrap();
    assert_eq!(clients.debt("a")[1], 99_000);
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}
