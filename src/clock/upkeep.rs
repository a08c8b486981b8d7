//! Owns the thread that writes the recent time. It never reads that: `RecentClock` does.

use core::fmt;
use core::time::Duration;
extern crate std;
use std::io::ErrorKind;

/// The longest that an upkeep sleeps, and so the longest that its drop waits.
const LONGEST: Duration = Duration::from_secs(1);

/// The thread that keeps [`RecentClock`](crate::clock::RecentClock) going, until this is dropped.
///
/// A process has one at most. It reads the counter, stores it, sleeps for the interval, and begins
/// again. It is `quanta`'s, so what else uses `quanta` sees that time, too.
///
/// Keep the value for as long as buckets use the time, or let the thread run
/// [`forever`](Self::forever). To drop it stops the thread, and waits for it: for an interval at
/// most. Then the time stands still, which refuses callers and mints nothing.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::{Upkeep, UpkeepError};
///
/// let upkeep = Upkeep::start(Duration::from_millis(1))?;
/// assert_eq!(Upkeep::start(Duration::from_millis(1)).unwrap_err(), UpkeepError::AlreadyRuns);
/// drop(upkeep);
/// Upkeep::start(Duration::from_millis(1))?.forever();
/// # Ok::<(), UpkeepError>(())
/// ```
#[derive(Debug)]
#[must_use = "the thread stops when this is dropped"]
pub struct Upkeep {
    thread: quanta::Handle,
}

impl Upkeep {
    /// Starts the thread, which writes the recent time every `interval`, at least every second.
    ///
    /// The recent time is written before this returns. A shorter interval lags less and costs more:
    /// 1 ms is a thousand wakeups a second.
    ///
    /// # Errors
    ///
    /// [`UpkeepError::AlreadyRuns`] if the process has such a thread, and [`UpkeepError::NoThread`]
    /// if the system starts none.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Clock;
    /// use tollgate::clock::{RecentClock, Upkeep};
    ///
    /// let clock = RecentClock::new();
    /// let upkeep = Upkeep::start(Duration::from_micros(100))?;
    /// let first = clock.now();
    /// assert!(clock.now() >= first);
    /// drop(upkeep);
    /// let last = clock.now();
    /// assert_eq!(clock.now(), last); // it stands still
    /// # Ok::<(), tollgate::clock::UpkeepError>(())
    /// ```
    pub fn start(interval: Duration) -> Result<Self, UpkeepError> {
        let thread = quanta::Upkeep::new(interval.min(LONGEST)).start()?;
        Ok(Self { thread })
    }

    /// Lets the thread run until the process ends.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::Upkeep;
    ///
    /// Upkeep::start(Duration::from_millis(1))?.forever();
    /// assert!(Upkeep::start(Duration::from_millis(1)).is_err());
    /// # Ok::<(), tollgate::clock::UpkeepError>(())
    /// ```
    pub fn forever(self) {
        core::mem::forget(self.thread);
    }
}

/// Why [`Upkeep::start`] has started no thread.
///
/// ```
/// use tollgate::clock::UpkeepError;
/// assert_eq!(UpkeepError::AlreadyRuns.to_string(), "an upkeep thread runs in this process already");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpkeepError {
    /// The process has one; `quanta` allows no second.
    AlreadyRuns,
    /// The system started no thread.
    NoThread(ErrorKind),
}

impl From<quanta::Error> for UpkeepError {
    fn from(error: quanta::Error) -> Self {
        match error {
            quanta::Error::UpkeepRunning => Self::AlreadyRuns,
            quanta::Error::FailedToSpawnUpkeepThread(error) => Self::NoThread(error.kind()),
        }
    }
}

impl fmt::Display for UpkeepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRuns => f.write_str("an upkeep thread runs in this process already"),
            Self::NoThread(kind) => write!(f, "the upkeep thread did not start: {kind}"),
        }
    }
}

impl core::error::Error for UpkeepError {}
