//! Owns why a call for a key took nothing; never changes state.

use core::fmt;
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::refused::{self, Refused};
use crate::keyed::shard::NEVER;

/// Why a call for a key took nothing: its bucket refused, or there is no room for the key.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::keyed::KeyRefused;
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients =
///     KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(2), 1, ManualClock::new())?;
/// clients.try_take(&7, 2)?;
/// assert!(matches!(clients.try_take(&7, 1), Err(KeyRefused::Bucket(_))));
/// assert!(matches!(clients.try_take(&8, 1), Err(KeyRefused::NoRoom(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum KeyRefused<const N: usize = 1> {
    /// The key's bucket does not have the tokens, or never will.
    Bucket(Refused<N>),
    /// The key is new, and there is no room for it.
    NoRoom(NoRoom),
}

impl<const N: usize> KeyRefused<N> {
    /// Returns how long to wait before the call can succeed, if nobody else takes. `None` if it
    /// never can, or nobody knows.
    ///
    /// For a key without room it is the [least wait](NoRoom::wait) that is known; others may take
    /// the room first.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients =
    ///     KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(2), 1, ManualClock::new())?;
    /// clients.try_take(&7, 2)?;
    /// assert_eq!(
    ///     clients.try_take(&7, 1).unwrap_err().wait(),
    ///     Some(Duration::from_millis(500))
    /// );
    /// assert!(clients.try_take(&7, 3).unwrap_err().wait().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Bucket(refused) => refused.wait(),
            Self::NoRoom(refusal) => refusal.wait(),
        }
    }

    /// Returns the [wait](Self::wait) in whole seconds, rounded up, at least 1: for `Retry-After`.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients =
    ///     KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_minute(40), 9, ManualClock::new())?;
    /// clients.try_take(&7, 40)?;
    /// assert_eq!(clients.try_take(&7, 1).unwrap_err().retry_after_secs(), Some(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.wait().map(refused::whole_seconds)
    }
}

/// There are as many keys as there may be, and no room was found in the key's shard or in up to
/// eight others.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::keyed::KeyRefused;
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients =
///     KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(2), 1, ManualClock::new())?;
/// clients.try_take(&7, 1)?;
/// let Err(KeyRefused::NoRoom(refusal)) = clients.try_take(&8, 1) else { panic!() };
/// assert_eq!(refusal.max_keys, 1);
/// // Key 7 is full again in half a second.
/// assert!(refusal.wait() >= Some(Duration::from_millis(500)));
/// assert!(refusal.wait() <= Some(Duration::from_micros(500_001)));
/// assert!(
///     refusal
///         .to_string()
///         .starts_with("no room in the key's shard or in up to eight others")
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoRoom {
    /// The most keys that there may be.
    pub max_keys: usize,
    wait: Option<Duration>,
}

/// How exactly the instants are known at which keys make room.
const BOUNDS: Duration = Duration::from_micros(1);

impl NoRoom {
    pub(crate) fn new(max_keys: usize, until: Option<u64>, now: Time) -> Self {
        let wait = match until {
            None => Some(Duration::ZERO),
            // The clock of the bounds ends twice as late, and they are rounded.
            Some(until) if until > NEVER / 2 => None,
            Some(until) => Some(Time::from_nanos(until).since(now) + BOUNDS),
        };
        Self { max_keys, wait }
    }

    /// Returns the time before which no key makes room by refilling, as far as it is known. It may
    /// be a microsecond too long.
    ///
    /// It is zero where a key in another shard may make room at once, and `None` if nobody knows:
    /// no key is ever full by itself.
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::keyed::KeyRefused;
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(2), 1, ManualClock::new())?;
    /// # clients.try_take(&7, 1)?;
    /// let Err(KeyRefused::NoRoom(refusal)) = clients.try_take(&8, 1) else { panic!() };
    /// clients.clock().advance(refusal.wait().unwrap());
    /// assert!(clients.try_take(&8, 1).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(&self) -> Option<Duration> {
        self.wait
    }
}

impl<const N: usize> From<Refused<N>> for KeyRefused<N> {
    fn from(refused: Refused<N>) -> Self {
        Self::Bucket(refused)
    }
}

impl<const N: usize> From<NoRoom> for KeyRefused<N> {
    fn from(refusal: NoRoom) -> Self {
        Self::NoRoom(refusal)
    }
}

impl<const N: usize> fmt::Display for KeyRefused<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(refused) => refused.fmt(f),
            Self::NoRoom(refusal) => refusal.fmt(f),
        }
    }
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_keys, wait } = self;
        write!(f, "no room in the key's shard or in up to eight others: there are {max_keys} keys")?;
        match wait {
            Some(Duration::ZERO) => Ok(()),
            Some(wait) => write!(f, ", and none makes room for {wait:?}"),
            None => f.write_str(", and none makes room by refilling"),
        }
    }
}

impl<const N: usize> core::error::Error for KeyRefused<N> {}

impl core::error::Error for NoRoom {}
