//! Owns which header field tells where a request came from, and how its entries are read. Never
//! which of them are believed.

use std::net::IpAddr;

use http::HeaderName;
use http::header::FORWARDED;

use super::entries::Entries;
use super::{forwarded, node};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Names the one header field in which proxies say whose request they forward.
///
/// ```
/// use http::HeaderName;
/// use tollgate_http::address::Forwarding;
///
/// let field = Forwarding::from(HeaderName::try_from("X-Forwarded-For")?);
/// assert_eq!(field, Forwarding::XForwardedFor);
/// assert_eq!(Forwarding::Forwarded.name(), "forwarded");
/// # Ok::<(), http::header::InvalidHeaderName>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Forwarding {
    /// `X-Forwarded-For`: addresses with commas between them.
    XForwardedFor,
    /// `Forwarded` of RFC 7239: elements such as `for="[2001:db8::1]:443";proto=https`.
    Forwarded,
    /// Another field with addresses, such as `X-Real-IP` or `CF-Connecting-IP`. It is read as
    /// `X-Forwarded-For` is.
    Header(HeaderName),
}

impl Forwarding {
    /// Returns the name of the field.
    ///
    /// ```
    /// use http::HeaderName;
    /// use tollgate_http::address::Forwarding;
    ///
    /// let field = Forwarding::Header(HeaderName::from_static("x-real-ip"));
    /// assert_eq!(field.name(), "x-real-ip");
    /// ```
    pub fn name(&self) -> HeaderName {
        match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
            Self::Header(name) => name.clone(),
        }
    }

    /// The entries of one line, from the right.
    pub(super) fn entries<'a>(&self, line: &'a [u8]) -> Entries<'a> {
        match self {
            Self::Forwarded => Entries::quoted(line),
            _ => Entries::plain(line),
        }
    }

    /// The address that an entry names, if it names one.
    pub(super) fn address(&self, entry: &[u8]) -> Option<IpAddr> {
        match self {
            Self::Forwarded => node::address(&forwarded::sender(entry)?),
            _ => node::address(unquoted(entry)),
        }
    }
}

/// Reads the fields that have a variant of their own as that one.
impl From<HeaderName> for Forwarding {
    fn from(name: HeaderName) -> Self {
        if name == X_FORWARDED_FOR {
            Self::XForwardedFor
        } else if name == FORWARDED {
            Self::Forwarded
        } else {
            Self::Header(name)
        }
    }
}

fn unquoted(entry: &[u8]) -> &[u8] {
    entry.strip_prefix(b"\"").and_then(|entry| entry.strip_suffix(b"\"")).unwrap_or(entry)
}
