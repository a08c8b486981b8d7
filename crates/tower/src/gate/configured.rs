//! Owns how limits and the key of a client come of a configuration. Never reads one, and never
//! reloads it: `tollgate_http::config::Live` does.

use std::hash::Hash;
use std::sync::Arc;

use tollgate::keyed::{self, ByTier, KeyHash};
use tollgate::{Clock, KeyedBuckets, MultiBucket};
use tollgate_http::config::{FitError, Live};

use super::client_ip::ClientIp;
use super::per_key::PerKey;
use super::shared::Shared;
use super::streams::{Amounts, unit};

/// Buckets of keys whose tier a function says.
type WithTiers<K, const N: usize, C, G> = Arc<KeyedBuckets<K, N, C, KeyHash, ByTier<G>>>;

impl<K, const N: usize, C> PerKey<Arc<KeyedBuckets<K, N, C>>>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    C: Clock + Clone + Send + Sync + 'static,
    [u64; N]: keyed::Streams<N, Amounts: Amounts>,
{
    /// Takes the limit of this name from a configuration, without tiers. Reloads change it.
    ///
    /// A stream `requests` counts requests, and `bytes` content bytes. Any other counts what
    /// [`cost`](Self::cost) says.
    ///
    /// # Errors
    ///
    /// [`FitError`] with the place: see [`Live::keyed`].
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use std::sync::Arc;
    /// use tollgate_http::config::{Config, Live};
    /// use tollgate_tower::{ClientIp, Gate, PerKey, Shared};
    ///
    /// let text = r#"
    ///     [limits.client]
    ///     key = "client-ip"
    ///     max_keys = 100000
    ///     streams = { requests = "100/min capacity 20", bytes = "1MiB/s" }
    ///     [limits.service]
    ///     streams = { requests = "1000/s" }
    /// "#;
    /// let live = Arc::new(Live::new(Config::new(toml::Deserializer::new(text))?));
    /// let ip = ClientIp::from_extension(|peer: &SocketAddr| peer.ip());
    /// let client = PerKey::from_config(&live, "client", ["requests", "bytes"])?;
    /// let gate = Gate::new()
    ///     .limit(client.key(ip.configured(&live, "client")?))
    ///     .limit(Shared::from_config(&live, "service", ["requests"])?);
    /// # let _ = gate;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_config(live: &Live<C>, name: &str, streams: [&str; N]) -> Result<Self, FitError> {
        Ok(Self::new(name, live.keyed(name, streams)?).streams(streams.map(unit)))
    }

    /// Takes the limit of this name from a configuration, with tiers.
    ///
    /// `tier_of` returns 0 for the limit itself, 1 for the first of `tiers`, and so on. The streams
    /// are those of [`from_config`](PerKey::from_config).
    ///
    /// # Errors
    ///
    /// [`FitError`] with the place: see [`Live::keyed_with_tiers`].
    ///
    /// ```
    /// use tollgate_http::config::{Config, Live};
    /// use tollgate_tower::{Gate, PerKey};
    ///
    /// let text = "
    ///     [limits.client]
    ///     key = 'header:x-api-key'
    ///     max_keys = 1000
    ///     streams.requests = '10/s'
    ///     tiers.paid.requests = '500/s'
    /// ";
    /// let live = Live::new(Config::new(toml::Deserializer::new(text))?);
    /// let by_token = |parts: &http::request::Parts| {
    ///     Some(parts.headers.get("x-api-key")?.to_str().ok()?.to_owned())
    /// };
    /// let tier_of = |key: &String| usize::from(key.starts_with("paid-"));
    /// let client =
    ///     PerKey::from_config_with_tiers(&live, "client", ["requests"], ["paid"], tier_of)?;
    /// let gate = Gate::new().limit(client.key(by_token));
    /// # let _ = gate;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_config_with_tiers<const T: usize, G: Fn(&K) -> usize + Send + Sync + 'static>(
        live: &Live<C>,
        name: &str,
        streams: [&str; N],
        tiers: [&str; T],
        tier_of: G,
    ) -> Result<PerKey<WithTiers<K, N, C, G>>, FitError> {
        Ok(PerKey::new(name, live.keyed_with_tiers(name, streams, tiers, tier_of)?).streams(streams.map(unit)))
    }
}

impl<const N: usize, C: Clock + Clone + Send + Sync + 'static> Shared<Arc<MultiBucket<N, C>>> {
    /// Takes the limit of this name from a configuration. Reloads change it.
    ///
    /// [`PerKey::from_config`] has an example, and says what the streams count.
    ///
    /// # Errors
    ///
    /// [`FitError`] with the place: see [`Live::bucket`].
    pub fn from_config(live: &Live<C>, name: &str, streams: [&str; N]) -> Result<Self, FitError> {
        Ok(Self::new(name, live.bucket(name, streams)?).streams(streams.map(unit)))
    }
}

impl ClientIp {
    /// Takes the trusted proxies from a configuration, and how many bits of an IPv6 address count
    /// from the key of its limit `limit`. Reloads change the proxies at once.
    ///
    /// [`PerKey::from_config`] has an example.
    ///
    /// # Errors
    ///
    /// [`FitError`] with the place: see [`Live::ip_prefix`].
    pub fn configured<C>(self, live: &Arc<Live<C>>, limit: &str) -> Result<Self, FitError>
    where
        C: Send + Sync + 'static,
    {
        let (prefix, live) = (live.ip_prefix(limit)?, Arc::clone(live));
        Ok(self.behind_current(move || live.proxies()).prefix(prefix))
    }
}
