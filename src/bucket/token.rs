//! Owns the bucket of one stream: one word, changed by one compare-and-swap; the arithmetic is in
//! `decision/meter.rs`.

use core::fmt;
use core::future::Future;
use core::time::Duration;

use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::refused::{Never, Refused};
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::Queue;
use crate::lease::chunk::Lender;
use crate::limit::limit::{Limit, LimitError};
use crate::state::limits_changed::Bell;
use crate::state::store::{Bucket, Change};
use crate::sync::{AtomicU64, Relaxed};
use crate::wait::estimate::Estimate;
use crate::wait::reservation::Reservation;
use crate::wait::timer::Timer;
use crate::wait::waiting;

/// A token bucket for one stream, with a fixed limit: one atomic word, shared by any number of
/// threads.
///
/// Granting is one load and one compare-and-swap; refusing is one load. No thread ever waits for
/// another: a compare-and-swap fails only because another thread's has succeeded. For several
/// streams, or a limit that changes, there is [`MultiBucket`](crate::MultiBucket).
///
/// # Memory ordering
///
/// A grant is only a count: it does not order any other memory. All operations are `Relaxed`.
///
/// ```
/// use std::time::Duration;
/// use tollgate::{Limit, ManualClock, TokenBucket};
///
/// let clock = ManualClock::new();
/// let bucket = TokenBucket::with_clock(Limit::per_second(1000).capacity(2), &clock)?;
/// assert!(bucket.try_take(1).is_ok());
/// assert!(bucket.try_take(1).is_ok());
/// let refused = bucket.try_take(1).unwrap_err();
/// assert_eq!(refused.wait(), Some(Duration::from_millis(1)));
/// clock.advance(Duration::from_millis(1));
/// assert!(bucket.try_take(1).is_ok());
/// # Ok::<(), tollgate::LimitError>(())
/// ```
pub struct TokenBucket<C = DefaultClock> {
    state: Word,
    queue: Queue<1>,
    clock: C,
}

/// The word and what it takes to read it, on one line of the cache: whoever fetches the one has the
/// other.
#[repr(C, align(64))]
struct Word {
    /// Units spent, modulo 2^64; see `decision/meter.rs`.
    ///
    /// `Relaxed` is enough for all that is done to it: it is the whole state, so there is no second
    /// location to order it with.
    spent: AtomicU64,
    limits: Limits<1>,
}

impl TokenBucket<DefaultClock> {
    /// A bucket on the default clock. It begins at the present, full or empty as the limit says.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::new(Limit::per_second(1000))?;
    /// assert!(bucket.try_take(1000).is_ok());
    /// assert!(TokenBucket::new(Limit::per_second(1000).capacity(0)).is_err());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn new(limit: Limit) -> Result<Self, LimitError> {
        Self::with_clock(limit, DefaultClock::default())
    }
}

