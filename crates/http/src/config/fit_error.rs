//! Owns the error for a configuration that does not fit the program. Never finds one.

use std::error::Error;
use std::fmt;

use tollgate::Limit;
use tollgate::limit::LimitRule;

use super::key_kind::KeyKind;

/// A configuration that does not fit what the program uses: the place, and the rule that it breaks.
///
/// ```
/// use tollgate_http::config::{Config, FitRule, Live};
///
/// let text = "limits.service.streams.requests = \"5/s\"";
/// let live = Live::new(Config::new(toml::Deserializer::new(text))?);
/// let error = live.bucket("service", ["request"]).unwrap_err();
/// assert_eq!(error.place, "limits.service.streams.request");
/// assert_eq!(error.rule, FitRule::NoStream);
/// # Ok::<(), tollgate_http::config::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FitError {
    /// The place in the configuration, such as `limits.client.tiers.paid.requests`.
    pub place: String,
    /// The rule that it breaks.
    pub rule: FitRule,
}

impl FitError {
    pub(super) const fn new(place: String, rule: FitRule) -> Self {
        Self { place, rule }
    }
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, rule } = self;
        write!(f, "{place}: {rule}")
    }
}

impl Error for FitError {}

/// The rules between a configuration and the program that uses it.
///
/// ```
/// use tollgate_http::config::{Config, FitRule, Live};
///
/// let live = Live::new(Config::default());
/// assert_eq!(live.bucket("service", ["requests"]).unwrap_err().rule, FitRule::NoLimit);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FitRule {
    /// The program uses a limit that is not there.
    NoLimit,
    /// The program uses a stream that is not there.
    NoStream,
    /// The program uses a tier that is not there.
    NoTier,
    /// The program does not use this stream, so nothing would come of its limit.
    UnusedStream,
    /// The program does not use this tier.
    UnusedTier,
    /// The program gives two streams or two tiers one name.
    NamedTwice,
    /// The program keeps a bucket for each key, and the limit has no key.
    NoKey,
    /// The program keeps one bucket for all, and the limit has a key.
    HasKey,
    /// The program built the limit before, as another type or with other streams or tiers.
    BuiltOtherwise,
    /// The program makes keys of the addresses of clients, and the limit has another key.
    NotByIp {
        /// What the keys are.
        key: KeyKind,
    },
    /// The program made buckets with other tiers than it named.
    OtherTiers {
        /// How many tiers they have, the limit itself included.
        made: usize,
        /// How many it named, the limit itself included.
        named: usize,
    },
    /// A reload changes what the keys of a built limit are.
    KeyChanged {
        /// What they are.
        from: KeyKind,
        /// What they would be.
        to: KeyKind,
    },
    /// A reload changes how many keys a built limit keeps.
    MaxKeysChanged {
        /// How many it keeps.
        from: usize,
        /// How many it would keep.
        to: usize,
    },
    /// A bucket cannot have this limit, as one whose debt the limit cannot hold.
    Limit {
        /// The limit.
        limit: Limit,
        /// The rule that it breaks.
        rule: LimitRule,
    },
}

impl fmt::Display for FitRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLimit => f.write_str("the program uses this limit, and the configuration does not have it"),
            Self::NoStream => f.write_str("the program uses this stream, and the configuration does not have it"),
            Self::NoTier => f.write_str("the program uses this tier, and the configuration does not have it"),
            Self::UnusedStream => f.write_str("the program does not use this stream"),
            Self::UnusedTier => f.write_str("the program does not use this tier"),
            Self::NamedTwice => f.write_str("the program names it twice"),
            Self::NoKey => f.write_str("the program keeps a bucket for each key, and the limit has no key"),
            Self::HasKey => f.write_str("the program keeps one bucket for all, and the limit has a key"),
            Self::BuiltOtherwise => {
                f.write_str("the program built it before, as another type or with other streams or tiers")
            }
            Self::NotByIp { key } => write!(f, "key {key}: the program makes keys of the addresses of clients"),
            Self::OtherTiers { made, named } => {
                write!(f, "the program made {made} tiers and named {named}, the limit itself included")
            }
            Self::KeyChanged { from, to } => write!(f, "key {from} cannot become {to} while the program runs"),
            Self::MaxKeysChanged { from, to } => {
                write!(f, "max_keys {from} cannot become {to} while the program runs")
            }
            Self::Limit { limit, rule } => write!(f, "limit {limit}: {rule}"),
        }
    }
}
