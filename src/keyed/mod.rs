//! Owns a bucket for every key, with a bound on their number. It never keeps a key: it keeps
//! hashes.
//!
//! - `keyed_buckets`: [`KeyedBuckets`], the table as callers see it.
//! - `keyed_verbs`: its verbs for one key; `keyed_upkeep`: what is done to all keys.
//! - `keyed_buckets_at`: the same at a time that the caller supplies.
//! - `keyed_bucket`: the bucket of one key as a value; `key_lease`: its lease.
//! - `streams`, `tier`, `key_hash`, `ip_key`, `key_refused`: what callers hand in and get back.
//! - `keys`: when a key is added and when it may go; `key_tier`: what the keys of a tier share.
//! - `table`, `group`, `cell`: where a key lies, and its words.
//! - `evicted`, `terms`, `terms_slot`, `key_limits`: words across evictions and changes of limits.

pub(crate) mod cell;
pub(crate) mod evicted;
pub(crate) mod group;
pub(crate) mod ip_key;
pub(crate) mod key_hash;
pub(crate) mod key_lease;
pub(crate) mod key_limits;
pub(crate) mod key_refused;
pub(crate) mod key_tier;
pub(crate) mod keyed_bucket;
pub(crate) mod keyed_buckets;
pub(crate) mod keyed_buckets_at;
pub(crate) mod keyed_upkeep;
pub(crate) mod keyed_verbs;
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
