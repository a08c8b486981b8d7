//! Owns one request, from the question to the limits until its response. Never decides.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, request};
use pin_project_lite::pin_project;
use tollgate::gate::Reason;
use tower_service::Service;

use super::body::TollgateBody;
use super::settings::Settings;
use super::settle::Keyless;
use super::settling::Settling;
use crate::gate::decide::{Asked, Decided};
use crate::gate::said::Said;
use crate::observe::observer::{Observer, Outcome};

pin_project! {
    /// The response of a [`Tollgate`](crate::Tollgate).
    ///
    /// Dropped while the request waits, it leaves its place in line. Dropped later, it settles what
    /// the request took.
    pub struct ResponseFuture<S: Service<Request<A>>, A, O: Observer = ()> {
        #[pin]
        state: State<S::Future, Waiting<S, A, O>, Granted<S, A, O>, Passed<O>>,
    }
}

pin_project! {
    #[project = StateProjected]
    enum State<F, W, G, P> {
        Refused { response: Option<Response<Bytes>> },
        Waiting { waiting: Option<W> },
        Granted { granted: Option<G> },
        Passed { #[pin] future: F, passed: P },
    }
}

/// A request that waits in turn.
struct Waiting<S, A, O: Observer> {
    decision: Pin<Box<dyn Future<Output = Decided> + Send>>,
    watch: Watch<O>,
    request: request::Parts,
    body: A,
    inner: S,
}

/// A request that goes to the inner service, as soon as that is ready.
struct Granted<S, A, O: Observer> {
    inner: S,
    request: Request<A>,
    passed: Passed<O>,
}

/// A request that the inner service has.
struct Passed<O: Observer> {
    settling: Option<Settling<O>>,
    /// What its response says, and when that was true.
    says: Option<(Said, SystemTime, Arc<Settings<O>>)>,
    has_content: bool,
}

impl<S, A, O> ResponseFuture<S, A, O>
where
    S: Service<Request<A>>,
    O: Observer,
{
    pub(crate) fn new(settings: &Arc<Settings<O>>, inner: S, request: Request<A>) -> Self {
        let (request, body) = request.into_parts();
        let state = if settings.is_exempt(&request) {
            pass(inner, Request::from_parts(request, body), Passed::free())
        } else {
            match settings.gate.ask(&request, settings.asks()) {
                Asked::Decided(decided) => {
                    let watch = Watch::new(settings);
                    answer(decided, watch, request, body, inner)
                }
                Asked::Waits(decision) => {
                    let watch = Watch::new(settings);
                    State::Waiting { waiting: Some(Waiting { decision, watch, request, body, inner }) }
                }
                Asked::Keyless(limit) => {
                    settings.observer.keyless(limit);
                    match settings.keyless {
                        Keyless::Admit => pass(inner, Request::from_parts(request, body), Passed::free()),
                        Keyless::Refuse(status) => State::Refused { response: Some(settings.keyless(status, limit)) },
                    }
                }
            }
        };
        Self { state }
    }
}

type StateOf<S, A, O> = State<<S as Service<Request<A>>>::Future, Waiting<S, A, O>, Granted<S, A, O>, Passed<O>>;

fn pass<S: Service<Request<A>>, A, O: Observer>(inner: S, request: Request<A>, passed: Passed<O>) -> StateOf<S, A, O> {
    State::Granted { granted: Some(Granted { inner, request, passed }) }
}

/// What follows a decision.
fn answer<S: Service<Request<A>>, A, O: Observer>(
    decided: Decided,
    watch: Watch<O>,
    request: request::Parts,
    body: A,
    inner: S,
) -> StateOf<S, A, O> {
    match decided {
        Decided::Granted(held, said) => {
            let settings = watch.granted();
            let passed = Passed {
                settling: held.map(|held| Settling::new(held, &settings)),
                says: said.map(|said| (said, SystemTime::now(), settings)),
                has_content: request.method != Method::HEAD,
            };
            pass(inner, Request::from_parts(request, body), passed)
        }
        Decided::Refused(said) => {
            let settings = watch.refused(&said);
            State::Refused { response: Some(settings.refusal(&request, &said)) }
        }
    }
}

impl<S, A, B, O> Future for ResponseFuture<S, A, O>
where
    S: Service<Request<A>, Response = Response<B>>,
    O: Observer,
{
    type Output = Result<Response<TollgateBody<B, O>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjected::Refused { response } => {
                    let response = response.take().expect("polled after it was ready");
                    return Poll::Ready(Ok(response.map(TollgateBody::refusal)));
                }
                StateProjected::Waiting { waiting } => {
                    let waits = waiting.as_mut().expect("it waits");
                    let decided = match waits.decision.as_mut().poll(context) {
                        Poll::Ready(decided) => decided,
                        Poll::Pending => {
                            waits.watch.has_waited = true;
                            return Poll::Pending;
                        }
                    };
                    let Waiting { watch, request, body, inner, .. } = waiting.take().expect("it waits");
                    answer(decided, watch, request, body, inner)
                }
                StateProjected::Granted { granted } => {
                    ready!(granted.as_mut().expect("it was granted").inner.poll_ready(context))?;
                    let Granted { mut inner, request, passed } = granted.take().expect("it was granted");
                    State::Passed { future: inner.call(request), passed }
                }
                StateProjected::Passed { future, passed } => {
                    let response = ready!(future.poll(context))?;
                    return Poll::Ready(Ok(passed.response(response)));
                }
            };
            state.set(next);
        }
    }
}

