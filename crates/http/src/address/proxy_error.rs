//! Owns the error for a network that cannot be trusted. Never checks one.

use std::error::Error;
use std::fmt;

/// A network that cannot be trusted, and the rule that it breaks.
///
/// ```
/// use tollgate_http::address::{Forwarding, NetworkRule, Proxies};
///
/// let error = Proxies::trusting(Forwarding::XForwardedFor, ["::1", "10.0.0.1/33"]).unwrap_err();
/// assert_eq!(error.network, "10.0.0.1/33");
/// assert_eq!(error.rule, NetworkRule::NotANetwork);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ProxyError {
    /// The text that was given.
    pub network: String,
    /// The rule that it breaks.
    pub rule: NetworkRule,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "network {:?}: {}", self.network, self.rule)
    }
}

impl Error for ProxyError {}

/// The rules that every trusted network keeps.
///
/// ```
/// use tollgate_http::address::{Forwarding, NetworkRule, Proxies};
///
/// let error = Proxies::trusting(Forwarding::Forwarded, ["10.1.2.3/8"]).unwrap_err();
/// let network = "10.0.0.0/8".to_string();
/// assert_eq!(error.rule, NetworkRule::BitsBeyondPrefix { network });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NetworkRule {
    /// The text is no address and no network.
    NotANetwork,
    /// The address has bits set beyond the prefix, so that two networks may be meant.
    BitsBeyondPrefix {
        /// The network with these bits left out.
        network: String,
    },
    /// The prefix is 0. Where every address is trusted, every client chooses its address.
    EveryAddress,
}

impl fmt::Display for NetworkRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANetwork => f.write_str("a network is an address, or an address and a prefix, as 10.0.0.0/8"),
            Self::BitsBeyondPrefix { network } => {
                write!(f, "a network has no bits beyond its prefix, as {network} has none")
            }
            Self::EveryAddress => {
                f.write_str("a prefix is at least 1: if every address is trusted, a client can choose its address")
            }
        }
    }
}
