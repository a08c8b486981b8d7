//! Owns what a stream is limited to, and the error for a limit that no bucket can keep. It never
//! holds state.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::limit_rule::LimitRule;
use crate::decision::limits::Limits;
use crate::decision::meter::Meter;
use crate::decision::unit::Configured;
use crate::limit::notation::{self, ParseError, Rule};
use crate::limit::rate::Rate;

/// A rate, a capacity (the burst), and whether a bucket begins full or empty.
///
/// A limit is a plain description. A bucket checks it at construction; [`check`](Self::check)
/// checks it without a bucket. Unless set, the [`capacity`](Self::capacity) is what refills in the
/// period as written: 1000 for `1000/s`, 60 for `per_minute(60)`, 1 for `1/3s`. A bucket begins
/// full unless the limit is [`empty`](Self::empty).
///
/// As text, a limit is `AMOUNT/PERIOD [capacity AMOUNT] [empty|full]`. [`Rate`] has the forms of
/// amounts and periods.
///
/// ```
/// use tollgate::{Limit, Rate};
///
/// let limit = Limit::per_second(1000).capacity(50).empty();
/// assert_eq!(limit, "1000/s capacity 50 empty".parse()?);
/// assert_eq!(Limit::per_second(1000).capacity, 1000);
/// assert_eq!("250/100ms".parse::<Limit>()?.capacity, 250);
/// # Ok::<(), tollgate::limit::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Limit {
    /// How fast tokens accrue.
    pub rate: Rate,
    /// The most tokens that a bucket holds (the burst); at least 1.
    pub capacity: u64,
    /// Whether a bucket begins with all its tokens or with none.
    pub starts_full: bool,
}

impl Limit {
    /// Describes a bucket that refills at `rate` up to `capacity` tokens and begins full.
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    /// let limit = Limit::new(Rate::per_second(5), 10);
    /// assert_eq!((limit.capacity, limit.starts_full), (10, true));
    /// ```
    pub const fn new(rate: Rate, capacity: u64) -> Self {
        Self { rate, capacity, starts_full: true }
    }

    /// Refills `tokens` every second, with a capacity of `tokens`.
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    /// assert_eq!(Limit::per_second(5), Limit::new(Rate::per_second(5), 5));
    /// ```
    pub const fn per_second(tokens: u64) -> Self {
        Self::new(Rate::per_second(tokens), tokens)
    }

    /// Refills `tokens` every minute, with a capacity of `tokens`.
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    /// assert_eq!(Limit::per_minute(5), Limit::new(Rate::per_minute(5), 5));
    /// ```
    pub const fn per_minute(tokens: u64) -> Self {
        Self::new(Rate::per_minute(tokens), tokens)
    }

    /// Refills `tokens` every hour, with a capacity of `tokens`.
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    /// assert_eq!(Limit::per_hour(5), Limit::new(Rate::per_hour(5), 5));
    /// ```
    pub const fn per_hour(tokens: u64) -> Self {
        Self::new(Rate::per_hour(tokens), tokens)
    }

    /// Refills `tokens` every day of 24 hours, with a capacity of `tokens`.
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    /// assert_eq!(Limit::per_day(5), Limit::new(Rate::per_day(5), 5));
    /// ```
    pub const fn per_day(tokens: u64) -> Self {
        Self::new(Rate::per_day(tokens), tokens)
    }

    /// Sets the capacity (the burst), in tokens.
    ///
    /// ```
    /// use tollgate::Limit;
    /// assert_eq!(Limit::per_second(5).capacity(20).capacity, 20);
    /// ```
    #[must_use]
    pub const fn capacity(self, tokens: u64) -> Self {
        Self { capacity: tokens, ..self }
    }

    /// Lets a bucket begin without tokens.
    ///
    /// ```
    /// use tollgate::Limit;
    /// assert!(!Limit::per_second(5).empty().starts_full);
    /// ```
    #[must_use]
    pub const fn empty(self) -> Self {
        Self { starts_full: false, ..self }
    }

    /// Lets a bucket begin with all its tokens. This is the default.
    ///
    /// ```
    /// use tollgate::Limit;
    /// assert!(Limit::per_second(5).empty().full().starts_full);
    /// ```
    #[must_use]
    pub const fn full(self) -> Self {
        Self { starts_full: true, ..self }
    }

    /// Checks whether a bucket can keep this limit, as every constructor does.
    ///
    /// # Errors
    ///
    /// Returns a [`LimitError`] with the limit and the [`LimitRule`] that it breaks. Its stream is
    /// 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::Limit;
    ///
    /// assert!(Limit::per_second(5).check().is_ok());
    /// let error = Limit::per_second(5).capacity(0).check().unwrap_err();
    /// let text = "stream 0, limit 5/s capacity 0: a capacity is at least 1 token";
    /// assert_eq!(error.to_string(), text);
    /// ```
    pub const fn check(self) -> Result<(), LimitError> {
        match self.meter() {
            Ok(_) => Ok(()),
            Err(rule) => Err(LimitError { stream: 0, limit: self, rule }),
        }
    }

