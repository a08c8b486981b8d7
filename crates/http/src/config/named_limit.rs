//! Owns one limit of a configuration: its streams, its tiers and its keys. Never a bucket.

use std::collections::BTreeMap;

use tollgate::Limit;

use super::config_error::ConfigError;
use super::file::{FileLimit, Keys};
use super::key_kind::KeyKind;
use super::name::Name;

/// One limit of a configuration, with its streams and tiers.
///
/// ```
/// use tollgate::Limit;
/// use tollgate_http::config::{Config, KeyKind};
///
/// let text = r#"
///     [limits.client]
///     key = "client-ip"
///     max_keys = 1000
///     streams = { requests = "10/s", bytes = "1MiB/s" }
///     tiers.paid = { requests = "500/s" }
/// "#;
/// let config = Config::new(toml::Deserializer::new(text))?;
/// let client = config.limit("client").ok_or("no such limit")?;
/// assert_eq!(client.stream("requests"), Some(Limit::per_second(10)));
/// assert_eq!(client.tier_stream("paid", "requests"), Some(Limit::per_second(500)));
/// assert_eq!(client.tier_stream("paid", "bytes"), client.stream("bytes"));
/// assert_eq!(client.key(), Some(&KeyKind::ClientIp { prefix: 64 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedLimit {
    name: Name,
    keys: Option<(KeyKind, usize)>,
    streams: BTreeMap<Name, Limit>,
    /// Each has a limit for each stream.
    tiers: BTreeMap<Name, BTreeMap<Name, Limit>>,
}

impl NamedLimit {
    /// The most streams that a bucket has.
    const MOST_STREAMS: usize = 8;

    /// The most tiers beside the limit itself.
    const MOST_TIERS: usize = 65_535;

    /// Checks what a file says of a limit.
    pub(super) fn of(name: Name, file: FileLimit) -> Result<Self, ConfigError> {
        let FileLimit { key, max_keys, streams, tiers } = file;
        let limit = format!("limits.{}", name.as_str());
        let error = |place: &str, rule: String| Err(ConfigError::new(format!("{limit}{place}"), rule));
        if !(1..=Self::MOST_STREAMS).contains(&streams.len()) {
            return error(".streams", format!("{} streams: a limit has 1 to {}", streams.len(), Self::MOST_STREAMS));
        }
        let keys = match (key, max_keys) {
            (Some(key), Some(Keys(max_keys))) => Some((key, max_keys)),
            (Some(_), None) => return error("", "missing field `max_keys`: a limit with a key has one".into()),
            (None, Some(_)) => return error(".max_keys", "only a limit with a key has max_keys".into()),
            (None, None) if !tiers.is_empty() => return error(".tiers", "only a limit with a key has tiers".into()),
            (None, None) => None,
        };
        if tiers.len() > Self::MOST_TIERS {
            return error(".tiers", format!("{} tiers: a limit has at most {}", tiers.len(), Self::MOST_TIERS));
        }
        let mut filled = BTreeMap::new();
        for (tier, own) in tiers {
            if let Some(stream) = own.keys().find(|stream| !streams.contains_key(*stream)) {
                let place = format!(".tiers.{}.{}", tier.as_str(), stream.as_str());
                let names: Vec<_> = streams.keys().map(Name::as_str).collect();
                return error(&place, format!("no such stream in {limit}: it has {}", names.join(", ")));
            }
            let mut all = streams.clone();
            all.extend(own);
            filled.insert(tier, all);
        }
        Ok(Self { name, keys, streams, tiers: filled })
    }

    /// Returns its name.
    ///
    /// ```
    /// use tollgate_http::config::Config;
    ///
    /// let text = "limits.service.streams.requests = \"5/s\"";
    /// let config = Config::new(toml::Deserializer::new(text))?;
    /// assert_eq!(config.limits().next().map(|limit| limit.name()), Some("service"));
    /// # Ok::<(), tollgate_http::config::ConfigError>(())
    /// ```
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Returns what its keys are; `None` if one bucket is for all.
    ///
    /// See [`NamedLimit`] for an example.
    pub fn key(&self) -> Option<&KeyKind> {
        self.keys.as_ref().map(|(key, _)| key)
    }