impl<C: Clock> TokenBucket<C> {
    /// A bucket on this clock. It begins at the clock's present.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(1000).empty(), ManualClock::new())?;
    /// assert_eq!(bucket.available(), 0);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn with_clock(limit: Limit, clock: C) -> Result<Self, LimitError> {
        let limits = Limits::new([limit], clock.now())?;
        let [start] = limits.start();
        Ok(Self { state: Word { spent: AtomicU64::new(start), limits }, queue: Queue::UNBOUNDED, clock })
    }

    /// The clock that the bucket reads.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// bucket.clock().advance(Duration::from_secs(1));
    /// assert_eq!(bucket.available(), 10);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Takes `n` tokens now, or nothing.
    ///
    /// An amount of 0 is granted, whatever the state.
    ///
    /// # Errors
    ///
    /// [`Refused::NotYet`] if they are not there, and [`Refused::Never`] for more than the
    /// capacity. A refused call changes nothing.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert!(bucket.try_take(10).is_ok());
    /// assert!(bucket.try_take(1).is_err());
    /// assert!(bucket.try_take(0).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take(&self, n: u64) -> Result<(), Refused> {
        self.at(self.clock.now()).try_take(n)
    }

    /// Takes as many tokens as there are, but no more than `max`, and says how many.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.take_up_to(7), 7);
    /// assert_eq!(bucket.take_up_to(7), 3);
    /// assert_eq!(bucket.take_up_to(7), 0);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to(&self, max: u64) -> u64 {
        self.at(self.clock.now()).take_up_to(max)
    }

    /// Takes as many of these requests as fit, in order, and says how many: the longest prefix that
    /// fits is taken in one step, with one reading of the clock.
    ///
    /// The first request that does not fit, also one that never can, ends the batch, and what
    /// follows it is not looked at. Single takes at the same instant, one after the other until the
    /// first refusal, come to the same, but others may come in between. A request for 0 fits
    /// whatever the state; a batch that takes no token writes nothing. Where another thread is
    /// faster the requests are counted anew, so a batch should not be endless.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.take_in_order(&[3, 4, 5, 1]), 2);
    /// assert_eq!(bucket.available(), 3);
    /// assert_eq!(bucket.take_in_order(&[]), 0);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn take_in_order(&self, requests: &[u64]) -> usize {
        self.at(self.clock.now()).take_in_order(requests)
    }

    /// Gives back `n` tokens that were taken and not used. The bucket never holds more than its
    /// capacity.
    ///
    /// They pay off a debt first, also one that is larger than the capacity.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.try_take(4)?;
    /// bucket.put_back(3);
    /// assert_eq!(bucket.available(), 9);
    /// bucket.put_back(u64::MAX);
    /// assert_eq!(bucket.available(), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn put_back(&self, n: u64) {
        self.at(self.clock.now()).put_back(n);
    }

    /// Takes `n` tokens, whether they are there or not: for what has happened already. What was not
    /// there is owed, also beyond the capacity and the [bounds of the queue](Self::with_max_debt),
    /// and until it is paid off nothing is available.
    ///
    /// # Errors
    ///
    /// [`Refused::Never`] for an amount, and [`Refused::NotYet`] for a debt, of 2^62 units or more
    /// (146 years at 1000/s; at the fastest rates less, down to 90 days). A refused call changes
    /// nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.charge(25)?;
    /// assert_eq!(bucket.wait_for(1)?, Duration::from_millis(1600));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn charge(&self, n: u64) -> Result<(), Refused> {
        self.at(self.clock.now()).charge(n)
    }

    /// Puts the bucket into a stated level: `tokens`, or its capacity if that is less.
    ///
    /// For operators and tests: [the bound](crate#the-bound) counts anew from here. It also revives
    /// a bucket that stood untouched for longer than its [idle limit](Limit::idle_limit).
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.reset(3);
    /// assert_eq!(bucket.available(), 3);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn reset(&self, tokens: u64) {
        self.at(self.clock.now()).reset(tokens);
    }

    /// Whole tokens that could be taken now; the answer may be outdated at once.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.available(), 10);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn available(&self) -> u64 {
        self.at(self.clock.now()).available()
    }

    /// How long until `n` tokens are there if nobody takes; zero if they are. Takes nothing.
    /// [`Duration::MAX`] if the rate is 0.
    ///
    /// # Errors
    ///
    /// [`Never`] for more than the capacity.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// assert_eq!(bucket.wait_for(3)?, Duration::from_millis(300));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(&self, n: u64) -> Result<Duration, Never> {
        self.at(self.clock.now()).wait_for(n)
    }
}

impl<C> TokenBucket<C> {
    /// The bucket at a time that the caller supplies, a reading of the bucket's clock or of one
    /// with the same origin.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, Time, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// let later = bucket.at(Time::from_nanos(300_000_000));
    /// assert_eq!(later.available(), 3);
    /// assert!(later.try_take(3).is_ok());
    /// assert!(later.try_take(1).is_err());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn at(&self, now: Time) -> TokenBucketAt<'_> {
        TokenBucketAt { bucket: &self.state, elapsed: self.state.limits.elapsed(now) }
    }
}