    /// Returns how exactly a bucket keeps this limit: the `e` of [the bound](crate#the-bound).
    ///
    /// The crate's `DESIGN.md` derives these figures under "Why are amounts not kept in tokens?".
    ///
    /// | rate, `a/b` tokens per nanosecond | capacity, as refill time | precision |
    /// |---|---|---|
    /// | `a` at most 9, such as 1000/s, 7/s, 5/min, 1/3s, 125 MB/s | less than 16 years | 0: exact |
    /// | any other | up to 73 years | 1 ns |
    /// | any other | more than 73 years | at most 1 µs |
    ///
    /// # Errors
    ///
    /// Returns the error of [`check`](Self::check).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Limit;
    ///
    /// assert_eq!(Limit::per_second(1000).precision()?, Duration::ZERO);
    /// assert_eq!(Limit::per_second(1 << 20).precision()?, Duration::from_nanos(1));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub const fn precision(self) -> Result<Duration, LimitError> {
        match self.meter() {
            Ok(stream) => Ok(Duration::from_nanos(stream.precision())),
            Err(rule) => Err(LimitError { stream: 0, limit: self, rule }),
        }
    }

    /// Returns how long a bucket may stay idle.
    ///
    /// After that time a full bucket takes itself for one in debt. It refuses for about as long
    /// again, or until it is [reset](crate::TokenBucket::reset), and its refusals say how long.
    ///
    /// The time counts from the last call that changed the stream; a refusal changes nothing.
    /// Uptime has no other limit. The idle limit is [`Duration::MAX`] for a rate of 0, and never
    /// less than 90 days: a limit that would leave less breaks a [`LimitRule`].
    ///
    /// A stale `now` can only be refused, up to that age; with a debt, up to 90 days at least. Its
    /// age counts back from the last call that changed the stream. An older `now` counts as one
    /// that lies ahead: it may be granted, and other callers then owe what it took. No clock that
    /// threads of one process share shows such a reading.
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
    /// Returns the error of [`check`](Self::check).
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::Limit;
    ///
    /// let year = 365 * 24 * 3600;
    /// assert_eq!(Limit::per_second(1000).idle_limit()?.as_secs() / year, 292);
    /// assert_eq!(Limit::per_second(1 << 20).idle_limit()?.as_secs() / year, 136);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub const fn idle_limit(self) -> Result<Duration, LimitError> {
        match self.meter() {
            Ok(stream) => Ok(stream.idle_limit()),
            Err(rule) => Err(LimitError { stream: 0, limit: self, rule }),
        }
    }
}

impl Limit {
    /// Returns the numbers of this limit, for decisions.
    pub(crate) const fn numbers(self) -> Configured {
        Configured { rate: self.rate.reduced(), capacity: self.capacity, starts_full: self.starts_full }
    }

    /// Makes this limit ready for decisions.
    pub(crate) const fn meter(self) -> Result<Meter, LimitRule> {
        Meter::new(self.numbers())
    }
}

/// Makes limits ready for decisions from `origin` on; or returns the first error.
pub(crate) fn limits_of<const N: usize>(limits: [Limit; N], origin: Time) -> Result<Limits<N>, LimitError> {
    for (stream, limit) in limits.into_iter().enumerate() {
        limit.check().map_err(|error| LimitError { stream, ..error })?;
    }
    Ok(Limits { origin, streams: limits.map(|limit| limit.meter().expect("checked above")) })
}

/// Takes as capacity the tokens of one period of the rate.
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

/// A limit that no bucket can keep, and the rule that it breaks.
///
/// ```
/// use tollgate::limit::LimitRule;
/// use tollgate::{Limit, MultiBucket};
///
/// let limits = [Limit::per_second(5), Limit::per_second(5).capacity(0)];
/// let error = MultiBucket::new(limits).unwrap_err();
/// assert_eq!((error.stream, error.rule), (1, LimitRule::ZeroCapacity));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitError {
    /// The stream that the limit was meant for; 0 if there is only one.
    pub stream: usize,
    /// The refused limit.
    pub limit: Limit,
    /// The rule that it breaks.
    pub rule: LimitRule,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, limit, rule } = self;
        write!(f, "stream {stream}, limit {limit}: {rule}")
    }
}

impl core::error::Error for LimitError {}

#[cfg(feature = "serde")]
mod configuration {
    //! Owns the serialized forms. A rate is text. A limit is a table with a rate; capacity and
    //! start are optional.

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
