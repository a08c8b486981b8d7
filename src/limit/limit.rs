//! Owns what a stream is limited to. It never holds state.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::limit_rule::LimitRule;
use crate::decision::limits::Limits;
use crate::decision::meter::Meter;
use crate::decision::unit::Configured;
use crate::limit::limit_error::LimitError;
use crate::limit::notation::write_amount;
use crate::limit::parse_error::ParseError;
use crate::limit::rate::Rate;
use crate::limit::reader::Reader;

/// A rate, a capacity (the burst), and how many tokens a bucket begins with.
///
/// A limit is a plain description. A bucket checks it at construction; [`check`](Self::check)
/// checks it without a bucket. Unless set, the [`capacity`](Self::capacity) is what refills in one
/// period as written, rounded up: 1000 for `1000/s`, 60 for `per_minute(60)`, 17 for `16.6667/s`, 1
/// for `1/3s`. A rate of 0 therefore needs a capacity. A bucket begins full unless the limit is
/// [`empty`](Self::empty) or [`starting_with`](Self::starting_with) a level.
///
/// As text, a limit is `RATE [capacity AMOUNT] [START]`, or `unlimited`.
///
/// | part | form |
/// |---|---|
/// | `RATE` | an amount and a period: see [`Rate`] |
/// | `capacity` | or `burst`, which means the same |
/// | `AMOUNT` | as in a rate, a whole number of tokens: `50`, `4MiB`, `1_000 tokens` |
/// | `START` | `full`, `empty`, or `starting with AMOUNT` |
/// | `unlimited` | [`UNLIMITED`](Self::UNLIMITED) |
///
/// ```
/// use tollgate::{Limit, Rate};
///
/// let limit = Limit::per_second(1000).capacity(50).empty();
/// assert_eq!(limit, "1000/s capacity 50 empty".parse()?);
/// assert_eq!(limit, "1000 requests per second burst 50 empty".parse()?);
/// assert_eq!(Limit::per_second(1000).capacity, 1000);
/// assert_eq!("250/100ms".parse::<Limit>()?.capacity, 250);
/// assert_eq!("16.6667/s".parse::<Limit>()?.capacity, 17);
/// # Ok::<(), tollgate::limit::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Limit {
    /// How fast tokens accrue.
    pub rate: Rate,
    /// The most tokens that a bucket holds (the burst); at least 1.
    pub capacity: u64,
    /// The tokens that a bucket begins with, at most the capacity; `None`: full.
    pub starts_with: Option<u64>,
}

impl Limit {
    /// No limit: a stream that grants every amount.
    ///
    /// As text it is `unlimited`. It is the rate of `u64::MAX` tokens a nanosecond with a capacity
    /// of `u64::MAX`. It has no level: [`available`](crate::TokenBucket::available) is always
    /// `u64::MAX`, nothing is ever owed, and it does not matter how a bucket begins. One call takes
    /// at most `u64::MAX`. A stream whose limit changes to it owes nothing any more, and one whose
    /// limit changes from it is full, or as a [reset](crate::limit::Inherit::Reset) leaves it.
    ///
    /// ```
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::new([Limit::per_second(2), Limit::UNLIMITED])?;
    /// assert!(bucket.try_take([1, u64::MAX]).is_ok());
    /// assert!(bucket.try_take([1, u64::MAX]).is_ok());
    /// assert_eq!(bucket.available(), [0, u64::MAX]);
    /// assert_eq!("unlimited".parse::<Limit>()?, Limit::UNLIMITED);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const UNLIMITED: Self = Self::new(Rate::of_nanos(u64::MAX, 1), u64::MAX);

