//! Owns the bucket for every key, in its verbs; where the keys lie, and when they go, is in `keys.rs`.

use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use crate::key_refused::NoRoom;
use crate::keys::{self, Keys};
use crate::limits::Limits;
use crate::streams::{Shape, Streams};
use crate::{Amounts, Clock, DefaultClock, KeyHash, KeyRefused, LimitError, Never, Time};

/// A bucket for every key, all with the same limits: for every client, tenant, address.
///
/// A key is anything that can be hashed. It is given by reference, in any borrowed form (`&str` for `String`), and never cloned or kept: its hash is. With one
/// stream amounts are a `u64`; with several, an array, and a take is all or nothing, as in a [`MultiBucket`](crate::MultiBucket).
///
/// ```
/// use tollgate::{KeyedBuckets, Limit};
///
/// // A hundred requests a second for every client, and no more than a million clients at once.
/// let clients = KeyedBuckets::<String>::new(Limit::per_second(100), 1_000_000)?;
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
/// # A key begins full, and may go when it is full
///
/// The bucket of a key begins full at its first use, so a key whose bucket is full again is as good as one never seen. Such keys are removed, and
/// no limit is ever reset by it: [the bound](crate#the-bound) holds for each key as if all were kept for ever. Also where the clocks of the
/// threads differ, or one goes back: a new key is full no earlier than those that were removed had become, so a thread whose clock is behind that may
/// find it not quite full, and never finds a token too many. Limits that begin [empty](crate::Limit::empty) begin full here, as for such keys
/// "never seen" and "full again" would differ.
///
/// Keys are removed in passing, by calls that add one. Such a call looks at eight places, where the one before it left off, and removes keys that are
/// full: no thread does it, nothing else is scanned, and no call pauses for it. Where no keys are added none are removed: [`shrink`](Self::shrink) does.
///
/// # The most keys
///
/// There are never more than `max_keys`. A take for a new key that there is no room for is refused, and the refusal says so; or, if
/// [asked for](Self::with_shared_overflow), it takes from one more bucket that all such keys share. There is no room if none of the eight places that it looked at
/// could be cleared, so a flood of new keys cannot make a call slow. A key that another thread is just adding counts already. Keys lie in groups; where a
/// room is full to the last, one in 10^7 groups of 74 has no place left for a key that it is still short of.
///
/// A key that is refused outright, or asks for nothing, is not added.
///
/// # Hashing
///
/// A key is its hash: 63 bits of it, from a random seed of each value ([`KeyHash`](crate::KeyHash)), so a client that chooses its key cannot choose where it lies. Two keys of the
/// same hash would share a bucket, and be granted less for it, never more: of a million keys at once any two do with probability 5 in 10^8, of a hundred million
/// 5 in 10^4 (the birthday bound, k²/2^64). Another hasher is a parameter, and its resistance is the caller's business; it must spread well over 64 bits. Clients by
/// address: [`IpKey`](crate::IpKey).
///
/// # Progress and memory
///
/// A take, a refusal or a question for a known key takes no lock, and no thread waits for another; nor does adding or removing a key: a thread that is stopped for
/// good inside a call keeps one place, at most, from being used. Nothing is allocated for a key, but for its group: 2 KiB for 74 keys of one stream, when the first of
/// them comes (with several streams also where more threads than ever before are inside a take of one key).
///
/// So memory follows `max_keys`, and is all there is to come once that many were seen: 28 bytes for each with one stream, whatever the key is, and 125 with two.
/// Where keys are far fewer than their bound, a group has few of them, up to 2 KiB for each: a bound is not free.
///
/// # What is missing
///
/// Limits of a key's own (tiers: use one `KeyedBuckets` for each), limits that change, reservations, waiting, leases and batches.
pub struct KeyedBuckets<K, const N: usize = 1, C = DefaultClock, H = KeyHash>
where
    [u64; N]: Streams<N>,
{
    keys: Keys<K, N, H>,
    clock: C,
}

