//! Owns the bucket for every key: how it is built and what it promises. Never what a verb does.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::sync::Arc;
use std::vec::Vec;

use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::wait_bounds::WaitBounds;
use crate::keyed::key_hash::KeyHash;
use crate::keyed::keyed_bucket::KeyedBucket;
use crate::keyed::keyed_buckets_at::KeyedBucketsAt;
use crate::keyed::overflow::Overflow;
use crate::keyed::streams::{self, Amounts, LimitsOf, Shape, Streams};
use crate::keyed::table::{Reading, Table};
use crate::keyed::terms::Terms;
use crate::keyed::tier::{ByTier, Kept, OneTier, TierOf, Tiers};
use crate::limit::limit::{Limit, limits_of};
use crate::limit::limit_error::LimitError;
use crate::sync::RwLock;

/// A bucket for every client, tenant or address, with one limit for all or one for each tier.
///
/// A call for a known key takes the key in any [form](crate::keyed::KeyForm), such as `&str` for
/// `String`, and allocates nothing. With one stream amounts are a `u64`; with several, an array,
/// and a take is all or nothing, as in a [`MultiBucket`](crate::MultiBucket).
///
/// ```
/// use tollgate::{KeyedBuckets, Limit};
///
/// // A hundred requests a second for every client, and no more than a million clients at once.
/// let clients = KeyedBuckets::new(Limit::per_second(100), 1_000_000)?;
/// assert!(clients.try_take("alice", 100).is_ok());
/// assert!(clients.try_take("alice", 100).is_err());
/// assert!(clients.try_take("bob", 1).is_ok());
///
/// // Requests and bytes.
/// let tenants = KeyedBuckets::<u64, 2>::new([Limit::per_second(100), "1MiB/s".parse()?], 10_000)?;
/// assert!(tenants.try_take(&7, [1, 700_000]).is_ok());
/// assert!(tenants.try_take(&7, [1, 700_000]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Absent means full
///
/// A key that is full again cannot be told from a key never seen. So it may be dropped, and no
/// limit is ever reset by that. What comes back for an absent key changes nothing. A limit that
/// begins [empty](crate::Limit::empty) begins to fill at the construction, for every key alike.
///
/// A key that has been full for [10 s](Self::with_keep) is dropped when its shard would grow. At
/// the bound a new key takes the place of a full one: of five that lie together, the one that has
/// been full for longest. A call looks for it in no more than nine shards, and nothing runs in the
/// background.
///
/// # The bound for each key
///
/// [The bound](crate#the-bound) holds for each key as if no key were ever dropped. A call that adds
/// a key reads the clock again under the lock of its shard. Where it cannot, as with
/// [`at`](Self::at), or where the clocks of the threads differ, the bound gains `r * s`: `s` is how
/// far the reading that adds the key lags the one that dropped it.
///
/// # The most keys
///
/// There are never more than `max_keys`. At the bound a new key is refused if there is no room in
/// its shard or in up to eight others; or it takes from one bucket that all such keys
/// [share](Self::with_shared_overflow). A refusal says when there may be room. A flood of new keys
/// costs a lookup for each, once it is known that no key can go.
///
/// # Who waits for whom
///
/// With one stream, a take, a refusal or a put-back for a known key holds the lock of its shard
/// shared. Decisions never wait for one another. A thread that is stopped while it decides delays
/// only what holds its shard alone: additions, removals, [`retain`](Self::retain),
/// [`shrink`](Self::shrink), blocks and pauses, limits of one key, and changes and checks of
/// limits. A thread that is stopped while it adds a key delays its shard. At the bound it may delay
/// one other, in which it looks for room; so may one that blocks or pauses a key. With several
/// streams, each decision holds its shard alone, so a thread that is stopped in any call delays its
/// shard. There are 256 to 512 shards.
///
/// Two threads on one key contend for its word and for the lock's. For a hot key take a
/// [lease](crate::keyed::KeyedBucket::lease), or give it a bucket of its own.
///
/// The hash and the comparison of keys run under a lock, and so does their `Clone` in
/// [`iter`](Self::iter) and [`retain`](Self::retain). They must not call the same buckets. If one
/// panics, no lock stays held, no count goes wrong, and no key is lost. These run outside all
/// locks: tier functions, `keep` of [`retain`](Self::retain), the making of a key, and its drop.
///
/// A thread that is stopped while it changes limits delays other changes of limits, and one shard.
///
/// # Waiting for a key
///
/// Those who wait for a [key](crate::keyed::KeyedBucket::take_blocking) stand in a line of their
/// own, as those who wait for a bucket do. They take when they come, first come, first served.
/// Whoever leaves makes room at once, and has taken nothing. A wait that cannot end in time is
/// refused at once.
///
/// The line is there while somebody waits for that key, and so is the key: it is not dropped, and
/// [`remove`](Self::remove) and [`retain`](Self::retain) leave it full. Other takes of the key stay
/// out until those who wait have had their turn. A call for a key of the same shard then costs a
/// lookup more. A line takes up to 2.1 KB, and a further waiter up to 450 bytes on average. With
/// the last waiter all of it is gone.
///
/// Who enters or leaves a line holds the shard alone for a moment, and so does what brings tokens
/// back to the key. A thread that is stopped inside the lock of a line delays no decision. It
/// delays those who wait for that key, and what holds the shard alone. A change of limits, a pause
/// or its end waits for the lock of the line, once the limits are changed.
///
/// # Memory
///
/// Memory follows the keys that are kept, whatever the bound. A place takes 17 bytes with a `u64`
/// and one stream, and 25 with two; 38 to 88 % of them are in use. A shard makes 28 places at its
/// first key. An empty table takes 68 KB under a bound of a million, and 34 KB under a small one.
/// After the first change of limits each shard has its own, some 200 bytes. Memory shrinks only by
/// [`shrink`](Self::shrink).
///
/// A key that stays untouched for longer than its [idle limit](crate::Limit::idle_limit) may be
/// refused after it, as a bucket of its own may. That limit is 292 years at 1000/s, and at least 90
/// days. Call [`shrink`](Self::shrink) daily where it is short.
///
/// # Tiers
///
/// [`with_tiers`](Self::with_tiers) gives keys different limits, such as free and paid, by a
/// function from the key. If the function changes its mind, the key moves at its next use, with
/// what it has and owes. While it owes more than the new tier can hold, it stays in the old one.
///
/// # Limits that change
///
/// Any limit that a bucket can hold may follow any other. A change is validated first, against the
/// debts of keys, too, and then cannot fail. What accrued before accrued at the old rate, up to the
/// old capacity. A key that is idle, or was never seen, has after a raise from capacity 10 to 1000
/// the 10 tokens that it had, and accrues on. What a key has is rounded down to a unit, a debt up.
///
/// A change goes through the shards one by one: each key changes at one instant, the table does
/// not. Calls that begin after it returned are decided on the new limits. Decisions cost no more
/// after a change than before. A `now` before the change of a shard counts as that instant.
///
/// A reservation keeps its instant when its key moves to another tier, is paused, or gets limits of
/// its own.
pub struct KeyedBuckets<K, const N: usize = 1, C = DefaultClock, H = KeyHash, F = OneTier>
where
    [u64; N]: Streams<N>,
    F: Tiers,
{
    pub(crate) table: Table<K, N, <[u64; N] as Shape<N>>::Words, <F as Kept>::Tag, H>,
    pub(crate) clock: C,
    pub(crate) wait_bounds: WaitBounds<N>,
    pub(crate) tiers: F,
}

