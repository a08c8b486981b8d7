//! Owns the routes behind `tollgate-tower`. Never binds a port.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, Request};
use axum::routing::get;
use bytes::Bytes;
use http::request::Parts;
use tollgate::clock::DefaultClock;
use tollgate::keyed::IpKey;
use tollgate::{KeyedBuckets, TokenBucket};
use tollgate_http::Unit;
use tollgate_tower::{ClientIp, Gate, PerKey, RequestKey, Settle, Shared, TollgateLayer};

use super::admissions::Admissions;
use super::settings::Settings;
use super::watched_clock::WatchedClock;
use crate::Outcome;

type Watched = Arc<WatchedClock>;

/// Most keys of a limit.
const KEYS: usize = 100_000;

/// The most bytes that a request may ask for.
const MOST_BYTES: u64 = 1 << 20;

static CONTENT: [u8; MOST_BYTES as usize] = [b'x'; MOST_BYTES as usize];

/// What the desk is asked about.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) clients: Arc<KeyedBuckets<IpKey, 2, Watched>>,
    pub(super) service: Arc<TokenBucket<Watched>>,
    pub(super) admissions: Arc<Admissions>,
}

impl Limits {
    pub(super) fn new(settings: &Settings) -> Outcome<Self> {
        let clock = Watched::default();
        let limits = [settings.client, settings.client_bytes];
        Ok(Self {
            clients: Arc::new(KeyedBuckets::with_clock(limits, KEYS, Arc::clone(&clock))?),
            service: Arc::new(TokenBucket::with_clock(settings.service, Arc::clone(&clock))?),
            admissions: Arc::new(Admissions::new(Arc::clone(&clock))),
        })
    }
}

/// Whose a request is, by its address or that which a trusted proxy tells.
pub(super) fn client_ip(settings: &Settings) -> Outcome<ClientIp> {
    let peer = ClientIp::from_extension(|info: &ConnectInfo<SocketAddr>| info.0.ip());
    Ok(peer.behind(settings.proxies()?))
}

/// The handler, without a limit.
pub(super) fn bare() -> Router {
    Router::new().route("/bytes/{bytes}", get(async |Path(bytes): Path<u64>| content(bytes)))
}

fn content(bytes: u64) -> Bytes {
    Bytes::from_static(&CONTENT[..bytes.min(MOST_BYTES) as usize])
}

/// Requests and bytes of each client, then requests of all, and a log of what was admitted.
pub(super) fn full(settings: &Settings, limits: &Limits) -> Outcome<Router> {
    let by_ip = client_ip(settings)?;
    let key = by_ip.clone();
    let client = PerKey::new("client", Arc::clone(&limits.clients))
        .key(move |request: &Parts| {
            // The limits read the clock after they have asked for the key.
            WatchedClock::forget();
            key.key(request)
        })
        .charge(settings.charge)
        .streams([Unit::Requests, Unit::ContentBytes])
        .cost(|request| [number(request, "x-requests"), number(request, "x-estimate")]);
    let gate = Gate::new()
        .limit(client)
        .limit(Shared::new("service", Arc::clone(&limits.service)))
        .wait_at_most(settings.wait);
    let layer = TollgateLayer::new(gate).settle(Settle::ResponseBody).observe(Arc::clone(&limits.admissions));
    let admissions = Arc::clone(&limits.admissions);
    let handler = async move |Path(bytes): Path<u64>, request: Request| {
        let (parts, _) = request.into_parts();
        let client = by_ip.key(&parts).map_or_else(|| "nobody".to_owned(), |key| format!("{key:?}"));
        admissions.handled(client, bytes.min(MOST_BYTES));
        content(bytes)
    };
    Ok(Router::new().route("/bytes/{bytes}", get(handler)).layer(layer))
}

/// What a field says that a request costs: 1 unless it says so.
fn number(request: &Parts, field: &str) -> u64 {
    request.headers.get(field).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(1)
}

/// Requests of each client alone, as the peer limits them.
pub(super) fn alike(settings: &Settings) -> Outcome<Router> {
    let clients = Arc::new(KeyedBuckets::<IpKey, 1, DefaultClock>::new(settings.client, KEYS)?);
    let gate = Gate::new().limit(PerKey::new("client", clients).key(client_ip(settings)?));
    Ok(bare().layer(TollgateLayer::new(gate)))
}
