//! Owns the buckets of all keys at one instant: every verb, as what it does to words; where those
//! lie is in `keys.rs`.

use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::refused::{Never, Refused};
use crate::keyed::key_hash::KeyHash;
use crate::keyed::key_refused::KeyRefused;
use crate::keyed::key_refused::NoRoom;
use crate::keyed::keys::{self, Keys};
use crate::keyed::streams::Amounts;
use crate::keyed::streams::{Shape, Streams};
use crate::keyed::tier::{OneTier, TierOf};
use crate::limit::limit::LimitError;

/// [`KeyedBuckets`](crate::KeyedBuckets) at one instant: the same verbs, at a time that the caller
/// supplied. See [`KeyedBuckets::at`](crate::KeyedBuckets::at).
///
/// ```
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
/// let now = clients.at(Time::from_nanos(5));
/// assert!(now.try_take(&7, 10).is_ok());
/// assert_eq!(now.available(&7), 0);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub struct KeyedBucketsAt<'a, K, const N: usize = 1, H = KeyHash, F = OneTier>
where
    [u64; N]: Streams<N>,
{
    pub(crate) keys: &'a Keys<K, N, H, F>,
    pub(crate) now: Time,
}

impl<K, const N: usize, H, F> Copy for KeyedBucketsAt<'_, K, N, H, F> where [u64; N]: Streams<N> {}