impl<K: Hash, const N: usize> KeyedBuckets<K, N>
where
    [u64; N]: Streams<N>,
{
    /// Creates buckets without keys, with room for `max_keys`, on the default clock.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64>::new(Limit::per_second(100), 1000)?;
    /// assert!(clients.is_empty());
    /// assert!(KeyedBuckets::<u64>::new(Limit::per_second(100).capacity(0), 1000).is_err());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn new(limits: impl LimitsOf<N>, max_keys: usize) -> Result<Self, LimitError> {
        Self::with_clock(limits, max_keys, DefaultClock::default())
    }
}

impl<K: Hash, const N: usize, C: Clock> KeyedBuckets<K, N, C>
where
    [u64; N]: Streams<N>,
{
    /// Creates buckets that read this clock.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clock = ManualClock::new();
    /// let clients =
    ///     KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, &clock)?;
    /// clients.try_take(&7, 10)?;
    /// clock.advance(Duration::from_millis(300));
    /// assert_eq!(clients.available(&7), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_clock(limits: impl LimitsOf<N>, max_keys: usize, clock: C) -> Result<Self, LimitError> {
        Self::with_hasher(limits, max_keys, clock, KeyHash::new())
    }
}

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher> KeyedBuckets<K, N, C, H>
where
    [u64; N]: Streams<N>,
{
    /// Creates buckets that hash keys in this way.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// ```
    /// use std::hash::{BuildHasherDefault, DefaultHasher};
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// // Not seeded: only for keys that nobody chooses.
    /// let hasher = BuildHasherDefault::<DefaultHasher>::new();
    /// let shards = KeyedBuckets::<u64, 1, _, _>::with_hasher(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    ///     hasher,
    /// )?;
    /// assert!(shards.try_take(&7, 10).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn with_hasher(limits: impl LimitsOf<N>, max_keys: usize, clock: C, hasher: H) -> Result<Self, LimitError> {
        let terms = terms(limits.limits(), clock.now(), 0)?;
        let table = Table::new(Arc::new([terms]), max_keys, hasher);
        Ok(Self { table, clock, wait_bounds: WaitBounds::UNBOUNDED, tiers: OneTier })
    }

    /// Gives keys different limits: those so far are of tier 0, these of tier 1 and further.
    ///
    /// `tier_of` says which tier a key is in, in the form in which the key was given. See
    /// [tiers](Self#tiers).
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// # Panics
    ///
    /// For more than 65,536 tiers. And a call for a key whose tier is not there panics and names
    /// the tier. It changes nothing.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let (free, paid, internal) =
    ///     (Limit::per_second(10), Limit::per_second(500), Limit::per_second(20_000));
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(free, 1000, ManualClock::new())?
    ///     .with_tiers([paid, internal], |key: &str| match key.split_once(':') {
    ///         Some(("paid", _)) => 1,
    ///         Some(("internal", _)) => 2,
    ///         _ => 0,
    ///     })?;
    /// assert!(clients.try_take("alice", 11).is_err());
    /// assert!(clients.try_take("paid:bob", 11).is_ok());
    /// assert_eq!(clients.available("internal:cron"), 20_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_tiers<G>(
        self,
        limits: impl IntoIterator<Item = streams::Limits<N>>,
        tier_of: G,
    ) -> Result<KeyedBuckets<K, N, C, H, ByTier<G>>, LimitError> {
        let Self { table, clock, wait_bounds, .. } = self;
        let (first, shares) = (table.first_terms(), table.overflow.is_some());
        let (mut more, origin): (Vec<Terms<N>>, _) = (Vec::new(), first[0].limits().origin);
        for limits in limits {
            more.push(terms(<[u64; N]>::limits(limits), origin, (first.len() + more.len()) as u64)?);
        }
        let buckets = KeyedBuckets { table: table.retagged(&more), clock, wait_bounds, tiers: ByTier(tier_of) };
        Ok(if shares { buckets.with_shared_overflow() } else { buckets })
    }
}

