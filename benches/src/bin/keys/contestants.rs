//! Owns the limiters with a bucket for every key, each as the smallest possible adapter. They never
//! refuse here.

use std::hash::Hash;
use std::num::NonZeroU32;

use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use tollgate::{KeyedBuckets, Limit};

/// A limiter that decides on one token of a key.
pub(crate) trait Keyed<K>: Sync {
    fn make(keys: usize) -> Self;

    fn decide(&self, key: &K) -> bool;
}

pub(crate) type Ours<K> = KeyedBuckets<K>;

/// Our limiter of two streams: requests and bytes.
pub(crate) type OursOfTwo<K> = KeyedBuckets<K, 2>;

/// A limit under which no key is evicted: no bucket refills during a measurement.
const LASTING: Limit = Limit::per_second(1).capacity(1 << 30);

impl<K: Eq + Hash + Clone + Send + Sync> Keyed<K> for Ours<K> {
    fn make(keys: usize) -> Self {
        Self::new(LASTING, keys).expect("a good limit")
    }

    #[inline]
    fn decide(&self, key: &K) -> bool {
        self.try_take(key, 1).is_ok()
    }
}

impl<K: Eq + Hash + Clone + Send + Sync> Keyed<K> for OursOfTwo<K> {
    fn make(keys: usize) -> Self {
        Self::new([LASTING; 2], keys).expect("good limits")
    }

    #[inline]
    fn decide(&self, key: &K) -> bool {
        self.try_take(key, [1, 1]).is_ok()
    }
}

pub(crate) type Governor<K> = RateLimiter<K, DashMapStateStore<K>, governor::clock::DefaultClock>;

impl<K: Eq + Hash + Clone + Send + Sync> Keyed<K> for Governor<K> {
    fn make(_: usize) -> Self {
        RateLimiter::dashmap(Quota::per_second(const { NonZeroU32::new(1 << 24).expect("not 0") }))
    }

    #[inline]
    fn decide(&self, key: &K) -> bool {
        self.check_key(key).is_ok()
    }
}

/// A key in the form that rate-net needs.
pub(crate) trait Named {
    fn name(&self) -> rate_net::Key;
}

impl Named for u64 {
    fn name(&self) -> rate_net::Key {
        rate_net::Key::id(*self)
    }
}

impl Named for String {
    fn name(&self) -> rate_net::Key {
        self.as_str().into()
    }
}

pub(crate) struct RateNet(rate_net::RateLimiter);

impl<K: Named> Keyed<K> for RateNet {
    fn make(_: usize) -> Self {
        let eviction = rate_net::Eviction::unbounded();
        Self(rate_net::RateLimiter::builder().per_second(1 << 24).eviction(eviction).build())
    }

    #[inline]
    fn decide(&self, key: &K) -> bool {
        self.0.check(key.name()).is_allow()
    }
}
