//! Owns what the limits of a gate said, each for itself and as a list. Never decides.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::gate::limited::{Cause, Found, Moment};
use crate::gate::refused::Reason;

/// What a limit said to a look, or to a take that lost a race.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look<T, R> {
    pub(crate) at: Moment,
    pub(crate) found: Found<T, R>,
    /// Whether the limit granted this call: what it then refuses is the next one.
    pub(crate) granted: bool,
}

impl<T, R> Look<T, R> {
    pub(crate) fn of(at: Moment, found: Found<T, R>) -> Self {
        Self { at, found, granted: false }
    }

    /// A look at a limit that had granted, and may have too little for another call.
    pub(crate) fn after(at: Moment, found: Found<T, R>) -> Self {
        Self { at, found, granted: true }
    }

    /// Why this call was refused.
    #[inline]
    pub(crate) fn refused(&self) -> Option<&R> {
        self.found.refused.as_ref().filter(|_| !self.granted)
    }
}

/// What a limit gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hold<T, H> {
    pub(crate) at: Moment,
    pub(crate) taken: T,
    pub(crate) left: T,
    pub(crate) held: H,
}

/// What one limit said, whatever its type.
pub trait Entry {
    fn left(&self) -> &[u64];
    fn is_refused(&self) -> bool;
    fn cause(&self) -> Option<&(dyn Error + 'static)>;
    fn reason(&self) -> Option<Reason>;
    fn wait(&self) -> Option<Duration>;
    fn wait_of(&self, stream: usize) -> Option<Duration>;
    fn stream(&self) -> Option<usize>;
    fn is_paused(&self) -> bool;
}

impl<T: AsRef<[u64]>, R: Cause> Entry for Look<T, R> {
    fn left(&self) -> &[u64] {
        self.found.left.as_ref()
    }

    #[inline]
    fn is_refused(&self) -> bool {
        self.refused().is_some()
    }

    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        self.refused().map(|refused| refused as &(dyn Error + 'static))
    }

    fn reason(&self) -> Option<Reason> {
        self.refused().map(Cause::reason)
    }

    fn wait(&self) -> Option<Duration> {
        self.found.refused.as_ref().map_or(Some(Duration::ZERO), Cause::known_wait)
    }

    fn wait_of(&self, stream: usize) -> Option<Duration> {
        self.found.refused.as_ref().map_or(Some(Duration::ZERO), |refused| refused.wait_of(stream))
    }

    fn stream(&self) -> Option<usize> {
        self.refused().map(Cause::stream)
    }

    fn is_paused(&self) -> bool {
        self.refused().is_some_and(Cause::is_paused)
    }
}

impl<T: AsRef<[u64]>, H> Entry for Hold<T, H> {
    fn left(&self) -> &[u64] {
        self.left.as_ref()
    }

    #[inline]
    fn is_refused(&self) -> bool {
        false
    }

    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        None
    }

    fn reason(&self) -> Option<Reason> {
        None
    }

    fn wait(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    fn wait_of(&self, _: usize) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    fn stream(&self) -> Option<usize> {
        None
    }

    fn is_paused(&self) -> bool {
        false
    }
}

/// What the limits of a gate said, narrow to wide.
pub trait Entries {
    fn count(&self) -> usize;
    fn get(&self, index: usize) -> Option<&dyn Entry>;

    /// Whether none refused.
    fn all_grant(&self) -> bool;
}

impl Entries for () {
    fn count(&self) -> usize {
        0
    }

    fn all_grant(&self) -> bool {
        true
    }

    fn get(&self, _: usize) -> Option<&dyn Entry> {
        None
    }
}

impl<L: Entries, E: Entry> Entries for (L, E) {
    fn count(&self) -> usize {
        self.0.count() + 1
    }

    #[inline]
    fn all_grant(&self) -> bool {
        !self.1.is_refused() && self.0.all_grant()
    }

    fn get(&self, index: usize) -> Option<&dyn Entry> {
        if index == self.0.count() { Some(&self.1) } else { self.0.get(index) }
    }
}

/// What one limit of a gate said: what it has left, and why it refused.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Gate, Limit, TokenBucket};
///
/// let clock = ManualClock::new();
/// let client = TokenBucket::with_clock(Limit::per_second(10), &clock)?;
/// let service = TokenBucket::with_clock(Limit::per_second(100), &clock)?;
/// let granted = Gate::new().and(&client, 1).and(&service, 3).try_take().expect("both are full");
/// let left: Vec<_> = granted.limits().map(|limit| limit.available()[0]).collect();
/// assert_eq!(left, [9, 97]);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy)]
pub struct LimitSeen<'a> {
    index: usize,
    entry: &'a dyn Entry,
}

impl<'a> LimitSeen<'a> {
    pub(crate) fn of(entries: &'a impl Entries, index: usize) -> Option<Self> {
        Some(Self { index, entry: entries.get(index)? })
    }

