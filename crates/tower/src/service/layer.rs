//! Owns what a user tells a layer. Never decides.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, request};
use tollgate_http::Headers;
use tower_layer::Layer;

use super::refused_request::RefusedRequest;
use super::service::Tollgate;
use super::settings::Settings;
use super::settle::{Keyless, Settle};
use crate::gate::chain::GateList;
use crate::gate::decide::Decide;
use crate::gate::gate::Gate;
use crate::gate::streams::short;
use crate::observe::observer::{Level, Observer};

/// Asks a [`Gate`] before each request, and answers those that it refuses.
///
/// The limits are shared by all services that it makes and by all their clones.
///
/// ```
/// use std::convert::Infallible;
/// use std::sync::Arc;
/// use bytes::Bytes;
/// use http::{Request, Response, StatusCode};
/// use http_body_util::Full;
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, TokenBucket};
/// use tollgate_tower::{Gate, Shared, TollgateLayer};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limit = Limit::per_second(10).capacity(1);
/// let all = Arc::new(TokenBucket::with_clock(limit, ManualClock::new())?);
/// let layer = TollgateLayer::new(Gate::new().limit(Shared::new("service", all)));
/// let hello = |_: Request<()>| async {
///     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("hello"))))
/// };
/// let service = layer.layer(service_fn(hello));
///
/// let response = service.clone().oneshot(Request::new(())).await?;
/// assert_eq!(response.headers()["ratelimit"], r#""service";r=0;t=1"#);
/// let response = service.oneshot(Request::new(())).await?;
/// assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
/// assert_eq!(response.headers()["retry-after"], "1");
/// # Ok(())
/// # }
/// ```
#[must_use = "a layer does nothing until it wraps a service"]
pub struct TollgateLayer<O = ()> {
    settings: Settings<O>,
}

impl TollgateLayer {
    /// Makes a layer for HTTP: refusals have a status, header fields, and problem details.
    ///
    /// # Panics
    ///
    /// If two limits have one name, or two streams are advertised under one: a client and a metric
    /// could not tell them apart. A stream is advertised as its limit; if that has several, as
    /// `<limit>-<stream>`.
    ///
    /// ```should_panic
    /// use std::sync::Arc;
    /// use tollgate::{Limit, TokenBucket};
    /// use tollgate_tower::{Gate, Shared, TollgateLayer};
    ///
    /// let all = || Shared::new("all", Arc::new(TokenBucket::new(Limit::per_second(9)).unwrap()));
    /// let _ = TollgateLayer::new(Gate::new().limit(all()).limit(all())); // panics
    /// ```
    pub fn new<L: GateList>(gate: Gate<L>) -> Self {
        check_names(&gate);
        Self {
            settings: Settings {
                gate: Arc::new(gate),
                grpc: false,
                headers: Headers::DEFAULT,
                settle: Settle::Nothing,
                keyless: Keyless::default(),
                exempt: Vec::new(),
                on_refused: None,
                observer: Arc::new(()),
            },
        }
    }

    /// Makes a layer for gRPC: refusals are `RESOURCE_EXHAUSTED` with `RetryInfo`, as
    /// [`tollgate_http::grpc`] says. No other header fields are written, unless
    /// [`headers`](Self::headers) asks for them.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn grpc<L: GateList>(gate: Gate<L>) -> Self {
        let mut layer = Self::new(gate);
        layer.settings.grpc = true;
        layer.settings.headers = Headers::none().retry_after(false);
        layer
    }
}

impl<O: Observer> TollgateLayer<O> {
    /// Chooses the header fields. Default: those of the newest draft, and `Retry-After`.
    ///
    /// What the inner service has set stays. The lists `RateLimit-Policy` and `RateLimit` get a
    /// further line, so that one layer may wrap another; the fields with a single value do not:
    /// see [`Headers::write`].
    pub fn headers(mut self, headers: Headers) -> Self {
        self.settings.headers = headers;
        self
    }

    /// Chooses what responses settle. Default: nothing.
    pub fn settle(mut self, settle: Settle) -> Self {
        self.settings.settle = settle;
        self
    }

