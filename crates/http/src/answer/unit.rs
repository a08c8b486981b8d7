//! Owns what a policy counts. Never a number.

use crate::answer::name::Name;

/// What one token of a policy stands for: the parameter `qu`.
///
/// ```
/// use tollgate_http::{Name, Unit};
///
/// assert_eq!(Unit::default(), Unit::Requests);
/// assert_eq!(Unit::ContentBytes.as_str(), "content-bytes");
/// assert_eq!(Unit::Other(Name::new("points")?).as_str(), "points");
/// # Ok::<(), tollgate_http::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Unit {
    /// Requests. Fields that do not say a unit mean this one.
    #[default]
    Requests,
    /// Bytes of content.
    ContentBytes,
    /// Any other unit, by its name.
    Other(Name),
}

impl Unit {
    /// Returns the unit as fields write it.
    ///
    /// ```
    /// assert_eq!(tollgate_http::Unit::Requests.as_str(), "requests");
    /// ```
    pub fn as_str(&self) -> &str {
        match self {
            Self::Requests => "requests",
            Self::ContentBytes => "content-bytes",
            Self::Other(name) => name.as_str(),
        }
    }

    /// Adds the parameter, unless it is the default.
    pub(crate) fn write_into(&self, text: &mut String) {
        match self {
            Self::Requests => {}
            Self::ContentBytes => text.push_str(";qu=\"content-bytes\""),
            Self::Other(name) => {
                text.push_str(";qu=");
                name.quote_into(text);
            }
        }
    }
}
