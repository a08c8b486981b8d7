//! Owns what a stream is limited to, and the errors for limits that cannot be kept; never holds
//! state.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use crate::decision::meter::Stream;
use crate::limit::notation::{self, ParseError, Rule};
use crate::limit::rate::Rate;

/// A rate, a capacity (the burst), and whether a bucket begins full or empty.
///
/// A limit is a plain description; it is checked where it enters a bucket, or by
/// [`check`](Self::check). Without a [`capacity`](Self::capacity) of its own it has that of one
/// period of the rate as written, and a bucket begins full.
///
/// The written form is the rate, then `capacity AMOUNT`, then `empty` or `full`; all but the rate
/// may be left out.
///
/// ```
/// use tollgate::{Limit, Rate};
///
/// let limit = Limit::per_second(1000).capacity(50).empty();
/// assert_eq!(limit, "1000/s capacity 50 empty".parse()?);
/// assert_eq!(Limit::per_second(1000).capacity, 1000);
/// assert_eq!("250/100ms".parse::<Limit>()?.capacity, 250);
/// # Ok::<(), tollgate::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Limit {
    /// How fast tokens accrue.
    pub rate: Rate,
    /// The most tokens that a bucket holds; at least 1.
    pub capacity: u64,
    /// Whether a bucket begins with all its tokens or with none.
    pub starts_full: bool,
}

impl Limit {
    /// A bucket that fills at `rate` up to `capacity` tokens, and begins full.
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    /// let limit = Limit::new(Rate::per_second(5), 10);
    /// assert_eq!((limit.capacity, limit.starts_full), (10, true));
    /// ```
    pub const fn new(rate: Rate, capacity: u64) -> Self {
        Self { rate, capacity, starts_full: true }
    }

    /// `tokens` every second, with a capacity of `tokens`.
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    /// assert_eq!(Limit::per_second(5), Limit::new(Rate::per_second(5), 5));
    /// ```
    pub const fn per_second(tokens: u64) -> Self {
        Self::new(Rate::per_second(tokens), tokens)
    }

    /// `tokens` every minute, with a capacity of `tokens`.
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    /// assert_eq!(Limit::per_minute(5), Limit::new(Rate::per_minute(5), 5));
    /// ```
    pub const fn per_minute(tokens: u64) -> Self {
        Self::new(Rate::per_minute(tokens), tokens)
    }

    /// `tokens` every hour, with a capacity of `tokens`.
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    /// assert_eq!(Limit::per_hour(5), Limit::new(Rate::per_hour(5), 5));
    /// ```
    pub const fn per_hour(tokens: u64) -> Self {
        Self::new(Rate::per_hour(tokens), tokens)
    }

    /// `tokens` every day of 24 hours, with a capacity of `tokens`.
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    /// assert_eq!(Limit::per_day(5), Limit::new(Rate::per_day(5), 5));
    /// ```
    pub const fn per_day(tokens: u64) -> Self {
        Self::new(Rate::per_day(tokens), tokens)
    }

    /// The same limit with this capacity, in tokens.
    ///
    /// ```
    /// use tollgate::Limit;
    /// assert_eq!(Limit::per_second(5).capacity(20).capacity, 20);
    /// ```
    #[must_use]
    pub const fn capacity(self, tokens: u64) -> Self {
        Self { capacity: tokens, ..self }
    }

    /// The same limit, for a bucket that begins without tokens.
    ///
    /// ```
    /// use tollgate::Limit;
    /// assert!(!Limit::per_second(5).empty().starts_full);
    /// ```
    #[must_use]
    pub const fn empty(self) -> Self {
        Self { starts_full: false, ..self }
    }

    /// The same limit, for a bucket that begins with all its tokens.
    ///
    /// ```
    /// use tollgate::Limit;
    /// assert!(Limit::per_second(5).empty().full().starts_full);
    /// ```
    #[must_use]
    pub const fn full(self) -> Self {
        Self { starts_full: true, ..self }
    }