impl<O: Observer> Passed<O> {
    /// One that counts at no limit.
    fn free() -> Self {
        Self { settling: None, says: None, has_content: true }
    }

    fn response<B>(&mut self, response: Response<B>) -> Response<TollgateBody<B, O>> {
        let (mut response, body) = response.into_parts();
        let mut settling = self.settling.take();
        if let Some(settling) = &mut settling {
            settling.see(&response);
        }
        let status = response.status;
        if let Some((said, at, settings)) = self.says.take() {
            settings.headers.write(&said.quotas(), status, at, &mut response.headers);
        }
        if !self.has_content || !may_have_content(status) {
            settling = None;
        }
        Response::from_parts(response, TollgateBody::inner(body, settling))
    }
}

fn may_have_content(status: StatusCode) -> bool {
    !status.is_informational()
        && !matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Tells an observer what becomes of a request, also if it is dropped before that is known.
struct Watch<O: Observer> {
    settings: Arc<Settings<O>>,
    since: Option<Instant>,
    has_waited: bool,
    is_told: bool,
}

impl<O: Observer> Watch<O> {
    fn new(settings: &Arc<Settings<O>>) -> Self {
        let since = O::OBSERVES.then(Instant::now);
        Self { settings: Arc::clone(settings), since, has_waited: false, is_told: !O::OBSERVES }
    }

    fn waited(&self) -> Duration {
        match self.since {
            Some(since) if self.has_waited => since.elapsed(),
            _ => Duration::ZERO,
        }
    }

    fn granted(mut self) -> Arc<Settings<O>> {
        self.tell_all(if self.has_waited { Outcome::Waited } else { Outcome::Granted });
        Arc::clone(&self.settings)
    }

    fn refused(mut self, said: &Said) -> Arc<Settings<O>> {
        if !self.is_told {
            self.is_told = true;
            let (mut reasons, waited) = (said.reasons(), self.waited());
            self.settings.gate.each(&mut |limit| {
                let outcome = match reasons.next().flatten() {
                    Some(Reason::NoRoom) => Outcome::NoRoom,
                    Some(Reason::Away) => Outcome::Away,
                    Some(_) => Outcome::Refused,
                    None => return,
                };
                self.settings.observer.decided(limit.name, outcome, waited);
            });
        }
        Arc::clone(&self.settings)
    }

    fn tell_all(&mut self, outcome: Outcome) {
        if !self.is_told {
            self.is_told = true;
            let waited = self.waited();
            self.settings.gate.each(&mut |limit| self.settings.observer.decided(limit.name, outcome, waited));
        }
    }
}

impl<O: Observer> Drop for Watch<O> {
    fn drop(&mut self) {
        self.tell_all(Outcome::Cancelled);
    }
}

impl<S: Service<Request<A>>, A, O: Observer> fmt::Debug for ResponseFuture<S, A, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Refused { .. } => "refused",
            State::Waiting { .. } => "waiting",
            State::Granted { .. } => "granted",
            State::Passed { .. } => "passed",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish()
    }
}
