//! Owns the verbs that change the limits of a bucket, or pause it. Never says what becomes of the
//! words; that is in `decision/revision.rs`.

use core::time::Duration;

use crate::bucket::multi::MultiBucket;
use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::decision::awaited::Awaited;
use crate::decision::inherit::Inherit;
use crate::limit::limit::{Limit, limits_of};
use crate::limit::limit_error::LimitError;
use crate::state::at::At;
use crate::state::snapshot::Snapshot;
use crate::state::store::Revised;

impl<const N: usize, C: Clock, const S: usize> MultiBucket<N, C, S> {
    /// Changes the rates and capacities of all streams at one instant, and keeps the level.
    ///
    /// Takers never wait for a change, and a change waits for no taker. A call that decides
    /// meanwhile does so before the change or after it. No call that begins after the change has
    /// returned decides on the old limits. A change is lock-free, not wait-free: it retries when
    /// another call publishes first.
    ///
    /// # Guarantees
    ///
    /// * **Nothing is retroactive.** Tokens that had refilled by the instant of the change did so
    ///   at the old rate, up to the old capacity. A bucket that idled for an hour at 1/s and is
    ///   raised to 1000/s has what an hour at 1/s brought. It stays earned up to the new capacity:
    ///   tokens above a lowered one are lost.
    /// * **Debts.** A debt stays as large as it was in tokens, and is paid off at the new rate.
    ///   Only [`Inherit::Reset`] forgives it. If a debt is too large for the new limit, the change
    ///   is refused. Such a debt takes at least 90 days to pay off, and 292 years at 1000/s. A
    ///   change to a rate of 0 is never refused for a debt.
    /// * **The bound.** In a window with changes in it, a bucket grants no more than
    ///   [the bound](crate#the-bound) with the largest capacity in it, and with `r * w` as the sum
    ///   over its parts, each at its own rate. Changes on a clock that is ahead of the takers' by
    ///   `s` add at most `r * s`, however many they are. That holds for every [`Inherit`] but
    ///   `Reset`.
    /// * **Time.** The instant of a change is a reading of the clock made for it, or the last
    ///   change if that is later. The time of a grant is the reading that it was decided on, or
    ///   the last change if that is later.
    /// * **While a change is under way**, others decide on the old limits, and the larger of both
    ///   rates counts. Tokens granted on a reading after the instant of the change are owed under
    ///   the new limits. There are few: if others took what refilled after its reading, a change
    ///   reads the clock again, up to eight times. So one that stops for an hour owes nothing for
    ///   that hour, unless it does so eight times in one call.
    /// * **Rounding.** A change never gains. It rounds a level down, and a debt up, by less than
    ///   refills in a nanosecond at the faster of the two rates, or in twice [`Limit::precision`]
    ///   if that is more. At an exact rate that stays, it rounds nothing. A rate of 0 keeps the
    ///   unit of the limit before it, so a visit to it rounds nothing. If its capacity leaves no
    ///   room for that unit, it rounds by less than a token for every 2^61 of capacity.
    ///   [`Proportional`](Inherit::Proportional) scales what was rounded off, too.
    /// * **Waiters.** A [`Reservation`](crate::Reservation) keeps its place, and its instant
    ///   follows the new rate. Of those who wait in turn, the first is told if its turn comes
    ///   earlier, others if it comes far earlier, and whoever can no longer be served in time is
    ///   refused. Once it is in force, a change takes the lock that those who wait share. Without
    ///   the feature `std` sleepers wake when they were going to.
    ///
    /// Takes are about as fast after a change as before. Refusals of two streams take half as long
    /// again. Changes one at a time allocate nothing. With the feature `alloc`, a bucket allocates
    /// one block for each further change that was ever under way at once. Without it there are two
    /// places for limits: a thread that stops inside a change keeps others from changing the
    /// limits, but nobody from taking.
    ///
    /// # Errors
    ///
    /// Nothing changes after an error:
    ///
    /// * [`LimitError`] for the first limit that a bucket cannot keep;
    /// * [`LimitError`] with [`DebtTooLarge`](crate::limit::LimitRule::DebtTooLarge) for the first
    ///   stream whose debt the new limit cannot keep.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(100)];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// bucket.try_take([10, 100])?;
    /// bucket.clock().advance(Duration::from_millis(100));
    /// bucket.set_limits([Limit::per_second(1000), Limit::per_second(50)])?;
    /// assert_eq!(bucket.available(), [1, 10]);
    /// bucket.clock().advance(Duration::from_millis(100));
    /// assert_eq!(bucket.available(), [101, 15]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_limits(&self, limits: [Limit; N]) -> Result<(), LimitError> {
        self.set_limits_with(limits, Inherit::Keep)
    }

    /// Changes the limits, and chooses what becomes of the level.
    ///
    /// # Errors
    ///
    /// As [`set_limits`](Self::set_limits).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::limit::Inherit;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(100)];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// bucket.try_take([5, 100])?;
    /// let raised = [Limit::per_second(40), Limit::per_second(100)];
    /// bucket.set_limits_with(raised, Inherit::Proportional)?;
    /// assert_eq!(bucket.available(), [20, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_limits_with(&self, limits: [Limit; N], inherit: Inherit) -> Result<(), LimitError> {
        self.change_limits(|| self.clock().now(), limits, inherit)
    }

    /// Checks whether [`set_limits`](Self::set_limits) would succeed now. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`set_limits`](Self::set_limits).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.charge([1_000_000_000])?;
    /// assert!(bucket.check_limits([Limit::per_second(1000)]).is_ok());
    /// assert!(bucket.check_limits([Limit::per_day(1)]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_limits(&self, limits: [Limit; N]) -> Result<(), LimitError> {
        self.check_limits_at(limits, self.clock().now())
    }

    /// Pauses the bucket until it is [resumed](Self::resume): it grants nothing, and nothing
    /// refills.
    ///
    /// Nobody knows its end, so a wait is `None`, and a call that would have to wait is
    /// refused at once. Calls that wait already go on waiting.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.pause();
    /// assert_eq!(bucket.try_take([1]).unwrap_err().wait(), None);
    /// assert!(bucket.reserve([1]).is_err());
    /// bucket.resume();
    /// assert!(bucket.try_take([1]).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn pause(&self) {
        self.pause_for(Duration::MAX);
    }

    /// Pauses the bucket for a time, as after a `Retry-After`: it grants nothing, and nothing
    /// refills.
    ///
    /// [`resume`](Self::resume) ends a pause early. A pause is a change of limits: what holds for
    /// [`set_limits`](Self::set_limits) holds here. A pause that would end beyond
    /// [`Time::MAX`](crate::clock::Time::MAX) lasts until the bucket is resumed.
    ///
    /// # Guarantees
    ///
    /// * **The level stays.** The bucket has at the end what it had at the beginning, however long
    ///   the pause. A debt of any size stays, and is not paid off meanwhile.
    /// * **The later end wins.** A second pause never shortens a pause.
    /// * **Refusals are exact.** Their wait is what is left of the pause, and then of the refill.
    ///   [`available`](Self::available) is 0 meanwhile.
    /// * **All else goes on.** Put-backs, [`reset`](Self::reset) and [`charge`](Self::charge) count
    ///   from the end on. [`set_limits`](Self::set_limits) leaves the pause.
    /// * **Waiters.** A reservation that is not ready becomes ready later by the length of the
    ///   pause. One made in a pause is ready at its end at the earliest.
    /// * **Leases.** A holder may spend the tokens of its lease, but fetches none.
    /// * **The bound.** A pause counts as a part of the window with a rate of 0.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.try_take([8])?;
    /// bucket.pause_for(Duration::from_secs(3));
    /// assert_eq!(bucket.available(), [0]);
    /// assert_eq!(bucket.try_take([2]).unwrap_err().wait(), Some(Duration::from_secs(3)));
    /// let refused = bucket.try_take([5]).unwrap_err();
    /// assert_eq!(refused.wait(), Some(Duration::from_millis(3300)));
    /// bucket.clock().advance(Duration::from_secs(3));
    /// assert_eq!(bucket.available(), [2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pause_for(&self, duration: Duration) {
        self.pause_from(|| self.clock().now(), duration);
    }

    /// Ends a pause; without one, nothing changes. The level is at once what it was before the
    /// pause.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.try_take([8])?;
    /// bucket.pause_for(Duration::from_secs(3));
    /// bucket.clock().advance(Duration::from_secs(1));
    /// bucket.resume();
    /// assert_eq!(bucket.available(), [2]);
    /// bucket.clock().advance(Duration::from_millis(100));
    /// assert_eq!(bucket.available(), [3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resume(&self) {
        self.resume_from(|| self.clock().now());
    }

    /// Returns the time until a pause ends: zero without one.
    ///
    /// It is `None` for a pause that lasts until the bucket is [resumed](Self::resume).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// assert_eq!(bucket.pause_left(), Some(Duration::ZERO));
    /// bucket.pause_for(Duration::from_secs(3));
    /// bucket.clock().advance(Duration::from_secs(1));
    /// assert_eq!(bucket.pause_left(), Some(Duration::from_secs(2)));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn pause_left(&self) -> Option<Duration> {
        self.snapshot().pause_left()
    }

    fn check_limits_at(&self, limits: [Limit; N], now: Time) -> Result<(), LimitError> {
        let next = limits_of(limits, Time::ZERO)?;
        let (revision, spent) = self.queued.words.read_revised();
        match revision.succeeded(&next, now, Inherit::Keep).with(self.awaited()).of(&spent) {
            Ok(_) => Ok(()),
            Err((stream, rule)) => Err(LimitError { stream, limit: limits[stream], rule }),
        }
    }

    fn change_limits(&self, clock: impl Fn() -> Time, limits: [Limit; N], inherit: Inherit) -> Result<(), LimitError> {
        self.queued.words.set_limits(&clock, limits, inherit, || self.awaited())?;
        self.retime(clock());
        Ok(())
    }

    fn pause_from(&self, clock: impl Fn() -> Time, duration: Duration) {
        self.queued.words.pause_for(&clock, duration, || self.awaited());
        self.retime(clock());
    }

    fn resume_from(&self, clock: impl Fn() -> Time) {
        self.queued.words.resume(&clock, || self.awaited());
        self.retime(clock());
    }

    /// What the first of those who wait may use.
    fn awaited(&self) -> Awaited<N> {
        #[cfg(feature = "std")]
        return self.queued.awaited(self.grace());
        #[cfg(not(feature = "std"))]
        Awaited::NOTHING
    }

    /// Tells those who wait that the limits changed.
    pub(crate) fn retime(&self, now: Time) {
        #[cfg(feature = "std")]
        self.queued.retime(now);
        #[cfg(not(feature = "std"))]
        let _ = now;
    }
}