    /// Whether a bucket can keep this limit; constructors ask the same.
    ///
    /// # Errors
    ///
    /// [`LimitError`], with the limit and the [`LimitRule`] that it breaks; its stream is 0.
    ///
    /// ```
    /// use tollgate::Limit;
    ///
    /// assert!(Limit::per_second(5).check().is_ok());
    /// let error = Limit::per_second(5).capacity(0).check().unwrap_err();
    /// assert_eq!(error.to_string(), "stream 0, limit 5/s capacity 0: a capacity is at least 1 token");
    /// ```
    pub const fn check(self) -> Result<(), LimitError> {
        match Stream::new(self) {
            Ok(_) => Ok(()),
            Err(rule) => Err(LimitError { stream: 0, limit: self, rule }),
        }
    }

    /// How exactly this limit is kept: the `e` of [the bound](crate#the-bound).
    ///
    /// Zero where the arithmetic is exact: the rate is a fraction `a/b` of tokens per nanosecond
    /// with `a` at most 9, as 1000/s, 7/s, 5/min, 1/3s and 125 MB/s are, and the capacity is worth
    /// less than 16 years. Otherwise 1 ns, or up to 1 µs where the capacity is worth more than 73
    /// years.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Limit;
    ///
    /// assert_eq!(Limit::per_second(1000).precision()?, Duration::ZERO);
    /// assert_eq!(Limit::per_second(1 << 20).precision()?, Duration::from_nanos(1));
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub const fn precision(self) -> Result<Duration, LimitError> {
        match Stream::new(self) {
            Ok(stream) => Ok(Duration::from_nanos(stream.precision())),
            Err(rule) => Err(LimitError { stream: 0, limit: self, rule }),
        }
    }

    /// How long a bucket may stand untouched: past it, it refuses until it is
    /// [reset](crate::TokenBucket::reset).
    ///
    /// Counted from the last call that changed the stream; a refusal changes nothing. There is no
    /// other limit of uptime. It is [`Duration::MAX`] for a rate of 0, and never less than 90 days:
    /// a limit for which it would be breaks a rule.
    ///
    /// | rate | idle limit |
    /// |---|---|
    /// | 1000/s, 1e6/s, 1/s | 292 years |
    /// | 7/s | 42 years |
    /// | 1 MiB/s | 136 years |
    /// | 12.5e9/s | 23 years |
    /// | 64 GiB/s | 4 years |
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    ///
    /// ```
    /// use tollgate::Limit;
    ///
    /// let year = 365 * 24 * 3600;
    /// assert_eq!(Limit::per_second(1000).idle_limit()?.as_secs() / year, 292);
    /// assert_eq!(Limit::per_second(1 << 20).idle_limit()?.as_secs() / year, 136);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub const fn idle_limit(self) -> Result<Duration, LimitError> {
        match Stream::new(self) {
            Ok(stream) => Ok(stream.idle_limit()),
            Err(rule) => Err(LimitError { stream: 0, limit: self, rule }),
        }
    }
}

/// The capacity is one period of the rate as written.
impl From<Rate> for Limit {
    fn from(rate: Rate) -> Self {
        Self::new(rate, rate.tokens())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} capacity ", self.rate)?;
        notation::write_amount(f, self.capacity, self.rate.scale())?;
        f.write_str(if self.starts_full { "" } else { " empty" })
    }
}

impl FromStr for Limit {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut words = text.split_whitespace().peekable();
        let mut limit = Self::from(words.next().unwrap_or("").parse::<Rate>()?);
        if words.next_if_eq(&"capacity").is_some() {
            let amount = words.next().ok_or_else(|| ParseError::new(text, Rule::LimitWords))?;
            limit.capacity = notation::parse_amount(amount).map_err(|rule| ParseError::new(text, rule))?;
        }
        limit.starts_full = match words.next() {
            None | Some("full") => true,
            Some("empty") => false,
            Some(_) => return Err(ParseError::new(text, Rule::LimitWords)),
        };
        if words.next().is_some() {
            return Err(ParseError::new(text, Rule::LimitWords));
        }
        Ok(limit)
    }
}

