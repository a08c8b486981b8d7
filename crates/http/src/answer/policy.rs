//! Owns a limit under its advertised name. Never what is left of it.

use std::borrow::Cow;
use std::fmt;

use tollgate::Limit;
use tollgate::limit::LimitError;

use crate::answer::name::{Name, NameError};
use crate::answer::terms::Terms;
use crate::answer::unit::Unit;

/// One stream of one limit, as responses advertise it.
///
/// A policy says a token bucket in the terms of a quota in a window. A client that sends at most
/// [`quota`](Self::quota) in any [`window`](Self::window) is never above the rate. Where the quota
/// is at most the capacity, it is never refused.
///
/// | limit | field |
/// |---|---|
/// | 10/s, capacity 100 | `"x";q=100;w=10` |
/// | 5/min, capacity 20 | `"x";q=20;w=240` |
/// | 1/3s, capacity 1 | `"x";q=1;w=3` |
/// | 1000/s, capacity 50 | `"x";q=1000;w=1;tollgate-burst=50` |
/// | 0/s, capacity 5 | `"x";q=5` |
/// | [unlimited](Limit::UNLIMITED) | none |
///
/// Names tell policies apart. Each policy of a response needs a name of its own.
///
/// ```
/// use tollgate::Limit;
/// use tollgate_http::{Policy, Unit};
///
/// let policy = Policy::new("upload", Limit::per_second(1000).capacity(50))?;
/// let policy = policy.unit(Unit::ContentBytes);
/// let field = r#""upload";q=1000;qu="content-bytes";w=1;tollgate-burst=50"#;
/// assert_eq!(policy.to_string(), field);
/// # Ok::<(), tollgate_http::PolicyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    name: Name,
    limit: Limit,
    unit: Unit,
    /// `None` for no limit.
    terms: Option<Terms>,
    /// The name as a structured field has it.
    quoted: String,
    /// The item of `RateLimit-Policy`; empty if there is no limit.
    item: String,
}

impl Policy {
    /// Names a limit that counts requests.
    ///
    /// # Errors
    ///
    /// Returns [`PolicyError::Name`] for a name that no header field can carry. Returns
    /// [`PolicyError::Limit`] for a limit that no bucket can keep.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::Limit;
    /// use tollgate_http::{Policy, PolicyError};
    ///
    /// let policy = Policy::new("client", Limit::per_minute(100))?;
    /// assert_eq!(policy.to_string(), r#""client";q=100;w=60"#);
    /// let error = Policy::new("", Limit::per_second(5)).unwrap_err();
    /// assert!(matches!(error, PolicyError::Name(_)));
    /// # Ok::<(), PolicyError>(())
    /// ```
    pub fn new(name: impl Into<Cow<'static, str>>, limit: Limit) -> Result<Self, PolicyError> {
        let name = Name::new(name).map_err(PolicyError::Name)?;
        limit.check().map_err(PolicyError::Limit)?;
        Ok(Self::checked(name, limit, Unit::Requests))
    }

