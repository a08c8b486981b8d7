//! Owns the steps of a gate on the bucket of a key that owns a share of all. What they do is in
//! `key.rs`.

use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::sync::Arc;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::gate::keys::LimitedKeys;
use crate::gate::limited::{FoundOf, Moment, Steps, TakenOf};
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_refused::KeyRefused;
use crate::keyed::keyed_buckets::KeyedBuckets;
use crate::keyed::overflow::Source;
use crate::keyed::owned_keyed_bucket::OwnedKeyedBucket;
use crate::keyed::streams::{Amounts, Shape, Streams};
use crate::keyed::tier::{TierOf, Tiers};
use crate::limit::limit::Limit;
use crate::wait::timer::Timer;

impl<K, const N: usize, C, H, F> Steps for OwnedKeyedBucket<K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: KeyForm<K> + Send + Sync,
    C: Clock + Send + Sync,
    H: BuildHasher + Send + Sync,
    F: Tiers + TierOf<K> + Send + Sync,
{
    type Clock = C;
    type Amounts = Amounts<N>;
    type Tokens = [u64; N];
    type Configured = [Limit; N];
    type Refused = KeyRefused<N>;
    type Held = Source;

    fn tokens(amounts: Amounts<N>) -> [u64; N] {
        <[u64; N]>::array(amounts)
    }

    fn clock(&self) -> &C {
        self.buckets().clock()
    }

    fn configured(&self) -> [Limit; N] {
        self.view().configured()
    }

    fn owed(&self) -> [u64; N] {
        self.view().owed()
    }

    fn fits(&self, at: Moment, tokens: &[u64; N]) -> bool {
        self.view().fits(at, tokens)
    }

    fn look(&self, at: Moment, tokens: &[u64; N]) -> FoundOf<Self> {
        self.view().look(at, tokens)
    }

    fn take(&self, at: Moment, tokens: &[u64; N]) -> Result<TakenOf<Self>, FoundOf<Self>> {
        Steps::take(&self.view(), at, tokens)
    }

    fn put_back(&self, now: Time, tokens: &[u64; N], held: Source) {
        self.view().put_back(now, tokens, held);
    }

    fn settle(&self, now: Time, taken: &[u64; N], used: &[u64; N], held: Source) -> Result<(), KeyRefused<N>> {
        self.view().settle(now, taken, used, held)
    }

    async fn wait_on<T: Timer<Sleep: Send> + Send>(
        &self,
        tokens: [u64; N],
        timeout: Duration,
        timer: T,
    ) -> Result<Source, KeyRefused<N>> {
        self.view().wait_on(tokens, timeout, timer).await
    }

    fn wait_blocking(&self, tokens: [u64; N], timeout: Duration) -> Result<Source, KeyRefused<N>> {
        self.view().wait_blocking(tokens, timeout)
    }
}

impl<K, const N: usize, C, H, F> LimitedKeys for Arc<KeyedBuckets<K, N, C, H, F>>
where
    [u64; N]: Streams<N>,
    K: KeyForm<K> + Hash + Send + Sync,
    C: Clock + Send + Sync,
    H: BuildHasher + Send + Sync,
    F: Tiers + TierOf<K> + Send + Sync,
{
    type Key = K;
    type Limited = OwnedKeyedBucket<K, N, C, H, F>;

    fn limit_of(&self, key: K) -> Self::Limited {
        Self::clone(self).bucket_owned(key)
    }

    fn kept(&self) -> usize {
        self.len()
    }
}
