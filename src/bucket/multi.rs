//! Owns the bucket of several streams as callers see it; how its state changes is in
//! `state/multi.rs`.

use core::fmt;
use core::future::Future;
use core::time::Duration;

use crate::bucket::handle::{Handle, HandlesExhausted};
use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::inherit::Inherit;
use crate::decision::limits::Limits;
use crate::decision::refused::{Never, Refused};
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::Queue;
use crate::lease::chunk::Lender;
use crate::limit::limit::{Limit, LimitError};
use crate::state::epoch::Stamp;
use crate::state::limits_changed::Bell;
use crate::state::multi::Versions;
use crate::state::snapshot::Snapshot;
use crate::state::store::{Bucket, Change};
use crate::wait::estimate::Estimate;
use crate::wait::reservation::Reservation;
use crate::wait::timer::Timer;
use crate::wait::waiting;

/// Slots inside a bucket if its type does not say otherwise: the current version, and three writers
/// at once before further slots are linked.
pub(crate) const SLOTS: usize = 4;

/// A token bucket for `N` streams (1 to 8), debited all or nothing in one linearizable step by any
/// number of threads.
///
/// Requests *and* bytes, per second *and* per minute: a take names an amount for each stream, and
/// either all of them are debited at one instant or none is. An amount of 0 means that the stream
/// is neither checked nor written.
///
/// No thread ever waits for another. A writer prepares the next version of the state in a slot of
/// its own and publishes it with one compare-and-swap; readers see a seqlock, but no writer ever
/// holds it. A thread that is stopped anywhere keeps one slot (inside [`handle`](Self::handle),
/// two), and stops nobody.
///
/// `S` is the number of slots inside the bucket. With the feature `alloc` further ones are linked
/// when they run out: once for each doubling of the number of threads that were ever stopped inside
/// a call at once. Without `alloc` they are all there is: let `S` be at least the number of threads
/// and interrupts that call at once, plus the handles, plus two, and they never run out; with
/// fewer, a call that finds none tries again until another leaves its call. The same holds, with
/// `alloc`, for 4096 slots.
///
/// # Memory ordering
///
/// A grant is only a count: it does not order any other memory.
///
/// ```
/// use tollgate::{Limit, ManualClock, MultiBucket};
///
/// let bucket = MultiBucket::with_clock([Limit::per_second(1000), Limit::from("1MiB/s".parse::<tollgate::Rate>()?)], ManualClock::new())?;
/// bucket.try_take([1, 600_000])?;
/// let refused = bucket.try_take([1, 600_000]).unwrap_err();
/// assert_eq!(refused.stream(), 1);
/// assert_eq!(bucket.available(), [999, 448_576]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MultiBucket<const N: usize, C = DefaultClock, const S: usize = SLOTS> {
    pub(crate) state: Versions<N, S>,
    queue: Queue<N>,
    clock: C,
}

impl<const N: usize> MultiBucket<N, DefaultClock> {
    /// A bucket on the default clock. It begins at the present, each stream full or empty as its
    /// limit says.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for the first limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::new([Limit::per_second(100), Limit::per_minute(1000)])?;
    /// assert!(bucket.try_take([1, 1]).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    ///
    /// A number of streams other than 1 to 8 does not compile:
    ///
    /// ```compile_fail
    /// tollgate::MultiBucket::new([tollgate::Limit::per_second(1); 9]);
    /// ```
    ///
    /// Nor does a wrong number of amounts:
    ///
    /// ```compile_fail
    /// tollgate::MultiBucket::new([tollgate::Limit::per_second(1); 2]).unwrap().try_take([1, 1, 1]);
    /// ```
    pub fn new(limits: [Limit; N]) -> Result<Self, LimitError> {
        Self::with_clock(limits, DefaultClock::default())
    }
}

impl<const N: usize, C: Clock> MultiBucket<N, C> {
    /// A bucket on this clock. It begins at the clock's present.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for the first limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(5), Limit::per_second(7)], ManualClock::new())?;
    /// assert_eq!(bucket.available(), [5, 7]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn with_clock(limits: [Limit; N], clock: C) -> Result<Self, LimitError> {
        Self::with_slots(limits, clock)
    }
}

