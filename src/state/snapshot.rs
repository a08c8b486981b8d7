//! Owns a picture of all streams at one instant; never changes the bucket it was taken of.

use core::fmt;
use core::time::Duration;

use crate::decision::limits::Limits;
use crate::decision::refused;
use crate::decision::refused::{Never, NotYet, Refused};
use crate::limit::limit::Limit;
use crate::limit::ratio::Ratio;

/// All streams of a [`MultiBucket`](crate::MultiBucket) at one instant: one version of the state,
/// at one `now`.
///
/// The bucket may have moved on by the time that it is looked at; the picture does not.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, MultiBucket};
///
/// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(1000)], ManualClock::new())?;
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
    /// The same as they were configured.
    pub(crate) configured: [Limit; N],
    pub(crate) spent: [u64; N],
    pub(crate) elapsed: u64,
    /// As in [`NotYet`].
    pub(crate) pause: u64,
    pub(crate) sequence: u64,
}

impl<const N: usize> Snapshot<N> {
    /// Whole tokens of each stream that could be taken; 0 for a stream in debt, and for all of them
    /// during a [pause](crate::MultiBucket::pause_for).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10).empty(), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.snapshot().available(), [0, 5]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn available(&self) -> [u64; N] {
        if self.pause > 0 { [0; N] } else { self.limits.available(&self.spent, self.elapsed) }
    }

    /// Whether a take of `amounts` would have been granted.
    ///
    /// # Errors
    ///
    /// [`Refused`], as the take would have been.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
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

    /// How long from then until `amounts` are there if nobody takes; zero if they were.
    ///
    /// # Errors
    ///
    /// [`Never`] for more than a stream can hold.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10).empty(), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.snapshot().wait_for([2, 1])?, Duration::from_millis(200));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(&self, amounts: [u64; N]) -> Result<Duration, Never> {
        self.limits.check(&amounts)?;
        Ok(self.not_yet(&amounts).wait())
    }

    /// What is missing; for amounts that the limits let pass.
    fn not_yet(&self, amounts: &[u64; N]) -> NotYet<N> {
        // What is for nothing waits for nothing.
        let pause = if *amounts == [0; N] { 0 } else { self.pause };
        self.limits.not_yet(&self.spent, self.elapsed, amounts).behind(pause)
    }

    /// How long from then until a pause ends; zero if there was none, and [`Duration::MAX`] if it
    /// lasts until it is ended.
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
    /// assert_eq!(snapshot.pause_left(), Duration::from_secs(3));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn pause_left(&self) -> Duration {
        refused::pause(self.pause)
    }

    /// The limits that were then in force.
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

    /// How many changes of state had been published since the bucket was built, modulo 2^52.
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
    /// What is in it, seen as a leaky bucket: whole, rounded up, with what is owed.
    pub(crate) fn level(&self) -> u64 {
        let ([stream], [spent]) = (self.limits.streams, self.spent);
        stream.taken_tokens(spent, self.elapsed)
    }

    /// The same as a part of the capacity.
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