impl<C: Clock + Sync> TokenBucket<C> {
    /// The same bucket, in which no reservation waits for longer than this. Unless set there is no
    /// such bound.
    ///
    /// It holds for [`reserve`](Self::reserve) and everything that waits in its turn; a call past
    /// it is refused and changes nothing. There is no bound on the number of waiters, as it would
    /// cost every take a second word: what matters is how long the last of them waits, and this is
    /// it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?.with_max_wait(Duration::from_millis(500));
    /// let place = bucket.reserve(5)?;
    /// assert_eq!(bucket.reserve(1).unwrap_err().wait(), Some(Duration::from_millis(600)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.queue.max_wait = max_wait;
        self
    }

    /// The same bucket, in which reservations owe no more than this many tokens. Unless set there
    /// is no such bound.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?.with_max_debt(5);
    /// let place = bucket.reserve(5)?;
    /// assert!(bucket.reserve(1).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_max_debt(mut self, max_debt: u64) -> Self {
        self.queue.max_debt = [max_debt];
        self
    }

    /// Takes `n` tokens now, whether they are there or not, and says from when they may be used: a
    /// place in the queue. See [`Reservation`].
    ///
    /// # Errors
    ///
    /// [`Refused::Never`] for more than the capacity, and [`Refused::NotYet`] past the [bounds of
    /// the queue](Self::with_max_wait), or where the rate is 0 and tokens are missing; its wait is
    /// what the reservation would have had to wait. A refused call changes nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// let place = bucket.reserve(3)?;
    /// assert_eq!(place.remaining(), Duration::from_millis(300));
    /// assert_eq!(bucket.reserve(2)?.remaining(), Duration::from_millis(500));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&self, n: u64) -> Result<Reservation<'_>, Refused> {
        self.reserve_within(n, Duration::MAX)
    }

    /// As [`reserve`](Self::reserve), if the wait is no longer than `max_wait`.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), and [`Refused::NotYet`] with the exact wait where it is
    /// longer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// let refused = bucket.reserve_within(3, Duration::from_millis(300-1)).unwrap_err();
    /// assert_eq!(refused.wait(), Some(Duration::from_millis(300)));
    /// assert!(bucket.reserve_within(3, Duration::from_millis(300)).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_within(&self, n: u64, max_wait: Duration) -> Result<Reservation<'_>, Refused> {
        Reservation::new(self, self.clock.now(), [n], max_wait)
    }

    /// As [`reserve`](Self::reserve), for any amount: what is more than the bucket ever holds waits
    /// until that much has accrued, and the bucket is then empty.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), but [`Refused::Never`] only for an amount of 2^62 units or
    /// more (146 years' worth at 1000/s).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// assert!(bucket.reserve(20).is_err());
    /// assert_eq!(bucket.reserve_oversized(20)?.remaining(), Duration::from_secs(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_oversized(&self, n: u64) -> Result<Reservation<'_>, Refused> {
        Reservation::oversized(self, self.clock.now(), [n], Duration::MAX)
    }

    /// Takes `n` tokens for work whose cost is not known yet; see [`Estimate`].
    ///
    /// # Errors
    ///
    /// As [`try_take`](Self::try_take).
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.estimate(5)?.settle([2])?;
    /// assert_eq!(bucket.available(), 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn estimate(&self, n: u64) -> Result<Estimate<'_>, Refused> {
        let now = self.clock.now();
        self.at(now).try_take(n)?;
        Ok(Estimate::new(self, now, [n]))
    }

    /// Waits until `n` tokens are there in the caller's turn, and takes them:
    /// [`reserve`](Self::reserve) and one sleep.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), at once.
    ///
    /// ```
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
    /// bucket.take_blocking(2)?; // 2 ms later
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn take_blocking(&self, n: u64) -> Result<(), Refused> {
        self.take_blocking_timeout(n, Duration::MAX)
    }

    /// As [`take_blocking`](Self::take_blocking), if that is no longer than `timeout` from the
    /// call.
    ///
    /// # Errors
    ///
    /// As [`reserve_within`](Self::reserve_within), at once: nobody waits for what will not be
    /// there in time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
    /// assert!(bucket.take_blocking_timeout(2, Duration::from_secs(1)).is_ok());
    /// assert!(bucket.take_blocking_timeout(100, Duration::from_millis(1)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn take_blocking_timeout(&self, n: u64, timeout: Duration) -> Result<(), Refused> {
        self.reserve_within(n, timeout)?.wait();
        Ok(())
    }

    /// Waits on `timer` until `n` tokens are there in the caller's turn, and takes them:
    /// [`reserve`](Self::reserve) and one sleep, without a thread.
    ///
    /// The place in the queue is taken at the first poll, so futures are served in the order in
    /// which they are first polled. A future that is **dropped** before it completes gives its
    /// tokens back, wherever it was: it charges nothing and holds up nobody behind it. It completes
    /// at the promised instant or later, never before; see [`Reservation::wait_on`].
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), at the first poll.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use tollgate::{Limit, TokenBucket, TokioTimer};
    ///
    ///     let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
    ///     bucket.take(2, TokioTimer).await?; // 2 ms later
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn take<T: Timer>(&self, n: u64, timer: T) -> impl Future<Output = Result<(), Refused>> {
        self.take_timeout(n, Duration::MAX, timer)
    }

    /// As [`take`](Self::take), if that is no longer than `timeout` from the call.
    ///
    /// From the call, not from the first poll: a future that lay about has that much less time
    /// left. What is there at the first poll is taken, however late that is. The timeout limits the
    /// promise: a timer that oversleeps does not make it an error.
    ///
    /// # Errors
    ///
    /// As [`reserve_within`](Self::reserve_within), at the first poll: nobody waits for what will
    /// not be there in time, and nothing is taken.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::time::Duration;
    ///     use tollgate::{Limit, TokenBucket, TokioTimer};
    ///
    ///     let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
    ///     assert!(bucket.take_timeout(2, Duration::from_secs(1), TokioTimer).await.is_ok());
    ///     assert!(bucket.take_timeout(100, Duration::from_millis(1), TokioTimer).await.is_err());
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn take_timeout<T: Timer>(
        &self,
        n: u64,
        timeout: Duration,
        timer: T,
    ) -> impl Future<Output = Result<(), Refused>> {
        waiting::take(self, [n], timeout, timer)
    }

    /// Waits on `timer` until `n` tokens could be taken, and takes nothing: at the instant of
    /// completion they were there.
    ///
    /// It holds no place in the queue and promises nothing: whoever calls next may take them, and
    /// while others keep taking, it may wait for ever. For a caller that wants to choose only then
    /// what to take. To be served in turn, [`take`](Self::take).
    ///
    /// # Errors
    ///
    /// At once, or when it looks again: [`Refused::Never`] for more than the capacity, and
    /// [`Refused::NotYet`] where the rate is 0 and tokens are missing.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use tollgate::{Limit, TokenBucket, TokioTimer};
    ///
    ///     let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
    ///     bucket.until_ready(2, TokioTimer).await?; // 2 ms later
    ///     assert!(bucket.try_take(2).is_ok()); // nobody else was there to take them
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn until_ready<T: Timer>(&self, n: u64, timer: T) -> impl Future<Output = Result<(), Refused>> {
        waiting::until_ready(self, [n], timer)
    }

    /// As [`until_ready`](Self::until_ready), on this thread.
    ///
    /// # Errors
    ///
    /// As [`until_ready`](Self::until_ready).
    ///
    /// ```
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
    /// bucket.until_ready_blocking(2)?; // 2 ms later
    /// assert!(bucket.try_take(2).is_ok()); // nobody else was there to take them
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn until_ready_blocking(&self, n: u64) -> Result<(), Refused> {
        waiting::until_ready_blocking(self, [n])
    }
}

