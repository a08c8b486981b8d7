//! Owns which proxies are trusted, and the walk from the peer to the client. Never how an entry is
//! read.

use std::net::IpAddr;

use http::HeaderMap;

use super::forwarding::Forwarding;
use super::network::Network;
use super::proxy_error::ProxyError;

/// The proxies that are trusted to say whose request they forward.
///
/// ```
/// use http::HeaderMap;
/// use std::net::IpAddr;
/// use tollgate_http::address::{Forwarding, Proxies};
///
/// let proxies = Proxies::trusting(Forwarding::XForwardedFor, ["10.0.0.0/8", "::1"])?;
/// let mut headers = HeaderMap::new();
/// // The client wrote the first address. The proxies appended the others.
/// headers.insert("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.0.0.2".parse()?);
/// let address = |text: &str| text.parse::<IpAddr>();
/// assert_eq!(proxies.client(address("10.0.0.1")?, &headers), address("192.0.2.7")?);
/// // This one comes from elsewhere, so its fields are ignored.
/// assert_eq!(proxies.client(address("192.0.2.9")?, &headers), address("192.0.2.9")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With the crate `tollgate`, the key of the client is `keyed::IpKey::new(address)`. It counts IPv6
/// addresses by /64.
///
/// # The rule
///
/// * A peer that is not trusted is the client. Its header fields are ignored.
/// * Behind a trusted peer, all lines of the one configured field are walked from the right. The
///   first address that is not trusted is the client.
/// * An entry that names no address ends the walk. The client is then the last trusted hop: the
///   proxy that wrote the entry.
/// * If all addresses are trusted, the client is the leftmost.
/// * No other field is ever looked at.
///
/// Nothing that stands left of the client's address can change the answer.
///
/// # Entries
///
/// | entry | names |
/// |---|---|
/// | `192.0.2.1`, `192.0.2.1:80` | `192.0.2.1` |
/// | `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:443` | `2001:db8::1` |
/// | `::ffff:192.0.2.1` | `192.0.2.1` |
/// | any of these in quotes | the same address |
/// | `by=_p;For="192.0.2.1"`, in `Forwarded` | `192.0.2.1` |
/// | an empty entry, `unknown`, `_hidden`, a host name, a zone as in `fe80::1%eth0` | nothing |
/// | an element of `Forwarded` without `for`, with two, or malformed | nothing |
///
/// A zone means an interface of the host that wrote it, so it names no client.
///
/// IPv4 addresses that are mapped into IPv6 count as IPv4, those of peers, too. Trust them by IPv4
/// networks; `::ffff:10.0.0.0/104` is read as `10.0.0.0/8`.
///
/// # Work
///
/// The walk looks at no more than [`MOST_HOPS`](Self::MOST_HOPS) entries, and ends at the last
/// trusted hop if there are more. It reads each byte of them a few times, and compares each address
/// with each network. Bound the size of headers in the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proxies {
    forwarding: Forwarding,
    trusted: Vec<Network>,
}

impl Proxies {
    /// The most entries that a walk looks at: 64.
    pub const MOST_HOPS: usize = 64;

    /// Trusts nobody: the client is always the peer.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use std::net::{IpAddr, Ipv4Addr};
    /// use tollgate_http::address::Proxies;
    ///
    /// let peer = IpAddr::from(Ipv4Addr::LOCALHOST);
    /// assert_eq!(Proxies::none().client(peer, &HeaderMap::new()), peer);
    /// ```
    pub const fn none() -> Self {
        Self { forwarding: Forwarding::XForwardedFor, trusted: Vec::new() }
    }

    /// Trusts these addresses and networks to write this field, such as `10.0.0.0/8` and `::1`.
    ///
    /// A proxy must append to the field or replace it. Trust no proxy that only passes it on.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] for the first text that is no network, for a network with bits beyond its
    /// prefix, and for one of all addresses.
    ///
    /// ```
    /// use tollgate_http::address::{Forwarding, Proxies};
    ///
    /// let field = Forwarding::Forwarded;
    /// assert!(Proxies::trusting(field.clone(), ["10.0.0.0/8", "fd00::/8", "::1"]).is_ok());
    /// let error = Proxies::trusting(field, ["10.0.0.0/8", "proxy"]).unwrap_err();
    /// assert!(error.to_string().starts_with("network \"proxy\": a network is an address"));
    /// ```
    pub fn trusting<I>(header: Forwarding, networks: I) -> Result<Self, ProxyError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let read = |text: I::Item| {
            let text = text.as_ref();
            Network::of(text).map_err(|rule| ProxyError { network: text.to_owned(), rule })
        };
        let trusted = networks.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { forwarding: header.name().into(), trusted })
    }

    /// Returns whether a peer is one of the proxies.
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use tollgate_http::address::{Forwarding, Proxies};
    ///
    /// let proxies = Proxies::trusting(Forwarding::XForwardedFor, ["10.0.0.0/8"])?;
    /// let trusts = |text: &str| text.parse::<IpAddr>().map(|address| proxies.trusts(address));
    /// assert_eq!((trusts("10.1.2.3")?, trusts("::ffff:10.1.2.3")?), (true, true));
    /// assert_eq!(trusts("192.0.2.1")?, false);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted.iter().any(|network| network.contains(peer))
    }

    /// Returns the address of the client, by [the rule](Self#the-rule).
    ///
    /// `peer` is the address at the other end of the connection. For one without an address, such
    /// as a Unix socket, give one that is trusted or one that is not. An IPv4 address that is
    /// mapped into IPv6 is returned as IPv4.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use std::net::IpAddr;
    /// use tollgate_http::address::{Forwarding, Proxies};
    ///
    /// let proxies = Proxies::trusting(Forwarding::Forwarded, ["10.0.0.0/8"])?;
    /// let mut headers = HeaderMap::new();
    /// headers.append("forwarded", "for=6.6.6.6".parse()?);
    /// headers.append("forwarded", "for=\"[2001:db8::7]:4711\";proto=https".parse()?);
    /// let client = proxies.client("10.0.0.1".parse()?, &headers);
    /// assert_eq!(client, "2001:db8::7".parse::<IpAddr>()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut hop = peer.to_canonical();
        if !self.trusts(hop) {
            return hop;
        }
        let lines = headers.get_all(self.forwarding.name()).into_iter().rev();
        let entries = lines.flat_map(|line| self.forwarding.entries(line.as_bytes()));
        for entry in entries.take(Self::MOST_HOPS) {
            let Some(address) = self.forwarding.address(entry) else { break };
            hop = address;
            if !self.trusts(hop) {
                break;
            }
        }
        hop
    }
}

/// Trusts nobody.
impl Default for Proxies {
    fn default() -> Self {
        Self::none()
    }
}
