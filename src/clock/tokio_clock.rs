//! Owns the clock of tokio. It never sleeps: `TokioTimer` does.

use tokio::time::Instant;

use crate::clock::clock::Clock;
use crate::clock::time::Time;

/// Tokio's [`Instant`], counted from when this clock was made.
///
/// It stops, jumps and runs as tokio's time does. So a test under paused time waits in one sleep,
/// and virtual time ends at the instant of the grant. Outside paused time it is the standard
/// library's `Instant`, as [`InstantClock`](crate::clock::InstantClock) is.
///
/// Paused time belongs to one runtime. A thread outside that runtime reads the system's clock, and
/// its reading may then lie before or behind the runtime's.
///
/// Its origin is the instant of its construction. Copies keep that origin, so their readings can be
/// compared: give all buckets of a test a copy of one clock. Make it inside the runtime.
///
/// ```
/// use std::time::Duration;
/// use tokio::time::Instant;
/// use tollgate::clock::TokioClock;
/// use tollgate::{Limit, TokenBucket};
///
/// #[tokio::main(flavor = "current_thread", start_paused = true)]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let start = Instant::now();
///     let limit = Limit::per_minute(1).empty();
///     let bucket = TokenBucket::with_clock(limit, TokioClock::new())?;
///     bucket.take(1).await?; // no real time passes
///     assert_eq!(start.elapsed(), Duration::from_secs(60));
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    origin: Instant,
}

impl TokioClock {
    /// Makes a clock whose origin is now.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Clock;
    /// use tollgate::clock::{Time, TokioClock};
    /// assert!(TokioClock::new().now().since(Time::ZERO) < Duration::from_secs(60));
    /// ```
    pub fn new() -> Self {
        Self::starting_at(Instant::now())
    }

    /// Makes a clock whose origin is this instant. It shows [`Time::ZERO`] until then.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio::time::Instant;
    /// use tollgate::Clock;
    /// use tollgate::clock::{Time, TokioClock};
    ///
    /// let origin = Instant::now() + Duration::from_secs(3600);
    /// assert_eq!(TokioClock::starting_at(origin).now(), Time::ZERO);
    /// ```
    pub const fn starting_at(origin: Instant) -> Self {
        Self { origin }
    }

    /// Returns the instant that this clock counts from.
    ///
    /// ```
    /// use tokio::time::Instant;
    /// use tollgate::clock::TokioClock;
    ///
    /// let origin = Instant::now();
    /// assert_eq!(TokioClock::starting_at(origin).origin(), origin);
    /// ```
    pub const fn origin(&self) -> Instant {
        self.origin
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    #[inline]
    fn now(&self) -> Time {
        Time::ZERO.after(self.origin.elapsed())
    }
}
