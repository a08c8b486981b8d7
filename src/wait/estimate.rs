//! Owns tokens that were taken for work whose cost is not known before it is done.

use core::fmt;
use core::mem;

use crate::clock::time::Time;
use crate::decision::refused::{Never, Refused};
use crate::decision::revision::Revision;
use crate::wait::holder::Holder;
use crate::wait::reservation::give_back;

/// Tokens that were taken on an estimate, to be settled when the cost is known.
///
/// **Dropped without having been settled**, by a panic or a cancelled task say, it gives the
/// estimate back; after [`keep_on_drop`](Self::keep_on_drop) it does not.
///
/// Of a bucket in an `Arc`, `estimate_owned` gives an `Estimate<'static>`, for response bodies and
/// tasks.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, TokenBucket};
///
/// let tokens_per_minute =
///     TokenBucket::with_clock(Limit::per_minute(1000), ManualClock::new())?;
/// let estimate = tokens_per_minute.estimate(400)?;
/// // ... the answer took 250 ...
/// estimate.settle([250])?;
/// assert_eq!(tokens_per_minute.available(), 750);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "an estimate that is dropped is given back"]
pub struct Estimate<'a, const N: usize = 1> {
    bucket: Holder<'a, N>,
    /// When it was taken.
    now: Time,
    amounts: [u64; N],
    keep: bool,
}

impl<'a, const N: usize> Estimate<'a, N> {
    /// These amounts must have been taken from the bucket.
    pub(crate) fn new(bucket: Holder<'a, N>, now: Time, amounts: [u64; N]) -> Self {
        Self { bucket, now, amounts, keep: false }
    }

    /// From now on the estimate counts as used if it is dropped without having been settled.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// drop(bucket.estimate(4)?);
    /// assert_eq!(bucket.available(), 10);
    /// drop(bucket.estimate(4)?.keep_on_drop());
    /// assert_eq!(bucket.available(), 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep_on_drop(mut self) -> Self {
        self.keep = true;
        self
    }

    /// Replaces the estimate by what was used, in one step: a surplus comes back, never above the
    /// capacity, and a shortage is taken whether it is there or not. It may leave a debt, also one
    /// beyond the capacity and beyond the [bounds of the queue](crate::TokenBucket::with_max_debt),
    /// as the work is done; until that is paid off nothing is available.
    ///
    /// # Errors
    ///
    /// [`Refused::Never`] for an amount, and [`Refused::NotYet`] for a debt, of 2^62 units or more
    /// (146 years at 1000/s; at the fastest rates less, down to 90 days). The estimate then stays
    /// taken.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock(
    ///     [Limit::per_second(10), Limit::per_second(100)],
    ///     ManualClock::new(),
    /// )?;
    /// bucket.estimate([1, 50])?.settle([1, 250])?;
    /// assert_eq!(bucket.available(), [9, 0]);
    /// assert_eq!(bucket.wait_for([0, 1])?, Some(Duration::from_millis(1510)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn settle(mut self, actual: [u64; N]) -> Result<(), Refused<N>> {
        let taken = mem::replace(&mut self.amounts, [0; N]);
        if actual == taken {
            return Ok(());
        }
        let now = self.bucket.now();
        let shortage = core::array::from_fn(|i| actual[i].saturating_sub(taken[i]));
        self.bucket.bring_home(now, &shortage);
        let settled = self.bucket.update(&|Revision { limits, .. }, spent| {
            limits.settle(spent, limits.elapsed(now), &taken, &actual, |i| self.bucket.is_waited_for(i))
        });
        // A shortage above the capacity is paid with all there is.
        self.bucket.bring_home(now, &[0; N]);
        self.bucket.eased(now);
        settled.map_err(|(Revision { limits, .. }, spent)| match limits.units(&shortage) {
            Ok(units) => limits.would_wait(&spent, limits.elapsed(now), &units).behind(limits.pause_left(now)).into(),
            Err(never) => Never { requested: actual[never.stream], ..never }.into(),
        })
    }
}

impl<const N: usize> Drop for Estimate<'_, N> {
    fn drop(&mut self) {
        if !self.keep {
            give_back(&*self.bucket, self.now, &self.amounts);
        }
    }
}

impl<const N: usize> fmt::Debug for Estimate<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Estimate").field("keep_on_drop", &self.keep).finish_non_exhaustive()
    }
}
