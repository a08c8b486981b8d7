//! Owns the buckets that were built from a configuration. Never how they are reloaded; that is in
//! `reload.rs`.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tollgate::clock::DefaultClock;
use tollgate::keyed::{ByTier, KeyHash, Streams, Tiers};
use tollgate::limit::LimitError;
use tollgate::{Clock, KeyedBuckets, Limit, MultiBucket};

use super::built::{Built, Tuned, array};
use super::config::Config;
use super::fit_error::{FitError, FitRule};
use super::key_kind::KeyKind;
use super::named_limit::NamedLimit;
use super::shape::{Fitting, Shape};
use crate::address::Proxies;

/// Buckets for each key, with the tiers `F`.
type Keyed<K, const N: usize, C, F> = KeyedBuckets<K, N, C, KeyHash, F>;

/// The limits of `N` streams: a [`Limit`] if it is one, else an array.
type Limits<const N: usize> = <[u64; N] as Streams<N>>::Limits;

/// The buckets of a program, built from a configuration that can be [reloaded](Self::reload).
///
/// The program names each limit, its streams and its tiers; the configuration has the numbers.
/// Each bucket is built once, remembered, and shared in an [`Arc`]. Takers never touch the `Live`.
///
/// ```
/// use std::sync::Arc;
/// use tollgate::keyed::IpKey;
/// use tollgate::{KeyedBuckets, MultiBucket};
/// use tollgate_http::config::{Config, Live};
///
/// let text = r#"
///     [limits.client]
///     key = "client-ip"
///     max_keys = 100000
///     streams = { requests = "100/min capacity 20", bytes = "1MiB/s" }
///     [limits.service]
///     streams = { requests = "1000/s" }
/// "#;
/// let live = Live::new(Config::new(toml::Deserializer::new(text))?);
/// let clients: Arc<KeyedBuckets<IpKey, 2>> = live.keyed("client", ["requests", "bytes"])?;
/// let all: Arc<MultiBucket<1>> = live.bucket("service", ["requests"])?;
///
/// let client = IpKey::new("192.0.2.7".parse()?);
/// assert!(clients.try_take(&client, [1, 700]).is_ok() && all.try_take([1]).is_ok());
///
/// let text = text.replace("1000/s", "50/s");
/// let changes = live.reload(Config::new(toml::Deserializer::new(&text))?)?;
/// assert_eq!(changes.limits[0].place, "limits.service.streams.requests");
/// assert_eq!(all.available(), [50]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What must fit
///
/// A limit that is built has exactly the streams and tiers that the program names, in any order.
/// So a name that is misspelt in either place is an error. Limits that the program does not build
/// may be there.
///
/// # Locks
///
/// A reload, the building of buckets, and what is asked of the configuration take one lock, one
/// after the other. A thread that is stopped in one of them delays the others, and no taker.
pub struct Live<C = DefaultClock> {
    clock: C,
    proxies: RwLock<Arc<Proxies>>,
    state: Mutex<State>,
}

/// What a reload changes.
#[derive(Debug)]
pub(super) struct State {
    pub(super) config: Config,
    pub(super) built: BTreeMap<String, Built>,
}

impl Live {
    /// Makes buckets that read the default clock.
    ///
    /// See [`Live`] for an example.
    pub fn new(config: Config) -> Self {
        Self::with_clock(config, DefaultClock::default())
    }
}