impl<C: Clock + Sync> Bucket<1> for TokenBucket<C> {
    fn bell(&self) -> Option<&Bell> {
        None
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn revision(&self) -> Revision<1> {
        Revision::first(self.state.limits)
    }

    fn queue(&self) -> &Queue<1> {
        &self.queue
    }

    fn update(&self, change: &Change<'_, 1>) -> Result<(), (Revision<1>, [u64; 1])> {
        let revision = self.revision();
        self.state
            .update(|spent| change(&revision, &[spent]).map(|next| (next, ())))
            .map_err(|spent| (revision, [spent]))
    }
}

impl<C: Clock> fmt::Debug for TokenBucket<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBucket").field("available", &self.available()).finish_non_exhaustive()
    }
}

/// A [`TokenBucket`] at one instant: the same verbs, at a time that the caller supplied. See
/// [`TokenBucket::at`].
///
/// ```
/// use tollgate::{Limit, ManualClock, Time, TokenBucket};
///
/// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
/// let now = bucket.at(Time::from_nanos(5));
/// assert_eq!([now.take_up_to(4), now.take_up_to(8)], [4, 6]);
/// # Ok::<(), tollgate::LimitError>(())
/// ```
#[derive(Clone, Copy)]
pub struct TokenBucketAt<'a> {
    bucket: &'a Word,
    elapsed: u64,
}