impl<K: Hash, const N: usize> KeyedBuckets<K, N>
where
    [u64; N]: Streams<N>,
{
    /// No keys yet, and room for `max_keys`, on the default clock.
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
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn new(limits: <[u64; N] as Streams<N>>::Limits, max_keys: usize) -> Result<Self, LimitError> {
        Self::with_clock(limits, max_keys, DefaultClock::default())
    }
}

impl<K: Hash, const N: usize, C: Clock> KeyedBuckets<K, N, C>
where
    [u64; N]: Streams<N>,
{
    /// The same on this clock.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, &clock)?;
    /// clients.try_take(&7, 10)?;
    /// clock.advance(Duration::from_millis(300));
    /// assert_eq!(clients.available(&7), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_clock(limits: <[u64; N] as Streams<N>>::Limits, max_keys: usize, clock: C) -> Result<Self, LimitError> {
        Self::with_hasher(limits, max_keys, clock, KeyHash::new())
    }
}

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher> KeyedBuckets<K, N, C, H>
where
    [u64; N]: Streams<N>,
{
    /// The same, with keys hashed by this hasher.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// ```
    /// use std::hash::{BuildHasherDefault, DefaultHasher};
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// // Not seeded: only for keys that nobody chooses.
    /// let hasher = BuildHasherDefault::<DefaultHasher>::new();
    /// let shards = KeyedBuckets::<u64, 1, _, _>::with_hasher(Limit::per_second(10), 1000, ManualClock::new(), hasher)?;
    /// assert!(shards.try_take(&7, 10).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn with_hasher(
        limits: <[u64; N] as Streams<N>>::Limits,
        max_keys: usize,
        clock: C,
        hasher: H,
    ) -> Result<Self, LimitError> {
        let limits = Limits::new(<[u64; N]>::limits(limits), clock.now())?;
        Ok(Self { keys: Keys::new(limits, max_keys, hasher), clock })
    }

    /// The same, where the keys that there is no room for share one bucket of the same limits, instead of being refused.
    ///
    /// A key that was served from it begins full, like any other, once there is room for it.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1, ManualClock::new())?.with_shared_overflow();
    /// clients.try_take(&7, 1)?;
    /// clients.try_take(&8, 6)?;
    /// assert!(clients.try_take(&9, 6).is_err());
    /// assert_eq!((clients.available(&7), clients.available(&8), clients.available(&9)), (9, 4, 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_shared_overflow(mut self) -> Self {
        self.keys.share_overflow();
        self
    }

    /// The clock that the buckets read.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take(&7, 10)?;
    /// clients.clock().advance(Duration::from_secs(1));
    /// assert_eq!(clients.available(&7), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// The buckets at a time that the caller supplies, a reading of this clock or of one with the same origin.
    ///
    /// A take at a time far ahead makes its bucket wait for that time; if that key is then removed at one still later, new keys wait for it, too.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit, ManualClock, Time};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.at(Time::ZERO).try_take(&7, 10)?;
    /// assert_eq!(clients.at(Time::from_nanos(300_000_000)).available(&7), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn at(&self, now: Time) -> KeyedBucketsAt<'_, K, N, H> {
        KeyedBucketsAt { keys: &self.keys, elapsed: self.keys.limits.elapsed(now) }
    }

    /// Takes these amounts from the bucket of this key, or nothing.
    ///
    /// # Errors
    ///
    /// [`KeyRefused::Bucket`] as [`TokenBucket::try_take`](crate::TokenBucket::try_take), and [`KeyRefused::NoRoom`] for a new key at the
    /// [bound](Self#the-most-keys). A refused call changes nothing.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert!(clients.try_take("alice", 10).is_ok());
    /// assert!(clients.try_take("alice", 1).is_err());
    /// assert!(clients.try_take("bob", 1).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take<Q>(&self, key: &Q, amounts: Amounts<N>) -> Result<(), KeyRefused<N>>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        self.at(self.clock.now()).try_take(key, amounts)
    }

    /// Takes as many items of `per_item` tokens as there are for this key, but no more than `max`, and says how many; 0 for a new key that there is no room for.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.take_up_to("alice", 7, 1), 7);
    /// assert_eq!(clients.take_up_to("alice", 7, 1), 3);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to<Q>(&self, key: &Q, max: u64, per_item: Amounts<N>) -> u64
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        self.at(self.clock.now()).take_up_to(key, max, per_item)
    }

    /// Gives back to this key what was taken and not used. A bucket never holds more than its capacity, so for a key that is not
    /// there, being full, there is nothing to do; nor for one that was served from the [shared overflow](Self::with_shared_overflow).
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take("alice", 10)?;
    /// clients.put_back("alice", 4);
    /// assert_eq!(clients.available("alice"), 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn put_back<Q>(&self, key: &Q, amounts: Amounts<N>)
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        self.at(self.clock.now()).put_back(key, amounts);
    }

    /// Whole tokens that could be taken now for this key, or for a new one if there is room; the answer may be outdated at once.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take("alice", 4)?;
    /// assert_eq!((clients.available("alice"), clients.available("bob")), (6, 10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn available<Q>(&self, key: &Q) -> Amounts<N>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        self.at(self.clock.now()).available(key)
    }

    /// How long until these amounts are there for this key if nobody takes; zero if they are. Takes nothing.
    ///
    /// # Errors
    ///
    /// [`Never`] for more than a stream can hold.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take("alice", 10)?;
    /// assert_eq!(clients.wait_for("alice", 3)?, Duration::from_millis(300));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for<Q>(&self, key: &Q, amounts: Amounts<N>) -> Result<Duration, Never>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        self.at(self.clock.now()).wait_for(key, amounts)
    }

    /// Removes all keys that are full now. It looks at every key, so it takes a while where there are many; no other call waits for it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, &clock)?;
    /// clients.try_take(&7, 1)?;
    /// clients.try_take(&8, 2)?;
    /// clock.advance(Duration::from_millis(100));
    /// clients.shrink();
    /// assert_eq!((clients.len(), clients.available(&8)), (1, 9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shrink(&self) {
        self.at(self.clock.now()).shrink();
    }

    /// How many keys are kept, or just being added; those that are full and not removed yet are among them. Never more than [`max_keys`](Self::max_keys).
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take(&7, 1)?;
    /// assert_eq!((clients.len(), clients.max_keys()), (1, 1000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.keys.len() as usize
    }

    /// Whether no key is kept.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit, ManualClock};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// let _ = clients.try_take(&7, 11).unwrap_err();
    /// assert!(clients.is_empty());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most keys that there may be.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// assert_eq!(KeyedBuckets::<u64>::new(Limit::per_second(10), 1000)?.max_keys(), 1000);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn max_keys(&self) -> usize {
        self.keys.most() as usize
    }
}

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher> fmt::Debug for KeyedBuckets<K, N, C, H>
where
    [u64; N]: Streams<N>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, max_keys) = (self.len(), self.max_keys());
        f.debug_struct("KeyedBuckets").field("len", &len).field("max_keys", &max_keys).finish_non_exhaustive()
    }
}

