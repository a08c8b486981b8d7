//! Owns the thread that writes the recent time. It never reads that: `RecentClock` does.

use core::fmt;
use core::time::Duration;
extern crate std;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use crate::clock::tsc::TscClock;
use crate::sync::Published;

/// What the upkeep read last, in nanoseconds from the origin that all clocks share; 0 before that.
pub(crate) static RECENT: Published = Published::new();

/// The upkeep that runs, if this can be upgraded. Who starts or stops one has the lock.
static RUNS: Mutex<Weak<Running>> = Mutex::new(Weak::new());

/// The thread runs for as long as this lives.
#[derive(Debug)]
struct Running;

/// The thread that keeps [`RecentClock`](crate::clock::RecentClock) going, until this is dropped.
///
/// A process has one at most. It reads the counter, stores it, sleeps for the interval, and begins
/// again.
///
/// Keep the value for as long as buckets use the time, or let the thread run
/// [`forever`](Self::forever). To drop it stops the thread at once. Then the time stands still,
/// which refuses callers and mints nothing.
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
    /// Both are there until the drop.
    running: Option<Arc<Running>>,
    thread: Option<JoinHandle<()>>,
}

impl Upkeep {
    /// Starts the thread, which writes the recent time every `interval`.
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
        let mut runs = runs();
        if runs.strong_count() > 0 {
            return Err(UpkeepError::AlreadyRuns);
        }
        let running = Arc::new(Running);
        let (clock, goes_on) = (TscClock::new(), Arc::downgrade(&running));
        *runs = Weak::clone(&goes_on);
        RECENT.set(clock.reading());
        let keep_up = move || {
            while goes_on.strong_count() > 0 {
                RECENT.set(clock.reading());
                thread::park_timeout(interval);
            }
        };
        let thread = thread::Builder::new().name("tollgate-upkeep".into()).spawn(keep_up);
        let thread = thread.map_err(|error| UpkeepError::NoThread(error.kind()))?;
        Ok(Self { running: Some(running), thread: Some(thread) })
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
        core::mem::forget(self);
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        // Until the thread has ended, no other one begins: its last reading is not an older one.
        let _runs = runs();
        drop(self.running.take());
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It does not panic.
            let _ = thread.join();
        }
    }
}

fn runs() -> MutexGuard<'static, Weak<Running>> {
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why [`Upkeep::start`] has started no thread.
///
/// ```
/// use tollgate::clock::UpkeepError;
/// assert_eq!(UpkeepError::AlreadyRuns.to_string(), "an upkeep thread runs in this process already");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpkeepError {
    /// The process has one.
    AlreadyRuns,
    /// The system started no thread.
    NoThread(ErrorKind),
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
