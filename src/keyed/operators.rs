//! Owns what is said of each verb of keyed buckets that is for operators: limits, tiers, single
//! keys and all keys. What it does is in `keyed_buckets_at.rs`.

use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use crate::clock::clock::Clock;
use crate::keyed::hold_error::HoldError;
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_refused::NoRoom;
use crate::keyed::keyed_buckets::KeyedBuckets;
use crate::keyed::streams::{Amounts, Limits, Shape, Streams};
use crate::keyed::table::Reading;
use crate::keyed::tier::{TierOf, Tiers};
use crate::limit::limit_error::LimitError;
use crate::state::saved::Saved;
use crate::state::snapshot::Snapshot;

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher, F: Tiers> KeyedBuckets<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    /// Forgets what a key has taken, a debt as well. Returns whether the key was there.
    ///
    /// [The bound](crate#the-bound) counts anew from here. Limits of its own and a block stay.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.charge("alice", 1000)?;
    /// assert!(clients.remove("alice") && !clients.remove("alice"));
    /// assert_eq!(clients.available("alice"), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove<Q>(&self, key: &Q) -> bool
    where
        Q: KeyForm<K> + ?Sized,
    {
        self.live().remove(key)
    }

    /// Returns all keys, each with its snapshot.
    ///
    /// It copies one shard at a time and holds no lock between, so keys that come or go meanwhile
    /// may be missed.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take("alice", 3)?;
    /// let (key, snapshot) = clients.iter().next().ok_or("no key")?;
    /// assert_eq!((key.as_str(), snapshot.available()), ("alice", [7]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (K, Snapshot<N>)>
    where
        K: Clone,
    {
        self.live().iter()
    }

    /// Forgets the keys for which `keep` returns `false`, as [`remove`](Self::remove) does.
    ///
    /// `keep` sees each key and its whole tokens. It runs outside all locks, so it may call the
    /// buckets and may panic. Keys that come meanwhile may be missed. A key that is used between
    /// that look and its removal stays.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.charge("alice", 1000)?;
    /// clients.try_take("bob", 4)?;
    /// clients.retain(|name, available| name != "bob" && available > 0);
    /// assert_eq!((clients.available("alice"), clients.available("bob"), clients.len()), (10, 10, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retain(&self, keep: impl FnMut(&K, Amounts<N>) -> bool)
    where
        K: Clone + Eq,
    {
        self.live().retain(keep);
    }

    /// Gives a key what was saved of it `passed` ago, at most what a key never seen has.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] for a new key at the [bound](Self#the-most-keys).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::keyed::Saved;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take("alice", 7)?;
    /// let saved = Saved::of(&clients.snapshot("alice"));
    /// clients.remove("alice");
    /// clients.restore("alice", &saved, Duration::ZERO)?;
    /// assert_eq!(clients.available("alice"), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restore<Q>(&self, key: &Q, saved: &Saved<N>, passed: Duration) -> Result<(), NoRoom>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().restore(key, saved, passed)
    }

    /// Drops all keys that are full now, and gives back memory.
    ///
    /// It looks at every key, one shard at a time; other calls wait for a shard while it does.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
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
        self.live().shrink();
    }

    /// Checks whether [`set_limits`](Self::set_limits) would succeed now. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`set_limits`](Self::set_limits).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.charge("alice", 1_000_000_000)?;
    /// assert!(clients.check_limits(Limit::per_second(1000)).is_ok());
    /// assert!(clients.check_limits(Limit::per_day(1)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_limits(&self, limits: Limits<N>) -> Result<(), LimitError> {
        self.live().check_limits(limits)
    }

    /// Puts all keys of all tiers under these limits, from now on. See [limits that
    /// change](Self#limits-that-change).
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that a bucket cannot hold, or that cannot hold the debt of a key.
    /// Nothing is changed then.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clock = ManualClock::new();
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, &clock)?;
    /// clients.try_take("alice", 10)?;
    /// clients.set_limits(Limit::per_second(100))?;
    /// // Nobody is given what was not earned: alice has nothing, and a key that nobody used the ten that there were.
    /// assert_eq!((clients.available("alice"), clients.available("bob")), (0, 10));
    /// clock.advance(Duration::from_millis(500));
    /// assert_eq!((clients.available("alice"), clients.available("bob")), (50, 60));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_limits(&self, limits: Limits<N>) -> Result<(), LimitError> {
        self.live().set_limits(limits)
    }

    /// Puts all keys of one tier under these limits, from now on.
    ///
    /// # Errors
    ///
    /// As [`set_limits`](Self::set_limits).
    ///
    /// # Panics
    ///
    /// If there is no such tier.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?
    ///     .with_tiers([Limit::per_second(500)], |key: &u64| usize::from(*key >= 1000))?;
    /// clients.set_tier_limits(1, Limit::per_second(400))?;
    /// assert_eq!((clients.available(&7), clients.available(&1007)), (10, 400));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn set_tier_limits(&self, tier: usize, limits: Limits<N>) -> Result<(), LimitError> {
        self.live().set_tier_limits(tier, limits)
    }

    /// Checks whether [`set_tier_limits`](Self::set_tier_limits) would succeed. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`set_limits`](Self::set_limits).
    ///
    /// # Panics
    ///
    /// If there is no such tier.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64>::new(Limit::per_second(10), 1000)?;
    /// assert!(clients.check_tier_limits(0, Limit::per_second(5)).is_ok());
    /// assert!(clients.check_tier_limits(0, Limit::per_second(5).capacity(0)).is_err());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn check_tier_limits(&self, tier: usize, limits: Limits<N>) -> Result<(), LimitError> {
        self.live().check_tier_limits(tier, limits)
    }

    /// Gives one key limits of its own, from now on. It keeps what it has and owes.
    ///
    /// The key stays until [`clear_key_limits`](Self::clear_key_limits). Calls for it cost a second
    /// lookup.
    ///
    /// # Errors
    ///
    /// [`HoldError::TooMany`] if as many keys are [held apart](Self::with_max_held) as may be.
    /// [`HoldError::Limit`] for a limit that cannot be kept, or that cannot hold what the key owes.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take("alice", 4)?;
    /// clients.set_key_limits("alice", Limit::per_second(100))?;
    /// clients.clock().advance(Duration::from_millis(500));
    /// assert_eq!(clients.available("alice"), 56);
    /// clients.clear_key_limits("alice")?;
    /// assert_eq!((clients.available("alice"), clients.limits()), (10, Limit::per_second(10)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_key_limits<Q>(&self, key: &Q, limits: Limits<N>) -> Result<(), HoldError>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().set_key_limits(key, limits)
    }

    /// Puts a key back under the limits of its tier. Returns whether it had its own.
    ///
    /// # Errors
    ///
    /// [`LimitError`] if the key owes more than those limits can hold. Nothing is changed then.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert!(!clients.clear_key_limits("alice")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear_key_limits<Q>(&self, key: &Q) -> Result<bool, LimitError>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().clear_key_limits(key)
    }

    /// Refuses a key until it is [resumed](Self::resume).
    ///
    /// A blocked key accrues nothing. A refusal costs no more than any other.
    ///
    /// # Errors
    ///
    /// [`HoldError::TooMany`] if as many keys are [held apart](Self::with_max_held) as may be.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.block("alice")?;
    /// assert_eq!(clients.try_take("alice", 1).unwrap_err().wait(), None);
    /// clients.resume("alice");
    /// assert!(clients.try_take("alice", 10).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn block<Q>(&self, key: &Q) -> Result<(), HoldError>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().block(key)
    }

    /// Refuses a key for this time, in which it accrues nothing. Never shortens a pause.
    ///
    /// A pause that is over takes no place: the key goes back among the others. Where there is no
    /// room among them it stays apart, and its place is taken until there is.
    ///
    /// # Errors
    ///
    /// [`HoldError::TooMany`] if as many keys are [held apart](Self::with_max_held) as may be.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.pause_for("alice", Duration::from_secs(3))?;
    /// assert_eq!(clients.wait_for("alice", 1)?, Some(Duration::from_secs(3)));
    /// clients.clock().advance(Duration::from_secs(3));
    /// assert!(clients.try_take("alice", 10).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pause_for<Q>(&self, key: &Q, pause: Duration) -> Result<(), HoldError>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().pause_for(key, pause)
    }

    /// Ends the pause or the block of a key, if there is one.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.block("alice")?;
    /// clients.resume("alice");
    /// assert!(clients.try_take("alice", 1).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resume<Q>(&self, key: &Q)
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().resume(key);
    }

    /// Returns whether a key has limits of its own.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.set_key_limits("alice", Limit::per_second(1))?;
    /// assert!(clients.has_key_limits("alice") && !clients.has_key_limits("bob"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_key_limits<Q>(&self, key: &Q) -> bool
    where
        Q: KeyForm<K> + ?Sized,
    {
        self.table.has_own(key)
    }

    /// Adds a tier, and returns its index. Keys get it once the tier function names it.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept.
    ///
    /// # Panics
    ///
    /// If there are 65,536 tiers already.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.add_tier(Limit::per_second(500))?, 1);
    /// assert_eq!(clients.tier_limits(1), Limit::per_second(500));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_tier(&self, limits: Limits<N>) -> Result<usize, LimitError> {
        self.table.add_tier(<[u64; N]>::limits(limits), Reading { now: self.clock.now(), clock: Some(&self.clock) })
    }

    /// Returns the limits of tier 0 as they were written.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.set_limits("1kB/s capacity 20".parse()?)?;
    /// assert_eq!(clients.limits().to_string(), "1kB/s capacity 20B");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn limits(&self) -> Limits<N> {
        self.tier_limits(0)
    }

    /// Returns the limits of a tier as they were written, all of one change.
    ///
    /// # Panics
    ///
    /// If there is no such tier.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?
    ///     .with_tiers([Limit::per_second(500)], |key: &u64| usize::from(*key >= 1000))?;
    /// assert_eq!(clients.tier_limits(1), Limit::per_second(500));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn tier_limits(&self, tier: usize) -> Limits<N> {
        <[u64; N]>::configured(self.table.configured(tier))
    }

    /// Returns how many tiers there are.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// assert_eq!(KeyedBuckets::<u64>::new(Limit::per_second(10), 1000)?.tiers(), 1);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn tiers(&self) -> usize {
        self.table.tiers()
    }

    /// Returns how many keys are kept, at most [`max_keys`](Self::max_keys).
    ///
    /// Keys that are full and not dropped yet are among them. Keys that are [held
    /// apart](Self::with_max_held) are not.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take(&7, 1)?;
    /// assert_eq!((clients.len(), clients.max_keys()), (1, 1000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.table.room.len()
    }

    /// Returns whether no key is kept.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// let _ = clients.try_take(&7, 11).unwrap_err();
    /// assert!(clients.is_empty());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the most keys that there may be.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// assert_eq!(KeyedBuckets::<u64>::new(Limit::per_second(10), 1000)?.max_keys(), 1000);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn max_keys(&self) -> usize {
        self.table.room.max_keys()
    }
}