    /// Chooses what becomes of a request that does not say whose it is. Default: status 500.
    pub fn when_keyless(mut self, keyless: Keyless) -> Self {
        self.settings.keyless = keyless;
        self
    }

    /// Lets requests pass for which the function says so; they count at no limit.
    ///
    /// All exemptions hold that were given.
    pub fn exempt(mut self, exempt: impl Fn(&request::Parts) -> bool + Send + Sync + 'static) -> Self {
        self.settings.exempt.push(Arc::new(exempt));
        self
    }

    /// Lets requests with this method pass, such as `OPTIONS` before a request across origins.
    pub fn exempt_method(self, method: Method) -> Self {
        self.exempt(move |request| request.method == method)
    }

    /// Lets requests for exactly this path pass, such as that of a health check.
    pub fn exempt_path(self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.exempt(move |request| request.uri.path() == path)
    }

    /// Answers what is refused. The header fields are added to what it returns. Default:
    /// [`RefusedRequest::response`].
    ///
    /// Set the [status](RefusedRequest::status) and the content type: a new response says 200. To
    /// change only the body, begin with [`RefusedRequest::response`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use bytes::Bytes;
    /// use http::Response;
    /// use tollgate::{Limit, TokenBucket};
    /// use tollgate_tower::{Gate, Shared, TollgateLayer};
    ///
    /// let all = Arc::new(TokenBucket::new(Limit::per_second(10))?);
    /// let layer = TollgateLayer::new(Gate::new().limit(Shared::new("service", all)));
    /// let layer = layer.on_refused(|refused| {
    ///     let text = match refused.retry_after() {
    ///         Some(seconds) => format!("come back in {seconds} s"),
    ///         None => "this is too much".to_owned(),
    ///     };
    ///     let mut response = Response::new(Bytes::from(text));
    ///     *response.status_mut() = refused.status();
    ///     response
    /// });
    /// # let _ = layer;
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn on_refused(
        mut self,
        respond: impl Fn(&RefusedRequest<'_>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.settings.on_refused = Some(Arc::new(respond));
        self
    }

    /// Shows each decision to an observer. Default: `()`, at no cost.
    pub fn observe<P: Observer>(self, observer: P) -> TollgateLayer<P> {
        TollgateLayer { settings: self.settings.observed_by(observer) }
    }

    /// Tells the observer the [levels](Level) of all limits: call it before metrics are read.
    ///
    /// To count the keys takes their locks, one after the other.
    pub fn report(&self) {
        let observer = &self.settings.observer;
        self.settings.gate.each(&mut |limit| {
            if let Some(keys) = limit.keys() {
                observer.level(limit.name, Level::Keys(keys));
            }
            for (unit, tokens) in limit.streams.units().iter().zip(limit.debts().unwrap_or_default()) {
                observer.level(limit.name, Level::Debt { stream: short(unit), tokens });
            }
        });
    }
}

/// Panics unless each limit, and each stream, has a name of its own.
fn check_names(gate: &impl Decide) {
    let (mut limits, mut policies) = (HashSet::new(), HashMap::new());
    gate.each(&mut |limit| {
        assert!(limits.insert(limit.name), "two limits are named {:?}", limit.name);
        for name in limit.streams.names() {
            let (name, limit) = (name.as_str(), limit.name);
            if let Some(other) = policies.insert(name, limit) {
                panic!("two streams are advertised as {name:?}: of the limits {other:?} and {limit:?}");
            }
        }
    });
}

impl<S, O: Observer> Layer<S> for TollgateLayer<O> {
    type Service = Tollgate<S, O>;

    fn layer(&self, inner: S) -> Tollgate<S, O> {
        Tollgate::new(inner, Arc::new(self.settings.clone()))
    }
}

impl<O> Clone for TollgateLayer<O> {
    fn clone(&self) -> Self {
        Self { settings: self.settings.clone() }
    }
}

impl<O> fmt::Debug for TollgateLayer<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TollgateLayer").field("settings", &self.settings).finish()
    }
}
