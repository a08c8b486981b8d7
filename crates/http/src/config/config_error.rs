//! Owns the error for a configuration that cannot be used. Never finds one.

use std::error::Error;
use std::fmt;

use serde_path_to_error::{Path, Segment};

use super::fit_error::FitError;

/// A configuration that cannot be used: the place, and the rule that it breaks.
///
/// ```
/// use tollgate_http::config::Config;
///
/// let text = "limits.service.streams.requests = \"5/fortnight\"";
/// let error = Config::new(toml::Deserializer::new(text)).unwrap_err();
/// assert_eq!(error.place(), "limits.service.streams.requests");
/// assert!(error.rule().starts_with("\"5/fortnight\", at \"fortnight\": a period is"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    pub(super) place: String,
    pub(super) rule: String,
}

impl ConfigError {
    pub(super) fn new(place: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { place: place.into(), rule: rule.into() }
    }

    /// An error of a format or a shape, at the place that a reader had come to.
    pub(super) fn at(path: &Path, error: &impl fmt::Display) -> Self {
        let mut place = String::new();
        for segment in path {
            let dot = if place.is_empty() { "" } else { "." };
            match segment {
                Segment::Map { key } => place.extend([dot, key]),
                Segment::Enum { variant } => place.extend([dot, variant]),
                Segment::Seq { index } => place.push_str(&format!("[{index}]")),
                // The format did not come to the name.
                Segment::Unknown => break,
            }
        }
        Self::new(place, error.to_string().trim_end())
    }

    /// Returns the place, such as `limits.client.tiers.paid.requests`.
    ///
    /// It is empty for the file as a whole, as where it is not of its format.
    ///
    /// ```
    /// use tollgate_http::config::Config;
    ///
    /// let error = Config::new(toml::Deserializer::new("limits =")).unwrap_err();
    /// assert_eq!(error.place(), "");
    /// assert!(error.to_string().starts_with("TOML parse error at line 1"));
    /// ```
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns the value and the rule that it breaks; of a text that is not of its format, what
    /// the format says.
    ///
    /// ```
    /// use tollgate_http::config::Config;
    ///
    /// let text = "limits.service.streams.requests = \"5/s\"\nlimits.service.burst = 7";
    /// let error = Config::new(toml::Deserializer::new(text)).unwrap_err();
    /// assert!(error.rule().starts_with("unknown field `burst`, expected one of `key`"));
    /// ```
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, rule } = self;
        if place.is_empty() { f.write_str(rule) } else { write!(f, "{place}: {rule}") }
    }
}

impl Error for ConfigError {}

/// The same place, and the rule as text: for a function that reads and reloads.
///
/// ```
/// use tollgate_http::config::{Changes, Config, ConfigError, Live};
///
/// fn reload(live: &Live, text: &str) -> Result<Changes, ConfigError> {
///     Ok(live.reload(Config::new(toml::Deserializer::new(text))?)?)
/// }
/// let live = Live::new(Config::new(toml::Deserializer::new("limits.a.streams.b = '5/s'"))?);
/// live.bucket("a", ["b"])?;
/// assert_eq!(reload(&live, "").unwrap_err().place(), "limits.a");
/// let error = reload(&live, "limits.a.streams.b = 'c'").unwrap_err();
/// assert_eq!(error.place(), "limits.a.streams.b");
/// # Ok::<(), ConfigError>(())
/// ```
impl From<FitError> for ConfigError {
    fn from(FitError { place, rule }: FitError) -> Self {
        Self::new(place, rule.to_string())
    }
}