/// A limit that no bucket can keep: which, and the rule that it breaks.
///
/// ```
/// use tollgate::{Limit, LimitRule, MultiBucket};
///
/// let error = MultiBucket::new([Limit::per_second(5), Limit::per_second(5).capacity(0)]).unwrap_err();
/// assert_eq!((error.stream, error.rule), (1, LimitRule::ZeroCapacity));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitError {
    /// Which stream it was meant for; 0 where there is one.
    pub stream: usize,
    /// The limit as it was given.
    pub limit: Limit,
    /// The rule that it breaks.
    pub rule: LimitRule,
}

/// The rules for limits.
///
/// ```
/// use tollgate::{Limit, LimitRule};
///
/// let error = Limit::per_second(u64::MAX).capacity(1).check().unwrap_err();
/// assert_eq!(error.rule, LimitRule::RateTooFast);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LimitRule {
    /// The capacity is 0.
    ZeroCapacity,
    /// The rate is so fast that no capacity leaves an idle limit of 90 days: more than about
    /// 1.18e12 tokens a second.
    RateTooFast,
    /// The capacity is too large for the rate: 2^62 tokens or more, or worth so much time (146,000
    /// years) that it could not be kept to a microsecond, or, at the fastest rates, so large that
    /// it leaves no idle limit of 90 days.
    CapacityTooLarge {
        /// The largest capacity at this rate.
        most: u64,
    },
    /// A key owes more tokens than these limits can hold: its debt would be forgiven in part.
    DebtTooLarge {
        /// The largest debt that they can hold, in tokens.
        most: u64,
    },
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, limit, rule } = self;
        write!(f, "stream {stream}, limit {limit}: {rule}")
    }
}

impl fmt::Display for LimitRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroCapacity => f.write_str("a capacity is at least 1 token"),
            Self::RateTooFast => {
                f.write_str("a rate is at most about 1.18e12/s: a faster one has an idle limit under 90 days")
            }
            Self::CapacityTooLarge { most } => write!(f, "the largest capacity at this rate is {most}"),
            Self::DebtTooLarge { most } => write!(f, "a key owes more than the {most} tokens that it can hold"),
        }
    }
}

impl core::error::Error for LimitError {}

#[cfg(feature = "serde")]
mod configuration {
    //! A rate is its written form; a limit is a table with the rate, and where wanted the capacity
    //! and the start.

    use super::{Limit, Rate};
    use core::fmt;
    use serde::de::{Deserialize, Deserializer, Error, Visitor};
    use serde::ser::{Serialize, Serializer};

    impl Serialize for Rate {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for Rate {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Written;

            impl Visitor<'_> for Written {
                type Value = Rate;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a rate as text, such as \"1000/s\"")
                }

                fn visit_str<E: Error>(self, text: &str) -> Result<Rate, E> {
                    text.parse().map_err(E::custom)
                }
            }

            deserializer.deserialize_str(Written)
        }
    }

    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(rename = "Limit", deny_unknown_fields)]
    struct Table {
        rate: Rate,
        #[serde(default)]
        capacity: Option<u64>,
        #[serde(default = "yes")]
        starts_full: bool,
    }

    const fn yes() -> bool {
        true
    }

    impl Serialize for Limit {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Self { rate, capacity, starts_full } = *self;
            Table { rate, capacity: Some(capacity), starts_full }.serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Limit {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let Table { rate, capacity, starts_full } = Table::deserialize(deserializer)?;
            let limit = Self { rate, capacity: capacity.unwrap_or(rate.tokens()), starts_full };
            limit.check().map_err(D::Error::custom)?;
            Ok(limit)
        }
    }
}
