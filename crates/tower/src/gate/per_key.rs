//! Owns the limit of each client. Never says who a client is: a `RequestKey` does.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use http::{request, response};
use tollgate::clock::DefaultClock;
use tollgate::gate::Charge;
use tollgate::keyed::{self, KeyForm, KeyHash, OneTier, OwnedKeyedBucket, TierOf, Tiers};
use tollgate::{Clock, KeyedBuckets};
use tollgate_http::Unit;

use super::limit::Ask;
use super::request_key::RequestKey;
use super::streams::{Amounts, StreamList, Streams};

/// A limit for each client: [`KeyedBuckets`], and how a request names its key.
///
/// Of two streams, the first counts requests and the second content bytes, unless
/// [`streams`](Self::streams) says otherwise. A request costs one of each of these, unless
/// [`cost`](Self::cost) says otherwise.
///
/// ```
/// use std::sync::Arc;
/// use tollgate::{KeyedBuckets, Limit};
/// use tollgate_tower::{Gate, PerKey};
///
/// let limits = [Limit::per_second(10), "1MiB/s".parse()?];
/// let clients = Arc::new(KeyedBuckets::new(limits, 100_000)?);
/// let by_token = |parts: &http::request::Parts| {
///     Some(parts.headers.get("x-api-key")?.to_str().ok()?.to_owned())
/// };
/// let gate = Gate::new().limit(PerKey::new("client", clients).key(by_token));
/// # let _ = gate;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PerKey<K, const N: usize = 1, C = DefaultClock, H = KeyHash, F = OneTier, X = ()>
where
    [u64; N]: keyed::Streams<N>,
    F: Tiers,
{
    name: String,
    buckets: Arc<KeyedBuckets<K, N, C, H, F>>,
    key: X,
    streams: Streams<keyed::Amounts<N>>,
    charge: Charge,
}

impl<K, const N: usize, C, H, F: Tiers> PerKey<K, N, C, H, F>
where
    [u64; N]: keyed::Streams<N, Amounts: Amounts>,
{
    /// Names a limit for each client, as header fields and metrics show it.
    ///
    /// # Panics
    ///
    /// For a name that a structured field cannot hold: see [`Name`](tollgate_http::Name).
    pub fn new(name: impl Into<String>, buckets: Arc<KeyedBuckets<K, N, C, H, F>>) -> Self {
        let name = name.into();
        let streams = Streams::new(&name);
        Self { name, buckets, key: (), streams, charge: Charge::OnAttempt }
    }

    /// Says whose a request is. Without it, the limit does not stand in a gate.
    #[must_use]
    pub fn key<X: RequestKey<K>>(self, key: X) -> PerKey<K, N, C, H, F, X> {
        let Self { name, buckets, key: (), streams, charge } = self;
        PerKey { name, buckets, key, streams, charge }
    }
}

impl<K, const N: usize, C, H, F: Tiers, X> PerKey<K, N, C, H, F, X>
where
    [u64; N]: keyed::Streams<N, Amounts: Amounts>,
{
    /// Says what each stream counts. It sets the [cost](Self::cost) to the default.
    ///
    /// # Panics
    ///
    /// If two of them are alike.
    #[must_use]
    pub fn streams(mut self, units: [Unit; N]) -> Self {
        self.streams = self.streams.counting(&self.name, units.into());
        self
    }

    /// Says what a request costs. Default: 1 request, and 1 byte.
    ///
    /// The response corrects the byte if the layer [settles](crate::Settle::ResponseBody). If it
    /// does not, say the bytes here, such as the `Content-Length` of the request: a byte for each
    /// request is no limit.
    ///
    /// A stream with 0 is neither looked at nor taken from, but for bytes that are
    /// [settled](crate::Settle::ResponseBody): they are at least 1.
    #[must_use]
    pub fn cost(mut self, cost: impl Fn(&request::Parts) -> keyed::Amounts<N> + Send + Sync + 'static) -> Self {
        self.streams.set_cost(cost);
        self
    }

    /// Corrects what a request cost once its response is known: the amounts that were taken come
    /// in, and those that were used go out.
    #[must_use]
    pub fn by_response(mut self, by: impl Fn(&response::Parts, &mut [u64]) + Send + Sync + 'static) -> Self {
        self.streams.set_by_response(by);
        self
    }

    /// Says whether an attempt counts that a wider limit refuses. Default:
    /// [`Charge::OnAttempt`], so that a client that floods uses up its own limit.
    ///
    /// Of 24 polite clients, 4 requests a second each, beside 16 that flood a service of 100/s,
    /// each with a limit of 10/s, so many requests were granted in 30 s:
    ///
    /// | flood | on attempt | on admission |
    /// |---|---|---|
    /// | 800/s | 1307 of 2880 | 344 |
    /// | 8000/s | 2085 of 2880 | 35 |
    ///
    /// Source: `tests/fairness.rs`, a simulation.
    ///
    /// An attempt that is refused keeps its whole [cost](Self::cost), estimates of bytes included.
    #[must_use]
    pub fn charge(mut self, charge: Charge) -> Self {
        self.charge = charge;
        self
    }
}

impl<K, const N: usize, C, H, F, X> Ask for PerKey<K, N, C, H, F, X>
where
    [u64; N]: keyed::Streams<N, Amounts: Amounts>,
    K: Hash + KeyForm<K> + Send + Sync + 'static,
    C: Clock + Send + Sync + 'static,
    H: BuildHasher + Send + Sync + 'static,
    F: Tiers + TierOf<K> + Send + Sync + 'static,
    X: RequestKey<K>,
{
    type Clock = C;
    type Amounts = keyed::Amounts<N>;
    type Limited = OwnedKeyedBucket<K, N, C, H, F>;

    fn name(&self) -> &str {
        &self.name
    }

    fn streams(&self) -> &dyn StreamList {
        &self.streams
    }

    fn charge(&self) -> Charge {
        self.charge
    }

    fn limited(&self, request: &request::Parts) -> Option<Self::Limited> {
        Some(Arc::clone(&self.buckets).bucket_owned(self.key.key(request)?))
    }

    fn cost(&self, request: &request::Parts, settles_bytes: bool) -> Self::Amounts {
        self.streams.cost(request, settles_bytes)
    }

    fn levels(&self) -> (Option<usize>, Option<Vec<u64>>) {
        (Some(self.buckets.len()), None)
    }
}

impl<K, const N: usize, C, H, F: Tiers, X> fmt::Debug for PerKey<K, N, C, H, F, X>
where
    [u64; N]: keyed::Streams<N>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, streams, charge, .. } = self;
        let mut shown = f.debug_struct("PerKey");
        shown.field("name", name).field("streams", streams).field("charge", charge).finish_non_exhaustive()
    }
}
