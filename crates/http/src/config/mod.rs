//! Named limits from a configuration file, and their reload while threads take.
//!
//! The program names the limits, streams and tiers that it uses; the file has the numbers.
//!
//! | type | for |
//! |---|---|
//! | [`Config`] | what a file says, checked |
//! | [`NamedLimit`] | one limit of it: its streams and tiers |
//! | [`KeyKind`], [`KeyKindError`] | what the keys of a limit are |
//! | [`ConfigError`] | a file that cannot be used: the place and the rule |
//! | [`Live`] | the buckets built from a configuration; reloads it |
//! | [`Changes`], [`Change`] | what a reload changed |
//! | [`FitError`], [`FitRule`] | a configuration that does not fit the program |
//!
//! # The file
//!
//! Any self-describing format of serde will do, such as TOML, JSON or YAML.
//!
//! ```toml
//! [proxies]
//! header = "x-forwarded-for"
//! trusted = ["10.0.0.0/8"]
//!
//! [limits.client]
//! key = "client-ip"
//! max_keys = 100000
//! streams = { requests = "100/min capacity 20", bytes = "1MiB/s" }
//!
//! [limits.client.tiers.paid]
//! requests = "1000/min"
//!
//! [limits.service]
//! streams = { requests = "1000/s" }
//! ```
//!
//! | place | says | without it |
//! |---|---|---|
//! | `proxies.header` | the one [field](crate::address::Forwarding) of proxies | required beside `trusted` |
//! | `proxies.trusted` | addresses and networks of proxies | required beside `header` |
//! | `limits.NAME.key` | a [`KeyKind`]: a bucket for each key | one bucket for all |
//! | `limits.NAME.max_keys` | the most keys that are kept at once | required beside `key` |
//! | `limits.NAME.streams.STREAM` | a [`Limit`](tollgate::Limit); one to eight streams | required |
//! | `limits.NAME.tiers.TIER.STREAM` | the limit of that stream in this tier | that of `streams` |
//!
//! A name has 1 to 64 letters, digits, `-` and `_`. Unknown fields are errors.
//!
//! # In a service
//!
//! ```
//! use http::HeaderMap;
//! use std::sync::Arc;
//! use tollgate::KeyedBuckets;
//! use tollgate::keyed::IpKey;
//! use tollgate_http::config::{Config, Live};
//!
//! let text = r#"
//!     proxies = { header = "x-forwarded-for", trusted = ["10.0.0.0/8"] }
//!     [limits.client]
//!     key = "client-ip"
//!     max_keys = 100000
//!     streams = { requests = "2/min" }
//! "#;
//! let live = Live::new(Config::new(toml::Deserializer::new(text))?);
//! let clients: Arc<KeyedBuckets<IpKey, 1>> = live.keyed("client", ["requests"])?;
//! let kind = live.key("client").ok_or("no key")?;
//!
//! // For each request:
//! let mut headers = HeaderMap::new();
//! headers.insert("x-forwarded-for", "192.0.2.7".parse()?);
//! let address = live.proxies().client("10.0.0.1".parse()?, &headers);
//! let key = kind.ip_key(address).ok_or("other keys")?;
//! assert!(clients.try_take(&key, 1).is_ok() && clients.try_take(&key, 1).is_ok());
//! assert!(clients.try_take(&key, 1).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Owns the way from a file to buckets, and from a changed file to changed buckets. Never how a
// bucket decides.
//
// Reading:
// - `config`: `Config`: reads and checks. `config_error`: `ConfigError`.
// - `toml_file`: reads a `Config` from a file.
// - `tree`: a value of any format. `tree_reader`: serde reads out of it.
// - `file`: the shape of the file. `name`: which names there may be.
// - `named_limit`: `NamedLimit`. `key_kind`: `KeyKind`.
//
// Running:
// - `live`: `Live`: builds, remembers. `reload`: how it reloads.
// - `built`: a bucket whose limits can change, whatever its type. `shape`: what the program uses.
// - `changes`: `Changes`. `fit_error`: `FitError`, `FitRule`.

mod built;
mod changes;
mod config;
mod config_error;
mod file;
mod fit_error;
mod key_kind;
mod live;
mod name;
mod named_limit;
mod reload;
mod shape;
#[cfg(feature = "toml")]
mod toml_file;
mod tree;
mod tree_reader;

pub use changes::{Change, Changes};
pub use config::Config;
pub use config_error::ConfigError;
pub use fit_error::{FitError, FitRule};
pub use key_kind::{KeyKind, KeyKindError};
pub use live::Live;
pub use named_limit::NamedLimit;