impl<C> Live<C> {
    /// Makes buckets that read this clock, each a clone of it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate_http::config::{Config, Live};
    ///
    /// let text = "limits.service.streams.requests = '10/s'";
    /// let config = Config::new(toml::Deserializer::new(text))?;
    /// let live = Live::with_clock(config, Arc::new(ManualClock::new()));
    /// let all = live.bucket("service", ["requests"])?;
    /// all.try_take([10])?;
    /// live.clock().advance(Duration::from_millis(300));
    /// assert_eq!(all.available(), [3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_clock(config: Config, clock: C) -> Self {
        let proxies = RwLock::new(Arc::new(config.proxies().clone()));
        Self { clock, proxies, state: Mutex::new(State { config, built: BTreeMap::new() }) }
    }

    /// Returns the clock.
    ///
    /// See [`with_clock`](Self::with_clock) for an example.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// Returns the proxies that are trusted, as of the last reload.
    ///
    /// Ask for each request. It takes a lock shared for a moment.
    ///
    /// ```
    /// use tollgate_http::address::Proxies;
    /// use tollgate_http::config::{Config, Live};
    ///
    /// let live = Live::new(Config::default());
    /// assert_eq!(*live.proxies(), Proxies::none());
    /// let text = "proxies = { header = 'forwarded', trusted = ['::1'] }";
    /// assert!(live.reload(Config::new(toml::Deserializer::new(text))?)?.proxies);
    /// assert!(live.proxies().trusts("::1".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn proxies(&self) -> Arc<Proxies> {
        self.proxies.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns a copy of the configuration, as of the last reload.
    ///
    /// ```
    /// use tollgate_http::config::{Config, Live};
    ///
    /// assert_eq!(Live::new(Config::default()).config(), Config::default());
    /// ```
    pub fn config(&self) -> Config {
        self.state().config.clone()
    }

    /// Returns what the keys of a limit are, if it has keys. A reload never changes it once the
    /// limit is built.
    ///
    /// ```
    /// use tollgate_http::config::{Config, KeyKind, Live};
    ///
    /// let text = "limits.client = { key = 'custom', max_keys = 7, streams.requests = '5/s' }";
    /// let live = Live::new(Config::new(toml::Deserializer::new(text))?);
    /// assert_eq!(live.key("client"), Some(KeyKind::Custom));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn key(&self, name: &str) -> Option<KeyKind> {
        self.state().config.limit(name)?.key().cloned()
    }

    /// Returns how many bits of an IPv6 address tell the clients of a limit apart.
    ///
    /// # Errors
    ///
    /// [`FitError`] with the place, if there is no such limit, or its key is not `client-ip`.
    ///
    /// ```
    /// use tollgate_http::config::{Config, Live};
    ///
    /// let text = "limits.a = { key = 'client-ip/56', max_keys = 7, streams.requests = '5/s' }";
    /// let live = Live::new(Config::new(toml::Deserializer::new(text))?);
    /// assert_eq!(live.ip_prefix("a"), Ok(56));
    ///
    /// let text = text.replace("client-ip/56", "custom");
    /// let live = Live::new(Config::new(toml::Deserializer::new(&text))?);
    /// let error = live.ip_prefix("a").unwrap_err();
    /// let rule = "key custom: the program makes keys of the addresses of clients";
    /// assert_eq!(error.to_string(), format!("limits.a.key: {rule}"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ip_prefix(&self, name: &str) -> Result<u8, FitError> {
        let error = |at: &str, rule| FitError::new(format!("limits.{name}{at}"), rule);
        let state = self.state();
        match state.config.limit(name).map(NamedLimit::key) {
            Some(Some(KeyKind::ClientIp { prefix })) => Ok(*prefix),
            Some(Some(key)) => Err(error(".key", FitRule::NotByIp { key: key.clone() })),
            Some(None) => Err(error("", FitRule::NoKey)),
            None => Err(error("", FitRule::NoLimit)),
        }
    }

    /// Returns the [policy](super::NamedLimit::policies) of each stream of a limit that was built,
    /// in the order of its bucket; `None` if it was not built.
    ///
    /// The limits are those of the last reload. For those of a tier see [`config`](Self::config).
    ///
    /// ```
    /// use tollgate::Limit;
    /// use tollgate_http::config::{Config, Live};
    ///
    /// let text = "limits.service.streams = { requests = '5/s', bytes = '1kB/s' }";
    /// let live = Live::new(Config::new(toml::Deserializer::new(text))?);
    /// assert_eq!(live.policies("service"), None);
    /// let all = live.bucket("service", ["requests", "bytes"])?;
    /// let policies = live.policies("service").ok_or("not built")?;
    /// assert_eq!(policies[0], ("service-requests".to_string(), Limit::per_second(5)));
    /// assert_eq!(policies[1].0, "service-bytes");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn policies(&self, name: &str) -> Option<Vec<(String, Limit)>> {
        let state = self.state();
        let (built, limit) = (state.built.get(name)?, state.config.limit(name)?);
        built.shape.streams().iter().map(|stream| Some((limit.policy(stream), limit.stream(stream)?))).collect()
    }

    /// A panic of a clock or of a function that makes buckets leaves nothing half done but a
    /// reload, which the next one completes.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts these proxies into force. Returns whether they are others.
    pub(super) fn set_proxies(&self, proxies: &Proxies) -> bool {
        let mut current = self.proxies.write().unwrap_or_else(PoisonError::into_inner);
        let changed = **current != *proxies;
        if changed {
            *current = Arc::new(proxies.clone());
        }
        changed
    }
}

