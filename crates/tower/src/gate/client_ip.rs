//! Owns the key of a client by its address. Never parses a field: `tollgate_http::address` does.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::request;
use tollgate::keyed::IpKey;
use tollgate_http::address::Proxies;

use super::request_key::RequestKey;

type Peer = dyn Fn(&request::Parts) -> Option<IpAddr> + Send + Sync;
type Current = dyn Fn() -> Arc<Proxies> + Send + Sync;

/// Tells clients apart by their addresses, behind trusted proxies or not.
///
/// The peer's address is what the server knows of the connection. Headers count only if the peer is
/// a trusted [proxy](Self::behind). An IPv6 client is a network of 64 bits.
///
/// ```
/// use std::net::{IpAddr, SocketAddr};
/// use http::Request;
/// use tollgate::keyed::IpKey;
/// use tollgate_http::address::{Forwarding, Proxies};
/// use tollgate_tower::{ClientIp, RequestKey};
///
/// let proxies = Proxies::trusting(Forwarding::XForwardedFor, ["10.0.0.0/8"])?;
/// let by_ip = ClientIp::from_extension(|peer: &SocketAddr| peer.ip()).behind(proxies);
///
/// let key = |peer: SocketAddr| {
///     let request = Request::builder().header("x-forwarded-for", "6.6.6.6, 192.0.2.7");
///     let (parts, ()) = request.extension(peer).body(()).unwrap().into_parts();
///     by_ip.key(&parts)
/// };
/// let ip_key = |text: &str| Some(IpKey::new(text.parse().unwrap()));
/// assert_eq!(key("10.1.2.3:80".parse()?), ip_key("192.0.2.7"));
/// assert_eq!(key("198.51.100.1:80".parse()?), ip_key("198.51.100.1")); // not a proxy of ours
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ClientIp {
    peer: Arc<Peer>,
    proxies: Arc<Current>,
    prefix: u8,
}

impl ClientIp {
    /// Takes the peer's address from an extension of the request, such as axum's `ConnectInfo`.
    ///
    /// A request without that extension has no key.
    pub fn from_extension<T: Send + Sync + 'static>(ip: impl Fn(&T) -> IpAddr + Send + Sync + 'static) -> Self {
        Self::from_request(move |request| request.extensions.get().map(&ip))
    }

    /// Takes the peer's address from the head of a request.
    ///
    /// ```
    /// use http::Request;
    /// use tollgate_tower::{ClientIp, RequestKey};
    ///
    /// let nobody = ClientIp::from_request(|_| None);
    /// assert_eq!(nobody.key(&Request::new(()).into_parts().0), None);
    /// ```
    pub fn from_request(peer: impl Fn(&request::Parts) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        let none = Arc::new(Proxies::none());
        Self { peer: Arc::new(peer), proxies: Arc::new(move || Arc::clone(&none)), prefix: 64 }
    }

    /// Trusts these proxies to say whose a request is. Default: none.
    #[must_use]
    pub fn behind(self, proxies: Proxies) -> Self {
        let proxies = Arc::new(proxies);
        self.behind_current(move || Arc::clone(&proxies))
    }

    /// Trusts the proxies that a function returns, which is asked for each request: for a
    /// configuration that is reloaded.
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use std::sync::Arc;
    /// use tollgate_http::address::Proxies;
    /// use tollgate_tower::ClientIp;
    ///
    /// let current = Arc::new(Proxies::none());
    /// let by_ip = ClientIp::from_extension(|peer: &SocketAddr| peer.ip());
    /// let by_ip = by_ip.behind_current(move || Arc::clone(&current));
    /// # let _ = by_ip;
    /// ```
    #[must_use]
    pub fn behind_current(self, proxies: impl Fn() -> Arc<Proxies> + Send + Sync + 'static) -> Self {
        Self { proxies: Arc::new(proxies), ..self }
    }

    /// Counts so many leading bits of an IPv6 address, at most 128. Default: 64.
    ///
    /// ```
    /// use http::Request;
    /// use tollgate::keyed::IpKey;
    /// use tollgate_tower::{ClientIp, RequestKey};
    ///
    /// let by_site = ClientIp::from_request(|_| "2001:db8:1:2::3".parse().ok()).prefix(48);
    /// let key = by_site.key(&Request::new(()).into_parts().0);
    /// assert_eq!(key, Some(IpKey::with_prefix("2001:db8:1::".parse()?, 48)));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn prefix(self, bits: u8) -> Self {
        Self { prefix: bits.min(128), ..self }
    }
}

impl RequestKey<IpKey> for ClientIp {
    fn key(&self, request: &request::Parts) -> Option<IpKey> {
        let peer = (self.peer)(request)?;
        let client = (self.proxies)().client(peer, &request.headers);
        Some(IpKey::with_prefix(client, self.prefix))
    }
}

impl fmt::Debug for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIp")
            .field("proxies", &(self.proxies)())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