impl TokenBucketAt<'_> {
    /// As [`TokenBucket::try_take`].
    ///
    /// # Errors
    ///
    /// As [`TokenBucket::try_take`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, Time, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert!(bucket.at(Time::ZERO).try_take(10).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take(self, n: u64) -> Result<(), Refused> {
        let Self { bucket, elapsed } = self;
        // A copy: what is read before the loop need not be read again in it.
        let limits = bucket.limits;
        if n == 0 {
            return Ok(());
        }
        limits.check(&[n])?;
        let taken = bucket.update(|spent| limits.take(&[spent], elapsed, &[n]).map(|next| (next, ())));
        taken.map_err(|spent| limits.not_yet(&[spent], elapsed, &[n]).into())
    }

    /// As [`TokenBucket::take_up_to`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, Time, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).take_up_to(12), 10);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to(self, max: u64) -> u64 {
        let Self { bucket, elapsed } = self;
        let limits = &bucket.limits;
        bucket.update(|spent| limits.take_up_to(&[spent], elapsed, &[1], max)).unwrap_or(0)
    }

    /// As [`TokenBucket::take_in_order`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, Time, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).take_in_order(&[9, 2, 1]), 1);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn take_in_order(self, requests: &[u64]) -> usize {
        let Self { bucket, elapsed } = self;
        let limits = &bucket.limits;
        let taken = bucket.update(|spent| limits.take_in_order(&[spent], elapsed, requests.iter().map(|n| [*n])));
        // No token was to be taken: of those that fit, each is for none.
        taken.unwrap_or_else(|_| requests.iter().take_while(|n| **n == 0).count())
    }

    /// As [`TokenBucket::put_back`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, Time, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// let now = bucket.at(Time::ZERO);
    /// now.try_take(10)?;
    /// now.put_back(4);
    /// assert_eq!(now.available(), 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn put_back(self, n: u64) {
        let Self { bucket, elapsed } = self;
        let limits = &bucket.limits;
        let _ = bucket.update(|spent| limits.put_back(&[spent], elapsed, &[n]).map(|next| (next, ())));
    }

    /// As [`TokenBucket::charge`].
    ///
    /// # Errors
    ///
    /// As [`TokenBucket::charge`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, Time, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.at(Time::ZERO).charge(11)?;
    /// assert!(bucket.at(Time::from_nanos(200_000_000)).try_take(1).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn charge(self, n: u64) -> Result<(), Refused> {
        let Self { bucket, elapsed } = self;
        let limits = &bucket.limits;
        let (units, most) = (limits.units(&[n])?, limits.furthest_debts());
        if n == 0 {
            return Ok(());
        }
        let charged = bucket.update(|spent| limits.owe(&[spent], elapsed, &units, &most).map(|next| (next, ())));
        charged.map_err(|spent| limits.would_wait(&[spent], elapsed, &units).into())
    }

    /// As [`TokenBucket::reset`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, Time, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.at(Time::ZERO).reset(4);
    /// assert_eq!(bucket.available(), 4);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn reset(self, tokens: u64) {
        let Self { bucket, elapsed } = self;
        let limits = &bucket.limits;
        let _ = bucket.update(|_| Some((limits.reset(elapsed, &[tokens]), ())));
    }

    /// As [`TokenBucket::available`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, Time, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).available(), 10);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn available(self) -> u64 {
        // ORDERING: Relaxed. Partner is the compare-exchange in `update`; a picture that may be
        // outdated at once, and orders nothing. Dies as the word at construction:
        // loom-tests/conservation.rs, `the_last_token_goes_to_exactly_one_thread`.
        let spent = self.bucket.spent.load(Relaxed);
        let [available] = self.bucket.limits.available(&[spent], self.elapsed);
        available
    }

    /// As [`TokenBucket::wait_for`].
    ///
    /// # Errors
    ///
    /// As [`TokenBucket::wait_for`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate::{Limit, ManualClock, Time, TokenBucket};
    /// # let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).wait_for(10)?, Duration::ZERO);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(self, n: u64) -> Result<Duration, Never> {
        self.bucket.limits.check(&[n])?;
        // ORDERING: Relaxed. As in `available`. Dies as the word at construction:
        // loom-tests/refusal.rs, `a_wait_is_that_of_one_value_of_the_word`.
        let spent = self.bucket.spent.load(Relaxed);
        Ok(self.bucket.limits.not_yet(&[spent], self.elapsed, &[n]).wait())
    }
}

