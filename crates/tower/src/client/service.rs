//! Owns the client's service, and the future of its response. Never decides when to send.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::copies::CopyBody;
use super::layer::Settings;
use super::pass::Pass;

/// A client that waits before each request: made by [`ThrottleLayer`](crate::ThrottleLayer).
///
/// All clones share the limits. The inner service is cloned for each request, and asked whether it
/// is ready when the request may go out.
pub struct Throttle<S, R = ()> {
    inner: S,
    settings: Arc<Settings>,
    copies: R,
}

type BoxError = Box<dyn Error + Send + Sync>;

/// The response to a request of a [`Throttle`].
///
/// Dropped while the request waits, it leaves its place, and gives back what the client's own
/// limits gave. Dropped later, the request counts as sent.
pub struct ThrottleFuture<T>(Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>);

impl<S, R> Throttle<S, R> {
    pub(crate) const fn new(inner: S, settings: Arc<Settings>, copies: R) -> Self {
        Self { inner, settings, copies }
    }

    /// Returns the inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, R, A, B> Service<Request<A>> for Throttle<S, R>
where
    S: Service<Request<A>, Response = Response<B>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
    R: CopyBody<A>,
    A: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = ThrottleFuture<Response<B>>;

    /// It is always ready: a clone of the inner service is asked once a request may go out.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> ThrottleFuture<Response<B>> {
        let (settings, copies, inner) = (Arc::clone(&self.settings), self.copies.clone(), self.inner.clone());
        ThrottleFuture(Box::pin(send(settings, copies, inner, request)))
    }
}

async fn send<S, R, A, B>(
    settings: Arc<Settings>,
    copies: R,
    inner: S,
    request: Request<A>,
) -> Result<Response<B>, BoxError>
where
    S: Service<Request<A>, Response = Response<B>, Error: Into<BoxError>> + Clone,
    R: CopyBody<A>,
{
    let (mut parts, mut body) = request.into_parts();
    let mut pass = Pass::admit(&settings, &parts).await?;
    loop {
        let copy = if pass.retries_left() > 0 { copies.copy(&body) } else { None };
        let copy = copy.map(|body| (parts.clone(), body));
        let mut inner = inner.clone();
        poll_fn(|context| inner.poll_ready(context)).await.map_err(Into::into)?;
        let response = inner.call(Request::from_parts(parts, body)).await.map_err(Into::into)?;
        let advice = pass.heard(response.status(), response.headers());
        let Some(copy) = copy.filter(|_| pass.may_retry(response.status(), advice.as_ref())) else {
            return Ok(response);
        };
        drop(response);
        (parts, body) = copy;
        pass.again().await?;
    }
}

impl<T> Future for ThrottleFuture<T> {
    type Output = Result<T, BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl<S: Clone, R: Clone> Clone for Throttle<S, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), settings: Arc::clone(&self.settings), copies: self.copies.clone() }
    }
}

impl<S: fmt::Debug, R> fmt::Debug for Throttle<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("inner", &self.inner).field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ThrottleFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleFuture").finish_non_exhaustive()
    }
}