impl<const N: usize, C: Clock, const S: usize> MultiBucket<N, C, S> {
    /// A bucket with `S` slots inside, 1 to 4096, and without `alloc` at least 2.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for the first limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::<1, _, 16>::with_slots([Limit::per_second(5)], ManualClock::new())?;
    /// assert!(bucket.try_take([5]).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn with_slots(limits: [Limit; N], clock: C) -> Result<Self, LimitError> {
        const {
            assert!(N >= 1 && N <= 8, "a MultiBucket has 1 to 8 streams");
            assert!(S >= 1 && S <= Stamp::SLOTS, "a MultiBucket has 1 to 4096 slots inside");
            assert!(S >= 2 || cfg!(feature = "alloc"), "without the feature alloc a MultiBucket has at least 2 slots");
        }
        Ok(Self { state: Versions::new(limits, clock.now())?, queue: Queue::UNBOUNDED, clock })
    }

    /// The clock that the bucket reads.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10).empty()], ManualClock::new())?;
    /// bucket.clock().advance(Duration::from_secs(1));
    /// assert_eq!(bucket.available(), [10]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Checks a slot out for good: takes through the handle search for none, so they cost one
    /// compare-and-swap and `N` stores for any `N`.
    ///
    /// # Errors
    ///
    /// [`HandlesExhausted`] if too few slots are left: one stays for the callers without a handle.
    /// Without `alloc` that may be so for a moment only, while other threads are inside a call.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// let mut handle = bucket.handle()?;
    /// handle.try_take([1, 5])?;
    /// assert_eq!(bucket.available(), [9, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn handle(&self) -> Result<Handle<'_, N, C, S>, HandlesExhausted> {
        Handle::new(&self.state, &self.clock)
    }

    /// Takes these amounts from all streams now, or nothing from any.
    ///
    /// # Errors
    ///
    /// [`Refused::NotYet`] if a stream has too few tokens, and [`Refused::Never`] for more than a
    /// stream's capacity. A refused call changes nothing.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert!(bucket.try_take([6, 0]).is_ok());
    /// assert!(bucket.try_take([6, 1]).is_err());
    /// assert_eq!(bucket.available(), [4, 5]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take(&self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.at(self.clock.now()).try_take(amounts)
    }

    /// Takes as many whole items as fit, each of these amounts, but no more than `max`, and says
    /// how many.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(1000)], ManualClock::new())?;
    /// assert_eq!(bucket.take_up_to(20, [1, 300]), 3);
    /// assert_eq!(bucket.available(), [7, 100]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to(&self, max: u64, per_item: [u64; N]) -> u64 {
        self.at(self.clock.now()).take_up_to(max, per_item)
    }

    /// Takes as many of these requests as fit, in order, and says how many: the longest prefix that
    /// fits is taken in one step, with one reading of the clock.
    ///
    /// The first request that does not fit, also one that never can, ends the batch, and what
    /// follows it is not looked at. Single takes at the same instant, one after the other until the
    /// first refusal, come to the same, but others may come in between. A request for nothing of
    /// any stream fits whatever the state; a batch that takes no token writes nothing. Where
    /// another thread is faster the requests are counted anew, so a batch should not be endless.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(1000)], ManualClock::new())?;
    /// assert_eq!(bucket.take_in_order(&[[1, 600], [1, 300], [1, 300], [1, 50]]), 2);
    /// assert_eq!(bucket.available(), [8, 100]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn take_in_order(&self, requests: &[[u64; N]]) -> usize {
        self.at(self.clock.now()).take_in_order(requests)
    }

    /// Gives back tokens that were taken and not used. No stream ever holds more than its capacity.
    ///
    /// They pay off a debt first, also one that is larger than the capacity.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.try_take([10, 5])?;
    /// bucket.put_back([3, u64::MAX]);
    /// assert_eq!(bucket.available(), [3, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn put_back(&self, amounts: [u64; N]) {
        self.at(self.clock.now()).put_back(amounts);
    }

    /// Takes these amounts from all streams, in one step and whether they are there or not: for
    /// what has happened already. What was not there is owed, also beyond the capacity and the
    /// [bounds of the queue](Self::with_max_debt), and until it is paid off nothing is available.
    ///
    /// # Errors
    ///
    /// [`Refused::Never`] for an amount, and [`Refused::NotYet`] for a debt, of 2^62 units or more
    /// (146 years at 1000/s; at the fastest rates less, down to 90 days). A refused call changes
    /// nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.charge([25, 1])?;
    /// assert_eq!(bucket.wait_for([1, 1])?, Duration::from_millis(1600));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn charge(&self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.at(self.clock.now()).charge(amounts)
    }

    /// Puts all streams into a stated level: these tokens, or the capacity where that is less.
    ///
    /// For operators and tests: [the bound](crate#the-bound) counts anew from here. It also revives
    /// a stream that stood untouched for longer than its [idle limit](Limit::idle_limit).
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.reset([3, 9]);
    /// assert_eq!(bucket.available(), [3, 5]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn reset(&self, tokens: [u64; N]) {
        self.at(self.clock.now()).reset(tokens);
    }

    /// Changes the limits from now on, rate and capacity of all streams at one instant, and keeps
    /// the tokens that are there: [`set_limits_with`](Self::set_limits_with) with
    /// [`Inherit::Keep`].
    ///
    /// Takers never wait for a change. A change is lock-free, but not wait-free: it starts over
    /// when another call has published a version meanwhile. A call that decides meanwhile does so
    /// before it or after it. After it has returned, no call that begins later decides on the old
    /// limits.
    ///
    /// # Guarantees
    ///
    /// * **Nothing is retroactive.** What had accrued by the instant of the change had accrued at
    ///   the old rate, up to the old capacity: a bucket that idled for an hour at 1/s and is raised
    ///   to 1000/s has what an hour at 1/s brought. Of tokens that are there, those above a lowered
    ///   capacity are lost.
    /// * **Debts.** A debt stays as large as it was in tokens, and is paid off at the new rate. One
    ///   that the new limit cannot keep is never forgiven: the change is refused. That takes 2^63
    ///   units: at the new rate it is worth 292 years for 1000/s, 32 for 9/s, and never under 90
    ///   days. A change to a rate of 0 is never refused for a debt.
    /// * **The bound.** In a window with changes in it, no more is granted than [the
    ///   bound](crate#the-bound) allows with `C` the largest capacity of it, and `r * w` the sum
    ///   over its parts, each at its own rate. That holds for every [`Inherit`] but `Reset`.
    /// * **Time.** The instant of a change is a reading of the clock made for it, or the last
    ///   change if that is later. The time of a grant is the reading that it was decided on, or the
    ///   last change if that is later. So a changer whose clock is ahead of the takers' by `s` adds
    ///   at most `r * s` to what their readings allow, however often it changes the limits. What
    ///   was granted on a reading after the change, at the old rate, is owed under the new limits.
    /// * **Rounding.** It never gains. A level is rounded down, and a debt up, by less than accrues
    ///   in a nanosecond at the faster of the two rates, or in twice [`Limit::precision`] if that
    ///   is more. Between whole numbers of tokens a second up to 9 nothing is rounded. A rate of 0
    ///   keeps the unit of the limit before it, so a visit to it rounds nothing. Where its capacity
    ///   leaves no room for that unit, it rounds by less than a token for every 2^61 of capacity.
    /// * **Waiters.** A [`Reservation`] keeps its place, and its instant follows the new rate:
    ///   earlier if it was raised, later if it was lowered. Those who sleep are woken and work it
    ///   out anew: whoever's turn has come goes on, and the others sleep again. That costs a change
    ///   a step for each sleeper; a thread that is stopped between the change and the waking leaves
    ///   them to wake when they were going to. Without the feature `std` they all do. Waking takes
    ///   a lock that only waiters and changers take.
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
    /// [`LimitError`] for the first limit that cannot be kept; with
    /// [`DebtTooLarge`](crate::LimitRule::DebtTooLarge), for the first stream whose debt cannot.
    /// Then nothing is changed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, MultiBucket};
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
    /// use tollgate::{Inherit, Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100)], ManualClock::new())?;
    /// bucket.try_take([5, 100])?;
    /// bucket.set_limits_with([Limit::per_second(40), Limit::per_second(100)], Inherit::Proportional)?;
    /// assert_eq!(bucket.available(), [20, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_limits_with(&self, limits: [Limit; N], inherit: Inherit) -> Result<(), LimitError> {
        self.state.set_limits(|| self.clock.now(), limits, inherit)
    }

    /// Pauses the bucket until it is [resumed](Self::resume): nothing is granted, and nothing
    /// accrues.
    ///
    /// As [`pause_for`](Self::pause_for), but that nobody knows the end: a wait is
    /// [`Duration::MAX`], and whoever would have to wait is refused at once, as with a rate of 0.
    /// Those who wait already go on waiting: a [`Reservation`] is ready at [`Time::MAX`] until the
    /// bucket is resumed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.pause();
    /// assert_eq!(bucket.try_take([1]).unwrap_err().wait(), Some(Duration::MAX));
    /// assert!(bucket.reserve([1]).is_err());
    /// bucket.resume();
    /// assert!(bucket.try_take([1]).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn pause(&self) {
        self.pause_for(Duration::MAX);
    }

    /// Pauses the bucket for so long, as when a server said `Retry-After`: nothing is granted, and
    /// nothing accrues, until then or until it is [resumed](Self::resume).
    ///
    /// It is a change of limits like any other (see [`set_limits`](Self::set_limits) for what holds
    /// of those): no taker waits for it, and after it has returned, no call that begins later is
    /// granted before its end. A pause that would end beyond [`Time::MAX`] is a
    /// [`pause`](Self::pause) until it is resumed.
    ///
    /// # Guarantees
    ///
    /// * **The level stays.** What was there when the bucket was paused is there at the end, no
    ///   more and no less; nothing is forfeited, however long it takes. A debt of any size stays as
    ///   it is, and is not paid off meanwhile.
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
    /// use tollgate::{Limit, ManualClock, MultiBucket};
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
        self.state.pause_for(|| self.clock.now(), duration);
    }

    /// Ends a pause. If there is none, nothing changes.
    ///
    /// What was there when the pause began is there at once, and from now on the streams refill.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, MultiBucket};
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
        self.state.resume(|| self.clock.now());
    }

    /// How long until a pause ends; zero if there is none, and [`Duration::MAX`] if it lasts until
    /// the bucket is [resumed](Self::resume).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// assert_eq!(bucket.pause_left(), Duration::ZERO);
    /// bucket.pause_for(Duration::from_secs(3));
    /// bucket.clock().advance(Duration::from_secs(1));
    /// assert_eq!(bucket.pause_left(), Duration::from_secs(2));
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn pause_left(&self) -> Duration {
        self.at(self.clock.now()).pause_left()
    }

    /// Whole tokens of each stream that could be taken now, all at one instant, so none during a
    /// [pause](Self::pause_for); the answer may be outdated at once.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.available(), [10, 5]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn available(&self) -> [u64; N] {
        self.at(self.clock.now()).available()
    }

    /// How long until these amounts are there if nobody takes; zero if they are. Takes nothing.
    /// [`Duration::MAX`] if a stream that lacks tokens has a rate of 0, and during a
    /// [pause](Self::pause) whose end nobody knows.
    ///
    /// # Errors
    ///
    /// [`Never`] for more than a stream's capacity.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10).empty(), Limit::per_second(5).empty()], ManualClock::new())?;
    /// assert_eq!(bucket.wait_for([1, 1])?, Duration::from_millis(200));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(&self, amounts: [u64; N]) -> Result<Duration, Never> {
        self.at(self.clock.now()).wait_for(amounts)
    }

    /// All streams at one instant, to be asked several things.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// let snapshot = bucket.snapshot();
    /// assert_eq!(snapshot.available(), [10, 5]);
    /// assert!(snapshot.check([10, 5]).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn snapshot(&self) -> Snapshot<N> {
        self.at(self.clock.now()).snapshot()
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
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.set_limit(Limit::per_second(7))?;
    /// assert_eq!(bucket.available(), [7]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
        self.set_limits([limit])
    }
}

