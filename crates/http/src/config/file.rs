//! Owns the shape of a configuration file. Never the rules between its values.

use std::collections::BTreeMap;
use std::fmt;

use http::HeaderName;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use tollgate::Limit;

use super::key_kind::KeyKind;
use super::name::Name;
use crate::address::{Forwarding, Proxies};

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields, expecting = "a table with proxies and limits")]
pub(super) struct File {
    pub(super) proxies: Option<FileProxies>,
    #[serde(default)]
    pub(super) limits: BTreeMap<Name, FileLimit>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields, expecting = "a table with a header and trusted networks")]
pub(super) struct FileProxies {
    #[serde(deserialize_with = "forwarding")]
    pub(super) header: Forwarding,
    pub(super) trusted: Vec<FileNetwork>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields, expecting = "a table with streams")]
pub(super) struct FileLimit {
    pub(super) key: Option<KeyKind>,
    pub(super) max_keys: Option<Keys>,
    pub(super) streams: BTreeMap<Name, Limit>,
    #[serde(default)]
    pub(super) tiers: BTreeMap<Name, BTreeMap<Name, Limit>>,
}

fn forwarding<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Forwarding, D::Error> {
    let name = String::deserialize(deserializer)?;
    match HeaderName::try_from(&name) {
        Ok(name) => Ok(name.into()),
        Err(_) => Err(D::Error::custom(format_args!("header {name:?}: the name of a header field is a token"))),
    }
}

/// A number of keys.
#[derive(Debug)]
pub(super) struct Keys(pub(super) usize);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of keys, at least 1")
            }

            fn visit_u64<E: Error>(self, keys: u64) -> Result<Keys, E> {
                match usize::try_from(keys) {
                    Ok(keys @ 1..) => Ok(Keys(keys)),
                    _ => Err(E::invalid_value(Unexpected::Unsigned(keys), &self)),
                }
            }
        }

        deserializer.deserialize_u64(Number)
    }
}

/// A network that proxies are trusted in.
#[derive(Debug)]
pub(super) struct FileNetwork(pub(super) String);

impl<'de> Deserialize<'de> for FileNetwork {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let network = String::deserialize(deserializer)?;
        // Read alone, so that the error has its place.
        Proxies::trusting(Forwarding::XForwardedFor, [&network]).map_err(D::Error::custom)?;
        Ok(Self(network))
    }
}
