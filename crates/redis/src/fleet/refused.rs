//! Owns why a fleet's limit refused. Never decides.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use tollgate::Never;
use tollgate::gate::Reason;
use tollgate::gate::steps::Cause;

/// Why a fleet's limit refused. A refused call changes nothing.
///
/// ```
/// use std::time::Duration;
/// use tollgate_redis::FleetRefused;
///
/// let refused = FleetRefused::NotYet { stream: 1, wait: Duration::from_millis(40) };
/// assert_eq!(refused.wait(), Some(Duration::from_millis(40)));
/// assert_eq!(refused.to_string(), "stream 1 is short of tokens for about 40ms");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FleetRefused {
    /// This process holds too few tokens, or others wait for them. More are on their way.
    NotYet {
        /// The stream that is short.
        stream: usize,
        /// About how long: what the engine promised, or the time of a round trip.
        wait: Duration,
    },
    /// More than the capacity was asked for: no wait helps.
    Never(Never),
    /// The engine cannot be reached, and the [choice](crate::Away) is to refuse.
    Away {
        /// The time until it is tried again.
        retry: Duration,
    },
    /// There is no room for another key in this process: see
    /// [`max_keys`](crate::Joining::max_keys).
    NoRoom {
        /// A key leaves that nobody has asked for so long.
        wait: Duration,
    },
    /// The limit was closed in this process.
    Closed,
}

impl FleetRefused {
    /// Returns about when an equal call may be granted; `None` if no wait helps.
    pub const fn wait(&self) -> Option<Duration> {
        match *self {
            Self::NotYet { wait, .. } | Self::Away { retry: wait } | Self::NoRoom { wait } => Some(wait),
            Self::Never(_) | Self::Closed => None,
        }
    }

    /// Returns the stream that refused; 0 if no stream is at fault.
    pub const fn stream(&self) -> usize {
        match *self {
            Self::NotYet { stream, .. } | Self::Never(Never { stream, .. }) => stream,
            Self::Away { .. } | Self::Closed | Self::NoRoom { .. } => 0,
        }
    }
}

impl fmt::Display for FleetRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet { stream, wait } => write!(f, "stream {stream} is short of tokens for about {wait:?}"),
            Self::Never(never) => never.fmt(f),
            Self::Away { retry } => write!(f, "the engine is away; it is tried again in {retry:?}"),
            Self::NoRoom { .. } => f.write_str("this process has no room for another key"),
            Self::Closed => f.write_str("the limit is closed in this process"),
        }
    }
}

impl Error for FleetRefused {}

impl Cause for FleetRefused {
    fn reason(&self) -> Reason {
        match *self {
            Self::NotYet { .. } => Reason::NotYet,
            Self::Never(never) => Reason::Never(never),
            Self::Away { .. } => Reason::Away,
            Self::NoRoom { .. } => Reason::NoRoom,
            Self::Closed => Reason::Closed,
        }
    }

    fn known_wait(&self) -> Option<Duration> {
        self.wait()
    }

    fn wait_of(&self, stream: usize) -> Option<Duration> {
        match *self {
            Self::NotYet { stream: short, .. } | Self::Never(Never { stream: short, .. }) if short != stream => {
                Some(Duration::ZERO)
            }
            _ => self.wait(),
        }
    }

    fn stream(&self) -> usize {
        self.stream()
    }

    fn is_paused(&self) -> bool {
        false
    }
}