impl<C, const S: usize> MultiBucket<1, C, S> {
    /// As [`limits`](Self::limits), where there is one stream.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// assert_eq!(bucket.limit(), Limit::per_second(10));
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn limit(&self) -> Limit {
        let [limit] = self.limits();
        limit
    }
}

impl<const N: usize, C, const S: usize> MultiBucket<N, C, S> {
    /// The limits as they are, all of one version, as they were given; the answer may be outdated
    /// at once.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), "1MiB/s".parse::<Limit>()?], ManualClock::new())?;
    /// assert_eq!(bucket.limits()[1].to_string(), "1MiB/s capacity 1MiB");
    /// bucket.set_limits([Limit::per_second(20), "2MiB/s".parse()?])?;
    /// assert_eq!(bucket.limits(), [Limit::per_second(20), "2MiB/s".parse()?]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn limits(&self) -> [Limit; N] {
        self.state.written()
    }

    /// The bucket at a time that the caller supplies, a reading of the bucket's clock or of one
    /// with the same origin.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket, Time};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10).empty()], ManualClock::new())?;
    /// assert!(bucket.at(Time::from_nanos(300_000_000)).try_take([3]).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn at(&self, now: Time) -> MultiBucketAt<'_, N, S> {
        MultiBucketAt { bucket: &self.state, now }
    }
}

