//! Owns what a user tells a client's layer. Never waits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::request;
use http::uri::Authority;
use tollgate::adaptive::{Adaptive, Policy};
use tollgate::limit::LimitError;
use tollgate::{Limit, MultiBucket};
use tollgate_http::Headers;
use tollgate_http::client::Advice;
use tower_layer::Layer;

use super::copies::{Copies, CopiesBy};
use super::own_limits::{Own, OwnLimits};
use super::pass::Pass;
use super::server::Server;
use super::server_state::AnyPolicy;
use super::servers::Servers;
use super::service::Throttle;
use super::throttle_error::ThrottleError;
use super::throttle_observer::ThrottleObserver;

/// Makes a client wait until its own limits, and those that servers state, grant a request.
///
/// | the server says | the client |
/// |---|---|
/// | `Retry-After`, gRPC's `RetryInfo` | pauses all requests to it; then one goes first |
/// | a policy with its window, and what is left | sends as the server would grant it |
/// | what is left and a reset, no window | learns whether it is a bucket, and its rate |
/// | nothing but 429 or 503 | lowers its rate, if it [adapts](Self::adapt) |
/// | nothing yet | sends one request first, for at most a second |
///
/// A request waits at own limits first, and then in the line before its server. So own limits may
/// grant, in a window, what those in that line held when it began: at most one for each of them.
/// A request is paid for at own limits before the inner service is asked whether it is ready.
///
/// All services that a layer makes, and all their clones, share what is known of servers. A layer
/// that is told of another [key](Self::by_server) or [policy](Self::adapt) knows nothing at first.
///
/// ```
/// use std::convert::Infallible;
/// use std::sync::Arc;
/// use http::{Request, Response};
/// use tollgate::{Limit, TokenBucket};
/// use tollgate_tower::ThrottleLayer;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let own = Arc::new(TokenBucket::new(Limit::per_second(100).capacity(1))?);
/// let server = service_fn(|_: Request<()>| async {
///     let response = Response::builder().header("ratelimit-policy", r#""all";q=50;w=1"#);
///     Ok::<_, Infallible>(response.header("ratelimit", r#""all";r=49;t=1"#).body(()).unwrap())
/// });
/// let client = ThrottleLayer::new(own).layer(server);
/// for _ in 0..3 {
///     client.clone().oneshot(Request::new(())).await?; // 10 ms apart
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a layer does nothing until it wraps a service"]
pub struct ThrottleLayer<R = ()> {
    settings: Arc<Settings>,
    copies: R,
}

type ServerKey = dyn Fn(&request::Parts) -> String + Send + Sync;

/// What all services of a layer share.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) own: Option<Arc<dyn Own>>,
    pub(crate) headers: Headers,
    pub(crate) max_pause: Duration,
    pub(crate) wait_at_most: Duration,
    pub(crate) retries: u32,
    pub(crate) observer: Arc<dyn ThrottleObserver>,
    adapt: Option<(Limit, AnyPolicy)>,
    key: Arc<ServerKey>,
    max_servers: usize,
    servers: Arc<Servers>,
}

impl Settings {
    pub(crate) fn server(&self, request: &request::Parts) -> Arc<Server> {
        self.servers.of((self.key)(request), self.max_servers, self.adapt.as_ref())
    }
}

struct Nobody;

impl ThrottleObserver for Nobody {}

/// Returns the host and the port, and never the user.
fn authority(request: &request::Parts) -> String {
    let of_uri = request.uri.authority().map(Authority::as_str);
    let of_field = || request.headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = of_uri.or_else(of_field).unwrap_or_default();
    let (_, server) = authority.rsplit_once('@').unwrap_or(("", authority));
    server.to_ascii_lowercase()
}

impl ThrottleLayer {
    /// Keeps to limits of the client's own, beside those of servers.
    ///
    /// They are a [`Gate`](crate::Gate), or an `Arc` of a bucket of which each request takes one.
    /// Requests wait in turn there. How long is said by [`wait_at_most`](Self::wait_at_most), and
    /// not by the gate.
    ///
    /// Let a [`PerKey`](crate::PerKey) there charge [on admission](crate::PerKey::charge). Its
    /// default is for servers: it counts attempts that came to nothing.
    pub fn new(limits: impl OwnLimits) -> Self {
        let mut layer = Self::obedient();
        Arc::make_mut(&mut layer.settings).own = Some(Arc::from(limits.into_own()));
        layer
    }

    /// Keeps to the limits of servers alone.
    pub fn obedient() -> Self {
        let settings = Settings {
            own: None,
            headers: Headers::ALL,
            max_pause: Advice::MAX_PAUSE,
            wait_at_most: Duration::MAX,
            retries: 0,
            observer: Arc::new(Nobody),
            adapt: None,
            key: Arc::new(authority),
            max_servers: 1000,
            servers: Arc::new(Servers::new()),
        };
        Self { settings: Arc::new(settings), copies: () }
    }
}

impl<R> ThrottleLayer<R> {
    /// Chooses which generations of header fields are obeyed. Default: [`Headers::ALL`].
    ///
    /// A 429 is a refusal whatever is obeyed.
    pub fn honour(mut self, headers: Headers) -> Self {
        self.set().headers = headers;
        self
    }

