//! Owns the report of a reload. Never changes anything.

use std::fmt;

use tollgate::Limit;

/// What a reload changed.
///
/// As text it has one line for each change, and none if nothing changed.
///
/// ```
/// use tollgate_http::config::{Config, Live};
///
/// let config = |requests| {
///     let text = format!("limits.service.streams.requests = '{requests}'");
///     Config::new(toml::Deserializer::new(&text))
/// };
/// let live = Live::new(config("5/s")?);
/// let all = live.bucket("service", ["requests"])?;
/// let changes = live.reload(config("9/s")?)?;
/// let line = "limits.service.streams.requests: 5/s capacity 5 became 9/s capacity 9";
/// assert_eq!(changes.to_string(), line);
/// assert!(live.reload(config("9/s")?)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[must_use]
#[non_exhaustive]
pub struct Changes {
    /// The limits of buckets that changed, those that a tier inherits included.
    ///
    /// A limit that was not built is not among them.
    pub limits: Vec<Change>,
    /// Whether other proxies are trusted now.
    pub proxies: bool,
}

impl Changes {
    /// Returns whether nothing changed.
    ///
    /// See [`Changes`] for an example.
    pub fn is_empty(&self) -> bool {
        self.limits.is_empty() && !self.proxies
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, change) in self.limits.iter().enumerate() {
            let line = if i == 0 { "" } else { "\n" };
            write!(f, "{line}{change}")?;
        }
        match (self.proxies, self.limits.is_empty()) {
            (true, true) => f.write_str("proxies: other proxies are trusted"),
            (true, false) => f.write_str("\nproxies: other proxies are trusted"),
            (false, _) => Ok(()),
        }
    }
}

/// One limit of a bucket that a reload changed.
///
/// See [`Changes`] for an example.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Change {
    /// The place in the configuration, such as `limits.client.tiers.paid.requests`.
    pub place: String,
    /// The limit before.
    pub from: Limit,
    /// The limit now.
    pub to: Limit,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, from, to } = self;
        write!(f, "{place}: {from} became {to}")
    }
}