impl Word {
    /// The one loop: works out what `spent` becomes, and swaps it in if nobody else was faster.
    /// `Err` with what was read, and nothing written, if `change` says that nothing is to be done.
    #[inline]
    fn update<R>(&self, change: impl Fn(u64) -> Option<([u64; 1], R)>) -> Result<R, u64> {
        // ORDERING: Relaxed. The word is the whole state. An old value makes the compare-exchange
        // below fail, or, where the call is refused, the refusal was true at some moment of the
        // call. There is nothing weaker; read once, not twice: loom-tests/conservation.rs,
        // `a_partial_take_gets_what_the_other_left`.
        let mut spent = self.spent.load(Relaxed);
        loop {
            let Some(([next], answer)) = change(spent) else { return Err(spent) };
            // ORDERING: Relaxed, both. A grant orders no other memory (see `TokenBucket`, "Memory
            // ordering"); the failure's value is all that is kept of it. Dies as a load and a
            // store: loom-tests/conservation.rs, `the_last_token_goes_to_exactly_one_thread`.
            match self.spent.compare_exchange_weak(spent, next, Relaxed, Relaxed) {
                Ok(_) => return Ok(answer),
                Err(seen) => spent = seen,
            }
        }
    }
}

impl Lender<1> for TokenBucketAt<'_> {
    fn capacities(&self) -> [u64; 1] {
        self.bucket.limits.capacities()
    }

    fn update<R, E>(
        &self,
        _: impl Fn(&Limits<1>) -> u64,
        change: impl Fn(&Limits<1>, &[u64; 1]) -> Option<([u64; 1], R)>,
        refuse: impl Fn(&Limits<1>, &[u64; 1], u64) -> E,
    ) -> Result<R, E> {
        let limits = &self.bucket.limits;
        self.bucket.update(|spent| change(limits, &[spent])).map_err(|spent| refuse(limits, &[spent], 0))
    }
}

impl fmt::Debug for TokenBucketAt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBucketAt").field("available", &self.available()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_word_and_its_limit_share_a_line() {
        assert_eq!(size_of::<Word>(), 64);
    }
}
