//! Owns a limit that all requests share. Never a key.

use std::fmt;

use http::{request, response};
use tollgate::Clock;
use tollgate::gate::{Charge, Limited};
use tollgate_http::Unit;

use super::limit::Ask;
use super::streams::{Amounts, StreamList, Streams};

/// One limit for all requests, over an [`Arc`](std::sync::Arc) of a bucket.
///
/// ```
/// use std::sync::Arc;
/// use tollgate::{Limit, TokenBucket};
/// use tollgate_tower::{Gate, Shared};
///
/// let all = Arc::new(TokenBucket::new(Limit::per_second(1000))?);
/// let gate = Gate::new().limit(Shared::new("service", Arc::clone(&all)));
/// # let _ = gate;
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
///
/// Its streams and its cost are those of [`PerKey`](crate::PerKey).
pub struct Shared<B: Limited<Amounts: Amounts>> {
    name: String,
    bucket: B,
    streams: Streams<B::Amounts>,
    charge: Charge,
}

impl<B: Limited<Amounts: Amounts>> Shared<B> {
    /// Names a limit that all share, as header fields and metrics show it.
    ///
    /// # Panics
    ///
    /// For a name that a structured field cannot hold: see [`Name`](tollgate_http::Name).
    pub fn new(name: impl Into<String>, bucket: B) -> Self {
        let name = name.into();
        let streams = Streams::new(&name);
        Self { name, bucket, streams, charge: Charge::OnAdmission }
    }

    /// Says what each stream counts: [`PerKey::streams`](crate::PerKey::streams).
    ///
    /// # Panics
    ///
    /// Unless there is one for each stream, and no two are alike.
    #[must_use]
    pub fn streams(mut self, units: impl Into<Vec<Unit>>) -> Self {
        self.streams = self.streams.counting(&self.name, units.into());
        self
    }

    /// Says what a request costs: [`PerKey::cost`](crate::PerKey::cost).
    #[must_use]
    pub fn cost(mut self, cost: impl Fn(&request::Parts) -> B::Amounts + Send + Sync + 'static) -> Self {
        self.streams.set_cost(cost);
        self
    }

    /// Corrects what a request cost once its response is known:
    /// [`PerKey::by_response`](crate::PerKey::by_response).
    #[must_use]
    pub fn by_response(mut self, by: impl Fn(&response::Parts, &mut [u64]) + Send + Sync + 'static) -> Self {
        self.streams.set_by_response(by);
        self
    }

    /// Says whether an attempt counts that a wider limit refuses. Default:
    /// [`Charge::OnAdmission`].
    #[must_use]
    pub fn charge(mut self, charge: Charge) -> Self {
        self.charge = charge;
        self
    }
}

impl<B> Ask for Shared<B>
where
    B: Limited<Amounts: Amounts, Clock: Clock + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    type Clock = B::Clock;
    type Amounts = B::Amounts;
    type Limited = B;

    fn name(&self) -> &str {
        &self.name
    }

    fn streams(&self) -> &dyn StreamList {
        &self.streams
    }

    fn charge(&self) -> Charge {
        self.charge
    }

    fn limited(&self, _: &request::Parts) -> Option<B> {
        Some(self.bucket.clone())
    }

    fn cost(&self, request: &request::Parts, settles_bytes: bool) -> B::Amounts {
        self.streams.cost(request, settles_bytes)
    }

    fn levels(&self) -> (Option<usize>, Option<Vec<u64>>) {
        (None, Some(self.bucket.debts().as_ref().to_vec()))
    }
}

impl<B: Limited<Amounts: Amounts>> fmt::Debug for Shared<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, streams, charge, .. } = self;
        let mut shown = f.debug_struct("Shared");
        shown.field("name", name).field("streams", streams).field("charge", charge).finish_non_exhaustive()
    }
}
