//! Owns the lease of one key: what is held here is spent without its bucket; the rest is in
//! `lease/chunk.rs`.

use core::cell::Cell;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_hash::KeyHash;
use crate::keyed::key_refused::{KeyRefused, NoRoom};
use crate::keyed::keyed_bucket::KeyedBucket;
use crate::keyed::lines::bounded;
use crate::keyed::streams::{Amounts, Shape, Streams};
use crate::keyed::table::{Failed, Reading};
use crate::keyed::terms::Terms;
use crate::keyed::tier::{OneTier, TierOf, Tiers};
use crate::lease::chunk::Chunk;
use crate::state::store::Store;

/// Tokens of one key that were taken in one piece, to be spent one by one: a decision is a
/// comparison and a subtraction, without hashing, an atomic or a clock. See [`KeyedBucket::lease`].
///
/// All that is said of [`Lease`](crate::Lease) and its bucket holds: how it
/// fetches, what others see of it, the bound, and when not to use one. What comes back to a key
/// that is full again, and was removed, is lost, as it would be in a full bucket.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients = KeyedBuckets::<String, 1, _>::with_clock(
///     Limit::per_second(1000),
///     1000,
///     ManualClock::new(),
/// )?;
/// let mut lease = clients.bucket("alice").lease(64);
/// for _ in 0..100 {
///     lease.try_take(1)?;
/// }
/// drop(lease);
/// assert_eq!(clients.available("alice"), 900);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a lease that is dropped has given back its tokens"]
pub struct KeyLease<'a, Q, K = Q, const N: usize = 1, C = DefaultClock, H = KeyHash, F = OneTier>
where
    [u64; N]: Streams<N>,
    K: Hash,
    Q: KeyForm<K> + ?Sized,
    C: Clock,
    H: BuildHasher,
    F: Tiers + TierOf<Q>,
{
    bucket: KeyedBucket<'a, Q, K, N, C, H, F>,
    holding: Chunk<N>,
}

/// The bucket of a key at one instant, for a lease.
struct At<'a, Q: ?Sized, K, const N: usize, C, H, F: Tiers>
where
    [u64; N]: Streams<N>,
{
    bucket: KeyedBucket<'a, Q, K, N, C, H, F>,
    now: Time,
    /// What those who wait for the key may keep it from taking. They are asked under the lock that
    /// it takes under, as with every take.
    takes: [u64; N],
    /// Why there is no room for the key, if that was found.
    no_room: Cell<Option<NoRoom>>,
}

impl<'a, Q: ?Sized, K, const N: usize, C, H, F: Tiers> At<'a, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    /// For what takes nothing.
    fn new(bucket: KeyedBucket<'a, Q, K, N, C, H, F>, now: Time) -> Self {
        Self { bucket, now, takes: [0; N], no_room: Cell::new(None) }
    }
}

impl<Q, K, const N: usize, C, H, F> Store<N> for At<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash,
    Q: KeyForm<K> + ?Sized,
    C: Clock,
    H: BuildHasher,
    F: Tiers + TierOf<Q>,
{
    fn read<V>(&self, look: impl Fn(&Limits<N>, &[u64; N]) -> V) -> V {
        let Self { bucket: KeyedBucket { buckets, key, .. }, now, .. } = *self;
        buckets.table.read(key, buckets.tiers.tier_of(key), now, |terms, words| look(terms.limits(), words))
    }

    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        let Self { bucket: KeyedBucket { buckets, key, .. }, now, .. } = *self;
        let tier = buckets.tiers.tier_of(key);
        let refuse = |terms: &Terms<N>, spent: &[u64; N]| refuse(terms.limits(), spent, pause(terms.limits()));
        let updated = buckets.table.update_own(
            key,
            tier,
            Reading { now, clock: Some(&buckets.clock) },
            &self.takes,
            |terms, now, spent| match pause(terms.limits()) {
                0 => bounded(terms, now, spent, |revision, spent| change(&revision.limits, spent)),
                _ => None,
            },
            |terms, _, spent| refuse(terms, spent),
        );
        updated.map_err(|failed| match failed {
            Failed::Refused(refused) => refused,
            // As a key never seen, which nothing can be taken from.
            Failed::NoRoom(no_room) => {
                self.no_room.set(Some(no_room));
                buckets.table.read(key, tier, now, refuse)
            }
        })
    }
}

