//! Owns the verbs that change the limits of a bucket, or pause it. Never says what becomes of the
//! words; that is in `decision/revision.rs`.

use core::time::Duration;

use crate::bucket::multi::MultiBucket;
use crate::clock::clock::Clock;
use crate::decision::inherit::Inherit;
use crate::limit::limit::{Limit, LimitError};
use crate::state::at::At;
use crate::state::snapshot::Snapshot;

impl<const N: usize, C: Clock, const S: usize> MultiBucket<N, C, S> {
    /// Changes the limits from now on, rate and capacity of all streams at one instant, and keeps
    /// the tokens that are there: [`set_limits_with`](Self::set_limits_with) with
    /// [`Inherit::Keep`].
    ///
    /// Takers never wait for a change, and a change waits for nobody; a call that decides meanwhile
    /// does so before it or after it. After it has returned, no call that begins later decides on
    /// the old limits.
    ///
    /// # Guarantees
    ///
    /// * **Nothing is retroactive.** What had accrued by the instant of the change had accrued at
    ///   the old rate, up to the old capacity: a bucket that idled for an hour at 1/s and is raised
    ///   to 1000/s has what an hour at 1/s brought. Of tokens that are there, those above a lowered
    ///   capacity are lost; a debt stays as large as it was in tokens.
    /// * **The bound.** In a window with changes in it, no more is granted than [the
    ///   bound](crate#the-bound) allows with `C` the largest capacity of it, and `r * w` the sum
    ///   over its parts, each at its own rate.
    /// * **Time.** The instant of a change is a reading of the clock made for it, or the last
    ///   change if that is later. A `now` from before it counts as that instant. With clocks that
    ///   differ between threads, a grant may have been decided on a reading after it at the old
    ///   rate; what it took is owed under the new limits.
    /// * **Rounding.** Of what is there, a change loses less than accrues in a nanosecond at the
    ///   faster of the two rates, or in twice [`Limit::precision`] if that is more. It never gains.
    ///   Between whole numbers of tokens a second up to 9, and a rate of 0, it loses nothing.
    /// * **Waiters.** A [`Reservation`](crate::Reservation) keeps its place, and its instant
    ///   follows the new rate: earlier if it was raised, later if it was lowered. Those who sleep
    ///   are woken and work it out anew: whoever's turn has come goes on, and the others sleep
    ///   again. That costs a change a step for each sleeper; a thread that is stopped between the
    ///   change and the waking leaves them to wake when they were going to. Without the feature
    ///   `std` they all do. Waking takes a lock that only waiters and changers take.
    ///
    /// A limit that was never changed costs its callers next to nothing. After a change each call
    /// reads the limits from memory that changes may write, some loads for each stream.
    ///
    /// The memory of an old revision of the limits is used again. With the feature `alloc` further
    /// ones are linked when they run out: two for changes one at a time, and one more for each that
    /// was ever under way at once. Without it there are two: a thread that is stopped inside a
    /// change keeps others from changing the limits, but nobody from taking.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for the first limit that cannot be kept; then nothing is changed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100)], ManualClock::new())?;
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