impl<const N: usize, C: Clock + Sync, const S: usize> MultiBucket<N, C, S> {
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
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100).empty()], ManualClock::new())?.with_max_wait(Duration::from_millis(50));
    /// let place = bucket.reserve([1, 5])?;
    /// assert_eq!(bucket.reserve([1, 1]).unwrap_err().wait(), Some(Duration::from_millis(60)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.queue.max_wait = max_wait;
        self
    }

    /// The same bucket, in which reservations owe no more than this many tokens of each stream.
    /// Unless set there is no such bound.
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100).empty()], ManualClock::new())?.with_max_debt([0, 5]);
    /// let place = bucket.reserve([1, 5])?;
    /// assert!(bucket.reserve([1, 1]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_max_debt(mut self, max_debt: [u64; N]) -> Self {
        self.queue.max_debt = max_debt;
        self
    }

    /// Takes these amounts now, whether they are there or not, and says from when they may be used:
    /// a place in the queue. See [`Reservation`].
    ///
    /// # Errors
    ///
    /// [`Refused::Never`] for more than a stream's capacity, and [`Refused::NotYet`] past the
    /// [bounds of the queue](Self::with_max_wait), or where the rate is 0 and tokens are missing;
    /// its wait is what the reservation would have had to wait. A refused call changes nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100).empty()], ManualClock::new())?;
    /// let place = bucket.reserve([1, 3])?;
    /// assert_eq!(place.remaining(), Duration::from_millis(30));
    /// assert_eq!(bucket.reserve([1, 2])?.remaining(), Duration::from_millis(50));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&self, amounts: [u64; N]) -> Result<Reservation<'_, N>, Refused<N>> {
        self.reserve_within(amounts, Duration::MAX)
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
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100).empty()], ManualClock::new())?;
    /// let refused = bucket.reserve_within([1, 3], Duration::from_millis(30-1)).unwrap_err();
    /// assert_eq!(refused.wait(), Some(Duration::from_millis(30)));
    /// assert!(bucket.reserve_within([1, 3], Duration::from_millis(30)).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_within(&self, amounts: [u64; N], max_wait: Duration) -> Result<Reservation<'_, N>, Refused<N>> {
        Reservation::new(self, self.clock.now(), amounts, max_wait)
    }

    /// As [`reserve`](Self::reserve), for any amount: what is more than a stream ever holds waits
    /// until that much has accrued, and the bucket is then empty.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), but [`Refused::Never`] only for an amount of 2^62 units or
    /// more (146 years' worth at 1000/s).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100).empty()], ManualClock::new())?;
    /// assert!(bucket.reserve([1, 200]).is_err());
    /// assert_eq!(bucket.reserve_oversized([1, 200])?.remaining(), Duration::from_secs(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_oversized(&self, amounts: [u64; N]) -> Result<Reservation<'_, N>, Refused<N>> {
        Reservation::oversized(self, self.clock.now(), amounts, Duration::MAX)
    }

    /// Takes these amounts for work whose cost is not known yet; see [`Estimate`].
    ///
    /// # Errors
    ///
    /// As [`try_take`](Self::try_take).
    ///
    /// ```
    /// use tollgate::{Limit, ManualClock, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100)], ManualClock::new())?;
    /// bucket.estimate([1, 5])?.settle([1, 2])?;
    /// assert_eq!(bucket.available(), [9, 98]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn estimate(&self, amounts: [u64; N]) -> Result<Estimate<'_, N>, Refused<N>> {
        let now = self.clock.now();
        self.at(now).try_take(amounts)?;
        Ok(Estimate::new(self, now, amounts))
    }

    /// Waits until these amounts are there in the caller's turn, and takes them:
    /// [`reserve`](Self::reserve) and one sleep.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), at once.
    ///
    /// ```
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::new([Limit::per_second(10), Limit::per_second(1000).empty()])?;
    /// bucket.take_blocking([1, 2])?; // 2 ms later
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn take_blocking(&self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        self.take_blocking_timeout(amounts, Duration::MAX)
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
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::new([Limit::per_second(10), Limit::per_second(1000).empty()])?;
    /// assert!(bucket.take_blocking_timeout([1, 2], Duration::from_secs(1)).is_ok());
    /// assert!(bucket.take_blocking_timeout([1, 100], Duration::from_millis(1)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn take_blocking_timeout(&self, amounts: [u64; N], timeout: Duration) -> Result<(), Refused<N>> {
        self.reserve_within(amounts, timeout)?.wait();
        Ok(())
    }

    /// Waits on `timer` until these amounts are there in the caller's turn, and takes them:
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
    ///     use tollgate::{Limit, MultiBucket, TokioTimer};
    ///
    ///     let bucket = MultiBucket::new([Limit::per_second(10), Limit::per_second(1000).empty()])?;
    ///     bucket.take([1, 2], TokioTimer).await?; // 2 ms later
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn take<T: Timer>(&self, amounts: [u64; N], timer: T) -> impl Future<Output = Result<(), Refused<N>>> {
        self.take_timeout(amounts, Duration::MAX, timer)
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
    ///     use tollgate::{Limit, MultiBucket, TokioTimer};
    ///
    ///     let bucket = MultiBucket::new([Limit::per_second(10), Limit::per_second(1000).empty()])?;
    ///     assert!(bucket.take_timeout([1, 2], Duration::from_secs(1), TokioTimer).await.is_ok());
    ///     assert!(bucket.take_timeout([1, 100], Duration::from_millis(1), TokioTimer).await.is_err());
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn take_timeout<T: Timer>(
        &self,
        amounts: [u64; N],
        timeout: Duration,
        timer: T,
    ) -> impl Future<Output = Result<(), Refused<N>>> {
        waiting::take(self, amounts, timeout, timer)
    }

    /// Waits on `timer` until these amounts could be taken, and takes nothing: at the instant of
    /// completion they were there.
    ///
    /// It holds no place in the queue and promises nothing: whoever calls next may take them, and
    /// while others keep taking, it may wait for ever. For a caller that wants to choose only then
    /// what to take. To be served in turn, [`take`](Self::take).
    ///
    /// # Errors
    ///
    /// At once, or when it looks again: [`Refused::Never`] for more than a stream's capacity, and
    /// [`Refused::NotYet`] where the rate is 0 and tokens are missing.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use tollgate::{Limit, MultiBucket, TokioTimer};
    ///
    ///     let bucket = MultiBucket::new([Limit::per_second(10), Limit::per_second(1000).empty()])?;
    ///     bucket.until_ready([1, 2], TokioTimer).await?; // 2 ms later
    ///     assert!(bucket.try_take([1, 2]).is_ok()); // nobody else was there to take them
    ///     Ok(())
    /// }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn until_ready<T: Timer>(&self, amounts: [u64; N], timer: T) -> impl Future<Output = Result<(), Refused<N>>> {
        waiting::until_ready(self, amounts, timer)
    }

    /// As [`until_ready`](Self::until_ready), on this thread.
    ///
    /// # Errors
    ///
    /// As [`until_ready`](Self::until_ready).
    ///
    /// ```
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::new([Limit::per_second(10), Limit::per_second(1000).empty()])?;
    /// bucket.until_ready_blocking([1, 2])?; // 2 ms later
    /// assert!(bucket.try_take([1, 2]).is_ok()); // nobody else was there to take them
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn until_ready_blocking(&self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        waiting::until_ready_blocking(self, amounts)
    }
}

