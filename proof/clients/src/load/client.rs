//! Owns the clients that the tasks of a run share. Never counts.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use reqwest_middleware::ClientBuilder;
use tollgate::adaptive::Cubic;
use tollgate::limit::Ratio;
use tollgate::{Limit, MultiBucket, Rate};
use tollgate_reqwest::ThrottleMiddleware;
use tollgate_tower::ThrottleLayer;
use tonic::Code;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{Layer, Service, ServiceExt};

use crate::Outcome;

/// The thousandths of a limit that a client takes which knows it.
const KNOWN: u64 = 985;

/// How the layer finds a rate that the server does not say.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Adapt {
    /// The time in which the rate is back after a refusal.
    pub recovery: Duration,
    /// The percent of the rate that a refusal leaves.
    pub decrease: u32,
}

impl Default for Adapt {
    fn default() -> Self {
        Self { recovery: Duration::from_secs(8), decrease: 90 }
    }
}

/// A kind of client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientKind {
    /// It obeys nothing: what the demands must fail for.
    None,
    /// It is told of the limit, and has a bucket of 0.985 of it: what is to be had.
    Bucket,
    /// hyper's client under `ThrottleLayer`, which is told of nothing.
    Layer,
    /// The same, which sends a refused request again, once.
    Retry,
    /// reqwest with the layer as middleware.
    Reqwest,
}

impl ClientKind {
    pub const ALL: [Self; 5] = [Self::None, Self::Bucket, Self::Layer, Self::Retry, Self::Reqwest];
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Bucket => "bucket",
            Self::Layer => "layer",
            Self::Retry => "retry",
            Self::Reqwest => "reqwest",
        })
    }
}

impl FromStr for ClientKind {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(name: &str) -> Outcome<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.to_string() == name);
        let names = || Self::ALL.map(|kind| kind.to_string()).join(", ");
        found.ok_or_else(|| format!("no client is named {name:?}; there are {}", names()).into())
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Asked = Pin<Box<dyn Future<Output = Outcome<StatusCode>> + Send>>;

/// A client of one server, which all tasks share.
#[derive(Clone)]
pub(crate) struct Client {
    ask: Arc<dyn Fn() -> Asked + Send + Sync>,
    /// Of the client that is told.
    bucket: Option<Arc<MultiBucket<1>>>,
}

impl Client {
    pub(crate) fn new(kind: ClientKind, adapt: Adapt, address: SocketAddr, rate: u64, capacity: u64) -> Outcome<Self> {
        let (hyper, uri) = (hyper(), format!("http://{address}/").parse::<Uri>()?);
        match kind {
            ClientKind::None => {
                Ok(Self { ask: Arc::new(move || Box::pin(get(hyper.clone(), uri.clone()))), bucket: None })
            }
            ClientKind::Bucket => {
                let bucket = Arc::new(MultiBucket::new([known(rate, capacity)?])?);
                let taken = Arc::clone(&bucket);
                let ask = move || -> Asked {
                    let (bucket, hyper, uri) = (Arc::clone(&taken), hyper.clone(), uri.clone());
                    Box::pin(async move {
                        bucket.take([1]).await?;
                        get(hyper, uri).await
                    })
                };
                Ok(Self { ask: Arc::new(ask), bucket: Some(bucket) })
            }
            ClientKind::Reqwest => {
                let middleware = ThrottleMiddleware::new(layer(adapt, rate)?);
                let client = ClientBuilder::new(reqwest::Client::new()).with(middleware).build();
                let ask = move || -> Asked {
                    let (client, url) = (client.clone(), uri.to_string());
                    Box::pin(async move {
                        let response = client.get(url).send().await?;
                        let status = response.status();
                        response.bytes().await?;
                        Ok(status)
                    })
                };
                Ok(Self { ask: Arc::new(ask), bucket: None })
            }
            ClientKind::Layer => Ok(Self::over(layer(adapt, rate)?.layer(hyper), uri)),
            ClientKind::Retry => Ok(Self::over(layer(adapt, rate)?.retries(1).layer(hyper), uri)),
        }
    }