impl<C: Clock, const S: usize> MultiBucket<1, C, S> {
    /// Changes the limit of the one stream: [`set_limits`](Self::set_limits).
    ///
    /// # Errors
    ///
    /// As [`set_limits`](Self::set_limits).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.set_limit(Limit::per_second(7))?;
    /// assert_eq!(bucket.available(), [7]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
        self.set_limits([limit])
    }
}

impl<const N: usize, C: Clock, const S: usize> At<&MultiBucket<N, C, S>, N> {
    /// Changes the limits at this time: [`MultiBucket::set_limits`].
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::set_limits`].
    pub fn set_limits(self, limits: [Limit; N]) -> Result<(), LimitError> {
        self.set_limits_with(limits, Inherit::Keep)
    }

    /// Changes the limits at this time: [`MultiBucket::set_limits_with`].
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::set_limits`].
    pub fn set_limits_with(self, limits: [Limit; N], inherit: Inherit) -> Result<(), LimitError> {
        self.of.change_limits(|| self.now, limits, inherit)
    }

    /// Checks limits at this time: [`MultiBucket::check_limits`].
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::set_limits`].
    pub fn check_limits(self, limits: [Limit; N]) -> Result<(), LimitError> {
        self.of.check_limits_at(limits, self.now)
    }

    /// Pauses the bucket from this time on: [`MultiBucket::pause`].
    pub fn pause(self) {
        self.pause_for(Duration::MAX);
    }

    /// Pauses the bucket from this time on: [`MultiBucket::pause_for`].
    pub fn pause_for(self, duration: Duration) {
        self.of.pause_from(|| self.now, duration);
    }

    /// Ends a pause at this time: [`MultiBucket::resume`].
    pub fn resume(self) {
        self.of.resume_from(|| self.now);
    }

    /// Returns what is left of a pause at this time: [`MultiBucket::pause_left`].
    pub fn pause_left(self) -> Option<Duration> {
        self.snapshot().pause_left()
    }

    /// Returns all streams at this time: [`MultiBucket::snapshot`].
    pub fn snapshot(self) -> Snapshot<N> {
        self.of.queued.words.snapshot(self.now)
    }
}
