//! Owns the list of limits and how long a request may wait. Never decides.

use std::fmt;
use std::time::Duration;

use super::limit::RequestLimit;

/// The limits of a service, narrow to wide.
///
/// A request is granted by all of them, or by none: see [`tollgate::Gate`], which decides. Add the
/// limits that few requests share first, and the one that all share last.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use tollgate::{KeyedBuckets, Limit, TokenBucket};
/// use tollgate_tower::{Gate, PerKey, Shared, TollgateLayer};
///
/// let by_token = |parts: &http::request::Parts| {
///     Some(parts.headers.get("x-api-key")?.to_str().ok()?.to_owned())
/// };
/// let clients = Arc::new(KeyedBuckets::<String>::new(Limit::per_second(10), 100_000)?);
/// let all = Arc::new(TokenBucket::new(Limit::per_second(1000))?);
/// let gate = Gate::new()
///     .limit(PerKey::new("client", clients).key(by_token))
///     .limit(Shared::new("service", all))
///     .wait_at_most(Duration::from_millis(200));
/// let layer = TollgateLayer::new(gate);
/// # let _ = layer;
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
///
/// All limits read one type of clock, or the gate does not become a layer.
#[derive(Clone, Copy)]
#[must_use]
pub struct Gate<L = ()> {
    pub(crate) limits: L,
    pub(crate) wait_at_most: Duration,
}

impl Gate {
    /// Begins a gate without limits, which no layer takes: add at least one.
    #[expect(clippy::new_without_default, reason = "a gate without limits is of no use")]
    pub const fn new() -> Self {
        Self { limits: (), wait_at_most: Duration::ZERO }
    }
}

impl<L> Gate<L> {
    /// Adds a limit that is wider than those before it.
    pub fn limit<P: RequestLimit>(self, limit: P) -> Gate<(L, P)> {
        Gate { limits: (self.limits, limit), wait_at_most: self.wait_at_most }
    }

    /// Lets requests wait in turn for at most so long, instead of refusing them at once. Default:
    /// no time at all.
    ///
    /// A request that cannot be granted in time is refused at once. One that hangs up while it
    /// waits leaves its place, and gives back what narrow limits gave, except where an
    /// [attempt](tollgate::gate::Charge::OnAttempt) counts. That is the default of
    /// [`PerKey`](crate::PerKey).
    pub const fn wait_at_most(mut self, timeout: Duration) -> Self {
        self.wait_at_most = timeout;
        self
    }
}

impl<L> fmt::Debug for Gate<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("wait_at_most", &self.wait_at_most).finish_non_exhaustive()
    }
}