    /// A client of gRPC: tonic's channel under `ThrottleLayer`, called as generated code does.
    pub(crate) fn grpc(kind: ClientKind, adapt: Adapt, address: SocketAddr, rate: u64) -> Outcome<Self> {
        let channel = Endpoint::from_shared(format!("http://{address}"))?.connect_lazy();
        match kind {
            ClientKind::Layer => Ok(Self::health(layer(adapt, rate)?.layer(channel))),
            ClientKind::None => Ok(Self::health(channel)),
            _ => Err(format!("no client {kind} of gRPC").into()),
        }
    }

    fn health<S>(service: S) -> Self
    where
        S: GrpcService<
                Body,
                Future: Send,
                ResponseBody: http_body::Body<Data = Bytes, Error: Into<BoxError> + Send> + Send,
            >,
        S: Clone + Send + Sync + 'static,
    {
        let ask = move || -> Asked {
            let mut client = HealthClient::new(service.clone());
            Box::pin(async move {
                match client.check(HealthCheckRequest::default()).await {
                    Ok(_) => Ok(StatusCode::OK),
                    Err(status) if status.code() == Code::ResourceExhausted => Ok(StatusCode::TOO_MANY_REQUESTS),
                    Err(status) => Err(status.into()),
                }
            })
        };
        Self { ask: Arc::new(ask), bucket: None }
    }

    /// A client that is a service of tower.
    fn over<S, E>(service: S, uri: Uri) -> Self
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<Incoming>, Error = E> + Clone + Send + Sync + 'static,
        S::Future: Send,
        E: Into<BoxError>,
    {
        let ask = move || -> Asked {
            let (service, uri) = (service.clone(), uri.clone());
            Box::pin(async move {
                let request = Request::get(uri).body(Empty::new())?;
                status(service.oneshot(request).await.map_err(Into::into)?).await
            })
        };
        Self { ask: Arc::new(ask), bucket: None }
    }

    /// Sends a request, and returns the status of its response.
    pub(crate) async fn ask(&self) -> Outcome<StatusCode> {
        (self.ask)().await
    }

    /// Tells the client of a new limit, if it is one that must be told.
    pub(crate) fn tell(&self, rate: u64, capacity: u64) -> Outcome<()> {
        match &self.bucket {
            Some(bucket) => Ok(bucket.set_limits([known(rate, capacity)?])?),
            None => Ok(()),
        }
    }
}

/// The server's limit, and a little less: requests arrive closer together than they were sent.
fn known(rate: u64, capacity: u64) -> Outcome<Limit> {
    let rate = Rate::new(rate * KNOWN, Duration::from_secs(1000))?;
    Ok(Limit::new(rate, (capacity / 2).max(1)))
}

/// The layer of a user who knows nothing of a server, but that it grants less than four times this.
fn layer(adapt: Adapt, rate: u64) -> Outcome<ThrottleLayer> {
    let policy = Cubic::new(adapt.recovery, Ratio::percent(adapt.decrease));
    Ok(ThrottleLayer::obedient().adapt(Limit::per_second(4 * rate).capacity(5), policy)?)
}

pub(crate) type Hyper = legacy::Client<HttpConnector, Empty<Bytes>>;

pub(crate) fn hyper() -> Hyper {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    legacy::Client::builder(TokioExecutor::new()).build(connector)
}

pub(crate) async fn get(hyper: Hyper, uri: Uri) -> Outcome<StatusCode> {
    let request = Request::get(uri).body(Empty::new())?;
    status(hyper.request(request).await?).await
}

async fn status(response: Response<Incoming>) -> Outcome<StatusCode> {
    let status = response.status();
    // A connection is used again once its body is read.
    response.into_body().collect().await?;
    Ok(status)
}
