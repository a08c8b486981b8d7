//! Owns what is done to all keys of a `KeyedBuckets` at once: removing, counting, changing limits.
//! Never decides for one key.

use core::hash::{BuildHasher, Hash};

use crate::clock::clock::Clock;
use crate::keyed::keyed_buckets::KeyedBuckets;
use crate::keyed::streams::{Amounts, Shape, Streams};
use crate::limit::limit::LimitError;

impl<K: Hash, const N: usize, C: Clock, H: BuildHasher, F> KeyedBuckets<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    /// Removes all keys that are full now. It looks at every key, so it takes a while where there
    /// are many; no other call waits for it.
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
        self.at(self.clock().now()).shrink();
    }

    /// Fills the buckets of those keys that `keep` does not want, which is given what is there for
    /// each, and removes the keys that are full.
    ///
    /// **A key that is filled so is forgotten**, a debt as well: its next use finds a full bucket,
    /// and [the bound](crate#the-bound) counts anew from there. It goes like other [keys that were
    /// given tokens back](Self#a-key-begins-full-and-may-go-when-it-is-full). It looks at every
    /// key, so it takes a while where there are many; no other call waits for it. Keys that come
    /// meanwhile may be missed. The keys themselves are not kept, so `keep` cannot see them; see
    /// [`reset`](Self::reset) for one that is known.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
    /// clients.charge("alice", 1000)?;
    /// clients.try_take("bob", 4)?;
    /// clients.retain(|available| available > 0);
    /// assert_eq!((clients.available("alice"), clients.available("bob")), (10, 6));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retain(&self, keep: impl FnMut(Amounts<N>) -> bool) {
        self.at(self.clock().now()).retain(keep);
    }

    /// Puts all keys under these limits, from now on, whether they are in use, idle or never seen;
    /// see [limits that change](Self#limits-that-change).
    ///
    /// Where there are several [tiers](Self#tiers), all of them, one after the other.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept, or not in the units of a tier. Nothing is
    /// changed then.
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
    pub fn set_limits(&self, limits: <[u64; N] as Streams<N>>::Limits) -> Result<(), LimitError> {
        let limits = <[u64; N]>::limits(limits);
        (0..self.tiers()).try_for_each(|tier| self.keys.limits(tier).check(&limits))?;
        (0..self.tiers()).try_for_each(|tier| self.keys.limits(tier).change(|| self.clock().now(), limits))
    }

    /// Puts all keys of this tier under these limits, from now on; as
    /// [`set_limits`](Self::set_limits).
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept, or not in the units of the tier. Nothing is
    /// changed then.
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
    pub fn set_tier_limits(&self, tier: usize, limits: <[u64; N] as Streams<N>>::Limits) -> Result<(), LimitError> {
        self.keys.limits(tier).change(|| self.clock().now(), <[u64; N]>::limits(limits))
    }

    /// The limits of all keys, as they were configured; with several tiers, those of tier 0.
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
    pub fn limits(&self) -> <[u64; N] as Streams<N>>::Limits {
        self.tier_limits(0)
    }

    /// The limits of this tier as they were configured, all of one change.
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
    pub fn tier_limits(&self, tier: usize) -> <[u64; N] as Streams<N>>::Limits {
        <[u64; N]>::configured(self.keys.limits(tier).configured())
    }

    /// How many tiers there are.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// assert_eq!(KeyedBuckets::<u64>::new(Limit::per_second(10), 1000)?.tiers(), 1);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn tiers(&self) -> usize {
        self.keys.tiers()
    }

    /// How many keys are kept, or just being added; those that are full and not removed yet are
    /// among them. Never more than [`max_keys`](Self::max_keys).
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
        self.keys.len() as usize
    }

    /// Whether no key is kept.
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

    /// The most keys that there may be.
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// assert_eq!(KeyedBuckets::<u64>::new(Limit::per_second(10), 1000)?.max_keys(), 1000);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn max_keys(&self) -> usize {
        self.keys.most() as usize
    }
}