impl<const N: usize, C: Clock + Sync, const S: usize> Bucket<N> for MultiBucket<N, C, S> {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn revision(&self) -> Revision<N> {
        self.state.revision()
    }

    fn queue(&self) -> &Queue<N> {
        &self.queue
    }

    fn bell(&self) -> Option<&Bell> {
        Some(self.state.bell())
    }

    fn update(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        self.state.update_revised(change)
    }
}

impl<const N: usize, C: Clock, const S: usize> fmt::Debug for MultiBucket<N, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiBucket").field("available", &self.available()).finish_non_exhaustive()
    }
}

/// A [`MultiBucket`] at one instant: the same verbs, at a time that the caller supplied. See
/// [`MultiBucket::at`].
///
/// ```
/// use tollgate::{Limit, ManualClock, MultiBucket, Time};
///
/// let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
/// let now = bucket.at(Time::from_nanos(5));
/// assert!(now.try_take([1, 5]).is_ok());
/// assert_eq!(now.available(), [9, 0]);
/// # Ok::<(), tollgate::LimitError>(())
/// ```
pub struct MultiBucketAt<'a, const N: usize, const S: usize = SLOTS> {
    bucket: &'a Versions<N, S>,
    now: Time,
}

impl<const N: usize, const S: usize> Copy for MultiBucketAt<'_, N, S> {}