    /// As [`set_limits`](Self::set_limits), with a choice of what becomes of the tokens.
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
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100)], ManualClock::new())?;
    /// bucket.try_take([5, 100])?;
    /// bucket.set_limits_with([Limit::per_second(40), Limit::per_second(100)], Inherit::Proportional)?;
    /// assert_eq!(bucket.available(), [20, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_limits_with(&self, limits: [Limit; N], inherit: Inherit) -> Result<(), LimitError> {
        self.words.set_limits(|| self.clock().now(), limits, inherit)
    }

    /// Pauses the bucket until it is [resumed](Self::resume): nothing is granted, and nothing
    /// accrues.
    ///
    /// As [`pause_for`](Self::pause_for), but that nobody knows the end: a wait is
    /// [`Duration::MAX`], and whoever would have to wait is refused at once, as with a rate of 0.
    /// Those who wait already go on waiting: a [`Reservation`](crate::Reservation) is ready at
    /// [`Time::MAX`](crate::clock::Time::MAX) until the bucket is resumed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.pause();
    /// assert_eq!(bucket.try_take([1]).unwrap_err().wait(), Some(Duration::MAX));
    /// assert!(bucket.reserve([1]).is_err());
    /// bucket.resume();
    /// assert!(bucket.try_take([1]).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn pause(&self) {
        self.pause_for(Duration::MAX);
    }

    /// Pauses the bucket for so long, as when a server said `Retry-After`: nothing is granted, and
    /// nothing accrues, until then or until it is [resumed](Self::resume).
    ///
    /// It is a change of limits like any other (see [`set_limits`](Self::set_limits) for what holds
    /// of those): no taker waits for it, and after it has returned, no call that begins later is
    /// granted before its end. A pause that would end beyond [`Time::MAX`](crate::clock::Time::MAX)
    /// is a [`pause`](Self::pause) until it is resumed.
    ///
    /// # Guarantees
    ///
    /// * **The level stays.** What was there when the bucket was paused is there at the end, no
    ///   more and no less; nothing is forfeited, however long it takes. A debt is not paid off
    ///   meanwhile.
    /// * **The later end wins.** A second pause never shortens a pause. Only
    ///   [`resume`](Self::resume) ends one early.
    /// * **Refusals are exact.** Their wait is what is left of the pause and then what is missing,
    ///   of one version of the state. [`available`](Self::available) is 0 meanwhile.
    /// * **All else goes on.** What comes back is there at the end; [`reset`](Self::reset) and
    ///   [`charge`](Self::charge) count from then on. [`set_limits`](Self::set_limits) changes the
    ///   limits and leaves the pause.
    /// * **Waiters.** A reservation that is not ready yet becomes ready later, by what the pause
    ///   takes; one that is ready stays so. One that is made in a pause is ready at its end at the
    ///   earliest, and if that is later than its bound, it is refused at once.
    /// * **Leases.** What a lease holds was granted before, and its holder may spend it: its fast
    ///   path looks at no shared memory. But it fetches nothing.
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
    /// assert_eq!(bucket.try_take([5]).unwrap_err().wait(), Some(Duration::from_millis(3300)));
    /// bucket.clock().advance(Duration::from_secs(3));
    /// assert_eq!(bucket.available(), [2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pause_for(&self, duration: Duration) {
        self.words.pause_for(|| self.clock().now(), duration);
    }

    /// Ends a pause. If there is none, nothing changes.
    ///
    /// What was there when the pause began is there at once, and from now on the streams refill.
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
        self.words.resume(|| self.clock().now());
    }

    /// How long until a pause ends; zero if there is none, and [`Duration::MAX`] if it lasts until
    /// the bucket is [resumed](Self::resume).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// assert_eq!(bucket.pause_left(), Duration::ZERO);
    /// bucket.pause_for(Duration::from_secs(3));
    /// bucket.clock().advance(Duration::from_secs(1));
    /// assert_eq!(bucket.pause_left(), Duration::from_secs(2));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn pause_left(&self) -> Duration {
        self.snapshot().pause_left()
    }
}

impl<C: Clock, const S: usize> MultiBucket<1, C, S> {
    /// As [`set_limits`](Self::set_limits), where there is one stream.
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
        self.of.words.set_limits(|| self.now, limits, inherit)
    }

    /// Pauses the bucket from this time on: [`MultiBucket::pause`].
    pub fn pause(self) {
        self.pause_for(Duration::MAX);
    }

    /// Pauses the bucket from this time on: [`MultiBucket::pause_for`].
    pub fn pause_for(self, duration: Duration) {
        self.of.words.pause_for(|| self.now, duration);
    }

    /// Ends a pause at this time: [`MultiBucket::resume`].
    pub fn resume(self) {
        self.of.words.resume(|| self.now);
    }

    /// Returns what is left of a pause at this time: [`MultiBucket::pause_left`].
    pub fn pause_left(self) -> Duration {
        self.snapshot().pause_left()
    }

    /// Returns all streams at this time: [`MultiBucket::snapshot`].
    pub fn snapshot(self) -> Snapshot<N> {
        self.of.words.snapshot(self.now)
    }
}