    /// Describes the limit of a bucket, under a name that was checked before.
    ///
    /// # Panics
    ///
    /// For a limit that no bucket can keep.
    ///
    /// ```
    /// use tollgate::{Limit, TokenBucket};
    /// use tollgate_http::{Name, Policy};
    ///
    /// let (name, bucket) = (Name::new("client")?, TokenBucket::new(Limit::per_second(10))?);
    /// assert_eq!(Policy::of(name, bucket.limit()).to_string(), r#""client";q=10;w=1"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of(name: Name, limit: Limit) -> Self {
        if let Err(error) = limit.check() {
            panic!("{error}");
        }
        Self::checked(name, limit, Unit::Requests)
    }

    /// Sets what the policy counts.
    ///
    /// ```
    /// use tollgate::Limit;
    /// use tollgate_http::{Policy, Unit};
    ///
    /// let policy = Policy::new("upload", Limit::per_second(1000))?.unit(Unit::ContentBytes);
    /// assert_eq!(policy.counts(), &Unit::ContentBytes);
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    #[must_use]
    pub fn unit(self, unit: Unit) -> Self {
        Self::checked(self.name, self.limit, unit)
    }

    /// Returns the name.
    ///
    /// ```
    /// let policy = tollgate_http::Policy::new("client", tollgate::Limit::per_second(5))?;
    /// assert_eq!(policy.name(), "client");
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Returns the limit.
    ///
    /// ```
    /// use tollgate::Limit;
    ///
    /// let policy = tollgate_http::Policy::new("client", Limit::per_second(5))?;
    /// assert_eq!(policy.limit(), Limit::per_second(5));
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Returns what the policy counts.
    ///
    /// ```
    /// use tollgate_http::{Policy, Unit};
    ///
    /// let policy = Policy::new("client", tollgate::Limit::per_second(5))?;
    /// assert_eq!(policy.counts(), &Unit::Requests);
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn counts(&self) -> &Unit {
        &self.unit
    }

    /// Returns the quota `q` of one window, in tokens; `None` if there is no limit.
    ///
    /// It is at most 999,999,999,999,999, as all integers of structured fields.
    ///
    /// ```
    /// use tollgate::Limit;
    /// use tollgate_http::Policy;
    ///
    /// let limit = Limit::per_minute(40).capacity(1);
    /// let policy = Policy::new("client", limit)?;
    /// assert_eq!((policy.quota(), policy.window()), (Some(1), Some(2)));
    /// assert_eq!(Policy::new("open", Limit::UNLIMITED)?.quota(), None);
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn quota(&self) -> Option<u64> {
        self.terms.map(|terms| terms.quota)
    }

    /// Returns the window `w`, in seconds; `None` if there is no limit, or its rate is 0.
    ///
    /// ```
    /// use tollgate::Limit;
    /// use tollgate_http::Policy;
    ///
    /// assert_eq!(Policy::new("client", Limit::per_hour(5))?.window(), Some(3600));
    /// let limit = Limit::per_hour(0).capacity(5);
    /// assert_eq!(Policy::new("trial", limit)?.window(), None);
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn window(&self) -> Option<u64> {
        self.terms.and_then(|terms| terms.window)
    }

    /// Returns the capacity, in tokens, if it is not the [`quota`](Self::quota).
    ///
    /// ```
    /// use tollgate::Limit;
    /// use tollgate_http::Policy;
    ///
    /// assert_eq!(Policy::new("client", Limit::per_second(1000))?.burst(), None);
    /// let limit = Limit::per_second(1000).capacity(50);
    /// assert_eq!(Policy::new("client", limit)?.burst(), Some(50));
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn burst(&self) -> Option<u64> {
        self.terms.and_then(|terms| terms.burst())
    }

    pub(crate) fn terms(&self) -> Option<&Terms> {
        self.terms.as_ref()
    }

    /// The name in quotes, as structured fields and JSON have it.
    pub(crate) fn quoted_name(&self) -> &str {
        &self.quoted
    }

    /// Describes a limit that a bucket can keep.
    fn checked(name: Name, limit: Limit, unit: Unit) -> Self {
        let terms = Terms::of(limit);
        let mut quoted = String::new();
        name.quote_into(&mut quoted);
        let mut item = String::new();
        if let Some(terms) = &terms {
            item.push_str(&quoted);
            parameter_into(&mut item, "q", terms.quota);
            unit.write_into(&mut item);
            if let Some(window) = terms.window {
                parameter_into(&mut item, "w", window);
            }
            if let Some(burst) = terms.burst() {
                parameter_into(&mut item, "tollgate-burst", burst);
            }
        }
        Self { name, limit, unit, terms, quoted, item }
    }

    /// Adds the item of `RateLimit-Policy`; nothing if there is no limit.
    pub(crate) fn write_into(&self, text: &mut String) {
        if !(text.is_empty() || self.item.is_empty()) {
            text.push_str(", ");
        }
        text.push_str(&self.item);
    }
}

/// Adds a parameter that is an integer.
pub(crate) fn parameter_into(text: &mut String, name: &str, value: u64) {
    text.push(';');
    text.push_str(name);
    text.push('=');
    let mut digits = [0; 20];
    let mut from = digits.len();
    let mut rest = value;
    loop {
        from -= 1;
        digits[from] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text.push_str(std::str::from_utf8(&digits[from..]).expect("digits are ASCII"));
}

/// Writes the item of `RateLimit-Policy`; nothing if there is no limit.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.item)
    }
}

/// Why a policy cannot be advertised.
///
/// ```
/// use tollgate::Limit;
/// use tollgate_http::{Policy, PolicyError};
///
/// let error = Policy::new("client", Limit::per_second(5).capacity(0)).unwrap_err();
/// assert!(matches!(error, PolicyError::Limit(_)));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PolicyError {
    /// No header field can carry the name.
    Name(NameError),
    /// No bucket can keep the limit.
    Limit(LimitError),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => write!(f, "policy {error}"),
            Self::Limit(error) => write!(f, "policy of {error}"),
        }
    }
}

impl std::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Name(error) => error,
            Self::Limit(error) => error,
        })
    }
}