    /// Returns the most keys that are kept at once; `None` if one bucket is for all.
    ///
    /// ```
    /// use tollgate_http::config::Config;
    ///
    /// let text = "limits.client = {key = 'custom', max_keys = 7, streams.requests = '5/s'}";
    /// let config = Config::new(toml::Deserializer::new(text))?;
    /// assert_eq!(config.limit("client").and_then(|limit| limit.max_keys()), Some(7));
    /// # Ok::<(), tollgate_http::config::ConfigError>(())
    /// ```
    pub fn max_keys(&self) -> Option<usize> {
        self.keys.as_ref().map(|(_, max_keys)| *max_keys)
    }

    /// Returns the streams and their limits, by name.
    ///
    /// ```
    /// use tollgate_http::config::Config;
    ///
    /// let text = "limits.service.streams = { requests = '5/s', bytes = '1kB/s' }";
    /// let config = Config::new(toml::Deserializer::new(text))?;
    /// let service = config.limit("service").ok_or("no such limit")?;
    /// let names: Vec<_> = service.streams().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["bytes", "requests"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn streams(&self) -> impl ExactSizeIterator<Item = (&str, Limit)> {
        self.streams.iter().map(|(name, limit)| (name.as_str(), *limit))
    }

    /// Returns the names of the tiers.
    ///
    /// ```
    /// use tollgate_http::config::Config;
    ///
    /// let text = "
    ///     [limits.client]
    ///     key = 'custom'
    ///     max_keys = 7
    ///     streams.requests = '5/s'
    ///     tiers = { paid = { requests = '9/s' }, free = {} }
    /// ";
    /// let config = Config::new(toml::Deserializer::new(text))?;
    /// let client = config.limit("client").ok_or("no such limit")?;
    /// assert_eq!(client.tiers().collect::<Vec<_>>(), ["free", "paid"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tiers(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tiers.keys().map(Name::as_str)
    }

    /// Returns the limit of a stream, if there is such a stream.
    ///
    /// See [`NamedLimit`] for an example.
    pub fn stream(&self, stream: &str) -> Option<Limit> {
        self.streams.get(stream).copied()
    }

    /// Returns the limit of a stream in a tier, if there are both. It is that of the limit itself
    /// where the tier has none of its own.
    ///
    /// See [`NamedLimit`] for an example.
    pub fn tier_stream(&self, tier: &str, stream: &str) -> Option<Limit> {
        self.tiers.get(tier)?.get(stream).copied()
    }

    /// Returns the name of the policy of each stream, with its limit.
    ///
    /// A policy is called as the limit if that has one stream, else `<limit>-<stream>`.
    ///
    /// ```
    /// use tollgate::Limit;
    /// use tollgate_http::config::Config;
    ///
    /// let text = "
    ///     limits.client.streams = { requests = '5/s', bytes = '1kB/s' }
    ///     limits.service.streams.requests = '9/s'
    /// ";
    /// let config = Config::new(toml::Deserializer::new(text))?;
    /// let names = |limit| config.limit(limit).map(|limit| limit.policies());
    /// let of_client = names("client").ok_or("no such limit")?;
    /// assert_eq!(of_client[1], ("client-requests".to_string(), Limit::per_second(5)));
    /// let of_service = names("service").ok_or("no such limit")?;
    /// assert_eq!(of_service, [("service".to_string(), Limit::per_second(9))]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn policies(&self) -> Vec<(String, Limit)> {
        self.streams().map(|(stream, limit)| (self.policy(stream), limit)).collect()
    }

    /// The name of the policy of a stream.
    pub(super) fn policy(&self, stream: &str) -> String {
        let name = self.name();
        if self.streams.len() == 1 { name.to_owned() } else { format!("{name}-{stream}") }
    }
}