impl<C: Clock + Clone + Send + Sync + 'static> Live<C> {
    /// Builds the bucket of a limit without a key, or returns the one that was built.
    ///
    /// `streams` gives the order of its streams.
    ///
    /// # Errors
    ///
    /// [`FitError`] with the place, if the configuration has [other](Self#what-must-fit) streams,
    /// or the limit has a key, or it was built with its streams in another order.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tollgate_http::config::{Config, Live};
    ///
    /// let text = "limits.service.streams.requests = '10/s'";
    /// let live = Live::new(Config::new(toml::Deserializer::new(text))?);
    /// let all = live.bucket("service", ["requests"])?;
    /// assert!(Arc::ptr_eq(&all, &live.bucket("service", ["requests"])?));
    /// assert!(live.bucket("services", ["requests"]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bucket<const N: usize>(&self, name: &str, streams: [&str; N]) -> Result<Arc<MultiBucket<N, C>>, FitError> {
        self.bucket_with(name, streams, |bucket| bucket)
    }

    /// Builds the bucket of a limit without a key, with further settings.
    ///
    /// `make` is called once, while the configuration is locked: it must not call this `Live`. It
    /// is not called if the bucket was built before.
    ///
    /// # Errors
    ///
    /// As [`bucket`](Self::bucket).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate_http::config::{Config, Live};
    ///
    /// let text = "limits.service.streams.requests = '10/s'";
    /// let live = Live::new(Config::new(toml::Deserializer::new(text))?);
    /// let all = live.bucket_with("service", ["requests"], |bucket| {
    ///     bucket.with_max_wait(Duration::from_millis(200))
    /// })?;
    /// all.try_take([10])?;
    /// assert!(all.reserve([5]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bucket_with<const N: usize>(
        &self,
        name: &str,
        streams: [&str; N],
        make: impl FnOnce(MultiBucket<N, C>) -> MultiBucket<N, C>,
    ) -> Result<Arc<MultiBucket<N, C>>, FitError> {
        self.build(Shape::new(name, false, &streams, &[]), |_, Fitting { tiers, .. }| {
            MultiBucket::with_clock(array(&tiers[0]), self.clock.clone()).map(make).map_err(misfit(name))
        })
    }

    /// Builds the buckets of a limit with a key and without tiers, or returns those that were
    /// built.
    ///
    /// `streams` gives the order of the streams. The program chooses the type of the keys, and
    /// makes them of what [`key`](Self::key) says.
    ///
    /// # Errors
    ///
    /// [`FitError`] with the place, if the configuration has [other](Self#what-must-fit) streams or
    /// has tiers, or the limit has no key, or it was built otherwise.
    ///
    /// ```
    /// use tollgate_http::config::{Config, Live};
    ///
    /// let text = "limits.client = { key = 'custom', max_keys = 7, streams.requests = '5/s' }";
    /// let live = Live::new(Config::new(toml::Deserializer::new(text))?);
    /// let clients = live.keyed::<String, 1>("client", ["requests"])?;
    /// assert!(clients.try_take("alice", 5).is_ok() && clients.try_take("alice", 1).is_err());
    /// assert_eq!(clients.max_keys(), 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keyed<K, const N: usize>(
        &self,
        name: &str,
        streams: [&str; N],
    ) -> Result<Arc<KeyedBuckets<K, N, C>>, FitError>
    where
        K: Hash + Send + Sync + 'static,
        [u64; N]: Streams<N>,
    {
        self.keyed_with(name, streams, [], |buckets, []| Ok(buckets))
    }

    /// Builds the buckets of a limit with a key and with tiers, or returns those that were built.
    ///
    /// `tier_of` says which tier a key is in: 0 for the limit itself, 1 for the first of `tiers`,
    /// and so on. Where the buckets were built before, it is not used.
    ///
    /// # Errors
    ///
    /// [`FitError`] with the place, if the configuration has [other](Self#what-must-fit) streams or
    /// tiers, or the limit has no key, or it was built otherwise.
    ///
    /// ```
    /// use tollgate_http::config::{Config, Live};
    ///
    /// let text = "
    ///     [limits.client]
    ///     key = 'header:x-api-key'
    ///     max_keys = 1000
    ///     streams.requests = '10/s'
    ///     tiers.paid.requests = '500/s'
    /// ";
    /// let live = Live::new(Config::new(toml::Deserializer::new(text))?);
    /// let tier_of = |key: &str| usize::from(key.starts_with("paid:"));
    /// let clients =
    ///     live.keyed_with_tiers::<String, 1, 1, _>("client", ["requests"], ["paid"], tier_of)?;
    /// assert_eq!((clients.available("alice"), clients.available("paid:bob")), (10, 500));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[expect(clippy::type_complexity, reason = "a name would hide the type that the program stores")]
    pub fn keyed_with_tiers<K, const N: usize, const T: usize, G>(
        &self,
        name: &str,
        streams: [&str; N],
        tiers: [&str; T],
        tier_of: G,
    ) -> Result<Arc<KeyedBuckets<K, N, C, KeyHash, ByTier<G>>>, FitError>
    where
        K: Hash + Send + Sync + 'static,
        G: Send + Sync + 'static,
        [u64; N]: Streams<N>,
    {
        self.keyed_with(name, streams, tiers, |buckets, limits: [Limits<N>; T]| buckets.with_tiers(limits, tier_of))
    }

    /// Builds the buckets of a limit with a key, with further settings.
    ///
    /// `make` gets the buckets without tiers, and the limits of the tiers. It is called once, while
    /// the configuration is locked: it must not call this `Live`. It is not called if the buckets
    /// were built before.
    ///
    /// # Errors
    ///
    /// As [`keyed_with_tiers`](Self::keyed_with_tiers), and if `make` does not give the buckets as
    /// many tiers as there are limits.
    ///
    /// ```
    /// use tollgate_http::config::{Config, Live};
    ///
    /// let text = "limits.client = { key = 'custom', max_keys = 1, streams.requests = '5/s' }";
    /// let live = Live::new(Config::new(toml::Deserializer::new(text))?);
    /// let clients = live.keyed_with("client", ["requests"], [], |buckets, []| {
    ///     Ok(buckets.with_shared_overflow())
    /// })?;
    /// clients.try_take(&7, 1)?;
    /// assert!(clients.try_take(&8, 1).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keyed_with<K, const N: usize, const T: usize, F>(
        &self,
        name: &str,
        streams: [&str; N],
        tiers: [&str; T],
        make: impl FnOnce(
            KeyedBuckets<K, N, C>,
            [<[u64; N] as Streams<N>>::Limits; T],
        ) -> Result<KeyedBuckets<K, N, C, KeyHash, F>, LimitError>,
    ) -> Result<Arc<KeyedBuckets<K, N, C, KeyHash, F>>, FitError>
    where
        K: Hash + Send + Sync + 'static,
        F: Tiers + Send + Sync + 'static,
        [u64; N]: Streams<N>,
    {
        self.build(Shape::new(name, true, &streams, &tiers), |shape, Fitting { limit, tiers }| {
            let limits = std::array::from_fn(|tier| Limits::<N>::from(array(&tiers[tier + 1])));
            let max_keys = limit.max_keys().unwrap_or_default();
            let buckets = KeyedBuckets::with_clock(array::<N>(&tiers[0]), max_keys, self.clock.clone());
            let buckets: Keyed<K, N, C, F> = buckets.and_then(|buckets| make(buckets, limits)).map_err(misfit(name))?;
            let (made, named) = (buckets.tiers(), shape.tiers());
            if made == named {
                Ok(buckets)
            } else {
                Err(FitError::new(shape.place(), FitRule::OtherTiers { made, named }))
            }
        })
    }

    /// Builds what has this shape, unless it was built.
    fn build<B: Tuned + Any>(
        &self,
        shape: Shape,
        make: impl FnOnce(&Shape, Fitting<'_>) -> Result<B, FitError>,
    ) -> Result<Arc<B>, FitError> {
        let mut state = self.state();
        let fitting = shape.fit(&state.config)?;
        let name = fitting.limit.name().to_owned();
        if let Some(built) = state.built.get(&name) {
            return built.as_built(&shape).ok_or_else(|| FitError::new(shape.place(), FitRule::BuiltOtherwise));
        }
        let bucket = Arc::new(make(&shape, fitting)?);
        state.built.insert(name, Built::new(shape, Arc::clone(&bucket)));
        Ok(bucket)
    }
}

/// The error of a limit that a bucket cannot have.
fn misfit(name: &str) -> impl Fn(LimitError) -> FitError {
    move |error| {
        let LimitError { limit, rule, .. } = error;
        FitError::new(format!("limits.{name}"), FitRule::Limit { limit, rule })
    }
}

impl<C> fmt::Debug for Live<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let built: Vec<String> = self.state().built.keys().cloned().collect();
        f.debug_struct("Live").field("built", &built).finish_non_exhaustive()
    }
}
