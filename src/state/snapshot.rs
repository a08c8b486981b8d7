//! Owns the view of all streams at one instant. It never changes the bucket.

use core::fmt;
use core::time::Duration;

use crate::clock::time::Time;
#[cfg(feature = "keys")]
use crate::decision::granted::Granted;
use crate::decision::limits::Limits;
use crate::decision::refused;
use crate::decision::refused::{Never, NotYet, Refused};
use crate::limit::limit::Limit;
use crate::limit::ratio::Ratio;

/// All streams of a [`MultiBucket`](crate::MultiBucket) at one instant.
///
/// It is one version of the state, seen at one `now`. The bucket may change before the caller reads
/// the snapshot; the snapshot does not.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, MultiBucket};
///
/// let bucket = MultiBucket::with_clock(
///     [Limit::per_second(10), Limit::per_second(1000)],
///     ManualClock::new(),
/// )?;
/// bucket.try_take([1, 300])?;
/// let snapshot = bucket.snapshot();
/// bucket.try_take([1, 300])?;
/// assert_eq!(snapshot.available(), [9, 700]);
/// assert_eq!(snapshot.sequence(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct Snapshot<const N: usize> {
    pub(crate) limits: Limits<N>,
    /// The limits as they were configured.
    pub(crate) configured: [Limit; N],
    pub(crate) spent: [u64; N],
    pub(crate) elapsed: u64,
    /// Nanoseconds until a pause ends: see [`NotYet`].
    pub(crate) pause: u64,
    pub(crate) sequence: u64,
}

impl<const N: usize> Snapshot<N> {
    /// Returns the whole tokens available in each stream.
    ///
    /// It is 0 for a stream in debt, and for all streams during a
    /// [pause](crate::MultiBucket::pause_for).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock(
    ///     [Limit::per_second(10).empty(), Limit::per_second(5)],
    ///     ManualClock::new(),
    /// )?;
    /// assert_eq!(bucket.snapshot().available(), [0, 5]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn available(&self) -> [u64; N] {
        if self.pause > 0 { [0; N] } else { self.limits.available(&self.spent, self.elapsed) }
    }

    /// Checks whether the bucket would have granted a take of `amounts`, apart from those who wait.
    ///
    /// # Errors
    ///
    /// The [`Refused`] that the take would have returned if nobody waited in turn, and the bucket
    /// was not closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock(
    ///     [Limit::per_second(10), Limit::per_second(5)],
    ///     ManualClock::new(),
    /// )?;
    /// assert!(bucket.snapshot().check([10, 5]).is_ok());
    /// assert!(bucket.snapshot().check([10, 6]).is_err());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn check(&self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        match self.limits.take(&self.spent, self.elapsed, &amounts) {
            Some(_) if self.pause == 0 || amounts == [0; N] => Ok(()),
            _ => {
                self.limits.check(&amounts)?;
                Err(self.not_yet(&amounts).into())
            }
        }
    }

    /// Returns the wait until `amounts` are available, if no call takes tokens.
    ///
    /// The wait counts from the snapshot's instant. It is zero if they were available then, and
    /// `None` if nobody knows.
    ///
    /// # Errors
    ///
    /// Returns [`Never`] for an amount above a stream's capacity.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock(
    ///     [Limit::per_second(10).empty(), Limit::per_second(5)],
    ///     ManualClock::new(),
    /// )?;
    /// assert_eq!(bucket.snapshot().wait_for([2, 1])?, Some(Duration::from_millis(200)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(&self, amounts: [u64; N]) -> Result<Option<Duration>, Never> {
        self.limits.check(&amounts)?;
        Ok(self.not_yet(&amounts).wait())
    }

    /// What a take of nothing leaves, seen at this reading.
    #[cfg(feature = "keys")]
    pub(crate) fn granted(&self, now: Time) -> Granted<N> {
        Granted::new(&self.limits, &self.spent, now, self.pause)
    }

    /// Returns the refusal for amounts that no capacity excludes.
    fn not_yet(&self, amounts: &[u64; N]) -> NotYet<N> {
        // A request for no tokens does not wait for the end of a pause.
        let pause = if *amounts == [0; N] { 0 } else { self.pause };
        self.limits.not_yet(&self.spent, self.elapsed, amounts).behind(pause)
    }

    /// Returns the wait until a pause ends, from the snapshot's instant.
    ///
    /// It is zero without a pause, and `None` for one that lasts until it is resumed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.pause_for(Duration::from_secs(3));
    /// let snapshot = bucket.snapshot();
    /// bucket.resume();
    /// assert_eq!(snapshot.pause_left(), Some(Duration::from_secs(3)));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn pause_left(&self) -> Option<Duration> {
        refused::known(self.pause)
    }

    /// Returns the end of a pause that was in force, or over but followed by no change.
    pub(crate) fn pause_end(&self) -> Option<Time> {
        self.limits.is_paused().then_some(self.limits.origin)
    }

    /// Returns the limits in force at that instant, as configured.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// let snapshot = bucket.snapshot();
    /// bucket.set_limits([Limit::per_second(20)])?;
    /// assert_eq!(snapshot.limits(), [Limit::per_second(10)]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn limits(&self) -> [Limit; N] {
        self.configured
    }

    /// Returns the number of changes published since construction, modulo 2^52.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.try_take([1])?;
    /// let _ = bucket.try_take([10]).unwrap_err();
    /// assert_eq!(bucket.snapshot().sequence(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl Snapshot<1> {
    /// Returns the level of the leaky bucket: whole tokens, rounded up, debt included.
    pub(crate) fn level(&self) -> u64 {
        let ([stream], [spent]) = (self.limits.streams, self.spent);
        stream.taken_tokens(spent, self.elapsed)
    }

    /// Returns the level of the leaky bucket as a part of the capacity.
    pub(crate) fn fill(&self) -> Ratio {
        let ([stream], [spent]) = (self.limits.streams, self.spent);
        let (taken, capacity) = stream.taken(spent, self.elapsed);
        Ratio::rounded_up(taken, capacity)
    }
}

impl<const N: usize> fmt::Debug for Snapshot<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("available", &self.available()).field("sequence", &self.sequence).finish()
    }
}