impl<'a, Q, K, const N: usize, C, H, F> KeyedBucket<'a, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash,
    Q: KeyForm<K> + ?Sized,
    C: Clock,
    H: BuildHasher,
    F: Tiers + TierOf<Q>,
{
    /// A lease that holds at most these amounts, or the capacity where that is less. It holds none
    /// at first, and adds no key before it fetches.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 2, _>::with_clock(
    ///     [Limit::per_second(10), Limit::per_second(100)],
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// let mut lease = clients.bucket(&7).lease([0, 50]);
    /// lease.try_take([1, 20])?;
    /// lease.try_take([1, 20])?;
    /// assert_eq!((lease.held(), clients.available(&7)), ([0, 20], [8, 40]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lease(&self, most: Amounts<N>) -> KeyLease<'a, Q, K, N, C, H, F> {
        KeyLease { bucket: *self, holding: Chunk::new(&At::new(*self, Time::ZERO), <[u64; N]>::array(most)) }
    }
}

impl<Q, K, const N: usize, C, H, F> KeyLease<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash,
    Q: KeyForm<K> + ?Sized,
    C: Clock,
    H: BuildHasher,
    F: Tiers + TierOf<Q>,
{
    /// As [`Lease::expire_after`](crate::Lease::expire_after): tokens expire once so much
    /// time has passed since the lease fetched last, and go back at the next fetch.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// let mut lease = clients.bucket(&7).lease(4).expire_after(Duration::from_millis(5));
    /// lease.put_back(1);
    /// clients.clock().advance(Duration::from_millis(5));
    /// lease.try_take(2)?;
    /// assert_eq!(lease.held(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn expire_after(mut self, after: Duration) -> Self {
        self.holding.expire_after(after);
        self
    }

    /// As [`Lease::held`](crate::Lease::held).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.bucket(&7).lease(4).held(), 0);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn held(&self) -> Amounts<N> {
        <[u64; N]>::amounts(self.holding.held)
    }

    /// As [`Lease::try_take`](crate::Lease::try_take).
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::try_take`](crate::KeyedBuckets::try_take).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// let mut lease = clients.bucket(&7).lease(4);
    /// assert!(lease.try_take(10).is_ok());
    /// assert!(lease.try_take(1).is_err());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take(&mut self, amounts: Amounts<N>) -> Result<(), KeyRefused<N>> {
        let amounts = <[u64; N]>::array(amounts);
        if self.holding.spend(&amounts) { Ok(()) } else { self.fetch(&amounts, 1).map(|_| ()) }
    }

    /// As [`Lease::take_items`](crate::Lease::take_items).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.bucket(&7).lease(4).take_up_to(20, 3), 3);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to(&mut self, max: u64, per_item: Amounts<N>) -> u64 {
        let per_item = <[u64; N]>::array(per_item);
        if self.holding.spend_items(&per_item, max) { max } else { self.fetch(&per_item, max).unwrap_or(0) }
    }

    #[cold]
    #[inline(never)]
    fn fetch(&mut self, per_item: &[u64; N], max: u64) -> Result<u64, KeyRefused<N>> {
        let now = self.bucket.buckets.clock.now();
        let mut store = At::new(self.bucket, now);
        self.holding.expire(&store, now);
        if self.holding.spend_items(per_item, max) {
            return Ok(max);
        }
        store.takes = *per_item;
        let fetched = self.holding.fetch(&store, now, per_item, max);
        fetched.map_err(|refused| store.no_room.get().map_or(refused.into(), KeyRefused::NoRoom))
    }

    /// As [`Lease::put_back`](crate::Lease::put_back).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// let mut lease = clients.bucket(&7).lease(4);
    /// lease.try_take(7)?;
    /// lease.put_back(7);
    /// assert_eq!((lease.held(), clients.available(&7)), (4, 6));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_back(&mut self, amounts: Amounts<N>) {
        let last = self.holding.last();
        self.holding.put_back(&At::new(self.bucket, last), last, || last, &<[u64; N]>::array(amounts));
    }

    /// As [`Lease::give_back`](crate::Lease::give_back).
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{KeyedBuckets, Limit};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// let mut lease = clients.bucket(&7).lease(4);
    /// lease.try_take(1)?;
    /// lease.try_take(1)?;
    /// assert_eq!((lease.held(), clients.available(&7)), (1, 7));
    /// lease.give_back();
    /// assert_eq!((lease.held(), clients.available(&7)), (0, 8));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn give_back(&mut self) {
        let last = self.holding.last();
        self.holding.give_back(&At::new(self.bucket, last), last, || last);
    }
}

impl<Q, K, const N: usize, C, H, F> Drop for KeyLease<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash,
    Q: KeyForm<K> + ?Sized,
    C: Clock,
    H: BuildHasher,
    F: Tiers + TierOf<Q>,
{
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<Q, K, const N: usize, C, H, F> fmt::Debug for KeyLease<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash,
    Q: KeyForm<K> + ?Sized,
    C: Clock,
    H: BuildHasher,
    F: Tiers + TierOf<Q>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Chunk { held, most, .. } = &self.holding;
        f.debug_struct("KeyLease").field("held", held).field("most", most).finish_non_exhaustive()
    }
}
