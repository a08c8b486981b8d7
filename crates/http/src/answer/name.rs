//! Owns a name that a structured field may hold. Never holds another one.

use std::borrow::Cow;
use std::fmt;

/// The longest name, in bytes: what every reader of structured fields must accept.
const LONGEST: usize = 1024;

/// A name that header fields can carry: 1 to 1024 printable ASCII characters.
///
/// ```
/// use tollgate_http::{Name, NameRule};
///
/// assert_eq!(Name::new("per client")?.as_str(), "per client");
/// assert_eq!(Name::new("größe").unwrap_err().rule, NameRule::NotPrintable);
/// # Ok::<(), tollgate_http::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Name(Cow<'static, str>);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// Returns a [`NameError`] with the name and the [`NameRule`] that it breaks.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate_http::Name;
    ///
    /// let error = Name::new("").unwrap_err();
    /// assert_eq!(error.to_string(), r#"name "": a name is not empty"#);
    /// # Ok::<(), tollgate_http::NameError>(())
    /// ```
    pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self, NameError> {
        let name = name.into();
        let rule = if name.is_empty() {
            NameRule::Empty
        } else if name.len() > LONGEST {
            NameRule::TooLong
        } else if !name.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            NameRule::NotPrintable
        } else {
            return Ok(Self(name));
        };
        Err(NameError { name: name.into_owned(), rule })
    }

    /// Returns the name as text.
    ///
    /// ```
    /// assert_eq!(tollgate_http::Name::new("daily")?.as_str(), "daily");
    /// # Ok::<(), tollgate_http::NameError>(())
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Adds the name in double quotes, with `"` and `\` escaped.
    ///
    /// For printable ASCII the strings of structured fields and of JSON are alike.
    pub(crate) fn quote_into(&self, text: &mut String) {
        text.push('"');
        for character in self.0.chars() {
            if matches!(character, '"' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push('"');
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rule that a name breaks.
///
/// ```
/// use tollgate_http::{Name, NameRule};
/// assert_eq!(Name::new("a\nb").unwrap_err().rule, NameRule::NotPrintable);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum NameRule {
    /// A name is not empty.
    Empty,
    /// A name has at most 1024 bytes.
    TooLong,
    /// A name has only printable ASCII characters.
    NotPrintable,
}

impl fmt::Display for NameRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a name is not empty",
            Self::TooLong => "a name has at most 1024 bytes",
            Self::NotPrintable => "a name has only printable ascii characters",
        })
    }
}

/// A name that no header field can carry, and the rule that it breaks.
///
/// ```
/// use tollgate_http::Name;
///
/// let error = Name::new("tab\t").unwrap_err();
/// let text = r#"name "tab\t": a name has only printable ascii characters"#;
/// assert_eq!(error.to_string(), text);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameError {
    /// The refused name.
    pub name: String,
    /// The rule that it breaks.
    pub rule: NameRule,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, rule } = self;
        write!(f, "name {name:?}: {rule}")
    }
}

impl std::error::Error for NameError {}
