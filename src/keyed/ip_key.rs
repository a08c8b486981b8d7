//! Owns which addresses count as one client; never a bucket.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

/// A client by its address: an IPv4 address by itself, IPv6 addresses by their prefix.
///
/// A client with an IPv6 address has at least 2^64 of them, so a key for each address would be a
/// new full bucket for each request. An IPv4 address that is mapped into IPv6 is that IPv4 address.
///
/// ```
/// use std::net::IpAddr;
/// use tollgate::keyed::IpKey;
///
/// let key = |text: &str| text.parse::<IpAddr>().map(IpKey::new);
/// assert_eq!(key("2001:db8:1:2::3")?, key("2001:db8:1:2:ffff::1")?);
/// assert_ne!(key("2001:db8:1:2::3")?, key("2001:db8:1:3::3")?);
/// assert_ne!(key("192.0.2.1")?, key("192.0.2.2")?);
/// assert_eq!(key("192.0.2.1")?, key("::ffff:192.0.2.1")?);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IpKey(IpAddr);

impl IpKey {
    /// An IPv6 address counts by its first 64 bits: a subnet, the least that a site is given.
    ///
    /// ```
    /// use std::net::Ipv6Addr;
    /// use tollgate::keyed::IpKey;
    ///
    /// let address = Ipv6Addr::LOCALHOST.into();
    /// assert_eq!(IpKey::new(address), IpKey::with_prefix(address, 64));
    /// ```
    pub fn new(address: IpAddr) -> Self {
        Self::with_prefix(address, 64)
    }

    /// An IPv6 address counts by its first `bits` bits, 128 or more for all; 56 and 48 are what
    /// sites are often given.
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use tollgate::keyed::IpKey;
    ///
    /// let (one, other) =
    ///     ("2001:db8:1:2::3".parse::<IpAddr>()?, "2001:db8:1:3::3".parse::<IpAddr>()?);
    /// assert_eq!(IpKey::with_prefix(one, 48), IpKey::with_prefix(other, 48));
    /// assert_ne!(IpKey::with_prefix(one, 64), IpKey::with_prefix(other, 64));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn with_prefix(address: IpAddr, bits: u8) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let mask = !u128::MAX.checked_shr(bits.into()).unwrap_or(0);
                Self(Ipv6Addr::from_bits(address.to_bits() & mask).into())
            }
        }
    }
}

/// Writes the address that it stands for.
impl fmt::Display for IpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<IpAddr> for IpKey {
    fn from(address: IpAddr) -> Self {
        Self::new(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_as_long_as_it_says() {
        let all = Ipv6Addr::from_bits(u128::MAX);
        for (bits, ones) in [(0, 0), (1, 1), (64, 64), (127, 127), (128, 128), (129, 128), (255, 128)] {
            let IpKey(IpAddr::V6(key)) = IpKey::with_prefix(all.into(), bits) else { panic!() };
            assert_eq!((key.to_bits().leading_ones(), key.to_bits().count_ones()), (ones, ones), "/{bits}");
        }
    }
}
