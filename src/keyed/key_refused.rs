//! Owns why a call for a key took nothing; never changes state.

use core::fmt;
use core::time::Duration;

use crate::decision::refused::Refused;

/// Why a call for a key took nothing: its bucket refused, or there is no room for the key.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::keyed::KeyRefused;
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(2), 1, ManualClock::new())?;
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
    /// The key is new, and there are as many keys as there may be.
    NoRoom(NoRoom),
}

impl<const N: usize> KeyRefused<N> {
    /// How long until the same call could succeed, if nobody else takes; `None` if it never can, or
    /// if that is not known, as room for a key comes when other keys are idle.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(2), 1, ManualClock::new())?;
    /// clients.try_take(&7, 2)?;
    /// assert_eq!(clients.try_take(&7, 1).unwrap_err().wait(), Some(Duration::from_millis(500)));
    /// assert_eq!(clients.try_take(&8, 1).unwrap_err().wait(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Bucket(refused) => refused.wait(),
            Self::NoRoom(_) => None,
        }
    }
}

/// There are as many keys as there may be, and those whose turn it was are in use.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::keyed::KeyRefused;
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(2), 1, ManualClock::new())?;
/// clients.try_take(&7, 1)?;
/// let Err(KeyRefused::NoRoom(refusal)) = clients.try_take(&8, 1) else { panic!() };
/// assert_eq!(refusal.to_string(), "no room for another key: all 1 are in use");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoRoom {
    /// The most keys that there may be.
    pub max_keys: usize,
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
        write!(f, "no room for another key: all {} are in use", self.max_keys)
    }
}

impl<const N: usize> core::error::Error for KeyRefused<N> {}

impl core::error::Error for NoRoom {}
