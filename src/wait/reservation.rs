//! Owns a place in the queue: tokens that are taken before they are there, and the instant at which
//! they will be.

use core::cell::Cell;
use core::fmt;
use core::mem;
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::due::Due;
#[cfg(feature = "keys")]
use crate::decision::granted::Granted;
use crate::decision::limits::Limits;
use crate::decision::refill;
use crate::decision::refused::Refused;
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::state::store::Waitable;
use crate::wait::estimate::Estimate;
use crate::wait::holder::Holder;
#[cfg(feature = "std")]
use crate::wait::holder::LineHolder;
#[cfg(feature = "std")]
use crate::wait::line::place::Place;
#[cfg(not(feature = "std"))]
use crate::wait::unqueued::Place;

/// Tokens that were taken ahead of time, and the instant from which they may be used.
///
/// Reserve, sleep until [`ready_at`](Self::ready_at), or [wait](Self::wait_on), act, and drop it.
/// **Dropped before its instant, it is cancelled**, and gives its tokens back. Dropped later, or
/// after a wait that ended, it counts as used; [`cancel_on_drop`](Self::cancel_on_drop) changes the
/// first. [`cancel`](Self::cancel) gives the tokens back at any time, and [`commit`](Self::commit)
/// keeps them. Held beyond the
/// [idle limit](crate::Limit::idle_limit), never less than 90 days, it may give nothing back.
///
/// Of a bucket in an `Arc`, `reserve_owned` gives a `Reservation<'static>`, which borrows nothing.
///
/// Where nobody waits, the bucket goes into debt, and the instant is known at once. **The order of
/// reservations is the order of service**: nobody overtakes, neither by
/// [`try_take`](crate::TokenBucket::try_take) nor by a smaller amount, unless tokens come back.
/// Behind those who wait, the instant is an estimate until it is first. Then it is a debt, too.
///
/// # Guarantees
///
/// * The instant of a debt never becomes later, whatever others take, reserve or cancel. It does
///   not become earlier either: tokens that come back go to the line, or to the next caller. Only a
///   [change of the limits](crate::MultiBucket::set_limits) moves it: what was not there yet
///   accrues at the new rate.
/// * It is exact: at that instant the tokens are there, and a nanosecond before they are not.
/// * At the decisions [the bound](crate#the-bound) holds with debts counted: what is taken and
///   reserved in a window of length `w` is no more than `C + r * (w + e) + P + D`, where `P` is
///   what was cancelled or put back, and `D` what is owed at its end.
/// * At the instants of use the plain bound holds, for one stream and amounts up to the capacity:
///   each counted at its `ready_at`, no more than `C + r * (w + e) + P` is used in a window, with
///   an `e` of no less than a nanosecond, to which `ready_at` is rounded up.
/// * Of several streams, each is debited when the reservation is made, and the last that is ready
///   sets the instant. So what is used of a stream in a window is no more than
///   `C + r * (w + e) + P + H`, where `H` is what was reserved on it, when the window began, by
///   those whom another stream still kept waiting.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::{Limit, TokenBucket};
///
/// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
/// bucket.try_take(10)?;
/// let first = bucket.reserve(5)?;
/// let second = bucket.reserve(1)?;
/// assert_eq!(first.ready_at(), Some(Time::ZERO.after(Duration::from_millis(500))));
/// assert_eq!(second.ready_at(), Some(Time::ZERO.after(Duration::from_millis(600))));
/// drop(first); // cancelled: the second stays where it is
/// assert_eq!(second.ready_at(), Some(Time::ZERO.after(Duration::from_millis(600))));
/// assert_eq!(bucket.wait_for(5)?, Some(Duration::from_millis(600)));
/// second.commit();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a reservation that is dropped before its instant is cancelled"]
pub struct Reservation<'a, const N: usize = 1> {
    pub(super) bucket: Holder<'a, N>,
    /// When it was made.
    now: Time,
    /// What was taken from each stream.
    amounts: [u64; N],
    pub(super) ready: Ready<'a, N>,
    /// It was waited for, or kept: it counts as used.
    pub(super) used: bool,
    /// Its instant alone does not make it used.
    cancel_on_drop: bool,
}

/// When a reservation is ready.
pub(super) enum Ready<'a, const N: usize> {
    /// It was made where nobody waited.
    Due(Due<N>),
    /// It was made behind others.
    #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "nobody waits in a line there"))]
    Behind(Place<'a, N>),
}

impl<'a, const N: usize> Reservation<'a, N> {
    /// These amounts must have been taken from the bucket, to be used when they are due.
    pub(crate) fn taken(bucket: Holder<'a, N>, now: Time, amounts: [u64; N], due: Due<N>) -> Self {
        Self { bucket, now, amounts, ready: Ready::Due(due), used: false, cancel_on_drop: false }
    }

