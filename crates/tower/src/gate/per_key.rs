//! Owns the limit of each client. Never says who a client is: a `RequestKey` does.

use std::fmt;

use http::{request, response};
use tollgate::Clock;
use tollgate::gate::steps::Steps;
use tollgate::gate::{Charge, Limited, LimitedKeys};
use tollgate_http::Unit;

use super::limit::Ask;
use super::request_key::RequestKey;
use super::streams::{Amounts, StreamList, Streams};

/// What a request takes of the limit of its key.
type AmountsOf<B> = <<B as LimitedKeys>::Limited as Steps>::Amounts;

/// A limit for each client, and how a request names its key.
///
/// The limits are an `Arc` of [`KeyedBuckets`](tollgate::KeyedBuckets), or any [`LimitedKeys`].
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
pub struct PerKey<B: LimitedKeys<Limited: Limited<Amounts: Amounts>>, X = ()> {
    name: String,
    buckets: B,
    key: X,
    streams: Streams<AmountsOf<B>>,
    charge: Charge,
}

impl<B: LimitedKeys<Limited: Limited<Amounts: Amounts>>> PerKey<B> {
    /// Names a limit for each client, as header fields and metrics show it.
    ///
    /// # Panics
    ///
    /// For a name that a structured field cannot hold: see [`Name`](tollgate_http::Name).
    pub fn new(name: impl Into<String>, buckets: B) -> Self {
        let name = name.into();
        let streams = Streams::new(&name);
        Self { name, buckets, key: (), streams, charge: Charge::OnAttempt }
    }

    /// Says whose a request is. Without it, the limit does not stand in a gate.
    #[must_use]
    pub fn key<X: RequestKey<B::Key>>(self, key: X) -> PerKey<B, X> {
        let Self { name, buckets, key: (), streams, charge } = self;
        PerKey { name, buckets, key, streams, charge }
    }
}

impl<B: LimitedKeys<Limited: Limited<Amounts: Amounts>>, X> PerKey<B, X> {
    /// Says what each stream counts. It sets the [cost](Self::cost) to the default.
    ///
    /// # Panics
    ///
    /// Unless there is one for each stream, and no two are alike.
    #[must_use]
    pub fn streams(mut self, units: impl Into<Vec<Unit>>) -> Self {
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
    pub fn cost(mut self, cost: impl Fn(&request::Parts) -> AmountsOf<B> + Send + Sync + 'static) -> Self {
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

impl<B, X> Ask for PerKey<B, X>
where
    B: LimitedKeys + Send + Sync + 'static,
    B::Limited: Limited<Amounts: Amounts, Clock: Clock + Send + Sync + 'static> + Send + Sync + 'static,
    X: RequestKey<B::Key>,
{
    type Clock = <B::Limited as Steps>::Clock;
    type Amounts = AmountsOf<B>;
    type Limited = B::Limited;

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
        Some(self.buckets.limit_of(self.key.key(request)?))
    }

    fn cost(&self, request: &request::Parts, settles_bytes: bool) -> Self::Amounts {
        self.streams.cost(request, settles_bytes)
    }

    fn levels(&self) -> (Option<usize>, Option<Vec<u64>>) {
        (Some(self.buckets.kept()), None)
    }
}

impl<B: LimitedKeys<Limited: Limited<Amounts: Amounts>>, X> fmt::Debug for PerKey<B, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, streams, charge, .. } = self;
        let mut shown = f.debug_struct("PerKey");
        shown.field("name", name).field("streams", streams).field("charge", charge).finish_non_exhaustive()
    }
}
