//! Owns what the keys of a limit are, as a file says it. Never a key.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderName;
use serde::de::{Deserialize, Deserializer};
use tollgate::keyed::IpKey;

/// What the keys of a limit are.
///
/// | text | keys |
/// |---|---|
/// | `client-ip` | addresses of clients; IPv6 by its first 64 bits |
/// | `client-ip/56` | addresses of clients; IPv6 by so many bits, 1 to 128 |
/// | `header:x-api-key` | values of a header field |
/// | `custom` | what the program makes |
///
/// The program makes the keys; a configuration says of what.
///
/// ```
/// use http::HeaderName;
/// use tollgate_http::config::KeyKind;
///
/// assert_eq!("client-ip".parse::<KeyKind>()?, KeyKind::ClientIp { prefix: 64 });
/// let kind = KeyKind::Header(HeaderName::from_static("x-api-key"));
/// assert_eq!("header:X-Api-Key".parse::<KeyKind>()?, kind);
/// assert_eq!(kind.to_string(), "header:x-api-key");
/// # Ok::<(), tollgate_http::config::KeyKindError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum KeyKind {
    /// Addresses of clients, as [`Proxies`](crate::address::Proxies) find them.
    ClientIp {
        /// How many bits of an IPv6 address count.
        prefix: u8,
    },
    /// Values of a header field.
    Header(HeaderName),
    /// What the program makes.
    Custom,
}

impl KeyKind {
    /// Returns the key of a client with this address, if keys are addresses.
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use tollgate_http::config::KeyKind;
    ///
    /// let kind: KeyKind = "client-ip/48".parse()?;
    /// let (one, other) = ("2001:db8:1:2::3".parse::<IpAddr>()?, "2001:db8:1:3::4".parse()?);
    /// assert_eq!(kind.ip_key(one), kind.ip_key(other));
    /// assert_eq!(KeyKind::Custom.ip_key(one), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ip_key(&self, address: IpAddr) -> Option<IpKey> {
        match self {
            Self::ClientIp { prefix } => Some(IpKey::with_prefix(address, *prefix)),
            _ => None,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientIp { prefix: 64 } => f.write_str("client-ip"),
            Self::ClientIp { prefix } => write!(f, "client-ip/{prefix}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Custom => f.write_str("custom"),
        }
    }
}

impl FromStr for KeyKind {
    type Err = KeyKindError;

    fn from_str(text: &str) -> Result<Self, KeyKindError> {
        let error = || KeyKindError { text: text.to_owned() };
        let (kind, of) = match text.split_once([':', '/']) {
            Some((kind, of)) => (&text[..=kind.len()], of),
            None => (text, ""),
        };
        match kind {
            "client-ip" => Ok(Self::ClientIp { prefix: 64 }),
            "client-ip/" if !of.starts_with('+') => match of.parse() {
                Ok(prefix @ 1..=128) => Ok(Self::ClientIp { prefix }),
                _ => Err(error()),
            },
            "header:" => HeaderName::try_from(of).map(Self::Header).map_err(|_| error()),
            "custom" => Ok(Self::Custom),
            _ => Err(error()),
        }
    }
}

impl<'de> Deserialize<'de> for KeyKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The error for a text that is no [`KeyKind`].
///
/// ```
/// use tollgate_http::config::KeyKind;
///
/// let error = "client".parse::<KeyKind>().unwrap_err();
/// let rule = "a key is client-ip, client-ip/1 to client-ip/128, header:NAME, or custom";
/// assert_eq!(error.to_string(), format!("key \"client\": {rule}"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyKindError {
    text: String,
}

impl fmt::Display for KeyKindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = "a key is client-ip, client-ip/1 to client-ip/128, header:NAME, or custom";
        write!(f, "key {:?}: {rule}", self.text)
    }
}

impl Error for KeyKindError {}