    /// Describes a bucket that refills at `rate` up to `capacity` tokens and begins full.
    ///
    /// ```
    /// use tollgate::{Limit, Rate};
    /// let limit = Limit::new(Rate::per_second(5), 10);
    /// assert_eq!((limit.capacity, limit.start()), (10, 10));
    /// ```
    pub const fn new(rate: Rate, capacity: u64) -> Self {
        Self { rate, capacity, starts_with: None }
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
    /// assert_eq!(Limit::per_second(5).empty().start(), 0);
    /// ```
    #[must_use]
    pub const fn empty(self) -> Self {
        self.starting_with(0)
    }

    /// Lets a bucket begin with all its tokens. This is the default.
    ///
    /// ```
    /// use tollgate::Limit;
    /// assert_eq!(Limit::per_second(5).empty().full().start(), 5);
    /// ```
    #[must_use]
    pub const fn full(self) -> Self {
        Self { starts_with: None, ..self }
    }

    /// Lets a bucket begin with so many tokens.
    ///
    /// More than the capacity breaks [`LimitRule::StartsAboveCapacity`].
    ///
    /// ```
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let limit = Limit::per_second(10).starting_with(3);
    /// assert_eq!(limit.to_string(), "10/s capacity 10 starting with 3");
    /// assert_eq!(TokenBucket::new(limit.capacity(100))?.try_take(4).is_ok(), false);
    /// let error = TokenBucket::new(limit.starting_with(11)).unwrap_err();
    /// let rule = "a bucket starts with at most its capacity";
    /// assert!(error.to_string().ends_with(rule));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[must_use]
    pub const fn starting_with(self, tokens: u64) -> Self {
        Self { starts_with: Some(tokens), ..self }
    }

    /// Returns the tokens that a bucket begins with.
    ///
    /// ```
    /// use tollgate::Limit;
    /// let limit = Limit::per_second(5).capacity(20);
    /// assert_eq!([limit.start(), limit.starting_with(7).start()], [20, 7]);
    /// ```
    pub const fn start(self) -> u64 {
        match self.starts_with {
            Some(tokens) => tokens,
            None => self.capacity,
        }
    }

    /// Returns whether this is [`UNLIMITED`](Self::UNLIMITED), however it starts.
    ///
    /// ```
    /// use tollgate::Limit;
    /// assert!(Limit::UNLIMITED.is_unlimited() && !Limit::per_second(5).is_unlimited());
    /// ```
    pub const fn is_unlimited(self) -> bool {
        let (tokens, period) = self.rate.reduced();
        self.capacity == u64::MAX && tokens == u64::MAX && period == 1
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
        Configured { rate: self.rate.reduced(), capacity: self.capacity }
    }

    /// Makes this limit ready for decisions.
    pub(crate) const fn meter(self) -> Result<Meter, LimitRule> {
        if self.is_unlimited() {
            return Ok(Meter::UNLIMITED);
        }
        match self.starts_with {
            Some(tokens) if tokens > self.capacity && self.capacity > 0 => Err(LimitRule::StartsAboveCapacity),
            _ => Meter::new(self.numbers()),
        }
    }
}

/// Makes limits ready for decisions from `origin` on; or returns the first error.
pub(crate) fn limits_of<const N: usize>(limits: [Limit; N], origin: Time) -> Result<Limits<N>, LimitError> {
    for (stream, limit) in limits.into_iter().enumerate() {
        limit.check().map_err(|error| LimitError { stream, ..error })?;
    }
    Ok(Limits { origin, streams: limits.map(|limit| limit.meter().expect("checked above")) })
}

/// The tokens of each stream that a bucket begins with.
pub(crate) const fn starts_of<const N: usize>(limits: &[Limit; N]) -> [u64; N] {
    let (mut starts, mut i) = ([0; N], 0);
    while i < N {
        starts[i] = limits[i].start();
        i += 1;
    }
    starts
}

/// Takes as capacity the tokens of one written period of the rate, rounded up.
impl From<Rate> for Limit {
    fn from(rate: Rate) -> Self {
        Self::new(rate, rate.burst())
    }
}

/// Takes the limit out of an array of one, for code that is generic over the number of streams.
impl From<[Self; 1]> for Limit {
    fn from([limit]: [Self; 1]) -> Self {
        limit
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = self.rate.scale();
        if self.is_unlimited() {
            f.write_str("unlimited")?;
        } else {
            write!(f, "{} capacity ", self.rate)?;
            write_amount(f, self.capacity, 1, scale)?;
        }
        match self.starts_with {
            None => Ok(()),
            Some(0) => f.write_str(" empty"),
            Some(tokens) => {
                f.write_str(" starting with ")?;
                write_amount(f, tokens, 1, scale)
            }
        }
    }
}

impl FromStr for Limit {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Reader::limit_of(text)
    }
}