impl<const N: usize, const S: usize> Clone for MultiBucketAt<'_, N, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<const N: usize, const S: usize> MultiBucketAt<'_, N, S> {
    /// As [`MultiBucket::try_take`].
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::try_take`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert!(bucket.at(Time::ZERO).try_take([10, 5]).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline(always)]
    pub fn try_take(self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        let mut spare = None;
        let taken = self.bucket.try_take(&mut spare, self.now, amounts);
        self.bucket.retire(spare);
        taken
    }

    /// As [`MultiBucket::take_up_to`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).take_up_to(9, [1, 2]), 2);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to(self, max: u64, per_item: [u64; N]) -> u64 {
        let mut spare = None;
        let taken = self.bucket.take_up_to(&mut spare, self.now, max, per_item);
        self.bucket.retire(spare);
        taken
    }

    /// As [`MultiBucket::take_in_order`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).take_in_order(&[[1, 4], [1, 2], [1, 1]]), 1);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn take_in_order(self, requests: &[[u64; N]]) -> usize {
        let mut spare = None;
        let taken = self.bucket.take_in_order(&mut spare, self.now, requests);
        self.bucket.retire(spare);
        taken
    }

    /// As [`MultiBucket::put_back`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// let now = bucket.at(Time::ZERO);
    /// now.try_take([10, 5])?;
    /// now.put_back([4, 0]);
    /// assert_eq!(now.available(), [4, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn put_back(self, amounts: [u64; N]) {
        let mut spare = None;
        self.bucket.put_back(&mut spare, self.now, amounts);
        self.bucket.retire(spare);
    }

    /// As [`MultiBucket::charge`].
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::charge`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.at(Time::ZERO).charge([11, 5])?;
    /// assert_eq!(bucket.at(Time::from_nanos(200_000_000)).available(), [1, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn charge(self, amounts: [u64; N]) -> Result<(), Refused<N>> {
        let mut spare = None;
        let charged = self.bucket.charge(&mut spare, self.now, amounts);
        self.bucket.retire(spare);
        charged
    }

    /// As [`MultiBucket::reset`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.at(Time::ZERO).reset([4, 0]);
    /// assert_eq!(bucket.available(), [4, 0]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn reset(self, tokens: [u64; N]) {
        let mut spare = None;
        self.bucket.reset(&mut spare, self.now, tokens);
        self.bucket.retire(spare);
    }

    /// As [`MultiBucket::set_limits`], at the time that the caller supplied, or at that of the last
    /// change if that is later.
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::set_limits`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10).empty(), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.at(Time::from_nanos(300_000_000)).set_limits([Limit::per_second(100), Limit::per_second(4)])?;
    /// assert_eq!(bucket.at(Time::from_nanos(310_000_000)).available(), [4, 4]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn set_limits(self, limits: [Limit; N]) -> Result<(), LimitError> {
        self.set_limits_with(limits, Inherit::Keep)
    }

    /// As [`MultiBucket::set_limits_with`], at the time that the caller supplied, or at that of the
    /// last change if that is later.
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::set_limits`].
    ///
    /// ```
    /// # use tollgate::{Inherit, Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.at(Time::ZERO).set_limits_with([Limit::per_second(20), Limit::per_second(3).empty()], Inherit::Reset)?;
    /// assert_eq!(bucket.available(), [20, 0]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn set_limits_with(self, limits: [Limit; N], inherit: Inherit) -> Result<(), LimitError> {
        self.bucket.set_limits(|| self.now, limits, inherit)
    }

    /// As [`MultiBucket::pause`], from the time that the caller supplied, or from that of the last
    /// change if that is later.
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.at(Time::ZERO).pause();
    /// assert_eq!(bucket.available(), [0, 0]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn pause(self) {
        self.pause_for(Duration::MAX);
    }

    /// As [`MultiBucket::pause_for`], from the time that the caller supplied: the pause ends so
    /// long after that.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.at(Time::from_nanos(2)).pause_for(Duration::from_nanos(3));
    /// assert_eq!(bucket.at(Time::from_nanos(4)).available(), [0, 0]);
    /// assert_eq!(bucket.at(Time::from_nanos(5)).available(), [10, 5]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn pause_for(self, duration: Duration) {
        self.bucket.pause_for(|| self.now, duration);
    }

    /// As [`MultiBucket::resume`], at the time that the caller supplied, or at the beginning of the
    /// pause if that is later.
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.pause();
    /// bucket.at(Time::ZERO).resume();
    /// assert_eq!(bucket.available(), [10, 5]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn resume(self) {
        self.bucket.resume(|| self.now);
    }

    /// As [`MultiBucket::pause_left`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// bucket.pause();
    /// assert_eq!(bucket.at(Time::ZERO).pause_left(), Duration::MAX);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn pause_left(self) -> Duration {
        self.snapshot().pause_left()
    }

    /// As [`MultiBucket::available`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).available(), [10, 5]);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn available(self) -> [u64; N] {
        self.bucket.available(self.now)
    }

    /// As [`MultiBucket::wait_for`].
    ///
    /// # Errors
    ///
    /// As [`MultiBucket::wait_for`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).wait_for([10, 5])?, Duration::ZERO);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(self, amounts: [u64; N]) -> Result<Duration, Never> {
        self.snapshot().wait_for(amounts)
    }

    /// As [`MultiBucket::snapshot`].
    ///
    /// ```
    /// # use tollgate::{Limit, ManualClock, MultiBucket, Time};
    /// # let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(5)], ManualClock::new())?;
    /// assert_eq!(bucket.at(Time::ZERO).snapshot().sequence(), 0);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn snapshot(self) -> Snapshot<N> {
        self.bucket.snapshot(self.now)
    }
}

impl<const N: usize, const S: usize> Lender<N> for MultiBucketAt<'_, N, S> {
    fn capacities(&self) -> [u64; N] {
        self.bucket.limits().capacities()
    }

    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        let mut spare = None;
        let answer = self.bucket.update(&mut spare, pause, change, refuse);
        self.bucket.retire(spare);
        answer
    }
}

impl<const N: usize, const S: usize> fmt::Debug for MultiBucketAt<'_, N, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiBucketAt").field("now", &self.now).field("snapshot", &self.snapshot()).finish()
    }
}
