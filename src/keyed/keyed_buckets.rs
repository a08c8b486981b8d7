//! Owns the bucket for every key, in its verbs; where the keys lie, and when they go, is in
//! `keys.rs`.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::vec::Vec;

use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::wait_bounds::WaitBounds;
use crate::keyed::key_hash::KeyHash;
use crate::keyed::key_limits::KeyLimits;
use crate::keyed::keyed_bucket::KeyedBucket;
use crate::keyed::keyed_buckets_at::KeyedBucketsAt;
use crate::keyed::keys::Keys;
use crate::keyed::streams::Amounts;
use crate::keyed::streams::{Shape, Streams};
use crate::keyed::tier::OneTier;
use crate::limit::limit::LimitError;

/// A bucket for every key, all with the same limits or each with those of its tier: for every
/// client, tenant, address.
///
/// A key is anything that can be hashed. It is given by reference, in any borrowed form (`&str` for
/// `String`), and never cloned or kept: its hash is. With one stream amounts are a `u64`; with
/// several, an array, and a take is all or nothing, as in a [`MultiBucket`](crate::MultiBucket).
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
/// The bucket of a key begins full at its first use, so a key whose bucket is full again is as good
/// as one never seen. Such keys are removed, and no limit is ever reset by it: [the
/// bound](crate#the-bound) holds for each key as if all were kept for ever. Also where the clocks
/// of the threads differ, or one goes back: a new key is full no earlier than those that were
/// removed had become, so a thread whose clock is behind that may find it not quite full, and never
/// finds a token too many. Limits that begin [empty](crate::Limit::empty) begin full here, as for
/// such keys "never seen" and "full again" would differ.
///
/// Keys are removed in passing, by calls that add one. Such a call looks at eight places, where the
/// one before it left off, and removes keys that are full: no thread does it, nothing else is
/// scanned, and no call pauses for it. Where no keys are added none are removed:
/// [`shrink`](Self::shrink) does. A key that was given tokens back, by
/// [`put_back`](Self::put_back), [`reset`](Self::reset) or a cancelled reservation, stays until it
/// has been full for as long as it takes to fill.
///
/// # The most keys
///
/// There are never more than `max_keys`. A take for a new key that there is no room for is refused,
/// and the refusal says so; or, if [asked for](Self::with_shared_overflow), it takes from one more
/// bucket that all such keys share. There is no room if none of the eight places that it looked at
/// could be cleared, so a flood of new keys cannot make a call slow. A key that another thread is
/// just adding counts already. Keys lie in groups; where a room is full to the last, one in 10^7
/// groups of 74 has no place left for a key that it is still short of.
///
/// A key that is refused outright, or asks for nothing, is not added.
///
/// # Hashing
///
/// A key is its hash: 63 bits of it, from a random seed of each value ([`KeyHash`]), so a client
/// that chooses its key cannot choose where it lies. Two keys of the same hash would share a
/// bucket, and be granted less for it, never more: of a million keys at once any two do with
/// probability 5 in 10^8, of a hundred million 5 in 10^4 (the birthday bound, k²/2^64). Another
/// hasher is a parameter, and its resistance is the caller's business; it must spread well over 64
/// bits. Clients by address: [`IpKey`](crate::keyed::IpKey).
///
/// # Progress and memory
///
/// A take, a refusal or a question for a known key takes no lock, and no thread waits for another;
/// nor does adding or removing a key: a thread that is stopped for good inside a call keeps one
/// place, at most, from being used. Nothing is allocated for a key, but for its group: 2 KiB for 74
/// keys of one stream, when the first of them comes (with several streams also where more threads
/// than ever before are inside a take of one key).
///
/// So memory follows `max_keys`, and is all there is to come once that many were seen: 28 bytes for
/// each with one stream, whatever the key is, and 125 with two. Where keys are far fewer than their
/// bound, a group has few of them, up to 2 KiB for each: a bound is not free. Eight bytes for each
/// group are taken at once, so a bound of more keys than any memory holds panics, or ends the
/// program, as any such allocation does.
///
/// # Tiers
///
/// [`with_tiers`](Self::with_tiers) gives keys different limits, such as free, paid and internal,
/// by a function from the key. It costs no memory for a key, and where there is one tier, no time;
/// but each tier has groups of its own, so memory follows `max_keys` in each that gets many keys. A
/// key in another tier is another key: if the function changes its mind about one, it begins with a
/// full bucket in the new tier, and what it had in the old one goes when that is full. So in every
/// window it gets at most what its tiers allow together, and counts as one key in each that is not
/// full again. A key that fills up and is forgotten may come back in any tier.
///
/// # Limits that change
///
/// [`set_limits`](Self::set_limits) and [`set_tier_limits`](Self::set_tier_limits) are for running
/// systems: a change takes the same short time however many keys there are, no call waits for it,
/// and it changes no key. What was earned stays earned at the old rate, up to the old capacity;
/// from the instant of the change it is the new ones that count. So a key that is idle, or was
/// never seen, has after a raise from capacity 10 to 1000 the 10 tokens that it had, and earns on;
/// a debt stays. (This is [`Inherit::Keep`](crate::limit::Inherit::Keep); there is no other, as it
/// would have to touch every key.) A key is full again, and may go, when it has what a key has that
/// nobody ever used.
///
/// A call that begins after a change has returned is decided on the new limits. A call beside it is
/// decided on the ones or the others, whole; for each key, all that is granted is what a bucket
/// grants whose limits change at some instant within the change. A `now` before the change counts
/// as its instant.
///
/// Keys are counted in units that are chosen for the first limits of their tier, and later limits
/// must do with them: a rate other than 0 must accrue a unit in a microsecond or less, and leave an
/// idle limit of 90 days (1.18e12 units a second), and a capacity is less than 2^62 units. A limit
/// that breaks this is refused. Where an instant was exact it may now be off by what a unit is
/// worth, a microsecond at most; that is then the `e` of the bound. Nothing adds up over many
/// changes.
///
/// | first rate | units in a token | later rates | later capacities, to |
/// |---|---|---|---|
/// | 1/s, 7/s, 0/s | 1e9 | 0.001/s to 1186/s | 4.6e9 |
/// | 1000/s | 1e6 | 1/s to 1.18e6/s | 4.6e12 |
/// | 333/s | 2^23 | 0.12/s to 141,000/s | 5.4e11 |
/// | 1 MiB/s | 2048 | 489/s to 5.7e8/s | 2.2e15 |
///
/// # One key by itself
///
/// [`bucket`](Self::bucket) is the bucket of one key as a value: with it go reservations, waiting,
/// estimates and leases.
pub struct KeyedBuckets<K, const N: usize = 1, C = DefaultClock, H = KeyHash, F = OneTier>
where
    [u64; N]: Streams<N>,
{
    pub(crate) keys: Keys<K, N, H, F>,
    pub(crate) clock: C,
    pub(crate) wait_bounds: WaitBounds<N>,
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
    /// # Ok::<(), tollgate::limit::LimitError>(())
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
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
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
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// // Not seeded: only for keys that nobody chooses.
    /// let hasher = BuildHasherDefault::<DefaultHasher>::new();
    /// let shards = KeyedBuckets::<u64, 1, _, _>::with_hasher(Limit::per_second(10), 1000, ManualClock::new(), hasher)?;
    /// assert!(shards.try_take(&7, 10).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn with_hasher(
        limits: <[u64; N] as Streams<N>>::Limits,
        max_keys: usize,
        clock: C,
        hasher: H,
    ) -> Result<Self, LimitError> {
        let limits = KeyLimits::new(<[u64; N]>::limits(limits), clock.now())?;
        Ok(Self { keys: Keys::new(limits, max_keys, hasher), clock, wait_bounds: WaitBounds::UNBOUNDED })
    }

    /// The same, where keys have different limits: those of tier 0 are what was given so far, these
    /// are those of tier 1 and further, and `tier_of` says which tier a key is in. See
    /// [tiers](Self#tiers).
    ///
    /// `tier_of` is given a key in the borrowed form in which it was given, and keys are then given
    /// in that form only, unless it is a [`TierOf`](crate::keyed::TierOf) for several.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// # Panics
    ///
    /// A call for a key whose tier is not there panics, too, and names the tier; it changes
    /// nothing.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let (free, paid, internal) = (Limit::per_second(10), Limit::per_second(500), Limit::per_second(20_000));
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
        limits: impl IntoIterator<Item = <[u64; N] as Streams<N>>::Limits>,
        tier_of: G,
    ) -> Result<KeyedBuckets<K, N, C, H, G>, LimitError> {
        let Self { keys, clock, wait_bounds } = self;
        let limits = limits.into_iter().map(|limits| KeyLimits::new(<[u64; N]>::limits(limits), keys.origin()));
        let limits: Vec<_> = limits.collect::<Result<_, _>>()?;
        Ok(KeyedBuckets { keys: keys.with_tiers(limits, tier_of), clock, wait_bounds })
    }
}

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher, F> KeyedBuckets<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    /// The same, where the keys that there is no room for share one bucket of the same limits, one
    /// in each tier, instead of being refused.
    ///
    /// A key that was served from it begins full, like any other, once there is room for it.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
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

    /// The same, in which no reservation waits for longer than this, for any key: as
    /// [`TokenBucket::with_max_wait`](crate::TokenBucket::with_max_wait).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?
    ///     .with_max_wait(Duration::from_millis(500));
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

    /// The same, in which reservations of a key owe no more than this many tokens: as
    /// [`TokenBucket::with_max_debt`](crate::TokenBucket::with_max_debt).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?.with_max_debt(5);
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

    /// The bucket of this key as a value, with which go reservations, waiting, estimates and
    /// leases. It borrows the key, is made for nothing, and adds no key.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take("alice", 10)?;
    /// let alice = clients.bucket("alice");
    /// let place = alice.reserve(3)?;
    /// assert_eq!(place.remaining(), Duration::from_millis(300));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn bucket<'a, Q: ?Sized>(&'a self, key: &'a Q) -> KeyedBucket<'a, Q, K, N, C, H, F> {
        KeyedBucket { buckets: self, key }
    }

    /// The clock that the buckets read.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
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

    /// The buckets at a time that the caller supplies, a reading of this clock or of one with the
    /// same origin.
    ///
    /// A take at a time far ahead makes its bucket wait for that time; if that key is then removed
    /// at one still later, new keys wait for it, too.
    ///
    /// ```
    /// use tollgate::clock::{ManualClock, Time};
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.at(Time::ZERO).try_take(&7, 10)?;
    /// assert_eq!(clients.at(Time::from_nanos(300_000_000)).available(&7), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn at(&self, now: Time) -> KeyedBucketsAt<'_, K, N, H, F> {
        KeyedBucketsAt { keys: &self.keys, now }
    }
}

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher, F> fmt::Debug for KeyedBuckets<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, max_keys) = (self.len(), self.max_keys());
        f.debug_struct("KeyedBuckets").field("len", &len).field("max_keys", &max_keys).finish_non_exhaustive()
    }
}
