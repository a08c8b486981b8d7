//! Owns the verbs of a `KeyedBuckets` that decide for one key. Never says where a key lies.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use crate::clock::clock::Clock;
use crate::decision::refused::Never;
use crate::keyed::key_refused::{KeyRefused, NoRoom};
use crate::keyed::keyed_buckets::KeyedBuckets;
use crate::keyed::streams::{Amounts, Streams};
use crate::keyed::tier::TierOf;

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher, F> KeyedBuckets<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    /// Takes these amounts from the bucket of this key, or nothing.
    ///
    /// # Errors
    ///
    /// [`KeyRefused::Bucket`] as [`TokenBucket::try_take`](crate::TokenBucket::try_take), and
    /// [`KeyRefused::NoRoom`] for a new key at the [bound](Self#the-most-keys). A refused call
    /// changes nothing.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert!(clients.try_take("alice", 10).is_ok());
    /// assert!(clients.try_take("alice", 1).is_err());
    /// assert!(clients.try_take("bob", 1).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn try_take<Q>(&self, key: &Q, amounts: Amounts<N>) -> Result<(), KeyRefused<N>>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        self.at(self.clock().now()).try_take(key, amounts)
    }

    /// Takes as many items of `per_item` tokens as there are for this key, but no more than `max`,
    /// and says how many; 0 for a new key that there is no room for.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.take_up_to("alice", 7, 1), 7);
    /// assert_eq!(clients.take_up_to("alice", 7, 1), 3);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn take_up_to<Q>(&self, key: &Q, max: u64, per_item: Amounts<N>) -> u64
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        self.at(self.clock().now()).take_up_to(key, max, per_item)
    }

    /// Takes as many of these requests as fit, in order, and says how many: as
    /// [`TokenBucket::take_in_order`](crate::TokenBucket::take_in_order).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// assert_eq!(clients.take_in_order("alice", &[3, 4, 5, 1]), 2);
    /// assert_eq!(clients.available("alice"), 3);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn take_in_order<Q>(&self, key: &Q, requests: &[Amounts<N>]) -> usize
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        self.at(self.clock().now()).take_in_order(key, requests)
    }

    /// Takes these amounts unconditionally, for work already done. May go into debt:
    /// [`Bucket::charge`](crate::Bucket::charge). A key in debt is not removed.
    ///
    /// # Errors
    ///
    /// [`KeyRefused::Bucket`] as [`TokenBucket::charge`](crate::TokenBucket::charge), and
    /// [`KeyRefused::NoRoom`] for a new key at the [bound](Self#the-most-keys). A refused call
    /// changes nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.charge("alice", 25)?;
    /// assert_eq!(clients.wait_for("alice", 1)?, Duration::from_millis(1600));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn charge<Q>(&self, key: &Q, amounts: Amounts<N>) -> Result<(), KeyRefused<N>>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        self.at(self.clock().now()).charge(key, amounts)
    }

    /// Sets the level of this key, capped at that of a key that nobody used.
    ///
    /// For operators and tests: [the bound](crate#the-bound) counts anew from here. To forget a
    /// key, debt and all, reset it to [`u64::MAX`]: it is then as good as one never seen, and goes
    /// like those.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] for a new key at the [bound](Self#the-most-keys); what such keys may
    /// [share](Self::with_shared_overflow) is left alone.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.reset("alice", 3)?;
    /// assert_eq!(clients.available("alice"), 3);
    /// clients.charge("alice", 1000)?;
    /// clients.reset("alice", u64::MAX)?;
    /// assert_eq!(clients.available("alice"), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset<Q>(&self, key: &Q, tokens: Amounts<N>) -> Result<(), NoRoom>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        self.at(self.clock().now()).reset(key, tokens)
    }

    /// Gives back to this key what was taken and not used. A bucket never holds more than its
    /// capacity, so for a key that is not there, being full, there is nothing to do; nor for one
    /// that was served from the [shared overflow](Self::with_shared_overflow).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
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
        F: TierOf<Q>,
    {
        self.at(self.clock().now()).put_back(key, amounts);
    }

    /// Returns the tokens available for this key now, or for a new key if there is room.
    ///
    /// The answer may change before the call returns.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
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
        F: TierOf<Q>,
    {
        self.at(self.clock().now()).available(key)
    }

    /// How long until these amounts are there for this key if nobody takes; zero if they are. Takes
    /// nothing.
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
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.try_take("alice", 10)?;
    /// assert_eq!(clients.wait_for("alice", 3)?, Duration::from_millis(300));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for<Q>(&self, key: &Q, amounts: Amounts<N>) -> Result<Duration, Never>
    where
        K: Borrow<Q>,
        Q: Hash + ?Sized,
        F: TierOf<Q>,
    {
        self.at(self.clock().now()).wait_for(key, amounts)
    }
}
