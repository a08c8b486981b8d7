//! Owns which names limits, streams and tiers may have. Never what they name.

use std::borrow::Borrow;

use serde::de::{Deserialize, Deserializer, Error};

/// The name of a limit, a stream or a tier. It is a token of HTTP, and has no dot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Name(String);

impl Name {
    const MOST: usize = 64;

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let is_right = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=Self::MOST).contains(&name.len()) && name.bytes().all(is_right) {
            return Ok(Self(name));
        }
        let most = Self::MOST;
        Err(D::Error::custom(format_args!("name {name:?}: a name has 1 to {most} letters, digits, `-` and `_`")))
    }
}
