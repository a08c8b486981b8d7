//! Owns what is saved of a whole bucket: its levels, its limits, a pause, and when that was. It
//! never changes a bucket.

use core::time::Duration;

use crate::clock::time::Time;
use crate::clock::wall_time::WallTime;
use crate::decision::limits::Limits;
use crate::decision::refused;
use crate::decision::saving::Level;
use crate::decision::succession::Levels;
use crate::limit::limit::{Limit, limits_of};
use crate::limit::limit_error::LimitError;
use crate::state::saved::Saved;
use crate::state::snapshot::Snapshot;

/// What a bucket of `N` streams had at an instant of the wall clock, in a form that outlives the
/// process.
///
/// `save` makes one of a [`TokenBucket`](crate::TokenBucket), a
/// [`MultiBucket`](crate::MultiBucket) or a [`LeakyBucket`](crate::LeakyBucket), and `restore` puts
/// a new bucket into that state, as it is after the time that passed. With the feature `serde` it
/// can be written to a file.
///
/// # What is saved
///
/// * **The level** of each stream, with its fraction: see [`Saved`].
/// * **Debts**, whole. What reservations took ahead of time is part of the level, and so is what
///   estimates and leases took. None of it comes back, as their holders are gone.
/// * **A pause**, and its end.
/// * **The limits**, as they were given.
/// * **The instant**, by the wall clock.
///
/// Those who wait in turn are not saved: they took nothing. Nor is it saved whether the bucket was
/// closed.
///
/// # What time does
///
/// The time that passed on the wall clock counts as refill, at the saved limits and up to the saved
/// capacities, less what was left of a pause. If the wall clock went backwards, no time passed.
/// After that the limits of the new bucket hold, and it inherits the level by the rule of
/// [`Inherit::Keep`](crate::limit::Inherit::Keep): tokens up to the new capacity, and every debt.
/// For another rule, build the bucket with the saved limits, restore it, and change them by
/// [`set_limits_with`](crate::MultiBucket::set_limits_with).
///
/// # Guarantees
///
/// * **Nothing is gained.** A restored bucket has no more than one that never stopped, however
///   often it is restored. That needs a wall clock that is right: one that is ahead at the restart
///   counts time that has not passed.
/// * **Little is lost.** At an [exact](Limit::precision) rate that stays, nothing. Otherwise less
///   than refills in two nanoseconds at each restart, or in four times the precision if that is
///   more; and by a change of limits what that rounds off.
///
/// ```
/// use tollgate::clock::{ManualClock, Time, WallTime};
/// use tollgate::{Limit, TokenBucket};
///
/// let noon = WallTime::from_unix_nanos(1_800_000_000_000_000_000);
/// let old = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
/// old.charge(13)?;
/// let saved = old.at(Time::ZERO).save(noon);
///
/// // Another process is up 400 ms later.
/// let new = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
/// new.at(Time::ZERO).restore(&saved, WallTime::from_unix_nanos(noon.as_unix_nanos() + 400_000_000))?;
/// assert_eq!(new.available(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct SavedBucket<const N: usize = 1> {
    saved_at: WallTime,
    #[cfg_attr(feature = "serde", serde(with = "crate::state::array"))]
    limits: [Limit; N],
    levels: Saved<N>,
    pause: Pause,
}

/// What was left of a pause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
enum Pause {
    None,
    Nanos(u64),
    UntilResumed,
}

impl<const N: usize> SavedBucket<N> {
    /// Saves what a snapshot shows, which was taken at this instant of the wall clock.
    ///
    /// Read the wall clock after the snapshot is taken: then time that passes in between is lost,
    /// and none is counted twice.
    ///
    /// ```
    /// use tollgate::bucket::SavedBucket;
    /// use tollgate::clock::WallTime;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_minute(50)];
    /// let snapshot = MultiBucket::new(limits)?.snapshot();
    /// let saved = SavedBucket::of(&snapshot, WallTime::from_unix_nanos(7));
    /// assert_eq!((saved.limits(), saved.saved_at().as_unix_nanos()), (limits, 7));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn of(snapshot: &Snapshot<N>, wall: impl Into<WallTime>) -> Self {
        let pause = match snapshot.pause {
            0 => Pause::None,
            u64::MAX => Pause::UntilResumed,
            left => Pause::Nanos(left),
        };
        Self { saved_at: wall.into(), limits: snapshot.limits(), levels: Saved::of(snapshot), pause }
    }

    /// Returns the limits of the bucket that was saved.
    pub fn limits(&self) -> [Limit; N] {
        self.limits
    }

    /// Returns the instant at which it was saved.
    pub fn saved_at(&self) -> WallTime {
        self.saved_at
    }

    /// Returns what it had then.
    pub fn levels(&self) -> Saved<N> {
        self.levels
    }

    /// Returns what was left of a pause then: zero without one, `None` until it is resumed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time, WallTime};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.pause_for(Duration::from_secs(3));
    /// let saved = bucket.at(Time::from_nanos(1_000_000_000)).save(WallTime::from_unix_nanos(0));
    /// assert_eq!(saved.pause_left(), Some(Duration::from_secs(2)));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn pause_left(&self) -> Option<Duration> {
        refused::known(self.pause_nanos())
    }

    fn pause_nanos(&self) -> u64 {
        match self.pause {
            Pause::None => 0,
            Pause::Nanos(left) => left,
            Pause::UntilResumed => u64::MAX,
        }
    }

    /// What comes of it by this instant of the wall clock.
    pub(crate) fn aged(&self, wall: WallTime) -> Result<Aged<N>, LimitError> {
        let limits = limits_of(self.limits, Time::ZERO)?;
        // Below 2^64: both readings are.
        let away = wall.since(self.saved_at).as_nanos() as u64;
        let (passed, pause) = match self.pause_nanos() {
            u64::MAX => (0, u64::MAX),
            pause => (away.saturating_sub(pause), pause.saturating_sub(away)),
        };
        Ok(Aged { limits, levels: self.levels.levels, passed, pause })
    }
}

/// A saved bucket a while later.
pub(crate) struct Aged<const N: usize> {
    limits: Limits<N>,
    levels: [Level; N],
    /// For how long it refilled, in nanoseconds.
    passed: u64,
    /// What is left of its pause, in nanoseconds; `u64::MAX` if nobody knows its end.
    pub(crate) pause: u64,
}

impl<const N: usize> Aged<N> {
    /// What it has under other limits, in units of those, if they can keep debts of so many units.
    pub(crate) fn levels(&self, under: &Limits<N>, most: u64) -> Levels<N> {
        core::array::from_fn(|i| under.streams[i].after(&self.limits.streams[i], self.levels[i], self.passed, most))
    }
}
