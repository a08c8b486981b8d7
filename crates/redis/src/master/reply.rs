//! Owns what a script says, read strictly. Never what it means.

use super::malformed::Malformed;

/// A value that the engine sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    Number(i64),
    Text(Vec<u8>),
    List(Vec<Self>),
    /// What no script sends, as it shows itself.
    Other(String),
}

impl Reply {
    /// The values of a list.
    pub(crate) fn list(&self) -> Result<&[Self], Malformed> {
        match self {
            Self::List(values) => Ok(values),
            other => Err(Malformed::new("reply", other)),
        }
    }

    /// A number, or one in decimal digits.
    pub(crate) fn number(&self) -> Result<u64, Malformed> {
        let number = match self {
            Self::Number(number) => u64::try_from(*number).ok(),
            Self::Text(_) => self.text()?.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| Malformed::new("reply", self))
    }

    pub(crate) fn text(&self) -> Result<&str, Malformed> {
        match self {
            Self::Text(bytes) => std::str::from_utf8(bytes).map_err(|_| Malformed::new("reply", self)),
            other => Err(Malformed::new("reply", other)),
        }
    }
}
