//! Owns what is said of each verb of keyed buckets that takes or gives tokens; what it does is in
//! `keyed_buckets_at.rs`.

use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use crate::clock::clock::Clock;
use crate::decision::granted::Granted;
use crate::decision::refused::Never;
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_refused::{KeyRefused, NoRoom};
use crate::keyed::keyed_buckets::KeyedBuckets;
use crate::keyed::streams::{Amounts, Streams};
use crate::keyed::tier::{TierOf, Tiers};
use crate::state::snapshot::Snapshot;

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher, F: Tiers> KeyedBuckets<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    /// Takes these amounts from the bucket of a key, or nothing.
    ///
    /// # Errors
    ///
    /// [`KeyRefused::Bucket`] if the bucket is short of tokens, or never holds so many.
    /// [`KeyRefused::NoRoom`] for a new key at the [bound](Self#the-most-keys). A refused call
    /// changes nothing.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// assert!(clients.try_take("alice", 10).is_ok());
    /// assert!(clients.try_take("alice", 1).is_err());
    /// assert!(clients.try_take("bob", 1).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take<Q>(&self, key: &Q, amounts: Amounts<N>) -> Result<Granted<N>, KeyRefused<N>>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().try_take(key, amounts)
    }

    /// Takes these amounts from the bucket of a key, unless any of its streams owes tokens, also
    /// one with an amount of 0: see [`Bucket::admit`](crate::Bucket::admit).
    ///
    /// # Errors
    ///
    /// As [`try_take`](Self::try_take).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(1000)];
    /// let clients =
    ///     KeyedBuckets::<String, 2, _>::with_clock(limits, 1000, ManualClock::new())?;
    /// clients.admit("alice", [1, 0])?;
    /// clients.charge("alice", [0, 2500])?; // what the response came to
    /// let refused = clients.admit("alice", [1, 0]).unwrap_err();
    /// assert_eq!(refused.wait(), Some(Duration::from_millis(1500)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn admit<Q>(&self, key: &Q, amounts: Amounts<N>) -> Result<Granted<N>, KeyRefused<N>>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().admit(key, amounts)
    }

    /// Takes as many items of `per_item` tokens as fit, at most `max`, and returns how many.
    ///
    /// It takes none for a new key without room.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// assert_eq!(clients.take_up_to("alice", 7, 1), 7);
    /// assert_eq!(clients.take_up_to("alice", 7, 1), 3);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to<Q>(&self, key: &Q, max: u64, per_item: Amounts<N>) -> u64
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().take_up_to(key, max, per_item)
    }

    /// Takes as many of these requests as fit, in order, and returns how many.
    ///
    /// See [`TokenBucket::take_in_order`](crate::TokenBucket::take_in_order).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// assert_eq!(clients.take_in_order("alice", &[3, 4, 5, 1]), 2);
    /// assert_eq!(clients.available("alice"), 3);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn take_in_order<Q>(&self, key: &Q, requests: &[Amounts<N>]) -> usize
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().take_in_order(key, requests)
    }

    /// Takes these amounts unconditionally, for work already done.
    ///
    /// The key may go into debt. A key in debt is kept. In a pause it may be charged, too.
    ///
    /// # Errors
    ///
    /// [`KeyRefused::Bucket`] if it would owe more than any debt may be.
    /// [`KeyRefused::NoRoom`] for a new key at the [bound](Self#the-most-keys). A refused call
    /// changes nothing.
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
    /// clients.charge("alice", 25)?;
    /// assert_eq!(clients.wait_for("alice", 1)?, Some(Duration::from_millis(1600)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn charge<Q>(&self, key: &Q, amounts: Amounts<N>) -> Result<(), KeyRefused<N>>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().charge(key, amounts)
    }

    /// Sets the level of a key, at most to that of a key never seen.
    ///
    /// For operators and tests: [the bound](crate#the-bound) counts anew from here.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] for a new key at the [bound](Self#the-most-keys). The
    /// [overflow](Self::with_shared_overflow) is left alone.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// clients.reset("alice", 3)?;
    /// assert_eq!(clients.available("alice"), 3);
    /// clients.charge("alice", 1000)?;
    /// clients.reset("alice", u64::MAX)?;
    /// assert_eq!(clients.available("alice"), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset<Q>(&self, key: &Q, tokens: Amounts<N>) -> Result<(), NoRoom>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().reset(key, tokens)
    }

    /// Gives back to a key what it took and did not use.
    ///
    /// A bucket never holds more than its capacity. For an absent key the call does nothing, as
    /// absent means full. So what was taken from the [overflow](Self::with_shared_overflow) does
    /// not come back either, unless the key got a bucket of its own meanwhile.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// clients.try_take("alice", 10)?;
    /// clients.put_back("alice", 4);
    /// assert_eq!(clients.available("alice"), 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn put_back<Q>(&self, key: &Q, amounts: Amounts<N>)
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().put_back(key, amounts);
    }

    /// Returns the whole tokens that a key can take now.
    ///
    /// The answer may change before the call returns. For an absent key it is that of a key never
    /// seen.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// clients.try_take("alice", 4)?;
    /// assert_eq!((clients.available("alice"), clients.available("bob")), (6, 10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn available<Q>(&self, key: &Q) -> Amounts<N>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().available(key)
    }

    /// Returns the tokens that a key owes now, rounded up; 0 without a debt.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// clients.charge("alice", 25)?;
    /// assert_eq!((clients.debt("alice"), clients.debt("bob")), (15, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn debt<Q>(&self, key: &Q) -> Amounts<N>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().debt(key)
    }

    /// Returns what a key has, all streams at one instant.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let limits = [Limit::per_second(10), Limit::per_second(1000)];
    /// let clients =
    ///     KeyedBuckets::<String, 2, _>::with_clock(limits, 1000, ManualClock::new())?;
    /// clients.try_take("alice", [4, 100])?;
    /// assert_eq!(clients.snapshot("alice").available(), [6, 900]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snapshot<Q>(&self, key: &Q) -> Snapshot<N>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().snapshot(key)
    }

    /// Returns how long until these amounts are there, if nobody takes; `None` if nobody knows.
    /// Takes nothing.
    ///
    /// # Errors
    ///
    /// [`Never`] for more than a stream can hold.
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
    /// assert_eq!(clients.wait_for("alice", 3)?, Some(Duration::from_millis(300)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for<Q>(&self, key: &Q, amounts: Amounts<N>) -> Result<Option<Duration>, Never>
    where
        Q: KeyForm<K> + ?Sized,
        F: TierOf<Q>,
    {
        self.live().wait_for(key, amounts)
    }
}
