//! Owns what is remembered of a bucket that was built: its shape, its type, and how its limits
//! change. Never when they do.

use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use tollgate::keyed::{LimitsOf, Streams, Tiers};
use tollgate::limit::LimitError;
use tollgate::{Clock, KeyedBuckets, Limit, MultiBucket};

use super::shape::Shape;

/// A bucket, or buckets, whose limits can change. Each call has as many limits as there are
/// streams.
pub(super) trait Tuned: Send + Sync {
    /// The limits of a tier as they were set last.
    fn limits(&self, tier: usize) -> Vec<Limit>;

    /// Whether [`set`](Self::set) would succeed now.
    fn check(&self, tier: usize, limits: &[Limit]) -> Result<(), LimitError>;

    /// Changes the limits of a tier, and keeps levels and debts.
    fn set(&self, tier: usize, limits: &[Limit]) -> Result<(), LimitError>;
}

/// It has one tier.
impl<const N: usize, C: Clock + Send + Sync> Tuned for MultiBucket<N, C> {
    fn limits(&self, _: usize) -> Vec<Limit> {
        self.limits().to_vec()
    }

    fn check(&self, _: usize, limits: &[Limit]) -> Result<(), LimitError> {
        self.check_limits(array(limits))
    }

    fn set(&self, _: usize, limits: &[Limit]) -> Result<(), LimitError> {
        self.set_limits(array(limits))
    }
}

impl<K, const N: usize, C, H, F> Tuned for KeyedBuckets<K, N, C, H, F>
where
    K: Hash + Send + Sync,
    C: Clock + Send + Sync,
    H: BuildHasher + Send + Sync,
    F: Tiers + Send + Sync,
    [u64; N]: Streams<N>,
{
    fn limits(&self, tier: usize) -> Vec<Limit> {
        self.tier_limits(tier).limits().to_vec()
    }

    fn check(&self, tier: usize, limits: &[Limit]) -> Result<(), LimitError> {
        self.check_tier_limits(tier, array(limits).into())
    }

    fn set(&self, tier: usize, limits: &[Limit]) -> Result<(), LimitError> {
        self.set_tier_limits(tier, array(limits).into())
    }
}

/// As many limits as there are streams.
pub(super) fn array<const N: usize>(limits: &[Limit]) -> [Limit; N] {
    std::array::from_fn(|i| limits[i])
}

/// A bucket that was built.
#[derive(Clone)]
pub(super) struct Built {
    pub(super) shape: Shape,
    bucket: Arc<dyn Any + Send + Sync>,
    pub(super) tuned: Arc<dyn Tuned>,
}

impl Built {
    pub(super) fn new<B: Tuned + Any>(shape: Shape, bucket: Arc<B>) -> Self {
        Self { shape, bucket: bucket.clone(), tuned: bucket }
    }

    /// The bucket, if it has this shape and this type.
    pub(super) fn as_built<B: Any + Send + Sync>(&self, shape: &Shape) -> Option<Arc<B>> {
        if self.shape == *shape { Arc::clone(&self.bucket).downcast().ok() } else { None }
    }
}

impl fmt::Debug for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Built").field("shape", &self.shape).finish_non_exhaustive()
    }
}