/// [`KeyedBuckets`] at one instant: the same verbs, at a time that the caller supplied. See [`KeyedBuckets::at`].
///
/// ```
/// use tollgate::{KeyedBuckets, Limit, ManualClock, Time};
///
/// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
/// let now = clients.at(Time::from_nanos(5));
/// assert!(now.try_take(&7, 10).is_ok());
/// assert_eq!(now.available(&7), 0);
/// # Ok::<(), tollgate::LimitError>(())
/// ```
pub struct KeyedBucketsAt<'a, K, const N: usize = 1, H = KeyHash>
where
    [u64; N]: Streams<N>,
{
    keys: &'a Keys<K, N, H>,
    elapsed: u64,
}

impl<K, const N: usize, H> Copy for KeyedBucketsAt<'_, K, N, H> where [u64; N]: Streams<N> {}

impl<K, const N: usize, H> Clone for KeyedBucketsAt<'_, K, N, H>
where
    [u64; N]: Streams<N>,
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: Hash, const N: usize, H: BuildHasher> KeyedBucketsAt<'_, K, N, H>
where
    [u64; N]: Streams<N>,
{
    /// As [`KeyedBuckets::try_take`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::try_take`].
    ///
    /// ```
    /// # use tollgate::{KeyedBuckets, Limit, ManualClock, Time};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert!(clients.at(Time::ZERO).try_take(&7, 10).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take<Q>(self, key: &Q, amounts: Amounts<N>) -> Result<(), KeyRefused<N>>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        let (limits, amounts) = (&self.keys.limits, <[u64; N]>::array(amounts));
        if amounts == [0; N] {
            return Ok(());
        }
        let take = |spent: &[u64; N]| limits.take(spent, self.elapsed, &amounts).map(|next| (next, ()));
        match self.keys.change(key, self.elapsed, take) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(spent)) => Err(limits.refusal(&spent, self.elapsed, &amounts).into()),
            Err(keys::NoRoom) => Err(NoRoom { max_keys: self.keys.most() as usize }.into()),
        }
    }

    /// As [`KeyedBuckets::take_up_to`].
    ///
    /// ```
    /// # use tollgate::{KeyedBuckets, Limit, ManualClock, Time};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.at(Time::ZERO).take_up_to(&7, 20, 3), 3);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to<Q>(self, key: &Q, max: u64, per_item: Amounts<N>) -> u64
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        let (limits, per_item) = (&self.keys.limits, <[u64; N]>::array(per_item));
        if per_item == [0; N] {
            return max;
        }
        let take = |spent: &[u64; N]| limits.take_up_to(spent, self.elapsed, &per_item, max);
        match self.keys.change(key, self.elapsed, take) {
            Ok(Ok(items)) => items,
            Ok(Err(_)) | Err(keys::NoRoom) => 0,
        }
    }

    /// As [`KeyedBuckets::put_back`].
    ///
    /// ```
    /// # use tollgate::{KeyedBuckets, Limit, ManualClock, Time};
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
    {
        let (limits, amounts) = (&self.keys.limits, <[u64; N]>::array(amounts));
        self.keys.give_back(key, self.elapsed, |spent| limits.put_back(spent, self.elapsed, &amounts));
    }

    /// As [`KeyedBuckets::available`].
    ///
    /// ```
    /// # use tollgate::{KeyedBuckets, Limit, ManualClock, Time};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.at(Time::ZERO).available(&7), 10);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn available<Q>(self, key: &Q) -> Amounts<N>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        <[u64; N]>::amounts(self.keys.limits.available(&self.keys.read(key, self.elapsed), self.elapsed))
    }

    /// As [`KeyedBuckets::wait_for`].
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::wait_for`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate::{KeyedBuckets, Limit, ManualClock, Time};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.at(Time::ZERO).wait_for(&7, 10)?, Duration::ZERO);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for<Q>(self, key: &Q, amounts: Amounts<N>) -> Result<Duration, Never>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
    {
        let (limits, amounts) = (&self.keys.limits, <[u64; N]>::array(amounts));
        limits.check(&amounts)?;
        Ok(limits.not_yet(&self.keys.read(key, self.elapsed), self.elapsed, &amounts).wait())
    }

    /// As [`KeyedBuckets::shrink`].
    ///
    /// ```
    /// # use tollgate::{KeyedBuckets, Limit, ManualClock, Time};
    /// # let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take(&7, 1)?;
    /// clients.at(Time::from_nanos(100_000_000)).shrink();
    /// assert!(clients.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shrink(self) {
        self.keys.shrink(self.elapsed);
    }
}

impl<K: Hash, const N: usize, H: BuildHasher> fmt::Debug for KeyedBucketsAt<'_, K, N, H>
where
    [u64; N]: Streams<N>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.keys.limits.at(self.elapsed);
        f.debug_struct("KeyedBucketsAt").field("now", &now).field("len", &self.keys.len()).finish_non_exhaustive()
    }
}
