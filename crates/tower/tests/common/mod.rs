//! What several tests share: buckets on a clock that is moved by hand, and a service that answers
//! with as many bytes as it is asked for.
#![allow(dead_code, reason = "each file of tests is a crate of its own, and uses some of it")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, request};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tollgate::clock::ManualClock;
use tollgate::{KeyedBuckets, Limit, MultiBucket, keyed};

pub(crate) type Clock = Arc<ManualClock>;
pub(crate) type Clients<const N: usize> = Arc<KeyedBuckets<String, N, Clock>>;

pub(crate) fn clients<const N: usize>(clock: &Clock, limits: [Limit; N]) -> Clients<N>
where
    [u64; N]: keyed::Streams<N>,
{
    Arc::new(KeyedBuckets::with_clock(limits, 1000, Arc::clone(clock)).unwrap())
}

pub(crate) fn shared<const N: usize>(clock: &Clock, limits: [Limit; N]) -> Arc<MultiBucket<N, Clock>> {
    Arc::new(MultiBucket::with_clock(limits, Arc::clone(clock)).unwrap())
}

pub(crate) fn keyed_by_name(request: &request::Parts) -> Option<String> {
    Some(request.headers.get("client")?.to_str().ok()?.to_owned())
}

/// A request of this client for so many bytes.
pub(crate) fn get(client: &str, bytes: u64) -> Request<u64> {
    Request::builder().header("client", client).body(bytes).unwrap()
}

/// Data in frames of at most 10 bytes.
#[derive(Debug)]
pub(crate) struct Chunks(u64);

impl Chunks {
    pub(crate) fn of(bytes: u64) -> Self {
        Self(bytes)
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.min(10);
        self.0 -= next;
        Poll::Ready((next > 0).then(|| Ok(Frame::data(Bytes::from(vec![b'x'; next as usize])))))
    }
}

/// Answers with the bytes that the request asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo;

pub(crate) fn echo() -> Echo {
    Echo
}

impl tower::Service<Request<u64>> for Echo {
    type Response = Response<Chunks>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Chunks>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<u64>) -> Self::Future {
        ready(Ok(Response::new(Chunks(request.into_body()))))
    }
}

/// The whole body.
pub(crate) async fn body<B: Body<Data = Bytes, Error = Infallible>>(response: Response<B>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

/// Numbers without an end, the same for one seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}