    /// Sets the longest time for which a server can stop this client. Default:
    /// [`Advice::MAX_PAUSE`].
    ///
    /// A pause ends up to a tenth later than the server asked for, at random, but at most 5 s.
    pub fn max_pause(mut self, longest: Duration) -> Self {
        self.set().max_pause = longest;
        self
    }

    /// Bounds how long a request may wait. Default: no bound.
    ///
    /// A request that is too late fails with a [`ThrottleError`], at once if that is known.
    pub fn wait_at_most(mut self, timeout: Duration) -> Self {
        self.set().wait_at_most = timeout;
        self
    }

    /// Sends to each server that states no rate at most `limit`, times a factor that follows its
    /// refusals by a policy, such as [`Cubic`](tollgate::adaptive::Cubic).
    ///
    /// A recovery of 8 s with a decrease to 90 % suits servers that say nothing but 429 or 503. Let
    /// the limit be the highest rate that is ever used. Let its capacity be what refills in 2 ms or
    /// more, as tokio's timer counts in milliseconds, and less than the server's burst. A 503 is a
    /// refusal, also without `Retry-After`.
    ///
    /// Refusals in a row without a grant lower the rate once. Then requests go out alone, and ever
    /// more seldom: at least one in half a second.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that a bucket cannot keep.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Limit;
    /// use tollgate::adaptive::Cubic;
    /// use tollgate::limit::Ratio;
    /// use tollgate_tower::ThrottleLayer;
    ///
    /// let cubic = Cubic::new(Duration::from_secs(8), Ratio::percent(90));
    /// let layer = ThrottleLayer::obedient().adapt(Limit::per_second(500).capacity(5), cubic)?;
    /// # let _ = layer;
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn adapt(mut self, limit: Limit, policy: impl Policy + Send + Sync + 'static) -> Result<Self, LimitError> {
        let policy = AnyPolicy(Arc::new(policy));
        let bucket = MultiBucket::with_clock([limit], self.settings.servers.clock())?;
        Adaptive::new(bucket, policy.clone())?;
        self.set_anew().adapt = Some((limit, policy));
        Ok(self)
    }

    /// Says which server a request goes to. Default: by the host and port of its URI, or else those
    /// of its field `Host`.
    ///
    /// The observer is shown the key. So a key should hold no password.
    ///
    /// Requests with one key share pauses and stated policies: name a route, too, if a server has
    /// limits for each route.
    pub fn by_server(mut self, key: impl Fn(&request::Parts) -> String + Send + Sync + 'static) -> Self {
        self.set_anew().key = Arc::new(key);
        self
    }

    /// Bounds how many servers are known at once. Default: 1000.
    ///
    /// Beyond it, the one that was used least recently is forgotten, unless it is paused or in
    /// use. What it stated of its policies is forgotten, too. If all are paused or in use, others
    /// share one state.
    pub fn max_servers(mut self, most: usize) -> Self {
        self.set().max_servers = most;
        self
    }

    /// Returns how many servers are known.
    pub fn servers(&self) -> usize {
        self.settings.servers.count()
    }

    /// Shows what happens to an observer. Default: nobody.
    pub fn observe(mut self, observer: impl ThrottleObserver) -> Self {
        self.set().observer = Arc::new(observer);
        self
    }

    /// Sends a refused request again, up to so many times, if its body is `Clone`.
    ///
    /// Each time it waits in turn before its server. It counts once at the client's own limits.
    pub fn retries(self, most: u32) -> ThrottleLayer<Copies> {
        self.copying(most, Copies)
    }

    /// Sends a refused request again, up to so many times, if a function copies its body.
    pub fn retries_by<B, F>(self, most: u32, copy: F) -> ThrottleLayer<CopiesBy<F>>
    where
        F: Fn(&B) -> Option<B> + Clone + Send + Sync + 'static,
    {
        self.copying(most, CopiesBy(copy))
    }

    fn copying<T>(mut self, most: u32, copies: T) -> ThrottleLayer<T> {
        self.set().retries = most;
        ThrottleLayer { settings: self.settings, copies }
    }

    fn set(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }

    /// The same where what is known of servers would mean something else.
    fn set_anew(&mut self) -> &mut Settings {
        let settings = self.set();
        settings.servers = Arc::new(Servers::new());
        settings
    }

    /// Waits until a request may be sent: for middleware that is not tower's.
    ///
    /// Send the request, and show the [`Pass`] its response.
    ///
    /// # Errors
    ///
    /// [`ThrottleError`] if it would wait too long, or never be granted.
    pub async fn admit(&self, request: &request::Parts) -> Result<Pass, ThrottleError> {
        Pass::admit(&self.settings, request).await
    }
}

impl<S, R: Clone> Layer<S> for ThrottleLayer<R> {
    type Service = Throttle<S, R>;

    fn layer(&self, inner: S) -> Throttle<S, R> {
        Throttle::new(inner, Arc::clone(&self.settings), self.copies.clone())
    }
}

impl<R: Clone> Clone for ThrottleLayer<R> {
    fn clone(&self) -> Self {
        Self { settings: Arc::clone(&self.settings), copies: self.copies.clone() }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { headers, max_pause, wait_at_most, retries, max_servers, .. } = self;
        let mut shown = f.debug_struct("Settings");
        shown.field("headers", headers).field("max_pause", max_pause).field("wait_at_most", wait_at_most);
        shown.field("retries", retries).field("max_servers", max_servers).finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for ThrottleLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleLayer").field("settings", &self.settings).finish_non_exhaustive()
    }
}
