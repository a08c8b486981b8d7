//! Owns the verbs of all buckets, each with its full text. Never says how a bucket keeps its words.

use core::time::Duration;

use crate::bucket::example::bucket_of;
use crate::bucket::{two_readings, verbs};
use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::refused::{Never, Refused};
use crate::lease::lease::Lease;
use crate::limit::amounts::Amounts;
use crate::state::at::At;
use crate::state::store::Stored;
use crate::wait::estimate::Estimate;
use crate::wait::holder::Holder;
use crate::wait::reservation::Reservation;
use crate::wait::take::{Take, UntilAvailable};
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;
use crate::wait::waits::{self, Waits};
#[cfg(feature = "std")]
use crate::wait::{
    cancel::Cancel,
    line::{entry::Aim, turn},
};

/// The verbs of a bucket of `N` streams: the methods that all buckets have.
///
/// Verbs differ in what they do when tokens are short:
///
/// | verb | when tokens are short |
/// |---|---|
/// | [`try_take`](Self::try_take) | refuses, and says for how long |
/// | [`admit`](Self::admit) | refuses, also where any stream is in debt |
/// | [`take_items`](Self::take_items), [`take_in_order`](Self::take_in_order) | take a part |
/// | [`reserve`](Self::reserve) | takes at once, and says from when the tokens may be used |
/// | [`take_on`](Self::take_on), and its kin on tokio and on threads | wait in turn |
/// | [`until_available_on`](Self::until_available_on) | waits in turn, and takes nothing |
/// | [`charge`](Self::charge) | takes at once, and goes into debt |
///
/// What holds for all of them:
///
/// * An amount is a number of tokens: a `u64` for a `TokenBucket`, else an array of them.
/// * An amount of 0 leaves its stream out: it is neither checked nor written.
/// * All streams change in one linearizable step, or none does. A refused call changes nothing.
/// * Each call reads the clock once. Waiting verbs read it again when they wake. A clock with a
///   [rough](crate::Clock::rough) reading is read again before `try_take`, `admit` and `take_items`
///   refuse.
/// * A grant is only a count: it orders no other memory.
///
/// [`TokenBucket`](crate::TokenBucket) and [`MultiBucket`](crate::MultiBucket) have them as methods
/// of their own. So this trait, which is sealed, is for code that takes any bucket.
///
/// ```
/// use tollgate::{Bucket, Limit, MultiBucket};
///
/// fn admit<const N: usize>(bucket: &impl Bucket<N, Amounts = [u64; N]>) -> bool {
///     bucket.try_take([1; N]).is_ok()
/// }
///
/// assert!(admit(&MultiBucket::new([Limit::per_second(10), Limit::per_second(5)])?));
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub trait Bucket<const N: usize = 1>: Stored<N> + Waits<N> + Sized {
    /// Takes these amounts from all streams now, or nothing from any.
    ///
    /// # Errors
    ///
    /// * [`Refused::NotYet`] if tokens are short, or others wait for them: with the longest wait.
    /// * [`Refused::Never`] for more than a stream's capacity.
    /// * [`Refused::Closed`] once the bucket is closed.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10)", "Limit::per_second(5)")]
    /// bucket.try_take([6, 0])?;
    /// let refused = bucket.try_take([6, 1]).unwrap_err();
    /// assert_eq!(refused.stream(), 0);
    /// assert_eq!(refused.wait(), Some(Duration::from_millis(200)));
    /// assert_eq!(bucket.available(), [4, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    fn try_take(&self, amounts: Self::Amounts) -> Result<Granted<N>, Refused<N>> {
        two_readings::try_take(self, amounts.to_array())
    }

    /// Takes these amounts now, unless any stream of the bucket owes tokens, also one with an
    /// amount of 0. So a quota binds that is [charged](Self::charge) when its cost is known.
    ///
    /// It is refused, too, while somebody waits for any of the streams. A
    /// [reservation](Self::reserve) that is not ready counts as owed.
    ///
    /// # Errors
    ///
    /// As [`try_take`](Self::try_take); [`Refused::NotYet`] waits until nothing is owed.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10)", "Limit::per_second(1000)")]
    /// bucket.admit([1, 0])?;
    /// bucket.charge([0, 2500])?; // what the response came to
    /// assert_eq!(bucket.debt(), [0, 1500]);
    /// assert!(bucket.try_take([1, 0]).is_ok()); // leaves the second stream out
    /// assert_eq!(bucket.admit([1, 0]).unwrap_err().wait(), Some(Duration::from_millis(1500)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn admit(&self, amounts: Self::Amounts) -> Result<Granted<N>, Refused<N>> {
        two_readings::admit(self, amounts.to_array())
    }

    /// Takes as many whole items as fit, `max` at the most, and returns their number. An item takes
    /// `per_item` of the streams; one of no tokens always fits.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10)", "Limit::per_second(1000)")]
    /// assert_eq!(bucket.take_items(20, [1, 300]), 3);
    /// assert_eq!(bucket.available(), [7, 100]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    fn take_items(&self, max: u64, per_item: Self::Amounts) -> u64 {
        two_readings::take_items(self, max, per_item.to_array())
    }

    /// Takes the longest prefix of these requests that fits, in one step, and returns its length.
    ///
    /// The first request that does not fit ends the batch, also one that never can. Single takes at
    /// one instant come to the same, but others may come between them. The requests are counted
    /// again when another thread publishes first.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10)", "Limit::per_second(1000)")]
    /// assert_eq!(bucket.take_in_order(&[[1, 600], [1, 300], [1, 300], [1, 50]]), 2);
    /// assert_eq!(bucket.available(), [8, 100]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    fn take_in_order(&self, requests: &[Self::Amounts]) -> usize {
        verbs::take_in_order(self.store(), Stored::now(self), requests.iter().map(|request| request.to_array()))
    }

    /// Gives back tokens that were taken and not used.
    ///
    /// They pay off a debt first; those above the capacity are lost.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10)", "Limit::per_second(5)")]
    /// bucket.try_take([10, 5])?;
    /// bucket.put_back([3, u64::MAX]);
    /// assert_eq!(bucket.available(), [3, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    fn put_back(&self, amounts: Self::Amounts) {
        verbs::put_back(self.store(), Stored::now(self), amounts.to_array());
    }

    /// Takes these amounts unconditionally, for work already done. May go into debt.
    ///
    /// A debt may exceed the capacity, and the bounds on those who wait. The largest takes 146
    /// years to refill at 1000/s, and at least 90 days at any rate.
    ///
    /// # Errors
    ///
    /// [`Refused::Never`] for an amount that is larger, [`Refused::NotYet`] for such a debt.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10)")]
    /// bucket.charge(25)?;
    /// assert_eq!(bucket.wait_for(1)?, Some(Duration::from_millis(1600)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn charge(&self, amounts: Self::Amounts) -> Result<(), Refused<N>> {
        verbs::charge(self.store(), Stored::now(self), amounts.to_array())
    }

    /// Sets the level of each stream, capped at the capacity: [the bound](crate#the-bound) counts
    /// anew from here. See [`At::reset`], which says what stays owed, and who is told.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10)", "Limit::per_second(5)")]
    /// bucket.reset([3, 9]);
    /// assert_eq!(bucket.available(), [3, 5]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    fn reset(&self, tokens: Self::Amounts) {
        verbs::reset(self.store(), Stored::now(self), tokens.to_array());
    }

    /// Returns the whole tokens available now, of all streams at one instant.
    ///
    /// A stream in debt has 0; so have all during a pause. While others wait, they are for those.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10)", "Limit::per_second(5)")]
    /// assert_eq!(bucket.available(), [10, 5]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    fn available(&self) -> Self::Amounts {
        Self::Amounts::from_array(verbs::available(self.store(), Stored::now(self)))
    }

    /// Returns the tokens that each stream owes now, rounded up; 0 without a debt.
    ///
    /// Reservations that are not ready are owed, too. Until a debt is paid, nothing is available.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10)", "Limit::per_second(5)")]
    /// bucket.charge([12, 1])?;
    /// assert_eq!((bucket.debt(), bucket.available()), ([2, 0], [0, 4]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn debt(&self) -> Self::Amounts {
        Self::Amounts::from_array(verbs::debt(self.store(), Stored::now(self)))
    }

    /// Returns the time until these amounts are available if nobody takes. Takes nothing.
    ///
    /// It is `None` if nobody knows: the rate is 0, a pause has no end, or the bucket is closed.
    ///
    /// # Errors
    ///
    /// [`Never`] for more than a stream's capacity.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10).empty()", "Limit::per_second(5).empty()")]
    /// assert_eq!(bucket.wait_for([1, 1])?, Some(Duration::from_millis(200)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn wait_for(&self, amounts: Self::Amounts) -> Result<Option<Duration>, Never> {
        verbs::wait_for(self.store(), Stored::now(self), amounts.to_array())
    }

    /// Views the bucket at a time that the caller supplies: see [`At`], which has an example.
    #[inline]
    fn at(&self, now: Time) -> At<&Self, N> {
        At { of: self, now }
    }

    /// Lends up to `most` tokens to one thread, which spends them without atomics. See [`Lease`].
    /// It holds nothing at first, and never more than the capacity.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(100)")]
    /// let mut lease = bucket.lease(10);
    /// for _ in 0..4 {
    ///     lease.try_take(1)?;
    /// }
    /// assert_eq!((lease.held(), bucket.available()), (3, 93)); // fetched 1, 2, and 4
    /// drop(lease);
    /// assert_eq!(bucket.available(), 96);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn lease(&self, most: Self::Amounts) -> Lease<&Self, N> {
        Lease::new(self, most)
    }

    /// Takes these amounts now, also where tokens are short, and says from when they may be used.
    ///
    /// See [`Reservation`].
    ///
    /// # Errors
    ///
    /// * [`Refused::Never`] for more than a stream's capacity.
    /// * [`Refused::NotYet`] past the bucket's bounds on waiting, or where a stream that lacks
    ///   tokens has a rate of 0: with the wait that the reservation would have.
    /// * [`Refused::Closed`] once the bucket is closed.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10)", "Limit::per_second(100).empty()")]
    /// let place = bucket.reserve([1, 3])?;
    /// assert_eq!(place.remaining(), Some(Duration::from_millis(30)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn reserve(&self, amounts: Self::Amounts) -> Result<Reservation<'_, N>, Refused<N>> {
        self.reserve_within(amounts, Duration::MAX)
    }

    /// Reserves these amounts, if the wait is no longer than `max_wait`.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), and [`Refused::NotYet`] with the exact wait where it is
    /// longer.
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(100).empty()")]
    /// let refused = bucket.reserve_within(3, Duration::from_millis(29)).unwrap_err();
    /// assert_eq!(refused.wait(), Some(Duration::from_millis(30)));
    /// assert!(bucket.reserve_within(3, Duration::from_millis(30)).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn reserve_within(&self, amounts: Self::Amounts, max_wait: Duration) -> Result<Reservation<'_, N>, Refused<N>> {
        waits::reserve(self, Stored::now(self), amounts.to_array(), max_wait, false)
    }

    /// Reserves any amounts: one above the capacity waits until it has accrued.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), but [`Refused::Never`] only for more than any
    /// [debt](Self::charge).
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(100)")]
    /// assert!(bucket.reserve(200).is_err() && bucket.reserve_oversized(200).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn reserve_oversized(&self, amounts: Self::Amounts) -> Result<Reservation<'_, N>, Refused<N>> {
        waits::reserve(self, Stored::now(self), amounts.to_array(), Duration::MAX, true)
    }

    /// Takes these amounts for work of unknown cost: [`Estimate::settle`] corrects them.
    ///
    /// # Errors
    ///
    /// As [`try_take`](Self::try_take).
    ///
    /// ```
    #[doc = bucket_of!("Limit::per_second(10)", "Limit::per_second(100)")]
    /// bucket.estimate([1, 5])?.settle([1, 2])?;
    /// assert_eq!(bucket.available(), [9, 98]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn estimate(&self, amounts: Self::Amounts) -> Result<Estimate<'_, N>, Refused<N>> {
        let (now, amounts) = (Stored::now(self), amounts.to_array());
        verbs::try_take(self.store(), now, amounts)?;
        Ok(Estimate::new(Holder::Borrowed(self), now, amounts))
    }

    /// Waits on this thread until it is the caller's turn, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`take_blocking_timeout`](Self::take_blocking_timeout).
    #[cfg(feature = "std")]
    fn take_blocking(&self, amounts: Self::Amounts) -> Result<Granted<N>, Refused<N>> {
        self.take_blocking_timeout(amounts, Duration::MAX)
    }

    /// Waits on this thread for at most `timeout`, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`reserve_within`](Self::reserve_within): at once, if it cannot be served in time, and as
    /// soon as a change of limits or a close makes that so.
    ///
    /// ```
    /// use {std::time::Duration, tollgate::{Bucket, Limit, MultiBucket}};
    /// let bucket = MultiBucket::new([Limit::per_second(10), Limit::per_second(1000).empty()])?;
    /// bucket.take_blocking([1, 2])?; // 2 ms later
    ///     
    /// assert!(bucket.take_blocking_timeout([1, 500], Duration::from_millis(1)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    fn take_blocking_timeout(&self, amounts: Self::Amounts, timeout: Duration) -> Result<Granted<N>, Refused<N>> {
        turn::wait_blocking(self, amounts.to_array(), timeout, Aim::Take, None)
    }

    /// Waits as [`take_blocking_timeout`](Self::take_blocking_timeout) does, unless another thread
    /// cancels it. See [`Cancel`], which has an example.
    ///
    /// # Errors
    ///
    /// As [`take_blocking_timeout`](Self::take_blocking_timeout), and [`Refused::Cancelled`].
    #[cfg(feature = "std")]
    fn take_blocking_unless(
        &self,
        amounts: Self::Amounts,
        timeout: Duration,
        cancel: &Cancel,
    ) -> Result<Granted<N>, Refused<N>> {
        turn::wait_blocking(self, amounts.to_array(), timeout, Aim::Take, Some(cancel))
    }

    /// Waits on tokio's timer until it is the caller's turn, and takes these amounts.
    ///
    /// The future takes its place at its first poll. Dropped before it is ready, it leaves the line
    /// and has taken nothing.
    ///
    /// # Errors
    ///
    /// As [`take_blocking_timeout`](Self::take_blocking_timeout), from the first poll on.
    ///
    /// ```
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let bucket = tollgate::TokenBucket::new(tollgate::Limit::per_second(1000).empty())?;
    ///     bucket.take(2).await?; // 2 ms later
    ///     let timeout = std::time::Duration::from_millis(4);
    ///     assert!(bucket.take_timeout(1000, timeout).await.is_err()); // at once
    ///     Ok(())
    /// }
    /// ```
    #[cfg(feature = "tokio")]
    fn take(&self, amounts: Self::Amounts) -> Take<&Self, TokioTimer, N> {
        self.take_on(amounts, TokioTimer)
    }

    /// Waits on tokio's timer for at most `timeout`, and takes these amounts. The timeout counts
    /// from this call, the place in the line from the first poll.
    ///
    /// # Errors
    ///
    /// As [`take_blocking_timeout`](Self::take_blocking_timeout), from the first poll on.
    #[cfg(feature = "tokio")]
    fn take_timeout(&self, amounts: Self::Amounts, timeout: Duration) -> Take<&Self, TokioTimer, N> {
        self.take_timeout_on(amounts, timeout, TokioTimer)
    }

    /// Waits on any [`Timer`] until it is the caller's turn, and takes these amounts, as
    /// [`take`](crate#features) does on tokio's.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    fn take_on<T: Timer>(&self, amounts: Self::Amounts, timer: T) -> Take<&Self, T, N> {
        self.take_timeout_on(amounts, Duration::MAX, timer)
    }

    /// Waits on any [`Timer`] for at most `timeout`, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`reserve_within`](Self::reserve_within), from the first poll on.
    fn take_timeout_on<T: Timer>(&self, amounts: Self::Amounts, timeout: Duration, timer: T) -> Take<&Self, T, N> {
        waits::take(self, amounts.to_array(), timeout, timer)
    }

    /// Waits in turn on any [`Timer`] until these amounts could be taken, and takes nothing: they
    /// are for whoever comes next.
    ///
    /// Without `std` there is no line: it looks again when they should be there.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    ///
    /// ```
    /// use tollgate::{Bucket, Limit, TokenBucket, wait::timer_fn};
    /// # if cfg!(not(feature = "std")) { return Ok(()); } // the default clock then stands still
    /// let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
    /// smol::block_on(bucket.until_available_on(2, timer_fn(smol::Timer::after)))?;
    /// assert!(bucket.try_take(2).is_ok()); // nobody else took them
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn until_available_on<T: Timer>(&self, amounts: Self::Amounts, timer: T) -> UntilAvailable<&Self, T, N> {
        waits::until_available(self, amounts.to_array(), timer)
    }

    /// Waits on this thread as [`until_available_on`](Self::until_available_on) does on a timer.
    ///
    /// # Errors
    ///
    /// As [`until_available_on`](Self::until_available_on).
    #[cfg(feature = "std")]
    fn until_available_blocking(&self, amounts: Self::Amounts) -> Result<(), Refused<N>> {
        turn::wait_blocking(self, amounts.to_array(), Duration::MAX, Aim::Look, None).map(|_| ())
    }

    /// Closes the bucket for good: all who wait are refused, and so is whoever takes or reserves.
    ///
    /// Charges, settling, put-backs and changes of limits go on.
    ///
    /// ```
    /// use tollgate::{Limit, Refused, TokenBucket};
    /// let bucket = TokenBucket::new(Limit::per_second(10))?;
    /// bucket.close();
    /// assert_eq!(bucket.try_take(1), Err(Refused::Closed));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[cfg(feature = "std")]
    fn close(&self) {
        self.queue().close(Stored::now(self));
    }
}
