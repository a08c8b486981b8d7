//! Owns the verbs of a bucket at one time, which the caller supplies. Never reads a clock.

use core::time::Duration;

use crate::bucket::verbs;
use crate::decision::granted::Granted;
use crate::decision::refused::{Never, Refused};
use crate::limit::amounts::Amounts;
use crate::state::at::At;
use crate::state::store::Stored;
use crate::wait::reservation::Reservation;
use crate::wait::waits::{self, Waits};

/// The verbs of a [`Bucket`](crate::Bucket) at a time that the caller supplies.
impl<B: Stored<N>, const N: usize> At<&B, N> {
    /// Takes these amounts, or nothing: [`Bucket::try_take`](crate::Bucket::try_take).
    ///
    /// # Errors
    ///
    /// As [`Bucket::try_take`](crate::Bucket::try_take).
    #[inline(always)]
    pub fn try_take(self, amounts: B::Amounts) -> Result<Granted<N>, Refused<N>> {
        verbs::try_take(self.of.store(), self.now, amounts.to_array())
    }

    /// Takes these amounts unless a stream owes tokens: [`Bucket::admit`](crate::Bucket::admit).
    ///
    /// # Errors
    ///
    /// As [`Bucket::admit`](crate::Bucket::admit).
    pub fn admit(self, amounts: B::Amounts) -> Result<Granted<N>, Refused<N>> {
        verbs::admit(self.of.store(), self.now, amounts.to_array())
    }

    /// Tokens that are owed at this time: [`Bucket::debt`](crate::Bucket::debt).
    pub fn debt(self) -> B::Amounts {
        B::Amounts::from_array(verbs::debt(self.of.store(), self.now))
    }

    /// Takes as many whole items as fit: [`Bucket::take_items`](crate::Bucket::take_items).
    #[inline]
    pub fn take_items(self, max: u64, per_item: B::Amounts) -> u64 {
        verbs::take_items(self.of.store(), self.now, max, per_item.to_array())
    }

    /// Takes the longest prefix of these requests that fits:
    /// [`Bucket::take_in_order`](crate::Bucket::take_in_order).
    #[inline]
    pub fn take_in_order(self, requests: &[B::Amounts]) -> usize {
        verbs::take_in_order(self.of.store(), self.now, requests.iter().map(|request| request.to_array()))
    }

    /// Gives back tokens that were not used: [`Bucket::put_back`](crate::Bucket::put_back).
    #[inline(always)]
    pub fn put_back(self, amounts: B::Amounts) {
        verbs::put_back(self.of.store(), self.now, amounts.to_array());
    }

    /// Takes these amounts unconditionally: [`Bucket::charge`](crate::Bucket::charge).
    ///
    /// # Errors
    ///
    /// As [`Bucket::charge`](crate::Bucket::charge).
    pub fn charge(self, amounts: B::Amounts) -> Result<(), Refused<N>> {
        verbs::charge(self.of.store(), self.now, amounts.to_array())
    }

    /// Sets the level: [`Bucket::reset`](crate::Bucket::reset).
    ///
    /// * **Debts** are forgiven, but for what [firm](crate::wait::Reservation) reservations have
    ///   ahead of time: that stays owed, and their instants stay. So the level is below `tokens`
    ///   by it until it has accrued, or is given back. With a debt of another kind beside it, all
    ///   that they hold counts as ahead of time.
    /// * **Estimates**, leases and reservations that are ready were taken before. What they give
    ///   back, or use beyond it, counts from the new level.
    /// * **Those who wait** in turn keep their places, and newcomers come after them. The first is
    ///   told if its turn comes earlier; at a lower level they wait for as long as it takes.
    /// * **A stream that stood longer** than its [idle limit](crate::Limit::idle_limit) is revived.
    ///
    /// A bucket of a key holds nothing back: there all debts are forgiven.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let limit = Limit::per_second(10).empty();
    /// let bucket = TokenBucket::with_clock(limit, ManualClock::new())?;
    /// let place = bucket.reserve(3)?;
    /// bucket.at(Time::ZERO).reset(5); // "remaining: 5", says a server
    /// assert_eq!((bucket.available(), place.remaining()), (2, Some(Duration::from_millis(300))));
    /// place.cancel();
    /// assert_eq!(bucket.available(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(self, tokens: B::Amounts) {
        verbs::reset(self.of.store(), self.now, tokens.to_array());
    }

    /// Tokens available at this time: [`Bucket::available`](crate::Bucket::available).
    #[inline]
    pub fn available(self) -> B::Amounts {
        B::Amounts::from_array(verbs::available(self.of.store(), self.now))
    }

    /// The time until these amounts are available: [`Bucket::wait_for`](crate::Bucket::wait_for).
    ///
    /// # Errors
    ///
    /// As [`Bucket::wait_for`](crate::Bucket::wait_for).
    pub fn wait_for(self, amounts: B::Amounts) -> Result<Option<Duration>, Never> {
        verbs::wait_for(self.of.store(), self.now, amounts.to_array())
    }
}

/// The verbs that make a reservation at a time that the caller supplies. It is waited for, and
/// dropped, by the bucket's clock.
impl<'b, B: Stored<N> + Waits<N>, const N: usize> At<&'b B, N> {
    /// Takes these amounts, to be used later: [`Bucket::reserve`](crate::Bucket::reserve).
    ///
    /// # Errors
    ///
    /// As [`Bucket::reserve`](crate::Bucket::reserve).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new())?;
    /// let second = Time::ZERO.after(Duration::from_secs(1));
    /// let place = bucket.at(second).reserve(10)?;
    /// assert_eq!(place.ready_at(), Some(second));
    /// assert_eq!(place.remaining(), Some(Duration::from_secs(1))); // by the bucket's clock
    ///     
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(self, amounts: B::Amounts) -> Result<Reservation<'b, N>, Refused<N>> {
        self.reserve_within(amounts, Duration::MAX)
    }

    /// Reserves, if the wait from this time on is short enough:
    /// [`Bucket::reserve_within`](crate::Bucket::reserve_within).
    ///
    /// # Errors
    ///
    /// As [`Bucket::reserve_within`](crate::Bucket::reserve_within).
    pub fn reserve_within(self, amounts: B::Amounts, max_wait: Duration) -> Result<Reservation<'b, N>, Refused<N>> {
        waits::reserve(self.of, self.now, amounts.to_array(), max_wait, false)
    }

    /// Reserves any amounts: [`Bucket::reserve_oversized`](crate::Bucket::reserve_oversized).
    ///
    /// # Errors
    ///
    /// As [`Bucket::reserve_oversized`](crate::Bucket::reserve_oversized).
    pub fn reserve_oversized(self, amounts: B::Amounts) -> Result<Reservation<'b, N>, Refused<N>> {
        waits::reserve(self.of, self.now, amounts.to_array(), Duration::MAX, true)
    }
}

impl<B: Stored<1, Amounts = u64>> At<&B> {
    /// Takes the tokens available, `max` at the most.
    #[inline]
    pub fn take_up_to(self, max: u64) -> u64 {
        self.take_items(max, 1)
    }
}