impl<K, const N: usize, H, F> Clone for KeyedBucketsAt<'_, K, N, H, F>
where
    [u64; N]: Streams<N>,
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: Hash, const N: usize, H: BuildHasher, F> KeyedBucketsAt<'_, K, N, H, F>
where
    [u64; N]: Streams<N>,
{
    /// As [`KeyedBuckets::try_take`](crate::KeyedBuckets::try_take).
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::try_take`](crate::KeyedBuckets::try_take).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert!(clients.at(Time::ZERO).try_take(&7, 10).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take<Q>(self, key: &Q, amounts: Amounts<N>) -> Result<(), KeyRefused<N>>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let (amounts, now) = (<[u64; N]>::array(amounts), self.now);
        if amounts == [0; N] {
            return Ok(());
        }
        let taken = self.keys.change(
            key,
            now,
            |limits, spent| limits.take(spent, limits.elapsed(now), &amounts).map(|next| (next, ())),
            |limits, spent| limits.refusal(spent, limits.elapsed(now), &amounts),
        );
        self.or_no_room(taken)
    }

    /// As [`KeyedBuckets::take_up_to`](crate::KeyedBuckets::take_up_to).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.at(Time::ZERO).take_up_to(&7, 20, 3), 3);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to<Q>(self, key: &Q, max: u64, per_item: Amounts<N>) -> u64
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let (per_item, now) = (<[u64; N]>::array(per_item), self.now);
        if per_item == [0; N] {
            return max;
        }
        let taken = self.keys.change(
            key,
            now,
            |limits, spent| limits.take_items(spent, limits.elapsed(now), &per_item, max),
            |_, _| (),
        );
        match taken {
            Ok(Ok(items)) => items,
            Ok(Err(())) | Err(keys::NoRoom) => 0,
        }
    }

    /// As [`KeyedBuckets::take_in_order`](crate::KeyedBuckets::take_in_order).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.at(Time::ZERO).take_in_order(&7, &[3, 4, 5, 1]), 2);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn take_in_order<Q>(self, key: &Q, requests: &[Amounts<N>]) -> usize
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let requests = || requests.iter().map(|request| <[u64; N]>::array(*request));
        let taken = self.keys.change(
            key,
            self.now,
            |limits, spent| limits.take_in_order(spent, limits.elapsed(self.now), requests()),
            |_, _| (),
        );
        match taken {
            Ok(Ok(fit)) => fit,
            // No token was to be taken: of those that fit, each is for none.
            Ok(Err(())) | Err(keys::NoRoom) => requests().take_while(|request| *request == [0; N]).count(),
        }
    }

    /// As [`KeyedBuckets::charge`](crate::KeyedBuckets::charge).
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::charge`](crate::KeyedBuckets::charge).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// let now = clients.at(Time::ZERO);
    /// now.charge(&7, 25)?;
    /// assert_eq!(now.wait_for(&7, 1)?, Duration::from_millis(1600));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn charge<Q>(self, key: &Q, amounts: Amounts<N>) -> Result<(), KeyRefused<N>>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let (amounts, now) = (<[u64; N]>::array(amounts), self.now);
        if amounts == [0; N] {
            return Ok(());
        }
        let charged = self.keys.change(
            key,
            now,
            |limits, spent| {
                let units = limits.units(&amounts).ok()?;
                Some((limits.owe(spent, limits.elapsed(now), &units, &limits.furthest_debts())?, ()))
            },
            |limits, spent| match limits.units(&amounts) {
                Ok(units) => limits.would_wait(spent, limits.elapsed(now), &units).into(),
                Err(never) => Refused::from(never),
            },
        );
        self.or_no_room(charged)
    }

    /// As [`KeyedBuckets::reset`](crate::KeyedBuckets::reset).
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::reset`](crate::KeyedBuckets::reset).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// let now = clients.at(Time::ZERO);
    /// now.reset(&7, 3)?;
    /// assert_eq!(now.available(&7), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset<Q>(self, key: &Q, tokens: Amounts<N>) -> Result<(), NoRoom>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        self.keys.reset(key, self.now, &<[u64; N]>::array(tokens)).map_err(|keys::NoRoom| self.no_room())
    }

    /// As [`KeyedBuckets::put_back`](crate::KeyedBuckets::put_back).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// let now = clients.at(Time::ZERO);
    /// now.try_take(&7, 10)?;
    /// now.put_back(&7, 4);
    /// assert_eq!(now.available(&7), 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn put_back<Q>(self, key: &Q, amounts: Amounts<N>)
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let (amounts, now) = (<[u64; N]>::array(amounts), self.now);
        self.keys.change_known(key, now, |limits, spent| limits.put_back(spent, limits.elapsed(now), &amounts));
    }

    /// As [`KeyedBuckets::available`](crate::KeyedBuckets::available).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.at(Time::ZERO).available(&7), 10);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn available<Q>(self, key: &Q) -> Amounts<N>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let available = |limits: &Limits<N>, spent: &_| limits.available(spent, limits.elapsed(self.now));
        <[u64; N]>::amounts(self.keys.read(key, self.now, available))
    }

    /// As [`KeyedBuckets::wait_for`](crate::KeyedBuckets::wait_for).
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::wait_for`](crate::KeyedBuckets::wait_for).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.at(Time::ZERO).wait_for(&7, 10)?, Duration::ZERO);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for<Q>(self, key: &Q, amounts: Amounts<N>) -> Result<Duration, Never>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        let amounts = <[u64; N]>::array(amounts);
        self.keys.read(key, self.now, |limits, spent| {
            limits.check(&amounts)?;
            Ok(limits.not_yet(spent, limits.elapsed(self.now), &amounts).wait())
        })
    }

    /// As [`KeyedBuckets::shrink`](crate::KeyedBuckets::shrink).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take(&7, 1)?;
    /// clients.at(Time::from_nanos(100_000_000)).shrink();
    /// assert!(clients.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shrink(self) {
        self.keys.shrink(self.now);
    }

    /// As [`KeyedBuckets::retain`](crate::KeyedBuckets::retain).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// let now = clients.at(Time::ZERO);
    /// now.try_take(&7, 1)?;
    /// now.retain(|available| available > 9); // what is forgotten is filled
    /// assert_eq!(now.available(&7), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retain(self, mut keep: impl FnMut(Amounts<N>) -> bool) {
        self.keys.retain(self.now, |available| keep(<[u64; N]>::amounts(available)));
        self.shrink();
    }

    /// As [`KeyedBuckets::set_limits`](crate::KeyedBuckets::set_limits), from this instant on.
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::set_limits`](crate::KeyedBuckets::set_limits).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.at(Time::ZERO).set_limits(Limit::per_second(5))?;
    /// assert_eq!(clients.available(&7), 5);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn set_limits(self, limits: <[u64; N] as Streams<N>>::Limits) -> Result<(), LimitError> {
        let limits = <[u64; N]>::limits(limits);
        (0..self.keys.tiers()).try_for_each(|tier| self.keys.limits(tier).check(&limits))?;
        (0..self.keys.tiers()).try_for_each(|tier| self.keys.limits(tier).change(|| self.now, limits))
    }

    /// As [`KeyedBuckets::set_tier_limits`](crate::KeyedBuckets::set_tier_limits), from this
    /// instant on.
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::set_tier_limits`](crate::KeyedBuckets::set_tier_limits).
    ///
    /// # Panics
    ///
    /// As [`KeyedBuckets::set_tier_limits`](crate::KeyedBuckets::set_tier_limits).
    ///
    /// ```
    /// # use tollgate::clock::{ManualClock, Time};
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.at(Time::ZERO).set_tier_limits(0, Limit::per_second(5))?;
    /// assert_eq!(clients.available(&7), 5);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn set_tier_limits(self, tier: usize, limits: <[u64; N] as Streams<N>>::Limits) -> Result<(), LimitError> {
        self.keys.limits(tier).change(|| self.now, <[u64; N]>::limits(limits))
    }

    fn or_no_room<R>(&self, changed: Result<Result<R, Refused<N>>, keys::NoRoom>) -> Result<R, KeyRefused<N>> {
        match changed {
            Ok(changed) => Ok(changed?),
            Err(keys::NoRoom) => Err(self.no_room().into()),
        }
    }

    pub(crate) fn no_room(&self) -> NoRoom {
        NoRoom { max_keys: self.keys.most() as usize }
    }
}

impl<K: Hash, const N: usize, H: BuildHasher, F> fmt::Debug for KeyedBucketsAt<'_, K, N, H, F>
where
    [u64; N]: Streams<N>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBucketsAt").field("now", &self.now).field("len", &self.keys.len()).finish_non_exhaustive()
    }
}
