//! Owns the verbs of keyed buckets, each as what it does to words; where those lie is in
//! `table.rs`.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::refused::{Never, Refused};
use crate::keyed::hold_error::HoldError;
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_hash::KeyHash;
use crate::keyed::key_refused::{KeyRefused, NoRoom};
use crate::keyed::keyed_buckets::KeyedBuckets;
use crate::keyed::streams::{Amounts, Limits, Shape, Streams};
use crate::keyed::table::{Failed, Reading};
use crate::keyed::terms::{Terms, refusal, unless_paused};
use crate::keyed::tier::{OneTier, TierOf, Tiers};
use crate::limit::limit_error::LimitError;
use crate::state::saved::Saved;
use crate::state::snapshot::Snapshot;

/// [`KeyedBuckets`] at a time that the caller supplies. See [`KeyedBuckets::at`].
///
/// Every verb is that of [`KeyedBuckets`]. A verb that adds a key cannot read the clock again, so
/// [the bound](KeyedBuckets#the-bound-for-each-key) gains a term.
///
/// ```
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients = KeyedBuckets::<u64, 1, _>::with_clock(
///     Limit::per_second(10),
///     1000,
///     ManualClock::new(),
/// )?;
/// let now = clients.at(Time::from_nanos(5));
/// assert!(now.try_take(&7, 10).is_ok());
/// assert_eq!(now.available(&7), 0);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub struct KeyedBucketsAt<'a, K, const N: usize = 1, C = DefaultClock, H = KeyHash, F = OneTier>
where
    [u64; N]: Streams<N>,
    F: Tiers,
{
    pub(crate) buckets: &'a KeyedBuckets<K, N, C, H, F>,
    pub(crate) reading: Reading<'a, C>,
}

impl<K, const N: usize, C, H, F: Tiers> Copy for KeyedBucketsAt<'_, K, N, C, H, F> where [u64; N]: Streams<N> {}

impl<K, const N: usize, C, H, F: Tiers> Clone for KeyedBucketsAt<'_, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    fn clone(&self) -> Self {
        *self
    }
}

