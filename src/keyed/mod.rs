//! keyed

pub(crate) mod cell;
pub(crate) mod evicted;
pub(crate) mod group;
pub(crate) mod ip_key;
pub(crate) mod key_hash;
pub(crate) mod key_lease;
pub(crate) mod key_limits;
pub(crate) mod key_refused;
pub(crate) mod keyed_bucket;
pub(crate) mod keyed_buckets;
pub(crate) mod keyed_buckets_at;
pub(crate) mod keys;
pub(crate) mod streams;
pub(crate) mod table;
pub(crate) mod terms;
pub(crate) mod terms_slot;
pub(crate) mod tier;

pub use ip_key::IpKey;
pub use key_hash::{KeyHash, KeyHasher};
pub use key_lease::KeyLease;
pub use key_refused::{KeyRefused, NoRoom};
pub use keyed_bucket::KeyedBucket;
pub use keyed_buckets::KeyedBuckets;
pub use keyed_buckets_at::KeyedBucketsAt;
pub use streams::{Amounts, Streams};
pub use tier::{OneTier, TierOf};