    /// Takes these amounts within the bounds of the queue, each no more than the capacity unless
    /// `oversized`.
    pub(crate) fn new(
        bucket: Holder<'a, N>,
        now: Time,
        amounts: [u64; N],
        max_wait: Duration,
        oversized: bool,
    ) -> Result<Self, Refused<N>> {
        let due = take_ahead(&*bucket, now, amounts, max_wait, oversized)?;
        Ok(Self::taken(bucket, now, amounts, due))
    }

    /// The same behind those who wait.
    #[cfg(feature = "std")]
    pub(crate) fn in_line(
        bucket: Holder<'a, N>,
        line: LineHolder<'a, N>,
        now: Time,
        amounts: [u64; N],
        max_wait: Duration,
        oversized: bool,
    ) -> Result<Self, Refused<N>> {
        if !line.queue().is_listened_to(now, &amounts) {
            return Self::new(bucket, now, amounts, max_wait, oversized);
        }
        allow(&bucket.revision().limits, &amounts, oversized)?;
        let deadline = now.after(max_wait.min(bucket.wait_bounds().max_wait));
        let ready = match Place::new(line, now, amounts, deadline)? {
            Some(place) => Ready::Behind(place),
            None => {
                bucket.hold(&amounts);
                Ready::Due(Due::now(&bucket.revision(), now))
            }
        };
        Ok(Self { bucket, now, amounts, ready, used: false, cancel_on_drop: false })
    }

    /// The instant from which the tokens may be used, a reading of the bucket's clock; `None` if
    /// nobody knows: its rate became 0, or a pause has no end.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Clock, Limit, TokenBucket};
    ///
    /// let bucket =
    ///     TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// let reservation = bucket.reserve(3)?;
    /// assert_eq!(
    ///     reservation.ready_at().map(|at| at.since(bucket.clock().now())),
    ///     Some(Duration::from_millis(300))
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ready_at(&self) -> Option<Time> {
        Some(self.due_at()).filter(|at| *at < Time::MAX)
    }

    /// The same; the end of time if nobody knows.
    pub(super) fn due_at(&self) -> Time {
        match &self.ready {
            Ready::Due(due) => due.at(&self.bucket.revision(), &self.amounts),
            Ready::Behind(place) => place.ready_at(),
        }
    }

    /// How long from now until the tokens may be used, by the bucket's clock; zero once they may,
    /// `None` if nobody knows.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket =
    ///     TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// let reservation = bucket.reserve(3)?;
    /// bucket.clock().advance(Duration::from_millis(100));
    /// assert_eq!(reservation.remaining(), Some(Duration::from_millis(200)));
    /// bucket.clock().advance(Duration::from_secs(1));
    /// assert_eq!(reservation.remaining(), Some(Duration::ZERO));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remaining(&self) -> Option<Duration> {
        Some(self.ready_at()?.since(self.bucket.now()))
    }

    /// Keeps the tokens: they are used, or will be at [`ready_at`](Self::ready_at). Waits for
    /// nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket =
    ///     TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// bucket.reserve(3)?.commit();
    /// assert_eq!(bucket.wait_for(1)?, Some(Duration::from_millis(400)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit(mut self) {
        self.keep();
        self.amounts = [0; N];
    }

    /// Keeps the tokens as an estimate, to be settled when it is known what was used.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket =
    ///     TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// let reservation = bucket.reserve(5)?;
    /// bucket.clock().advance(reservation.remaining().unwrap());
    /// reservation.into_estimate().settle([3])?;
    /// assert_eq!(bucket.available(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_estimate(mut self) -> Estimate<'a, N> {
        self.keep();
        Estimate::new(self.bucket.clone(), self.now, mem::replace(&mut self.amounts, [0; N]))
    }

    /// From now on the tokens are given back if it is dropped without a [`commit`](Self::commit) or
    /// a [wait](Self::wait_on) that ended, also after its instant.
    ///
    /// For work that needs several reservations: see [`until_ready_on`](Self::until_ready_on).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// drop(bucket.reserve(3)?); // after its instant: used
    /// assert_eq!(bucket.available(), 7);
    /// drop(bucket.reserve(3)?.cancel_on_drop());
    /// assert_eq!(bucket.available(), 7);
    /// bucket.reserve(3)?.cancel_on_drop().commit();
    /// assert_eq!(bucket.available(), 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel_on_drop(mut self) -> Self {
        self.cancel_on_drop = true;
        self
    }

    /// Gives the tokens back, also after the instant at which they could be used.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket =
    ///     TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// bucket.reserve(3)?.cancel();
    /// assert_eq!(bucket.wait_for(1)?, Some(Duration::from_millis(100)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel(mut self) {
        self.give_up();
        self.amounts = [0; N];
    }

    /// What is left beside it.
    #[cfg(feature = "keys")]
    pub(crate) fn granted(&self) -> Granted<N> {
        self.bucket.take_nothing()
    }
}

