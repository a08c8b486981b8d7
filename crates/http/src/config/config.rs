//! Owns what a configuration file says, read and checked. Never a bucket.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error};

use super::config_error::ConfigError;
use super::file::{File, FileNetwork, FileProxies};
use super::named_limit::NamedLimit;
use super::tree::{Depth, Tree};
use crate::address::Proxies;

/// What a configuration file says. See [the file](crate::config#the-file).
///
/// ```
/// use tollgate::Limit;
/// use tollgate_http::config::Config;
///
/// let text = r#"
///     [limits.service]
///     streams = { requests = "1000/s" }
/// "#;
/// let config = Config::new(toml::Deserializer::new(text))?;
/// let service = config.limit("service").ok_or("no such limit")?;
/// assert_eq!(service.stream("requests"), Some(Limit::per_second(1000)));
///
/// // The same in another format.
/// let text = r#"{"limits": {"service": {"streams": {"requests": "1000/s"}}}}"#;
/// assert_eq!(Config::new(&mut serde_json::Deserializer::from_str(text))?, config);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Config {
    proxies: Proxies,
    limits: BTreeMap<String, NamedLimit>,
}

impl Config {
    /// Reads and checks a configuration of any self-describing format.
    ///
    /// It reads one value. Formats that tell by a further call whether more follows, such as JSON,
    /// are to be asked after it. [`Config`] is also `Deserialize`, so that it can be part of a
    /// larger configuration; the error of the format then has the text of the [`ConfigError`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with the place and the rule, for the first of these that is found:
    ///
    /// * what the format cannot read, a name that is there twice, and more than 12 levels;
    /// * an unknown field, a missing one, or a value of another type;
    /// * a text that is no limit, key, header or network; a limit that no bucket can keep;
    /// * a name that has other letters than [those](crate::config#the-file);
    /// * no stream, more than eight, or a stream of a tier that the limit does not have;
    /// * `max_keys` of 0; a key without `max_keys`; `max_keys` or tiers without a key;
    /// * two streams whose [policies](NamedLimit::policies) would have one name.
    ///
    /// ```
    /// use tollgate_http::config::Config;
    ///
    /// let text = "
    ///     [limits.client]
    ///     key = 'client-ip'
    ///     max_keys = 1000
    ///     streams.requests = '10/s'
    ///     tiers.paid.request = '500/s'
    /// ";
    /// let error = Config::new(toml::Deserializer::new(text)).unwrap_err();
    /// let rule = "no such stream in limits.client: it has requests";
    /// assert_eq!(error.to_string(), format!("limits.client.tiers.paid.request: {rule}"));
    /// ```
    pub fn new<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, ConfigError> {
        let File { proxies, limits } = file(tree(deserializer)?)?;
        let mut named = BTreeMap::new();
        for (name, limit) in limits {
            let limit = NamedLimit::of(name, limit)?;
            named.insert(limit.name().to_owned(), limit);
        }
        check_policies(&named)?;
        Ok(Self { proxies: proxies.map_or(Ok(Proxies::none()), trusting)?, limits: named })
    }

    /// Returns the proxies that are trusted: none without the section `proxies`.
    ///
    /// ```
    /// use tollgate_http::address::{Forwarding, Proxies};
    /// use tollgate_http::config::Config;
    ///
    /// let text = "proxies = { header = 'X-Forwarded-For', trusted = ['10.0.0.0/8'] }";
    /// let config = Config::new(toml::Deserializer::new(text))?;
    /// let proxies = Proxies::trusting(Forwarding::XForwardedFor, ["10.0.0.0/8"])?;
    /// assert_eq!(config.proxies(), &proxies);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Returns the limit of this name, if there is one.
    ///
    /// See [`NamedLimit`] for an example.
    pub fn limit(&self, name: &str) -> Option<&NamedLimit> {
        self.limits.get(name)
    }

    /// Returns all limits, by name.
    ///
    /// ```
    /// use tollgate_http::config::Config;
    ///
    /// assert_eq!(Config::default().limits().count(), 0);
    /// ```
    pub fn limits(&self) -> impl ExactSizeIterator<Item = &NamedLimit> {
        self.limits.values()
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(deserializer).map_err(D::Error::custom)
    }
}

/// Reads any value of a format.
fn tree<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tree, ConfigError> {
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(deserializer, &mut track);
    let read = Depth::MOST.deserialize(tracked);
    read.map_err(|error| ConfigError::at(&track.path(), &error))
}

/// Reads the shape of a configuration.
fn file(tree: Tree) -> Result<File, ConfigError> {
    let mut track = serde_path_to_error::Track::new();
    let read = File::deserialize(serde_path_to_error::Deserializer::new(tree, &mut track));
    read.map_err(|error| ConfigError::at(&track.path(), &error))
}

fn trusting(proxies: FileProxies) -> Result<Proxies, ConfigError> {
    let FileProxies { header, trusted } = proxies;
    let networks = trusted.into_iter().map(|FileNetwork(network)| network);
    Proxies::trusting(header, networks).map_err(|error| ConfigError::new("proxies.trusted", error.to_string()))
}

/// Whether no two streams have policies of one name.
fn check_policies(limits: &BTreeMap<String, NamedLimit>) -> Result<(), ConfigError> {
    let mut known = BTreeMap::new();
    for limit in limits.values() {
        for (stream, _) in limit.streams() {
            let (policy, place) = (limit.policy(stream), format!("limits.{}.streams.{stream}", limit.name()));
            if let Some(other) = known.get(&policy) {
                return Err(ConfigError::new(place, format!("its policy {policy:?} is that of {other}, too")));
            }
            known.insert(policy, place);
        }
    }
    Ok(())
}
