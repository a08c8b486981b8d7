//! Owns a fleet's limit for each key as one process has it. Never takes a token itself.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use tollgate::clock::DefaultClock;
use tollgate::gate::LimitedKeys;
use tollgate::{Clock, Limit};

use super::fleet_key::FleetKey;
use super::keys::Keys;
use crate::engine::Engine;
use crate::error::FleetError;
use crate::fleet::joining::{self, Joining, Undecided};

/// One limit for each key, of one stream or several, for all processes of a fleet.
///
/// A key is told apart by its text, as `Display` writes it: names, numbers, addresses.
///
/// A key in use leases tokens as a [`FleetBucket`](crate::FleetBucket) does, with the same bound. A
/// key that few calls ask for takes one round trip a call and holds nothing. The engine keeps no
/// key that is full.
///
/// ```no_run
/// use std::time::Duration;
///
/// use tollgate::Limit;
/// use tollgate_redis::{Away, Engine, FleetKeyed};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::open("redis://127.0.0.1:6379")?;
/// let clients = FleetKeyed::<String, 1>::join(&engine, "clients", [Limit::per_second(10)])
///     .max_keys(50_000)
///     .when_away(Away::Refuse)
///     .connect()
///     .await?;
/// clients.key("alice").take_timeout([1], Duration::from_millis(100)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Memory
///
/// In this process: the keys that were asked for within a term or two, at most
/// [`max_keys`](Joining::max_keys). On the engine: a key until it is full.
pub struct FleetKeyed<K = String, const N: usize = 1, C = DefaultClock> {
    owner: Arc<Owner<N>>,
    clock: C,
    key: PhantomData<fn(K)>,
}

/// What all clones share. Dropped, it closes.
struct Owner<const N: usize>(Arc<Keys<N>>);

impl<const N: usize> Drop for Owner<N> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<K, const N: usize> FleetKeyed<K, N> {
    /// Names the limits that this process joins, and the limit of every key.
    ///
    /// See [`FleetBucket::join`](crate::FleetBucket::join).
    pub fn join(
        engine: &Engine,
        name: impl Into<String>,
        limits: [Limit; N],
    ) -> Joining<joining::Keys<K>, N, Undecided> {
        Joining::new(joining::Keys::new(), engine, name.into(), limits)
    }
}

impl<K, const N: usize, C> FleetKeyed<K, N, C> {
    pub(super) fn new(keys: Arc<Keys<N>>, clock: C) -> Self {
        Self { owner: Arc::new(Owner(keys)), clock, key: PhantomData }
    }

    pub(super) fn keys(&self) -> &Arc<Keys<N>> {
        &self.owner.0
    }

    pub(super) fn gate_clock(&self) -> &C {
        &self.clock
    }

    /// Returns the keys that have tokens in this process, or had some within a term.
    pub fn len(&self) -> usize {
        self.keys().in_use.len()
    }

    /// Returns whether no key has tokens in this process.
    pub fn is_empty(&self) -> bool {
        self.keys().in_use.is_empty()
    }

    /// Changes the limit of every key for the whole fleet: see
    /// [`FleetBucket::set_limits`](crate::FleetBucket::set_limits).
    ///
    /// Each key changes at one instant, all of them within the time of this call.
    ///
    /// # Errors
    ///
    /// As [`FleetBucket::set_limits`](crate::FleetBucket::set_limits). Some keys may have changed
    /// then; call it again.
    pub async fn set_limits(&self, limits: [Limit; N]) -> Result<(), FleetError> {
        let terms = self.keys().master.clone().set_limits(limits).await?;
        self.keys().in_use.iter().for_each(|local| local.learn(terms));
        Ok(())
    }

    /// Refuses all calls in this process from now on, and gives back what its keys hold.
    ///
    /// The last clone that is dropped does so, too, and waits for nothing.
    pub async fn close(&self) {
        self.keys().close();
        self.keys().drivers.wait().await;
    }

    /// Closes: [`close`](Self::close), on this thread.
    ///
    /// # Panics
    ///
    /// On a thread that runs asynchronous tasks.
    pub fn close_blocking(&self) {
        self.keys().runtime.block_on(self.close());
    }
}

impl<K: fmt::Display, const N: usize, C: Clone> FleetKeyed<K, N, C> {
    /// Returns the limit of one key. It owns what it needs, and is cheap.
    pub fn key(&self, key: impl Into<K>) -> FleetKey<K, N, C> {
        FleetKey::new(self.clone(), key.into().to_string().into())
    }
}

impl<K: fmt::Display, const N: usize, C: Clock + Clone + Send + Sync> LimitedKeys for FleetKeyed<K, N, C> {
    type Key = K;
    type Limited = FleetKey<K, N, C>;

    fn limit_of(&self, key: K) -> FleetKey<K, N, C> {
        self.key(key)
    }

    fn kept(&self) -> usize {
        self.len()
    }
}

impl<K, const N: usize, C: Clone> Clone for FleetKeyed<K, N, C> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner), clock: self.clock.clone(), key: PhantomData }
    }
}

impl<K, const N: usize, C> fmt::Debug for FleetKeyed<K, N, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetKeyed").field("keys", self.keys()).finish_non_exhaustive()
    }
}