impl<const N: usize> Reservation<'_, N> {
    /// Whether its instant has come, as far as that is certain: before its turn it has not. Never
    /// blocks.
    fn has_come(&self) -> bool {
        let at = match &self.ready {
            Ready::Due(due) => Some(due.at(&self.bucket.revision(), &self.amounts)),
            Ready::Behind(place) => place.known_ready_at(),
        };
        at.is_some_and(|at| at <= self.bucket.now())
    }

    /// Lets the tokens be used.
    fn keep(&self) {
        match &self.ready {
            Ready::Behind(place) => place.keep(),
            Ready::Due(_) => self.bucket.let_go(&self.amounts),
        }
    }

    /// Gives the tokens back.
    fn give_up(&self) {
        if let Ready::Behind(place) = &self.ready {
            return place.leave();
        }
        give_back(&*self.bucket, self.now, &self.amounts);
        self.bucket.let_go(&self.amounts);
    }
}

impl<const N: usize> Drop for Reservation<'_, N> {
    fn drop(&mut self) {
        if self.amounts == [0; N] {
            return;
        }
        if self.used || !self.cancel_on_drop && self.has_come() { self.keep() } else { self.give_up() }
    }
}

impl<const N: usize> fmt::Debug for Reservation<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("ready_at", &self.due_at()).finish_non_exhaustive()
    }
}

/// Whether these amounts fit the capacities, if they have to.
fn allow<const N: usize>(limits: &Limits<N>, amounts: &[u64; N], oversized: bool) -> Result<(), Refused<N>> {
    if oversized { Ok(()) } else { Ok(limits.check(amounts)?) }
}

/// Takes these amounts within the bounds of the queue, and says when they may be used.
pub(crate) fn take_ahead<const N: usize>(
    bucket: &dyn Waitable<N>,
    now: Time,
    amounts: [u64; N],
    max_wait: Duration,
    oversized: bool,
) -> Result<Due<N>, Refused<N>> {
    let bounds = bucket.wait_bounds();
    let bounds = WaitBounds { max_wait: bounds.max_wait.min(max_wait), ..*bounds };
    let allow = |limits: &Limits<N>| allow(limits, &amounts, oversized);
    bucket.bring_home(now, &amounts);
    bucket.hold(&amounts);
    let (revision, ends) = owe(bucket, now, &amounts, allow, |limits| limits.most_owed(now, &bounds))
        .inspect_err(|_| bucket.let_go(&amounts))?;
    if oversized {
        // More than fits may be there. Its instant stays.
        bucket.bring_home(now, &[0; N]);
    }
    let limits = revision.limits;
    let elapsed = limits.elapsed(now);
    // What is for nothing waits for nothing, not for the end of a pause either.
    let from = if amounts == [0; N] { now.max(revision.began) } else { limits.at(elapsed) };
    let wait = limits.wait_until(&ends, &amounts, elapsed);
    let ready_at = wait.map_or(Time::MAX, |wait| from.after(refill::duration(wait)));
    Ok(Due::new(&revision, &ends, now, ready_at))
}

/// Takes `amounts` unconditionally, if the limits `allow` it and no stream then owes more than its
/// bound. Returns where the streams then end, and under which limits.
fn owe<const N: usize>(
    bucket: &dyn Waitable<N>,
    now: Time,
    amounts: &[u64; N],
    allow: impl Fn(&Limits<N>) -> Result<(), Refused<N>>,
    bounds: impl Fn(&Limits<N>) -> Option<[u64; N]>,
) -> Result<(Revision<N>, [u64; N]), Refused<N>> {
    if *amounts == [0; N] {
        return Ok((bucket.revision(), [0; N]));
    }
    let owed = Cell::new(None);
    let done = bucket.update(&|revision, spent| {
        let limits = &revision.limits;
        allow(limits).ok()?;
        let next = limits.owe(spent, limits.elapsed(now), &limits.units(amounts).ok()?, &bounds(limits)?)?;
        owed.set(Some((*revision, next)));
        Some(next)
    });
    match done {
        Ok(()) => Ok(owed.get().expect("set where something was made of the words")),
        Err((Revision { limits, .. }, spent)) => {
            allow(&limits)?;
            let units = limits.units(amounts)?;
            Err(limits.would_wait(&spent, limits.elapsed(now), &units).behind(limits.ahead_of(now)).into())
        }
    }
}

/// Gives back tokens that were taken, in units of the limits as they are. An old `now` does no
/// harm: it only makes the level seem lower, so that less is clamped here, and a level is clamped
/// whenever it is read.
pub(crate) fn give_back<const N: usize>(bucket: &dyn Waitable<N>, now: Time, amounts: &[u64; N]) {
    if amounts.iter().any(|amount| *amount > 0) {
        let given =
            bucket.update(&|Revision { limits, .. }, spent| limits.put_back(spent, limits.elapsed(now), amounts));
        if given.is_ok() && (0..N).any(|i| bucket.is_waited_for(i)) {
            bucket.eased(bucket.now());
        }
    }
}
