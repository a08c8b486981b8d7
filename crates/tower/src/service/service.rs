//! Owns the service that asks a gate before each request. Never decides.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::body::TollgateBody;
use super::future::ResponseFuture;
use super::settings::Settings;
use crate::observe::observer::Observer;

/// A service that asks a [`Gate`](crate::Gate) before each request: made by
/// [`TollgateLayer`](crate::TollgateLayer).
///
/// All clones share the limits. The inner service is cloned for each request. It is asked whether
/// it is ready once a request was granted. So refusals are answered whatever it does, and who waits
/// in turn holds none of its places.
pub struct Tollgate<S, O = ()> {
    inner: S,
    settings: Arc<Settings<O>>,
}

impl<S, O> Tollgate<S, O> {
    pub(crate) const fn new(inner: S, settings: Arc<Settings<O>>) -> Self {
        Self { inner, settings }
    }

    /// Returns the inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, to change it.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, O, A, B> Service<Request<A>> for Tollgate<S, O>
where
    S: Service<Request<A>, Response = Response<B>> + Clone,
    O: Observer,
{
    type Response = Response<TollgateBody<B, O>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, A, O>;

    /// It is always ready, to refuse. A clone of the inner service is asked once it gets a request:
    /// who waits in turn holds no place there.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> ResponseFuture<S, A, O> {
        ResponseFuture::new(&self.settings, self.inner.clone(), request)
    }
}

impl<S: Clone, O> Clone for Tollgate<S, O> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), settings: Arc::clone(&self.settings) }
    }
}

impl<S: fmt::Debug, O> fmt::Debug for Tollgate<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tollgate").field("inner", &self.inner).field("settings", &self.settings).finish()
    }
}
