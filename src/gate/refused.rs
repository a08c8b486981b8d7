//! Owns what a gate says when it refuses. Never decides.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::decision::refused::{self, Never};
use crate::gate::seen::{Entries, LimitSeen};

/// Why a limit of a gate refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// Tokens are short, or others wait for them. [`LimitSeen::wait`] says for how long.
    NotYet,
    /// The amount is above the capacity: no wait helps.
    Never(Never),
    /// The bucket was closed for good.
    Closed,
    /// The key is new, and there is no room for it.
    NoRoom,
    /// What holds the limit cannot be reached, and calls are refused meanwhile.
    Away,
}

/// Why a gate took nothing: each limit that refused, and the longest wait.
///
/// It is of the decision itself. `S` is the list of what each limit said. To return it from a
/// function, convert it, or use `impl Error`.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::{Gate, Limit, MultiBucket, Refused, TokenBucket};
///
/// let clock = ManualClock::new();
/// let client = TokenBucket::with_clock(Limit::per_second(10).empty(), &clock)?;
/// let limits = [Limit::per_second(100), Limit::per_second(1000).empty()];
/// let service = MultiBucket::with_clock(limits, &clock)?;
/// let gate = Gate::new().and(&client, 1).and(&service, [1, 500]);
/// let refused = gate.try_take().unwrap_err();
/// // Retry-After: the longest wait.
/// assert_eq!(refused.wait(), Some(Duration::from_millis(500)));
/// let by: Vec<_> = refused.violated().map(|limit| (limit.index(), limit.stream())).collect();
/// assert_eq!(by, [(0, Some(0)), (1, Some(1))]);
/// // What no wait helps is told apart.
/// let refused = Gate::new().and(&client, 11).and(&service, [1, 0]).try_take().unwrap_err();
/// assert_eq!(refused.wait(), None);
/// assert!(refused.is_never());
/// // A limit's own refusal.
/// let own = refused.limit(0).and_then(|limit| limit.refused()).expect("it refused");
/// assert!(matches!(own.downcast_ref::<Refused>(), Some(Refused::Never(_))));
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct GateRefused<S> {
    pub(crate) looks: S,
}

impl<S: Entries> GateRefused<S> {
    /// Returns the longest wait over all limits.
    ///
    /// An equal call then succeeds if nobody else takes. It is `None` if no wait helps, or if
    /// nobody knows how long: see [`LimitSeen::reason`].
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Gate, Limit, TokenBucket};
    ///
    /// let clock = ManualClock::new();
    /// let client = TokenBucket::with_clock(Limit::per_second(10).empty(), &clock)?;
    /// let service = TokenBucket::with_clock(Limit::per_second(5).empty(), &clock)?;
    /// let gate = Gate::new().and(&client, 1).and(&service, 1);
    /// let wait = gate.try_take().unwrap_err().wait().expect("both refill");
    /// assert_eq!(wait.as_millis(), 200);
    /// clock.advance(wait);
    /// assert!(gate.try_take().is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn wait(&self) -> Option<Duration> {
        self.limits().map(|limit| limit.wait()).try_fold(Duration::ZERO, |longest, wait| Some(longest.max(wait?)))
    }

    /// Returns the [wait](Self::wait) in whole seconds, rounded up, at least 1, for `Retry-After`.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Gate, Limit, TokenBucket};
    ///
    /// let clock = ManualClock::new();
    /// let client = TokenBucket::with_clock(Limit::per_second(10).empty(), &clock)?;
    /// let service = TokenBucket::with_clock(Limit::per_minute(40).empty(), &clock)?;
    /// let refused = |n| Gate::new().and(&client, 1).and(&service, n).try_take().unwrap_err();
    /// assert_eq!([1, 2, 41].map(|n| refused(n).retry_after_secs()), [Some(2), Some(3), None]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.wait().map(refused::whole_seconds)
    }

    /// Returns whether no wait helps: a limit is asked for more than it ever holds, as in
    /// [`Refused::Never`](crate::Refused::Never).
    ///
    /// ```
    /// use tollgate::{Gate, Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::new(Limit::per_hour(10))?;
    /// assert!(Gate::new().and(&bucket, 11).try_take().unwrap_err().is_never());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn is_never(&self) -> bool {
        self.violated().any(|limit| matches!(limit.reason(), Some(Reason::Never(_))))
    }

    /// Returns the limits that refused, narrow to wide.
    pub fn violated(&self) -> impl Iterator<Item = LimitSeen<'_>> {
        self.limits().filter(|limit| limit.is_refused())
    }

    /// Returns all limits, narrow to wide.
    ///
    /// Those that did not refuse say what they have: nothing was taken from them, except where an
    /// [attempt](crate::gate::Charge::OnAttempt) counts.
    pub fn limits(&self) -> impl Iterator<Item = LimitSeen<'_>> {
        LimitSeen::all(&self.looks)
    }

    /// Returns one limit by its index: 0 is the first that was added.
    pub fn limit(&self, index: usize) -> Option<LimitSeen<'_>> {
        LimitSeen::of(&self.looks, index)
    }
}

impl<S: Entries> fmt::Display for GateRefused<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, limit) in self.violated().enumerate() {
            let between = if i > 0 { "; " } else { "" };
            let Some(refused) = limit.refused() else { continue };
            write!(f, "{between}limit {}: {refused}", limit.index())?;
        }
        Ok(())
    }
}

impl<S: Entries> fmt::Debug for GateRefused<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateRefused").field("limits", &LimitSeen::listed(&self.looks)).finish()
    }
}

impl<S: Entries> Error for GateRefused<S> {}