fn refused<R, const N: usize>(changed: Result<R, Failed<Refused<N>>>) -> Result<R, KeyRefused<N>> {
    changed.map_err(|failed| match failed {
        Failed::Refused(refused) => refused.into(),
        Failed::NoRoom(refusal) => refusal.into(),
    })
}

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher, F: Tiers> KeyedBucketsAt<'_, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    #[inline]
    fn tier<Q: ?Sized>(&self, key: &Q) -> usize
    where
        F: TierOf<Q>,
    {
        self.buckets.tiers.tier_of(key)
    }

    /// As [`KeyedBuckets::try_take`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::try_take`].
    #[inline]
    pub fn try_take<Q>(self, key: &Q, amounts: Amounts<N>) -> Result<Granted<N>, KeyRefused<N>>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        let amounts = <[u64; N]>::array(amounts);
        if amounts == [0; N] {
            return Ok(self.snapshot(key).granted(self.reading.now));
        }
        refused(self.buckets.table.update(
            key,
            self.tier(key),
            self.reading,
            &amounts,
            |terms, now, spent| {
                unless_paused(terms, now, |limits, elapsed| {
                    let spent = limits.take(spent, elapsed, &amounts)?;
                    Some((spent, Granted::new(limits, &spent, now, 0)))
                })
            },
            |terms, now, spent| refusal(terms, now, spent, &amounts),
        ))
    }

    /// As [`KeyedBuckets::admit`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::admit`].
    pub fn admit<Q>(self, key: &Q, amounts: Amounts<N>) -> Result<Granted<N>, KeyRefused<N>>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        let amounts = <[u64; N]>::array(amounts);
        if amounts == [0; N] {
            return match self.buckets.table.refusal_in_line(key, self.reading.now, &[1; N]) {
                Some(refused) => Err(refused.into()),
                None => Ok(self.snapshot(key).admit_nothing(self.reading.now)?),
            };
        }
        refused(self.buckets.table.update(
            key,
            self.tier(key),
            self.reading,
            &amounts.map(|amount| amount.max(1)),
            |terms, now, spent| {
                unless_paused(terms, now, |limits, elapsed| {
                    let spent = limits.admit(spent, elapsed, &amounts)?;
                    Some((spent, Granted::new(limits, &spent, now, 0)))
                })
            },
            |terms, now, spent| {
                let limits = terms.limits();
                limits.not_admitted(spent, limits.elapsed(now), &amounts, limits.pause_left(now))
            },
        ))
    }

    /// As [`KeyedBuckets::take_up_to`].
    #[inline]
    pub fn take_up_to<Q>(self, key: &Q, max: u64, per_item: Amounts<N>) -> u64
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        let per_item = <[u64; N]>::array(per_item);
        if per_item == [0; N] {
            return max;
        }
        let taken = self.buckets.table.update(
            key,
            self.tier(key),
            self.reading,
            &per_item,
            |terms, now, spent| {
                unless_paused(terms, now, |limits, elapsed| limits.take_items(spent, elapsed, &per_item, max))
            },
            |_, _, _| (),
        );
        taken.unwrap_or(0)
    }

    /// As [`KeyedBuckets::take_in_order`].
    pub fn take_in_order<Q>(self, key: &Q, requests: &[Amounts<N>]) -> usize
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        let requests = || requests.iter().map(|request| <[u64; N]>::array(*request));
        let taken = self.buckets.table.update(
            key,
            self.tier(key),
            self.reading,
            &requests().fold([0; N], |most, request| core::array::from_fn(|i| request[i].max(most[i]))),
            |terms, now, spent| {
                unless_paused(terms, now, |limits, elapsed| limits.take_in_order(spent, elapsed, requests()))
            },
            |_, _, _| (),
        );
        // Where no token was taken, those that fit are for none.
        taken.unwrap_or_else(|_| requests().take_while(|request| *request == [0; N]).count())
    }

    /// As [`KeyedBuckets::charge`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::charge`].
    pub fn charge<Q>(self, key: &Q, amounts: Amounts<N>) -> Result<(), KeyRefused<N>>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        let amounts = <[u64; N]>::array(amounts);
        if amounts == [0; N] {
            return Ok(());
        }
        refused(self.buckets.table.update(
            key,
            self.tier(key),
            self.reading,
            &[0; N],
            |terms, now, spent| {
                let limits = terms.limits();
                let units = limits.units(&amounts).ok()?;
                let next = limits.owe(spent, limits.elapsed(now), &units, &limits.furthest_debts())?;
                (!terms.owes_too_much(&next, now)).then_some((next, ()))
            },
            |terms, now, spent| {
                let limits = terms.limits();
                match limits.units(&amounts) {
                    Ok(units) => {
                        limits.would_wait(spent, limits.elapsed(now), &units).behind(limits.pause_left(now)).into()
                    }
                    Err(never) => Refused::from(never),
                }
            },
        ))
    }

    /// As [`KeyedBuckets::reset`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::reset`].
    pub fn reset<Q>(self, key: &Q, tokens: Amounts<N>) -> Result<(), NoRoom>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        let tokens = <[u64; N]>::array(tokens);
        self.set_words(key, |terms, now| terms.limits().reset(terms.limits().elapsed(now), &tokens))
    }

    /// As [`KeyedBuckets::restore`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::restore`].
    pub fn restore<Q>(self, key: &Q, saved: &Saved<N>, passed: Duration) -> Result<(), NoRoom>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.set_words(key, |terms, now| saved.words(terms, now, passed))
    }

    /// Gives a key these words, but no more than a key never seen has. Never in the overflow.
    fn set_words<Q>(self, key: &Q, words: impl Fn(&Terms<N>, Time) -> [u64; N]) -> Result<(), NoRoom>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        let set = self.buckets.table.update_own(
            key,
            self.tier(key),
            self.reading,
            &[0; N],
            |terms, now, _| Some((terms.capped(&words(terms, now), now), ())),
            |_, _, _| (),
        );
        match set {
            Err(Failed::NoRoom(refusal)) => Err(refusal),
            _ => Ok(()),
        }
    }

    /// As [`KeyedBuckets::put_back`].
    #[inline]
    pub fn put_back<Q>(self, key: &Q, amounts: Amounts<N>)
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        let amounts = <[u64; N]>::array(amounts);
        self.buckets.table.update_known(key, self.tier(key), self.reading, |terms, now, spent| {
            let limits = terms.limits();
            Some(terms.capped_from(spent, &limits.put_back(spent, limits.elapsed(now), &amounts)?, now))
        });
    }

    /// As [`KeyedBuckets::available`].
    pub fn available<Q>(self, key: &Q) -> Amounts<N>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        <[u64; N]>::amounts(self.snapshot(key).available())
    }

    /// As [`KeyedBuckets::debt`].
    pub fn debt<Q>(self, key: &Q) -> Amounts<N>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        <[u64; N]>::amounts(self.snapshot(key).debt())
    }

    /// As [`KeyedBuckets::snapshot`].
    pub fn snapshot<Q>(self, key: &Q) -> Snapshot<N>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        let now = self.reading.now;
        self.buckets.table.read(key, self.tier(key), now, |terms, spent| terms.snapshot(*spent, now))
    }

    /// As [`KeyedBuckets::wait_for`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::wait_for`].
    pub fn wait_for<Q>(self, key: &Q, amounts: Amounts<N>) -> Result<Option<Duration>, Never>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        let (now, amounts) = (self.reading.now, <[u64; N]>::array(amounts));
        let table = &self.buckets.table;
        table
            .read_behind(key, self.tier(key), now, &amounts, |terms, spent| terms.snapshot(*spent, now))
            .wait_for(amounts)
    }

    /// As [`KeyedBuckets::remove`].
    pub fn remove<Q>(self, key: &Q) -> bool
    where
        Q: KeyForm<K> + ?Sized,
    {
        self.buckets.table.remove(key, self.reading.now, |_, _| true)
    }

    /// As [`KeyedBuckets::shrink`].
    pub fn shrink(self) {
        self.buckets.table.shrink(self.reading.now);
    }

    /// As [`KeyedBuckets::iter`].
    pub fn iter(self) -> impl Iterator<Item = (K, Snapshot<N>)>
    where
        K: Clone,
    {
        let Self { buckets: KeyedBuckets { table, .. }, reading } = self;
        (0..table.shards()).flat_map(move |index| table.copy(index, reading.now))
    }

    /// As [`KeyedBuckets::retain`].
    pub fn retain(self, mut keep: impl FnMut(&K, Amounts<N>) -> bool)
    where
        K: Clone + Eq,
    {
        for (key, snapshot) in self.iter() {
            if !keep(&key, <[u64; N]>::amounts(snapshot.available())) {
                // A key that was used since has taken more than `keep` saw.
                let same = |number, words| (number, words) == (snapshot.sequence, snapshot.spent);
                self.buckets.table.remove(&key, self.reading.now, same);
            }
        }
    }

    /// As [`KeyedBuckets::check_limits`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::check_limits`].
    pub fn check_limits(self, limits: Limits<N>) -> Result<(), LimitError> {
        let table = &self.buckets.table;
        table.check(&table.all_tiers(), <[u64; N]>::limits(limits), self.reading.now)
    }

    /// As [`KeyedBuckets::check_tier_limits`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::check_tier_limits`].
    pub fn check_tier_limits(self, tier: usize, limits: Limits<N>) -> Result<(), LimitError> {
        self.buckets.table.check(&[tier], <[u64; N]>::limits(limits), self.reading.now)
    }

    /// As [`KeyedBuckets::set_limits`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::set_limits`].
    pub fn set_limits(self, limits: Limits<N>) -> Result<(), LimitError> {
        let table = &self.buckets.table;
        table.change(&table.all_tiers(), <[u64; N]>::limits(limits), self.reading)
    }

    /// As [`KeyedBuckets::set_tier_limits`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::set_tier_limits`].
    pub fn set_tier_limits(self, tier: usize, limits: Limits<N>) -> Result<(), LimitError> {
        self.buckets.table.change(&[tier], <[u64; N]>::limits(limits), self.reading)
    }

    /// As [`KeyedBuckets::set_key_limits`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::set_key_limits`].
    pub fn set_key_limits<Q>(self, key: &Q, limits: Limits<N>) -> Result<(), HoldError>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.buckets.table.set_own(key, self.tier(key), <[u64; N]>::limits(limits), self.reading)
    }

    /// As [`KeyedBuckets::clear_key_limits`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::clear_key_limits`].
    pub fn clear_key_limits<Q>(self, key: &Q) -> Result<bool, LimitError>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.buckets.table.clear_own(key, self.tier(key), self.reading)
    }

    /// As [`KeyedBuckets::block`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::block`].
    pub fn block<Q>(self, key: &Q) -> Result<(), HoldError>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.pause_until(key, |_| Time::MAX)
    }

    /// As [`KeyedBuckets::pause_for`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::pause_for`].
    pub fn pause_for<Q>(self, key: &Q, pause: Duration) -> Result<(), HoldError>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.pause_until(key, |now| now.after(pause))
    }

    fn pause_until<Q>(self, key: &Q, until: impl Fn(Time) -> Time) -> Result<(), HoldError>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.buckets.table.hold(key, self.tier(key), self.reading, |held, now| {
            held.pause(until(held.terms.revision.instant(now)), now);
            Ok(())
        })
    }

    /// As [`KeyedBuckets::resume`].
    pub fn resume<Q>(self, key: &Q)
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.buckets.table.resume(key, self.tier(key), self.reading);
    }
}

impl<K, const N: usize, C, H, F: Tiers> fmt::Debug for KeyedBucketsAt<'_, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBucketsAt").field("now", &self.reading.now).finish_non_exhaustive()
    }
}
