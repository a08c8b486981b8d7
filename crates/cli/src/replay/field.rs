//! Owns how arguments name a part of a line. Never finds it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use tollgate::keyed::IpKey;

/// A part of a line, as `--key`, `--size` and `--time` name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Field {
    /// The client's address.
    Address,
    /// The column of this number between white space, from 1.
    Column(usize),
    /// A field of a web server's log, or a key of a JSON line.
    Name(String),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("ip"),
            Self::Column(column) => column.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Field {
    /// Reads what a key may be.
    pub(crate) fn key(text: &str) -> Result<Self, String> {
        if text == "ip" { Ok(Self::Address) } else { Self::other(text) }
    }

    /// Reads a column or a name.
    pub(crate) fn other(text: &str) -> Result<Self, String> {
        match text.parse::<usize>() {
            Ok(0) => Err("columns count from 1".into()),
            Ok(column) => Ok(Self::Column(column)),
            Err(_) if text.trim().is_empty() => Err("a name is not empty".into()),
            Err(_) => Ok(Self::Name(text.into())),
        }
    }
}

/// The identity of one client.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Client {
    /// An IPv4 address, or an IPv6 site.
    Address(IpKey),
    Name(String),
}

impl Client {
    /// Reads an address, with or without a port.
    pub(crate) fn at(text: &str) -> Option<Self> {
        let text = text.trim_matches(['"', ',', ';']);
        let address = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
        let bare = |_| text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        Some(Self::Address(IpKey::new(address.or_else(bare).ok()?)))
    }
}

/// Escapes what a terminal would not print, or would obey.
pub(crate) fn printable(text: &str) -> String {
    let shown = |letter: char| match letter {
        '"' | '\'' | '\\' => letter.to_string(),
        _ => letter.escape_debug().to_string(),
    };
    text.chars().map(shown).collect()
}

/// Writes the client in printable characters; an IPv6 site with its prefix.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(key) => {
                let text = key.to_string();
                f.write_str(&text)?;
                if text.contains(':') { f.write_str("/64") } else { Ok(()) }
            }
            Self::Name(name) => f.write_str(&printable(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_address_a_column_or_a_name() {
        assert_eq!(Field::key("ip"), Ok(Field::Address));
        assert_eq!(Field::other("ip"), Ok(Field::Name("ip".into())));
        assert_eq!(Field::key("7"), Ok(Field::Column(7)));
        assert_eq!(Field::key("user-agent"), Ok(Field::Name("user-agent".into())));
        assert_eq!(Field::key("0"), Err("columns count from 1".into()));
        assert_eq!(Field::key(" "), Err("a name is not empty".into()));
        assert_eq!([Field::Address, Field::Column(3)].map(|field| field.to_string()), ["ip", "3"]);
    }

    #[test]
    fn addresses_of_one_site_are_one_client() {
        let at = |text| Client::at(text).unwrap();
        assert_eq!(at("2001:db8::1"), at("[2001:db8::2]:443"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("192.0.2.1"), at("::ffff:192.0.2.1"));
        assert_eq!(at("192.0.2.1:5000,"), at("192.0.2.1"));
        assert_eq!(at("[2001:db8::7:1]").to_string(), "2001:db8::/64");
        assert_eq!(at("192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(Client::at("alice"), None);
    }

    #[test]
    fn a_name_is_printable() {
        assert_eq!(Client::Name("\u{1b}[2J".into()).to_string(), "\\u{1b}[2J");
        assert_eq!(Client::Name("\"a\\b' é\u{202e}".into()).to_string(), "\"a\\b' é\\u{202e}");
    }
}
