//! Owns a network whose addresses are trusted. Never who asks.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::proxy_error::NetworkRule;

/// A network, or one address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Network(IpNet);

impl Network {
    /// Reads `ADDRESS/PREFIX`, or an address.
    ///
    /// A network of IPv4 addresses that are mapped into IPv6 is that IPv4 network.
    pub(super) fn of(text: &str) -> Result<Self, NetworkRule> {
        let network: IpNet = match text.parse::<IpAddr>() {
            Ok(address) => address.into(),
            Err(_) => text.parse().map_err(|_| NetworkRule::NotANetwork)?,
        };
        if network.addr() != network.network() {
            return Err(NetworkRule::BitsBeyondPrefix { network: network.trunc().to_string() });
        }
        let network = unmapped(network);
        match network.prefix_len() {
            0 => Err(NetworkRule::EveryAddress),
            _ => Ok(Self(network)),
        }
    }

    /// Whether an address lies in it. An address that is mapped into IPv6 lies in none.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(six) = network else { return network };
    match (six.addr().to_ipv4_mapped(), six.prefix_len().checked_sub(96)) {
        (Some(address), Some(prefix)) => Ipv4Net::new(address, prefix).map_or(network, IpNet::V4),
        _ => network,
    }
}