    pub(crate) fn all(entries: &'a impl Entries) -> impl Iterator<Item = Self> {
        (0..entries.count()).filter_map(move |index| Self::of(entries, index))
    }

    pub(crate) fn listed(entries: &'a impl Entries) -> impl fmt::Debug {
        Listed(entries)
    }

    /// Returns where the limit stands in the gate: 0 is the first that was added.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the whole tokens that each stream has left.
    ///
    /// After a grant it is what the take itself left, or what a look found right after a wait.
    /// After a refusal it is what was there.
    pub fn available(&self) -> &'a [u64] {
        self.entry.left()
    }

    /// Returns whether this limit refused.
    pub fn is_refused(&self) -> bool {
        self.entry.is_refused()
    }

    /// Returns why this limit refused; `None` if it did not.
    pub fn reason(&self) -> Option<Reason> {
        self.entry.reason()
    }

    /// Returns the stream that refused: the one with the longest wait. `None` if none did.
    pub fn stream(&self) -> Option<usize> {
        self.entry.stream()
    }

    /// Returns whether this limit refused in a pause: see [`NotYet`](crate::NotYet).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Gate, Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.pause_for(Duration::from_secs(1));
    /// let refused = Gate::new().and(&bucket, [1]).try_take().unwrap_err();
    /// assert!(refused.limit(0).expect("one").is_paused());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn is_paused(&self) -> bool {
        self.entry.is_paused()
    }

    /// Returns how long to wait for this limit before an equal call.
    ///
    /// It is zero if this limit did not refuse, unless an attempt that counts left it too little.
    /// It is `None` if no wait helps, or if nobody knows how long.
    pub fn wait(&self) -> Option<Duration> {
        self.entry.wait()
    }

    /// Returns how long to wait for one stream of this limit before an equal call.
    ///
    /// It is zero for a stream that has enough, and as [`wait`](Self::wait) for the others.
    ///
    /// # Panics
    ///
    /// If the limit has no such stream.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Gate, Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(100).empty()];
    /// let service = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// let refused = Gate::new().and(&service, [1, 50]).try_take().unwrap_err();
    /// let limit = refused.limit(0).expect("one");
    /// assert_eq!(limit.wait_of(0), Some(Duration::ZERO));
    /// assert_eq!(limit.wait_of(1), Some(Duration::from_millis(500)));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn wait_of(&self, stream: usize) -> Option<Duration> {
        let streams = self.available().len();
        assert!(stream < streams, "stream {stream} of a limit that has {streams}");
        self.entry.wait_of(stream)
    }

    /// Returns the limit's own refusal, to show it or to downcast it.
    ///
    /// It is a [`Refused`](crate::Refused) of as many streams as the limit has.
    /// For a key it is a `KeyRefused`.
    pub fn refused(&self) -> Option<&'a (dyn Error + 'static)> {
        self.entry.cause()
    }
}

impl fmt::Debug for LimitSeen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, entry } = self;
        let mut shown = f.debug_struct("LimitSeen");
        shown.field("index", index).field("available", &entry.left()).field("refused", &entry.cause()).finish()
    }
}

struct Listed<'a, S>(&'a S);

impl<S: Entries> fmt::Debug for Listed<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(LimitSeen::all(self.0)).finish()
    }
}

/// What a look through a gate found: all limits would grant, and what each has.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Gate, Limit, TokenBucket};
///
/// let clock = ManualClock::new();
/// let client = TokenBucket::with_clock(Limit::per_second(10), &clock)?;
/// let service = TokenBucket::with_clock(Limit::per_second(100), &clock)?;
/// let seen = Gate::new().and(&client, 1).and(&service, 3).peek().expect("both are full");
/// assert_eq!(seen.limit(1).expect("two").available(), [100]);
/// assert_eq!((client.available(), service.available()), (10, 100));
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GateSeen<S> {
    pub(crate) looks: S,
}

impl<S: Entries> GateSeen<S> {
    /// Returns all limits, narrow to wide.
    pub fn limits(&self) -> impl Iterator<Item = LimitSeen<'_>> {
        LimitSeen::all(&self.looks)
    }

    /// Returns one limit by its index: 0 is the first that was added.
    pub fn limit(&self, index: usize) -> Option<LimitSeen<'_>> {
        LimitSeen::of(&self.looks, index)
    }
}

impl<S: Entries> fmt::Debug for GateSeen<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateSeen").field("limits", &LimitSeen::listed(&self.looks)).finish()
    }
}
