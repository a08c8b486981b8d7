//! Owns a value with its parameters. Never text.

/// A value of a structured field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    /// At most 15 digits.
    Integer(i64),
    /// In thousandths, at most 15 digits.
    Decimal(i64),
    /// A string or a token.
    Text(String),
    /// What fields of rate limits have no use for: bytes, dates, booleans and lists in lists.
    Other,
}

impl Value {
    /// Returns an integer that is not negative.
    pub(crate) fn count(&self) -> Option<u64> {
        match *self {
            Self::Integer(integer) => u64::try_from(integer).ok(),
            _ => None,
        }
    }

    /// Returns a number that is not negative, without its decimals.
    pub(crate) fn whole(&self) -> Option<u64> {
        match *self {
            Self::Decimal(thousandths) => u64::try_from(thousandths).ok().map(|thousandths| thousandths / 1000),
            _ => self.count(),
        }
    }

    /// Returns a string or token.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A value with its parameters, of which the last of one name counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Item {
    pub(crate) value: Value,
    pub(crate) parameters: Vec<(String, Value)>,
}

impl Item {
    /// Returns the parameter of this name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&Value> {
        self.parameters.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Returns the first of several parameters that is an integer and not negative.
    pub(crate) fn count(&self, names: &[&str]) -> Option<u64> {
        names.iter().find_map(|name| self.parameter(name)?.count())
    }
}