fn terms<const N: usize>(limits: [Limit; N], origin: Time, tier: u64) -> Result<Terms<N>, LimitError> {
    Ok(Terms::new(limits_of(limits, origin)?, limits, tier))
}

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher, F: Tiers> KeyedBuckets<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    /// Lets the keys without room share one bucket of each tier, instead of refusing them.
    ///
    /// A key that was served from it begins full once there is room for it. Leases, and the level
    /// that [`reset`](Self::reset) sets, are always of a key's own bucket.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1,
    ///     ManualClock::new(),
    /// )?
    /// .with_shared_overflow();
    /// clients.try_take(&7, 1)?;
    /// clients.try_take(&8, 6)?;
    /// assert!(clients.try_take(&9, 6).is_err());
    /// assert_eq!(
    ///     (clients.available(&7), clients.available(&8), clients.available(&9)),
    ///     (9, 4, 4)
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_shared_overflow(mut self) -> Self {
        let overflow = Overflow::new(self.table.first_terms(), self.clock.now());
        self.table.overflow = Some(RwLock::new(overflow));
        self
    }

    /// Sets how long a key that is full is kept, below the bound. Default: 10 s.
    ///
    /// Most clients come again soon. Dropping them at once would add them again at their next call,
    /// which costs three times as much.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients =
    ///     KeyedBuckets::<u64>::new(Limit::per_second(10), 1000)?.with_keep(Duration::ZERO);
    /// assert!(clients.try_take(&7, 10).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[must_use]
    pub fn with_keep(mut self, keep: Duration) -> Self {
        self.table.keep = i64::try_from(keep.as_nanos()).unwrap_or(i64::MAX);
        self
    }

    /// Sets how many keys may be blocked, paused or have limits of their own at once. Default:
    /// `max_keys`, beside the others.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64>::new(Limit::per_second(10), 1000)?.with_max_held(1);
    /// assert!(clients.block(&7).is_ok() && clients.block(&8).is_err());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[must_use]
    pub fn with_max_held(mut self, most: usize) -> Self {
        self.table.max_held = most as u64;
        self
    }

    /// Limits how long a reservation of a key may wait. Default: no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?
    /// .with_max_wait(Duration::from_millis(500));
    /// clients.try_take(&7, 10)?;
    /// assert!(clients.bucket(&7).reserve(5).is_ok());
    /// assert!(clients.bucket(&7).reserve(6).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.wait_bounds.max_wait = max_wait;
        self
    }

    /// Limits how many tokens the reservations of a key may owe. Default: no limit.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?
    /// .with_max_debt(5);
    /// clients.try_take(&7, 10)?;
    /// let seven = clients.bucket(&7);
    /// let place = seven.reserve(5)?;
    /// assert!(seven.reserve(1).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_max_debt(mut self, max_debt: Amounts<N>) -> Self {
        self.wait_bounds.max_debt = <[u64; N]>::array(max_debt);
        self
    }

    /// Returns the bucket of one key as a value, for reservations, waiting, estimates and leases.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// clients.try_take("alice", 10)?;
    /// let alice = clients.bucket("alice");
    /// let place = alice.reserve(3)?;
    /// assert_eq!(place.remaining(), Some(Duration::from_millis(300)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn bucket<'a, Q: ?Sized>(&'a self, key: &'a Q) -> KeyedBucket<'a, Q, K, N, C, H, F>
    where
        F: TierOf<Q>,
    {
        KeyedBucket::new(self, key)
    }

    /// Returns the clock that the buckets read.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// clients.try_take(&7, 10)?;
    /// clients.clock().advance(Duration::from_secs(1));
    /// assert_eq!(clients.available(&7), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Returns the buckets at a time that the caller supplies, a reading of this clock or of one
    /// with the same origin.
    ///
    /// A take at a time far ahead makes its key wait for that time. It denies no other key, unless
    /// it lies further ahead than the [idle limit](crate::Limit::idle_limit). Then full keys look
    /// as if they owed tokens, and make no room until the next [`shrink`](Self::shrink).
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
    /// clients.at(Time::ZERO).try_take(&7, 10)?;
    /// assert_eq!(clients.at(Time::from_nanos(300_000_000)).available(&7), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn at(&self, now: Time) -> KeyedBucketsAt<'_, K, N, C, H, F> {
        KeyedBucketsAt { buckets: self, reading: Reading { now, clock: None } }
    }

    /// The buckets now.
    #[inline]
    pub(crate) fn live(&self) -> KeyedBucketsAt<'_, K, N, C, H, F> {
        KeyedBucketsAt { buckets: self, reading: Reading { now: self.clock.now(), clock: Some(&self.clock) } }
    }
}

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher, F: Tiers> fmt::Debug for KeyedBuckets<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, max_keys) = (self.len(), self.max_keys());
        f.debug_struct("KeyedBuckets").field("len", &len).field("max_keys", &max_keys).finish_non_exhaustive()
    }
}
